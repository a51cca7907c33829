"""Finds one step after another: three or more things in order within a span, each later than the one before.

For each completing hit the chain is told that lies nearest to it; it was known when the earliest known chain was.
What was coded late may complete a chain from any of its places (`by_points.py`).
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from operator import attrgetter

from triggers.by_points import chain_by_points
from triggers.finding import NO_DIFFERENCE, Difference, Found, Hits, outcome
from triggers.hits import Hit
from triggers.lines import Line
from triggers.looking_back import (
    Anchor,
    Behind,
    LookingBack,
    Mark,
    completed,
    in_time_or_late,
    news_of,
    replaced,
    within,
)
from triggers.patterns import StepsPattern

Steps = Sequence[Sequence[Hit]]
"""For each step but the last, the open hits it may be, in event time."""


def steps_finder(pattern: StepsPattern, parts: tuple[int, ...], tolerance: timedelta) -> "LookingBack | ApartFinder":
    """The finder of steps: with overlap each completing hit is looked at by itself, without they exclude each other."""
    if not pattern.overlap:
        return ApartFinder(pattern, parts, tolerance)
    completing = partial(_steps_at, pattern)
    return LookingBack(parts, (len(parts) - 1,), pattern.within, completing, by_coding=True, tolerance=tolerance)


def _steps_at(pattern: StepsPattern, anchor: Anchor, behind: Behind) -> tuple[Hit, Mark] | None:
    return _completed(pattern, anchor.hit, anchor.part, behind, None)


def _completed(
    pattern: StepsPattern, this: Hit, place: int, behind: Behind, after: datetime | None
) -> tuple[Hit, Mark] | None:
    """What a hit of the step at `place` completes, all of it later than `after`."""
    if place == len(behind) - 1 and not this.earlier:
        steps: Steps = [within(line, this, pattern.within, before=True) for line in behind[:-1]]
        if after is not None:
            steps = [[hit for hit in hits if hit.at > after] for hits in steps]
        made = _chain(pattern, this, steps)
        if (made is not None and made[0].learnt <= this.learnt) or not any(
            hit.earlier for each in steps for hit in each
        ):
            return made
    listed = [line.items[line.place(((this.since - pattern.within,),)) : line.place(this.key)] for line in behind]
    listed[place] = [this]
    return chain_by_points(pattern, listed, this, after)


def _chain(pattern: StepsPattern, last: Hit, steps: Steps) -> tuple[Hit, Mark] | None:
    """The nearest chain to `last`, and when the earliest known one was; None where there is none.

    Where the nearest was known by then nothing else need be looked at, and nearly always it was.
    """
    nearest = _nearest(pattern, last, steps)
    if nearest is None and pattern.same_occurrence is None:
        return None
    if nearest is not None and all(hit.learnt <= last.learnt for hit in nearest):
        return completed(last, last.learnt, nearest), (last.learnt, *map(id, nearest))
    known: list[dict[int, datetime]] = [{id(hit): hit.learnt for hit in steps[0]}]
    for before, hits in pairwise(steps):
        known.append(_known(pattern, before, known[-1], hits))
    learnt = _known(pattern, steps[-1], known[-1], [last]).get(id(last))
    if learnt is None:
        return None
    chain, then = [], last
    for hits, reached in zip(reversed(steps), reversed(known), strict=True):
        leading = (hit for hit in reversed(hits) if id(hit) in reached)
        then = next(hit for hit in leading if _leads_to(pattern, hit, then))
        chain.append(then)
    return completed(last, learnt, chain), (learnt, *map(id, chain))


def _nearest(pattern: StepsPattern, last: Hit, steps: Steps) -> list[Hit] | None:
    """The chain of the latest that fits at each step, from the end; None where that leads to none. Where occurrences
    may be any, there is no chain at all then: an earlier choice has no more before it."""
    chain: list[Hit] = []
    then = last
    for hits in reversed(steps):
        place = bisect_left(hits, then.at, key=_AT)
        found = next((hits[at] for at in range(place - 1, -1, -1) if _leads_to(pattern, hits[at], then)), None)
        if found is None:
            return None
        chain.append(found)
        then = found
    return chain


_AT = attrgetter("at")


def _known(
    pattern: StepsPattern, before: Sequence[Hit], known: Mapping[int, datetime], hits: Sequence[Hit]
) -> dict[int, datetime]:
    """When the earliest known chain up to each of `hits` was known, in one pass over both; without those that none
    leads to."""
    made: dict[int, datetime] = {}
    earliest: dict[str, list[tuple[datetime, str]]] = {}  # by subject: the best two, of different occurrences
    place = 0
    for hit in hits:
        while place < len(before) and before[place].at < hit.at:
            one = before[place]
            place += 1
            if id(one) in known:
                _remember(pattern, earliest, one, known[id(one)])
        learnt = next((when for when, of in earliest.get(_whose(pattern, hit), ()) if _fits(pattern, of, hit)), None)
        if learnt is not None:
            made[id(hit)] = max(learnt, hit.learnt)
    return made


def _remember(
    pattern: StepsPattern, earliest: dict[str, list[tuple[datetime, str]]], one: Hit, learnt: datetime
) -> None:
    """The earliest known chain, and the earliest of another occurrence; no third can ever be asked for."""
    best = earliest.setdefault(_whose(pattern, one), [])
    kept = {of: when for when, of in best}
    kept[one.occurrence] = min(learnt, kept.get(one.occurrence, learnt))
    best[:] = sorted((when, of) for of, when in kept.items())[:2]


def _whose(pattern: StepsPattern, hit: Hit) -> str:
    """What chains must share to be compared: the subject, and the occurrence where all steps are of one."""
    subject = hit.last.subject if pattern.same_subject else ""
    return f"{subject}|{hit.occurrence}" if pattern.same_occurrence else subject


def _fits(pattern: StepsPattern, occurrence: str, then: Hit) -> bool:
    return pattern.same_occurrence is not False or occurrence != then.occurrence


def _leads_to(pattern: StepsPattern, one: Hit, then: Hit) -> bool:
    if one.at >= then.at or (pattern.same_subject and one.last.subject != then.last.subject):
        return False
    same = pattern.same_occurrence
    return same is None or (one.occurrence == then.occurrence) is same


@dataclass(slots=True, eq=False)
class Apart:
    """Notes: the hits that may complete (of the last step, guarded ones too, of others those that were coded late) with
    their places, the open ones of all steps, and what was completed."""

    anchors: dict[int, tuple[Hit, frozenset[int]]]
    behind: Behind
    done: dict[int, tuple[Hit, Mark]]


@dataclass(frozen=True, slots=True)
class ApartFinder:
    """Steps without overlap. Which of them count depends on all that came before, so all of it is looked at again.

    A completion that came too late to fire keeps nothing from counting.
    """

    pattern: StepsPattern
    parts: tuple[int, ...]
    tolerance: timedelta

    def empty(self) -> Found:
        """Nothing found."""
        return Found({}, Apart({}, tuple(Line() for _ in self.parts), {}))

    def next(
        self, found: Found, _parts: Sequence[Found], differences: Sequence[Difference]
    ) -> tuple[Found, Difference]:
        """From the first hit on, each sequence after the one before."""
        notes: Apart = found.notes
        news = [news_of(difference) for difference in differences]
        if not any(gone or come for gone, come in news):
            return found, NO_DIFFERENCE
        behind = tuple(replaced(line, *new) for line, new in zip(notes.behind, news, strict=True))
        anchors = self._anchors(notes.anchors, news)
        done = self._in_turn(anchors, behind, notes.done)
        was, now = ([hit for hit, _ in each.values()] for each in (notes.done, done))
        return outcome(found, was, now, Apart(anchors, behind, done))

    def _anchors(
        self, was: Mapping[int, tuple[Hit, frozenset[int]]], news: Sequence[tuple[Hits, Hits]]
    ) -> dict[int, tuple[Hit, frozenset[int]]]:
        anchors = dict(was)
        last = len(news) - 1
        for place, (gone, come) in enumerate(news):
            for hit in gone:
                one, places = anchors.pop(id(hit), (hit, _NO_PLACES))
                if places - {place}:
                    anchors[id(hit)] = (one, places - {place})
            for hit in come:
                if place == last or (hit.open and hit.earlier):
                    anchors[id(hit)] = (hit, anchors.get(id(hit), (hit, _NO_PLACES))[1] | {place})
        return anchors

    def _in_turn(
        self,
        anchors: Mapping[int, tuple[Hit, frozenset[int]]],
        behind: Behind,
        was: Mapping[int, tuple[Hit, Mark]],
    ) -> dict[int, tuple[Hit, Mark]]:
        done: dict[int, tuple[Hit, Mark]] = {}
        since: datetime | None = None
        for this, places in sorted(anchors.values(), key=lambda one: one[0].key):
            each = (self._made(this, place, behind, since) for place in sorted(places, reverse=True))
            made = min(filter(None, each), key=self._preferred, default=None)
            if made is None:
                continue
            known = was.get(id(this))
            done[id(this)] = known if known is not None and known[1] == made[1] else made
            if this.open and made[0].lateness <= self.tolerance:
                since = this.at
        return done

    def _made(self, this: Hit, place: int, behind: Behind, since: datetime | None) -> tuple[Hit, Mark] | None:
        def again(behind: Behind) -> tuple[Hit, Mark] | None:
            return _completed(self.pattern, this, place, behind, since)

        return in_time_or_late(this, behind, again, tolerance=self.tolerance)

    def _preferred(self, made: tuple[Hit, Mark]) -> tuple[bool, datetime]:
        return made[0].lateness > self.tolerance, made[0].learnt


_NO_PLACES: frozenset[int] = frozenset()
