"""Levels by example, and the laws of every comparison: symmetry, and a model that ranks them as they are meant."""

import random
from datetime import date

import pytest

from cohort.comparisons import COMPARISONS, MISSING, given_names_dissimilar, token_likeness
from cohort.model import default_model, load_model
from cohort.policy import MatchPolicy
from cohort.prepared import prepare
from cohort.scoring import score_pair
from domain.errors import ConfigError
from domain.identity import DateOfBirth, DobQuality, Identifier, Identity, Name, NameKind, Scheme, Sex
from tests.trials import trials
from tests.unit.cohort.people import dirty, person

MODEL = default_model()


def _named(*names: Name) -> Identity:
    return Identity(names=names)


def _level(comparison: str, one: Identity, other: Identity) -> str:
    return COMPARISONS[comparison][0](prepare(one), prepare(other))


@pytest.mark.parametrize(
    ("one", "other", "level", "why"),
    [
        (Name(("Amir",), "Khan"), Name(("AMIR",), "khan"), "exact", "case"),
        (Name(("Md", "Amir"), "Khan"), Name(("Mohammed", "Amir"), "Khan"), "exact", "Mohammed's spellings are one"),
        (Name(("Khan",), "Amir"), Name(("Amir",), "Khan"), "same_tokens", "given and family swapped"),
        (Name(("Abdi", "Farah"), "Warsame"), Name(("Abdi", "Warsame"), "Farah"), "same_tokens", "no fixed order"),
        (Name(("Mohammed", "Amir"), "Khan"), Name(("Amir",), "Khan"), "part_of", "the prefix left out"),
        (Name(("Abdi", "Farah"), "Warsame"), Name(("Abdi",), "Warsame"), "part_of", "the grandfather left out"),
        (Name(("Ayan", "Abdi"), "Warsame"), Name(("Abdi",), "Warsame"), "close", "the father: see the next row"),
        (Name(("Ayan", "Abdi"), "Warsame"), Name(("Hodan", "Abdi"), "Warsame"), "family_shared", "siblings share two"),
        (Name(("Jakub",), "Kowalski"), Name(("Kuba",), "Kowalska"), "close", "short form and gendered ending"),
        (Name(("Conor",), "OBrien"), Name(("Connor",), "O'Brien"), "close", "spelling"),
        (Name(("A",), "Khan"), Name(("Amir",), "Khan"), "initial", "initial only"),
        (Name((), "Khan"), Name(("Amir",), "Khan"), "family_only", "no given name on one side"),
        (Name(("Amir",), ""), Name(("Amir",), "Khan"), "given_only", "no family name on one side"),
        (Name(("Amir",), "Khan"), Name(("Amir",), "Walker"), "given_only", "another surname"),
        (Name(("Amir",), "Khan"), Name(("Tyrone",), "Khan"), "family_shared", "a brother"),
        (Name(("Amir",), "Khan"), Name(("Tyrone",), "Walker"), "different", "somebody else"),
        (Name(("Mohammed",), "Khan"), Name(("Mohammed", "Amir"), "Ali"), "different", "the prefix alone is nothing"),
        (Name(("Unknown",), ""), Name(("Amir",), "Khan"), MISSING, "a placeholder says nothing"),
        (Name((), "Biggz", NameKind.STREET), Name(("Amir",), "Khan"), MISSING, "a street name never speaks against"),
        (Name(("Biggz",), "", NameKind.STREET), Name((), "Biggz", NameKind.ALIAS), "alias", "by whichever half"),
        (Name(("Ali",), "Kay", NameKind.ALIAS), Name(("Ali",), "Kay"), "alias", "an alias on one side is enough"),
    ],
)
def test_names_reach_the_level_a_human_would_give(one: Name, other: Name, level: str, why: str) -> None:
    if why.startswith("the father"):  # a name that leaves out the call name is not part of it, though its tokens are
        assert _level("name", _named(one), _named(other)) != "part_of"
        return
    assert _level("name", _named(one), _named(other)) == level, why


@pytest.mark.parametrize(
    ("one", "other", "level", "why"),
    [
        ((2009, 5, 4), (2009, 5, 4), "exact", "the same"),
        ((2009, 5, 4), (2009, 4, 5), "swapped", "day and month"),
        ((2009, 5, 14), (2009, 5, 15), "one_edit", "a digit"),
        ((2009, 5, 14), (2008, 5, 14), "one_edit", "a digit of the year"),
        ((2009, 5, 14), (2009, 5, 21), "same_month", "another day"),
        ((2009, 5, 14), (2006, 11, 27), "within_5_years", "a brother"),
        ((2009, 5, 14), (1980, 11, 27), "different", "a father"),
    ],
)
def test_dates_of_birth(one: tuple[int, int, int], other: tuple[int, int, int], level: str, why: str) -> None:
    first, second = DateOfBirth(date(*one)), DateOfBirth(date(*other))
    assert _level("date of birth", Identity(dates_of_birth=(first,)), Identity(dates_of_birth=(second,))) == level, why


def test_an_estimated_date_does_not_speak_against_a_near_one() -> None:
    stated = Identity(dates_of_birth=(DateOfBirth(date(2009, 5, 4)),))
    guessed = Identity(dates_of_birth=(DateOfBirth(date(2007, 1, 1), DobQuality.ESTIMATED),))
    assert _level("date of birth", stated, guessed) == "estimated_near"


def test_references_of_two_systems_are_never_compared() -> None:
    here = Identity(identifiers=(Identifier(Scheme.NOMINAL, "7", "RMS-X"),))
    there = Identity(identifiers=(Identifier(Scheme.NOMINAL, "7", "RMS-Y"),))
    assert _level("local reference", here, there) == MISSING
    assert _level("local reference", here, here) == "same"


