"""When a later record of an occurrence tells again what nobody was told of: the one before it came too late, or from
before the watch (rules.md section 2, ADR 0017).

What was told once is no news when it is said again. But where the first telling could not fire, whoever says it again
in time is the first to say it to somebody who may act.
"""

from typing import TYPE_CHECKING

from domain.kinds import Kind
from domain.people import Standing
from triggers.guarding import decide
from triggers.moments import moment_of
from triggers.occurrences import fold_occurrence
from triggers.verdicts import FiringDecision

if TYPE_CHECKING:
    from triggers.hits import Hit

STATES_WHAT_IS = frozenset({Kind.MISSING_REGRADED})
"""Kinds that say how things stand now: somebody is out there still. Others write anew what has happened, and of that
those who began the watch knew."""


def tells_again(hit: "Hit", *, before_the_watch: bool) -> bool:
    """Whether the record of a hit makes its pattern true by itself, without a word of those before it.

    `before_the_watch`: it was told in time once, but when nobody watched. What several events made true, none tells.
    """
    pattern, moment = hit.pattern, hit.last
    entry = moment.entry
    if pattern is None or moment.occurrence.links or (before_the_watch and entry.kind not in STATES_WHAT_IS):
        return False
    alone = fold_occurrence((entry,), moment.reference)
    if alone is None or moment.subject not in alone.relations:
        return False
    told = moment_of(alone.told[-1], alone, moment.subject, moment.person, moment.reference)
    return pattern.holds(told) and decide(pattern, told, ()) is FiringDecision.FIRED


def watched_at(hit: "Hit") -> bool:
    """Whether the watch, in date and of that feed, covers the time of the hit."""
    moment = hit.last
    return moment.person.standing(moment.at, moment.entry.feed) is Standing.IN_DATE
