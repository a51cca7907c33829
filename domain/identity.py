"""Who somebody is said to be: the words of a mention in an event and of a watched person alike.

Personal fields are hidden from `repr`, so that no log line and no traceback can carry them.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class NameKind(StrEnum):
    """What sort of name it is (HL7 XPN types A and L, police alias and street names)."""

    USUAL = "usual"
    ALIAS = "alias"
    PREVIOUS = "previous"
    STREET = "street"


class DobQuality(StrEnum):
    """How far a date of birth can be trusted (PID-32 `ED`, `UD`; domain.md 5.1)."""

    STATED = "stated"
    ESTIMATED = "estimated"
    DEFAULT = "default"


class Sex(StrEnum):
    """Person stated sex as the feeds carry it (PID-8: 1, 2, 9, 0)."""

    MALE = "male"
    FEMALE = "female"
    NOT_SPECIFIED = "not_specified"
    UNKNOWN = "unknown"


class Scheme(StrEnum):
    """Identifier schemes. `nominal` and `crn` are local and never compared across systems."""

    NHS = "nhs"
    PNC = "pnc"
    CRO = "cro"
    NOMINAL = "nominal"
    UPN = "upn"
    CRN = "crn"


@dataclass(frozen=True, slots=True, repr=False)
class Name:
    """One name as written. `given` keeps the order; either part may be empty."""

    given: tuple[str, ...] = ()
    family: str = ""
    kind: NameKind = NameKind.USUAL


@dataclass(frozen=True, slots=True, repr=False)
class DateOfBirth:
    """A date of birth and how far it can be trusted."""

    value: date
    quality: DobQuality = DobQuality.STATED


@dataclass(frozen=True, slots=True, repr=False)
class Identifier:
    """An identifier in a scheme. `system` scopes local schemes (the hospital, the records system); '' where national.

    `verified` is true only where the source says so (NHS trace status 01).
    """

    scheme: Scheme
    value: str
    system: str = ""
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Everything said about who a person is. Every field may be empty; several values mean several were given.

    `unknown` is set when the source itself says that it does not know who this is (PID-31 = Y): never match by itself.
    `deceased` mirrors PID-30; `multiple_birth` PID-24. `extra` holds what a table says beyond these fields, as
    (name, values) in order of name, values as written; it is compared only where a match model names it.
    """

    names: tuple[Name, ...] = field(default=(), repr=False)
    dates_of_birth: tuple[DateOfBirth, ...] = field(default=(), repr=False)
    sex: Sex = field(default=Sex.UNKNOWN, repr=False)
    identifiers: tuple[Identifier, ...] = field(default=(), repr=False)
    postcodes: tuple[str, ...] = field(default=(), repr=False)
    addresses: tuple[str, ...] = field(default=(), repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)
    unknown: bool = False
    deceased: bool = False
    multiple_birth: bool = False
    extra: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), repr=False)


_NEVER = frozenset(
    {"ethnicity", "ethnic", "race", "racial", "religion", "religious", "immigration", "asylum", "sexuality"}
)


def never_compared(name: str) -> bool:
    """Whether an extra column of this name must not be held or compared: nobody is recognised by what they believe or
    where they come from (domain.md 5.4). Errors may be told by such a group; nothing more.
    """
    words = "".join(letter if letter.isalpha() else " " for letter in name.casefold()).split()
    return any(word in _NEVER for word in words)
