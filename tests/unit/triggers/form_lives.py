"""Random lives in which the forms of the language meet: dense, with contacts, refusals, outcomes and custody."""

from datetime import timedelta
from random import Random
from typing import Any

from domain.attributes import (
    Attributes,
    CrimeAttributes,
    CustodyAttributes,
    EdAttributes,
    Intent,
    Mechanism,
    MissingAttributes,
    ProgrammeAttributes,
)
from domain.events import Event
from domain.ids import event_id
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from tests.unit.triggers.histories import START, random_life
from triggers.history import HistoryEntry, entry_of

KINDS = (
    Kind.ED_ARRIVAL, Kind.ED_ARRIVAL, Kind.ED_CANCELLED, Kind.CRIME_RECORDED, Kind.CRIME_RECORDED, Kind.CRIME_CANCELLED,
    Kind.MISSING_REPORTED, Kind.CUSTODY_ARRIVED, Kind.CUSTODY_RELEASED, Kind.ARREST_MADE, Kind.VISIT_MADE,
    Kind.CONTACT_RECORDED, Kind.ALERT_CLOSED, Kind.CONSENT_REFUSED, Kind.CONSENT_GIVEN, Kind.CONSENT_WITHDRAWN,
    Kind.APPOINTMENT_KEPT, Kind.RECORD_RETRACTED,
)  # fmt: skip

FEW = {
    "refusals": (Kind.CONSENT_REFUSED, Kind.CONTACT_RECORDED, Kind.ALERT_CLOSED, Kind.CRIME_RECORDED),
    "stabbings": (Kind.ED_ARRIVAL, Kind.ED_ARRIVAL, Kind.VISIT_MADE, Kind.ED_CANCELLED),
    "crimes": (Kind.CRIME_RECORDED, Kind.CRIME_RECORDED, Kind.ED_ARRIVAL, Kind.ARREST_MADE, Kind.CRIME_CANCELLED),
    "steps": (Kind.MISSING_REPORTED, Kind.CRIME_RECORDED, Kind.CUSTODY_ARRIVED, Kind.CUSTODY_RELEASED),
    "everything": KINDS,
}
"""Small worlds, so that what a rule asks for meets often."""


def random_forms_life(random: Random) -> list[HistoryEntry]:
    """Entries about M1 in event order; now and then with those of `random_life` among them."""
    days, late = random.choice([5, 40, 120]), random.choice([0, 0, 40, 120])
    kinds = random.choice(list(FEW.values()))
    entries = [_entry(random, place, random.choice(kinds), days, late) for place in range(random.randrange(2, 18))]
    if random.random() < 0.3:
        entries += random_life(random, random.randrange(1, 8), days=days, late_hours=late)
    unique = {(entry.event_id, entry.subject, entry.role): entry for entry in entries}
    return sorted(unique.values(), key=lambda entry: entry.order)


def _entry(random: Random, place: int, kind: Kind, days: int, late: float) -> HistoryEntry:
    family = kind.value.split(".")[0]
    key = f"{family}-{random.randrange(8)}"
    if kind is Kind.RECORD_RETRACTED:
        family = random.choice(["ed", "crime", "custody", "alert", "contact", "visit"])
        key = f"{family}-{random.randrange(8)}"
    feed = kind.feed or {"ed": Feed.ED, "crime": Feed.POLICE, "custody": Feed.POLICE}.get(family, Feed.PROGRAMME)
    at = START + timedelta(hours=random.randrange(days * 24))
    event = Event(
        event_id=event_id(feed="f", source_system="f", source_key=key, kind=kind, version=f"f{place}"),
        kind=kind,
        feed=feed,
        source_system=f"f-{feed}",
        source_key=key,
        occurred_at=at,
        received_at=at + timedelta(hours=random.choice([0, 1, late, late * random.random()])),
        version=f"f{place}",
        attributes=_attributes(random, kind, key),
    )
    return entry_of(event, subject="M1", relation=Relation.SELF, role=_role(random, kind))


def _role(random: Random, kind: Kind) -> Role | None:
    if kind.value.startswith("crime"):
        return random.choice([Role.SUSPECT, Role.VICTIM])
    if kind.feed is Feed.PROGRAMME:
        return Role.CLIENT
    return {"custody": Role.ARRESTED, "arrest": Role.ARRESTED, "ed": Role.PATIENT, "missing": Role.MISSING}.get(
        kind.value.split(".")[0]
    )


def _attributes(random: Random, kind: Kind, key: str) -> Attributes:
    pick: Any = random.choice
    match kind.value.split(".")[0]:
        case "ed":
            intent = pick([Intent.ASSAULT, Intent.ASSAULT, None])
            return EdAttributes(visit_key=key, intent=intent, mechanism=pick([Mechanism.SHARP, Mechanism.SHARP, None]))
        case "crime":
            return CrimeAttributes(ho_code=pick(["8N", "92A", "10D", None]))
        case "custody" | "arrest":
            return CustodyAttributes(custody_id=key, offences=pick([(), ("10D",), ("92A", "8N"), ("90",)]))
        case "missing":
            return MissingAttributes(episode_id=key)
        case "record":
            return ProgrammeAttributes()
        case _:
            outcome = pick([None, "declined", "not_needed", "not_found", "spoke"])
            return ProgrammeAttributes(outcome=outcome, scope=pick([None, "individual", "household"]))
