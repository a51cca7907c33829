"""The history of one person, arranged for questions: occurrences by family, folded only when asked for.

Built once per evaluation from a history; holds no decision. Entries of feeds that the member's authority does not
allow are left out, should any have been recorded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.events import Feed
from domain.ids import OccurrenceKey
from domain.people import CohortMember
from triggers.history import History, HistoryEntry
from triggers.moments import Moment, moment_of
from triggers.occurrences import SILENT, Occurrence, fold_occurrence, standing_entries
from triggers.reference import Reference
from triggers.standing import Person


@dataclass(frozen=True, slots=True)
class Sighting:
    """A moment, the same with all corrections known, its place in the occurrence, and when it was received.

    `simple` is true where everything before it had been received by then: it was known as it came.
    """

    moment: Moment
    final: Moment
    place: int
    simple: bool


class HistoryIndex:
    """Occurrences of one member's history by family of kinds ('ed', 'crime' ...)."""

    __slots__ = ("_entries", "_families", "_folded", "_moments", "found", "person", "reference")

    def __init__(self, history: History, member: CohortMember, reference: Reference) -> None:
        allowed = frozenset(member.allowed_feeds) | {Feed.PROGRAMME}
        self.reference = reference
        self.person = Person(member, history, reference)
        self._entries: dict[OccurrenceKey, list[HistoryEntry]] = {}
        self._families: dict[str, dict[OccurrenceKey, None]] = {}
        self._folded: dict[str, Sequence[Occurrence]] = {}
        self._moments: dict[tuple[OccurrenceKey, str], tuple[Sighting, ...]] = {}
        self.found: dict[int, Any] = {}  # what a search of this history has already found, by pattern
        for entry in standing_entries(history):
            if entry.feed in allowed:
                known = self._entries.get(entry.occurrence)
                if known is None:
                    self._entries[entry.occurrence] = known = []
                    family = entry.kind.value.split(".", 1)[0]
                    self._families.setdefault(family, {})[entry.occurrence] = None
                known.append(entry)

    def occurrences(self, family: str) -> Sequence[Occurrence]:
        """The occurrences of a family that stand, in order of their first entry."""
        known = self._folded.get(family)
        if known is None:
            folded = (fold_occurrence(self._entries[key], self.reference) for key in self._families.get(family, ()))
            known = self._folded[family] = tuple(occurrence for occurrence in folded if occurrence is not None)
        return known

    def sightings(self, occurrence: Occurrence, subject: str) -> tuple[Sighting, ...]:
        """Every moment of `subject` in the occurrence that could complete a pattern, in order."""
        key = (occurrence.key, subject)
        known = self._moments.get(key)
        if known is None:
            known = self._moments[key] = tuple(self._see(occurrence, subject))
        return known

    def _see(self, occurrence: Occurrence, subject: str) -> Iterator[Sighting]:
        latest: datetime | None = None
        for place, told in enumerate(occurrence.told):
            received = told.entry.received_at
            latest = received if latest is None or received > latest else latest
            if subject not in told.roles or told.entry.kind in SILENT:
                continue
            moment = moment_of(
                told, occurrence=occurrence, subject=subject, person=self.person, reference=self.reference
            )
            yield Sighting(moment, moment.corrected(), place, simple=latest == received)
