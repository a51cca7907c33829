"""Finders: one per pattern, each keeps what it has found and finds again only what a change can have touched.

A finder is told which occurrences changed (or what the finders of its parts now say of them) and answers with what it
keeps from now on and the difference, by occurrence of the completing moment. What it keeps (`Found`, notes) is its own
to change; hits and what they rest on are values. `windows.py` has the finders of patterns over several occurrences.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from domain.ids import OccurrenceKey
from triggers.alike import all_alike
from triggers.hits import Hit
from triggers.indexing import HistoryIndex, Keys
from triggers.lines import in_order
from triggers.news import edges
from triggers.occurring import Wanted, hits_on
from triggers.patterns import ABOUT_OTHERS, AnyOf, EventPattern
from triggers.sheets import Sheet

Hits = tuple[Hit, ...]
Difference = Mapping[OccurrenceKey, tuple[Hits, Hits]]
"""What was found before and what is found now, for each occurrence of which something was or is."""

NO_DIFFERENCE: Difference = {}
_NO_HITS: Hits = ()


@dataclass(slots=True, eq=False)
class Found:
    """What a finder keeps: its hits by occurrence, and its own notes for finding the next."""

    hits: dict[OccurrenceKey, Hits]
    notes: Any = None

    def differing(self, difference: Difference, notes: Any = None) -> "Found":
        """The same, brought up to the difference."""
        hits = self.hits
        for key, (_, now) in difference.items():
            if now:
                hits[key] = now
            else:
                hits.pop(key, None)
        self.notes = notes
        return self


def outcome(found: Found, was: Iterable[Hit | None], now: Iterable[Hit | None], notes: Any) -> tuple[Found, Difference]:
    """The next version, from what was completed in the changed part and what is completed there now."""
    before = {id(hit): hit for hit in was if hit is not None}
    after = {id(hit): hit for hit in now if hit is not None}
    gone = {one: hit for one, hit in before.items() if one not in after}
    come = [hit for one, hit in after.items() if one not in before]
    if not gone and not come:
        return Found(found.hits, notes), NO_DIFFERENCE
    difference: dict[OccurrenceKey, tuple[Hits, Hits]] = {}
    for key in dict.fromkeys(hit.occurrence for hit in (*gone.values(), *come)):
        known = found.hits.get(key, ())
        kept = [hit for hit in known if id(hit) not in gone]
        difference[key] = (known, tuple(in_order([*kept, *(hit for hit in come if hit.occurrence == key)])))
    return found.differing(difference, notes), difference


class Finder(Protocol):
    """Finds one pattern. `parts` are the places, in the plan, of the finders of its parts."""

    @property
    def parts(self) -> tuple[int, ...]:
        """Places of those finders."""

    def empty(self) -> Found:
        """What is found in no history."""


class Looking(Finder, Protocol):
    """Finds one pattern in the history itself."""

    def look(self, found: Found, changed: Keys, index: HistoryIndex, /) -> Difference:
        """What is different, now that the occurrences `changed` are."""


class Joining(Finder, Protocol):
    """Finds one pattern from what the finders of its parts find."""

    def next(
        self, found: Found, parts: Sequence[Found], differences: Sequence[Difference], /
    ) -> tuple[Found, Difference]:
        """What is found now that the parts find `parts`, and what that changes; at least one of them differs."""


@dataclass(frozen=True, slots=True)
class EventFinder:
    """Finds single events, occurrence by occurrence: told where it must look, it says what is there."""

    wanted: Wanted
    simple: bool = False  # whether corrections are asked nothing else
    parts: tuple[int, ...] = ()

    def empty(self) -> Found:
        """Nothing found."""
        return Found({})

    def find(self, found: Found, key: OccurrenceKey, sheet: Sheet | None) -> tuple[Hits, Hits] | None:
        """What was found in the occurrence `key` before and what is now; None where both mean the same.

        `sheet` is None where the pattern holds nowhere in it.
        """
        hits = found.hits
        was = hits.get(key, _NO_HITS)
        now = _NO_HITS if sheet is None else hits_on(sheet, self.wanted)
        if was:
            if not now:
                del hits[key]
                return was, now
            if all_alike(was, now, self.wanted.endings):
                return None
        elif not now:
            return None
        hits[key] = now
        return was, now


@dataclass(frozen=True, slots=True)
class AnyFinder:
    """Finds any of its parts; those that are single events share one edge per occurrence, others one hit per anchor.

    `alone` says of each part whether it is a single event (or any of such), `linked` whether it is about others.
    """

    parts: tuple[int, ...]
    alone: tuple[bool, ...]
    linked: tuple[bool, ...]
    tolerance: timedelta
    by_itself: bool = False  # whether it is a rule's whole pattern

    def empty(self) -> Found:
        """Nothing found."""
        return Found({})

    def next(self, found: Found, parts: Sequence[Found], differences: Sequence[Difference]) -> tuple[Found, Difference]:
        """Merges the parts again where one of them changed."""
        difference: dict[OccurrenceKey, tuple[Hits, Hits]] = {}
        hits = found.hits
        for changed in differences:
            for key in changed:
                if key in difference:
                    continue
                was, now = hits.get(key, _NO_HITS), self._merged([part.hits.get(key, _NO_HITS) for part in parts])
                if now:
                    hits[key] = now
                elif was:
                    del hits[key]
                else:
                    continue
                difference[key] = (was, now)
        return found, difference

    def _merged(self, hits: Sequence[Hits]) -> Hits:
        some = list(filter(None, hits))
        if not some or (len(some) == 1 and len(some[0]) == 1):
            return some[0] if some else _NO_HITS
        singles: dict[str, list[Hit]] = {}
        others: dict[tuple[object, ...], Hit] = {}
        for part, alone, linked in zip(hits, self.alone, self.linked, strict=True):
            for hit in part:
                if alone:
                    singles.setdefault(hit.last.subject if linked else "", []).append(hit)
                else:
                    anchor = (hit.key, hit.decision)
                    known = others.get(anchor)
                    others[anchor] = hit if known is None or self._sooner(hit, known) else known
        merged = [
            kept
            for group in singles.values()
            for kept in edges(
                sorted(group, key=lambda hit: (hit.key[0], hit.rank)), self.tolerance, by_itself=self.by_itself
            )
        ]
        return tuple(sorted([*merged, *others.values()], key=lambda hit: hit.key))

    def _sooner(self, hit: Hit, known: Hit) -> bool:
        """Whether one way is known sooner than another; what came too late to be told is behind what did not."""
        return (hit.lateness > self.tolerance, hit.learnt) < (known.lateness > self.tolerance, known.learnt)


def any_finder(pattern: AnyOf, parts: tuple[int, ...], tolerance: timedelta, *, by_itself: bool = False) -> AnyFinder:
    """The finder of an any-of whose parts are found at these places."""
    return AnyFinder(
        parts=parts,
        alone=tuple(isinstance(part, (EventPattern, AnyOf)) for part in pattern.parts),
        linked=tuple(isinstance(part, EventPattern) and part.subject in ABOUT_OTHERS for part in pattern.parts),
        tolerance=tolerance,
        by_itself=by_itself,
    )
