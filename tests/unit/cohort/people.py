"""Invented people for the tests of this room: reserved identifiers only, seeded, and dirty copies of them."""

import random
from datetime import UTC, date, datetime, timedelta

from domain.attributes import Attributes, NoAttributes
from domain.events import Event, Mention
from domain.identity import DateOfBirth, Identifier, Identity, Name, NameKind, Scheme, Sex
from domain.ids import EventId, MemberId
from domain.kinds import Feed, Kind, Role
from domain.people import CohortMember, MemberStatus

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
GIVEN = (
    "Amir", "Jordan", "Kieran", "Mohammed", "Ayaan", "Tyrone", "Callum", "Jakub", "Abdi", "Connor", "Dwayne", "Reece",
    "Hodan", "Zoltan", "Ionut", "Leon", "Marlon", "Nikita", "Owen", "Priya", "Quentin", "Rashid", "Simran", "Tomasz",
)  # fmt: skip
FAMILY = (
    "Khan", "Smith", "Hussain", "Kowalski", "O'Brien", "Warsame", "Singh", "Begum", "Nowak", "Clarke", "Adeyemi",
    "Popescu", "Grant", "Walker", "Ferreira-Santos", "McKenzie", "Farah", "Patel", "Jones", "Bailey", "Tesfaye",
)  # fmt: skip


def nhs_of(number: int) -> str:
    """A reserved NHS number with a right check digit, from 0 up."""
    while True:
        digits = str(999000000 + number % 1_000_000)
        total = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True))
        check = (11 - total % 11) % 11
        if check < 10:
            return f"{digits}{check}"
        number += 7


def person(rng: random.Random, number: int) -> Identity:
    """Somebody invented."""
    names = [Name((rng.choice(GIVEN), *rng.sample(GIVEN, rng.choice((0, 0, 1)))), rng.choice(FAMILY))]
    if rng.random() < 0.3:
        names.append(Name((rng.choice(GIVEN),), rng.choice(FAMILY), NameKind.ALIAS))
    identifiers = [Identifier(Scheme.NOMINAL, f"N{number}", "RMS-X")]
    if rng.random() < 0.7:
        identifiers.append(Identifier(Scheme.NHS, nhs_of(number), verified=rng.random() < 0.5))
    return Identity(
        names=tuple(names),
        dates_of_birth=(DateOfBirth(date(2002, 1, 1) + timedelta(days=rng.randrange(3000))),),
        sex=rng.choice((Sex.MALE, Sex.FEMALE)),
        identifiers=tuple(identifiers),
        postcodes=(f"WV{rng.randrange(1, 15)} {rng.randrange(1, 9)}{rng.choice('ABDE')}{rng.choice('ABDE')}",),
        addresses=(f"{rng.randrange(1, 90)} {rng.choice(FAMILY)} Road",),
        phones=(f"07700 900{number % 1000:03d}",),
    )


def member_of(number: int, identity: Identity, status: MemberStatus = MemberStatus.AT_RISK) -> CohortMember:
    """A member with this identity."""
    return CohortMember(MemberId(f"M{number:05d}"), status, identity)


def cohort(size: int, seed: int = 1) -> list[CohortMember]:
    """So many invented members."""
    rng = random.Random(seed)
    return [member_of(number, person(rng, number)) for number in range(size)]


def dirty(identity: Identity, rng: random.Random) -> Identity:
    """The same person as a busy source would write them."""
    name = rng.choice(identity.names)
    if rng.random() < 0.2:
        name = Name((_typo(name.given[0], rng), *name.given[1:]), name.family, name.kind)
    if rng.random() < 0.1:
        name = Name((name.family,), name.given[0], name.kind)
    births = identity.dates_of_birth
    born = births[0].value
    if rng.random() < 0.1 and born.day <= 12:
        births = (DateOfBirth(date(born.year, born.day, born.month)),)
    return Identity(
        names=(Name(name.given, name.family),),
        dates_of_birth=births if rng.random() < 0.9 else (),
        sex=identity.sex,
        identifiers=identity.identifiers if rng.random() < 0.3 else (),
        postcodes=identity.postcodes if rng.random() < 0.7 else (),
        addresses=identity.addresses if rng.random() < 0.5 else (),
        phones=identity.phones if rng.random() < 0.3 else (),
    )


def _typo(text: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(text))
    return text[:place] + rng.choice("aeiourst") + text[place + rng.randrange(2) :]


def event_about(
    *identities: Identity,
    member_id: str | None = None,
    kind: Kind = Kind.CRIME_RECORDED,
    attributes: Attributes | None = None,
) -> Event:
    """An event that mentions these people."""
    return Event(
        event_id=EventId("e1"),
        kind=kind,
        feed=Feed.POLICE,
        source_system="RMS-X",
        source_key="K1",
        occurred_at=NOW,
        received_at=NOW,
        mentions=tuple(
            Mention(str(number), Role.SUSPECT, identity, member_id) for number, identity in enumerate(identities, 1)
        ),
        attributes=attributes or NoAttributes(),
    )
