"""What is news within one occurrence, of all the moments at which a pattern holds in it.

The first moment is, and later ones only where the priority rises. A moment that was learnt too late does not hide a
later one that was known in time. Of a pattern that is a rule by itself, it does not hide one either that tells it again
(rules.md section 2, ADR 0017): what was told once is no news when it is said again, but where the first telling could
not fire, whoever says it again in time is the first to say it to somebody who may act.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from domain.kinds import Kind
from domain.people import Standing
from triggers.guarding import decide
from triggers.hits import Hit
from triggers.moments import moment_of
from triggers.occurrences import fold_occurrence
from triggers.verdicts import FiringDecision

STATES_WHAT_IS = frozenset({Kind.MISSING_REGRADED})
"""Kinds that say how things stand now: somebody is out there still. Others write anew what has happened, and of that
those who began the watch knew."""

STILL_FRESH = timedelta(days=7)
"""How old a visit, crime or report may be to be told by its second record as if by its first: longer than a feed is
away over a holiday, and short enough that a back file that is loaded rings nobody for what lies years back."""


def edges(hits: Iterable[Hit], tolerance: timedelta, *, by_itself: bool = False) -> Iterator[Hit]:
    """Of hits of one occurrence in order, those that say something new.

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
        if told and not (by_itself and hit.lateness <= tolerance and _tells_again(hit, before_the_watch=known)):
            continue
        yield hit
        if hit.lateness > tolerance:
            late.append((hit.learnt, hit.rank))
        elif by_itself and not _watched_at(hit):
            before = hit.rank if before is None else min(before, hit.rank)
        else:
            best = hit.rank


def _tells_again(hit: Hit, *, before_the_watch: bool) -> bool:
    """Whether the record of a hit makes its pattern true by itself, without a word of those before it.

    `before_the_watch`: it was told in time once, but when nobody watched. What several events made true, none tells.
    """
    pattern, moment = hit.pattern, hit.last
    entry = moment.entry
    occurrence = moment.occurrence
    if pattern is None or moment.subject in occurrence.links:
        return False
    if entry.kind not in STATES_WHAT_IS and (before_the_watch or moment.at - occurrence.started_at > STILL_FRESH):
        return False
    alone = fold_occurrence((entry,), moment.reference)
    if alone is None or moment.subject not in alone.relations:
        return False
    told = moment_of(alone.told[-1], alone, moment.subject, moment.person, moment.reference)
    return pattern.holds(told) and decide(pattern, told, ()) is FiringDecision.FIRED


def _watched_at(hit: Hit) -> bool:
    """Whether the watch, in date and of that feed, covers the time of the hit."""
    moment = hit.last
    return moment.person.standing(moment.at, moment.entry.feed) is Standing.IN_DATE
