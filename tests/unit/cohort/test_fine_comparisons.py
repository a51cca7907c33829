"""Levels of the finer comparisons by example, and the laws of every comparison and of a trained model."""

import random
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohort.fine_comparisons import FINE, extra
from cohort.model import MatchModel, default_model, load_model
from cohort.offered import OFFERS, offered
from cohort.policy import MatchPolicy
from cohort.prepared import prepare
from cohort.scoring import score_pair
from cohort.text_levels import KINDS, Kind
from domain.errors import ConfigError
from domain.identity import DateOfBirth, DobQuality, Identifier, Identity, Name, NameKind, Scheme
from tests.trials import trials
from tests.unit.cohort.people import dirty, person

_FINE = {offer.name: offer for offer in FINE}


def _named(given: str, family: str, kind: NameKind = NameKind.USUAL) -> Identity:
    return Identity(names=(Name((given,) if given else (), family, kind),))


def _level(comparison: str, one: Identity, other: Identity) -> str:
    return _FINE[comparison].compare(prepare(one), prepare(other))


@pytest.mark.parametrize(
    ("one", "other", "given", "family", "why"),
    [
        (("Amir", "Khan"), ("AMIR", "khan"), "exact", "exact", "case"),
        (("elk i", "Menzies"), ("elki", "menzies"), "exact", "exact", "a blank too many"),
        (("Khan", "Amir"), ("Amir", "Khan"), "swapped", "missing", "swapped, counted once"),
        (("Khan", "Amir"), ("Amir", "Khann"), "swapped", "missing", "swapped and misspelt"),
        (("Mike", "Walker"), ("Michael", "Walker"), "short_form", "exact", "nickname"),
        (("M", "Walker"), ("Michael", "Walker"), "initial", "exact", "initial"),
        (("Mohammed Amir", "Khan"), ("Amir", "Khan"), "same_call_name", "exact", "the prefix left out"),
        (("Md Amir", "Khan"), ("Mohammed Amir", "Khan"), "exact", "exact", "the prefix written short"),
        (("Tyrone", "Ferreira-Santos"), ("Tyrone", "Santos"), "exact", "one_of_two", "half of a double surname"),
        (("Anna", "Kowalska"), ("Anna", "Kowalski"), "exact", "close", "gendered ending"),
        (("Amir", "Al-Hassan"), ("Amir", "Hassan"), "exact", "exact", "particle"),
        (("Amir", "Khan"), ("Tyrone", "Khan"), "different", "exact", "a brother"),
        (("", "Khan"), ("Amir", "Khan"), "missing", "exact", "no given name"),
    ],
)
def test_halves_of_names(one: tuple[str, str], other: tuple[str, str], given: str, family: str, why: str) -> None:
    first, second = _named(*one), _named(*other)
    assert (_level("given names", first, second), _level("family name", first, second)) == (given, family), why


@pytest.mark.parametrize(
    ("one", "other", "level", "why"),
    [
        ("4223", "4223", "exact", "a code that is not the UK's is compared, not thrown away"),
        ("4223", "4232", "one_edit", "neighbours exchanged"),
        ("4223", "4999", "different", "no district where the form has none"),
        ("B1 1AA", "B1 1AB", "one_edit", "a letter"),
        ("B1 1AA", "B1 1XY", "sector", "the sector"),
        ("B1 1AA", "B1 9XY", "district", "the district"),
        ("ZZ99 3VZ", "ZZ99 3VZ", "missing", "no fixed abode says nothing, not even as text"),
    ],
)
def test_postcodes_of_any_country(one: str, other: str, level: str, why: str) -> None:
    assert _level("postcode", Identity(postcodes=(one,)), Identity(postcodes=(other,))) == level, why


@pytest.mark.parametrize(
    ("one", "other", "level", "why"),
    [
        ("2009-05-04", "2009-04-05", "swapped", "day and month"),
        ("2009-05-14", "2019-05-14", "one_edit", "a digit, in another decade"),
        ("2009-05-14", "2009-05-28", "two_edits", "two digits"),
        ("2009-05-14", "2009-11-27", "same_year", "another day"),
        ("2009-05-14", "1980-11-27", "different", "a father"),
    ],
)
def test_dates_of_birth(one: str, other: str, level: str, why: str) -> None:
    first, second = (Identity(dates_of_birth=(DateOfBirth(date.fromisoformat(each)),)) for each in (one, other))
    assert _level("date of birth", first, second) == level, why


def test_a_date_that_is_none_is_compared_by_its_digits() -> None:
    stated = Identity(dates_of_birth=(DateOfBirth(date(1965, 3, 13)),))
    written = Identity(extra=(("date_of_birth", ("19651313",)),))
    assert _level("date of birth", stated, written) == "one_edit"


def test_an_estimated_date_does_not_speak_against_a_near_one() -> None:
    stated = Identity(dates_of_birth=(DateOfBirth(date(2009, 5, 4)),))
    guessed = Identity(dates_of_birth=(DateOfBirth(date(2007, 1, 1), DobQuality.ESTIMATED),))
    assert _level("date of birth", stated, guessed) == "estimated_near"


