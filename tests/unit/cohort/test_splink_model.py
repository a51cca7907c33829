"""A model file of Splink's: what it weighs, what is refused by name, and that no file does harm."""

import json
import random
import time
from copy import deepcopy
from dataclasses import replace
from datetime import date
from math import log2
from typing import Any

import pytest

from cohort.comparisons import MISSING
from cohort.index import CohortIndex
from cohort.matching import match_event
from cohort.model import MatchModel, default_model
from cohort.policy import MatchPolicy
from cohort.prepared import PreparedIdentity, prepare
from cohort.scoring import Score, score_pair
from cohort.splink_compile import CERTAIN_BITS
from cohort.splink_file import is_splink_text
from cohort.splink_model import SplinkModel, load_any_model, read_splink
from domain.errors import ConfigError
from domain.identity import DateOfBirth, Identifier, Identity, Name, NameKind, Scheme
from domain.matches import MatchDecision, MatchReason
from tests.trials import record, trials
from tests.unit.cohort.people import event_about, member_of
from tests.unit.cohort.splink_files import ALIAS, BIRTH, SURNAME, either_null, level, null, text_of


def who(**extras: str | tuple[str, ...]) -> PreparedIdentity:
    given = {name: value if isinstance(value, tuple) else (value,) for name, value in extras.items()}
    return PreparedIdentity(extras=tuple(given.items()))


def scored(model: MatchModel, left: PreparedIdentity, right: PreparedIdentity) -> Score:
    """Splink's left is the member, its right the mention."""
    return score_pair(right, left, model, prior_bits=model.prior_bits)


def faults(text: str, **columns: str) -> str:
    with pytest.raises(ConfigError) as told:
        read_splink(text, columns=columns)
    return str(told.value)


PAIRS = [
    ({"surname": "clarke", "dob": "2008-01-01"}, {"surname": "clarke", "dob": "2008-01-01"}, log2(80) + 9, "both agree"),
    ({"surname": "clarke", "dob": "2008-01-01"}, {"surname": "clarkf", "dob": "2008-01-20"}, 2 + 3, "both nearly"),
    ({"surname": "clarke", "dob": "2008-01-01"}, {"surname": "nowak", "dob": "2009-01-01"}, -3 - 2, "both apart"),
    ({"surname": "clarke"}, {"surname": "nowak", "dob": "2009-01-01"}, -3, "a null says nothing"),
    ({"surname": "clarke", "dob": "soon"}, {"surname": "nowak", "dob": "2009-01-01"}, -3, "no date is a null"),
    ({}, {}, 0, "nothing at all"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "bits", "reason"), PAIRS, ids=[row[3] for row in PAIRS])
def test_weights_are_log2_of_m_over_u(left: Any, right: Any, bits: float, reason: str) -> None:
    model = load_any_model(text_of())
    assert scored(model, who(**left), who(**right)).weight == pytest.approx(-2 + bits, abs=1e-12), reason


def test_evidence_adds_up_and_names_levels_not_values() -> None:
    score = scored(load_any_model(text_of()), who(surname="clarke"), who(surname="clarke"))
    assert sum(each.bits for each in score.evidence()) == pytest.approx(score.weight)
    assert "clarke" not in repr(score.evidence())


PEOPLE = [who(surname="khan")] * 6 + [who(surname="adeyemi")] * 2 + [who(dob="2008-01-01")]


def test_term_frequencies_are_counted_over_those_who_have_a_value() -> None:
    model = load_any_model(text_of(), people=PEOPLE)
    khan = scored(model, who(surname="khan"), who(surname="khan")).weight
    rare = scored(model, who(surname="adeyemi"), who(surname="adeyemi")).weight
    assert khan == pytest.approx(-2 + log2(80) + log2(0.01 / 0.75))
    assert rare - khan == pytest.approx(log2(3))


def test_a_near_level_takes_its_own_share_of_the_frequency_and_the_commoner_value() -> None:
    model = load_any_model(text_of(), people=PEOPLE)
    weight = scored(model, who(surname="khan"), who(surname="khans")).weight  # "khans" is in no table
    assert weight == pytest.approx(-2 + 2 + 0.5 * log2(0.01 / 0.75))


def test_no_weight_is_above_what_the_comparison_promises() -> None:
    for people in ([], PEOPLE):
        model = load_any_model(text_of(), people=people)
        for comparison in model.comparisons:
            for one in PEOPLE:
                level_name = comparison.compare(one, one)
                weight = comparison.levels[level_name]
                change = comparison.change(one, one) if comparison.change and weight.tf_weight else 0.0
                assert weight.bits + weight.tf_weight * change <= comparison.most + 1e-12


