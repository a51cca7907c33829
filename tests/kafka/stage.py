"""Both hops played through a real Kafka: the Play of tests/unit/streams, with agents of Faust between its hops.

One worker lives for a whole test module and is lent to one play after another, so that joining the group is paid once.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from redis.asyncio import Redis

from cohort.index import CohortIndex
from cohort.policy import MatchPolicy
from domain.events import Event
from domain.ids import SHARDS
from domain.kinds import Feed
from domain.people import CohortMember
from streams import keys
from streams.decide import World
from streams.embedded import Decider, Observers, Recogniser, keep_running
from streams.feeds.records import parse_body
from streams.intake import Record
from streams.kafka_books import REGISTERED, KafkaBooks
from streams.kafka_intake import KafkaIntake
from streams.kafka_lookback import ManyWorkers
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer
from streams.kafka_topics import ensure_topics
from streams.kafka_work import Message
from streams.kafka_worker import KafkaWorker
from streams.lookback_ports import LookBackLog
from streams.lookback_valkey import ValkeyLookBack
from streams.ports import LogEntry, MatchedEntry
from streams.valkey_decide import ValkeyDecide
from tests.unit.streams.looking_back import Looking
from tests.unit.streams.play import Play, Twin, valkey_twin

_WITHIN = timedelta(seconds=180)
_LOOK_S = 0.004
_UNDER_WAY = 18
"""The length of the row of an event that has not ended: 17 and `>` (streams/lua/books.lua)."""


class Stage:
    """A worker on Kafka whose people, rules and clock are those of the play on stage."""

    def __init__(self, client: Redis, policy: KafkaPolicy, folder: Path) -> None:
        self.client = client
        self.policy = policy
        self.play: Play | None = None
        self._looker: AIOKafkaConsumer | None = None
        self.producer = KafkaProducer(policy)
        self.books = KafkaBooks(client)
        self.intake = KafkaIntake(self.producer, self.books, policy)
        self.decisions = ValkeyDecide(client)
        recogniser = _Recogniser(self)
        decider = _Decider(self)
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
        return self.playing().clock.now()

    def index(self) -> CohortIndex:
        """The people of the play on stage."""
        return self.playing().index

    def world(self) -> World:
        """The rules of the play on stage."""
        return self.playing().current_world()

    def playing(self) -> Play:
        """The play on stage."""
        assert self.play is not None, "nothing is played"
        return self.play

    def twin(self) -> Twin:
        """A worker's connection, with the books of engine B."""
        return replace(valkey_twin(self.client), transport=self.books)

    async def clear(self) -> None:
        """The store empty again, but for the streams that the relay stands at."""
        kept = {keys.EVENTS, keys.REOPENED, REGISTERED, *map(keys.matched_stream, range(SHARDS))}
        for name in await self.client.keys("*"):
            if name.decode() not in kept:
                await self.client.delete(name)
        for stream in kept - {REGISTERED}:
            await self.client.xtrim(stream, maxlen=0, approximate=False)

    async def still(self) -> bool:
        """Whether nothing is on its way to a decision: no message between the relay's streams and the books."""
        before = await self._ends()
        waits: Any = await self.client.hmget(REGISTERED, [f"{lane.topic}|{lane.partition}" for lane in before])
        lanes = zip(before.values(), waits, strict=True)
        if any(end and (place is None or int(place) < end - 1) for end, place in lanes):
            return False
        async with self.client.pipeline(transaction=False) as pipe:
            for stream in map(keys.matched_stream, range(SHARDS)):
                pipe.xinfo_groups(stream)
                pipe.xinfo_stream(stream)
            found = await pipe.execute()
        for (group,), stream in zip(found[::2], found[1::2], strict=True):
            if group["pending"] or group["last-delivered-id"] != stream["last-generated-id"]:
                return False
        return await self._ends() == before

    async def _ends(self) -> dict[TopicPartition, int]:
        assert self._looker is not None
        found: dict[TopicPartition, int] = await self._looker.end_offsets(
            [TopicPartition(self.policy.matched, shard) for shard in range(SHARDS)]
        )
        return found

    async def begin_looking(self) -> None:
        """Connect whoever asks where the lanes end."""
        self._looker = AIOKafkaConsumer(**self.policy.client_options(), enable_auto_commit=False)
        await self._looker.start()

    async def end_looking(self) -> None:
        """Let go of it."""
        if self._looker is not None:
            await self._looker.stop()


class _Recogniser(Recogniser):
    """The first hop of whatever is played: its people, its links."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.books, stage.index, MatchPolicy(), stage, Observers())
        self._stage = stage

    async def take(self, entries: Sequence[LogEntry]) -> int:
        """See Recogniser."""
        return await self._stage.playing().recogniser.take(entries)


class _Decider(Decider):
    """The second hop of whatever is played: its rules, what it remembers."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.decisions, stage.index, stage.world, stage, Observers())
        self._stage = stage

    async def take(self, entries: Sequence[MatchedEntry]) -> int:
        """See Decider."""
        return await self._stage.playing().decider.take(entries)


class KafkaPlay(Play):
    """A play whose events go through Kafka. The store must be empty when it begins."""

    def __init__(self, stage: Stage, members: Iterable[CohortMember], **kwargs: Any) -> None:
        super().__init__(members, stage.twin(), **kwargs)
        self._stage = stage
        self._sent: list[Event] = []
        stage.play = self

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
        rows: Any = await self._stage.client.mget([keys.EVENT_ROW + each.event_id for each in self._sent] or ["-"])
        if any(row is None or len(row) <= _UNDER_WAY for row in rows[: len(self._sent)]):
            return False
        return await self._stage.still()


class KafkaLooking(Looking):
    """A house with look-back whose events go through Kafka."""

    def __init__(self, stage: Stage, **play: Any) -> None:
        self._stage = stage
        super().__init__(client=stage.client, **play)

    def _played(self, **play: Any) -> Play:
        return KafkaPlay(self._stage, (), **play)

    def _connection(self) -> tuple[Twin, LookBackLog]:
        client = self._stage.client
        return self._stage.twin(), ValkeyLookBack(client, beside=ManyWorkers(client))


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
        await stage.begin_looking()
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
            await stage.end_looking()
            await stage.producer.stop()


def read_feed(feed: Feed, message: Message, at: datetime) -> Sequence[Record]:
    """A feed's own records, as NDJSON."""
    found = parse_body(message.value, "application/x-ndjson", feed=feed, received_at=at, channel="kafka", source="test")
    return [(result, b"") for result in found]
