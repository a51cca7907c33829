"""Every way a source spells a thing, and the one form in which it is compared. Rows follow domain.md sections 4 and 5."""

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohort.identifiers import cro_number, local_reference, nhs_number, pnc_id, upn
from cohort.names import fold, name_tokens, phonetic, same_person_short, stem
from cohort.normalise import address_line, birth_date, email, outcode, phone, postcode, sector, swapped
from cohort.prepared import prepare
from domain.identity import DateOfBirth, DobQuality, Identifier, Identity, Name, NameKind, Scheme
from tests.trials import trials


@pytest.mark.parametrize(
    ("written", "tokens", "why"),
    [
        ("O'Brien", ("OBRIEN",), "apostrophes out"),
        ("O’Brien", ("OBRIEN",), "the typographic one too"),
        ("Ferreira-Santos", ("FERREIRA", "SANTOS"), "hyphen to space, all tokens kept"),
        ("Mc Kenzie", ("MCKENZIE",), "MC joined"),
        ("MCKENZIE", ("MCKENZIE",), "and the same as joined already"),
        ("Łukasz", ("LUKASZ",), "l-stroke has no decomposition"),
        ("Małgorzata", ("MALGORZATA",), "folded to ASCII"),
        ("Ionuţ", ("IONUT",), "Romanian comma below"),
        ("Md", ("MOHAMMED",), "prefix form"),
        ("Muhammad Ali", ("MOHAMMED", "ALI"), "variants table"),
        ("Mohd.", ("MOHAMMED",), "with a full stop"),
        ("Al-Hassan", ("HASSAN",), "particle dropped"),
        ("bin Khalid", ("KHALID",), "particle dropped"),
        ("Abu Bakr", ("ABUBAKR",), "particle joined"),
        ("Abd al-Rahman", ("ABDULRAHMAN",), "joined over the article"),
        ("Abdel Rahman", ("ABDULRAHMAN",), "and one spelling of it"),
        ("El", ("EL",), "a particle alone is the name"),
        ("UNKNOWN", (), "placeholder"),
        ("Not Entered", (), "placeholder phrase"),
        ("Baby", (), "placeholder"),
        ("DUPLICATE_Smith", ("SMITH",), "migration prefix stripped"),
        ("MIG_ERROR_", (), "nothing behind the prefix"),
        ("NO_SHOW_Jones", ("JONES",), "prefix stripped"),
        ("  ", (), "empty"),
        ("12345", (), "no letters"),
        ("محمد", ("محمد",), "a script we cannot fold is compared as it stands"),
        ("Мария-Анна", ("МАРИЯ", "АННА"), "in capitals, hyphens apart"),
        ("李小龙", ("李小龙",), "Chinese has neither"),
        ("१२३", (), "no letters in any script"),
    ],
)
def test_a_name_is_compared_in_one_form(written: str, tokens: tuple[str, ...], why: str) -> None:
    assert name_tokens(written) == tokens, why


@given(st.text(max_size=40))
def test_names_of_any_text_are_plain_upper_case_and_stable(text: str) -> None:
    tokens = name_tokens(text)
    assert all(token.isupper() for token in tokens if token.isascii())
    assert all(token and token == token.strip() for token in tokens)
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("KOWALSKI", "KOWALSKA", "gendered ending"),
        ("NOVAK", "NOVAKOVA", "gendered ending"),
        ("HUSSAIN", "HUSSEIN", "transliteration"),
        ("SMITH", "SMYTH", "soundex's own example"),
    ],
)
def test_names_that_sound_alike_share_a_key(one: str, other: str, why: str) -> None:
    assert phonetic(one) == phonetic(other), why


def test_soundex_follows_the_published_examples() -> None:
    assert [phonetic(name) for name in ("ROBERT", "RUPERT", "ASHCRAFT", "TYMCZAK", "PFISTER")] == [
        "R163", "R163", "A261", "T522", "P236",
    ]  # fmt: skip


def test_short_forms_are_known_and_different_names_are_not() -> None:
    assert same_person_short("MIKE", "MICHAEL")
    assert not same_person_short("MIKE", "DAVID")
    assert stem("ALI") == "ALI"


@pytest.mark.parametrize(
    ("born", "number", "why"),
    [
        (DateOfBirth(date(2009, 5, 4)), 20090504, "as it is"),
        (DateOfBirth(date(1900, 1, 1)), None, "system default"),
        (DateOfBirth(date(1970, 1, 1)), None, "epoch default"),
        (DateOfBirth(date(2009, 5, 4), DobQuality.DEFAULT), None, "the source says it is made up"),
        (DateOfBirth(date(2009, 5, 4), DobQuality.ESTIMATED), 20090504, "estimated dates are compared, gently"),
        (DateOfBirth(date(2001, 1, 1)), 20010101, "1 January may be true; it only weighs less"),
    ],
)
def test_default_dates_of_birth_say_nothing(born: DateOfBirth, number: int | None, why: str) -> None:
    assert birth_date(born) == number, why


def test_day_and_month_exchange_only_where_that_is_another_date() -> None:
    assert swapped(20090504) == 20090405
    assert swapped(20090513) is None
    assert swapped(20090505) is None


