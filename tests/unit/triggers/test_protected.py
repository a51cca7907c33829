"""No rule asks about a protected characteristic, as the name of a fact or as a value; and what only sounds like one may
be asked."""

import pytest

from triggers.protected import is_protected, names_protected

NAMING = (
    "is_muslim", "islamist", "prevent_muslim", "non_white", "black", "black_male", "IC3", "ic3_male", "ic 6", "male",
    "eastern_european", "somali", "polish_national", "mental_disability", "is_gay", "homosexual", "mosque", "Roma",
    "asylum_seeker", "bl4ck", "ethnicGroup", "arabic", "Мuslim", "is_white", "coloured",
)  # fmt: skip
OTHERWISE = (
    "romance_fraud", "black_market", "white_collar_crime", "female_genital_mutilation", "forced_marriage",
    "national_referral_mechanism", "violence_against_women_and_girls", "child_sexual_exploitation", "hate_crime",
    "county_lines", "gang", "urgent", "domestic_abuse", "knife", "police", "public_place", "polished_blade",
    "hate_disability", "white_powder", "white_van", "black_eye", "violence_against_females",
)  # fmt: skip


@pytest.mark.parametrize("word", NAMING)
def test_a_value_that_names_one_is_known_for_it(word: str) -> None:
    assert names_protected(word)


@pytest.mark.parametrize("word", OTHERWISE)
def test_what_only_sounds_like_one_may_be_asked(word: str) -> None:
    assert not names_protected(word)


@pytest.mark.parametrize("word", ["black_country", "british_transport_police", "Asian Street Market", "polish_centre"])
def test_places_and_units_may_be_called_after_anything(word: str) -> None:
    assert not names_protected(word, of_place=True)
    assert names_protected("muslim_area", of_place=True), "and may not stand for who lives there"


@pytest.mark.parametrize("word", ["ethnicity", "Immigration status", "religion", "sex", "ethnic_group", "nationality"])
def test_no_fact_is_called_so(word: str) -> None:
    assert is_protected(word)
