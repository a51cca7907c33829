"""Both hops played through a real Kafka: the Play of tests/unit/streams, with agents of Faust between its hops.

One worker lives for a whole test module and is lent to one play after another, so that joining the group is paid once.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from cohort.index import CohortIndex
from cohort.policy import MatchPolicy
from domain.events import Event, Feed
from streams.decide import World
from streams.embedded import Decider, Observers, Recogniser, keep_running
from streams.feeds.records import parse_body
from streams.intake import Record
from streams.kafka_books import KafkaBooks
from streams.kafka_intake import KafkaIntake
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer
from streams.kafka_topics import ensure_topics
from streams.kafka_work import Message
from streams.kafka_worker import KafkaWorker
from streams.valkey_decide import ValkeyDecide
from tests.unit.streams.play import Play, valkey_twin

_WITHIN = timedelta(seconds=60)
_LOOK_S = 0.004


class Stage:
    """A worker on Kafka whose people, rules and clock are those of the play on stage."""

    def __init__(self, client: Redis, policy: KafkaPolicy, folder: Path) -> None:
        self.client = client
        self.policy = policy
        self.play: Play | None = None
        self.producer = KafkaProducer(policy)
        self.books = KafkaBooks(client)
        self.intake = KafkaIntake(self.producer, self.books, policy)
        self.decisions = ValkeyDecide(client)
        recogniser = Recogniser(self.books, self._index, MatchPolicy(), self, Observers())
        decider = Decider(self.decisions, self._index, self._world, self, Observers())
        self.worker = KafkaWorker(
            client,
            policy,
            self.producer,
            self.books,
            recogniser=recogniser,
            decider=decider,
            read_feed=read_feed,
            clock=self,
            folder=folder,
        )

    def now(self) -> datetime:
        """The clock of the play on stage (domain.clock.Clock)."""
        return self._playing().clock.now()

    def _index(self) -> CohortIndex:
        return self._playing().index

    def _world(self) -> World:
        return self._playing().current_world()

    def _playing(self) -> Play:
        assert self.play is not None, "nothing is played"
        return self.play


class KafkaPlay(Play):
    """A play whose events go through Kafka. The store must be empty when it begins."""

    def __init__(self, stage: Stage, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, twin=valkey_twin(stage.client), **kwargs)
        self._stage = stage
        self._sent: list[Event] = []
        stage.play = self

    async def prepare(self) -> "KafkaPlay":
        """See Play."""
        await self._stage.books.prepare()
        return self

    async def accept(self, *events: Event) -> list[int]:
        """See Play."""
        if events:
            self.clock.set(max(self.clock.now(), *(each.received_at for each in events)))
        self._sent += events
        return list(await self._stage.intake.accept(events, self.clock.now()))

    async def run(self) -> None:
        """Wait until every event that was sent has ended."""
        async with asyncio.timeout(_WITHIN.total_seconds()):
            while not await self._quiet():  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(_LOOK_S)
        self._sent.clear()

    async def _quiet(self) -> bool:
        books = self._stage.books
        if (await books.counts()).in_flight:
            return False
        return None not in [await books.disposition(each.event_id) for each in self._sent]


@asynccontextmanager
async def stage_on(
    client: Redis, policy: KafkaPolicy, *, lend: Callable[[Stage], None] = lambda _: None
) -> AsyncIterator[Stage]:
    """A worker in the group, with its relay running. `lend` puts a first play on stage before the agents begin."""
    await ensure_topics(policy)
    with tempfile.TemporaryDirectory(prefix="rp-faust-") as folder:
        stage = Stage(client, policy, Path(folder))
        lend(stage)
        stop = asyncio.Event()
        await stage.books.prepare()
        await stage.producer.start()
        await stage.worker.start()
        relay = asyncio.create_task(keep_running("relay", stage.worker.relay, stop))
        try:
            async with asyncio.timeout(_WITHIN.total_seconds()):
                while len(stage.worker.engine.owned_shards()) < policy.shards:  # noqa: ASYNC110 - Faust tells nobody
                    await asyncio.sleep(0.05)
            yield stage
        finally:
            stop.set()
            await relay
            await stage.worker.stop()
            await stage.producer.stop()


def read_feed(feed: Feed, message: Message, at: datetime) -> Sequence[Record]:
    """A feed's own records, as NDJSON."""
    found = parse_body(message.value, "application/x-ndjson", feed=feed, received_at=at, channel="kafka", source="test")
    return [(result, b"") for result in found]