@pytest.mark.parametrize(
    ("written", "code", "why"),
    [
        ("wv1 1aa", "WV11AA", "case and space"),
        ("B1 1AA", "B11AA", "short district"),
        ("EC1A 1BB", "EC1A1BB", "long district"),
        ("GIR 0AA", "GIR0AA", "the odd one"),
        ("ZZ99 3VZ", None, "no fixed abode"),
        ("ZZ993WZ", None, "unknown"),
        ("NF1 1NF", None, "pseudo"),
        ("NF1 1FA", None, "pseudo"),
        ("90210", None, "not a UK postcode"),
        ("", None, "empty"),
        ("WV1 1AA extra", None, "more than a postcode"),
    ],
)
def test_postcodes(written: str, code: str | None, why: str) -> None:
    assert postcode(written) == code, why


def test_a_postcode_has_a_district_and_a_sector() -> None:
    assert (outcode("WV11AA"), sector("WV11AA")) == ("WV1", "WV11")


@pytest.mark.parametrize(
    ("written", "number", "why"),
    [
        ("07700 900123", "+447700900123", "Ofcom's drama range is possible, though not valid"),
        ("+44 (7700) 900-123", "+447700900123", "punctuation"),
        ("00447700900123", "+447700900123", "00 prefix"),
        ("01632 960123", "+441632960123", "fictional landline"),
        ("+1 650 253 0000", "+16502530000", "abroad"),
        ("12", None, "too short"),
        ("0000000000", None, "placeholder"),
        ("none", None, "words"),
    ],
)
def test_phones(written: str, number: str | None, why: str) -> None:
    assert phone(written) == number, why


def test_the_fast_way_and_the_library_agree_on_uk_numbers() -> None:
    import phonenumbers

    rng = random.Random(3)
    for _ in range(trials(300)):
        written = f"07700900{rng.randrange(1000):03d}"
        parsed = phonenumbers.parse(written, "GB")
        assert phone(written) == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def test_emails_and_addresses() -> None:
    assert email(" A.Person@Example.com ") == "a.person@example.com"
    assert email("none") is None
    assert address_line("Flat 2, 12 High Street, Fictown") == address_line("2 12 high st")
    assert address_line("12, High Street, Fictown") == "12 HIGH ST"
    assert address_line("The Elms, High Road") is None, "a street without a number is no home"


@pytest.mark.parametrize(
    "number", [f"99900000{rest}" for rest in ["18", "26", "34", "42", "50", "69", "77", "85", "93"]]
)
def test_nhs_fixtures_pass_and_every_other_check_digit_fails(number: str) -> None:
    assert nhs_number(f"{number[:3]} {number[3:6]}-{number[6:]}") == number
    wrong = [number[:9] + digit for digit in "0123456789" if digit != number[9]]
    assert [nhs_number(other) for other in wrong] == [None] * 9


@pytest.mark.parametrize("written", ["3333333333", "999000001", "99900000181", "999000001X", "", "٩٩٩٠٠٠٠٠١٨"])
def test_what_is_no_nhs_number(written: str) -> None:
    assert nhs_number(written) is None


@pytest.mark.parametrize(
    ("written", "canonical", "why"),
    [
        ("2003/0012345N", "2003/0012345N", "canonical"),
        ("03/12345n", "2003/0012345N", "short year, short serial, lower case"),
        ("20030012345N", "2003/0012345N", "no slash"),
        ("2099/0000001G", "2099/0000001G", "fixture"),
        ("2003/0012345A", None, "wrong letter"),
        ("2003/00123456N", None, "serial too long"),
        ("not one", None, "words"),
    ],
)
def test_pnc_ids(written: str, canonical: str | None, why: str) -> None:
    assert pnc_id(written) == canonical, why


@pytest.mark.parametrize(
    ("written", "canonical", "why"),
    [
        ("123456/99L", "123456/99L", "standard"),
        ("SF39/83924B", "SF39/83924B", "SF form"),
        ("000000/00Z", None, "known dummy"),
        ("123456/99M", None, "wrong letter"),
    ],
)
def test_cro_numbers(written: str, canonical: str | None, why: str) -> None:
    assert cro_number(written) == canonical, why


def test_pupil_numbers_and_local_references() -> None:
    assert upn("B801200005001") == "B801200005001"
    assert upn("P000000000001") == "P000000000001"
    assert upn("A801200005001") is None
    assert local_reference(" n 12a ") == "N12A"
    assert local_reference("  ") is None


def test_what_says_nothing_is_left_out_of_the_prepared_identity() -> None:
    identity = Identity(
        names=(Name(("Unknown",), "Unknown"), Name((), "Biggz", NameKind.STREET)),
        identifiers=(Identifier(Scheme.NHS, "9990000019"), Identifier(Scheme.CRO, "000000/00Z")),
        postcodes=("ZZ99 3VZ",),
        phones=("none",),
    )
    prepared = prepare(identity)
    assert [name.tokens for name in prepared.names] == [("BIGGZ",)]
    assert (prepared.nhs, prepared.cro, prepared.postcodes, prepared.phones) == ((), (), (), ())


def test_local_references_are_scoped_by_their_system() -> None:
    here = prepare(Identity(identifiers=(Identifier(Scheme.NOMINAL, "7", "RMS-X"),)))
    there = prepare(Identity(identifiers=(Identifier(Scheme.NOMINAL, "7", "RMS-Y"),)))
    assert here.references != there.references
