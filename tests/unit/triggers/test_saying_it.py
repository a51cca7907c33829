"""What rules and firings say of themselves: plain words, London time, and nothing that must not be said."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.events import Grade, Handling, IntelAttributes, Kind
from domain.matches import Relation
from domain.triggers import TriggerFired
from tests.unit.triggers.histories import MEMBER
from triggers.evaluate import evaluate
from triggers.explain import GENERIC, london, rule_sentence
from triggers.loading import shipped_rules
from triggers.scenarios import read_scenario
from triggers.trial import run_scenario

RULES = shipped_rules()


def _firings(
    timeline: str, cohort: str = "{member_id: M1, status: at_risk, date_of_birth: 2009-05-04}"
) -> list[TriggerFired]:
    text = f"cohort: [{cohort}]\nstart: 2026-03-28T22:30:00Z\ntimeline:\n{timeline}"
    return list(run_scenario(read_scenario(text), RULES).firings)


def test_dates_are_said_as_london_says_them() -> None:
    assert london(datetime(2026, 6, 1, 23, 30, tzinfo=UTC)) == "Tue 2 June 2026, 00:30"
    assert london(datetime(2026, 1, 1, 23, 30, tzinfo=UTC)) == "Thu 1 January 2026, 23:30"


def test_intelligence_says_nothing_but_that_something_changed() -> None:
    secret = "  - {at: 0h, kind: intel.submitted, member: M1, source_key: REPORT77, attributes: {origin_unit: UNITCANARY, themes: [weapon], conditions: [CONDCANARY], grade: {source: 2, assessment: B, handling: P}}}"
    (firing,) = _firings(secret)
    assert firing.headline == GENERIC
    assert [reason.text for reason in firing.reasons] == [f"{GENERIC} (Sat 28 March 2026, 22:30)"]
    said = firing.headline + firing.suggestion + "".join(reason.text for reason in firing.reasons)
    for canary in ("REPORT77", "UNITCANARY", "CONDCANARY", "weapon", "grade", "P", "B"):
        assert canary not in said.replace("police", "").split()


def test_a_crisis_is_named_only_where_health_contacts_read() -> None:
    burst = """
  - {at: 0h, kind: ed.arrival, member: M1, attributes: {intent: self_harm, visit_key: V1}}
  - {at: 1h, kind: missing.reported, member: M1, attributes: {episode_id: E1}}
  - {at: 2h, kind: custody.arrived, member: M1, attributes: {custody_id: C1}}"""
    by_rule = {firing.rule_id: firing for firing in _firings(burst)}
    assert "crisis" in by_rule["ED_SELF_HARM_CRISIS"].reasons[0].text
    assert all("crisis" not in reason.text for reason in by_rule["CROSS_FEED_BURST"].reasons)
    assert [reason.text for reason in by_rule["CROSS_FEED_BURST"].reasons] == [
        "Attended an emergency department, Sat 28 March 2026, 22:30",
        "Was reported missing, Sat 28 March 2026, 23:30",
        "Was brought into custody, Sun 29 March 2026, 00:30",
    ]


def test_who_was_harmed_is_never_said() -> None:
    cohort = (
        "{member_id: M1, status: at_risk, given_names: [CANARY]}, {member_id: M2, status: at_risk, associates: [M1]}"
    )
    crime = "  - {at: 0h, kind: crime.recorded, member: M1, role: victim, attributes: {ho_code: '2'}}"
    told = next(firing for firing in _firings(crime, cohort) if firing.rule_id == "ASSOCIATE_HARMED")
    assert (
        told.reasons[0].text
        == "Somebody close was harmed in an incident that police recorded, Sat 28 March 2026, 22:30"
    )
    assert "CANARY" not in repr(told)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (
            "ED_REPEAT_ASSAULT",
            "ED_REPEAT_ASSAULT: 2 or more different ones within 365 days: a hospital visit where injury intent is assault (P1).",
        ),
        (
            "MISSING_CHILD",
            "MISSING_CHILD: a missing report or a new risk for a missing report where their age is less than 18 and the "
            "risk is high or medium (P2, P1 if the risk is high).",
        ),
    ],
)
def test_a_rule_says_itself_in_one_sentence(rule: str, sentence: str) -> None:
    found = RULES.rule(rule)
    assert found is not None
    assert rule_sentence(found) == sentence


def test_every_shipped_rule_can_say_itself() -> None:
    for rule in RULES.rules:
        assert rule_sentence(rule).startswith(f"{rule.rule_id}: ")


def test_a_held_report_is_for_the_gatekeeper_alone() -> None:
    from triggers.history import entry_of
    from triggers.verdicts import FiringDecision

    text = "cohort: [{member_id: M1}]\ntimeline:\n  - {at: 0h, kind: intel.submitted, member: M1, attributes: {themes: [weapon]}}"
    event = read_scenario(text).steps[0].event
    held = replace(event, attributes=IntelAttributes(Grade(1, "A", Handling.C), "U1", ("weapon",)))
    verdicts = evaluate(RULES, MEMBER, (entry_of(held, subject="M1", relation=Relation.SELF, role=None),))
    assert event.kind is Kind.INTEL_SUBMITTED
    assert [(one.trigger.rule_id, one.decision, one.trigger.sensitivity.value) for one in verdicts] == [
        ("INTEL_THREAT", FiringDecision.HELD_FOR_GATEKEEPER, "intel")
    ]
