"""What counts as one and the same: names for the hits of a count, so that hits of one name count once.

By occurrence, by the unit that reported, by missing episodes that overlap, or by what two feeds told of the same thing.
A naming is a value: it names the hits from some place on, given how those before were named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any, Protocol

from triggers.facts import FACTS, km_between
from triggers.hits import Hit
from triggers.lines import Line
from triggers.moments import Moment
from triggers.patterns import CountPattern, Distinct, Merging


class Naming(Protocol):
    """Names hits in order. `fixed` where a hit's name does not depend on other hits, `by_occurrence` where it is the
    occurrence's own."""

    @property
    def by_occurrence(self) -> bool:
        """Whether only hits of one occurrence have one name."""

    @property
    def fixed(self) -> bool:
        """Whether a name once given stays, whatever comes before."""

    def named_from(self, size: int, place: int, come: Sequence[Hit], /) -> int:
        """From which place on names must be given again, when the line of `size` changes at `place`."""

    def next(self, place: int, was: Sequence[Hit], hits: Sequence[Hit], /) -> tuple["Naming", list[str | None]]:
        """The naming after `hits` stand at `place` and after, where `was` stood, and their names; None: not counted."""


def naming_of(pattern: CountPattern) -> Naming:
    """The naming that a count asks for, before anything was named."""
    if pattern.distinct is Distinct.ORIGIN_UNIT:
        return ByUnit()
    if pattern.merging.overlapping_episodes:
        return ByEpisode(pattern.merging)
    if pattern.merging.two_feeds_within is not None or pattern.merging.same_source_key:
        return ByTelling(pattern.merging)
    return ByOccurrence()


@dataclass(frozen=True, slots=True)
class ByOccurrence:
    """Each occurrence counts once."""

    fixed: bool = True
    by_occurrence: bool = True

    def named_from(self, _size: int, place: int, _come: Sequence[Hit]) -> int:
        """Nothing before the change."""
        return place

    def next(self, _place: int, _was: Sequence[Hit], hits: Sequence[Hit]) -> tuple[Naming, list[str | None]]:
        """The occurrence's own key."""
        return self, [str(hit.occurrence) for hit in hits]


@dataclass(frozen=True, slots=True)
class ByUnit:
    """Each unit that reports counts once; a report without a unit counts for nothing."""

    fixed: bool = True
    by_occurrence: bool = False

    def named_from(self, _size: int, place: int, _come: Sequence[Hit]) -> int:
        """Nothing before the change."""
        return place

    def next(self, _place: int, _was: Sequence[Hit], hits: Sequence[Hit]) -> tuple[Naming, list[str | None]]:
        """The unit's name."""
        units = (FACTS["origin_unit"].read(hit.last) for hit in hits)
        return self, [None if unit is None else str(unit) for unit in units]


@dataclass(frozen=True, slots=True)
class Link:
    """The chain of overlapping episodes after one hit: its name, until when it is open, and the latest start so far."""

    key: Any
    name: str
    until: datetime
    start: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ByEpisode:
    """Episodes that overlap in time are one; an episode whose end is not known is presumed to last a while.

    `links` hold the chains after each hit in its place, where hits come in the order in which their episodes started.
    """

    merging: Merging
    links: Line[Link] | None = None
    fixed: bool = False
    by_occurrence: bool = False

    def named_from(self, size: int, place: int, come: Sequence[Hit]) -> int:
        """From the change on if whatever follows it also started later than all before it; else everything."""
        links = self.links
        if links is None or not place or links.size < size:
            return 0
        latest = links.items[place - 1].start
        starts = [link.start for link in links.items[place:size]]
        return place if all(start > latest for start in (*starts, *map(_start, come))) else 0

    def next(self, place: int, _was: Sequence[Hit], hits: Sequence[Hit]) -> tuple[Naming, list[str | None]]:
        """Chains of overlapping episodes, each by the key of its first."""
        known: Line[Link] = self.links or Line()
        last = known.items[place - 1] if place else None
        name, until = ("", None) if last is None else (last.name, last.until)
        made: dict[int, Link] = {}
        in_turn = sorted(hits, key=_start)
        for hit in in_turn:
            start = hit.last.occurrence.started_at
            end = hit.last.occurrence.final.get("ended_at") or start + self.merging.presumed_length
            if until is None or start >= until:
                name, until = str(hit.occurrence), end
            until = max(until, end)
            made[id(hit)] = Link(hit.key, name, until, _start(hit))
        names: list[str | None] = [made[id(hit)].name for hit in hits]
        if [*map(id, in_turn)] != [*map(id, hits)]:
            return replace(self, links=None), names
        return replace(self, links=known.upto(place, [made[id(hit)] for hit in hits])), names


