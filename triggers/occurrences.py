"""Occurrences: the entries of one visit, episode, custody or record, folded into what was known at each moment.

Event-sourced and in event time: a moment sees the occurrence as told up to its own event time, whatever the order of
arrival. Retractions (cancelled, withdrawn, role removed, record retracted, departure taken back) act as if what they
take back had never been said. *Correctable* attributes (intent, code, grade ...) are also judged by their final
values; *progress* (departed, risk as regraded, custody released) only by the moment's own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from domain.attributes import NONE_STATED, STATED_LISTS, EdAttributes, Grade, Handling, Intent, Mechanism
from domain.ids import EventId, OccurrenceKey
from domain.kinds import TAKES_BACK, Kind, Role
from domain.matches import LinkLearnt, Relation
from triggers.gate import may_release
from triggers.history import HistoryEntry, Order
from triggers.reference import Reference

Values = Mapping[str, Any]
"""What is known of an occurrence: attribute name to value; a name that is absent is unknown."""

PROGRESS = frozenset(
    {"departed_at", "disposition", "admitted", "risk", "released_at", "patient_class", "place", "found", "disposal"}
)
"""Attributes that move on by themselves: a later value does not correct the earlier one."""

_NOT_PROGRESS_BY_FAMILY = {"stopsearch": frozenset({"found"})}

ASKED_VALUES = frozenset((
    "intent", "mechanism", "code_class", "disposition", "codes", "departed_at", "admitted", "arrival", "ho_code",
    "offences", "flags",
    "weapon", "found", "risk", "from_care", "place", "reported_place", "county_lines", "criminal_exploitation",
    "exploitation_type", "outcome", "themes", "grade", "origin_unit", "household_key",
    "safeguarding", "category", "qualifiers", "disposal", "handling_given", "sanitised", "site_ods", "scope", "rules",
))  # fmt: skip
"""All of what was told that any fact or gate reads (facts.py): nothing else can change what a hit means."""

WHOLLY_TAKEN_BACK = frozenset({Kind.ED_CANCELLED, Kind.CRIME_CANCELLED, Kind.INTEL_WITHDRAWN})
"""Kinds that take back the whole occurrence, unless it is opened again later."""

OPENING = frozenset({Kind.ED_ARRIVAL, Kind.CRIME_RECORDED, Kind.INTEL_SUBMITTED})
"""Kinds that may open again what was taken back."""

_FAMILIES = {kind: kind.value.split(".", 1)[0] for kind in Kind}


def family_of(kind: Kind) -> str:
    """The first word of a kind: 'ed', 'crime' ..."""
    return _FAMILIES[kind]


SILENT = WHOLLY_TAKEN_BACK | TAKES_BACK | {Kind.CRIME_ROLE_REMOVED, Kind.ED_MERGED, Kind.ED_PERSON_UPDATED}
"""Kinds that never complete a pattern by themselves."""


@dataclass(slots=True, eq=False)
class Told:
    """What was known of an occurrence at one entry, in event time. `roles` are by subject, `order` is the entry's.

    Never changed once made; not marked frozen for the same reason as `Moment`.
    """

    entry: HistoryEntry
    values: Values
    roles: Mapping[str, frozenset[Role]]
    order: Order


class Occurrence:
    """One occurrence, folded. `told` is in event-time order and has one row per entry that stands."""

    __slots__ = (
        "_wordings", "entries", "family", "final", "final_roles", "key", "links", "relations", "started_at", "told",
    )  # fmt: skip

    def __init__(self, key: OccurrenceKey, entries: tuple[HistoryEntry, ...], reference: Reference) -> None:
        self.key = key
        self.entries = entries
        self.family = family_of(entries[0].kind)
        self.started_at: datetime = entries[0].occurred_at
        self.told = _fold(entries, reference)
        last = self.told[-1]
        self.final = last.values
        self.final_roles = last.roles
        self.relations = _relations(entries)
        self.links = _links(entries)
        self._wordings: tuple[Told, ...] | None = None

    def wordings_after(self, entry: HistoryEntry) -> tuple[Told, ...]:
        """The different wordings that the occurrence was given after an entry, each at the last row that began it."""
        wordings = self._wordings
        if wordings is None:
            wordings = self._wordings = self._each_wording()
        return tuple(row for row in wordings if row.order > entry.order)

    def _each_wording(self) -> tuple[Told, ...]:
        """By what can be asked, without what moves on by itself: said to and fro a thousand times, they are two."""
        asked = ASKED_VALUES - self._progress()
        last: dict[Any, Told] = {}
        before: Any = None
        for row in self.told:
            values = frozenset(item for item in row.values.items() if item[0] in asked)
            wording = (values, frozenset(row.roles.items()))
            if wording != before:
                last.pop(wording, None)
                last[wording] = row
                before = wording
        return tuple(last.values())

    def _progress(self) -> frozenset[str]:
        return PROGRESS - _NOT_PROGRESS_BY_FAMILY.get(self.family, frozenset())

    def reworded(self, told: Values, later: Values) -> Values:
        """The moment's values with every correctable attribute as told later."""
        progress = self._progress()
        values = {name: value for name, value in later.items() if name not in progress}
        values.update((name, value) for name, value in told.items() if name in progress)
        return values


