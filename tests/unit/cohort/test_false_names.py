"""Unknown and false names, told as cases: what still finds the person, what only a human may decide, what never may.

Each row is a mention as a feed gives it and what `match_event` makes of it for one watched person, who is known in
full. Domain.md 4 and 5: placeholders, default dates and pseudo postcodes say nothing; a source that does not know who
somebody is never matches by itself, whatever numbers it gives.
"""

from datetime import date
from typing import Any

import pytest

from cohort.index import CohortIndex
from cohort.matching import match_event
from cohort.policy import MatchPolicy
from domain.identity import DateOfBirth, DobQuality, Identifier, Identity, Name, NameKind, Scheme, Sex
from tests.unit.cohort.people import event_about, member_of

BORN = (DateOfBirth(date(2008, 7, 23)),)
OTHER_BIRTH = (DateOfBirth(date(2001, 1, 19)),)
NHS = Identifier(Scheme.NHS, "9990000018", verified=True)
PNC = Identifier(Scheme.PNC, "2099/0000001G")
CRO = Identifier(Scheme.CRO, "123456/99L")
NOMINAL = Identifier(Scheme.NOMINAL, "N1", "RMS-X")
HOME: dict[str, Any] = {"postcodes": ("WV1 1AA",), "addresses": ("12 High Street, Fictown",)}
PHONE: dict[str, Any] = {"phones": ("07700 900001",)}
EMAIL: dict[str, Any] = {"emails": ("k@example.com",)}
KNOWN = Identity(
    names=(Name(("Kieran", "Jude"), "Adeyemi"), Name((), "Kayz", NameKind.STREET)),
    dates_of_birth=BORN,
    sex=Sex.MALE,
    identifiers=(NHS, PNC, CRO, NOMINAL),
    **HOME,
    **PHONE,
    **EMAIL,
)
TRUE_NAME = (Name(("Kieran",), "Adeyemi"),)
FALSE_NAME = (Name(("Jordan",), "Whitlock"),)
BROTHERS_NAME = (Name(("Tobi",), "Adeyemi"),)


def outcome(**said: Any) -> str:
    """What becomes of a mention: match, review or none."""
    matches = match_event(event_about(Identity(**said)), CohortIndex.build([member_of(1, KNOWN)]), MatchPolicy())
    return matches[0].decision.value if matches else "none"


def numbers(*found: Identifier) -> dict[str, Any]:
    return {"identifiers": found}


@pytest.mark.parametrize(
    ("said", "expected", "why"),
    [
        ({}, "none", "nothing was said"),
        ({"dates_of_birth": BORN}, "none", "one in some thousands is born that day"),
        ({"dates_of_birth": BORN, "sex": Sex.MALE}, "none", "nor does the sex make a person of it"),
        (PHONE, "none", "a phone is lent, sold and shared"),
        (EMAIL, "none", "so is an address for mail"),
        (HOME, "none", "a home has several people"),
        ({**HOME, **PHONE}, "review", "the home and the phone may be a brother's"),
        (numbers(NHS), "review", "an NHS number decides with birth or surname only (4.1)"),
        (numbers(PNC), "review", "one number alone may be mistyped"),
        (numbers(NOMINAL), "review", "so may the force's own"),
        (numbers(PNC, CRO), "match", "two numbers of one person are not mistyped together"),
        ({**numbers(NHS), "dates_of_birth": BORN}, "match", "traced, and the birth agrees"),
        ({**numbers(PNC), "dates_of_birth": BORN}, "match", "number and birth"),
        ({**numbers(NOMINAL), "dates_of_birth": BORN}, "match", "the force's own number and the birth"),
        (
            {**numbers(Identifier(Scheme.NOMINAL, "N1", "RMS-Y")), "dates_of_birth": BORN},
            "none",
            "another system's N1 is somebody else",
        ),
        ({**PHONE, "dates_of_birth": BORN}, "match", "phone and birth"),
        ({**EMAIL, "dates_of_birth": BORN}, "match", "mail and birth"),
        ({**HOME, "dates_of_birth": BORN}, "match", "home and birth"),
        (
            {**HOME, "dates_of_birth": BORN, **numbers(Identifier(Scheme.PNC, "2099/9999999V"))},
            "review",
            "home and birth, but another's number: it may be a twin",
        ),
        (
            {**HOME, "dates_of_birth": (DateOfBirth(date(2008, 1, 1), DobQuality.ESTIMATED),)},
            "none",
            "home and a guessed age: it may be a brother",
        ),
        ({**HOME, "dates_of_birth": (DateOfBirth(date(1900, 1, 1)),)}, "none", "a default date says nothing (5.1)"),
        ({"postcodes": ("ZZ99 3VZ",), "dates_of_birth": BORN}, "none", "no fixed abode is no home (4.4)"),
        (
            {**numbers(Identifier(Scheme.CRO, "000000/00Z")), "dates_of_birth": BORN},
            "none",
            "the dummy CRO number says nothing (4.2)",
        ),
    ],
)
@pytest.mark.parametrize(
    "names",
    [
        (),
        (Name(("UNKNOWN",), "UNKNOWN"),),
        (Name((), "NOT ENTERED"),),
        (Name(("NOT",), "ENTERED"),),
        (Name(("Unknown",), "Not known"),),
        (Name(("MIG_ERROR_",), ""),),
        (Name(("",), ""),),
    ],
    ids=["no name", "UNKNOWN", "not entered", "not entered in two fields", "not known", "migration error", "blank"],
)
def test_without_a_usable_name(names: tuple[Name, ...], said: dict[str, Any], expected: str, why: str) -> None:
    assert outcome(names=names, **said) == expected, why


