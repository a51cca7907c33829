"""What somebody has put live goes on deciding under a release that reads more carefully; nothing new gets past it."""

from datetime import UTC, datetime

import pytest

from domain.errors import RuleError
from triggers.lifecycle_contents import checkup, replacing, rules_of, shipped_contents
from triggers.lifecycle_values import Contents, RuleText
from triggers.loading import load_rules, shipped_reference

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RULE = """rule_set: {name}
version: 1
owner: somebody
rules:
  - id: {rule}
    version: 1
    owner: somebody
    why: To see it work.
    sources: [a page]
    when: {{event: {{kinds: [ed.*, crime.*, intel.*], where: {{{where}}}}}}}
    then: {{priority: P2, headline: Something happened, message_key: trial.one, expires_after: 14d}}
"""
DOUBTFUL = {
    "self-harm for everybody": "intent: self_harm",
    "a protected characteristic": "flags: is_muslim",
    "a family that there is not": "theme_family: gangg",
    "a rule that there is not": "alert_rules: NOBODY",
    "never at once": "age: {at_least: 30, at_most: 17}",
}
REFERENCE = shipped_contents().reference


def text(where: str, *, name: str = "trial", rule: str = "TRIAL_ONE") -> RuleText:
    return RuleText(name, RULE.format(name=name, rule=rule, where=where))


@pytest.mark.parametrize("where", DOUBTFUL.values(), ids=DOUBTFUL)
def test_nothing_new_gets_past_and_what_is_live_goes_on(where: str) -> None:
    old = text(where)
    with pytest.raises(RuleError):
        load_rules(old.text, shipped_reference())
    assert checkup(Contents((old,), REFERENCE), NOW).faults
    (rule,) = rules_of(Contents((old,), REFERENCE), decided=frozenset({"trial"})).rules
    assert rule.rule_id == "TRIAL_ONE"


def test_it_decides_as_it_did_but_for_whom_the_guard_protects() -> None:
    """The words stay what they were: a rule that asks two of them is not left with one."""
    old = text("flags: {in: [gang, is_muslim]}")
    rules = rules_of(Contents((old,), REFERENCE), decided=frozenset({"trial"}))
    (event,) = (rule.when for rule in rules.rules)
    assert "is_muslim" in str(event) and "gang" in str(event)


def test_a_file_that_is_live_as_it_stands_does_not_hold_up_another() -> None:
    live = Contents(
        (text(DOUBTFUL["self-harm for everybody"]), text("intent: assault", name="more", rule="TWO")), REFERENCE
    )
    draft = replacing(live, text("intent: undetermined", name="more", rule="TWO"))
    assert checkup(draft, NOW, live).faults == ()
    assert checkup(draft, NOW).faults, "by itself it would"
    spoilt = replacing(live, text("flags: is_muslim", name="more", rule="TWO"))
    assert [fault.partition(":")[0] for fault in checkup(spoilt, NOW, live).faults] == ["more"]


def test_what_cannot_be_read_at_all_is_refused_live_too() -> None:
    with pytest.raises(RuleError):
        rules_of(Contents((text("intent: asault"),), REFERENCE), decided=frozenset({"trial"}))
