"""What rules and firings say of themselves: plain words, London time, and nothing that must not be said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.attributes import Grade, Handling, IntelAttributes
from domain.clock import LONDON
from domain.errors import RuleError
from domain.kinds import Feed, Kind, Role, natural_role
from domain.matches import Relation
from domain.triggers import Sensitivity, TriggerFired
from tests.unit.triggers.histories import MEMBER
from triggers.evaluate import evaluate
from triggers.explain import GENERIC, london, rule_sentence
from triggers.loading import load_rules, shipped_rules
from triggers.occurrences import SILENT
from triggers.phrases import kinds_words
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
    for day in range(400):
        local = (datetime(2026, 1, 1, 7, 5, tzinfo=UTC) + timedelta(days=day)).astimezone(LONDON)
        assert london(local) == f"{local:%a} {local.day} {local:%B %Y, %H:%M}"


def test_intelligence_says_nothing_but_that_something_changed() -> None:
    secret = "  - {at: 0h, kind: intel.submitted, member: M1, source_key: REPORT77, attributes: {origin_unit: UNITCANARY, themes: [weapon], conditions: [CONDCANARY], grade: {source: 2, assessment: B, handling: P}}}"
    (firing,) = _firings(secret)
    assert firing.headline == GENERIC
    assert [reason.text for reason in firing.reasons] == [f"{GENERIC} (Sat 28 March 2026, 22:30)"]
    said = firing.headline + firing.suggestion + "".join(reason.text for reason in firing.reasons)
    for canary in ("REPORT77", "UNITCANARY", "CONDCANARY", "weapon", "grade", "P", "B"):
        assert canary not in said.replace("police", "").split()


@pytest.mark.parametrize("told", ["intent: self_harm", "chief_complaint: 248062006", "chief_complaint: 6471006"])
def test_a_crisis_is_named_only_where_health_contacts_read(told: str) -> None:
    burst = f"""
  - {{at: 0h, kind: ed.arrival, member: M1, attributes: {{{told}, visit_key: V1}}}}
  - {{at: 1h, kind: missing.reported, member: M1, attributes: {{episode_id: E1}}}}
  - {{at: 2h, kind: custody.arrived, member: M1, attributes: {{custody_id: C1}}}}"""
    by_rule = {firing.rule_id: firing for firing in _firings(burst)}
    assert "crisis" in by_rule["ED_SELF_HARM_CRISIS"].reasons[0].text
    assert all("crisis" not in reason.text for reason in by_rule["CROSS_FEED_BURST"].reasons)
    assert [reason.text for reason in by_rule["CROSS_FEED_BURST"].reasons] == [
        "Attended an emergency department, Sat 28 March 2026, 22:30",
        "Was reported missing, Sat 28 March 2026, 23:30",
        "Was brought into custody, Sun 29 March 2026, 00:30",
    ]


@pytest.mark.parametrize("told", ["intent: self_harm", "chief_complaint: 248062006", "chief_complaint: 6471006"])
def test_a_quiet_time_after_a_crisis_says_nothing_of_it(told: str) -> None:
    life = f"""
  - {{at: 0h, kind: ed.arrival, member: M1, attributes: {{{told}, visit_key: V1}}}}
  - {{at: 91d, kind: visit.made, member: M1}}"""
    firings = _firings(life, "{member_id: M1, status: non_engager, date_of_birth: 2009-05-04}")
    (quiet,) = (firing for firing in firings if firing.rule_id == "QUIET_PERIOD")
    assert quiet.sensitivity is Sensitivity.STANDARD
    assert [reason.text for reason in quiet.reasons] == [
        "Attended an emergency department, Sat 28 March 2026, 22:30",
        "Nothing more was heard until Fri 26 June 2026, 23:30",
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


ONE_KIND = """
rule_set: kinds
version: 1
owner: Duty supervisor
rules:
  - id: ANY_KIND
    version: 1
    owner: Duty supervisor
    why: Each kind of event once.
    sources: [domain.md 11]
    when: {{event: {{kinds: [{kind}], subject: {subject}}}}}
    then: {{priority: P3, headline: Something happened, message_key: any.kind}}
"""

TOLD = [
    kind for kind in Kind if kind not in SILENT and kind is not Kind.STOPSEARCH_RECORDED and kind.feed is not Feed.INTEL
]


@pytest.mark.parametrize("kind", [kind for kind in TOLD if kind.feed and kind is not Kind.WATCH_ENDED], ids=str)
def test_every_kind_of_event_is_told_in_words_of_its_own(kind: Kind) -> None:
    role = natural_role(kind) or Role.VICTIM
    text = f"cohort: [{{member_id: M1}}]\ntimeline: [{{at: 0h, kind: {kind}, member: M1, role: {role}}}]"
    (firing,) = run_scenario(read_scenario(text), load_rules(ONE_KIND.format(kind=kind, subject="self"))).firings
    (reason,) = firing.reasons
    said = reason.text.removesuffix(", Mon 2 March 2026, 09:00")
    assert said[0].isupper()
    assert "something" not in said.lower() and "." not in said, said


@pytest.mark.parametrize("kind", ["da.incident", "incident.opened", "crime.recorded", "ed.arrival", "custody.arrived"])
def test_what_happened_at_home_is_a_sentence_whoever_it_was(kind: str) -> None:
    text = (
        "cohort: [{member_id: M1, household_id: H1}, {member_id: M2, household_id: H1}]\n"
        f"timeline: [{{at: 0h, kind: {kind}, member: M2, role: {natural_role(Kind(kind)) or Role.VICTIM}}}]"
    )
    rules = load_rules(ONE_KIND.format(kind=kind, subject="linked"))
    (firing,) = run_scenario(read_scenario(text), rules).firings
    said = firing.reasons[0].text
    assert said.startswith(("Somebody of the household ", "Police "))
    assert "household police" not in said


def test_every_kind_that_a_rule_may_ask_for_has_words_of_its_own() -> None:
    said = {kind: kinds_words({kind}) for kind in Kind if kind not in SILENT}
    assert all(words and "." not in words for words in said.values())
    assert len(set(said.values())) == len(said)


def _of_the_forms(text: str) -> list[TriggerFired]:
    forms = load_rules((Path(__file__).parent / "forms" / "forms.yaml").read_bytes())
    return list(run_scenario(read_scenario(text), forms).firings)


def test_a_firing_tells_what_it_asked_of_the_past() -> None:
    text = """
