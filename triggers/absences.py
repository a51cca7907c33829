"""Finds what did not happen: an absence after something. Quiet periods are in `quieting.py`.

It finds every absence that nothing refutes, due or not yet: whoever asks says what time it is (`Kept.at`). An absence
comes about at the instant at which it is due, after everything else of that instant.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from domain.clock import LONDON
from domain.ids import OccurrenceKey
from triggers.finding import NO_DIFFERENCE, Difference, Found, Hits
from triggers.hits import Hit, Moments
from triggers.lines import Line, in_order
from triggers.months import end_of
from triggers.patterns import AbsencePattern
from triggers.windows import shift_of


@dataclass(slots=True, eq=False)
class After:
    """What an absence rests on: that after which nothing came."""

    anchor: Hit
    count: None = None

    @property
    def moments(self) -> Moments:
        """Its moments."""
        return self.anchor.moments


def absent(anchor: Hit, at: datetime, step: str = "", *, about: OccurrenceKey | None = None) -> Hit:
    """The hit of an absence after `anchor`, at the instant `at`.

    Known in time, it is the clock that makes it fire, and it is not late; else it is the anchor's own lateness that
    counts (rules.md section 2: received minus happened).
    """
    last = anchor.last.at_instant(at, step)
    in_time = anchor.learnt <= at
    return Hit(
        last,
        max(anchor.learnt, at),
        anchor.decision,
        anchor.rank,
        After(anchor),
        occurrence=about,
        due=True,
        lateness=timedelta(0) if in_time else anchor.lateness,
    )


def end_of_day(at: datetime) -> datetime:
    """The end of the London day of `at`: midnight, which belongs to the next."""
    day = at.astimezone(LONDON).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return (day + timedelta(days=1)).replace(tzinfo=LONDON).astimezone(at.tzinfo)


@dataclass(frozen=True, slots=True)
class AbsenceFinder:
    """Finds each `after` with no `unless` up to the instant at which the wait ends."""

    pattern: AbsencePattern
    parts: tuple[int, ...]

    def empty(self) -> Found:
        """Nothing found."""
        return Found({}, Line())

    def next(self, found: Found, parts: Sequence[Found], differences: Sequence[Difference]) -> tuple[Found, Difference]:
        """Looks again at anchors that changed or whose wait a changed refutation falls into."""
        anchors, refuting = parts[0].hits, differences[1]
        line: Line[Hit] = _replaced(found.notes, refuting) if refuting else found.notes
        keys: Iterable[OccurrenceKey] = differences[0]
        if refuting:
            keys = {*keys, *(refuting if self.pattern.same_occurrence else anchors)}
        difference: dict[OccurrenceKey, tuple[Hits, Hits]] = {}
        for key in keys:
            was = found.hits.get(key, ())
            now = tuple(in_order(hit for anchor in anchors.get(key, ()) for hit in self._after(anchor, line)))
            if (was or now) and not _same(was, now):
                difference[key] = (was, now)
        if not difference:
            return Found(found.hits, line), NO_DIFFERENCE
        return found.differing(difference, line), difference

    def _after(self, anchor: Hit, line: Line[Hit]) -> Iterable[Hit]:
        due = self._due(anchor)
        if due is not None and not any(self._refutes(one, anchor, due) for one in self._following(anchor, line, due)):
            yield absent(anchor, max(due, anchor.at), self.pattern.step)

    def _due(self, anchor: Hit) -> datetime | None:
        """When the wait ends; None where it never began (no review date was given)."""
        pattern = self.pattern
        if pattern.within is not None:
            started = anchor.last.values.get("arrival") or anchor.last.occurrence.started_at
            return end_of(started if pattern.from_start else anchor.at, pattern.within)
        until = anchor.last.values.get(pattern.until)
        return end_of_day(until) if isinstance(until, datetime) else None

    def _following(self, anchor: Hit, line: Line[Hit], due: datetime) -> Iterable[Hit]:
        """What came after the anchor until it is due; of a wait from the start, after the start."""
        since: Any = ((anchor.last.occurrence.started_at,),) if self.pattern.from_start else anchor.key
        return _until((line.items[place] for place in range(line.place(since), line.size)), due)

    def _refutes(self, one: Hit, anchor: Hit, due: datetime) -> bool:
        if one.at > due or one.last.subject != anchor.last.subject:
            return False
        if one.last.entry is anchor.last.entry and not self.pattern.from_start:
            return False  # a review that names the next review date is not that next review
        return not self.pattern.same_occurrence or one.occurrence == anchor.occurrence


def _replaced(line: Line[Hit], difference: Difference) -> Line[Hit]:
    shift = shift_of(line, difference)
    kept = [hit for hit in line.items[shift.place : line.size] if id(hit) not in shift.gone]
    return line.upto(shift.place, in_order([*kept, *shift.come]))


def _same(was: Hits, now: Hits) -> bool:
    """Whether the same absences follow the same anchors."""
    return len(was) == len(now) and all(
        one.at == other.at and one.moments[-1] is other.moments[-1] for one, other in zip(was, now, strict=True)
    )


def _until(hits: Iterable[Hit], due: datetime) -> Iterable[Hit]:
    """Of hits in order those that can count by `due`: what is known through a link counts later than it happened,
    never sooner."""
    return takewhile(lambda one: one.last.entry.occurred_at <= due, hits)
