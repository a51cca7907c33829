"""The history of one person, arranged for questions: one sheet per occurrence, folded when it is first asked for.

An immutable value, kept from event to event: adding an entry makes a new index that shares every sheet but those the
entry can change, and says which these are. It holds no decision. Entries of feeds that the member's authority does not
allow are left out, should any have been recorded.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.events import Feed, Kind, Role
from domain.ids import EventId, OccurrenceKey
from domain.people import CohortMember
from triggers.history import HistoryEntry
from triggers.moments import Moment, moment_of
from triggers.occurrences import (
    SILENT,
    TAKES_BACK,
    Occurrence,
    family_of,
    fold_occurrence,
    is_taken_by,
    taken_back,
)
from triggers.patterns import RELATIONS, Subject
from triggers.reference import Reference
from triggers.standing import STANDING_KINDS, Person

Entries = tuple[HistoryEntry, ...]
Keys = frozenset[OccurrenceKey]


@dataclass(slots=True, eq=False)
class Sighting:
    """A moment, the same with all corrections known, its place in the occurrence, and when it was received.

    `simple` is true where everything before it had been received by then: it was known as it came.
    """

    moment: Moment
    final: Moment
    place: int
    simple: bool


class Sheet:
    """Everything known of one occurrence. `known` are its entries in order, `standing` those not taken back; `scenes`
    remembers what was `seen_by` each kind of subject."""

    __slots__ = ("_folded", "_seen", "family", "key", "kinds", "known", "person", "reference", "scenes", "standing")

    def __init__(
        self, key: OccurrenceKey, known: Entries, standing: Entries, person: Person, reference: Reference
    ) -> None:
        self.key = key
        self.known = known
        self.standing = standing
        self.family = family_of(known[0].kind)
        self.kinds: frozenset[Kind] = frozenset([entry.kind for entry in standing])
        self.person = person
        self.reference = reference
        self._folded: Occurrence | bool | None = False  # False: not yet asked for
        self._seen: dict[str, tuple[Sighting, ...]] = {}
        self.scenes: dict[Subject, tuple[tuple[Sighting, ...], ...]] = {}

    @property
    def occurrence(self) -> Occurrence | None:
        """The occurrence as told; None where nothing of it stands."""
        folded = self._folded
        if isinstance(folded, bool):
            folded = self._folded = fold_occurrence(self.standing, self.reference)
        return folded

    def seen_by(self, about: Subject) -> Sequence[tuple[Sighting, ...]]:
        """For each subject that stands so to the member: every moment that could complete a pattern, in order."""
        seen = self.scenes.get(about)
        if seen is None:
            occurrence, relations = self.occurrence, RELATIONS[about]
            scenes = []
            if occurrence is not None:
                for subject, relation in occurrence.relations.items():
                    if relation in relations:
                        sightings = self._sightings(subject, occurrence)
                        if sightings:
                            scenes.append(sightings)
            seen = self.scenes[about] = tuple(scenes)
        return seen

    def _sightings(self, subject: str, occurrence: Occurrence) -> tuple[Sighting, ...]:
        seen = self._seen.get(subject)
        if seen is None:
            seen = self._seen[subject] = tuple(self._see(occurrence, subject))
        return seen

    def _see(self, occurrence: Occurrence, subject: str) -> list[Sighting]:
        latest: datetime | None = None
        person, reference = self.person, self.reference
        seen = []
        for place, told in enumerate(occurrence.told):
            entry = told.entry
            received = entry.received_at
            latest = received if latest is None or received > latest else latest
            if subject in told.roles and entry.kind not in SILENT:
                moment = moment_of(told, occurrence, subject, person, reference)
                seen.append(Sighting(moment, moment.corrected(), place, latest == received))
        return seen

    def reaches(self, at: datetime) -> bool:
        """Whether anything of it happened at `at` or later."""
        return any(entry.occurred_at >= at for entry in self.known)


@dataclass(frozen=True, slots=True)
class Taken:
    """Retractions in order, and the ids of the events that they take back."""

    takers: Entries = ()
    gone: frozenset[EventId] = frozenset()

    def also(self, come: Iterable[HistoryEntry]) -> "Taken":
        """With the new entries that a known retraction already takes back."""
        if not self.takers:
            return self
        takers = [taker for taker in self.takers if taker.event_id not in self.gone]
        taken = {entry.event_id for entry in come if any(is_taken_by(entry, taker) for taker in takers)}
        return Taken(self.takers, self.gone | taken) if taken else self

    def left(self, entries: Entries) -> Entries:
        """The entries that stand; retractions themselves are left out."""
        if not self.takers:
            return entries
        return tuple(entry for entry in entries if entry.event_id not in self.gone and entry.kind not in TAKES_BACK)


Sheets = Mapping[OccurrenceKey, Sheet]


class HistoryIndex:
    """A member's sheets by occurrence, with who they were when (`person`) and what was taken back.

    `forward` is how long after its last entry an occurrence may still be judged (an absence is judged when due).
    """

    __slots__ = ("_allowed", "_by_family", "_overlays", "_taken", "forward", "member", "person", "reference", "sheets")

    def __init__(self, member: CohortMember, reference: Reference, forward: timedelta = timedelta(0)) -> None:
        self.member = member
        self.reference = reference
        self.forward = forward
        self.person = Person(member, (), reference)
        self.sheets: dict[OccurrenceKey, Sheet] = {}
        self._by_family: dict[str, list[OccurrenceKey]] = {}
        self._allowed = frozenset(member.allowed_feeds) | {Feed.PROGRAMME}
        self._overlays: Entries = ()  # the entries that change who is watched
        self._taken = Taken()

    def _next(
        self, sheets: dict[OccurrenceKey, Sheet], taken: Taken, overlays: Entries, person: Person
    ) -> "HistoryIndex":
        made = HistoryIndex.__new__(HistoryIndex)
        made.member, made.reference, made.forward, made._allowed = (
            self.member, self.reference, self.forward, self._allowed,
        )  # fmt: skip
        made.sheets, made._taken, made._overlays, made.person = sheets, taken, overlays, person
        made._by_family = {}
        return made

    def of_families(self, families: Iterable[str]) -> Keys:
        """The keys of the sheets of these families."""
        if not self._by_family:
            for key, sheet in self.sheets.items():
                self._by_family.setdefault(sheet.family, []).append(key)
        return frozenset(key for family in families for key in self._by_family.get(family, ()))

    @property
    def entries(self) -> Iterator[HistoryEntry]:
        """Every entry, in no particular order."""
        return (entry for sheet in self.sheets.values() for entry in sheet.known)

    def knows(self, entry: HistoryEntry) -> bool:
        """Whether this event is already known for this subject in this role."""
        sheet = self.sheets.get(entry.occurrence)
        return sheet is not None and any(_same(known, entry) for known in sheet.known)

    def changed(
        self, added: Sequence[HistoryEntry], removed: Sequence[HistoryEntry] = ()
    ) -> tuple["HistoryIndex", Keys]:
        """The index with `added` and without `removed`, and the keys of the sheets that are no longer the same.

        An entry already there is left as it was first received. A key among those returned may have no sheet any more.
        """
        if len(added) == 1 and not removed and added[0].kind not in _FAR_REACHING:
            return self._with_one(added[0])
        gone = [entry for entry in removed if self.knows(entry)]
        left = frozenset(map(_own, gone))
        come = [
            entry for entry in added if entry.feed in self._allowed and (_own(entry) in left or not self.knows(entry))
        ]
        if not come and not gone:
            return self, frozenset()
        known = self._known_with(come, gone)
        if all(entry.kind not in _FAR_REACHING for entry in (*come, *gone)):
            return self._patched(known, self._taken.also(come))
        return self._rearranged(known)

    def _with_one(self, entry: HistoryEntry) -> tuple["HistoryIndex", Keys]:
        """The usual case: one entry that reaches no other occurrence."""
        key = entry.occurrence
        sheet = self.sheets.get(key)
        if entry.feed not in self._allowed or (sheet is not None and any(_same(one, entry) for one in sheet.known)):
            return self, frozenset()
        if sheet is None:
            whole: Entries = (entry,)
        else:
            entries = list(sheet.known)
            _insert(entries, entry)
            whole = tuple(entries)
        taken = self._taken.also((entry,)) if self._taken.takers else self._taken
        sheets = self.sheets.copy()
        sheets[key] = Sheet(key, whole, taken.left(whole), self.person, self.reference)
        return self._next(sheets, taken, self._overlays, self.person), frozenset((key,))

    def _known_with(
        self, come: Iterable[HistoryEntry], gone: Iterable[HistoryEntry]
    ) -> dict[OccurrenceKey, list[HistoryEntry]]:
        """The entries of each occurrence that is concerned, in order."""
        known: dict[OccurrenceKey, list[HistoryEntry]] = {}
        for entry in (*gone, *come):
            if entry.occurrence not in known:
                sheet = self.sheets.get(entry.occurrence)
                known[entry.occurrence] = list(sheet.known) if sheet else []
        for entry in gone:
            known[entry.occurrence] = [other for other in known[entry.occurrence] if not _same(other, entry)]
        for entry in come:
            entries = known[entry.occurrence]
            if not any(_same(other, entry) for other in entries):
                _insert(entries, entry)
        return known

    def _patched(self, known: Mapping[OccurrenceKey, list[HistoryEntry]], taken: Taken) -> tuple["HistoryIndex", Keys]:
        """Where nothing reaches beyond its own occurrence."""
        sheets = self.sheets.copy()
        for key, entries in known.items():
            if entries:
                whole = tuple(entries)
                sheets[key] = Sheet(key, whole, taken.left(whole), self.person, self.reference)
            else:
                del sheets[key]
        return self._next(sheets, taken, self._overlays, self.person), frozenset(known)

    def _rearranged(self, known: Mapping[OccurrenceKey, list[HistoryEntry]]) -> tuple["HistoryIndex", Keys]:
        """Where a retraction or a change of standing may reach other occurrences."""
        entries = {key: sheet.known for key, sheet in self.sheets.items() if key not in known}
        entries |= {key: tuple(listed) for key, listed in known.items() if listed}
        everything = [entry for listed in entries.values() for entry in listed]
        takers = _ordered(entry for entry in everything if entry.kind in TAKES_BACK)
        taken = Taken(takers, taken_back(takers, everything)) if takers else Taken()
        overlays = _ordered(entry for entry in everything if entry.kind in STANDING_KINDS)
        person = Person(self.member, taken.left(overlays), self.reference)
        since = self.person.parts_from(person)
        sheets: dict[OccurrenceKey, Sheet] = {}
        for key, listed in entries.items():
            old, standing = self.sheets.get(key), taken.left(listed)
            touched = old is None or key in known or old.standing != standing
            if old is None or touched or (since is not None and old.reaches(since - self.forward)):
                sheets[key] = Sheet(key, listed, standing, person, self.reference)
            else:
                sheets[key] = old
        dirty = {key for key in {*self.sheets, *sheets} if self.sheets.get(key) is not sheets.get(key)}
        return self._next(sheets, taken, overlays, person), frozenset(dirty)


_FAR_REACHING = STANDING_KINDS | TAKES_BACK


def index_of(
    history: Iterable[HistoryEntry], member: CohortMember, reference: Reference, forward: timedelta = timedelta(0)
) -> HistoryIndex:
    """The index of a whole history, whose entries are in order."""
    empty = HistoryIndex(member, reference, forward)
    known: dict[OccurrenceKey, list[HistoryEntry]] = {}
    reaching = False
    for entry in history:
        if entry.feed in empty._allowed:
            known.setdefault(entry.occurrence, []).append(entry)
            reaching = reaching or entry.kind in _FAR_REACHING
    return empty._rearranged(known)[0] if reaching else empty._patched(known, Taken())[0]


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
