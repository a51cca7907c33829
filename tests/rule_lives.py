"""A made-up life of one watched person as a history: visits, records, custody, episodes and reports that follow each
other over the months, in realistic proportions and with nobody real. For benchmarks, where the shape matters."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from domain.attributes import (
    CrimeAttributes,
    CustodyAttributes,
    DaAttributes,
    EdAttributes,
    Grade,
    Handling,
    IntelAttributes,
    Intent,
    Mechanism,
    MissingAttributes,
    MissingRisk,
    SearchAttributes,
)
from domain.events import Event
from domain.identity import DateOfBirth, Identity
from domain.ids import MemberId, event_id
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from domain.people import CohortMember, MemberStatus
from triggers.history import HistoryEntry, entry_of

START = datetime(2025, 1, 1, tzinfo=UTC)
MEMBER = CohortMember(
    member_id=MemberId("M1"),
    status=MemberStatus.AT_RISK,
    identity=Identity(dates_of_birth=(DateOfBirth(date(2009, 5, 4)),)),
    area="Coventry",
)

Line = tuple[float, Kind, Any, Role | None]
"""Hours after the start of the story, kind, attributes, role."""


def life(seed: int, size: int, *, days: int = 700, first_only: bool = False) -> list[HistoryEntry]:
    """`size` entries about one person over `days`, in event order, each received within minutes of happening.

    `first_only`: only the first entry of each story, for peers that know no amendments.
    """
    random = Random(seed)
    entries: list[HistoryEntry] = []
    place = 0
    while len(entries) < size:
        place += 1
        at = START + timedelta(minutes=random.randrange(days * 24 * 60))
        story = random.choices(list(STORIES), weights=list(STORIES.values()))[0]
        told = list(_told(random, place, at, list(story(random, f"k{place}"))))
        entries.extend(told[:1] if first_only else told)
    return sorted(entries[:size], key=lambda entry: entry.order)


def _told(random: Random, place: int, at: datetime, story: list[Line]) -> Iterator[HistoryEntry]:
    linked = random.random() < 0.15
    for version, (hours, kind, attributes, role) in enumerate(story, 1):
        happened = at + timedelta(hours=hours)
        event = Event(
            event_id=event_id(feed="x", source_system="s", source_key=f"k{place}", kind=kind, version=str(version)),
            kind=kind,
            feed=kind.feed or Feed.POLICE,
            source_system=f"s-{kind.feed}",
            source_key=f"k{place}",
            occurred_at=happened,
            received_at=happened + timedelta(minutes=random.randrange(1, 30)),
            version=str(version),
            attributes=attributes,
        )
        if linked and kind.value.startswith(("crime", "ed")):
            yield entry_of(event, subject="M2", relation=Relation.ASSOCIATE, role=role)
        else:
            yield entry_of(event, subject="M1", relation=Relation.SELF, role=role)


def _visit(random: Random, key: str) -> Iterator[Line]:
    intent = random.choice([Intent.ASSAULT, Intent.ACCIDENTAL, Intent.ACCIDENTAL, None, Intent.SELF_HARM])
    how = random.choice([None, Mechanism.SHARP, Mechanism.BODY_PART, Mechanism.BLUNT_OBJECT])
    yield 0, Kind.ED_ARRIVAL, EdAttributes(visit_key=key, intent=intent, mechanism=how), Role.PATIENT
    if random.random() < 0.3:
        yield 1, Kind.ED_UPDATED, EdAttributes(visit_key=key, mechanism=Mechanism.BODY_PART), Role.PATIENT
    yield random.choice([0.5, 3, 5]), Kind.ED_DEPARTED, EdAttributes(visit_key=key), Role.PATIENT


def _crime(random: Random, key: str) -> Iterator[Line]:
    code = random.choice(["8N", "105A", "49", "45", "34B", "10D", "92D", "66", "125"])
    role = random.choice([Role.SUSPECT, Role.VICTIM, Role.WITNESS])
    yield 0, Kind.CRIME_RECORDED, CrimeAttributes(ho_code=code), role
    if random.random() < 0.3:
        yield 48, Kind.CRIME_UPDATED, CrimeAttributes(ho_code=code, injury_level="minor"), role


def _custody(random: Random, key: str) -> Iterator[Line]:
    codes = random.choice([("49",), ("8N",), ("92D",), ("10D",)])
    yield 0, Kind.CUSTODY_ARRIVED, CustodyAttributes(custody_id=key, offences=codes), Role.ARRESTED
    yield 14, Kind.CUSTODY_RELEASED, CustodyAttributes(custody_id=key), Role.ARRESTED


def _search(random: Random, key: str) -> Iterator[Line]:
    found = random.choice([(), (), ("cannabis",), ("knife",)])
    yield 0, Kind.STOPSEARCH_RECORDED, SearchAttributes(found=found), Role.SEARCHED


def _missing(random: Random, key: str) -> Iterator[Line]:
    risk = random.choice([MissingRisk.LOW, MissingRisk.MEDIUM])
    yield 0, Kind.MISSING_REPORTED, MissingAttributes(episode_id=key, risk=risk), Role.MISSING
    yield 9, Kind.MISSING_FOUND, MissingAttributes(episode_id=key), Role.MISSING


def _home(random: Random, key: str) -> Iterator[Line]:
    yield 0, Kind.DA_INCIDENT, DaAttributes(), Role.NAMED


def _intelligence(random: Random, key: str) -> Iterator[Line]:
    grade = Grade(random.choice([1, 2, 3]), random.choice("ABCD"), Handling.P)
    themes = random.choice([("drugs",), ("weapon",), ("gang",), ("burglary",)])
    unit = random.choice(["U1", "U2", "U3"])
    yield 0, Kind.INTEL_SUBMITTED, IntelAttributes(grade=grade, origin_unit=unit, themes=themes), Role.NAMED


STORIES: dict[Callable[[Random, str], Iterator[Line]], int] = {
    _visit: 4,
    _crime: 8,
    _custody: 3,
    _search: 3,
    _missing: 3,
    _home: 2,
    _intelligence: 3,
}
"""How often each happens, beside the others."""
