"""Finds the firings of another rule, at their event time, by judging that rule as the service does.

What it finds is what that rule fired on; a candidate that cooled, came too late or was held by a guard is no firing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.ids import OccurrenceKey
from triggers.finding import NO_DIFFERENCE, Difference, Found, Hits
from triggers.hits import Hit, Moments
from triggers.judging import Judge, Judged, Verdicts, hit_of, nothing_judged, rejudged
from triggers.lines import in_order
from triggers.verdicts import Verdict


@dataclass(slots=True, eq=False)
class Through:
    """What a firing rests on."""

    hit: Hit

    @property
    def count(self) -> int | None:
        """How many different ones the rule counted."""
        return self.hit.count

    @property
    def moments(self) -> Moments:
        """The moments that made the rule fire."""
        return self.hit.moments


@dataclass(frozen=True, slots=True)
class Firings:
    """Notes: the rule as judged so far."""

    judged: Judged


@dataclass(frozen=True, slots=True)
class FiredFinder:
    """Finds where a rule fired.

    Its first part finds the rule's own pattern; the others the firings of the rules that it asks about (`asked`).
    """

    judge: Judge
    parts: tuple[int, ...]
    asked: tuple[str, ...]

    def empty(self) -> Found:
        """No firing."""
        return Found({}, Firings(nothing_judged(self.judge)))

    def next(self, found: Found, parts: Sequence[Found], differences: Sequence[Difference]) -> tuple[Found, Difference]:
        """Judges again where the rule's pattern, or what it asks of other rules, changed."""
        notes: Firings = found.notes
        others = {name: part.notes.judged for name, part in zip(self.asked, parts[1:], strict=True)}

        def fired(rule: str, occurrence: OccurrenceKey, at: datetime | None) -> Verdicts:
            judged: Judged | None = others.get(rule)
            return () if judged is None else judged.fired_on(occurrence, at)

        changed = {key for difference in differences for key in difference}
        done = rejudged(self.judge, notes.judged, parts[0].hits, changed, fired)
        keys = changed | {verdict.occurrence for verdict in (*done.gone, *done.come)}
        standing: dict[OccurrenceKey, list[Verdict]] = {}
        for verdict in done.judged.verdicts:
            if verdict.fired and verdict.occurrence in keys:
                standing.setdefault(verdict.occurrence, []).append(verdict)
        difference: dict[OccurrenceKey, tuple[Hits, Hits]] = {}
        for key in keys:
            was, now = found.hits.get(key, ()), _hits(standing.get(key, ()))
            if (was or now) and not _same(was, now):
                difference[key] = (was, now)
        notes = Firings(done.judged)
        if not difference:
            return Found(found.hits, notes), NO_DIFFERENCE
        return found.differing(difference, notes), difference


def _hits(verdicts: Sequence[Verdict]) -> Hits:
    """The hit of each firing, as the rule fired on it: one for each of its moments."""
    return tuple(in_order(_firing(hit_of(verdict), verdict) for verdict in verdicts))


def _firing(hit: Hit, verdict: Verdict) -> Hit:
    return Hit(
        hit.last,
        verdict.learnt_at,
        together=Through(hit),
        occurrence=hit.occurrence,
        due=hit.due,
        lateness=verdict.lateness,
    )


def _same(was: Hits, now: Hits) -> bool:
    """Whether both are the same firings."""
    return len(was) == len(now) and all(
        one.last is other.last
        and one.learnt == other.learnt
        and one.lateness == other.lateness
        and one.moments == other.moments
        for one, other in zip(was, now, strict=True)
    )
