"""One person under one rule set, in the order in which it happened: what fires, what is taken back, what the clock
brings. The very code that runs live (`hearing`, `keeping`), without engine, store or messages.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.people import CohortMember
from triggers.changes import Changes
from triggers.hearing import heard
from triggers.history import History, HistoryEntry
from triggers.keeping import Kept, kept
from triggers.rules import RuleSet

_A_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What became different at a moment of processing time."""

    at: datetime
    changes: Changes


class Watch:
    """A person's answer while time goes on. `become` first; `hear` and `keep_time` in order of time."""

    __slots__ = ("_due", "_kept", "_rules")

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._kept: Kept | None = None
        self._due: datetime | None = None

    def become(self, member: CohortMember, history: History, now: datetime) -> None:
        """Begin with this history, or go on as somebody who changed: it makes nothing fire, what is due already is
        past. The clock never goes back."""
        before = None if self._kept is None else self._kept.now
        self._kept = kept(self._rules, member, history, now if before is None else max(before, now))
        self._due = self._kept.next_due

    def become_also(self, member: CohortMember, now: datetime) -> None:
        """Go on with the same history as a member whose record has changed."""
        assert self._kept is not None, "become somebody first"
        self.become(member, tuple(self._kept.index.entries), now)

    def hear(self, added: Iterable[HistoryEntry], removed: Iterable[HistoryEntry], at: datetime) -> Iterator[Told]:
        """Something is heard at `at`; what was due before comes about before, each at its own time."""
        yield from self.keep_time(at - _A_MOMENT)
        yield from self._step(added, removed, at - _A_MOMENT, at)

    def keep_time(self, until: datetime) -> Iterator[Told]:
        """The clock goes on: what is due by `until`, each at its own time."""
        while self._due is not None and self._due <= until:
            yield from self._step((), (), self._due, self._due)

    def _step(
        self, added: Iterable[HistoryEntry], removed: Iterable[HistoryEntry], until: datetime, at: datetime
    ) -> Iterator[Told]:
        assert self._kept is not None, "become somebody first"
        step = heard(self._kept, added, removed, until=until)
        self._kept, self._due = step.kept, step.due
        if step.changes.fired or step.changes.withdrawn or step.changes.moved or step.changes.held:
            yield Told(at, step.changes)
