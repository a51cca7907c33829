"""Random lives for property tests: seeded, small worlds in which cooling, corrections and windows meet."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from domain.attributes import (
    ATTRIBUTES_BY_KIND,
    Attributes,
    CrimeAttributes,
    CustodyAttributes,
    EdAttributes,
    ExploitationAttributes,
    Grade,
    Handling,
    IncidentAttributes,
    IntelAttributes,
    Intent,
    Mechanism,
    MissingAttributes,
    MissingRisk,
    ProgrammeAttributes,
    SearchAttributes,
)
from domain.events import Event, Place
from domain.identity import DateOfBirth, Identity
from domain.ids import MemberId, event_id
from domain.kinds import Feed, Kind, Role
from domain.matches import LinkLearnt, Relation
from domain.people import CohortMember, MemberStatus, WatchAuthority
from triggers.history import HistoryEntry, entry_of, told_on_link

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


def random_life(random: Random, size: int, *, days: int = 60, late_hours: float = 0) -> list[HistoryEntry]:
    """As `random_history`, with every kind that matters: retractions, household members, places, flags, watch dates."""
    entries: list[HistoryEntry] = []
    for place in range(size):
        common = random.random() < 0.7
        entry = _entry(random, place, days, late_hours) if common else _rarer(random, place, days, late_hours, entries)
        entries.append(_varied(random, entry))
        if random.random() < 0.05:
            other = random.choice(["M2", "M4"])
            entries.append(replace(entries[-1], subject=other, relation=Relation.ASSOCIATE))
    links = {subject: _learnt(random, days, late_hours) for subject in ("M2", "M3", "M4") if random.random() < 0.3}
    entries = [_as_linked(entry, links) for entry in entries]
    unique = {(entry.event_id, entry.subject, entry.role): entry for entry in reversed(entries)}
    return sorted(unique.values(), key=lambda entry: entry.order)


def _learnt(random: Random, days: int, late_hours: float) -> LinkLearnt:
    """When a link was learnt: at some time of this life, or long after it began."""
    at = START + timedelta(minutes=random.randrange((days + 130) * 24 * 60))
    return LinkLearnt(at, at + timedelta(hours=random.random() * late_hours), random.choice(["association", "joined"]))


def _as_linked(entry: HistoryEntry, links: dict[str, LinkLearnt]) -> HistoryEntry:
    learnt = None if entry.relation is Relation.SELF else links.get(entry.subject)
    return entry if learnt is None else told_on_link(entry, entry.relation, learnt)


RARER = (
    Kind.ARREST_MADE,
    Kind.CUSTODY_RELEASED,
    Kind.CRIME_ROLE_ADDED,
    Kind.ED_CODED,
    Kind.ED_LEFT_EARLY,
    Kind.ED_ADMITTED,
    Kind.NRM_REFERRED,
    Kind.EXPLOITATION_FLAGGED,
    Kind.RECORD_RETRACTED,
    Kind.PERSON_UNLINKED,
    Kind.WATCH_ENDED,
    Kind.WATCH_STARTED,
    Kind.REVIEW_DONE,
    Kind.INTEL_WITHDRAWN,
    Kind.INTEL_SUBMITTED,
    Kind.MISSING_REPORTED,
    Kind.MISSING_RETURNED,
)


def _rarer(random: Random, place: int, days: int, late_hours: float, told: list[HistoryEntry]) -> HistoryEntry:
    kind = random.choice(RARER)
    family = kind.value.split(".")[0]
    feed = kind.feed or random.choice(list(Feed))
    retracts = None
    if kind in (Kind.RECORD_RETRACTED, Kind.PERSON_UNLINKED):
        family = random.choice(["ed", "crime", "custody", "intel", "missing", "stopsearch", "status", "watch"])
        if told and random.random() < 0.5:
            taken = random.choice(told)
            feed, retracts = taken.feed, taken.event_id
    key = f"{family}-{random.randrange(6)}"
    at = START + timedelta(minutes=random.randrange(days * 24 * 60))
    event = Event(
        event_id=event_id(feed="x", source_system="s", source_key=key, kind=kind, version=f"r{place}"),
        kind=kind,
        feed=feed,
        source_system=f"s-{feed}",
        source_key=key,
        occurred_at=at,
        received_at=at + timedelta(hours=random.random() * late_hours),
        version=f"r{place}",
        attributes=_rarer_attributes(random, kind, key),
        retracts=retracts,
    )
    return entry_of(event, subject="M1", relation=Relation.SELF, role=_rarer_role(random, kind))


def _rarer_role(random: Random, kind: Kind) -> Role | None:
    if kind is Kind.ARREST_MADE:
        return Role.ARRESTED
    return Role.VICTIM if kind.value.startswith(("nrm", "exploitation")) else _role(random, kind)


def _rarer_attributes(random: Random, kind: Kind, key: str) -> Attributes:
    pick: Any = random.choice
    match kind:
        case Kind.ARREST_MADE:
            return CustodyAttributes(custody_id=key, offences=pick([(), ("10D",), ("8N",), ("92A",)]))
        case Kind.INTEL_SUBMITTED:
            grade = Grade(pick([1, 2]), pick(["A", "B", "C"]), Handling.P)
            return IntelAttributes(
                grade, pick(["U1", "U2", "U3", None]), pick([("gang",), ("drugs",), ("knife", "gang")])
            )
        case Kind.NRM_REFERRED | Kind.EXPLOITATION_FLAGGED:
            return ExploitationAttributes(
                county_lines=pick([None, True, False]),
                exploitation_type=pick([None, "Criminal"]),
                outcome=pick([None, "negative"]),
            )
        case Kind.WATCH_STARTED | Kind.REVIEW_DONE:
            return ProgrammeAttributes(review_date=pick([None, START + timedelta(days=20)]))
        case _:
            return _attributes(random, kind, key)


def _varied(random: Random, entry: HistoryEntry) -> HistoryEntry:
    dice = random.random()
    if dice < 0.08:
        return replace(entry, subject="M3", relation=Relation.HOUSEHOLD)
    if dice < 0.12 and isinstance(entry.attributes, CrimeAttributes):
        return replace(entry, attributes=replace(entry.attributes, flags=("domestic_abuse",)))
    if dice < 0.22:
        force = random.choice([None, "west_midlands", "kent"])
        place = Place(lat=52.4 + random.random() / 20, lon=-1.5 + random.random() / 20, force_area=force)
        return replace(entry, place=place)
    if dice < 0.32:
        return replace(entry, role=random.choice(OTHER_PARTS))
    return entry


OTHER_PARTS = (
    Role.WITNESS,
    Role.REPORTING,
    Role.VICTIM,
    Role.SUSPECT,
    Role.NAMED,
    Role.ASSOCIATE,
    Role.MISSING,
    Role.ARRESTED,
)


OWN_KINDS = (
    Kind.REFERRAL_RECEIVED,
    Kind.VISIT_MADE,
    Kind.TRIAGE_DONE,
    Kind.CALLBACK_REQUESTED,
    Kind.CALLBACK_MADE,
    Kind.APPOINTMENT_MISSED,
    Kind.REVIEW_DONE,
    Kind.STATUS_CHANGED,
    Kind.INCIDENT_OPENED,
    Kind.CRIME_RECORDED,
)


def random_programme(random: Random, size: int, *, days: int = 60) -> list[HistoryEntry]:
    """`size` entries of what the programme does, and of evidence that adds up, close enough to meet each other."""
    entries = []
    for place in range(size):
        kind = random.choice(OWN_KINDS)
        at = START + timedelta(minutes=15 * random.randrange(days * 24 * 4) if days > 3 else 15 * random.randrange(200))
        feed = kind.feed or Feed.POLICE
        event = Event(
            event_id=event_id(feed="p", source_system="p", source_key=f"p{place}", kind=kind, version="1"),
            kind=kind,
            feed=feed,
            source_system=f"p-{feed}",
            source_key=f"p{place}",
            occurred_at=at,
            received_at=at + timedelta(hours=random.choice([0, 0, 1, 30])),
            attributes=_own_attributes(random, kind),
        )
        role = Role.VICTIM if kind is Kind.CRIME_RECORDED else Role.CLIENT
        entries.append(entry_of(event, subject="M1", relation=Relation.SELF, role=role))
    return entries


def _own_attributes(random: Random, kind: Kind) -> Attributes:
    pick: Any = random.choice
    match kind:
        case Kind.TRIAGE_DONE | Kind.REVIEW_DONE:
            return ProgrammeAttributes(review_date=pick([None, START + timedelta(days=random.randrange(60))]))
        case Kind.STATUS_CHANGED:
            return ProgrammeAttributes(status=pick(["at_risk", "disengaged", "non_engager", "active"]))
        case Kind.INCIDENT_OPENED:
            return IncidentAttributes(qualifiers=pick([("alcohol",), ("s136",), ("child_alone",), ()]))
        case Kind.CRIME_RECORDED:
            return CrimeAttributes(ho_code=pick(["11A", "88A", "49"]), flags=pick([(), ("domestic_abuse",)]))
        case _:
            return ATTRIBUTES_BY_KIND[kind]()


def random_member(random: Random) -> CohortMember:
    """M1 as they may stand: mostly watched without dates, sometimes under ten, dated, or through fewer feeds."""
    member, dice = MEMBER, random.random()
    if dice < 0.08:
        member = replace(member, identity=Identity(dates_of_birth=(DateOfBirth(date(2016, 4, 1)),)))
    elif dice < 0.16:
        starts = (START + timedelta(days=random.randrange(20))).date()
        ends = starts + timedelta(days=random.randrange(40))
        member = replace(member, watch=WatchAuthority(starts=starts, review_on=random.choice([None, ends]), ends=ends))
    elif dice < 0.24:
        feeds = tuple(feed for feed in Feed if random.random() < 0.7)
        member = replace(member, allowed_feeds=feeds)
    elif dice < 0.3:
        member = replace(member, status=random.choice(list(MemberStatus)))
    return member


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
                safeguarding=pick([(), (), (), ("836881000000105",)]),
                code_class=pick([None, None, None, "injury", "mental_health"]),
                codes=pick([(), (), (), (), (), ("snomed:6471006",)]),
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
            shown = grade if kind is not Kind.INTEL_SANITISED else pick([Grade(), Grade(), grade])
            return IntelAttributes(grade=shown, origin_unit=pick(["U1", "U2"]), themes=pick([("weapon",), ("gang",)]))
        case "status":
            return ProgrammeAttributes(status=pick(["active", "at_risk", "non_engager", "disengaged", "closed"]))
        case _:
            return ATTRIBUTES_BY_KIND[kind]()