@pytest.mark.parametrize(
    ("said", "expected", "why"),
    [
        ({"names": FALSE_NAME, "dates_of_birth": BORN}, "none", "another name born that day is another person"),
        ({"names": FALSE_NAME, **PHONE}, "none", "somebody else with his phone"),
        ({"names": FALSE_NAME, **HOME}, "none", "somebody else at his home"),
        ({"names": FALSE_NAME, "dates_of_birth": OTHER_BIRTH, **PHONE, **HOME}, "none", "a friend who stays there"),
        ({"names": FALSE_NAME, "dates_of_birth": BORN, **numbers(NHS)}, "match", "traced, and the birth agrees"),
        ({"names": FALSE_NAME, **numbers(NHS)}, "review", "a traced number against a name: a human looks"),
        ({"names": FALSE_NAME, **numbers(PNC)}, "review", "a false name at the desk; the number is his"),
        (
            {"names": FALSE_NAME, "dates_of_birth": OTHER_BIRTH, **numbers(PNC, CRO)},
            "match",
            "name and birth are invented, both numbers are his",
        ),
        (
            {"names": FALSE_NAME, "dates_of_birth": OTHER_BIRTH, **numbers(NHS)},
            "none",
            "somebody else's card, or a slip of the keyboard",
        ),
        (
            {"names": FALSE_NAME, "dates_of_birth": OTHER_BIRTH, **numbers(PNC)},
            "review",
            "name and birth are invented; the number rests on his fingerprints",
        ),
        ({"names": FALSE_NAME, "dates_of_birth": OTHER_BIRTH, **numbers(NOMINAL)}, "review", "so does the force's own"),
        (
            {"names": (Name((), "Kayz", NameKind.STREET),), "dates_of_birth": BORN},
            "review",
            "a street name and a date of birth: others are called so",
        ),
        (
            {"names": (Name((), "Kayz", NameKind.STREET),), "dates_of_birth": BORN, **PHONE},
            "match",
            "the street name, the date and his phone",
        ),
        (
            {"names": (Name(("K",), "Adeyemi"),), "dates_of_birth": BORN, **HOME},
            "review",
            "an initial is what twins often share",
        ),
        (
            {"names": (Name(("Tobi", "Jude"), "Adeyemi"),), "dates_of_birth": BORN, **HOME, **PHONE},
            "review",
            "a twin with the same middle name",
        ),
        (
            {"names": (Name(("Tobi",), "Hadeyemmy"),), "dates_of_birth": BORN, "sex": Sex.FEMALE, **HOME, **PHONE},
            "review",
            "a twin sister whose surname was misheard",
        ),
        (
            {"names": BROTHERS_NAME, "dates_of_birth": BORN, **HOME},
            "review",
            "a twin, or he gave his brother's name: only a human can say",
        ),
        ({"names": (Name((), "Kayz", NameKind.STREET),)}, "none", "a street name alone never alerts (5.4)"),
        ({"names": (Name((), "Kayz", NameKind.STREET),), **numbers(PNC)}, "match", "the street name and his number"),
        ({"names": (Name(("Kieran",), ""),), "dates_of_birth": BORN, **HOME}, "match", "given name, birth, home"),
        (
            {"names": (Name(("BABY",), "Adeyemi"),), "dates_of_birth": (DateOfBirth(date(2025, 7, 23)),), **HOME},
            "none",
            "a child born at his home",
        ),
    ],
)
def test_with_a_false_name(said: dict[str, Any], expected: str, why: str) -> None:
    assert outcome(**said) == expected, why


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "nobody knows who it is"),
        ({"names": TRUE_NAME, "dates_of_birth": BORN, **HOME}, "all agrees, but the source takes it back"),
        (numbers(NHS, PNC, CRO), "nor do numbers count: they may be of the last patient"),
        ({**numbers(NHS), "dates_of_birth": BORN, **PHONE}, "nor with the birth and the phone"),
    ],
)
def test_a_source_that_does_not_know_who_it_is_matches_nobody(said: dict[str, Any], why: str) -> None:
    assert outcome(unknown=True, **said) == "none", why
