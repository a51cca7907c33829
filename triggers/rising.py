"""What makes a firing more urgent later: another rule's firing that its table of priorities asks for, at its time.

Only the hits are made here; `judging.py` asks how urgent they are. It must not know of cooling or lateness: what rose
is judged as any other candidate, and goes when the other firing goes.
"""

from dataclasses import dataclass
from datetime import timedelta

from triggers.hits import Hit, Moments, late_with, lateness_at, too_late_for
from triggers.moments import Moment


@dataclass(slots=True, eq=False)
class Beside:
    """What a risen hit rests on: the rule's own moments and those of the firing that raised it."""

    first: Hit
    by: Hit

    @property
    def count(self) -> int | None:
        """How many different ones the rule itself counted."""
        return self.first.count

    @property
    def moments(self) -> Moments:
        """The moments of both, in order; that of the other firing completes."""
        before = (*self.first.moments, *self.by.moments[:-1])
        return (*sorted(before, key=lambda moment: moment.order), self.by.last)


class RisenHit(Hit):
    """A hit at the time of another rule's firing on the same visit or episode; `first` is the one that rose."""

    __slots__ = ("first",)

    def __init__(self, first: Hit, by: Hit, tolerance: timedelta) -> None:
        """`by` is the hit of the other firing. A `first` that came too late, after that was known, is history to it."""
        learnt = max(first.learnt, by.learnt)
        too_late = too_late_for(first, by, tolerance)
        super().__init__(
            first.last.at_firing(by.last),
            learnt,
            first.decision,
            first.rank,
            Beside(first, by),
            occurrence=first.occurrence,
            due=first.due,
            lateness=late_with(by, (first,), tolerance) if too_late else lateness_at(by, learnt),
        )
        self.first = first


def waited(hit: Hit) -> Moment:
    """The moment until which nothing was heard, of a hit that came about by the clock."""
    return hit.first.last if isinstance(hit, RisenHit) else hit.last
