"""Finders of what hangs together: all of several things, a first time, a change, a variety.

What holds at a moment is told by what had happened up to it, in event time; it was known when enough of it was known.
What came too late to be told before another does not hide that other. All of several things, and a variety, are also
found around the arrival of what was coded late (`by_window.py`); a first time and a change are told by the coding.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from triggers.by_window import windows_around
from triggers.facts import FACTS
from triggers.hits import Hit, too_late_for
from triggers.lines import Line
from triggers.looking_back import Anchor, Behind, LookingBack, Mark, completed, stood_before, within
from triggers.patterns import AllOf, ChangePattern, CountPattern, Distinct, FirstPattern

Completion = tuple[Hit, Mark] | None


def all_finder(pattern: AllOf, parts: tuple[int, ...], tolerance: timedelta) -> LookingBack:
    """Finds each moment by which all parts, and none of the others, happened within the span."""
    anchoring = tuple(range(len(pattern.parts)))
    completing = partial(_all_at, anchoring, pattern.within)
    return LookingBack(parts, anchoring, pattern.within, completing, tolerance=tolerance, making=len(anchoring))


def _all_at(wanted: Sequence[int], span: timedelta, anchor: Anchor, behind: Behind) -> Completion:
    """The nearest of each other part is told; it was known when the earliest known of each was."""
    this, learnt = anchor.hit, anchor.hit.learnt
    if this.earlier:
        return _all_around(wanted, span, anchor, behind)
    others: list[Hit] = []
    for part in wanted:
        if part == anchor.part:
            continue
        near = within(behind[part], this, span)
        if not near:
            return None
        others.append(near[-1])
        learnt = max(learnt, min(hit.learnt for hit in near))
    if any(within(line, this, span) for line in behind[len(wanted) :]):
        return None
    return completed(this, learnt, others), (learnt, *map(id, others))


def _all_around(wanted: Sequence[int], span: timedelta, anchor: Anchor, behind: Behind) -> Completion:
    """Of what was coded late: the window that was known first, of those that end with one of the parts."""
    this = anchor.hit
    places = [part for part in wanted if part != anchor.part]
    listed = [(part, hit) for part in places for hit in stood_before(behind[part], this, span)]
    none_of = [(-1, hit) for line in behind[len(wanted) :] for hit in stood_before(line, this, span)]
    everything = [*listed, *none_of]
    best: tuple[datetime, list[Hit]] | None = None
    for window in windows_around(this, [hit for _, hit in everything], span, ending=len(listed)):
        near = [(*everything[place], at) for place, at in window.others]
        by_part = [[(at, hit) for part, hit, at in near if part == wanted_part] for wanted_part in places]
        if not all(by_part) or any(part < 0 for part, _, _ in near):
            continue
        learnt = max([window.learnt, *(min(at for at, _ in each) for each in by_part)])
        if best is None or learnt < best[0]:
            best = (learnt, [each[-1][1] for each in by_part])
    return None if best is None else (completed(this, *best), (best[0], *map(id, best[1])))


def first_finder(pattern: FirstPattern, parts: tuple[int, ...], tolerance: timedelta) -> LookingBack:
    """Finds each hit before which nothing of another occurrence was found in the span."""
    return LookingBack(parts, (0,), pattern.within, partial(_first_at, pattern.within, tolerance))


def _first_at(span: timedelta | None, tolerance: timedelta, anchor: Anchor, behind: Behind) -> Completion:
    this = anchor.hit
    for other in within(behind[0], this, span, before=True):
        if other.occurrence != this.occurrence and not too_late_for(other, this, tolerance):
            return None
    return this, (id(this),)


# -- change --------------------------------------------------------------------------------------------------------


def change_finder(pattern: ChangePattern, parts: tuple[int, ...], tolerance: timedelta) -> LookingBack:
    """Finds each hit at which the recent rate is so many times the usual one."""
    reach = pattern.recent + pattern.usual
    return LookingBack(parts, (0,), reach, partial(_change_at, pattern), tolerance=tolerance)


def _change_at(pattern: ChangePattern, anchor: Anchor, behind: Behind) -> Completion:
    """The recent ones are told; it was known when enough of them, and a usual rate, were."""
    this, border = anchor.hit, anchor.at - pattern.recent
    near = within(behind[0], this, pattern.recent + pattern.usual)
    usual = _by_occurrence(hit for hit in near if hit.at < border)
    recent = _by_occurrence(hit for hit in near if hit.at >= border and hit.occurrence != this.occurrence)
    wanted = needed(pattern, len(usual))
    if len(usual) < pattern.usual_at_least or len(recent) + 1 < wanted:
        return None
    known = sorted(hit.learnt for hit in recent)[: wanted - 1]
    before = sorted(hit.learnt for hit in usual)[: pattern.usual_at_least]
    learnt = max(this.learnt, *known, *before) if known or before else this.learnt
    return completed(this, learnt, recent, len(recent) + 1), (learnt, *map(id, recent))


def needed(pattern: ChangePattern, usual: int) -> int:
    """How many in the recent span are enough, when so many fell into the usual one."""
    rate = usual * pattern.times * (pattern.recent / pattern.usual)
    wanted = max(pattern.at_least, int(rate))
    return wanted if wanted >= rate - _A_HAIR else wanted + 1


_A_HAIR = 1e-9
"""What rounding may add to a rate."""


def _by_occurrence(hits: Iterable[Hit]) -> list[Hit]:
    """One hit for each occurrence: the one that was known first, the earlier of two."""
    known: dict[str, Hit] = {}
    for hit in hits:
        other = known.get(hit.occurrence)
        if other is None or hit.learnt < other.learnt:
            known[hit.occurrence] = hit
    return list(known.values())


# -- variety -------------------------------------------------------------------------------------------------------


def variety_finder(pattern: CountPattern, parts: tuple[int, ...], tolerance: timedelta) -> LookingBack:
    """Finds each hit at which enough different values (feeds, sites, offence groups) lie in the window, and which adds
    to them."""
    completing = partial(_variety_at, pattern, tolerance)
    return LookingBack(parts, (0,), pattern.within, completing, tolerance=tolerance)


Valued = tuple[Hit, frozenset[str]]


def _variety_at(pattern: CountPattern, tolerance: timedelta, anchor: Anchor, behind: Behind) -> Completion:
    """The first hit of each value is told."""
    this, least = anchor.hit, pattern.at_least
    if this.earlier:
        return _variety_around(pattern, tolerance, this, behind[0])
    own = values_of(this, pattern.distinct)
    near = within(behind[0], this, pattern.within)
    before = [(hit, values) for hit in near if hit is not this and (values := values_of(hit, pattern.distinct))]
    everything = own.union(*(values for _, values in before))
    if not own or len(everything) < least:
        return None
    told = _NONE.union(*(values for hit, values in before if not too_late_for(hit, this, tolerance)))
    if own <= told and len(told) >= least:
        return None
    learnt, known = this.learnt, own
    for hit, values in sorted(before, key=lambda pair: pair[0].learnt):
        if len(known) >= least:
            break
        known, learnt = known | values, max(learnt, hit.learnt)
    others = _first_of_each(before, own)
    return completed(this, learnt, others, len(everything)), (learnt, len(everything), *map(id, others))


def _variety_around(pattern: CountPattern, tolerance: timedelta, this: Hit, line: Line[Hit]) -> Completion:
    """Of what was coded late: in any window in which it stood and to which it adds, known when the first of them was;
    the one that holds most is told."""
    own, least = values_of(this, pattern.distinct), pattern.at_least
    near = [hit for hit in stood_before(line, this, pattern.within) if hit is not this]
    listed = [(hit, values) for hit in near if (values := values_of(hit, pattern.distinct))]
    first: datetime | None = None
    most, others = 0, list[Hit]()
    for window in windows_around(this, [hit for hit, _ in listed], pattern.within) if own else ():
        before = [(*listed[place], at) for place, at in window.others]
        told = _NONE.union(*(values for hit, values, _ in before if not too_late_for(hit, this, tolerance)))
        if own <= told and len(told) >= least:
            continue
        learnt, known = window.learnt, own
        for _, values, at in sorted(before, key=lambda one: one[2]):
            if len(known) >= least:
                break
            known, learnt = known | values, max(learnt, at)
        if len(known) < least:
            continue
        first = learnt if first is None else min(first, learnt)
        count = len(own.union(*(values for _, values, _ in before)))
        if count > most:
            most, others = count, _first_of_each([(hit, values) for hit, values, _ in before], own)
    return None if first is None else (completed(this, first, others, most), (first, most, *map(id, others)))


_NONE: frozenset[str] = frozenset()


def _first_of_each(before: Sequence[Valued], own: frozenset[str]) -> list[Hit]:
    """The hits that brought a value which was not yet there, and which this one does not bring itself."""
    known, found = own, []
    for hit, values in before:
        if not values <= known:
            known = known | values
            found.append(hit)
    return found


def values_of(hit: Hit, distinct: Distinct) -> frozenset[str]:
    """By what a hit is told apart; none where it is not known."""
    if distinct is Distinct.FEED:
        return frozenset({hit.last.feed.value})
    value = FACTS[distinct.value].read(hit.last)
    if value is None:
        return _NONE
    return value if isinstance(value, frozenset) else frozenset({str(value)})
