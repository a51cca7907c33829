"""Whether what was found in one occurrence before and what is found now mean the same: then nothing is asked again."""

from collections.abc import Iterable

from triggers.hits import Hit
from triggers.moments import Moment
from triggers.occurrences import ASKED_VALUES, Values
from triggers.occurring import ENDINGS


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
        and here.occurrence.links.get(here.subject) == there.occurrence.links.get(there.subject)
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
