"""From the people of a record, as they arrive, to mentions: tidied, not judged.

Cleaning here is only syntactic (blanks collapsed, empty values dropped). Validating numbers, folding names and reading
postcodes is the cohort room's work, because it must be the same for every feed and for the watched people.
"""

from collections.abc import Iterable
from datetime import date, datetime

from domain.events import Mention
from domain.identity import Identifier, Identity, Name, NameKind, Scheme, Sex
from domain.kinds import Feed, Kind, natural_role
from streams.feeds.border import IdentifierIn, MentionIn, NameIn, PersonIn, RecordIn
from streams.feeds.explain import Fault
from streams.feeds.outcome import RejectReason
from streams.making import maker

_make_mention, _make_identity, _make_identifier, _make_name = (
    maker(Mention),
    maker(Identity),
    maker(Identifier),
    maker(Name),
)
_LOCAL_SCHEMES = frozenset({Scheme.NOMINAL, Scheme.CRN})
_NATURAL = {kind: natural_role(kind) for kind in Kind}
_NEED_ROLE = frozenset({Kind.CRIME_RECORDED, Kind.CRIME_ROLE_ADDED})
"""Kinds that say nothing about a person whose role is not given; corrections may leave it out."""


def clean(text: str | None) -> str:
    """Without blanks at the ends, and with single ones inside."""
    return " ".join(text.split()) if text else ""


def mentions_of(record: RecordIn, feed: Feed, *, latest: datetime, faults: list[Fault]) -> tuple[Mention, ...]:
    """The mentions of a record in either shape; nobody is born after `latest`. Faults are added to `faults`."""
    flat = bool(record.person_refs or record.demographics is not None or record.member_id)
    if flat and record.mentions:
        faults.append(Fault("mentions", RejectReason.BAD_VALUE, "send either mentions or the flat person fields"))
        return ()
    if flat:
        given: tuple[MentionIn, ...] = (MentionIn(member_id=record.member_id, identity=record.demographics),)
    else:
        given = record.mentions or ()
    system = clean(record.source_system)
    natural = record.role or _NATURAL[record.kind]
    found = tuple(
        [
            _make_mention(
                clean(str(one.ref)) if one.ref is not None else str(number),
                one.role or natural,
                identity_of(one.identity, record.person_refs if flat else None, system),
                (clean(one.member_id) or None) if one.member_id else None,
            )
            for number, one in enumerate(given, start=1)
        ]
    )
    _check(record, feed, found, faults)
    _check_births(record, given, latest.date(), faults)
    return found


def _check(record: RecordIn, feed: Feed, mentions: tuple[Mention, ...], faults: list[Fault]) -> None:
    seen: set[str] = set()
    for index, mention in enumerate(mentions):
        place = f"mentions[{index}]" if record.mentions else ""
        if mention.role is None and record.kind in _NEED_ROLE:
            path = f"{place}.role" if place else "role"
            faults.append(Fault(path, RejectReason.MISSING_FIELD, "a crime must say which role the person has"))
        if mention.member_id is not None and feed is not Feed.PROGRAMME:
            path = f"{place}.member_id" if place else "member_id"
            faults.append(Fault(path, RejectReason.BAD_VALUE, "only the programme names its clients by member id"))
        if mention.ref in seen:
            faults.append(Fault(f"{place}.ref", RejectReason.BAD_VALUE, "given twice in one record"))
        seen.add(mention.ref)


def _check_births(record: RecordIn, given: Iterable[MentionIn], latest: date, faults: list[Fault]) -> None:
    for index, one in enumerate(given):
        if one.identity is None:
            continue
        place = f"mentions[{index}].identity" if record.mentions else "demographics"
        for field, births in (("dates_of_birth", one.identity.dates_of_birth), ("dobs", one.identity.dobs)):
            for number, birth in enumerate(births or ()):
                if birth.said.value > latest:
                    faults.append(Fault(f"{place}.{field}[{number}]", RejectReason.FUTURE_DATE, "lies in the future"))


def identity_of(person: PersonIn | None, refs: Iterable[IdentifierIn] | None, system: str) -> Identity:
    """The identity said by a mention; `system` scopes local identifiers that name no system of their own."""
    if person is None:
        return Identity(identifiers=_identifiers(refs, system)) if refs else Identity()
    births = (person.dates_of_birth or ()) + (person.dobs or ())
    return _make_identity(
        tuple([name for said in person.names if (name := _name(said)) is not None]) if person.names else (),
        tuple([birth.said for birth in births]),
        person.sex.said if person.sex is not None else _NO_SEX,
        _identifiers(person.identifiers, system) + _identifiers(refs, system),
        _texts(person.postcodes) if person.postcodes else (),
        _texts(person.addresses) if person.addresses else (),
        _texts(person.phones) if person.phones else (),
        _texts(person.emails) if person.emails else (),
        bool(person.unknown),
        bool(person.deceased),
        bool(person.multiple_birth),
        person.extra.said if person.extra is not None else (),
    )


_NO_SEX, _USUAL = Sex.UNKNOWN, NameKind.USUAL


def _identifiers(given: Iterable[IdentifierIn] | None, system: str) -> tuple[Identifier, ...]:
    if not given:
        return ()
    return tuple(
        [
            _make_identifier(
                one.scheme,
                value,
                (clean(one.system) if one.system else "") or (system if one.scheme in _LOCAL_SCHEMES else ""),
                bool(one.verified),
            )
            for one in given
            if (value := clean(one.value))
        ]
    )


def _name(said: str | NameIn) -> Name | None:
    if isinstance(said, str):
        name = _name_of_text(clean(said))
    else:
        given = said.given.split() if isinstance(said.given, str) else _texts(said.given)
        name = _make_name(tuple(given), clean(said.family), said.kind or _USUAL)
    return name if name.given or name.family else None


def _name_of_text(text: str) -> Name:
    """A name in one text: family name before a comma, else the last of several words; one word is a given name."""
    if "," in text:
        family, _, given = text.partition(",")
        return Name(given=tuple(given.split()), family=clean(family))
    words = text.split()
    return Name(given=tuple(words[:-1] or words), family=words[-1] if len(words) > 1 else "")


def _texts(given: Iterable[str] | None) -> tuple[str, ...]:
    return tuple([text for one in given if (text := " ".join(one.split()))]) if given else ()
