"""Where an event pattern holds in one occurrence: hits, in event time, each with the earliest moment it was known.

Which of the moments at which it holds are hits, `news.py` says.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile

from domain.kinds import Kind
from domain.matches import JOINED
from triggers.guarding import decide, only_as_suspect
from triggers.hits import Grading, Hit, Point
from triggers.knowing import first_known, lateness_of
from triggers.moments import Moment
from triggers.news import edges
from triggers.patterns import ABOUT_OTHERS, EventPattern
from triggers.sheets import Scene, Sheet
from triggers.verdicts import FiringDecision

_FIRED = FiringDecision.FIRED

ENDINGS = frozenset(("ended_at", "released_at"))
"""What is read of an occurrence as known now, not as told at the moment."""

ENDING_READ = {"released_when_learnt": "released_at"}
"""The facts that read an ending. `ended_at` is read by counts that merge episodes, and by nothing else."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An event pattern with its bit (`Holding`), how late it may be learnt, how urgent its moments are, and which
    endings of its occurrences are read by what it is part of. `by_itself`: it is part of nothing but its rule."""

    pattern: EventPattern
    bit: int
    tolerance: timedelta
    grading: Grading | None
    endings: frozenset[str] = ENDINGS
    by_itself: bool = False

    def hit_at(self, moment: Moment) -> Hit:
        """The hit at a moment at which the pattern holds and nothing stands against it."""
        rank = 3 if self.grading is None else self.grading(moment)
        return Hit(moment, moment.entry.received_at, _FIRED, rank, pattern=self.pattern)


def hits_on(sheet: Sheet, wanted: Wanted) -> tuple[Hit, ...]:
    """The hits of one event pattern in one occurrence, in order of event time and subject.

    What holds at each moment has been asked before (`Sheet.held`).
    """
    hits = _hits_on(sheet, wanted)
    if sheet.family in TOLD_LATER:
        for hit in hits:
            scene = sheet.scenes[hit.last.subject]
            if hit.open and scene[0].moment.entry is not hit.last.entry:
                hit.earlier = _stood_before(scene, wanted.pattern, hit)
    return hits


CODED_LATE = "ed"
"""Visits are coded after the fact: the injury was what it was on arrival. A crime counts from its re-coding."""

TOLD_LATER = frozenset({CODED_LATE, "crime"})
"""Where what is told now may have been so before: what a visit was, and who somebody was in a crime."""


def _stood_before(scene: Scene, pattern: EventPattern, hit: Hit) -> tuple[Point, ...]:
    """The moments before the hit at which the pattern would have held: of a visit by the words that came with the hit,
    of a crime by the roles that it added. None from before the link with whom it is about was learnt."""
    if hit.last.occurrence.family == CODED_LATE:
        read = Moment.worded_as
    elif hit.last.entry.kind is Kind.CRIME_ROLE_ADDED:
        read = Moment.in_roles_of
    else:
        return ()
    before = takewhile(lambda one: one.moment.entry is not hit.last.entry, scene)
    return tuple(
        (one.moment.at, max(one.moment.entry.received_at, hit.learnt))
        for one in before
        if one.moment.linked is None and _holds_unguarded(pattern, read(one.moment, hit.last))
    )


def _holds_unguarded(pattern: EventPattern, moment: Moment) -> bool:
    return pattern.holds(moment) and not (moment.under_ten() and only_as_suspect(pattern, moment))


def _hits_on(sheet: Sheet, wanted: Wanted) -> tuple[Hit, ...]:
    scenes = sheet.scenes
    if len(scenes) == 1:
        (scene,) = scenes.values()
        raw = _raw(wanted, sheet, scene)
        if len(raw) < _SEVERAL or wanted.pattern.every:
            return tuple(raw)
        return tuple(edges(raw, wanted.tolerance, by_itself=wanted.by_itself))
    return _of_several(wanted, [raw for scene in scenes.values() if (raw := _raw(wanted, sheet, scene))])


_SEVERAL = 2


def _of_several(wanted: Wanted, raw: Sequence[list[Hit]]) -> tuple[Hit, ...]:
    """Edges of each subject, where the pattern is about others; else of all subjects together."""
    if wanted.pattern.subject in ABOUT_OTHERS:
        hits = [hit for own in raw for hit in edges(own, wanted.tolerance, by_itself=wanted.by_itself)]
    else:
        together = sorted((hit for own in raw for hit in own), key=lambda hit: hit.key[0])
        hits = list(edges(together, wanted.tolerance, by_itself=wanted.by_itself))
    return tuple(sorted(hits, key=lambda hit: hit.key))


def _raw(wanted: Wanted, sheet: Sheet, scene: Scene) -> list[Hit]:
    """Every moment at which the pattern holds, edges or not."""
    found: list[Hit] = []
    bit, pattern, grading = wanted.bit, wanted.pattern, wanted.grading
    for sighting in scene:
        if not sighting.held & bit:
            continue
        moment = sighting.moment
        if sighting.plain and pattern.still is pattern.where:
            found.append(wanted.hit_at(moment))
            continue
        entry = moment.entry
        linked = moment.linked if moment.occurrence.links else None
        if linked is not None and not pattern.asks_link:
            if linked.by != JOINED:
                continue  # they were not close then, as far as we know; whoever joined may have been
            linked = None
        corrections = moment.corrections()
        decision = decide(pattern, moment, corrections)
        if decision is None:
            continue
        learnt, late = (
            (entry.received_at, None) if sighting.simple else first_known(pattern, wanted.tolerance, sheet, sighting)
        )
        rank = 3 if grading is None else _rank(moment, corrections, grading)
        if linked is None:
            found.append(Hit(moment, learnt, decision, rank, lateness=late, pattern=pattern))
        else:
            late = lateness_of(entry) if late is None else late
            found.append(Hit(moment.when_linked(linked), learnt, decision, rank, lateness=late, pattern=pattern))
    return found


def _rank(moment: Moment, corrections: Iterable[Moment], grading: Grading) -> int:
    """A correction downwards lowers the urgency, for good; one upwards counts from its own moment, again too."""
    return max(grading(each) for each in (moment, *corrections))
