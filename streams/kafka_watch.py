"""How far behind we are, lane by lane, and what to do where nobody comes for the rest.

A partition whose messages are neither taken nor in hand for a while has been passed over (partitions moved while Faust
held what it had fetched): its messages are fetched and handled. Otherwise the distance is only told.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from domain.errors import StoreUnavailable
from streams.kafka_books import KafkaBooks
from streams.kafka_gaps import Gapless
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import WITHIN

LOOK_EVERY = timedelta(seconds=2)
_LOOKS = 3
"""So often a lane is seen at the same place, with messages waiting and nothing in hand, before it is caught up."""
_LOOKS_BUSY = 15
"""So often where other lanes keep us busy: an agent works for all its lanes in turn."""


class LaneWatch:
    """Looks at the lanes that are ours.

    `busy` says whether a message is in hand; `tell` is given topic, partition and how many messages wait. Whoever stops
    us waits for a look to end, so a broker that is silent is waited for `within`, not for the client's own 40 s.
    """

    def __init__(
        self,
        policy: KafkaPolicy,
        books: KafkaBooks,
        lanes: Mapping[str, Gapless],
        *,
        assigned: Callable[[], Mapping[str, frozenset[int]]],
        busy: Callable[[], bool],
        tell: Callable[[str, int, int], None],
        within: timedelta = WITHIN,
    ) -> None:
        self._policy = policy
        self._within = within
        self._books = books
        self._lanes = lanes
        self._assigned = assigned
        self._busy = busy
        self._tell = tell
        self._seen: dict[tuple[str, int], tuple[int, int]] = {}
        self._counted = 0
        self._consumer: AIOKafkaConsumer | None = None

    async def look(self) -> int:
        """Look once at every lane of ours. Returns how many messages were found passed over, and handled, since the
        last look, by us or by an agent. Raises StoreUnavailable."""
        ours = [(topic, partition) for topic, found in self._assigned().items() for partition in sorted(found)]
        ends = await self._ends(ours)
        for (topic, partition), end in ends.items():
            place = await self._books.place(f"{topic}|{partition}")
            taken = -1 if place is None else place
            self._tell(topic, partition, max(0, end - 1 - taken))
            if self._is_left(topic, partition, taken, end):
                await self._lanes[topic].catch_up(topic, partition, end)
        self._seen = {lane: seen for lane, seen in self._seen.items() if lane in ends}
        before, self._counted = self._counted, sum(each.passed_over for each in set(self._lanes.values()))
        return self._counted - before

    async def close(self) -> None:
        """Let go of the connection."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    def _is_left(self, topic: str, partition: int, taken: int, end: int) -> bool:
        at, looks = self._seen.get((topic, partition), (taken, 0))
        if taken >= end - 1 or at != taken:
            self._seen[topic, partition] = (taken, 0)
            return False
        self._seen[topic, partition] = (taken, looks + 1)
        return looks + 1 >= (_LOOKS_BUSY if self._busy() else _LOOKS)

    async def _ends(self, lanes: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
        if not lanes:
            return {}
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                if self._consumer is None:
                    self._consumer = AIOKafkaConsumer(**self._policy.client_options(), enable_auto_commit=False)
                    await self._consumer.start()
                found = await self._consumer.end_offsets([TopicPartition(*lane) for lane in lanes])
        except (KafkaError, TimeoutError) as error:
            await self.close()
            raise StoreUnavailable(f"Kafka did not answer ({type(error).__name__}).") from error
        return {(lane.topic, lane.partition): end for lane, end in found.items()}