def test_a_saved_model_keeps_its_frequencies_and_columns() -> None:
    model = read_splink(text_of(), columns={"dob": "extra.born"}).with_frequencies(PEOPLE)
    again = load_any_model(model.text())
    pair = who(surname="khan", born="2008-01-01"), who(surname="khan", born="2008-01-01")
    assert scored(again, *pair).weight == scored(model.match_model(), *pair).weight
    assert scored(again, *pair).weight == pytest.approx(-2 + log2(80) + log2(0.01 / 0.75) + 9)


def test_our_own_models_load_as_before() -> None:
    text = '{"name": "x", "version": 1, "prior_probability": 0.5, "comparisons": []}'
    assert load_any_model(text).name == "x"
    assert not is_splink_text(text)
    assert is_splink_text(text_of())
    for broken in ("", "[]", "{", "null", '{"comparisons": 3}'):
        with pytest.raises(ConfigError):
            load_any_model(broken)


UNTRAINED = {
    "output_column_name": "sex",
    "comparison_levels": [either_null("sex"), level("sex_l = sex_r"), level("ELSE")],
}


def test_what_was_never_trained_is_as_splink_defaults_it_and_told() -> None:
    model = read_splink(text_of(UNTRAINED))
    ready = model.match_model()
    assert scored(ready, who(sex="F"), who(sex="F")).weight == pytest.approx(-2 + 10)
    assert scored(ready, who(sex="F"), who(sex="M")).weight == pytest.approx(-2 - 5)
    assert sum("not trained" in notice for notice in model.notices) == 2


def test_impossible_and_certain_levels_stay_finite_and_decide() -> None:
    sure = {
        "output_column_name": "code",
        "comparison_levels": [level("code_l = code_r", 0.5, 0.0), level("ELSE", 0.0, 0.5)],
    }
    model = load_any_model(text_of(sure), columns={"code": "extra.code"})
    assert scored(model, who(code="1"), who(code="1")).weight == -2 + CERTAIN_BITS
    assert scored(model, who(code="1"), who(code="2")).weight == -2 - CERTAIN_BITS


# --- columns --------------------------------------------------------------------------------------------------------


def test_live_identities_are_compared_by_their_own_fields() -> None:
    model = load_any_model(text_of())
    one = prepare(Identity(names=(Name(("Anna",), "Müller"),), dates_of_birth=(DateOfBirth(date(2008, 1, 1)),)))
    other = prepare(Identity(names=(Name(("Anna",), "MULLER"),), dates_of_birth=(DateOfBirth(date(2008, 1, 20)),)))
    score = scored(model, one, other)
    assert score.weight == pytest.approx(-2 + log2(80) + 3)


def test_an_extra_under_the_columns_name_comes_before_our_field() -> None:
    model = load_any_model(text_of())
    one = prepare(Identity(names=(Name(("Anna",), "Khan"),), extra=(("Surname", ("smith",)),)))
    assert scored(model, one, who(surname="smith")).weight == pytest.approx(-2 + log2(80))


def test_several_names_are_compared_by_the_best_pair_and_stay_whole() -> None:
    both = {
        "output_column_name": "full",
        "comparison_levels": [
            null("first_name_l IS NULL OR first_name_r IS NULL"),
            level("first_name_l = first_name_r AND surname_l = surname_r", 0.5, 0.0625),
            level("ELSE", 0.5, 1.0),
        ],
    }
    model = load_any_model(text_of(both))
    names = (Name(("Anna",), "Khan"), Name(("Beth",), "Nowak", NameKind.PREVIOUS))
    two = prepare(Identity(names=names))
    for given, family, bits in (("Beth", "Nowak", 3), ("Anna", "Nowak", -1), ("Beth", "Khan", -1)):
        one = prepare(Identity(names=(Name((given,), family),)))
        assert scored(model, one, two).weight == scored(model, two, one).weight == pytest.approx(-2 + bits)


def test_lists_are_one_value() -> None:
    model = load_any_model(text_of(ALIAS))
    assert scored(model, who(aliases=("jay", "kay")), who(aliases=("kay", "el"))).weight == pytest.approx(-2 + 3)
    assert scored(model, who(aliases=("jay",)), who(aliases=())).weight == pytest.approx(
        -2 - 1
    )  # an empty list, no null
    assert scored(model, who(aliases=("jay",)), who()).weight == -2


