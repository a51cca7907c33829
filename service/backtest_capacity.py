"""Which contact clocks would have been missed, by a model that is simple enough to be believed.

Each navigator makes one contact at a time, each takes `contact`, and only within the working hours. Waiting calls are
taken by priority, then by whose clock ends first. Nobody covers for anybody. A clock is missed where the attempt begins
after it has ended.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from domain.clock import LONDON, from_london
from service.backtest_tally import NOBODY, Call

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Capacity:
    """How long a contact takes and when navigators work, London time; equal times mean around the clock."""

    contact: timedelta = timedelta(minutes=60)
    begins: time = time(7)
    ends: time = time(23)

    @property
    def always(self) -> bool:
        """Whether somebody works at every hour."""
        return self.begins == self.ends

    def words(self) -> str:
        """The assumptions, for whoever reads the figures."""
        hours = (
            "around the clock" if self.always else f"{self.begins:%H:%M} to {self.ends:%H:%M} London time, every day"
        )
        minutes = int(self.contact.total_seconds() // 60)
        return (
            f"Each navigator makes one contact at a time, each takes {minutes} minutes, {hours}; the most urgent "
            "first, then whose clock ends first; nobody covers for anybody; an alert without a navigator is left out."
        )


@dataclass(slots=True)
class Missed:
    """The clocks that would have been missed."""

    calls: int = 0
    missed: int = 0
    by_navigator: Counter[str] = field(default_factory=Counter)
    by_rule: Counter[str] = field(default_factory=Counter)
    by_priority: Counter[str] = field(default_factory=Counter)
    longest_wait: timedelta = timedelta(0)


def missed_clocks(calls: Iterable[Call], capacity: Capacity) -> Missed:
    """Which of these calls would have come too late."""
    found, per = Missed(), dict[str, list[Call]]()
    for call in calls:
        if call.navigator != NOBODY:
            per.setdefault(call.navigator, []).append(call)
    for own in per.values():
        _work(sorted(own, key=lambda call: (call.at, call.priority, call.rule)), capacity, found)
    return found


def _work(calls: Sequence[Call], capacity: Capacity, found: Missed) -> None:
    waiting: list[tuple[str, datetime, int]] = []
    free, place = calls[0].at, 0
    while place < len(calls) or waiting:
        if not waiting:
            free = max(free, calls[place].at)
        start = _working(free, capacity)
        while place < len(calls) and calls[place].at <= start:
            heapq.heappush(waiting, (calls[place].priority, calls[place].contact_by, place))
            place += 1
        _, _, chosen = heapq.heappop(waiting)
        _take(calls[chosen], start, found)
        free = start + capacity.contact


def _take(call: Call, start: datetime, found: Missed) -> None:
    found.calls += 1
    found.longest_wait = max(found.longest_wait, start - call.at)
    if start > call.contact_by:
        found.missed += 1
        found.by_navigator[call.navigator] += 1
        found.by_rule[call.rule] += 1
        found.by_priority[call.priority] += 1


def _working(at: datetime, capacity: Capacity) -> datetime:
    """The first moment from `at` on at which somebody works."""
    if capacity.always:
        return at
    local = at.astimezone(LONDON).replace(tzinfo=None)
    begins, ends, now = capacity.begins, capacity.ends, local.time()
    night = begins > ends
    if (begins <= now < ends) if not night else (now >= begins or now < ends):
        return at
    day = local.date() if now < begins else local.date() + _DAY
    return max(at, from_london(datetime.combine(day, begins)))
