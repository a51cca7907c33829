"""Finders of what did not happen: an absence after something, and a quiet period.

They find every absence that nothing refutes, due or not yet: whoever asks says what time it is (`Kept.at`). An absence
comes about at the instant at which it is due, after everything else of that instant.
"""

from bisect import bisect_right
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
from triggers.patterns import AbsencePattern, QuietPattern
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
        lateness=timedelta(0) if in_time else anchor.learnt - anchor.at,
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
            return (started if pattern.from_start else anchor.at) + pattern.within
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


@dataclass(frozen=True, slots=True)
class QuietFinder:
    """Finds the end of each quiet period: so long after the last `of`, else after `since`, not counting pauses.

    What it finds is about the last `of` before, so that one quiet period is one ground.
    """

    pattern: QuietPattern
    parts: tuple[int, ...]

    def empty(self) -> Found:
        """Nothing found."""
        return Found({})

    def next(
        self, found: Found, parts: Sequence[Found], _differences: Sequence[Difference]
    ) -> tuple[Found, Difference]:
        """Looks at all of it again: it is small, and what counts is what comes last."""
        adverse, since, paused, resumed = (in_order(_all(part)) for part in parts)
        adverse = [one for one in adverse if one.open]
        pauses = _pauses(paused, resumed)
        hits: dict[OccurrenceKey, list[Hit]] = {}
        keys_in_order = [one.key for one in adverse]
        for anchor in in_order([*adverse, *since]):
            place = bisect_right(keys_in_order, anchor.key)
            if place < len(adverse) and adverse[place].at <= anchor.at + self.pattern.lasting:
                continue  # whatever the pauses, the quiet was broken
            due = running(anchor.at, self.pattern.lasting, pauses)
            if due is None or any(one.at <= due for one in _until(adverse[place:], due)):
                continue
            last = adverse[place - 1] if place else None
            about = OccurrenceKey("quiet|" + (last.last.entry.event_id if last else "from the start"))
            hits.setdefault(about, []).append(absent(anchor, due, about=about))
        now = {key: tuple(in_order(listed)) for key, listed in hits.items()}
        changed = [key for key in {*found.hits, *now} if not _same(found.hits.get(key, ()), now.get(key, ()))]
        difference = {key: (found.hits.get(key, ()), now.get(key, ())) for key in changed}
        return (found.differing(difference), difference) if difference else (found, NO_DIFFERENCE)


def _until(hits: Iterable[Hit], due: datetime) -> Iterable[Hit]:
    """Of hits in order those that can count by `due`: what is known through a link counts later than it happened,
    never sooner."""
    return takewhile(lambda one: one.last.entry.occurred_at <= due, hits)


def _all(found: Found) -> Iterable[Hit]:
    return (hit for hits in found.hits.values() for hit in hits)


Pause = tuple[datetime, datetime | None]


def _pauses(paused: Sequence[Hit], resumed: Sequence[Hit]) -> list[Pause]:
    """From when to when the clock stood still; None: it has not gone on yet."""
    pauses: list[Pause] = []
    for start in paused:
        ends = [one.at for one in resumed if one.occurrence == start.occurrence and one.key > start.key]
        pauses.append((start.at, min(ends, default=None)))
    return pauses


def running(since: datetime, lasting: timedelta, pauses: Iterable[Pause]) -> datetime | None:
    """When a clock that started at `since` has run for `lasting`, standing still in pauses; None while it stands."""
    due = since + lasting
    at = since
    for start, end in sorted(pauses, key=lambda pause: pause[0]):
        begins = max(start, at)
        if begins >= due:
            break
        if end is None:
            return None
        if end > begins:
            due += end - begins
            at = end
    return due
