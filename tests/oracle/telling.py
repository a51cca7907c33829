"""What was told of each occurrence, moment by moment (rules.md sections 1.3 and 2): plain lists, looked through again
and again."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from domain.attributes import NONE_STATED, EdAttributes, Grade, Handling, IntelAttributes, Intent, Mechanism
from domain.kinds import Kind, Role
from domain.matches import Relation
from triggers.history import HistoryEntry

NOT_SAID = (None, "", (), Intent.UNKNOWN, Mechanism.UNKNOWN, Grade())

CANCELS = (Kind.ED_CANCELLED, Kind.CRIME_CANCELLED, Kind.INTEL_WITHDRAWN)
REOPENS = (Kind.ED_ARRIVAL, Kind.CRIME_RECORDED, Kind.INTEL_SUBMITTED)
RETRACTS = (Kind.RECORD_RETRACTED, Kind.PERSON_UNLINKED)
NEVER_COMPLETES = (*CANCELS, *RETRACTS, Kind.CRIME_ROLE_REMOVED, Kind.ED_MERGED, Kind.ED_PERSON_UPDATED)

MOVES_ON = ("departed_at", "disposition", "admitted", "risk", "released_at", "patient_class", "place", "disposal")
"""What later words do not correct but continue: somebody who has left was there before."""


@dataclass(frozen=True)
class Moment:
    """One subject in one occurrence as known at one entry: `said` then, `after` with all corrections known since."""

    key: str
    family: str
    subject: str
    relation: Relation
    entry: HistoryEntry
    began: datetime
    said: dict[str, Any]
    after: dict[str, Any]
    end: dict[str, Any]  # everything that was ever said of it
    roles: frozenset[Role]
    roles_after: frozenset[Role]
    told: tuple[HistoryEntry, ...]  # the occurrence up to and with this entry
    until_now: tuple[
        tuple[dict[str, Any], frozenset[Role]], ...
    ] = ()  # what it was corrected to by each that came after

    @property
    def at(self) -> datetime:
        return self.entry.occurred_at


def family_of(kind: Kind) -> str:
    return kind.value.split(".")[0]


def not_retracted(entries: Iterable[HistoryEntry]) -> list[HistoryEntry]:
    """What stands: a retraction takes back what the same system of the same feed said, by id or by key until then."""
    known = sorted(entries, key=lambda entry: entry.order)
    gone: set[str] = set()
    undone: set[str] = set()
    for taker in reversed([entry for entry in known if entry.kind in RETRACTS or entry.retracts]):
        if taker.event_id in undone:
            continue
        for entry in known:
            if (entry.feed, entry.source_system) != (
                taker.feed,
                taker.source_system,
            ) or entry.event_id == taker.event_id:
                continue
            by_key = taker.retracts is None and entry.source_key == taker.source_key
            if entry.event_id == taker.retracts or (by_key and entry.occurred_at <= taker.occurred_at):
                gone.add(entry.event_id)
                if _only_retracts(taker):
                    undone.add(entry.event_id)
    return [entry for entry in known if entry.event_id not in gone and not _only_retracts(entry)]


def _only_retracts(entry: HistoryEntry) -> bool:
    """Nothing is said but what is taken back."""
    if entry.kind in RETRACTS:
        return True
    words = [getattr(entry.attributes, field.name) for field in fields(entry.attributes)]
    silent = entry.place is None and all(word is None or word in ("", (), Grade()) for word in words)
    return entry.retracts is not None and silent and entry.kind not in NEVER_COMPLETES


def by_occurrence(entries: Iterable[HistoryEntry]) -> dict[str, list[HistoryEntry]]:
    found: dict[str, list[HistoryEntry]] = {}
    for entry in entries:
        found.setdefault(entry.occurrence, []).append(entry)
    return found


def still_told(entries: list[HistoryEntry]) -> list[HistoryEntry]:
    """One occurrence without what was cancelled; a reopened visit without the departure that it takes back."""
    for place in range(len(entries) - 1, -1, -1):
        if entries[place].kind in CANCELS:
            again = [n for n in range(place + 1, len(entries)) if entries[n].kind in REOPENS]
            entries = entries[again[0] :] if again else []
            break
    left: list[HistoryEntry] = []
    for entry in entries:
        if entry.kind is Kind.ED_REOPENED:
            departures = [known for known in left if known.kind in (Kind.ED_DEPARTED, Kind.ED_LEFT_EARLY)]
            left = [known for known in left if not departures or known.event_id != departures[-1].event_id]
        left.append(entry)
    return left


def words_of(entries: list[HistoryEntry], reference: Any) -> dict[str, Any]:
    """What the entries say together: the latest word stands, silence changes nothing, a cleared field is unknown."""
    known: dict[str, Any] = {}
    for entry in entries:
        said = entry.attributes
        for field in fields(said):
            value = getattr(said, field.name)
            if value == NONE_STATED:
                known[field.name] = ()
            elif field.name != "cleared" and not any(value == nothing for nothing in NOT_SAID):
                known[field.name] = value
        if entry.place is not None:
            known["place"] = entry.place
            if entry.kind is Kind.MISSING_REPORTED and "reported_place" not in known:
                known["reported_place"] = entry.place
        if entry.kind is Kind.ED_ARRIVAL and "arrival" not in known:
            known["arrival"] = entry.occurred_at
        if entry.kind in (Kind.ED_DEPARTED, Kind.ED_LEFT_EARLY):
            known["departed_at"] = getattr(said, "departed_at", None) or entry.occurred_at
        if entry.kind is Kind.ED_LEFT_EARLY and "disposition" not in known:
            known["disposition"] = "left_before_treatment"
        if entry.kind is Kind.ED_ADMITTED:
            known["admitted"] = True
        if entry.kind in (Kind.MISSING_FOUND, Kind.MISSING_RETURNED) and "ended_at" not in known:
            known["ended_at"] = entry.occurred_at
        if entry.kind is Kind.INTEL_SANITISED and not _still_waits(entry):
            known["released"] = True
        if isinstance(said, IntelAttributes) and entry.handling is not Handling.NONE:
            known["handling"] = entry.handling
        if isinstance(said, EdAttributes):
            _clinical(known, said, reference)
            for name in said.cleared:
                known.pop(name, None)
                if name == "departed_at":
                    known.pop("disposition", None)
    return known


def _still_waits(entry: HistoryEntry) -> bool:
    """A sanitising that says itself: handling C, a source that is not reliable, not known or suspected false."""
    grade = getattr(entry.attributes, "grade", Grade())
    return grade.source == 3 or grade.assessment in ("D", "E") or Handling.C in (grade.handling, entry.handling)


def _clinical(known: dict[str, Any], said: EdAttributes, reference: Any) -> None:
    """Codes speak where words are silent (domain.md 1.4, rules.md ED_WEAPON_ASSAULT)."""
    intent, mechanism = reference.injury_of(said.codes)
    if intent is None and said.code_class in ("assault", "self_harm"):
        intent = Intent(said.code_class)
    if said.intent in (None, Intent.UNKNOWN) and intent is not None:
        known["intent"] = intent
    if said.mechanism in (None, Mechanism.UNKNOWN) and mechanism is not None:
        known["mechanism"] = mechanism


def roles_of(entries: list[HistoryEntry], subject: str) -> frozenset[Role]:
    """The roles that one person has had in it so far and that were not taken away."""
    held: set[Role] = set()
    for entry in entries:
        if entry.subject != subject:
            continue
        removed = getattr(entry.attributes, "role_removed", None) or entry.role
        if entry.kind is Kind.CRIME_ROLE_REMOVED:
            held = held - {removed} if removed else set()
        elif entry.role is not None and (entry.relation in NAMING or _named(entries, entry)):
            held.add(entry.role)
    return frozenset(held)


NAMING = (Relation.SELF, Relation.HOUSEHOLD, Relation.ASSOCIATE)


def _named(entries: list[HistoryEntry], entry: HistoryEntry) -> bool:
    before = entries[: entries.index(entry)]
    return any(known.subject == entry.subject and known.relation in NAMING for known in before)


def moments(entries: Iterable[HistoryEntry], reference: Any) -> list[Moment]:
    """Every moment of every subject of every occurrence, in event time."""
    found: list[Moment] = []
    for key, all_told in by_occurrence(not_retracted(entries)).items():
        told = still_told(all_told)
        if not told:
            continue
        end = words_of(told, reference)
        relations: dict[str, Relation] = {}
        for entry in told:
            if entry.relation in NAMING:
                relations.setdefault(entry.subject, entry.relation)
        for place, entry in enumerate(told):
            so_far = told[: place + 1]
            named = {known.subject for known in so_far if known.relation in NAMING}
            for subject, relation in relations.items():
                if subject in named and entry.kind not in NEVER_COMPLETES:
                    found.append(_moment(key, told, so_far, subject, relation, end, reference))
    return sorted(found, key=lambda moment: (moment.entry.order, moment.subject))


def _moment(
    key: str,
    told: list[HistoryEntry],
    so_far: list[HistoryEntry],
    subject: str,
    relation: Relation,
    end: dict[str, Any],
    reference: Any,
) -> Moment:
    said = words_of(so_far, reference)
    family = family_of(told[0].kind)
    moving = MOVES_ON if family == "stopsearch" else (*MOVES_ON, "found")

    def corrected(later: dict[str, Any]) -> dict[str, Any]:
        words = {name: value for name, value in later.items() if name not in moving}
        return words | {name: value for name, value in said.items() if name in moving}

    after = corrected(end)
    roles = roles_of(so_far, subject)
    longer = [told[: length + 1] for length in range(len(so_far), len(told))]
    return Moment(
        key=key,
        family=family,
        subject=subject,
        relation=relation,
        entry=so_far[-1],
        began=told[0].occurred_at,
        said=said,
        after=after,
        end=end,
        roles=roles,
        roles_after=roles & roles_of(told, subject),
        told=tuple(so_far),
        until_now=tuple((corrected(words_of(known, reference)), roles & roles_of(known, subject)) for known in longer),
    )
