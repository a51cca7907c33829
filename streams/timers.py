"""Durable timers at work: what is due comes about, in pages between live events; each person is fenced by a version.

Time enters by the clock alone. A clock that goes back rings nothing early, because a due time is an instant and what
has come about is remembered with the person; after a long down time everything due meanwhile comes about once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from cohort.index import CohortIndex
from domain.clock import Clock
from domain.errors import StoreError
from domain.ids import MemberId
from streams.decide import World
from streams.embedded import Decider, tell_unjudged
from streams.planner import Planner
from streams.ports import Commit
from streams.ringing import ring
from streams.timer_ports import TimerLog
from streams.topology import DECIDE, STUCK_AFTER
from triggers.sparing import cause_of

log = structlog.get_logger("reachpoint.timers")

PAGE = 4
"""People of each shard whose timers ring between two batches of live events: 64 at most, a few milliseconds each."""
_CONFLICTS = 20
_AFTER_FAULT = timedelta(minutes=1)
"""How long a person whose timer could not be rung by a fault of ours is left alone."""


@dataclass(frozen=True, slots=True)
class TimerPolicy:
    """`grace` is how long after the instant a timer rings at the earliest: an event received before it may still be on
    its way into the store. `hold` is how long events that are under way hold timers back."""

    grace: timedelta = timedelta(seconds=1)
    hold: timedelta = STUCK_AFTER


@dataclass(frozen=True, slots=True)
class TimerObserver:
    """Who is told, after it is durable: of each commit of the clock's. Must not raise."""

    rang: Callable[[Commit], None] = lambda _: None


class Timers:
    """Rings what is due. Shares the decider's memory of people, which is only a shortcut."""

    def __init__(
        self,
        store: TimerLog,
        index: Callable[[], CohortIndex],
        world: Callable[[], World],
        clock: Clock,
        *,
        decider: Decider | None = None,
        policy: TimerPolicy = TimerPolicy(),
        observer: TimerObserver = TimerObserver(),
    ) -> None:
        self._store = store
        self._index = index
        self._world = world
        self._clock = clock
        self._remembered = decider.remembered if decider else None
        self._policy = policy
        self._observer = observer
        self._began: datetime | None = None
        self._left_alone: dict[MemberId, datetime] = {}

    async def run_once(self) -> int:
        """The next page of people for whom something is due. Returns for how many something was done.

        Whatever it raises, nothing of it is lost: who was not done is due still.
        """
        until = await self._until()
        self._left_alone = {name: again for name, again in self._left_alone.items() if again > until}
        names = await self._store.due_people(until, PAGE, self._left_alone.keys())
        for name in names:
            try:
                await self._ring(name, until)
            except StoreError:
                raise
            except Exception as error:  # one person whom we cannot handle must not keep the others waiting
                self._left_alone[name] = until + _AFTER_FAULT
                log.error("a timer could not be rung", action="timer_failed", error=type(error).__name__)
                await self._store.note_fault(cause_of(error), self._clock.now())
        return len(names)

    async def _until(self) -> datetime:
        """Up to when everything received has been decided, as far as anybody can know: no timer overtakes an event
        that was accepted before it. Events that do not end hold it up for a minute at most."""
        now, policy = self._clock.now(), self._policy
        self._began = min(self._began or now, now)
        held_until = now - policy.hold
        patient = held_until < self._began  # after a start, all that was left under way has its minute
        oldest = await self._store.in_flight_since(None if patient else held_until)
        return min(now, oldest or now) - policy.grace

    async def _ring(self, name: MemberId, until: datetime) -> None:
        for _ in range(_CONFLICTS):
            person = await self._store.load_person(name)
            world, member = self._world(), self._index().member(name)
            rung = ring(person, member, world, until, self._clock.now(), remembered=self._remembered)
            if rung.commit is None:
                if not await self._store.plan([rung.planned]):
                    return
            elif await self._store.commit(rung.commit):
                self._tell(rung.commit)
                return
        log.warning("a person changed under every attempt to ring a timer", action="timer_conflict")

    def _tell(self, commit: Commit) -> None:
        if commit.unjudged:
            tell_unjudged(commit)
        if commit.fired or not commit.unjudged:
            self._log(commit)
        self._observer.rang(commit)

    def _log(self, commit: Commit) -> None:
        log.info(
            "the clock brought something about",
            action="timer_rang",
            rules=",".join(sorted(set(commit.fired))),
            disposition=commit.disposition.ending.value,
        )


_REST_BUSY, _REST_IDLE = 3, 1
"""Planning rests so many times as long as its last page took: a quarter of the time at most while live events come."""
_SHORT = timedelta(milliseconds=100)


class SecondHop:
    """Live deciding, and timers and their planning in its pauses: one after the other, so that none of them works with
    an older view of rules and people than what another has written."""

    def __init__(self, decider: Decider, timers: Timers, planner: Planner) -> None:
        self._decider = decider
        self._timers = timers
        self._planner = planner
        self._plan_from = 0.0
        self._ring_from = 0.0

    async def run_once(self, wait: timedelta = DECIDE.wait) -> int:
        """The next batch of live events, if any, a page of timers, and a page of planning if it is its turn.

        Returns how many live events were decided.
        """
        await self._planner.begin()
        if self._planner.under_way:
            pause = max(timedelta(0), timedelta(seconds=self._plan_from - _monotonic()))
            moved = await self._decider.run_once(timedelta(0) if pause < _SHORT else min(wait, pause))
            if not moved and pause < _SHORT:
                await asyncio.sleep(pause.total_seconds())
        else:
            moved = await self._decider.run_once(wait)
        await self._ring()
        await self._plan(busy=bool(moved))
        return moved

    async def _ring(self) -> None:
        if _monotonic() < self._ring_from:
            return
        try:
            await self._timers.run_once()
        except Exception as error:  # live events come first: they go on whatever a timer meets
            self._ring_from = _monotonic() + _AFTER_PAGE_FAULT
            log.error("timers failed; trying again", action="timers_failed", error=type(error).__name__)

    async def _plan(self, *, busy: bool) -> None:
        began = _monotonic()
        if began < self._plan_from:
            return
        try:
            if await self._planner.run_once():
                self._plan_from = _monotonic() + (_REST_BUSY if busy else _REST_IDLE) * (_monotonic() - began)
        except Exception as error:  # as above
            self._plan_from = _monotonic() + _AFTER_PAGE_FAULT
            log.error("planning failed; trying again", action="planning_failed", error=type(error).__name__)


_AFTER_PAGE_FAULT = 5.0  # seconds


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
