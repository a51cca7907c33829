"""What a rule costs is known before it runs: longer spans, more parts and deeper patterns cost more, and there is an end."""

from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import yaml

from domain.attributes import EdAttributes, Intent
from domain.errors import RuleError
from domain.events import Event
from domain.ids import EventId
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from tests.unit.triggers.histories import MEMBER, START
from triggers.cost import MOST_LOOKS, MOST_LOOKS_LATE, Cost, cost_of, set_cost
from triggers.evaluate import kept
from triggers.history import HistoryEntry, entry_of
from triggers.loading import load_rules, shipped_rules
from triggers.rules import Rule, RuleSet

ASSAULT: dict[str, Any] = {"event": {"kinds": ["ed.*"], "where": {"intent": "assault"}}}


def _rules(when: dict[str, Any], **more: Any) -> RuleSet:
    rule = {
        "id": "TRIAL",
        "version": 1,
        "owner": "Duty supervisor",
        "why": "To see what it costs.",
        "sources": ["features.md"],
        "when": when,
        "then": {"priority": "P2", "headline": "Attended hospital", "message_key": "ed.trial"},
        "cooling": {"within": "0h"},
        **more,
    }
    text = {"rule_set": "trial", "version": 1, "owner": "Duty supervisor", "rules": [rule]}

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, _data: Any) -> bool:
            return True

    return load_rules(yaml.dump(text, Dumper=Plain))


def _cost(when: dict[str, Any], **more: Any) -> Cost:
    (rule,) = _rules(when, **more).rules
    return cost_of(rule)


def _count(within: str) -> dict[str, Any]:
    return {"count": {"of": ASSAULT, "at_least": 2, "within": within}}


def test_a_longer_span_costs_more_and_keeps_as_much() -> None:
    short, long = _cost(_count("28d")), _cost(_count("365d"))
    assert short.looks < long.looks and short.looks_late < long.looks_late
    assert short.kept_bytes == long.kept_bytes
    assert (short.reach, long.reach) == (timedelta(days=28), timedelta(days=365))


@pytest.mark.parametrize(
    "more",
    [
        {"any_of": [ASSAULT, ASSAULT]},
        {"count": {"of": {"any_of": [ASSAULT, ASSAULT]}, "at_least": 2, "within": "28d"}},
        {"all_of": {"of": [ASSAULT, ASSAULT], "within": "28d"}},
        {"sequence": {"steps": [ASSAULT, ASSAULT, ASSAULT], "within": "28d"}},
        {"change": {"of": ASSAULT, "recent": "7d", "usual": "90d", "times": 2, "at_least": 2}},
        {"first": {"of": ASSAULT}},
    ],
    ids=lambda more: next(iter(more)),
)
def test_every_form_costs_more_than_what_it_is_made_of(more: dict[str, Any]) -> None:
    alone, made = _cost(ASSAULT), _cost(more)
    assert made.looks > alone.looks and made.kept_bytes > alone.kept_bytes


def test_what_asks_the_past_pays_for_it() -> None:
    asked = _cost(ASSAULT, who={"offers_refused": {"at_least": 2}})
    assert asked.reach == timedelta(days=730)
    assert asked.looks > _cost(ASSAULT).looks


def test_a_rule_built_on_another_pays_for_both() -> None:
    rules = load_rules((Path(__file__).parent / "forms" / "forms.yaml").read_bytes())
    by_id: dict[str, Rule] = {str(rule.rule_id): rule for rule in rules.rules}
    alone, with_others = cost_of(by_id["STABBED_AGAIN"]), cost_of(by_id["STABBED_AGAIN"], by_id)
    assert with_others.looks > alone.looks


def test_no_rule_may_cost_without_end() -> None:
    step = {"sequence": {"steps": [ASSAULT] * 5, "within": "730d"}}
    with pytest.raises(RuleError, match=r"costs too much: looks .* back; .*shorten the spans or ask for fewer things"):
        _rules({"any_of": [step] * 4})


def test_the_shipped_rules_are_far_from_the_limit() -> None:
    for rule in shipped_rules().rules:
        cost = cost_of(rule)
        assert not cost.too_high
        assert cost.looks < MOST_LOOKS and cost.looks_late < MOST_LOOKS_LATE / 10, rule.rule_id


def test_it_is_told_in_words() -> None:
    assert _cost(ASSAULT).words.startswith("looks at the event alone; for a busy person at most ")
    assert _cost(_count("365d")).words.startswith("looks 365 days back; for a busy person at most 370 looks an event, ")
    assert "million" in set_cost(shipped_rules()).words


def _visit(number: int, *, hours: float) -> HistoryEntry:
    at = START + timedelta(hours=hours)
    said = EdAttributes(visit_key=f"V{number}", intent=Intent.ASSAULT)
    event = Event(EventId(f"e{number}"), Kind.ED_ARRIVAL, Feed.ED, "s", f"k{number}", at, at, attributes=said)
    return entry_of(event, subject="M1", relation=Relation.SELF, role=Role.PATIENT)


@pytest.mark.parametrize(
    "when",
    [
        {"sequence": {"steps": [ASSAULT] * 5, "within": "730d"}},
        {"sequence": {"steps": [ASSAULT] * 5, "within": "730d", "overlap": False, "same_occurrence": False}},
        {"all_of": {"of": [ASSAULT] * 6, "within": "730d"}},
        {"change": {"of": ASSAULT, "recent": "365d", "usual": "365d", "times": 2, "at_least": 50}},
        {"first": {"of": ASSAULT}},
        {"count": {"of": ASSAULT, "at_least": 2, "within": "730d", "distinct": "feed"}},
    ],
    ids=lambda when: str(next(iter(next(iter(when.values())).items())))[:30],
)
def test_the_dearest_of_each_form_stays_bounded_for_a_busy_person(when: dict[str, Any]) -> None:
    """Two years of an event a day; then one more in order, and one that comes before everything else."""
    history = tuple(_visit(number, hours=24 * number) for number in range(1, 730))
    known = kept(_rules(when), MEMBER, history).changed((_visit(800, hours=24 * 730),)).kept
    began = process_time()
    known = known.changed((_visit(801, hours=24 * 731),)).kept
    in_order = process_time() - began
    began = process_time()
    known.changed((_visit(802, hours=1),))
    late = process_time() - began
    assert in_order < 0.5
    assert late < 5
