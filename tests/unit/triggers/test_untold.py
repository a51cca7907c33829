"""A fact asked of a kind of event that never tells it is remarked on: with line, and with the kinds that do tell it."""

import pytest

from domain.attributes import ATTRIBUTES_BY_KIND
from domain.kinds import Kind
from triggers.facts import FACTS
from triggers.loading import load_rules
from triggers.vocabulary import families, tells

RULES = """rule_set: trial
version: 1
owner: somebody
rules:
  - id: TRIAL_ONE
    version: 1
    owner: somebody
    why: To see it work.
    sources: [a page]
    when:
      {when}
    then:
      priority: P2
      contact_within: 6h
      headline: Something happened
      message_key: trial.one
      expires_after: 14d
      priorities: {table}
"""


def remarks(when: str, table: str = "[]") -> list[str]:
    found = load_rules(RULES.replace("{when}", when).replace("{table}", table))
    assert len(found.rules) == 1, "a remark hinders nothing"
    return [str(remark) for remark in found.remarks]


def of_event(kinds: str, where: str) -> list[str]:
    return remarks(f"event: {{kinds: [{kinds}], where: {where}}}")


def test_it_is_told_in_full() -> None:
    assert of_event("missing.reported", "{intent: assault}") == [
        "line 11, TRIAL_ONE, when.event.where.intent: 'intent' (injury intent) is never told of missing.reported, so "
        "this can never hold there; it is told of ed.*"
    ]
    assert of_event("ed.*", "{offence: 8N}") == [
        "line 11, TRIAL_ONE, when.event.where.offence: 'offence' (offence) is never told of ed.*, so this can never "
        "hold there; it is told of crime.*, custody.*, arrest.made, outcome.recorded"
    ]
    (programme,) = of_event("ed.*", "{outcome: declined}")
    assert programme.endswith(
        "it is told of stopsearch.recorded, exploitation.flagged, nrm.referred, the programme's own events"
    )


@pytest.mark.parametrize(
    ("kinds", "where", "path", "said", "why"),
    [
        ("crime.*", "{not: {mechanism: sharp}}", "not.mechanism", "can never hold", "unknown is not false"),
        ("crime.*", "{unless: {mechanism: sharp}}", "unless.mechanism", "can never hold", "it makes no difference"),
        ("crime.*", "{mechanism: {known: true}}", "mechanism", "can never hold", "asked whether it is known"),
        ("crime.*", "{mechanism: {known: false}}", "mechanism", "always holds", "asked whether it is unknown"),
        ("crime.*", "{departed: false}", "departed", "always holds", "nobody departs from a crime"),
        ("crime.*", "{any: [{offence: 8N}, {risk: high}]}", "any.1.risk", "can never hold", "one way of two"),
        ("crime.*, ed.*", "{intent: assault}", "intent", "of crime.*, so this can never", "one kind of two"),
        ("crime.*, ed.*", "{not: {departed: true}, intent: assault}", "intent", "of crime.*,", "one kind of two"),
        ("crime.*, da.incident", "{intent: assault}", "intent", "of crime.* and da.incident,", "both kinds"),
    ],
)
def test_what_is_never_told_is_remarked_on(kinds: str, where: str, path: str, said: str, why: str) -> None:
    (remark,) = of_event(kinds, where)
    assert f"when.event.where.{path}: " in remark and said in remark, why


@pytest.mark.parametrize(
    ("kinds", "where", "why"),
    [
        ("ed.*", "{intent: assault, departed: false}", "what it tells"),
        ("missing.found", "{risk: high}", "what another kind of the same episode tells"),
        ("crime.*, ed.*", "{any: [{offence: 8N}, {intent: assault}]}", "each for the sake of one"),
        ("crime.*, ed.*", "{unless: {mechanism: sharp}}", "it gives way to one of them alone"),
        ("crime.*", "{age: {less_than: 18}, status: at_risk, other_force: true}", "of the person, and of the place"),
        ("arrest.made, custody.arrived", "{offence: 8N}", "both tell it"),
        ("crime.*", "{since_start_hours: {at_most: 5}}", "the time is known of everything"),
    ],
)
def test_what_may_be_told_is_left_alone(kinds: str, where: str, why: str) -> None:
    assert of_event(kinds, where) == [], why


def test_tables_counts_and_evidence_are_looked_at_too() -> None:
    visit = "event: {kinds: [ed.*]}"
    (table,) = remarks(visit, "[{when: {risk: high}, priority: P1}]")
    assert "line 18, TRIAL_ONE, then.priorities.0.when.risk: 'risk'" in table and "told of missing.*" in table
    either = "any_of: [{event: {kinds: [ed.*]}}, {event: {kinds: [missing.*]}}]"
    assert remarks(either, "[{when: {risk: high}, priority: P1}]") == []
    (same,) = remarks(f"count: {{of: {{{visit}}}, at_least: 2, within: 9d, same: theme_family}}")
    assert "when.count.same: 'theme_family'" in same and "nothing is ever counted by it" in same
    (distinct,) = remarks("count: {of: {event: {kinds: [crime.*]}}, at_least: 2, within: 9d, distinct: site}")
    assert "when.count.distinct: 'site'" in distinct
    (evidence,) = remarks(
        f"accumulated: {{at_least: 2, categories: {{ONE: {{{visit}}}, TWO: {{{visit}}}}}, where: {{risk: high}}}}"
    )
    assert "when.accumulated.where.risk" in evidence


def test_what_a_rule_makes_of_the_firing_of_another_is_not_judged_here() -> None:
    fired = load_rules(
        RULES.replace("{when}", "fired: {rule: OTHER}").replace("{table}", "[{when: {risk: high}, priority: P1}]"),
        beside=frozenset({"OTHER"}),
    )
    assert fired.remarks == ()


def test_every_fact_is_told_of_something_and_every_attribute_is_known() -> None:
    for name, fact in FACTS.items():
        telling = {family for family in families() if tells(family, name)}
        assert telling, name
        if fact.told:
            having = {kind.value.split(".")[0] for kind in Kind if hasattr(ATTRIBUTES_BY_KIND[kind], fact.told)}
            assert telling == having, name
