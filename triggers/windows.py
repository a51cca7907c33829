"""Patterns over several events: counts in a sliding window, sequences, any-of. Windows are inclusive of exactly W."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from triggers.facts import FACTS, km_between
from triggers.hits import Hit, Search, edges, event_hits
from triggers.moments import Moment
from triggers.patterns import (
    AnyOf,
    CountPattern,
    Distinct,
    EventPattern,
    Merging,
    Pattern,
    SequencePattern,
    Subject,
)


def find(pattern: Pattern, search: Search) -> list[Hit]:
    """Every hit of a pattern, in order of event time."""
    match pattern:
        case EventPattern():
            return event_hits(pattern, search)
        case AnyOf():
            return _any_of(pattern, search)
        case CountPattern():
            return _count(pattern, replace(search, grading=None))
        case SequencePattern():
            return _sequence(pattern, replace(search, grading=None))


# -- any of --------------------------------------------------------------------------------------------------------


def _any_of(pattern: AnyOf, search: Search) -> list[Hit]:
    """Hits of the parts; parts that are single events share one edge per occurrence, others one hit per anchor."""
    singles: dict[tuple[str, str], list[Hit]] = {}
    others: dict[tuple[object, ...], Hit] = {}
    for part in pattern.parts:
        for hit in find(part, search):
            if isinstance(part, (EventPattern, AnyOf)):
                linked = isinstance(part, EventPattern) and part.subject is Subject.LINKED
                key = (str(hit.last.occurrence.key), hit.last.subject if linked else "")
                singles.setdefault(key, []).append(hit)
            else:
                anchor = (hit.order, hit.last.subject, hit.decision)
                known = others.get(anchor)
                others[anchor] = hit if known is None or hit.learnt < known.learnt else known
    merged = [
        kept
        for hits in singles.values()
        for kept in edges(sorted(hits, key=lambda hit: (hit.order, hit.rank)), search.tolerance)
    ]
    return sorted([*merged, *others.values()], key=lambda hit: (hit.order, hit.last.subject))


# -- sequence ------------------------------------------------------------------------------------------------------


def _sequence(pattern: SequencePattern, search: Search) -> list[Hit]:
    firsts = [hit for hit in find(pattern.first, search) if hit.open]
    found = []
    for then in find(pattern.then, search):
        before = [first for first in firsts if _leads_to(pattern, first, then)]
        if before:
            learnt = max(then.learnt, min(first.learnt for first in before))
            nearest = max(before, key=lambda first: first.order)
            found.append(replace(then, moments=(*nearest.moments, *then.moments), learnt=learnt))
    return found


def _leads_to(pattern: SequencePattern, first: Hit, then: Hit) -> bool:
    if not first.at < then.at <= first.at + pattern.within:
        return False
    same = first.last.occurrence.key == then.last.occurrence.key
    if pattern.same_occurrence is not None and same is not pattern.same_occurrence:
        return False
    return not pattern.same_subject or first.last.subject == then.last.subject


# -- count ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Counted:
    """A hit with what makes it different from others (`identity`)."""

    hit: Hit
    identity: str


def _count(pattern: CountPattern, search: Search) -> list[Hit]:
    hits = find(pattern.of, search)
    if not pattern.same:
        return _completions(_identified(hits, pattern), pattern, search.tolerance)
    found: dict[tuple[object, ...], Hit] = {}
    for value in sorted({value for hit in hits for value in _values(hit, pattern.same)}):
        sharing = [hit for hit in hits if value in _values(hit, pattern.same)]
        for hit in _completions(_identified(sharing, pattern), pattern, search.tolerance):
            found.setdefault((hit.order, hit.decision), hit)
    return sorted(found.values(), key=lambda hit: hit.order)


def _values(hit: Hit, fact: str) -> frozenset[str]:
    value = FACTS[fact].read(hit.last)
    if value is None:
        return frozenset()
    return value if isinstance(value, frozenset) else frozenset({str(value)})


def _completions(counted: Sequence[_Counted], pattern: CountPattern, tolerance: timedelta) -> list[Hit]:
    """Each hit at which enough different ones lie within the window and which adds to them."""
    found = []
    oldest = 0
    for place, this in enumerate(counted):
        since = this.hit.at - pattern.within
        while counted[oldest].hit.at < since:
            oldest += 1
        before = [other for other in counted[oldest:place] if other.hit.open]
        if len(before) + 1 < pattern.at_least or not _enough([*before, this], pattern):
            continue
        told = [other for other in before if not _learnt_after(other.hit, this.hit, tolerance)]
        if any(other.identity == this.identity for other in told) and _enough(told, pattern):
            continue
        found.append(_completed(this, before, pattern))
    return found


def _learnt_after(other: Hit, this: Hit, tolerance: timedelta) -> bool:
    """Whether `other` came too late to have been what completed the pattern before `this`."""
    return other.learnt - other.at > tolerance and other.learnt > this.learnt


def _completed(this: _Counted, before: list[_Counted], pattern: CountPattern) -> Hit:
    by_identity: dict[str, Hit] = {}
    for one in (*before, this):
        by_identity[one.identity] = one.hit if one is this else by_identity.get(one.identity, one.hit)
    moments = tuple(moment for hit in sorted(by_identity.values(), key=lambda hit: hit.order) for moment in hit.moments)
    return replace(this.hit, moments=moments, learnt=_learnt(this, before, pattern), count=len(by_identity))


def _learnt(this: _Counted, before: list[_Counted], pattern: CountPattern) -> datetime:
    """When enough of them, with this one, were first known."""
    known = [this]
    learnt = this.hit.learnt
    for other in sorted(before, key=lambda one: one.hit.learnt):
        if _enough(known, pattern):
            break
        known.append(other)
        learnt = max(learnt, other.hit.learnt)
    return learnt


def _enough(counted: Iterable[_Counted], pattern: CountPattern) -> bool:
    ones = list(counted)
    if len({one.identity for one in ones}) < pattern.at_least:
        return False
    return pattern.min_feeds == 1 or len({one.hit.last.feed for one in ones}) >= pattern.min_feeds


# -- what is one and the same --------------------------------------------------------------------------------------


def _identified(hits: list[Hit], pattern: CountPattern) -> list[_Counted]:
    if pattern.distinct is Distinct.ORIGIN_UNIT:
        units = ((hit, FACTS["origin_unit"].read(hit.last)) for hit in hits)
        return [_Counted(hit, str(unit)) for hit, unit in units if unit is not None]
    if pattern.merging.overlapping_episodes:
        return _episodes(hits, pattern.merging)
    if pattern.merging.two_feeds_within is not None or pattern.merging.same_source_key:
        return _told_twice(hits, pattern.merging)
    return [_Counted(hit, str(hit.last.occurrence.key)) for hit in hits]


def _episodes(hits: list[Hit], merging: Merging) -> list[_Counted]:
    """Episodes that overlap in time are one; an episode whose end is not known is presumed to last a while."""
    counted: list[_Counted] = []
    identity, until = "", None
    for hit in sorted(hits, key=lambda hit: (hit.last.occurrence.started_at, hit.order)):
        start = hit.last.occurrence.started_at
        end = hit.last.occurrence.final.get("ended_at") or start + merging.presumed_length
        if until is None or start >= until:
            identity, until = str(hit.last.occurrence.key), end
        until = max(until, end)
        counted.append(_Counted(hit, identity))
    return sorted(counted, key=lambda one: one.hit.order)


def _told_twice(hits: list[Hit], merging: Merging) -> list[_Counted]:
    """The same source key is one occurrence; so is the same kind of thing told by two feeds close in time and place."""
    counted: list[_Counted] = []
    by_occurrence: dict[str, str] = {}
    pairable: dict[str, list[Moment]] = {}
    for hit in hits:
        entry, own = hit.last.entry, str(hit.last.occurrence.key)
        name = f"{entry.source_system}|{entry.source_key}" if merging.same_source_key else own
        pairs = merging.two_feeds_where is not None and merging.two_feeds_where(hit.last) is True
        identity = by_occurrence.get(own) or by_occurrence.get(name)
        if identity is None:
            identity = (_other_telling(hit.last, pairable, merging) if pairs else None) or name
        by_occurrence[own] = by_occurrence[name] = identity
        if pairs:
            pairable.setdefault(identity, []).append(hit.last)
        counted.append(_Counted(hit, identity))
    return counted


def _other_telling(moment: Moment, pairable: dict[str, list[Moment]], merging: Merging) -> str | None:
    """The latest earlier occurrence that another feed told within the time and the distance; None if there is none."""
    for identity, tellings in reversed(pairable.items()):
        if all(_same_thing(moment, other, merging) for other in tellings):
            return identity
    return None


def _same_thing(moment: Moment, other: Moment, merging: Merging) -> bool:
    if moment.feed is other.feed or merging.two_feeds_within is None:
        return False
    if abs(moment.at - other.at) > merging.two_feeds_within:
        return False
    here, there = moment.values.get("place"), other.values.get("place")
    if merging.two_feeds_km is None or here is None or there is None:
        return True
    if None in (here.lat, here.lon, there.lat, there.lon):
        return True
    return km_between((here.lat, here.lon), (there.lat, there.lon)) <= merging.two_feeds_km
