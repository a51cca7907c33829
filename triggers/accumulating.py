"""Finds when enough different categories are evidenced for the first time: adverse childhood experiences, counted once.

Evidence lasts; only corrections take it away. It is worked out again whenever any of it changes: there is little of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.ids import OccurrenceKey
from triggers.finding import NO_DIFFERENCE, Difference, Found, Hits
from triggers.hits import Hit, Moments
from triggers.lines import in_order
from triggers.patterns import AccumulatedPattern


@dataclass(frozen=True, slots=True)
class Evidence:
    """A hit, and the category that it evidences."""

    hit: Hit
    category: str


@dataclass(slots=True, eq=False)
class Categories:
    """What a crossing rests on: the first evidence of each category."""

    first: tuple[Hit, ...]

    @property
    def count(self) -> int:
        """How many categories."""
        return len(self.first)

    @property
    def moments(self) -> Moments:
        """One for each category, in order."""
        return tuple(moment for hit in in_order(self.first) for moment in hit.moments)


@dataclass(frozen=True, slots=True)
class AccumulatedFinder:
    """Finds the evidence with which the count of categories reaches the threshold from below."""

    pattern: AccumulatedPattern
    parts: tuple[int, ...]
    tolerance: timedelta

    def empty(self) -> Found:
        """Nothing found."""
        return Found({})

    def next(
        self, found: Found, parts: Sequence[Found], _differences: Sequence[Difference]
    ) -> tuple[Found, Difference]:
        """Counts again."""
        evidence = sorted(
            (
                Evidence(hit, name)
                for (name, _), part in zip(self.pattern.categories, parts, strict=True)
                for hits in part.hits.values()
                for hit in hits
                if hit.open and self.pattern.holds(hit.last)
            ),
            key=lambda one: (one.hit.key, one.category),
        )
        now: dict[OccurrenceKey, Hits] = {}
        for place, one in enumerate(evidence):
            hit = self._crossing(evidence[:place], one)
            if hit is not None:
                now[hit.occurrence] = (*now.get(hit.occurrence, ()), hit)
        keys = {*found.hits, *now}
        difference = {key: (found.hits.get(key, ()), now.get(key, ())) for key in keys}
        return (found.differing(difference), difference) if difference else (found, NO_DIFFERENCE)

    def _crossing(self, before: Sequence[Evidence], this: Evidence) -> Hit | None:
        least = self.pattern.at_least
        if len(_names([*before, this])) < least:
            return None
        learnt = this.hit.learnt
        told = [one for one in before if one.hit.learnt - one.hit.at <= self.tolerance or one.hit.learnt <= learnt]
        if len(_names(told)) >= least:
            return None
        first = {one.category: one.hit for one in reversed([*before, this])}
        known = self._learnt(before, this)
        return Hit(this.hit.last, known, this.hit.decision, this.hit.rank, Categories(tuple(first.values())))

    def _learnt(self, before: Sequence[Evidence], this: Evidence) -> datetime:
        """When enough categories were first known."""
        known, learnt = [this], this.hit.learnt
        for one in sorted(before, key=lambda one: one.hit.learnt):
            if len(_names(known)) >= self.pattern.at_least:
                break
            known.append(one)
            learnt = max(learnt, one.hit.learnt)
        return learnt


def _names(evidence: Sequence[Evidence]) -> frozenset[str]:
    return frozenset(one.category for one in evidence)
