"""Where an event pattern holds in one occurrence: hits, in event time, each with the earliest moment it was known.

A hit is an *edge*: the first moment of an occurrence at which the pattern holds, and later ones only where the
priority rises. A moment that was learnt too late does not hide a later one that was known in time; of a pattern that
is a rule by itself, nor one that tells it again (`retelling.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Protocol

from domain.ids import OccurrenceKey
from domain.kinds import Kind
from domain.matches import JOINED
from triggers.guarding import decide, only_as_suspect
from triggers.knowing import first_known, lateness_of
from triggers.moments import Moment
from triggers.occurrences import ASKED_VALUES, Values
from triggers.patterns import ABOUT_OTHERS, EventPattern
from triggers.retelling import tells_again, watched_at
from triggers.sheets import Scene, Sheet
from triggers.verdicts import FiringDecision

Grading = Callable[[Moment], int]
"""How urgent a moment would make the rule: 1 (most) to 3."""

Moments = tuple[Moment, ...]
Point = tuple[datetime, datetime]
"""A time at which something stood, and when that was first known."""

_FIRED = FiringDecision.FIRED


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


def all_alike(was: tuple[Hit, ...], now: tuple[Hit, ...], endings: Iterable[str] = ENDINGS) -> bool:
    """Whether both mean the same for every question that can be asked: then nothing need be asked again.

    `endings` are those that anybody who uses these hits reads.
    """
    return len(was) == len(now) and all(_alike(one, other, endings) for one, other in zip(was, now, strict=True))


def _alike(one: Hit, other: Hit, endings: Iterable[str]) -> bool:
    if one.earlier != other.earlier:
        return False
    if one.last is other.last:
        return _known_alike(one, other) and one.decision is other.decision and one.rank == other.rank
    here, there = one.last, other.last
    return (
        here.entry is there.entry
        and here.person is there.person
        and _known_alike(one, other)
        and one.decision is other.decision
        and one.rank == other.rank
        and here.roles == there.roles
        and here.relation is there.relation
        and here.occurrence.started_at == there.occurrence.started_at
        and here.linked == there.linked
        and _same_values(here, there, endings)
    )


def _known_alike(one: Hit, other: Hit) -> bool:
    return one.learnt == other.learnt and one.lateness == other.lateness


def _same_values(here: Moment, there: Moment, endings: Iterable[str]) -> bool:
    one, other = _worded(here), _worded(there)
    if len(one) != len(other) or any(map(_worded_otherwise, one, other)):
        return False
    final, later = here.occurrence.final, there.occurrence.final
    return all(final.get(name) == later.get(name) for name in endings)


def _worded(moment: Moment) -> list[Moment]:
    """The moment, and each correction that changed anything that can be asked for."""
    found = [moment]
    for each in moment.corrections():
        if _worded_otherwise(each, found[-1]):
            found.append(each)
    return found


def _worded_otherwise(one: Moment, other: Moment) -> bool:
    return one.roles != other.roles or _differ(one.values, other.values)


def _differ(one: Values, other: Values) -> bool:
    """Whether anything that can be asked for differs."""
    if one is other or one == other:
        return False
    return any(name in ASKED_VALUES for name, _ in one.items() ^ other.items())


def edges(hits: Iterable[Hit], tolerance: timedelta, *, by_itself: bool = False) -> Iterator[Hit]:
    """Of hits of one occurrence in order, those that say something new: see the module's second sentence.

    `by_itself`: of a pattern that is a rule by itself, where what nobody was told hides no later telling of the whole.
    """
    best: int | None = None
    before: int | None = None  # of what came in time, and before the watch
    late: list[tuple[datetime, int]] = []
    guarded: set[FiringDecision] = set()
    for hit in hits:
        if not hit.open:
            if hit.decision not in guarded:
                guarded.add(hit.decision)
                yield hit
            continue
        if best is not None and hit.rank >= best:
            continue
        known = before is not None and hit.rank >= before
        told = known or (late and any(hit.learnt >= learnt and hit.rank >= rank for learnt, rank in late))
        if told and not (by_itself and hit.lateness <= tolerance and tells_again(hit, before_the_watch=known)):
            continue
        yield hit
        if hit.lateness > tolerance:
            late.append((hit.learnt, hit.rank))
        elif by_itself and not watched_at(hit):
            before = hit.rank if before is None else min(before, hit.rank)
        else:
            best = hit.rank


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