def test_sex_not_specified_says_nothing() -> None:
    assert _level("sex", Identity(sex=Sex.NOT_SPECIFIED), Identity(sex=Sex.MALE)) == MISSING


def test_one_given_name_has_to_show() -> None:
    def apart(one: str, other: str) -> bool:
        return given_names_dissimilar(
            prepare(_named(Name(tuple(one.split()), "Khan"))), prepare(_named(Name(tuple(other.split()), "Khan")))
        )

    assert apart("Amir", "Adil")
    assert apart("A", "Adil"), "twins often share their initial"
    assert apart("Mohammed", "Mohammed Adil"), "nor does the prefix show which of them it is"
    assert apart("Sabo Jadame", "Ahmed Jadame"), "brothers share their father's name"
    assert apart("Jude", "Adil Jude"), "the call name may be the second, but it may also be the twin's own"
    assert not apart("Mike", "Michael")


@pytest.mark.parametrize("comparison", sorted(COMPARISONS))
def test_each_comparison_is_symmetric_and_answers_a_known_level(comparison: str) -> None:
    compare, levels = COMPARISONS[comparison]
    rng = random.Random(11)
    seen = set()
    for number in range(trials(10_000)):
        one = person(rng, number)
        other = dirty(one, rng) if number % 2 else person(rng, number + 1)
        first, second = prepare(one), prepare(other)
        level = compare(first, second)
        assert level == compare(second, first)
        assert level in levels
        seen.add(level)
    assert seen, "the trials reached nothing"


def test_the_weight_is_the_sum_of_its_evidence_and_the_same_both_ways() -> None:
    from math import fsum

    rng = random.Random(12)
    for number in range(trials(5_000)):
        one = person(rng, number)
        other = prepare(dirty(one, rng) if number % 2 else person(rng, number + 1))
        there = score_pair(prepare(one), other, MODEL, prior_bits=-15.5)
        back = score_pair(other, prepare(one), MODEL, prior_bits=-15.5)
        assert fsum(line.bits for line in there.evidence()) == there.weight
        assert there.weight == back.weight


_AGREEING = ("names", "dates_of_birth", "sex", "identifiers", "postcodes", "addresses", "phones", "emails")


def test_adding_what_agrees_never_lowers_the_weight() -> None:
    import dataclasses

    rng = random.Random(13)
    for number in range(trials(5_000)):
        known = person(rng, number)
        said = dirty(known, rng)
        before = score_pair(prepare(said), prepare(known), MODEL, prior_bits=0.0).weight
        field = rng.choice(_AGREEING)
        more = getattr(known, field)
        if field != "sex" and isinstance(more, tuple):
            more = tuple(dict.fromkeys((*getattr(said, field), *more)))
        after = score_pair(
            prepare(dataclasses.replace(said, **{field: more})), prepare(known), MODEL, prior_bits=0.0
        ).weight
        assert after >= before - 1e-9, field


def test_a_common_name_weighs_less_than_a_rare_one_and_each_more_than_a_near_one() -> None:
    def bits(*names: Name) -> float:
        one, other = (prepare(_named(name)) for name in names)
        return score_pair(one, other, MODEL, prior_bits=0.0).weight

    rare, common = Name(("Zoltan",), "Tesfaye"), Name(("Mohammed",), "Khan")
    assert bits(rare, rare) > bits(common, common)
    assert bits(rare, rare) > bits(Name(("Zolten",), "Tesfaye"), rare)
    assert bits(common, common) > bits(common, Name(("Mohammed",), "Khanum"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kumar", "Koomar"),
        ("Qasim", "Kaseem"),
        ("Uddin", "Udin"),
        ("Rahmatullah", "Rahmatulla"),
        ("Kazlauskaite", "Kazlauskas"),
        ("Singh", "Seengh"),
    ],
)
def test_ways_of_writing_one_name_are_near(one: str, other: str) -> None:
    assert token_likeness(one.upper(), other.upper()) >= 2
    assert token_likeness("AMIR", "OMAR") < 2, "other vowels make another name"


def test_a_shared_singh_says_less_than_a_shared_surname() -> None:
    def bits(one: Name, other: Name) -> float:
        return score_pair(prepare(_named(one)), prepare(_named(other)), MODEL, prior_bits=0.0).weight

    singh, gill = Name(("Harpreet",), "Singh"), Name(("Harpreet",), "Gill")
    assert bits(Name(("Harpreet", "Singh"), "Gill"), singh) < bits(Name(("Harpreet", "Singh"), "Gill"), gill) - 2


def test_every_level_of_the_shipped_model_is_worth_no_more_than_the_one_above() -> None:
    for comparison in MODEL.comparisons:
        bits = [weight.bits for level, weight in comparison.levels.items() if level != MISSING]
        assert bits == sorted(bits), comparison.name  # the file lists strongest first, the model is built from below


def test_a_model_that_asks_for_what_is_not_there_is_refused_by_name() -> None:
    head = '{"name": "x", "version": 1, "prior_probability": 0.1, "frequencies": {"default_name": 0.1}, "comparisons": '
    with pytest.raises(ConfigError, match="shoe size"):
        load_model(head + '[{"comparison": "shoe size", "levels": []}]}')
    with pytest.raises(ConfigError, match="missing"):
        load_model(head + '[{"comparison": "sex", "levels": [{"level": "same", "m": 0.9, "u": 0.5}]}]}')
    with pytest.raises(ConfigError, match="cannot be read"):
        load_model('{"name": 1')


def test_thresholds_rise_by_a_bit_when_the_cohort_doubles() -> None:
    policy = MatchPolicy(reference_members=1000)
    assert [policy.scale_bits(size) for size in (10, 1000, 2000, 8000)] == [0.0, 0.0, 1.0, 3.0]
