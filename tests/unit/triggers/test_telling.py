"""Every rule can be told line by line, in words that may be said aloud and fit a narrow terminal."""

from pathlib import Path

import pytest

from service.terminal import out, show_told
from triggers.cost import cost_of
from triggers.explain import rule_sentence
from triggers.loading import SHIPPED, shipped_rules
from triggers.telling import rule_told

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"
EVERY = [
    pytest.param(name, str(rule.rule_id), id=str(rule.rule_id))
    for name in SHIPPED
    for rule in shipped_rules(name).rules
]


def _shown(name: str, rule_id: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    rules = shipped_rules(name)
    rule = rules.rule(rule_id)
    assert rule is not None
    monkeypatch.setattr(out, "width", 80)
    show_told(rule_told(rule, cost_of(rule, {str(each.rule_id): each for each in rules.rules})))
    return capsys.readouterr().out


@pytest.mark.parametrize(("name", "rule_id"), EVERY)
def test_a_rule_fits_80_columns_and_has_no_brackets_in_its_conditions(
    name: str, rule_id: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = _shown(name, rule_id, capsys, monkeypatch)
    assert max(map(len, shown.splitlines())) <= 80
    assert "  why" in shown and "  when" in shown and "  costs" in shown
    assert "(they" not in shown and "((" not in shown and "(injury" not in shown


def test_the_page_shows_what_the_command_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = _shown("tipt", "ED_REPEAT_ASSAULT", capsys, monkeypatch)
    assert f"ED_REPEAT_ASSAULT, P1\n{shown}```" in PAGE.read_text("utf-8")


def test_what_belongs_together_is_heard() -> None:
    rules = shipped_rules()
    left, ground, lines = rules.rule("ED_LEFT_EARLY"), rules.rule("ED_ASSAULT"), rules.rule("COUNTY_LINES_SIGNS")
    assert left is not None and ground is not None and lines is not None
    assert "and either the visit's end is on the list 'left early' or both the stay was less than 60 minutes and" in (
        rule_sentence(left)
    )
    assert "unless both injury mechanism is on the list 'weapon mechanisms' and either they had not left" in (
        rule_sentence(ground)
    )
    assert "it is at most 28 days after the first report" in rule_sentence(lines)
    told = rule_told(ground, cost_of(ground))
    assert ("gives way", "to ED_WEAPON_ASSAULT on the same visit or episode") in told


def test_each_way_in_which_a_rule_fires_has_its_own_line() -> None:
    rule = shipped_rules().rule("COUNTY_LINES_SIGNS")
    assert rule is not None
    labels = [label for label, _ in rule_told(rule, cost_of(rule))]
    assert labels[:4] == ["when", "or when", "or when", "or when"]
    assert labels[4:] == ["says", "contact", "suggests", "quiet", "why", "costs"]