def test_a_column_that_nobody_knows_is_refused_by_name_until_it_is_mapped() -> None:
    odd = {
        "output_column_name": "x",
        "comparison_levels": [level("shoe_l = shoe_r", 0.5, 0.1), level("ELSE", 0.5, 0.9)],
    }
    assert "the column shoe is not known" in faults(text_of(odd))
    assert "no field" in faults(text_of(odd), shoe="boots")
    model = load_any_model(text_of(odd), columns={"Shoe": "extra.size"})
    assert scored(model, who(size="9"), who(shoe="9")).level("x") == "shoe_l = shoe_r"


def test_columns_are_told_as_spelt_and_compared_in_any_case() -> None:
    odd = {
        "output_column_name": "x",
        "comparison_levels": [level('"Given Name_l" = "given name_R"', 0.5, 0.0625), level("ELSE", 0.5, 1.0)],
    }
    model = read_splink(text_of(odd), columns={"GIVEN NAME": "given_names"})
    assert model.columns == ("Given Name",)
    extra = PreparedIdentity(extras=(("given NAME", ("anna",)),))
    assert scored(model.match_model(), extra, extra).weight == pytest.approx(-2 + 3)


# --- refusals -------------------------------------------------------------------------------------------------------

REFUSED = [
    ("array_cosine_similarity(v_l, v_r) >= 0.9", "embeddings are not compared", "embeddings"),
    ("hamming(v_l, v_r) <= 2", "hamming()", "a function that is not mapped"),
    ("v_l = (SELECT 1)", "SUBQUERY", "a query"),
    ("v_l = v_r; DROP TABLE x", "not one expression", "a second statement"),
    ("COPY x TO 'y'", "COPY", "a statement"),
    ("v_l LIKE 'a%'", "LIKE", "a pattern language that is not offered"),
    ("v_l ~ 'a'", "REGEXP_LIKE", "sqlglot cannot tell its two meanings"),
    ("regexp_extract(v_l, '(a+)+b') = ''", "repeats a group", "a pattern that takes for ever"),
    ("regexp_extract(v_l, 'a*b*c*d*') = ''", "too many repeats", "a pattern that takes long"),
    ("regexp_extract(v_l, v_r) = ''", "not written out", "a pattern from the data"),
    ("v = v_r", "no column of the left or right record", "a column without a side"),
    ("l.v = r.v", "COLUMN with table", "a column of a table"),
    ("v_l", "true or false", "no condition"),
    ("v_l AND v_r", "true or false", "texts taken for truths"),
    ("levenshtein(v_l, 3) < 2", "text", "a number for a text"),
    ("levenshtein(v_l, v_r) < abs(v_l - v_r)", "used as", "one column as two things"),
    ("v_l::STRUCT(a INT) = v_r", "casts", "a structured value"),
    ("v_l['lat'] = v_r['lat']", "place in a list", "a part of a structure"),
    ("try_strptime(v_l, '%j') IS NULL", "date format", "a day of the year"),
    ("v_l = = v_r", "cannot be read", "no SQL"),
    ("(" * 400 + "v_l = v_r" + ")" * 400, "", "nested without end"),
    (" AND ".join(["v_l = v_r"] * 900), "", "longer than any model's"),
    ("eval(v_l) = exec(v_r)", "eval()", "names that mean nothing here"),
    ("__import__('os').system('true') = 1", "", "text of another language"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "why", "reason"), REFUSED, ids=[row[2] for row in REFUSED])
def test_what_cannot_be_mapped_is_refused_by_name(sql: str, why: str, reason: str) -> None:
    odd = {
        "output_column_name": "odd one",
        "comparison_levels": [either_null("v"), level(sql, 0.5, 0.1), level("ELSE", 0.5, 0.9)],
    }
    told = faults(text_of(odd), v="extra.v")
    assert why in told
    assert "column v is used as" in told or ("comparison odd one, level 2" in told and sql[:20] in told), reason


