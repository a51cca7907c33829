"""One person under one rule set, in the order in which it happened: what fires, what is taken back, what the clock
brings. The very code that runs live (`hearing`, `keeping`), without engine, store or messages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.people import CohortMember
from triggers.changes import Changes
from triggers.hearing import Went, gone_on
from triggers.history import History, HistoryEntry
from triggers.keeping import Kept, kept
from triggers.rules import RuleSet
from triggers.two_sides import Sides

_A_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What became different at a moment of processing time, by the rules of which side: 0 or 1."""

    at: datetime
    changes: Changes
    side: int = 0


class Watch:
    """A person's answer while time goes on. `become` first; `hear` and `keep_time` in order of time.

    The clock stops at everything that it brings about, also where that does not fire: so what one rule says, and when,
    does not depend on which others are judged. Of two sides both are judged at once, and each is told its own.
    """

    __slots__ = ("_due", "_kept", "_rules", "_sides")

    def __init__(self, rules: RuleSet | Sides) -> None:
        self._sides = rules if isinstance(rules, Sides) else None
        self._rules = rules.judged if isinstance(rules, Sides) else rules
        self._kept: Kept | None = None
        self._due: datetime | None = None

    def become(self, member: CohortMember, history: History, now: datetime) -> None:
        """Begin with this history, or go on as somebody who changed: it makes nothing fire, what is due already is
        past. The clock never goes back."""
        before = None if self._kept is None else self._kept.now
        self._kept = kept(self._rules, member, history, now if before is None else max(before, now))
        self._due = self._kept.next_ring

    def become_also(self, member: CohortMember, now: datetime) -> None:
        """Go on with the same history as a member whose record has changed."""
        assert self._kept is not None, "become somebody first"
        self.become(member, tuple(self._kept.index.entries), now)

    def hear(self, added: Iterable[HistoryEntry], removed: Iterable[HistoryEntry], at: datetime) -> Sequence[Told]:
        """Something is heard at `at`; what was due before comes about before, each at its own time."""
        until = at - _A_MOMENT
        before = self.keep_time(until)
        assert self._kept is not None, "become somebody first"
        return [*before, *self._told(gone_on(self._kept, added, removed, until=until), at)]

    def keep_time(self, until: datetime) -> Sequence[Told]:
        """The clock goes on: what is due by `until`, each at its own time."""
        told: list[Told] = []
        while self._kept is not None and self._due is not None and self._due <= until:
            due = self._due
            told += self._told(gone_on(self._kept, (), until=due), due)
        return told

    def _told(self, went: Went, at: datetime) -> Sequence[Told]:
        self._kept, self._due = went.kept, went.kept.next_ring
        if self._sides is None:
            return _of_side(0, went, at)
        wanted = (self._sides.of_one, self._sides.of_other)
        return [told for side, own in enumerate(wanted) for told in _of_side(side, went.only(own), at)]


def _of_side(side: int, went: Went, at: datetime) -> Sequence[Told]:
    """What a side is told, if anything."""
    if went.nothing:
        return ()
    changes = went.changes
    told = changes.fired or changes.withdrawn or changes.moved or changes.held
    return (Told(at, changes, side),) if told else ()
