"""The answer is a function of the history as a set: order, doubling, splitting and lateness within tolerance leave no trace."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from domain.ids import FiringId
from domain.kinds import Role
from domain.matches import Relation
from domain.triggers import TriggerFired
from tests.trials import trials
from tests.unit.triggers.histories import MEMBER, START, on_time, random_history
from triggers.changes import Changes, compare
from triggers.evaluate import evaluate, kept
from triggers.history import History, HistoryEntry, with_entries
from triggers.loading import shipped_rules
from triggers.verdicts import Verdict

RULES = shipped_rules()

CHUNKS = 20


def _fired(verdicts: tuple[Verdict, ...]) -> set[tuple[object, ...]]:
    return {
        (one.trigger.firing_id, one.trigger.rule_id, one.trigger.fired_at, one.trigger.priority)
        for one in verdicts
        if one.fired
    }


def _folded(entries: list[HistoryEntry]) -> tuple[dict[FiringId, TriggerFired], History]:
    """The firings that stand after entry by entry was added and only the differences were acted on."""
    standing: dict[FiringId, TriggerFired] = {}
    answer = kept(RULES, MEMBER, ())
    history: History = ()
    for entry in entries:
        step = answer.changed((entry,))
        _act(standing, step.changes)
        answer, history = step.kept, with_entries(history, (entry,))
    return standing, history


def _act(standing: dict[FiringId, TriggerFired], changes: Changes) -> None:
    for gone in (*changes.withdrawn, *(old for old, _ in changes.moved)):
        del standing[gone.firing_id]
    for new in (*changes.fired, *(new for _, new in changes.moved)):
        standing[new.firing_id] = new


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_late_within_tolerance_fires_as_if_on_time(chunk: int) -> None:
    random = Random(chunk)
    for _ in range(trials(2_000) // CHUNKS):
        late = random_history(random, random.randrange(2, 25), late_hours=48)
        told_late = with_entries((), late)
        told_at_once = with_entries((), on_time(late))
        assert _fired(evaluate(RULES, MEMBER, told_late)) == _fired(evaluate(RULES, MEMBER, told_at_once))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_any_order_of_arrival_ends_with_the_same_firings(chunk: int) -> None:
    random = Random(1000 + chunk)
    for _ in range(max(1, trials(2_000) // CHUNKS // 4)):
        entries = random_history(
            random, random.randrange(2, 16), days=random.choice([3, 60]), late_hours=random.choice([0, 90])
        )
        shuffled = [*entries, *random.sample(entries, len(entries) // 2)]
        random.shuffle(shuffled)
        standing, history = _folded(shuffled)
        final = evaluate(RULES, MEMBER, history)
        assert history == with_entries((), entries)
        assert {firing.firing_id for firing in standing.values()} == {
            one.trigger.firing_id for one in final if one.fired
        }
        for one in final:
            if one.fired:
                assert standing[one.trigger.firing_id].priority is one.trigger.priority


def test_a_change_of_the_rules_alone_makes_nothing_old_fire() -> None:
    random = Random(5)
    for _ in range(trials(200)):
        entries = random_history(random, 12)
        history = with_entries((), entries)
        one_more = with_entries(history, ())
        changes = compare(evaluate(RULES, MEMBER, history), evaluate(RULES, MEMBER, one_more))
        assert changes == Changes()


def test_cooling_never_hides_a_higher_priority() -> None:
    random = Random(6)
    for _ in range(trials(500)):
        history = with_entries((), random_history(random, 20, days=10))
        verdicts = evaluate(RULES, MEMBER, history, START + timedelta(days=11))  # a wait that has ended cools, too
        by_id = {one.trigger.firing_id: one.trigger for one in verdicts}
        for verdict in verdicts:
            if verdict.cooled_by is not None:
                cooler = by_id[verdict.cooled_by]
                assert not verdict.trigger.priority.outranks(cooler.priority)
                assert cooler.fired_at <= verdict.trigger.fired_at


def test_what_one_event_says_of_two_people_stands_in_one_order() -> None:
    """Else the answer would depend on who of the two was entered first."""
    told = replace(on_time(random_history(Random(1), 3))[0], role=Role.REPORTING)
    mine, theirs = replace(told, subject="M1"), replace(told, subject="M4", relation=Relation.ASSOCIATE)
    assert mine.order != theirs.order
    assert with_entries((), (mine, theirs)) == with_entries((), (theirs, mine))
    other = replace(mine, role=Role.WITNESS)
    assert with_entries((), (mine, other)) == with_entries((), (other, mine))
