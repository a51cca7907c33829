"""Each form of the language by rule tests: firing, not firing, the edge of its window, late, out of order, taken back."""

from functools import cache
from pathlib import Path

import pytest

from tests.scenarios.files import scenarios_in
from triggers.loading import load_rules
from triggers.rules import RuleSet, rule_set
from triggers.scenarios import Scenario
from triggers.trial import run_scenario

HERE = Path(__file__).parent / "forms"


@cache
def _forms() -> RuleSet:
    return load_rules((HERE / "forms.yaml").read_bytes())


@cache
def _about(name: str) -> RuleSet:
    """The rule that a scenario is about, with those it builds on."""
    rules = _forms()
    wanted = {name}
    for rule in reversed(rules.rules):
        if rule.rule_id in wanted:
            wanted |= rule.asks
    return rule_set("forms", 1, [rule for rule in rules.rules if rule.rule_id in wanted], rules.reference)


@pytest.mark.parametrize("scenario", scenarios_in(HERE / "scenarios.yaml"), ids=lambda scenario: scenario.name)
def test_the_form_does_what_it_says(scenario: Scenario) -> None:
    result = run_scenario(scenario, _about(scenario.name.split(":")[0]))
    assert result.passed, result.difference


def test_every_rule_of_the_file_has_its_scenarios() -> None:
    told = {scenario.name.split(":")[0] for scenario in scenarios_in(HERE / "scenarios.yaml")}
    assert told | {"STABBED"} == {str(rule.rule_id) for rule in _forms().rules}
