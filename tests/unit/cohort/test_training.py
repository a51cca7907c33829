"""Training on small and odd tables: deterministic, never zero, calm where there is nothing to learn."""

import random
from dataclasses import replace
from datetime import date, timedelta
from math import fsum, isfinite

import pytest

from cohort.comparisons import MISSING
from cohort.index import CohortIndex
from cohort.matching import match_event
from cohort.model import ModelFile, load_model
from cohort.policy import MatchPolicy
from cohort.prepared import PreparedIdentity, prepare
from cohort.scoring import score_pair
from cohort.training import train
from cohort.training_pairs import Joining
from domain.errors import ConfigError
from domain.identity import DateOfBirth, Identity, Name
from domain.matches import MatchDecision
from tests.trials import trials
from tests.unit.cohort.people import GIVEN, dirty, event_about, member_of, person

_WORDS = ("oak", "elm", "ash", "yew", "fir", "lime", "beech", "alder", "rowan", "hazel")


def _table(size: int, seed: int, *, constant: bool = False, empty: bool = False) -> list[Identity]:
    """Rows with columns that are no fields of an identity: a code, a text, and one of a few words."""
    rng = random.Random(seed)
    rows = []
    for _ in range(size):
        extra = {
            "badge": (str(rng.randrange(10**6, 10**7)),),
            "street": (f"{rng.choice(_WORDS)} {rng.choice(_WORDS)} {rng.choice(_WORDS)}",),
            "tree": (rng.choice(_WORDS),),
        }
        if constant:
            extra["country"] = ("Nowhere",)
        if empty:
            extra["nickname"] = ("",)
        given, family = (rng.choice(_WORDS) + rng.choice(_WORDS) for _ in range(2))
        rows.append(Identity(names=(Name((given,), family),), extra=tuple(sorted(extra.items()))))
    return rows


def typo(row: Identity, rng: random.Random) -> Identity:
    extra = dict(row.extra)
    for name, (value, *_) in list(extra.items()):
        if rng.random() < 0.15:
            place = rng.randrange(len(value)) if value else 0
            extra[name] = (value[:place] + value[place + 1 :],)
    return replace(row, extra=tuple(sorted(extra.items())))


def _prepared(rows: list[Identity]) -> list[PreparedIdentity]:
    return [prepare(row) for row in rows]


def _linked(file: ModelFile, cohort: list[PreparedIdentity], events: list[PreparedIdentity]) -> set[tuple[int, int]]:
    """All pairs of weight 0 or more, by brute force."""
    model = load_model(file.text())
    prior = MatchPolicy().prior_bits(len(cohort), model)
    return {
        (one, other)
        for one, known in enumerate(cohort)
        for other, said in enumerate(events)
        if score_pair(said, known, model, prior_bits=prior).weight >= 0
    }


def _sound(file: ModelFile) -> None:
    """No weight is without bound, and no level is worth more than a stronger one."""
    for comparison in load_model(file.text()).comparisons:
        bits = [round(weight.bits, 9) for level, weight in comparison.levels.items() if level != MISSING]
        assert all(map(isfinite, bits)), comparison.name
        assert bits == sorted(bits), comparison.name


def test_half_of_the_events_are_found_and_the_rest_are_nobody() -> None:
    rng = random.Random(1)
    rows = _table(300, 1, constant=True, empty=True)
    events = [typo(row, rng) for row in rows[:150]] + _table(150, 2, constant=True, empty=True)
    file = train(_prepared(rows), _prepared(events), name="half")
    _sound(file)
    linked = _linked(file, _prepared(rows), _prepared(events))
    truth = {(place, place) for place in range(150)}
    assert len(linked & truth) >= 147
    assert len(linked - truth) <= 2
    assert file.prevalence == pytest.approx(0.5, abs=0.05)


def test_tables_without_overlap_give_a_model_that_links_nobody() -> None:
    file = train(_prepared(_table(300, 3)), _prepared(_table(300, 4)), name="none")
    _sound(file)
    assert not _linked(file, _prepared(_table(300, 3)), _prepared(_table(300, 4)))
    assert file.prevalence is not None and file.prevalence < 0.05


@pytest.mark.parametrize("size", [1, 2, 10, 40])
def test_few_records_are_enough_for_a_sound_model(size: int) -> None:
    rng = random.Random(5)
    rows = _table(size, 5)
    file = train(_prepared(rows), _prepared([typo(row, rng) for row in rows]), name="few")
    _sound(file)


def test_no_common_column_is_refused() -> None:
    with pytest.raises(ConfigError, match="nothing to train"):
        train([prepare(Identity(postcodes=("4223",)))], [prepare(Identity(emails=("a@example.com",)))], name="x")


def test_a_table_without_records_is_refused_by_its_side() -> None:
    somebody = [prepare(Identity(emails=("a@example.com",)))]
    with pytest.raises(ConfigError, match="events has no records"):
        train(somebody, [], name="x")
    with pytest.raises(ConfigError, match="cohort has no records"):
        train([], somebody, name="x")