start: 2026-03-28T22:30:00Z
cohort: [{member_id: M1, status: at_risk}]
timeline:
  - {at: 0d, kind: consent.refused, member: M1}
  - {at: 1d, kind: visit.made, member: M1, attributes: {outcome: declined}}
  - {at: 9d, kind: contact.recorded, member: M1, attributes: {outcome: declined}}
  - {at: 20d, kind: crime.recorded, member: M1, role: victim, attributes: {ho_code: 8N}}
  - {at: 21d, kind: ed.arrival, member: M1, attributes: {intent: assault, visit_key: V1}}
"""
    by_rule = {firing.rule_id: [reason.text for reason in firing.reasons] for firing in _of_the_forms(text)}
    assert by_rule["REFUSED_BEFORE"] == [
        "Was harmed in an incident that police recorded, Fri 17 April 2026, 23:30",
        "The offer was declined on 3 days before",
    ]
    assert by_rule["LONG_UNSEEN"] == [
        "Attended an emergency department, violence-related, Sat 18 April 2026, 23:30",
        "The last contact was 12 days before",
        "Their own word on the offer was last: declined",
    ]


def test_a_sequence_of_steps_tells_each_step_in_order() -> None:
    text = """
start: 2026-03-28T22:30:00Z
cohort: [{member_id: M1, status: at_risk}]
timeline:
  - {at: 0d, kind: missing.reported, member: M1, attributes: {episode_id: E1}}
  - {at: 1d, kind: crime.recorded, member: M1, role: suspect, attributes: {ho_code: 8N}}
  - {at: 9d, kind: custody.arrived, member: M1, attributes: {custody_id: C1}}
"""
    told = next(firing for firing in _of_the_forms(text) if firing.rule_id == "THREE_STEPS")
    assert [reason.text.split(",")[0] for reason in told.reasons] == [
        "Was reported missing",
        "Was named in an incident that police recorded",
        "Was brought into custody",
    ]


BUILT_ON_INTELLIGENCE = """
rule_set: built
version: 1
owner: Duty supervisor
rules:
  - id: WEAPON_TALK
    version: 1
    owner: Duty supervisor
    why: A report about a weapon, after a refusal.
    sources: [domain.md 3.3]
    who: {offers_refused: {at_least: 1}}
    when: {event: {kinds: [intel.*], where: {themes: weapon}}}
    then: {priority: P2, headline: A weapon is talked of, message_key: intel.talk, expires_after: 14d}
  - id: MORE_TALK
    version: 1
    owner: Duty supervisor
    why: The same again.
    sources: [domain.md 3.3]
    when: {count: {of: {fired: {rule: WEAPON_TALK}}, at_least: 1, within: 14d}}
    then: {priority: P2, headline: A weapon is talked of again, message_key: intel.talk, expires_after: 14d}
"""


def test_what_is_built_on_intelligence_says_no_more_than_it() -> None:
    text = """
cohort: [{member_id: M1, status: at_risk}]
timeline:
  - {at: 0d, kind: consent.refused, member: M1}
  - {at: 1d, kind: intel.submitted, member: M1, attributes: {themes: [weapon], grade: {source: 1, assessment: B, handling: P}}}
"""
    firings = run_scenario(read_scenario(text), load_rules(BUILT_ON_INTELLIGENCE)).firings
    assert {firing.rule_id for firing in firings} == {"WEAPON_TALK", "MORE_TALK"}
    for firing in firings:
        assert firing.headline == GENERIC
        assert [reason.text.split(" (")[0] for reason in firing.reasons] == [GENERIC]


def test_a_rule_built_on_a_health_rule_is_for_health_contacts_too() -> None:
    text = BUILT_ON_INTELLIGENCE.replace("expires_after: 14d}", "expires_after: 14d, sensitivity: health}", 1)
    with pytest.raises(RuleError, match="needs 'sensitivity: health'"):
        load_rules(text)


def test_a_firing_names_the_lists_it_was_judged_by() -> None:
    crime = "  - {at: 0h, kind: crime.recorded, member: M1, role: victim, attributes: {ho_code: '2'}}"
    assert {firing.lists for firing in _firings(crime)} == {RULES.reference.mark}
