"""Every rule test of this folder, run on the pure evaluator. A failure prints the difference as a supervisor reads it."""

from functools import cache
from pathlib import Path

import pytest

from tests.scenarios.files import scenarios_in
from triggers.loading import SHIPPED, shipped_rules
from triggers.rules import RuleSet, combined
from triggers.scenarios import Scenario
from triggers.trial import run_scenario

HERE = Path(__file__).parent


@cache
def _all() -> list[Scenario]:
    return [scenario for path in sorted(HERE.glob("**/*.yaml")) for scenario in scenarios_in(path)]


@cache
def _rules(names: tuple[str, ...]) -> RuleSet:
    return combined(shipped_rules(name) for name in (names or SHIPPED))


@pytest.mark.parametrize("scenario", _all(), ids=lambda scenario: scenario.name)
def test_the_rule_test_holds(scenario: Scenario) -> None:
    result = run_scenario(scenario, _rules(scenario.rules))
    assert result.passed, result.difference


@pytest.mark.parametrize("scenario", _all(), ids=lambda scenario: scenario.name)
def test_every_event_told_twice_changes_nothing(scenario: Scenario) -> None:
    once = run_scenario(scenario, _rules(scenario.rules))
    doubled = Scenario(
        name=scenario.name,
        rules=scenario.rules,
        start=scenario.start,
        cohort=scenario.cohort,
        steps=tuple(step for step in scenario.steps for _ in range(2)),
        expect=scenario.expect,
    )
    twice = run_scenario(doubled, _rules(scenario.rules))
    assert twice.firings == once.firings
    assert twice.corrections == once.corrections
