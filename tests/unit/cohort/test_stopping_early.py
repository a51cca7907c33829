"""Stopping a comparison early changes no answer: the same scores where they count, nothing where they do not."""

import random
from collections.abc import Callable
from functools import cache
from math import inf

import pytest

from cohort.comparisons import MISSING
from cohort.fine_comparisons import PERSON
from cohort.index import CohortIndex
from cohort.matching import match_event, score_all
from cohort.model import MatchModel, default_model, load_model
from cohort.policy import MatchPolicy
from cohort.prepared import prepare
from cohort.scoring import IDENTIFIERS, Score, plan, score_at_least, score_pair
from cohort.training import train
from domain.matches import MatchDecision
from tests.trials import trials
from tests.unit.cohort.people import cohort, dirty, event_about
from tests.unit.cohort.test_training import households, typo

_RARE_NAMES = """{"name": "rare", "version": 1, "prior_probability": 0.001,
 "frequencies": {"default_name": 0.01, "names": {"KHAN": 0.0001, "AMIR": 0.0002}},
 "comparisons": [{"comparison": "name", "levels": [
  {"level": "exact", "bits": 9, "tf_weight": 1}, {"level": "same_tokens", "bits": 8}, {"level": "part_of", "bits": 7},
  {"level": "alias", "bits": 6}, {"level": "close", "bits": 5}, {"level": "initial", "bits": 3},
  {"level": "family_only", "bits": 2}, {"level": "similar", "bits": 2}, {"level": "given_only", "bits": 1},
  {"level": "family_shared", "bits": 0}, {"level": "different", "bits": -5}, {"level": "missing", "bits": 0}]}]}"""


def _agrees(score: Score) -> bool:
    return any(score.level(name).startswith("same") for name in IDENTIFIERS)


@cache
def trained() -> MatchModel:
    """A model of tables full of relatives, as `match train` makes it: with a comparison that no shipped one has."""
    rng = random.Random(10)
    rows = households(200, rng)
    said = [typo(row, rng) for row in rows[:100]] + households(100, rng)
    model = load_model(train([prepare(who) for who in rows], [prepare(who) for who in said], name="relatives").text())
    assert PERSON.name in {each.name for each in model.comparisons}
    return model


def rare_names() -> MatchModel:
    return load_model(_RARE_NAMES)


MODELS = (default_model, rare_names, trained)


@pytest.mark.parametrize("model_of", MODELS)
@pytest.mark.parametrize("enough", [-inf, -5.0, 0.0, 12.5, 18.0, 30.0])
def test_a_pair_is_dropped_only_if_it_is_too_light_and_shares_no_identifier(
    model_of: Callable[[], MatchModel], enough: float
) -> None:
    model = model_of()
    rng = random.Random(11)
    people = [member.identity for member in cohort(60)]
    for _ in range(trials(4_000)):
        known = rng.choice(people)
        one, other = prepare(dirty(rng.choice((known, rng.choice(people))), rng)), prepare(known)
        whole = score_pair(one, other, model, prior_bits=-9.0)
        stopped = score_at_least(one, other, plan(one, model), prior_bits=-9.0, enough=enough)
        assert stopped == (whole if whole.evidence_bits >= enough or _agrees(whole) else None)


@pytest.mark.parametrize("model_of", MODELS)
def test_a_comparison_left_out_of_the_plan_says_nothing_about_anybody(model_of: Callable[[], MatchModel]) -> None:
    model = model_of()
    rng = random.Random(12)
    people = [prepare(dirty(member.identity, rng)) for member in cohort(40)]
    for one in people:
        planned = {step.name for step in plan(one, model)}
        for comparison in model.comparisons:
            if comparison.name not in planned:
                assert {comparison.compare(one, other) for other in people} == {MISSING}


def test_what_is_found_is_what_comparing_in_full_finds() -> None:
    rng = random.Random(13)
    members = cohort(400)
    index, policy = CohortIndex.build(members), MatchPolicy()
    for _ in range(trials(1_000)):
        event = event_about(dirty(rng.choice(members).identity, rng))
        whole = {
            match.member_id: match
            for match in score_all(event, index, policy)
            if match.decision is not MatchDecision.NONE
        }
        found = match_event(event, index, policy)
        assert bool(found) == bool(whole)
        for match in found:
            assert match.match_weight == whole[match.member_id].match_weight
            assert match.evidence == whole[match.member_id].evidence
