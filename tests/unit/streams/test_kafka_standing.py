"""A worker whose lanes stand still with messages waiting says so; one that only has nothing to do does not."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from streams.kafka_standing import BLIND_AFTER, STILL_AFTER, LaneStanding

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
LANE = ("events", 3)
OURS = {"events": frozenset({3})}


@dataclass
class Worker:
    """A standing that looks every two seconds at one lane."""

    place: int | None = 7
    now: datetime = START
    standing: LaneStanding = field(init=False)

    def __post_init__(self) -> None:
        self.standing = LaneStanding(self._taken, START)

    async def _taken(self, lane: str) -> int | None:
        assert lane == "events|3"
        return self.place

    async def live(self, span: timedelta, waiting: int, *, moving: bool, ours: bool = True) -> tuple[str, ...]:
        """What stands in the way at the end of a span."""
        ends = self.now + span
        while self.now < ends:
            self.now += timedelta(seconds=2)
            if moving:
                self.place = (self.place or 0) + 1
            if ours:
                self.standing.tell(*LANE, waiting)
            await self.standing.look(OURS if ours else {}, self.now)
        return self.standing.hindrances(self.now)


LONG = STILL_AFTER + timedelta(seconds=10)


@pytest.mark.parametrize(
    ("waiting", "moving", "still"),
    [(0, False, False), (500, True, False), (500, False, True)],
    ids=["nothing to do", "behind and at work", "behind and not at work"],
)
async def test_only_a_lane_with_messages_that_does_not_move_stands_still(
    waiting: int, moving: bool, still: bool
) -> None:
    assert bool(await Worker().live(LONG, waiting, moving=moving)) is still


async def test_a_lane_from_which_nothing_was_ever_taken_stands_still_too() -> None:
    assert await Worker(place=None).live(LONG, 1, moving=False) == ("messages wait and none is taken: events 3",)


async def test_the_minute_begins_when_something_comes() -> None:
    worker = Worker()
    await worker.live(timedelta(minutes=10), 0, moving=False)
    assert not await worker.live(STILL_AFTER, 5, moving=False)
    assert await worker.live(timedelta(seconds=10), 5, moving=False)
    assert not await worker.live(timedelta(seconds=2), 5, moving=True)


async def test_a_lane_that_is_another_workers_now_is_forgotten() -> None:
    worker = Worker()
    await worker.live(LONG, 5, moving=False)
    assert not await worker.live(timedelta(seconds=2), 5, moving=False, ours=False)
    assert worker.standing.waiting() == {}


async def test_who_cannot_look_is_of_no_use() -> None:
    worker = Worker()
    await worker.live(timedelta(seconds=2), 0, moving=False)
    assert not worker.standing.hindrances(worker.now + BLIND_AFTER)
    assert worker.standing.hindrances(worker.now + BLIND_AFTER + timedelta(seconds=1))
