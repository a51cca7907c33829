"""Whether the lanes of a worker move: from our own counters, for whoever watches the worker.

A lane on which messages wait and none is taken for a minute stands still. A worker with such a lane is alive and of no
use; so is one that has not been able to look for half a minute, because Kafka or the store does not answer.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

STILL_AFTER = timedelta(seconds=60)
BLIND_AFTER = timedelta(seconds=30)

Lane = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True, slots=True)
class _Seen:
    waiting: int
    place: int | None
    since: datetime  # when it was first seen at this place with something waiting


class LaneStanding:
    """Remembers where each lane of ours was. `place` tells the offset of the last message taken of a lane."""

    def __init__(self, place: Callable[[str], Awaitable[int | None]], now: datetime) -> None:
        self._place = place
        self._looked_at = now
        self._waiting: dict[Lane, int] = {}
        self._seen: dict[Lane, _Seen] = {}

    def tell(self, topic: str, partition: int, waiting: int) -> None:
        """So many messages wait on a lane (what `LaneWatch` tells)."""
        self._waiting[topic, partition] = waiting

    async def look(self, assigned: Mapping[str, frozenset[int]], now: datetime) -> None:
        """Look once at the lanes that are ours now; others are forgotten."""
        ours = {(topic, partition) for topic, found in assigned.items() for partition in found}
        seen = {lane: await self._look_at(lane, now) for lane in sorted(ours & self._waiting.keys())}
        self._waiting = {lane: waiting for lane, waiting in self._waiting.items() if lane in ours}
        self._seen, self._looked_at = seen, now

    async def _look_at(self, lane: Lane, now: datetime) -> _Seen:
        waiting = self._waiting[lane]
        place = await self._place(f"{lane[0]}|{lane[1]}") if waiting else None
        before = self._seen.get(lane)
        moved = before is None or not waiting or not before.waiting or before.place != place
        return _Seen(waiting, place, now if before is None or moved else before.since)

    def waiting(self) -> Mapping[Lane, int]:
        """How many messages wait on each lane of ours."""
        return {lane: seen.waiting for lane, seen in self._seen.items()}

    def hindrances(self, now: datetime) -> tuple[str, ...]:
        """Why this worker is of no use at `now`; empty where it is."""
        found = []
        if now - self._looked_at > BLIND_AFTER:
            found.append("Kafka or the store does not answer")
        still = [lane for lane, seen in self._seen.items() if seen.waiting and now - seen.since > STILL_AFTER]
        found += [f"messages wait and none is taken: {topic} {partition}" for topic, partition in still]
        return tuple(found)