def reaches_back(entry: HistoryEntry) -> bool:
    """Whether it takes back another event: by its kind, or by naming one in `retracts`, whatever it is itself."""
    return entry.kind in TAKES_BACK or entry.retracts is not None


def says_more(entry: HistoryEntry) -> bool:
    """Whether it stands as a telling of its own: what only names the event that it takes back says nothing else."""
    if entry.kind in TAKES_BACK:
        return False
    said = entry.attributes
    return entry.retracts is None or entry.kind in SILENT or entry.place is not None or said != type(said)()


def acting(takers: Iterable[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """The retractions that take something back: not those that a later one took back before they did. What was
    replaced by a record that stands in its place stays replaced when that is replaced in turn."""
    gone: set[EventId] = set()
    found: list[HistoryEntry] = []
    listed = sorted(takers, key=lambda entry: entry.order, reverse=True)
    for taker in listed:
        if taker.event_id not in gone:
            found.append(taker)
            if not says_more(taker):
                gone.update(other.event_id for other in listed if is_taken_by(other, taker))
    return tuple(found)


def taken_back(takers: Iterable[HistoryEntry], entries: Iterable[HistoryEntry]) -> frozenset[EventId]:
    """The ids of the events that `takers` (retractions that act) take back."""
    listed = list(takers)
    return frozenset(entry.event_id for entry in entries if any(is_taken_by(entry, taker) for taker in listed))


def is_taken_by(entry: HistoryEntry, taker: HistoryEntry) -> bool:
    """Whether the retraction `taker` names `entry`: by its id, or all earlier ones of the same source key.

    Nobody takes back what another system said (promises.md section 4, compromised feed).
    """
    if entry.event_id == taker.event_id or entry.feed is not taker.feed or entry.source_system != taker.source_system:
        return False
    if taker.retracts is not None:
        return entry.event_id == taker.retracts
    return entry.source_key == taker.source_key and entry.occurred_at <= taker.occurred_at


def fold_occurrence(entries: Iterable[HistoryEntry], reference: Reference) -> Occurrence | None:
    """The folded occurrence of entries in order (retractions by id already applied); None if none of it stands."""
    left = tuple(entries)
    if len(left) == 1:
        return None if left[0].kind in WHOLLY_TAKEN_BACK else Occurrence(left[0].occurrence, left, reference)
    left = tuple(_without_departures_taken_back(_without_cancelled(list(left))))
    return Occurrence(left[0].occurrence, left, reference) if left else None


def _without_cancelled(entries: list[HistoryEntry]) -> list[HistoryEntry]:
    last = max((place for place, entry in enumerate(entries) if entry.kind in WHOLLY_TAKEN_BACK), default=None)
    if last is None:
        return entries
    opened = next((place for place in range(last + 1, len(entries)) if entries[place].kind in OPENING), None)
    return [] if opened is None else entries[opened:]


def _without_departures_taken_back(entries: list[HistoryEntry]) -> list[HistoryEntry]:
    """A13 takes back the last departure before it; the reopening itself stays as a moment."""
    if not any(entry.kind is Kind.ED_REOPENED for entry in entries):
        return entries
    left: list[HistoryEntry] = []
    for entry in entries:
        if entry.kind is Kind.ED_REOPENED:
            departures = [known for known in left if known.kind in (Kind.ED_DEPARTED, Kind.ED_LEFT_EARLY)]
            if departures:
                last = departures[-1].event_id
                left = [known for known in left if known.event_id != last]
        left.append(entry)
    return left


_NAMING = frozenset({Relation.SELF, Relation.HOUSEHOLD, Relation.ASSOCIATE})
"""Relations that say who an occurrence is about; the others only amend it."""


def _links(entries: tuple[HistoryEntry, ...]) -> Mapping[str, LinkLearnt]:
    """When the link with each subject was learnt, of those where it did not always stand."""
    found: dict[str, LinkLearnt] | None = None
    for entry in entries:
        if entry.linked is not None:
            found = {} if found is None else found
            found.setdefault(entry.subject, entry.linked)
    return _NO_LINKS if found is None else found


_NO_LINKS: Mapping[str, LinkLearnt] = {}


def _relations(entries: tuple[HistoryEntry, ...]) -> dict[str, Relation]:
    """How each subject stands to the listener; an amendment that names nobody adds no subject."""
    relations: dict[str, Relation] = {}
    for entry in entries:
        if entry.relation in _NAMING:
            relations.setdefault(entry.subject, entry.relation)
    return relations


def _fold(entries: tuple[HistoryEntry, ...], reference: Reference) -> list[Told]:
    first = entries[0]
    values: dict[str, Any] = {}
    _tell(values, first, reference)
    roles = _roles_after({}, first)
    told = [Told(first, values, roles, first.order)]
    for entry in entries[1:]:
        changed = values.copy()
        _tell(changed, entry, reference)
        if changed != values:
            values = changed
        roles = _roles_after(roles, entry)
        told.append(Told(entry, values, roles, entry.order))
    return told


_ALONE = {role: frozenset({role}) for role in Role}


def _roles_after(roles: dict[str, frozenset[Role]], entry: HistoryEntry) -> dict[str, frozenset[Role]]:
    if entry.relation not in _NAMING and entry.subject not in roles:
        return roles
    if not roles and entry.role is not None and entry.kind is not Kind.CRIME_ROLE_REMOVED:
        return {entry.subject: _ALONE[entry.role]}
    held = roles.get(entry.subject, frozenset())
    if entry.kind is Kind.CRIME_ROLE_REMOVED:
        removed = getattr(entry.attributes, "role_removed", None) or entry.role
        left = held - {removed} if removed else frozenset()
        return {**roles, entry.subject: left}
    if entry.subject in roles and (entry.role is None or entry.role in held):
        return roles
    return {**roles, entry.subject: held | ({entry.role} if entry.role else frozenset())}


def _tell(values: dict[str, Any], entry: HistoryEntry, reference: Reference) -> None:
    """Add what one entry says: the latest word stands, a cleared field is unknown again, silence changes nothing."""
    said = entry.attributes
    kind: Any = type(said)
    write = _WRITERS.get(kind)
    if write is None:
        write = _WRITERS[kind] = _writer(kind)
    write(said, values)
    if entry.place is not None:
        values["place"] = entry.place
        if entry.kind is Kind.MISSING_REPORTED:
            values.setdefault("reported_place", entry.place)
    teller = _TELLERS.get(entry.kind)
    if teller is not None:
        teller(values, entry)
    if entry.handling is not Handling.NONE and family_of(entry.kind) == "intel":
        values["handling_given"] = entry.handling
    if isinstance(said, EdAttributes):
        _tell_injury(values, said, reference)
        for name in said.cleared:
            values.pop(name, None)
        if "departed_at" in said.cleared:
            values.pop("disposition", None)


_SAYS_NOTHING: frozenset[Any] = frozenset({Intent.UNKNOWN, Mechanism.UNKNOWN, Grade(), "", ()})
"""Words for "not known": they do not overwrite what is known (HL7: silence leaves the stored value alone)."""


def _arrived(values: dict[str, Any], entry: HistoryEntry) -> None:
    values.setdefault("arrival", entry.occurred_at)


def _departed(values: dict[str, Any], entry: HistoryEntry) -> None:
    values["departed_at"] = getattr(entry.attributes, "departed_at", None) or entry.occurred_at
    if entry.kind is Kind.ED_LEFT_EARLY:
        values.setdefault("disposition", "left_before_treatment")


def _admitted(values: dict[str, Any], _entry: HistoryEntry) -> None:
    values["admitted"] = True


def _released(values: dict[str, Any], entry: HistoryEntry) -> None:
    values["released_at"] = getattr(entry.attributes, "released_at", None) or entry.occurred_at


def _ended(values: dict[str, Any], entry: HistoryEntry) -> None:
    values.setdefault("ended_at", entry.occurred_at)


def _sanitised(values: dict[str, Any], entry: HistoryEntry) -> None:
    """Released, unless the very message grades the report as one that waits."""
    if may_release(getattr(entry.attributes, "grade", Grade()), entry.handling):
        values["sanitised"] = True


_TELLERS: Mapping[Kind, Callable[[dict[str, Any], HistoryEntry], None]] = {
    Kind.ED_ARRIVAL: _arrived,
    Kind.ED_DEPARTED: _departed,
    Kind.ED_LEFT_EARLY: _departed,
    Kind.ED_ADMITTED: _admitted,
    Kind.CUSTODY_RELEASED: _released,
    Kind.MISSING_FOUND: _ended,
    Kind.MISSING_RETURNED: _ended,
    Kind.INTEL_SANITISED: _sanitised,
}
"""What a kind says by itself, beside its attributes."""


def _tell_injury(values: dict[str, Any], said: EdAttributes, reference: Reference) -> None:
    """Intent and mechanism by codes where words are silent; codes of no meaning change nothing."""
    if not said.codes and said.code_class is None:
        return
    intent, mechanism = reference.injury_of(said.codes)
    if intent is None and said.code_class in ("assault", "self_harm"):
        intent = Intent(said.code_class)
    if said.intent in (None, Intent.UNKNOWN) and intent is not None:
        values["intent"] = intent
    if said.mechanism in (None, Mechanism.UNKNOWN) and mechanism is not None:
        values["mechanism"] = mechanism


Writer = Callable[[Any, dict[str, Any]], None]

_WRITERS: dict[Any, Writer] = {}


def _writer(attributes: Any) -> Writer:
    """What writes down all that attributes of this class say, one line a field: every event goes through it."""
    lines = []
    for name in (field.name for field in fields(attributes) if field.name != "cleared"):
        known = f"values[{name!r}] = value"
        if name in STATED_LISTS:
            known = f"if value == none: values.pop({name!r}, none)\n        else: {known}"
        lines.append(f"    value = said.{name}\n    if value is not None and value not in nothing:\n        {known}")
    scope: dict[str, Any] = {"__builtins__": {}, "nothing": _SAYS_NOTHING, "none": NONE_STATED}
    exec("\n".join(["def write(said, values):", *lines, "    return"]), scope)  # noqa: S102 - our own names only
    write: Writer = scope["write"]
    return write
