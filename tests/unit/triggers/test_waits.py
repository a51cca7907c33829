"""Rules that come about by the clock, and those that add up over years: scenario tests on the pure evaluator.

`tests/scenarios/test_engines.py` runs the same files through the engines.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from domain.attributes import EdAttributes, Intent, NoAttributes
from domain.events import Event
from domain.ids import EventId
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from domain.people import CohortMember
from tests.oracle.waits import waiting_outcomes
from tests.scenarios.files import scenarios_in
from tests.trials import record, trials
from tests.unit.triggers.histories import MEMBER, random_life, random_member, random_programme
from triggers.evaluate import due, evaluate, kept
from triggers.explain import pattern_words
from triggers.facts import FACTS
from triggers.history import HistoryEntry, entry_of, with_entries
from triggers.indexing import index_of
from triggers.loading import shipped_rules
from triggers.occurrences import ASKED_VALUES
from triggers.occurring import ENDINGS
from triggers.rules import RuleSet, combined
from triggers.scenarios import Scenario
from triggers.trial import run_scenario
from triggers.verdicts import FiringDecision, Verdict

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
HERE = Path(__file__).parent / "waits"


def _all() -> list[Scenario]:
    return [scenario for path in sorted(HERE.glob("*.yaml")) for scenario in scenarios_in(path)]


@cache
def _rules(names: tuple[str, ...]) -> RuleSet:
    return combined(shipped_rules(name) for name in names)


@pytest.mark.parametrize("scenario", _all(), ids=lambda scenario: scenario.name)
def test_the_rule_test_holds(scenario: Scenario) -> None:
    result = run_scenario(scenario, _rules(scenario.rules))
    assert result.passed, result.difference


def _entry(name: str, kind: Kind, hours: float, attributes: Any = None, *, received: float = 0) -> HistoryEntry:
    at = AT + hours * HOUR
    feed = kind.feed or Feed.POLICE
    event = Event(
        EventId(name), kind, feed, "s", name, at, at + received * HOUR, attributes=attributes or NoAttributes()
    )
    return entry_of(event, subject="M1", relation=Relation.SELF, role=Role.PATIENT)


VISIT = _entry("v", Kind.ED_ARRIVAL, 0, EdAttributes(visit_key="V", intent=Intent.ASSAULT))
LEFT = _entry("d", Kind.ED_DEPARTED, 3, EdAttributes(visit_key="V"))


def test_what_is_due_is_known_beforehand_and_only_then() -> None:
    rules = shipped_rules()
    waiting = due(rules, MEMBER, (VISIT,), AT)
    assert [(one.rule_id, one.at, one.anchor) for one in waiting] == [("ED_LEFT_EARLY", AT + 12 * HOUR, "v")]
    assert due(rules, MEMBER, with_entries((VISIT,), (LEFT,)), AT) == ()
    assert due(rules, MEMBER, (VISIT,), AT + 12 * HOUR) == ()
    fired = [one for one in evaluate(rules, MEMBER, (VISIT,), AT + 12 * HOUR) if one.rule_id == "ED_LEFT_EARLY"]
    assert [one.firing_id for one in fired] == [one.firing_id for one in waiting]


def test_where_nobody_keeps_time_nothing_comes_about_by_the_clock() -> None:
    assert {str(one.rule_id) for one in evaluate(shipped_rules(), MEMBER, (VISIT,))} == {"ED_ASSAULT"}


def test_an_absence_says_until_when_nothing_was_heard() -> None:
    fired = evaluate(shipped_rules(), MEMBER, (VISIT,), AT + 12 * HOUR)
    said = next(one.trigger for one in fired if one.rule_id == "ED_LEFT_EARLY")
    assert [reason.text for reason in said.reasons] == [
        "Attended an emergency department, violence-related, Mon 2 March 2026, 09:00",
        "Nothing more was heard until Mon 2 March 2026, 21:00",
    ]
    assert said.contributing == ("v",)


def test_a_rule_that_waits_says_itself() -> None:
    rule = shipped_rules("programme").rule("T2")
    assert rule is not None
    assert pattern_words(rule.when) == ("after a referral to the programme, within 1 day, nothing of: a triage meeting")


def test_rules_that_wait_are_live_like_all_others() -> None:
    waiting = {one.rule_id for one in due(shipped_rules(), MEMBER, (VISIT,), AT)}
    assert waiting == {"ED_LEFT_EARLY"}


def test_all_twenty_rules_can_be_said() -> None:
    assert len(shipped_rules().rules) == 20


class _Spied(dict[str, Any]):
    """Values that remember what was asked of them."""

    def __init__(self, known: Any) -> None:
        super().__init__(known)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


def test_no_fact_reads_what_the_comparison_of_hits_leaves_out() -> None:
    """A hit whose asked values are alike is kept; a fact that read anything else would go stale unseen."""
    random, asked = Random(3), set[str]()
    for _ in range(60):
        index = index_of(random_life(random, 20), MEMBER, shipped_rules().reference)
        for sheet in index.sheets.values():
            for told in sheet.occurrence.told if sheet.occurrence else ():
                values, final = _Spied(told.values), _Spied(sheet.occurrence.final)  # type: ignore[union-attr]
                for sightings in sheet.scenes.values():
                    moment = [sightings[0].moment, *sightings[0].moment.corrections()][-1]
                    moment.values = values
                    for fact in FACTS.values():
                        fact.read(moment)
                    moment.gate()
                asked |= values.asked | final.asked
    assert asked <= ASKED_VALUES | ENDINGS
    assert len(asked) > 20


# -- beside the oracle ---------------------------------------------------------------------------------------------

WAITING = ("ED_LEFT_EARLY", "ACE_THRESHOLD", "QUIET_PERIOD")


def _said(verdicts: tuple[Verdict, ...], which: Any) -> set[Any]:
    return {
        (str(one.rule_id), one.fired_at, str(one.anchor), one.priority.value, one.decision.value)
        for one in verdicts
        if one.decision in (FiringDecision.FIRED, FiringDecision.TOO_LATE) and which(str(one.rule_id))
    }


@pytest.mark.parametrize("chunk", range(10))
def test_the_oracle_agrees_on_what_did_not_happen(chunk: int) -> None:
    """Random lives and referrals, at a random time: from scratch, and kept event by event with the clock going on."""
    random = Random(chunk)
    rules, timers = shipped_rules(), shipped_rules("programme")
    number, seen = trials(4_000) // 10, 0
    for _ in range(number):
        member = random_member(random)
        days, late = random.choice([3, 60, 400]), random.choice([0, 40, 90])
        life = random_life(random, random.randrange(2, 16), days=days, late_hours=late)
        entries = sorted((*life, *random_programme(random, 6, days=days)), key=lambda entry: entry.order)
        now = max(entry.received_at for entry in entries) + timedelta(days=random.choice([0, 1, 100, 400]))
        expected = waiting_outcomes(member, entries, rules.reference, now)
        history = tuple(entries)
        ours = _said(evaluate(rules, member, history, now), WAITING.__contains__)
        ours |= _said(evaluate(timers, member, history, now), lambda _: True)
        assert ours == expected
        for each in (rules, timers):
            assert _kept_with_the_clock(each, member, entries, now) == evaluate(each, member, history, now)
        seen += len(expected)
    record("random histories on which product and oracle agree about waits", number, f"{seen} firings")
    assert seen > number


def _kept_with_the_clock(rules: RuleSet, member: CohortMember, entries: list[HistoryEntry], now: datetime) -> Any:
    known = kept(rules, member, (), AT - timedelta(days=4_000))
    for entry in sorted(entries, key=lambda entry: (entry.received_at, entry.event_id, entry.subject)):
        known = known.at(entry.received_at).kept.changed((entry,)).kept
    return known.at(now).kept.verdicts
