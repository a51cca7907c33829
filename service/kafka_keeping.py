"""What a worker of the distributed engine runs beside the two hops: its place in the group, its lanes, the
topic of alerts.

Its loops are the service's to run (service/runtime.py).
"""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from redis.asyncio import Redis

from domain.clock import Clock
from service.engines import Engine, kafka_worker
from service.metrics import Metrics
from service.wiring import Policies
from streams.kafka_alerts import AlertsPublisher
from streams.kafka_books import KafkaBooks
from streams.kafka_standing import Lane, LaneStanding

if TYPE_CHECKING:
    from streams.embedded import Decider, Recogniser


class KafkaKeeping:
    """One member of the group, with what is told of it."""

    def __init__(
        self,
        engine: Engine,
        client: Redis,
        policies: Policies,
        *,
        recogniser: "Recogniser",
        decider: "Decider",
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        assert isinstance(engine.transport, KafkaBooks)
        assert engine.producer is not None
        assert policies.kafka is not None
        self._clock = clock
        self._metrics = metrics
        self._standing = LaneStanding(engine.transport.place, clock.now())
        self._shown: set[Lane] = set()
        self._told_aside = 0
        self._publisher = AlertsPublisher(client, engine.producer, policies.kafka)
        self.worker = kafka_worker(
            engine,
            client,
            policies,
            recogniser=recogniser,
            decider=decider,
            clock=clock,
            folder=Path(tempfile.gettempdir()) / f"reachpoint-{os.getpid()}",
            tell_lag=self._standing.tell,
        )

    @property
    def relay(self) -> Callable[[], Awaitable[int]]:
        """Passes matched events on; run it again and again."""
        return self.worker.relay

    async def join(self, stop: asyncio.Event) -> None:
        """A member of the group until `stop`; what is in hand then is finished first."""
        await self.worker.start()
        try:
            await stop.wait()
        finally:
            await self.worker.stop()

    async def look(self) -> int:
        """Look at the lanes once and tell how they stand. Returns how many messages had been passed over."""
        passed_over = await self.worker.watch()
        await self._standing.look(self.worker.shares(), self._clock.now())
        self._tell(passed_over)
        return passed_over

    async def publish(self) -> int:
        """Publish changes of alerts that wait: for whoever leads."""
        published = await self._publisher.turn()
        self._metrics.alerts_published.inc(published)
        return published

    async def tell_waiting(self) -> None:
        """How many changes are still to be published, into the metrics."""
        self._metrics.alerts_unpublished.set(await self._publisher.waiting())

    def hindrances(self) -> tuple[str, ...]:
        """Why this worker is of no use now; empty where it is."""
        joining = () if self.worker.engine.joined else ("the group of workers is being joined",)
        return (*joining, *self._standing.hindrances(self._clock.now()))

    def _tell(self, passed_over: int) -> None:
        metrics, engine = self._metrics, self.worker.engine
        waiting = self._standing.waiting()
        for topic, partition in self._shown - waiting.keys():
            metrics.kafka_lag.remove(topic, str(partition))  # another worker's now
        for (topic, partition), number in waiting.items():
            metrics.kafka_lag.labels(topic, str(partition)).set(number)
        self._shown = set(waiting)
        metrics.kafka_passed_over.inc(passed_over)
        metrics.kafka_in_hand.set(engine.in_hand)
        metrics.kafka_set_aside.inc(self.worker.set_aside.count - self._told_aside)
        self._told_aside = self.worker.set_aside.count
