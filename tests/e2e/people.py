"""Watched people, navigators and what feeds say of them, for the end-to-end tests. Reserved identities only.

Written by hand like the feeds' owners would, knowing nothing of the product's readers but the published formats.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from domain.clock import LONDON
from domain.identity import DateOfBirth, Identifier, Identity, Name, Scheme, Sex
from domain.ids import MemberId, NavigatorId
from domain.people import CohortMember, MemberStatus, Navigator
from fixtures.identifiers import IdentifierBook, e164

RMS = "RMS"
_FAMILIES = (
    "Ashdown", "Birchall", "Copperfield", "Drayton", "Elderkin", "Fairweather", "Greenhalgh", "Hathersage", "Inchbald",
    "Jessop", "Kettlewell", "Lockwood", "Merriweather", "Nightingale", "Oakenshaw", "Pemberton", "Quartermain",
    "Ravenscroft", "Satterthwaite", "Thistlewood",
)  # fmt: skip
_GIVEN = (
    "Ari", "Bel", "Cai", "Dov", "Eda", "Fen", "Gus", "Hal", "Ivo", "Jem", "Kit", "Lux", "Mab", "Ned", "Oli", "Pax",
    "Quin", "Roz", "Sol", "Tam",
)  # fmt: skip


def ago(**span: float) -> datetime:
    """A moment before now, in whole seconds."""
    return (datetime.now(UTC) - timedelta(**span)).replace(microsecond=0)


def watched(number: int, navigator: str = "N1", **changes: Any) -> CohortMember:
    """A watched person, number 1 to 20: another name, birthday and identifiers each."""
    book = IdentifierBook(Random(f"person {number}"))
    identity = Identity(
        names=(Name((_GIVEN[number - 1],), _FAMILIES[number - 1]),),
        dates_of_birth=(DateOfBirth(date(2009, 1 + number % 12, 1 + number)),),
        sex=Sex.MALE,
        identifiers=(
            Identifier(Scheme.NHS, book.nhs(), verified=True),
            Identifier(Scheme.PNC, book.pnc()),
            Identifier(Scheme.NOMINAL, f"NOM-{number}", system=RMS),
        ),
        postcodes=(book.postcode(),),
        addresses=(f"{number} Sample Street, Sampleton",),
        phones=(e164(book.mobile()),),
    )
    member = CohortMember(
        member_id=MemberId(f"M{number}"),
        status=MemberStatus.NON_ENGAGER,
        identity=identity,
        programme="reach",
        area="testshire",
        navigator_id=NavigatorId(navigator),
    )
    return replace(member, **changes)


def navigator(name: str, number: int, **changes: Any) -> Navigator:
    """A navigator with a phone and a mail address."""
    found = Navigator(
        navigator_id=NavigatorId(name),
        name=f"Sample {name}",
        phone=f"+447700900{number:03d}",
        email=f"{name.lower()}@example.com",
        area="testshire",
    )
    return replace(found, **changes)


def hl7_time(moment: datetime) -> str:
    """London wall-clock time with its offset, so that the repeated hour of October is no riddle."""
    return moment.astimezone(LONDON).strftime("%Y%m%d%H%M%S%z")


def adt(
    who: CohortMember,
    trigger: str,
    *,
    control: str,
    visit: str,
    at: datetime,
    codes: Sequence[str] = (),
    arrived: datetime | None = None,
    extra: Sequence[str] = (),
) -> bytes:
    """An ADT message of an emergency visit, segments ended by CR."""
    name, born = who.identity.names[0], who.identity.dates_of_birth[0].value
    numbers = {one.scheme: one.value for one in who.identity.identifiers}
    when = hl7_time(at)
    pid = [""] * 33
    pid[0], pid[1] = "PID", "1"
    pid[3] = f"{numbers[Scheme.NHS]}^^^NHS~H{who.member_id}^^^X9ZPAS"
    pid[5], pid[7], pid[8] = f"{name.family.upper()}^{name.given[0]}^^^^^L", born.strftime("%Y%m%d"), "1"
    pid[11] = f"{who.identity.addresses[0].split(',')[0]}^^SAMPLETON^^{who.identity.postcodes[0]}^GBR^H"
    pid[32] = "NSTS01"
    pv1 = [""] * 45
    pv1[0], pv1[1], pv1[2], pv1[3], pv1[4] = "PV1", "1", "E", "ED^^^X9Z01", "28"
    pv1[19], pv1[44] = f"{visit}^^^X9ZVISIT", hl7_time(arrived or at)
    segments = [
        f"MSH|^~\\&|PAS|X9Z|ROUTE|ROUTE|{when}||ADT^{trigger}^ADT_A01|{control}|P|2.4||||||UNICODE UTF-8",
        f"EVN||{when}||||{when}",
        "|".join(pid),
        "|".join(pv1),
        *(f"DG1|{index}||{code}^^I10" for index, code in enumerate(codes, start=1)),
        *extra,
    ]
    return "".join(f"{segment}\r" for segment in segments).encode()


def mention(who: CohortMember, role: str | None = None) -> dict[str, Any]:
    """How a police record names somebody."""
    name = who.identity.names[0]
    said: dict[str, Any] = {
        "identity": {
            "names": [{"given": list(name.given), "family": name.family}],
            "dates_of_birth": [who.identity.dates_of_birth[0].value.isoformat()],
            "sex": who.identity.sex.value,
            "identifiers": [
                {"scheme": one.scheme.value, "value": one.value}
                | ({"system": one.system} if one.system else {"verified": one.verified})
                for one in who.identity.identifiers
            ],
            "postcodes": list(who.identity.postcodes),
        }
    }
    return said | ({"role": role} if role else {})


def record(
    kind: str, key: str, at: datetime, *mentions: Mapping[str, Any], system: str = RMS, **more: Any
) -> dict[str, Any]:
    """A record of the envelope."""
    said = {"kind": kind, "source_system": system, "source_key": key, "occurred_at": at.isoformat()}
    return said | ({"mentions": list(mentions)} if mentions else {}) | more


def line(said: Mapping[str, Any]) -> bytes:
    """A record as one NDJSON line without its end."""
    return json.dumps(said, ensure_ascii=False).encode()
