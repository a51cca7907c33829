"""A worker of engine B, put together: agents for both hops, the relay between them, and the watch over its lanes.

Start it with the store's client and the two halves of the step; the loops are the caller's to run (`turns`).
"""

import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog
from redis.asyncio import Redis

from domain.clock import Clock
from domain.kinds import Feed
from streams.distributed import FaustEngine, Lane, SetAside
from streams.embedded import Decider, Recogniser
from streams.kafka_books import KafkaBooks
from streams.kafka_gaps import Gapless
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer
from streams.kafka_relay import Relay
from streams.kafka_watch import LaneWatch
from streams.kafka_work import DecideWork, ReadFeed, RecogniseWork

log = structlog.get_logger("reachpoint.kafka")


class KafkaWorker:
    """Recognises and decides what Kafka carries, as one member of the group."""

    def __init__(
        self,
        client: Redis,
        policy: KafkaPolicy,
        producer: KafkaProducer,
        books: KafkaBooks,
        *,
        recogniser: Recogniser,
        decider: Decider,
        read_feed: ReadFeed,
        clock: Clock,
        folder: Path,
        tell_lag: Callable[[str, int, int], None] = lambda _topic, _partition, _lag: None,
    ) -> None:
        self.set_aside = set_aside = SetAside(producer, policy, socket.gethostname())
        first = RecogniseWork(books, recogniser, policy, clock, read_feed)
        recognise = Gapless(first.handle, books, policy, set_aside)
        decide = Gapless(DecideWork(books, decider).handle, books, policy, set_aside)
        arriving = [policy.events, *(policy.feed(feed) for feed in Feed)]
        lanes = [
            Lane("recognise", arriving, recognise.handle),
            Lane("decide", [policy.matched], decide.handle),
        ]
        self.engine = FaustEngine(policy, lanes, set_aside, folder=folder)
        self._relay = Relay(client, producer, policy, self.engine.owned_shards)
        self._watch = LaneWatch(
            policy,
            books,
            {**dict.fromkeys(arriving, recognise), policy.matched: decide},
            assigned=self.engine.assigned,
            busy=lambda: self.engine.busy,
            tell=tell_lag,
        )

    async def start(self) -> None:
        """Join the group and begin."""
        await self.engine.start()
        log.info("joined the group", action="kafka_joined", pid=os.getpid())

    async def stop(self) -> None:
        """Finish what is in hand and leave."""
        await self.engine.stop()
        await self._watch.close()

    @property
    def relay(self) -> Callable[[], Awaitable[int]]:
        """Passes matched events on; run it again and again."""
        return self._relay.run_once

    @property
    def watch(self) -> Callable[[], Awaitable[int]]:
        """Looks at the lanes once; run it every `kafka_watch.LOOK_EVERY`."""
        return self._watch.look

    def shares(self) -> Mapping[str, frozenset[int]]:
        """The partitions that are ours now, by topic."""
        return self.engine.assigned()
