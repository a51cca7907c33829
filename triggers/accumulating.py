"""Finds when enough different categories are evidenced for the first time: adverse childhood experiences, counted once.

Evidence lasts; only corrections take it away. Once enough of it was told in time, nothing later can be the first.
"""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.ids import OccurrenceKey
from triggers.finding import NO_DIFFERENCE, Difference, Found, Hits
from triggers.hits import Hit, Moments, late_with, lateness_at, too_late_for
from triggers.lines import in_order
from triggers.looking_back import news_of
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


Mark = tuple[Any, ...]
"""What a crossing rests on: when it was known, and the first evidence of each category."""


@dataclass(slots=True, eq=False)
class Collected:
    """Notes: all evidence in order, and what crossed the threshold."""

    evidence: list[Evidence] = field(default_factory=list)
    crossed: dict[Mark, Hit] = field(default_factory=dict)


def _mark(hit: Hit) -> Mark:
    return (id(hit.last), hit.learnt, hit.lateness, hit.decision, *map(id, hit.moments))


def _place(one: Evidence) -> tuple[Any, ...]:
    return (one.hit.key, one.category)


@dataclass(frozen=True, slots=True)
class AccumulatedFinder:
    """Finds the evidence with which the count of categories reaches the threshold from below."""

    pattern: AccumulatedPattern
    parts: tuple[int, ...]
    tolerance: timedelta

    def empty(self) -> Found:
        """Nothing found."""
        return Found({}, Collected())

    def next(
        self, found: Found, _parts: Sequence[Found], differences: Sequence[Difference]
    ) -> tuple[Found, Difference]:
        """Takes in the evidence that came or went, and counts again where the threshold may be crossed."""
        notes: Collected = found.notes
        for (name, _), difference in zip(self.pattern.categories, differences, strict=True):
            gone, come = news_of(difference)
            left = frozenset(map(id, gone))
            if left:
                notes.evidence = [one for one in notes.evidence if id(one.hit) not in left or one.category != name]
            for hit in come:
                if hit.open and self.pattern.holds(hit.last):
                    insort(notes.evidence, Evidence(hit, name), key=_place)
        now = self._crossings(notes)
        keys = [key for key in {*found.hits, *now} if found.hits.get(key, ()) != now.get(key, ())]
        difference = {key: (found.hits.get(key, ()), now.get(key, ())) for key in keys}
        return (found.differing(difference, notes), difference) if difference else (found, NO_DIFFERENCE)

    def _crossings(self, notes: Collected) -> dict[OccurrenceKey, Hits]:
        """What crosses the threshold; one that rests on the same as before is the same hit."""
        least, evidence = self.pattern.at_least, notes.evidence
        now: dict[OccurrenceKey, Hits] = {}
        crossed: dict[Mark, Hit] = {}
        names: set[str] = set()
        if len({one.category for one in evidence}) >= least:
            for place, one in enumerate(evidence):
                names.add(one.category)
                if len(names) < least:
                    continue
                hit = self._crossing(evidence[:place], one)
                mark = _mark(hit)
                hit = crossed[mark] = notes.crossed.get(mark, hit)
                now[hit.occurrence] = (*now.get(hit.occurrence, ()), hit)
                if hit.lateness <= self.tolerance:
                    break  # nothing after this can be the first that is told
        notes.crossed = crossed
        return now

    def _crossing(self, before: Sequence[Evidence], this: Evidence) -> Hit:
        """What `this` crosses with what came in time for it; else, too late to be told, with all that came. Where the
        threshold was crossed before, but too late to be told, the next evidence tells it."""
        told = [one for one in before if not too_late_for(one.hit, this.hit, self.tolerance)]
        if len(_names([*told, this])) >= self.pattern.at_least:
            return self._crossed(told, this, None)
        return self._crossed(before, this, late_with(this.hit, (one.hit for one in before), self.tolerance))

    def _crossed(self, before: Sequence[Evidence], this: Evidence, lateness: timedelta | None) -> Hit:
        first = {one.category: one.hit for one in reversed([*before, this])}
        rests_on = Categories(tuple(first.values()))
        learnt = self._learnt(before, this)
        late = lateness_at(this.hit, learnt) if lateness is None else lateness
        return Hit(this.hit.last, learnt, this.hit.decision, this.hit.rank, rests_on, lateness=late)

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