def test_a_mistyped_identifier_is_near_the_right_one_but_neither_same_nor_a_veto() -> None:
    right = Identity(identifiers=(Identifier(Scheme.NHS, "9990000018", verified=True),))
    typed = Identity(identifiers=(Identifier(Scheme.NHS, "9990000019", verified=True),))
    assert _level("identifier text", right, typed) == "one_edit"
    assert _level("identifier text", right, right) == "missing", "sound ones are compared as what they are"
    score = score_pair(prepare(right), prepare(typed), default_model(), prior_bits=0.0)
    assert not score.lines


@pytest.mark.parametrize(
    ("kind", "one", "other", "level"),
    [
        (Kind.TEXT, "Winston Hills", "WINSTON  HILLS", "exact"),
        (Kind.TEXT, "winston hills", "winstonhills", "close"),
        (Kind.TEXT, "british politician", "politician", "part_of"),
        (Kind.TEXT, "winston hills", "zurich", "different"),
        (Kind.CODE, "530-4218", "5304218", "exact"),
        (Kind.CODE, "5304218", "5304281", "one_edit"),
        (Kind.CODE, "5304218", "5394288", "two_edits"),
        (Kind.CODE, "5", "7", "different"),
        (Kind.NUMBER, "1,000", "1000.0", "exact"),
        (Kind.NUMBER, "100", "100.5", "within_1_percent"),
        (Kind.NUMBER, "100", "200", "different"),
        (Kind.DATE, "1990-02-03", "19900302", "swapped"),
    ],
)
def test_extra_columns_by_kind(kind: Kind, one: str, other: str, level: str) -> None:
    compare = extra("x", kind).compare
    first, second = (prepare(Identity(extra=(("x", (each,)),))) for each in (one, other))
    assert compare(first, second) == compare(second, first) == level


_WORDS = st.text(alphabet="abzéł 019-.'", max_size=12)


@settings(max_examples=trials(2_000), deadline=None)
@given(_WORDS, _WORDS, st.sampled_from(sorted(KINDS)))
def test_every_kind_is_symmetric_and_the_same_is_exact(one: str, other: str, kind: Kind) -> None:
    clean, level, levels = KINDS[kind]
    first, second = clean(one), clean(other)
    assert level(first, second) == level(second, first)
    assert level(first, second) in levels
    assert level(first, first) == "exact"


@pytest.mark.parametrize("name", sorted(_FINE))
def test_each_fine_comparison_is_symmetric_and_answers_a_known_level(name: str) -> None:
    offer, rng = _FINE[name], random.Random(21)
    for number in range(trials(5_000)):
        one = person(rng, number)
        first, second = prepare(one), prepare(dirty(one, rng) if number % 2 else person(rng, number + 1))
        level = offer.compare(first, second)
        assert level == offer.compare(second, first)
        assert level in offer.levels


def test_a_model_says_by_its_levels_which_fineness_it_means() -> None:
    for name, offers in OFFERS.items():
        for offer in offers:
            assert offered(name, reversed(offer.levels)) is offer
    with pytest.raises(ConfigError, match="kind"):
        offered("extra:suburb", ("exact", "different", "missing"))
    with pytest.raises(ConfigError, match="shoe size"):
        offered("shoe size", ())


_MODEL = """{"name": "x", "version": 1, "prior_probability": 0.001, "prevalence": 0.5, "comparisons": [
 {"comparison": "extra:suburb", "kind": "text", "frequencies": {"usual": 0.01, "default": 0.001,
   "values": {"CENTRE": 0.2}}, "levels": [
  {"level": "exact", "m": 0.8, "u": 0.01, "tf_weight": 1}, {"level": "close", "m": 0.1, "u": 0.01},
  {"level": "near", "m": 0.02, "u": 0.01}, {"level": "part_of", "m": 0.02, "u": 0.01},
  {"level": "similar", "m": 0.02, "u": 0.06}, {"level": "different", "m": 0.04, "u": 0.9},
  {"level": "missing", "bits": 0}]}]}"""


def _suburb(model: MatchModel, one: str, other: str) -> float:
    first, second = (prepare(Identity(extra=(("suburb", (each,)),))) for each in (one, other))
    return score_pair(first, second, model, prior_bits=0.0).weight


def test_a_common_value_weighs_less_than_a_rare_one_but_never_less_than_a_near_one() -> None:
    model = load_model(_MODEL)
    assert _suburb(model, "Oakey", "OAKEY") > 6.4 > _suburb(model, "Centre", "centre")
    assert _suburb(model, "Centre", "centre") >= _suburb(model, "Centre", "centra")


def test_the_prior_of_a_trained_model_follows_the_size_of_the_cohort() -> None:
    model, policy = load_model(_MODEL), MatchPolicy()
    assert policy.prior_bits(1_000, model) - policy.prior_bits(2_000, model) == pytest.approx(1.0, abs=0.01)
    assert policy.prior_bits(1, model) == 0.0