def test_the_same_seed_gives_the_same_file_and_it_loads_again() -> None:
    rng = random.Random(6)
    people = [person(rng, number) for number in range(200)]
    cohort, events = _prepared(people), _prepared([dirty(who, rng) for who in people])
    first, second = (train(cohort, events, name="twice", seed=7) for _ in range(2))
    assert first == second
    assert ModelFile.model_validate_json(first.text()) == first
    _sound(first)


def test_labelled_pairs_give_a_model_too() -> None:
    rng = random.Random(8)
    rows = _table(200, 8)
    events = [typo(row, rng) for row in rows]
    labels = [(place, place) for place in range(200)]
    file = train(_prepared(rows), _prepared(events), name="labelled", labels=labels)
    _sound(file)
    assert file.prevalence == pytest.approx(1.0)
    linked = _linked(file, _prepared(rows), _prepared(events))
    assert len(linked & set(labels)) >= 196
    assert len(linked - set(labels)) <= 2


def test_a_table_against_itself_never_pairs_a_record_with_itself() -> None:
    rng = random.Random(9)
    rows = _table(150, 9)
    table = _prepared([*rows, *(typo(row, rng) for row in rows), *(typo(row, rng) for row in rows[:50])])
    file = train(table, table, name="copies")
    _sound(file)
    # 50 people with three records (two others each), 100 with two (one other each)
    assert file.prevalence == pytest.approx((50 * 3 * 2 + 100 * 2) / len(table), rel=0.1)


def test_progress_goes_from_0_to_1() -> None:
    told: list[float] = []
    rows = _prepared(_table(30, 10))
    train(rows, rows[:20], name="told", progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_joining_brings_together_what_agrees_in_all_parts_and_nothing_else() -> None:
    one, other = _prepared(_table(120, 11)), _prepared(_table(90, 12))
    joined = Joining(one, other).join(("extra.tree", "extra.street"), 10**6)
    by_hand = {
        mine * len(other) + theirs
        for mine, first in enumerate(one)
        for theirs, second in enumerate(other)
        if first.extra("tree") == second.extra("tree") and first.extra("street") == second.extra("street")
    }
    assert (set() if joined is None else set(joined.pairs.tolist())) == by_hand


def households(size: int, rng: random.Random) -> list[Identity]:
    """People who live in twos to fours and share surname, postcode, street and town."""
    people: list[Identity] = []
    while len(people) < size:
        family = rng.choice(_WORDS) + rng.choice(_WORDS)
        home = (("street", (f"{rng.randrange(200)} {rng.choice(_WORDS)} {rng.choice(_WORDS)}",)), ("town", (family,)))
        code = str(rng.randrange(1_000, 10_000))
        for _ in range(rng.randrange(2, 5)):
            born = DateOfBirth(date(1960, 1, 1) + timedelta(days=rng.randrange(15_000)))
            name = Name((rng.choice(GIVEN),), family)
            people.append(Identity((name,), (born,), postcodes=(code,), extra=home))
    return people[:size]


def test_relatives_of_one_household_are_not_taken_for_one_person() -> None:
    rng = random.Random(13)
    rows = households(400, rng)
    events = [typo(row, rng) for row in rows[:200]] + households(200, rng)
    cohort, said = _prepared(rows), _prepared(events)
    file = train(cohort, said, name="households")
    linked, truth = _linked(file, cohort, said), {(place, place) for place in range(200)}
    assert file.prevalence == pytest.approx(0.5, abs=0.05)
    assert len(linked & truth) >= 190
    assert len(linked - truth) <= 50, "of some 400 pairs of relatives, those of one given name or nearly one date"


_FIELDS = ("names", "dates_of_birth", "sex", "identifiers", "postcodes", "addresses", "phones", "emails")


def test_a_trained_model_keeps_the_laws_of_scoring() -> None:
    rng = random.Random(14)
    people = [person(rng, number) for number in range(300)]
    file = train(_prepared(people), _prepared([dirty(who, rng) for who in people[:200]]), name="laws")
    model = load_model(file.text())
    for _ in range(trials(5_000)):
        known = rng.choice(people)
        said = dirty(rng.choice((known, rng.choice(people))), rng)
        one, other = prepare(said), prepare(known)
        score = score_pair(one, other, model, prior_bits=-9.0)
        assert score.weight == score_pair(other, one, model, prior_bits=-9.0).weight
        assert fsum(line.bits for line in score.evidence()) == score.weight
        field = rng.choice(_FIELDS)
        more = getattr(known, field)
        if isinstance(more, tuple):
            more = tuple(dict.fromkeys((*getattr(said, field), *more)))
        after = score_pair(prepare(replace(said, **{field: more})), other, model, prior_bits=-9.0)
        assert after.weight >= score.weight - 1e-9, field


def test_a_veto_wins_however_much_a_trained_model_has_in_favour() -> None:
    rng = random.Random(15)
    people = [person(rng, number) for number in range(200)]
    model = load_model(train(_prepared(people), _prepared(people[:100]), name="veto").text())
    index, policy = CohortIndex.build([member_of(0, people[0])], keys=model.keys), MatchPolicy()
    assert match_event(event_about(people[0]), index, policy, model)[0].decision is MatchDecision.MATCH
    assert not match_event(event_about(replace(people[0], deceased=True)), index, policy, model)
    assert not match_event(event_about(replace(people[0], unknown=True)), index, policy, model)
