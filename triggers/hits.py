"""A hit: a pattern held at a moment, first known then; and the one question of lateness that all finders ask."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from domain.ids import OccurrenceKey
from triggers.moments import Moment
from triggers.patterns import EventPattern
from triggers.verdicts import FiringDecision

Grading = Callable[[Moment], int]
"""How urgent a moment would make the rule: 1 (most) to 3."""

Moments = tuple[Moment, ...]
Point = tuple[datetime, datetime]
"""A time at which something stood, and when that was first known."""


class Together(Protocol):
    """What else a hit rests on, beside its completing moment; worked out when asked for."""

    @property
    def moments(self) -> Moments:
        """All moments that contribute, in order; the last completes."""

    @property
    def count(self) -> int | None:
        """How many different ones there are; None where the pattern does not count."""


class Hit:
    """The pattern held. `last` is the completing moment; `decision` FIRED or a guard.

    `learnt` is when it was first known, `lateness` how late that was; `rank` the urgency 1 to 3 (3 where not graded).
    `moments` and `count` are worked out when asked for: nearly all hits of a long history are never read again.
    `earlier` are the times before at which a visit, coded only now, had been the same already.
    """

    __slots__ = (
        "_together",
        "at",
        "decision",
        "due",
        "earlier",
        "key",
        "last",
        "lateness",
        "learnt",
        "occurrence",
        "open",
        "pattern",
        "rank",
    )

    def __init__(
        self,
        last: Moment,
        learnt: datetime,
        decision: FiringDecision = FiringDecision.FIRED,
        rank: int = 3,
        together: Together | None = None,
        *,
        occurrence: OccurrenceKey | None = None,
        due: bool = False,
        lateness: timedelta | None = None,
        pattern: EventPattern | None = None,
    ) -> None:
        self.last = last
        self.at = last.at
        self.key = (last.order, last.subject)
        self.occurrence: OccurrenceKey = occurrence or last.entry.occurrence  # what it is about
        self.due = due  # whether it came about by the clock
        self.learnt = learnt
        self.lateness = learnt - last.at if lateness is None else lateness
        self.decision = decision
        self.open = decision is FiringDecision.FIRED  # whether no guard stands against it
        self.rank = rank
        self._together = together
        self.pattern = pattern  # of a single event: what held
        self.earlier: tuple[Point, ...] = ()

    def late_by(self, lateness: timedelta) -> "Hit":
        """The same hit, this late."""
        made = Hit(
            self.last,
            self.learnt,
            self.decision,
            self.rank,
            self._together,
            occurrence=self.occurrence,
            due=self.due,
            lateness=lateness,
            pattern=self.pattern,
        )
        made.earlier = self.earlier
        return made

    @property
    def since(self) -> datetime:
        """From when on it stood."""
        return self.earlier[0][0] if self.earlier else self.at

    @property
    def points(self) -> tuple[Point, ...]:
        """Every time at which it counts where the order of things is asked: when it happened, and when it was told."""
        return (*self.earlier, (self.at, self.learnt))

    @property
    def moments(self) -> Moments:
        """The contributing moments in order; the last completes."""
        return (self.last,) if self._together is None else self._together.moments

    @property
    def count(self) -> int | None:
        """How many different ones there are in the window."""
        return None if self._together is None else self._together.count


def too_late_for(other: Hit, this: Hit, tolerance: timedelta) -> bool:
    """Whether `other` came too late to fire, and after `this` was known: for `this` it is as if it had not come. For
    what is heard after it, it is history (rules.md section 2, ADR 0017)."""
    return other.lateness > tolerance and other.learnt > this.learnt


def late_with(this: Hit, others: Iterable[Hit], tolerance: timedelta) -> timedelta:
    """How late what `this` completes is where only what came too late for it makes it whole."""
    return max(this.lateness, min(other.lateness for other in others if too_late_for(other, this, tolerance)))


def lateness_at(this: Hit, learnt: datetime) -> timedelta:
    """How late what `this` completes is, known at `learnt` with what came in time."""
    return this.lateness if learnt == this.learnt else max(this.lateness, learnt - this.at)