def _start(hit: Hit) -> tuple[Any, ...]:
    return (hit.last.occurrence.started_at, hit.key[0])


@dataclass(frozen=True, slots=True)
class Telling:
    """A moment that another feed may also have told."""

    key: Any
    moment: Moment
    name: str


Given = tuple[tuple[int, str], ...]
"""Names given to one key, each from some place in the line on."""


@dataclass(frozen=True, slots=True)
class ByTelling:
    """The same source key is one occurrence; so is the same kind of thing told by two feeds close in time and place.

    `given` says which name an occurrence or source key was last given, `first` where a name's first telling stands
    among the `tellings` and when it was.
    """

    merging: Merging
    given: Mapping[str, Given] | None = None
    tellings: Line[Telling] | None = None
    first: Mapping[str, tuple[int, datetime]] | None = None
    fixed: bool = False
    by_occurrence: bool = False

    def named_from(self, _size: int, place: int, _come: Sequence[Hit]) -> int:
        """Nothing before the change."""
        return place

    def next(self, place: int, was: Sequence[Hit], hits: Sequence[Hit]) -> tuple[Naming, list[str | None]]:
        """Each hit by what was known of it before: its occurrence, its source key, another feed's telling."""
        given, tellings, first = self._before(place, was)
        told: list[Telling] = []
        names: list[str | None] = []
        for at, hit in enumerate(hits, place):
            own, shared = self._keys(hit)
            pairs = self._pairing and self.merging.two_feeds_where(hit.last) is True  # type: ignore[misc]
            name = _last(given, own) or _last(given, shared)
            if name is None:
                name = (self._other_telling(hit.last, tellings, told, first) if pairs else None) or shared
            for key in {own, shared}:
                given[key] = (*given.get(key, ()), (at, name))
            if pairs:
                first.setdefault(name, (tellings.size + len(told), hit.at))
                told.append(Telling(hit.key, hit.last, name))
            names.append(name)
        if told:
            tellings = tellings.upto(tellings.size, told)
        return ByTelling(self.merging, given, tellings, first), names

    @property
    def _pairing(self) -> bool:
        return self.merging.two_feeds_where is not None and self.merging.two_feeds_within is not None

    def _keys(self, hit: Hit) -> tuple[str, str]:
        entry, own = hit.last.entry, str(hit.occurrence)
        return own, f"{entry.source_system}|{entry.source_key}" if self.merging.same_source_key else own

    def _before(
        self, place: int, was: Sequence[Hit]
    ) -> tuple[dict[str, Given], Line[Telling], dict[str, tuple[int, datetime]]]:
        """The notes as they were before the hits `was` at `place` and after were named."""
        given = dict(self.given or {})
        first = dict(self.first or {})
        tellings: Line[Telling] = self.tellings or Line()
        if not was:
            return given, tellings, first
        for hit in was:
            for key in self._keys(hit):
                given[key] = tuple(one for one in given.get(key, ()) if one[0] < place)
        kept = tellings.place(was[0].key)
        for telling in tellings.items[kept : tellings.size]:
            if telling.name in first and first[telling.name][0] >= kept:
                del first[telling.name]
        return given, tellings.upto(kept, ()), first

    def _other_telling(
        self,
        moment: Moment,
        tellings: Line[Telling],
        told: Sequence[Telling],
        first: Mapping[str, tuple[int, datetime]],
    ) -> str | None:
        """The latest earlier occurrence that another feed told within time and distance; None if there is none."""
        within = self.merging.two_feeds_within
        assert within is not None
        since = moment.at - within
        near: dict[str, list[Moment]] = {}
        for telling in chain(reversed(told), tellings.backwards()):
            if telling.moment.at < since:
                break
            near.setdefault(telling.name, []).append(telling.moment)
        whole = (name for name in near if first[name][1] >= since)
        for name in sorted(whole, key=lambda name: first[name][0], reverse=True):
            if all(_same_thing(moment, other, self.merging) for other in near[name]):
                return name
        return None


def _last(given: Mapping[str, Given], key: str) -> str | None:
    names = given.get(key)
    return names[-1][1] if names else None


def _same_thing(moment: Moment, other: Moment, merging: Merging) -> bool:
    if moment.feed is other.feed:
        return False
    here, there = moment.values.get("place"), other.values.get("place")
    if merging.two_feeds_km is None or here is None or there is None:
        return True
    if None in (here.lat, here.lon, there.lat, there.lon):
        return True
    return km_between((here.lat, here.lon), (there.lat, there.lon)) <= merging.two_feeds_km