def test_all_faults_are_told_at_once() -> None:
    one = {
        "output_column_name": "one",
        "comparison_levels": [level("hamming(a_l, a_r) < 2", 0.5, 0.1), level("ELSE", 0.5, 0.9)],
    }
    two = {
        "output_column_name": "two",
        "comparison_levels": [level("soundex(b_l) = soundex(b_r)", 0.5, 0.1), level("ELSE", 0.5, 0.9)],
    }
    told = faults(
        text_of(one, two, two, {"output_column_name": "three", "comparison_levels": [level("ELSE", 0.5, 0.9)]})
    )
    for part in (
        "comparison one",
        "comparison two",
        "hamming",
        "soundex",
        "column a",
        "column b",
        "are called two",
        "three",
    ):
        assert part.lower() in told.lower()


WRONG = [
    ({"probability_two_random_records_match": 1}, "probability_two_random_records_match", "a prior of certainty"),
    ({"probability_two_random_records_match": "x"}, "probability_two_random_records_match", "a prior that is no number"),
    ({"sql_dialect": "cobol"}, "cobol", "an engine that nobody knows"),
    ({"comparisons": []}, "comparisons", "no comparison"),
    ({"comparisons": [{"comparison_levels": []}]}, "comparison_levels", "no level"),
    ({"comparisons": [{"comparison_levels": [{"sql_condition": "ELSE", "m_probability": 2}]}]}, "m_probability", "an m of 2"),
    ({"comparisons": [{"comparison_levels": [{"sql_condition": "ELSE", "boost": 2}]}]}, "boost", "a key that might change it"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "named", "reason"), WRONG, ids=[row[2] for row in WRONG])
def test_a_wrong_file_is_refused_and_what_is_wrong_named(change: Any, named: str, reason: str) -> None:
    assert named in faults(text_of(**change)), reason


# --- blocking -------------------------------------------------------------------------------------------------------


def test_equality_rules_become_keys_and_others_are_told() -> None:
    rules = [
        {"blocking_rule": 'l."surname" = r."surname" AND l."dob" = r."dob"', "sql_dialect": "duckdb"},
        "(l.postcode = r.postcode) AND (r.soc = l.soc)",
        "l.surname = r.first_name",
        "substr(l.dob, 1, 4) = substr(r.dob, 1, 4)",
        "l.sex = r.sex",
        "l.surname = r.surname",
        "1=1",
        {"blocking_rule": 3},
    ]
    model = read_splink(text_of(blocking_rules_to_generate_predictions=rules), columns={"soc": "extra.soc"})
    assert model.match_model().keys == (("family", "birth"), ("postcode", "extra.soc"))
    assert sum("our own blocking stands in" in notice for notice in model.notices) == 6


# --- what a search rests on ------------------------------------------------------------------------------------------


def test_a_silence_that_depends_on_both_sides_is_never_taken_for_one_of_its_own() -> None:
    both = {
        "output_column_name": "x",
        "comparison_levels": [
            null("surname_l IS NULL AND surname_r IS NULL"),
            level("surname_l = surname_r", 0.5, 0.0625),
            level("ELSE", 0.5, 1.0),
        ],
    }
    (comparison, *_) = load_any_model(text_of(both)).comparisons
    assert comparison.compare(who(), who()) is not MISSING  # or a search would leave it out for everybody
    assert comparison.levels[comparison.compare(who(), who())].bits == 0.0
    assert comparison.levels[comparison.compare(who(), who(surname="khan"))].bits == -1.0


def test_a_veto_wins_over_an_imported_model() -> None:
    """The rules of deciding ask what agreed: our comparisons answer them, whatever the model compares."""
    model = load_any_model(text_of())
    person = Identity(
        names=(Name(("Anna",), "Khan"),),
        dates_of_birth=(DateOfBirth(date(2008, 1, 1)),),
        identifiers=(Identifier(Scheme.NHS, "9990000018", verified=True),),
    )
    policy = MatchPolicy(match_bits=10, review_bits=5, margin_bits=1)
    index = CohortIndex.build([member_of(1, person)], "v1")
    (found,) = match_event(event_about(person), index, policy, model)
    assert found.decision is MatchDecision.MATCH
    other = replace(person, identifiers=(Identifier(Scheme.NHS, "9990000026", verified=True),))
    assert match_event(event_about(other), index, policy, model) == ()
    twin = replace(person, names=(Name(("Xenia",), "Khan"),), identifiers=())
    (held,) = match_event(event_about(twin), index, policy, model)
    assert (held.decision, held.reason) == (MatchDecision.REVIEW, MatchReason.TWIN)


# --- hostile files ----------------------------------------------------------------------------------------------------

