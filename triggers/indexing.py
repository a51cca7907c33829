"""The history of one person, arranged for questions: one sheet per occurrence.

Kept from event to event and changed in place: taking in an entry makes new sheets only where the entry can change
something, and says which these are. It holds no decision. Entries of feeds that the member's authority does not allow
are left out, should any have been recorded.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from domain.ids import EventId, OccurrenceKey
from domain.kinds import TAKES_BACK, Feed, Role
from domain.people import CohortMember
from triggers.history import HistoryEntry
from triggers.occurrences import acting, reaches_back, says_more, taken_back
from triggers.reference import Reference
from triggers.sheets import Entries, Sheet
from triggers.standing import STANDING_KINDS, Person

Keys = frozenset[OccurrenceKey]


@dataclass(frozen=True, slots=True)
class Taken:
    """The retractions that act, and the ids of the events that they take back: the same whatever came first."""

    takers: Entries = ()
    gone: frozenset[EventId] = frozenset()

    def also(self, come: Iterable[HistoryEntry]) -> "Taken":
        """With the new entries that a known retraction already takes back."""
        if not self.takers:
            return self
        taken = taken_back(self.takers, come)
        return Taken(self.takers, self.gone | taken) if taken else self

    def left(self, entries: Entries) -> Entries:
        """The entries that stand; retractions themselves are left out."""
        if not self.takers:
            return entries
        return tuple(entry for entry in entries if entry.event_id not in self.gone and says_more(entry))


Changed = dict[OccurrenceKey, tuple[Sheet | None, Sheet | None]]


@dataclass(slots=True)
class Change:
    """What a step did to an index: the entries that came and went, and of each sheet that is no longer the same what
    it was and what it is (None: there was or is none). A value, not marked frozen because one is made at every event.
    """

    come: Sequence[HistoryEntry] = ()
    gone: Sequence[HistoryEntry] = ()
    sheets: Mapping[OccurrenceKey, tuple[Sheet | None, Sheet | None]] = field(default_factory=dict)


NO_CHANGE = Change()


class HistoryIndex:
    """A member's sheets by occurrence, with who they were when (`person`) and what was taken back.

    `forward` is how long after its last entry an occurrence may still be judged (an absence is judged when due).
    """

    __slots__ = ("_allowed", "_overlays", "_taken", "forward", "member", "person", "reference", "sheets")

    def __init__(self, member: CohortMember, reference: Reference, forward: timedelta = timedelta(0)) -> None:
        self.member = member
        self.reference = reference
        self.forward = forward
        self.person = Person(member, (), reference)
        self.sheets: dict[OccurrenceKey, Sheet] = {}
        self._allowed = frozenset(member.allowed_feeds) | {Feed.PROGRAMME}
        self._overlays: Entries = ()  # the entries that change who is watched
        self._taken = Taken()

    @property
    def entries(self) -> Iterator[HistoryEntry]:
        """Every entry, in no particular order."""
        return (entry for sheet in self.sheets.values() for entry in sheet.known)

    def knows(self, entry: HistoryEntry) -> bool:
        """Whether this event is already known for this subject in this role."""
        sheet = self.sheets.get(entry.occurrence)
        return sheet is not None and any(_same(known, entry) for known in sheet.known)

    def change(self, added: Sequence[HistoryEntry], removed: Sequence[HistoryEntry] = ()) -> Change:
        """Take in `added` and let go of `removed`. Where anything raises, nothing has been changed.

        An entry already there is left as it was first received.
        """
        if len(added) == 1 and not removed and not _is_far_reaching(added[0]):
            return self._with_one(added[0])
        leaving = [entry for entry in removed if self.knows(entry)]
        left = frozenset(map(_own, leaving))
        coming = [
            entry for entry in added if entry.feed in self._allowed and (_own(entry) in left or not self.knows(entry))
        ]
        if not coming and not leaving:
            return NO_CHANGE
        come, gone, known = self._known_with(coming, leaving)
        if any(map(_is_far_reaching, (*come, *gone))):
            sheets = self._rearranged(known)
        else:
            sheets = self._patched(known, self._taken.also(come))
        return Change(come, gone, sheets)

    def _with_one(self, entry: HistoryEntry) -> Change:
        """The usual case: one entry that reaches no other occurrence."""
        key = entry.occurrence
        sheet = self.sheets.get(key)
        if entry.feed not in self._allowed:
            return NO_CHANGE
        if sheet is None:
            whole: Entries = (entry,)
        else:
            for known in sheet.known:
                if known.event_id == entry.event_id and _same(known, entry):
                    return NO_CHANGE
            entries = list(sheet.known)
            _insert(entries, entry)
            whole = tuple(entries)
        taken = self._taken.also((entry,)) if self._taken.takers else self._taken
        made = self.sheets[key] = Sheet(key, whole, taken.left(whole), self.person, self.reference)
        self._taken = taken
        return Change((entry,), (), {key: (sheet, made)})

    def _known_with(
        self, coming: Iterable[HistoryEntry], leaving: Iterable[HistoryEntry]
    ) -> tuple[list[HistoryEntry], list[HistoryEntry], dict[OccurrenceKey, list[HistoryEntry]]]:
        """Those that come, each once; those that go, as they were known; and the entries of each occurrence that is
        concerned, in order."""
        known: dict[OccurrenceKey, list[HistoryEntry]] = {}
        for entry in (*leaving, *coming):
            if entry.occurrence not in known:
                sheet = self.sheets.get(entry.occurrence)
                known[entry.occurrence] = list(sheet.known) if sheet else []
        gone: list[HistoryEntry] = []
        for entry in leaving:
            entries = known[entry.occurrence]
            gone += [other for other in entries if _same(other, entry)]
            known[entry.occurrence] = [other for other in entries if not _same(other, entry)]
        come: list[HistoryEntry] = []
        for entry in coming:
            entries = known[entry.occurrence]
            if not any(_same(other, entry) for other in entries):
                _insert(entries, entry)
                come.append(entry)
        return come, gone, known

    def _patched(self, known: Mapping[OccurrenceKey, list[HistoryEntry]], taken: Taken) -> Changed:
        """Where nothing reaches beyond its own occurrence."""
        changed: Changed = {}
        for key, entries in known.items():
            whole = tuple(entries)
            made = Sheet(key, whole, taken.left(whole), self.person, self.reference) if entries else None
            changed[key] = (self.sheets.get(key), made)
        self._taken = taken
        self._put(changed)
        return changed

    def _rearranged(self, known: Mapping[OccurrenceKey, list[HistoryEntry]]) -> Changed:
        """Where a retraction or a change of standing may reach other occurrences."""
        entries = {key: sheet.known for key, sheet in self.sheets.items() if key not in known}
        entries |= {key: tuple(listed) for key, listed in known.items() if listed}
        everything = [entry for listed in entries.values() for entry in listed]
        takers = acting(entry for entry in everything if reaches_back(entry))
        taken = Taken(takers, taken_back(takers, everything)) if takers else Taken()
        overlays = _ordered(entry for entry in everything if entry.kind in STANDING_KINDS)
        person = Person(self.member, taken.left(overlays), self.reference)
        since = self.person.parts_from(person)
        changed: Changed = {key: (self.sheets[key], None) for key in known if key in self.sheets}
        for key, listed in entries.items():
            old, standing = self.sheets.get(key), taken.left(listed)
            touched = old is None or key in known or old.standing != standing
            if old is None or touched or (since is not None and old.reaches(since - self.forward)):
                changed[key] = (old, Sheet(key, listed, standing, person, self.reference))
        self._taken, self._overlays, self.person = taken, overlays, person
        self._put(changed)
        return changed

    def _put(self, changed: Changed) -> None:
        for key, (_, made) in changed.items():
            if made is None:
                self.sheets.pop(key, None)
            else:
                self.sheets[key] = made


_FAR_REACHING = STANDING_KINDS | TAKES_BACK


def _is_far_reaching(entry: HistoryEntry) -> bool:
    """Whether it may change what stands beyond its own occurrence."""
    return entry.kind in _FAR_REACHING or entry.retracts is not None


def index_of(
    history: Iterable[HistoryEntry], member: CohortMember, reference: Reference, forward: timedelta = timedelta(0)
) -> HistoryIndex:
    """The index of a whole history, whose entries are in order."""
    index = HistoryIndex(member, reference, forward)
    known: dict[OccurrenceKey, list[HistoryEntry]] = {}
    reaching = False
    for entry in history:
        if entry.feed in index._allowed:
            known.setdefault(entry.occurrence, []).append(entry)
            reaching = reaching or _is_far_reaching(entry)
    if reaching:
        index._rearranged(known)
    else:
        index._patched(known, Taken())
    return index


def _own(entry: HistoryEntry) -> tuple[EventId, str, Role | None]:
    """What one entry of a history has alone."""
    return (entry.event_id, entry.subject, entry.role)


def _same(one: HistoryEntry, other: HistoryEntry) -> bool:
    return one.event_id == other.event_id and one.subject == other.subject and one.role == other.role


def _insert(entries: list[HistoryEntry], entry: HistoryEntry) -> None:
    """Into its place in order; nearly always the last."""
    place = len(entries)
    while place and _after(entries[place - 1], entry):
        place -= 1
    entries.insert(place, entry)


def _after(known: HistoryEntry, entry: HistoryEntry) -> bool:
    if known.occurred_at != entry.occurred_at:
        return known.occurred_at > entry.occurred_at
    return known.order >= entry.order


def _ordered(entries: Iterable[HistoryEntry]) -> Entries:
    return tuple(sorted(entries, key=lambda entry: entry.order))
