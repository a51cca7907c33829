"""Random lives for property tests: seeded, small worlds in which cooling, corrections and windows meet."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from domain.events import (
    ATTRIBUTES_BY_KIND,
    Attributes,
    CrimeAttributes,
    CustodyAttributes,
    EdAttributes,
    Event,
    Feed,
    Grade,
    Handling,
    IntelAttributes,
    Intent,
    Kind,
    Mechanism,
    MissingAttributes,
    MissingRisk,
    ProgrammeAttributes,
    Role,
    SearchAttributes,
)
from domain.identity import DateOfBirth, Identity
from domain.ids import MemberId, event_id
from domain.matches import Relation
from domain.people import CohortMember, MemberStatus
from triggers.history import HistoryEntry, entry_of

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MEMBER = CohortMember(
    member_id=MemberId("M1"),
    status=MemberStatus.AT_RISK,
    identity=Identity(dates_of_birth=(DateOfBirth(date(2009, 5, 4)),)),
    area="Coventry",
)

KINDS = (
    Kind.ED_ARRIVAL,
    Kind.ED_UPDATED,
    Kind.ED_DEPARTED,
    Kind.ED_REOPENED,
    Kind.ED_CANCELLED,
    Kind.CRIME_RECORDED,
    Kind.CRIME_UPDATED,
    Kind.CRIME_CANCELLED,
    Kind.CRIME_ROLE_REMOVED,
    Kind.CUSTODY_ARRIVED,
    Kind.STOPSEARCH_RECORDED,
    Kind.MISSING_REPORTED,
    Kind.MISSING_REGRADED,
    Kind.MISSING_FOUND,
    Kind.INTEL_SUBMITTED,
    Kind.INTEL_REGRADED,
    Kind.INTEL_SANITISED,
    Kind.DA_INCIDENT,
    Kind.STATUS_CHANGED,
)


def random_history(random: Random, size: int, *, days: int = 60, late_hours: float = 0) -> list[HistoryEntry]:
    """`size` entries about M1 (and a few about a linked M2), in event order, each received up to `late_hours` late."""
    entries = [_entry(random, place, days, late_hours) for place in range(size)]
    return sorted(entries, key=lambda entry: entry.order)


def on_time(entries: list[HistoryEntry]) -> list[HistoryEntry]:
    """The same entries, each received as it happened."""
    return [replace(entry, received_at=entry.occurred_at) for entry in entries]


def _entry(random: Random, place: int, days: int, late_hours: float) -> HistoryEntry:
    kind = random.choice(KINDS)
    family = kind.value.split(".")[0]
    key = f"{family}-{random.randrange(4)}"
    at = START + timedelta(minutes=random.randrange(days * 24 * 60))
    event = Event(
        event_id=event_id(feed="x", source_system="s", source_key=key, kind=kind, version=str(place)),
        kind=kind,
        feed=kind.feed or Feed.POLICE,
        source_system=f"s-{kind.feed}",
        source_key=key,
        occurred_at=at,
        received_at=at + timedelta(hours=random.random() * late_hours),
        version=str(place),
        attributes=_attributes(random, kind, key),
    )
    linked = kind.value.startswith(("crime", "ed")) and random.random() < 0.2
    return entry_of(
        event,
        subject="M2" if linked else "M1",
        relation=Relation.ASSOCIATE if linked else Relation.SELF,
        role=_role(random, kind),
    )


def _role(random: Random, kind: Kind) -> Role | None:
    if kind.value.startswith("crime"):
        return random.choice([Role.SUSPECT, Role.VICTIM])
    return {"custody": Role.ARRESTED, "ed": Role.PATIENT, "intel": Role.NAMED}.get(kind.value.split(".")[0])


def _attributes(random: Random, kind: Kind, key: str) -> Attributes:
    pick: Any = random.choice
    match kind.value.split(".")[0]:
        case "ed":
            return EdAttributes(
                visit_key=key,
                intent=pick([None, Intent.ASSAULT, Intent.ASSAULT, Intent.ACCIDENTAL, Intent.SELF_HARM]),
                mechanism=pick([None, Mechanism.SHARP, Mechanism.BODY_PART]),
            )
        case "crime":
            return CrimeAttributes(ho_code=pick([None, "8N", "105A", "2", "10D"]), role_removed=None)
        case "custody":
            return CustodyAttributes(custody_id=key, offences=pick([(), ("10D",), ("8N",)]))
        case "stopsearch":
            return SearchAttributes(found=pick([(), ("knife",), ("cannabis",)]))
        case "missing":
            return MissingAttributes(episode_id=key, risk=pick([None, *MissingRisk]))
        case "intel":
            grade = Grade(pick([1, 2, 3]), pick(list("ABCDE")), pick([Handling.P, Handling.C]))
            shown = grade if kind is not Kind.INTEL_SANITISED else Grade()
            return IntelAttributes(grade=shown, origin_unit=pick(["U1", "U2"]), themes=pick([("weapon",), ("gang",)]))
        case "status":
            return ProgrammeAttributes(status=pick(["active", "at_risk", "non_engager", "closed"]))
        case _:
            return ATTRIBUTES_BY_KIND[kind]()
