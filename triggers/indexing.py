"""The history of one person, arranged for questions: occurrences by family, folded only when asked for.

Built once per evaluation from a history; holds no decision. Entries of feeds that the member's authority does not
allow are left out, should any have been recorded.
"""

from collections.abc import Sequence

from domain.events import Feed
from domain.ids import OccurrenceKey
from domain.people import CohortMember
from triggers.history import History, HistoryEntry
from triggers.occurrences import Occurrence, fold_occurrence, standing_entries
from triggers.reference import Reference
from triggers.standing import Person


class HistoryIndex:
    """Occurrences of one member's history by family of kinds ('ed', 'crime' ...)."""

    __slots__ = ("_entries", "_families", "_folded", "person", "reference")

    def __init__(self, history: History, member: CohortMember, reference: Reference) -> None:
        allowed = frozenset(member.allowed_feeds) | {Feed.PROGRAMME}
        self.reference = reference
        self.person = Person(member, history, reference)
        self._entries: dict[OccurrenceKey, list[HistoryEntry]] = {}
        self._families: dict[str, dict[OccurrenceKey, None]] = {}
        self._folded: dict[str, Sequence[Occurrence]] = {}
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
