"""One person under one rule set, in the order in which it happened: what fires, what is taken back, what the clock
brings. The very code that runs live (`hearing`, `keeping`), without engine, store or messages.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.people import CohortMember
from triggers.changes import Changes
from triggers.hearing import Went, gone_on
from triggers.history import History, HistoryEntry
from triggers.keeping import Kept, kept
from triggers.rules import RuleSet
from triggers.two_sides import Sides
from triggers.verdicts import Verdict

_A_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What became different at a moment of processing time, by the rules of which side: 0 or 1."""

    at: datetime
    changes: Changes
    side: int = 0


class Watch:
    """A person's answer while time goes on. `become` first; `hear` and `keep_time` in order of time.

    Of two sides both are judged at once, and each is told what its own rules alone would have said.
    """

    __slots__ = ("_due", "_kept", "_rules", "_sides", "_unsaid")

    def __init__(self, rules: RuleSet | Sides) -> None:
        self._sides = rules if isinstance(rules, Sides) else None
        self._rules = rules.judged if isinstance(rules, Sides) else rules
        self._kept: Kept | None = None
        self._due: datetime | None = None
        self._unsaid: list[Sequence[Verdict]] = [(), ()]  # by side: what the clock brought and nobody was told yet

    def become(self, member: CohortMember, history: History, now: datetime) -> None:
        """Begin with this history, or go on as somebody who changed: it makes nothing fire, what is due already is
        past. The clock never goes back."""
        before = None if self._kept is None else self._kept.now
        self._kept = kept(self._rules, member, history, now if before is None else max(before, now))
        self._due, self._unsaid = self._kept.next_due, [(), ()]

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
            told += self._told(gone_on(self._kept, (), until=due), due, by_clock=True)
        return told

    def _told(self, went: Went, at: datetime, *, by_clock: bool = False) -> Sequence[Told]:
        self._kept, self._due = went.kept, went.kept.next_due
        if self._sides is None:
            return _of_side(0, went, at)
        one, other = self._apart(went, self._sides, by_clock)
        return [*_of_side(0, one, at), *_of_side(1, other, at)]

    def _apart(self, went: Went, sides: Sides, by_clock: bool) -> Iterator[Went]:
        """What is of each side. The clock stops only where something fires; what it brings that does not is told with
        the side's own next step, and so where it stops for the other side alone, this one is told nothing."""
        for side, wanted in enumerate((sides.of_one, sides.of_other)):
            own = went.only(wanted)
            rung = (*self._unsaid[side], *own.rung)
            stays = by_clock and not any(verdict.fired for verdict in rung)
            self._unsaid[side] = rung if stays else ()
            yield replace(own, rung=() if stays else rung)


def _of_side(side: int, went: Went, at: datetime) -> Sequence[Told]:
    """What a side is told, if anything."""
    if went.nothing:
        return ()
    changes = went.changes
    told = changes.fired or changes.withdrawn or changes.moved or changes.held
    return (Told(at, changes, side),) if told else ()
