"""Which words are the same words, and which changes of a member an old decision survives: by table."""

from dataclasses import replace
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity import DateOfBirth, DobQuality, Identifier, Identity, Name, NameKind, Scheme, Sex
from domain.reviews import ReviewVerdict
from streams.remembering import fingerprint, mark_of

SAID = Identity(
    names=(Name(("Kit", "Lee"), "Kettlewell"), Name(("Kitty",), "", NameKind.STREET)),
    dates_of_birth=(DateOfBirth(date(2009, 5, 4)),),
    sex=Sex.MALE,
    identifiers=(Identifier(Scheme.PNC, "2024/1T"), Identifier(Scheme.NOMINAL, "77", "RMS")),
    postcodes=("WV1 1AA", "WV1 1AB"),
    addresses=("1 Sample Street",),
    phones=("07700900001",),
    emails=("kit@example.com",),
    extra=(("occupation", ("roofer",)),),
)


@given(dice=st.randoms(use_true_random=False))
def test_order_case_and_spaces_make_no_other_words(dice: Random) -> None:
    shuffled = replace(
        SAID,
        names=tuple(dice.sample(SAID.names, 2)),
        identifiers=tuple(dice.sample(SAID.identifiers, 2)),
        postcodes=tuple(f" {code.lower()}" for code in reversed(SAID.postcodes)),
        addresses=("1  SAMPLE street",),
    )
    assert fingerprint("RMS", shuffled) == fingerprint("rms ", SAID)


OTHER_WORDS = [
    ("another given name", replace(SAID, names=(Name(("Kat", "Lee"), "Kettlewell"), SAID.names[1]))),
    ("the same name as an alias", replace(SAID, names=(replace(SAID.names[0], kind=NameKind.ALIAS), SAID.names[1]))),
    ("given and family changed over", replace(SAID, names=(Name(("Kettlewell",), "Kit Lee"), SAID.names[1]))),
    ("an estimated date", replace(SAID, dates_of_birth=(DateOfBirth(date(2009, 5, 4), DobQuality.ESTIMATED),))),
    ("no sex", replace(SAID, sex=Sex.UNKNOWN)),
    ("a number of another system", replace(SAID, identifiers=(SAID.identifiers[0], Identifier(Scheme.NOMINAL, "77")))),
    ("a number that was traced", replace(SAID, identifiers=(Identifier(Scheme.PNC, "2024/1T", verified=True),))),
    ("one postcode less", replace(SAID, postcodes=("WV1 1AA",))),
    ("a phone as a mail address", replace(SAID, phones=(), emails=("kit@example.com", "07700900001"))),
    ("another extra", replace(SAID, extra=(("occupation", ("baker",)),))),
    ("the source does not know", replace(SAID, unknown=True)),
    ("one of several", replace(SAID, multiple_birth=True)),
]


@pytest.mark.parametrize(("why", "other"), OTHER_WORDS)
def test_whatever_else_differs_is_other_words(why: str, other: Identity) -> None:
    assert fingerprint("RMS", other) != fingerprint("RMS", SAID), why


def test_another_source_says_other_words() -> None:
    assert fingerprint("RMS", SAID) != fingerprint("PAS", SAID)


@pytest.mark.parametrize(
    ("why", "changed", "same_stands", "different_stands"),
    [
        ("nothing", SAID, True, True),
        ("they moved", replace(SAID, postcodes=("WV2 2BB",), addresses=()), True, False),
        ("another phone", replace(SAID, phones=("07700900002",)), True, False),
        ("a local number more", replace(SAID, identifiers=(SAID.identifiers[0],)), True, False),
        ("another national number", replace(SAID, identifiers=(Identifier(Scheme.PNC, "2024/2U"),)), False, False),
        ("another date of birth", replace(SAID, dates_of_birth=(DateOfBirth(date(2009, 5, 6)),)), False, False),
        ("another name", replace(SAID, names=(Name(("Kit",), "Lockwood"),)), False, False),
        ("they died", replace(SAID, deceased=True), False, False),
    ],
)
def test_which_decisions_survive_a_change_of_the_member(
    why: str, changed: Identity, same_stands: bool, different_stands: bool
) -> None:
    assert (mark_of(changed, ReviewVerdict.SAME) == mark_of(SAID, ReviewVerdict.SAME)) is same_stands, why
    assert (mark_of(changed, ReviewVerdict.DIFFERENT) == mark_of(SAID, ReviewVerdict.DIFFERENT)) is different_stands, (
        why
    )
