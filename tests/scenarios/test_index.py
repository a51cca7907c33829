"""README.md holds each sentence of the rules to scenarios that exist, and each rule to six sides that its scenario shows."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.scenarios.files import scenarios_in
from triggers.loading import SHIPPED, shipped_rules
from triggers.scenarios import Scenario

HERE = Path(__file__).parent
PAGE = (HERE / "README.md").read_text(encoding="utf-8")
SIDES = ("fires", "does not", "edge", "late", "out of order", "retracted")
RULES = sorted(str(rule.rule_id) for name in SHIPPED for rule in shipped_rules(name).rules)


@cache
def _listed() -> tuple[tuple[Path, Scenario], ...]:
    return tuple((path, one) for path in sorted(HERE.glob("**/*.yaml")) for one in scenarios_in(path))


@cache
def _scenarios() -> dict[str, Scenario]:
    return {one.name: one for _, one in _listed()}


def _sides(rule: str) -> dict[str, str]:
    chapter = PAGE.partition(f"### {rule}\n")[2].partition("\n### ")[0]
    return dict(re.findall(r"^- ([a-z ]+): `(.+)`$", chapter, re.MULTILINE))


def _people_who(scenario: Scenario, rule: str) -> set[str]:
    return {str(line.member) for line in scenario.expect if line.rule == rule}


def test_every_scenario_named_is_there_and_every_blind_one_is_named() -> None:
    named = set(re.findall(r"^- (?:[a-z ]+: )?`(.+)`$", PAGE, re.MULTILINE))
    assert not named - _scenarios().keys()
    blind = {one.name for path, one in _listed() if path.name.startswith("blind_")}
    assert not blind - named


def test_no_two_scenarios_have_one_name() -> None:
    names = [one.name for _, one in _listed()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_shown_from_six_sides(rule: str) -> None:
    sides = _sides(rule)
    assert tuple(sides) == SIDES
    shown = {side: _scenarios()[name] for side, name in sides.items()}
    assert _people_who(shown["fires"], rule)
    silent = {str(member.member_id) for member in shown["does not"].cohort} - _people_who(shown["does not"], rule)
    assert silent, "somebody for whom it does not fire"
    assert any(step.event.received_at > step.event.occurred_at for step in shown["late"].steps)
    arrivals = [step.event.occurred_at for step in shown["out of order"].steps]
    assert arrivals != sorted(arrivals)
    assert any(line.rule == rule for line in shown["retracted"].corrections or ())
