"""Where a pattern holds in a history: hits, in event time, each with the earliest moment at which it was known.

A hit is an *edge*: the first moment of an occurrence at which the pattern holds, and later ones only where the
priority rises. A moment that was learnt too late does not hide a later one that was known in time.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.events import SUSPECT_ROLES
from triggers.gate import Gate
from triggers.indexing import HistoryIndex
from triggers.moments import Moment, moment_of
from triggers.occurrences import Occurrence, fold_occurrence
from triggers.patterns import RELATIONS, EventPattern, Subject
from triggers.verdicts import FiringDecision

SUSPECT_FAMILIES = frozenset({"custody", "arrest"})
"""Families that read the person as a suspect whatever the condition says."""

Grading = Callable[[Moment], int]
"""How urgent a moment would make the rule: 1 (most) to 3."""


@dataclass(frozen=True, slots=True)
class Hit:
    """The pattern held. `moments` are the contributing ones in order, the last completes; `decision` FIRED or a guard.

    `learnt` is when it was first known; `rank` the urgency 1 to 3 (3 where not graded); `count` for counting patterns.
    """

    moments: tuple[Moment, ...]
    learnt: datetime
    decision: FiringDecision = FiringDecision.FIRED
    rank: int = 3
    count: int | None = None

    @property
    def last(self) -> Moment:
        """The completing moment."""
        return self.moments[-1]

    @property
    def at(self) -> datetime:
        """Event time of the completing moment."""
        return self.moments[-1].entry.occurred_at

    @property
    def order(self) -> tuple[datetime, int, datetime, str]:
        """Order in event time."""
        return self.moments[-1].entry.order

    @property
    def open(self) -> bool:
        """Whether no guard stands against it."""
        return self.decision is FiringDecision.FIRED


@dataclass(frozen=True, slots=True)
class Search:
    """What a search works with: the history, how late is too late, and how a moment is graded (None: not at all)."""

    index: HistoryIndex
    tolerance: timedelta
    grading: Grading | None = None


def event_hits(pattern: EventPattern, search: Search) -> list[Hit]:
    """The hits of one event pattern, in order of event time. Asked again about the same history, it remembers."""
    known = search.index.found.get(id(pattern)) if search.grading is None else None
    if known is not None and known[0] is pattern and known[1] == search.tolerance:
        remembered: list[Hit] = known[2]
        return remembered
    found: list[Hit] = []
    for family in pattern.families:
        for occurrence in search.index.occurrences(family):
            found.extend(_in_occurrence(pattern, occurrence, search))
    found.sort(key=lambda hit: (hit.order, hit.last.subject))
    if search.grading is None:
        search.index.found[id(pattern)] = (pattern, search.tolerance, found)
    return found


def edges(hits: Iterable[Hit], tolerance: timedelta) -> Iterator[Hit]:
    """Of hits of one occurrence in order, those that say something new: see the module's second sentence."""
    best: int | None = None
    late: tuple[datetime, int] | None = None
    guarded: set[FiringDecision] = set()
    for hit in hits:
        if not hit.open:
            if hit.decision not in guarded:
                guarded.add(hit.decision)
                yield hit
            continue
        if best is not None and hit.rank >= best:
            continue
        if late is not None and hit.learnt >= late[0] and hit.rank >= late[1]:
            continue
        yield hit
        if hit.learnt - hit.at > tolerance:
            late = (hit.learnt, hit.rank)
        else:
            best = hit.rank


def _in_occurrence(pattern: EventPattern, occurrence: Occurrence, search: Search) -> Iterable[Hit]:
    relations = RELATIONS[pattern.subject]
    subjects = [subject for subject, relation in occurrence.relations.items() if relation in relations]
    if not subjects:
        return ()
    if pattern.subject is Subject.LINKED:
        hits = (edges(_raw(pattern, occurrence, subject, search), search.tolerance) for subject in subjects)
        return (hit for linked in hits for hit in linked)
    raw = [hit for subject in subjects for hit in _raw(pattern, occurrence, subject, search)]
    if len(subjects) > 1:
        raw.sort(key=lambda hit: hit.order)
    return edges(raw, search.tolerance) if len(raw) > 1 else raw


def _raw(pattern: EventPattern, occurrence: Occurrence, subject: str, search: Search) -> list[Hit]:
    """Every moment at which the pattern holds, edges or not."""
    found: list[Hit] = []
    for sighting in search.index.sightings(occurrence, subject):
        moment = sighting.moment
        if moment.entry.kind not in pattern.kinds:
            continue
        decision = _decide(pattern, moment, sighting.final)
        if decision is None:
            continue
        simple = sighting.simple
        learnt = moment.entry.received_at if simple else _learnt(pattern, occurrence, sighting.place, moment, search)
        found.append(Hit((moment,), learnt, decision, _rank(moment, sighting.final, search.grading)))
    return found


def _rank(moment: Moment, final: Moment, grading: Grading | None) -> int:
    """A correction downwards lowers the urgency; one upwards counts only from its own moment."""
    return 3 if grading is None else max(grading(moment), grading(final))


def _decide(pattern: EventPattern, moment: Moment, final: Moment) -> FiringDecision | None:
    """FIRED or the guard that stands against it; None where the pattern does not hold."""
    if pattern.holds(moment) is not True:
        return None
    asked = final is moment and pattern.still is pattern.where
    if not asked and pattern.still_holds(final) is not True:
        return None
    if moment.under_ten() and _only_as_suspect(pattern, moment):
        return FiringDecision.UNDER_TEN
    if moment.occurrence.family == "intel":
        gates = {moment.gate().gate, final.gate().gate}
        if Gate.BLOCK in gates:
            return FiringDecision.BLOCKED_BY_ORIGINATOR
        if Gate.HOLD in gates:
            return FiringDecision.HELD_FOR_GATEKEEPER
    return FiringDecision.FIRED


def _only_as_suspect(pattern: EventPattern, moment: Moment) -> bool:
    if pattern.suspect_side or moment.occurrence.family in SUSPECT_FAMILIES:
        return True
    return not moment.roles.isdisjoint(SUSPECT_ROLES) and pattern.holds(moment.without_suspect_roles()) is not True


def _learnt(pattern: EventPattern, occurrence: Occurrence, place: int, moment: Moment, search: Search) -> datetime:
    """The earliest time of receipt at which what had come in already made the pattern true at this moment."""
    entry = moment.entry
    known = occurrence.entries[: place + 1]
    later = sorted({other.received_at for other in known if other.received_at > entry.received_at})
    if not later:
        return entry.received_at
    for when in (entry.received_at, *later[:-1]):
        partial = fold_occurrence([other for other in known if other.received_at <= when], search.index.reference)
        if partial is None or moment.subject not in partial.relations:
            continue
        told = partial.told[-1]
        if moment.subject not in told.roles:
            continue
        index = search.index
        earlier = moment_of(
            told, occurrence=partial, subject=moment.subject, person=index.person, reference=index.reference
        )
        if _decide(pattern, earlier, earlier) is FiringDecision.FIRED:
            return when
    return later[-1]
