"""The shadow at work: what was decided is judged again by the live rules and by those in shadow, beside live events.

It hears of a decision after that is durable, judges in a thread, and alerts nobody. Whatever goes wrong in it is told
and stays with it; when it is too slow for what comes, it misses some and says how many.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from domain.clock import Clock
from domain.errors import StoreError
from domain.ids import MemberId
from domain.people import CohortMember
from service.rulebook import LiveRules
from streams.bequeathing import effective
from streams.decide import within
from streams.messages import PersonState
from streams.ports import Commit
from triggers.changes import Changes
from triggers.hearing import Span
from triggers.history import History
from triggers.ports import ShadowStore
from triggers.remembering import KeptPeople
from triggers.rules import RuleSet
from triggers.shadowing import ShadowFiring, ShadowTally, compared

log = structlog.get_logger("reachpoint.rules")

MOST_WAITING = 5_000
"""So many decisions may wait to be judged again; a person's state is shared with the decision, not copied."""
AT_ONCE = 50
"""Decisions judged in one go in the thread: live events go on meanwhile."""
MOST_WAITS = 50_000
"""So many people's next due times are remembered."""


@dataclass(frozen=True, slots=True)
class _Decision:
    before: PersonState
    after: PersonState
    at: datetime


@dataclass(frozen=True, slots=True)
class _Asked:
    """One person before and after something, at a moment of processing time."""

    name: MemberId
    before: History
    after: History
    at: datetime


@dataclass(frozen=True, slots=True)
class _Pair:
    live: LiveRules
    shadow: LiveRules


class ShadowWatch:
    """Judges decisions by two rule sets. `note` is for the engine, `turn` for a loop of its own."""

    def __init__(
        self,
        store: ShadowStore,
        member: Callable[[MemberId], CohortMember | None],
        clock: Clock,
        *,
        history_for: timedelta,
    ) -> None:
        self._store = store
        self._member = member
        self._clock = clock
        self._history_for = history_for
        self._waiting: deque[_Decision] = deque()
        self._missed = 0
        self._begin(None)

    def _begin(self, number: int | None) -> None:
        self._number = number
        self._live, self._shadow = KeptPeople(), KeptPeople()
        self._until: dict[MemberId, datetime] = {}
        self._due: dict[MemberId, tuple[datetime, History]] = {}

    def note(self, commit: Commit) -> None:
        """A decision that is durable. Only kept in mind; costs nothing where nothing runs in shadow."""
        if self._number is None or commit.decided_at is None or commit.before is commit.after:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._missed += 1
            return
        self._waiting.append(_Decision(commit.before, commit.after, commit.decided_at))

    async def turn(self, live: LiveRules, shadow: LiveRules | None) -> int:
        """Judge some of what waits, and what has become due. Returns how much was done. Raises StoreError."""
        number = shadow.number if shadow else None
        if number != self._number:
            self._waiting.clear()
            self._missed = 0
            self._begin(number)
        if shadow is None or shadow.number is None:
            return 0
        some = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        due = [] if self._waiting else self._due_by(self._clock.now())
        if not some and not due and not self._missed:
            return 0
        missed, self._missed = self._missed, 0
        seen = await asyncio.to_thread(self._judge, some, due, _Pair(live, shadow))
        try:
            tally = ShadowTally(len(some), missed, tuple(seen))
            await self._store.add(shadow.number, live.number or 0, tally)
        except StoreError:
            self._missed += missed + len(some)  # told once the store answers again
            raise
        return len(some) + len(due)

    def _judge(self, some: Iterable[_Decision], due: Iterable[MemberId], pair: _Pair) -> list[ShadowFiring]:
        found: list[ShadowFiring] = []
        for decision in some:
            oldest = decision.at - self._history_for
            before = effective(within(decision.before.history, oldest))
            after = effective(within(decision.after.history, oldest))
            found += self._one(_Asked(decision.after.member_id, before, after, decision.at), pair)
        for name in due:
            _, history = self._due[name]
            found += self._one(_Asked(name, history, history, self._clock.now()), pair)
        return found

    def _one(self, asked: _Asked, pair: _Pair) -> tuple[ShadowFiring, ...]:
        """What both say of one person; a fault in it is told and is the shadow's own."""
        name, at = asked.name, asked.at
        member = self._member(name)
        self._due.pop(name, None)
        if member is None:
            self._live.forget(name)
            self._shadow.forget(name)
            self._until.pop(name, None)
            return ()
        since = min(self._until.get(name) or pair.shadow.since or at, at)
        try:
            span = Span(since, max(since, at - timedelta(microseconds=1)))
            by_live, one = _heard(self._live, pair.live.rules, member, asked, span)
            by_shadow, other = _heard(self._shadow, pair.shadow.rules, member, asked, span)
        except Exception as error:  # the shadow's own door: live events never pay for it
            log.error("the shadow could not judge", action="shadow_failed", error=type(error).__name__)
            return ()
        self._until[name] = span.until
        waits = [each for each in (one, other) if each is not None]
        if waits and len(self._due) < MOST_WAITS:
            self._due[name] = (min(waits), asked.after)
        return compared(by_live.fired, by_shadow.fired)

    def _due_by(self, now: datetime) -> list[MemberId]:
        """Some of those for whom a wait has ended, in either."""
        over = sorted((at, name) for name, (at, _) in self._due.items() if at < now)
        return [name for _, name in over[:AT_ONCE]]


def _heard(
    people: KeptPeople, rules: RuleSet, member: CohortMember, asked: _Asked, span: Span
) -> tuple[Changes, datetime | None]:
    found = people.hear(rules, member, asked.before, asked.after, span)
    return found.changes, found.due