FRAGMENTS = (
    "'", '"', "(", ")", "((((", "_l", "_r", "NULL", "CASE WHEN", "END", "--", "/*", ";", "%", "\\", "\x00", "\ud800", "é",
    "1e999", "9" * 400, "-", "x -> x", "[1]", "[", "{", "CAST(", " AS INT)", "SELECT", "exp(", "~", "(a+)+", "*", "||", "::DATE",
    "regexp_extract(surname_l, '", "list_transform(", "greatest(", "IS NULL", "NOT ", " BETWEEN ", "IN (", "INTERVAL '1' DAY",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2, 1e308, 10**400, "", "ELSE", "x", [], {}, [[]], {"a": 1}, "level not observed in training dataset",
    0.5, "0.5", [None], "surname", "SURNAME_L = surname_R", "\ud800",
)  # fmt: skip


def mutated(rng: random.Random) -> str:
    found = json.loads(text_of(SURNAME, BIRTH, ALIAS, blocking_rules_to_generate_predictions=["l.surname = r.surname"]))
    for _ in range(rng.randint(1, 3)):
        place, key = _somewhere(rng, found)
        if isinstance(place[key], str) and rng.random() < 0.7:
            at = rng.randint(0, len(place[key]))
            place[key] = place[key][:at] + rng.choice(FRAGMENTS) + place[key][at + rng.choice((0, 0, 3)) :]
        elif rng.random() < 0.2 and isinstance(place, dict):
            place[rng.choice(("splink", "columns", "tf_adjustment_weight", "sql_dialect", "x"))] = deepcopy(
                rng.choice(VALUES)
            )
        else:
            place[key] = deepcopy(rng.choice(VALUES))
    text = json.dumps(found)
    if rng.random() < 0.15:
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice(("", "{", "[" * 5_000, '"', "9" * 5_000)) + text[at + 1 :]
    return text


def _somewhere(rng: random.Random, found: Any) -> tuple[Any, Any]:
    place = found
    while True:
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
        if not isinstance(place[key], (dict, list)) or not place[key] or rng.random() < 0.1:
            return place, key
        place = place[key]


def test_a_broken_or_hostile_file_loads_or_is_refused_and_never_slowly() -> None:
    rng = random.Random(17)
    one = who(surname="khan", dob="2008-01-01", aliases=("jay", "kay"))
    loaded = refused = 0
    slowest = 0.0
    for _ in range(trials(10_000)):
        text = mutated(rng)
        before = time.process_time()
        try:
            model = load_any_model(text, columns={"x": "extra.x"}, people=[one])
            scored(model, one, one)
            scored(model, one, who())
            loaded += 1
        except ConfigError as error:
            refused += 1
            assert str(error).isprintable()
            str(error).encode()
        slowest = max(slowest, time.process_time() - before)
    assert loaded > 50 and refused > 50
    assert slowest < 10.0  # processor time, on a machine that others use: some tenths of a second on a quiet one
    record("model files broken at random", loaded + refused, f"{refused} refused, slowest {slowest * 1000:.0f} ms")


BOMBS = [
    ("len(" + "flatten(list_transform(" * 30 + "aliases_l" + ", v -> [v, v]))" * 30 + ") > 1", "a list that doubles"),
    ("length(" + "list_transform(" * 2 + "aliases_l" + ", v -> v || v)" * 2 + "[1]) > 1", "a text that doubles"),
    ("surname_l = " + "coalesce(" * 40 + "'1'" + ", 2)" * 40, "a choice of kinds, deep"),
    ("(" + "surname_l = surname_r OR " * 90 + "TRUE)", "many alternatives"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "reason"), BOMBS, ids=[row[1] for row in BOMBS])
def test_what_grows_is_bounded(sql: str, reason: str) -> None:
    bomb = {"output_column_name": "b", "comparison_levels": [level(sql, 0.5, 0.1), level("ELSE", 0.5, 0.9)]}
    before = time.process_time()
    try:
        model = load_any_model(text_of(bomb), columns={"aliases": "extra.aliases", "surname": "extra.surname"})
        scored(model, who(aliases=("ab",), surname="x"), who(aliases=("ab",), surname="x"))
    except ConfigError:
        pass
    assert time.process_time() - before < 0.5, reason


def test_no_value_is_in_a_representation() -> None:
    model: SplinkModel = read_splink(text_of()).with_frequencies(PEOPLE)
    assert "khan" not in repr(model)
    assert "khan" not in repr(model.match_model())
    assert default_model() is default_model()
