"""What counts as one and the same: names for the hits of a count, so that hits of one name count once.

By occurrence, by the unit that reported, by missing episodes that overlap, or by what two feeds told of the same thing.
A naming belongs to one count: it names the hits from some place on, given how those before were named.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from operator import is_
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


@dataclass(slots=True, eq=False)
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
        if place == size and len(come) == 1:
            return place if _start(come[0]) > latest else 0
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
        in_place = len(hits) == 1 or all(map(is_, in_turn, hits))
        self.links = known.upto(place, [made[id(hit)] for hit in hits]) if in_place else None
        return self, names


def _start(hit: Hit) -> tuple[Any, ...]:
    return (hit.last.occurrence.started_at, hit.key[0])


@dataclass(frozen=True, slots=True)
class Telling:
    """A moment that another feed may also have told, and when it happened: a visit at its arrival, whenever coded."""

    key: Any
    moment: Moment
    name: str
    since: datetime


class Ledger:
    """Which names were given to which keys, row by row, and where each name was first told by another feed.

    It is written at its end and taken back from there; what lies before is never touched.
    """

    __slots__ = ("_first", "_given", "_names", "_rows")

    def __init__(self) -> None:
        self._given: dict[str, list[str]] = {}  # names by key, the latest last
        self._rows: list[tuple[str, ...]] = []  # the keys that each row named
        self._first: dict[str, tuple[int, datetime]] = {}
        self._names: list[str] = []  # of the tellings, in order

    def back_to(self, size: int, told: int) -> None:
        """As it was after its first `size` names and `told` tellings."""
        while len(self._rows) > size:
            for key in self._rows.pop():
                names = self._given[key]
                names.pop()
                if not names:
                    del self._given[key]
        while len(self._names) > told:
            name = self._names.pop()
            if self._first[name][0] == len(self._names):
                del self._first[name]

    def name_of(self, key: str) -> str | None:
        """The name that the key was last given."""
        names = self._given.get(key)
        return names[-1] if names else None

    def first_of(self, name: str) -> tuple[int, datetime]:
        """Where among the tellings the name was first told, and when that was."""
        return self._first[name]

    def give(self, keys: tuple[str, ...], name: str) -> None:
        """The keys, each once, have this name from here on."""
        for key in keys:
            self._given.setdefault(key, []).append(name)
        self._rows.append(keys)

    def tell(self, name: str, at: datetime) -> None:
        """The name was told by one more feed."""
        self._first.setdefault(name, (len(self._names), at))
        self._names.append(name)


@dataclass(slots=True, eq=False)
class ByTelling:
    """The same source key is one occurrence; so is the same kind of thing told by two feeds close in time and place."""

    merging: Merging
    ledger: Ledger = field(default_factory=Ledger)
    tellings: Line[Telling] = field(default_factory=Line)
    fixed: bool = False
    by_occurrence: bool = False

    def named_from(self, _size: int, place: int, _come: Sequence[Hit]) -> int:
        """Nothing before the change."""
        return place

    def next(self, place: int, was: Sequence[Hit], hits: Sequence[Hit]) -> tuple[Naming, list[str | None]]:
        """Each hit by what was known of it before: its occurrence, its source key, another feed's telling."""
        kept = self.tellings.place(was[0].key) if was else self.tellings.size
        ledger, merging = self.ledger, self.merging
        pairing = merging.two_feeds_where if merging.two_feeds_within is not None else None
        ledger.back_to(place, kept)
        told: list[Telling] = []
        names: list[str | None] = []
        for hit in hits:
            own = shared = str(hit.occurrence)
            if merging.same_source_key:
                entry = hit.last.entry
                shared = f"{entry.source_system}|{entry.source_key}"
            pairs = pairing is not None and pairing(hit.last) is True
            name = ledger.name_of(own) or ledger.name_of(shared)
            if name is None:
                name = (self._other_telling(hit, kept, told, ledger) if pairs else None) or shared
            ledger.give((own,) if own == shared else (own, shared), name)
            if pairs:
                ledger.tell(name, hit.at)
                told.append(Telling(hit.key, hit.last, name, hit.since if hit.earlier else hit.at))
            names.append(name)
        if told or was:
            self.tellings = self.tellings.upto(kept, told)
        return self, names

    def _other_telling(self, hit: Hit, kept: int, told: Sequence[Telling], ledger: Ledger) -> str | None:
        """The latest earlier occurrence that another feed told within time and distance; None if there is none.

        Nothing told before `since` happened after it: a telling stands no earlier than what it tells.
        """
        within = self.merging.two_feeds_within
        assert within is not None
        happened = hit.since if hit.earlier else hit.at
        since, until = happened - within, happened + within
        near: dict[str, list[Telling]] = {}
        for telling in chain(reversed(told), self.tellings.backwards(kept)):
            if telling.moment.at < since:
                break
            near.setdefault(telling.name, []).append(telling)
        whole = (name for name in near if ledger.first_of(name)[1] >= since)
        for name in sorted(whole, key=lambda name: ledger.first_of(name)[0], reverse=True):
            if all(
                since <= other.since <= until and _same_thing(hit.last, other.moment, self.merging)
                for other in near[name]
            ):
                return name
        return None


def _same_thing(moment: Moment, other: Moment, merging: Merging) -> bool:
    if moment.feed is other.feed:
        return False
    here, there = moment.values.get("place"), other.values.get("place")
    if merging.two_feeds_km is None or here is None or there is None:
        return True
    if None in (here.lat, here.lon, there.lat, there.lon):
        return True
    return km_between((here.lat, here.lon), (there.lat, there.lon)) <= merging.two_feeds_km
