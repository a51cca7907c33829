"""What a version says differently: in sentences that a supervisor understands, and nothing may change unseen."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import Any

import pytest

from tests.unit.triggers.book import contents
from triggers.differences import differences, same
from triggers.lifecycle_contents import compared, rules_of, shipped_contents
from triggers.lifecycle_values import Contents, RuleText
from triggers.reference import Reference
from triggers.rules import Rule

SHIPPED = shipped_contents()
RULES = rules_of(SHIPPED)
TIPT = next(each for each in SHIPPED.rules if each.name == "tipt")


def changed(old: str, new: str, *, reference: bool = False) -> Contents:
    """What is shipped with one piece of text changed, wherever it stands first."""
    if reference:
        assert old in SHIPPED.reference
        return replace(SHIPPED, reference=SHIPPED.reference.replace(old, new, 1))
    assert old in TIPT.text
    text = RuleText("tipt", TIPT.text.replace(old, new, 1))
    return replace(SHIPPED, rules=tuple(text if each.name == "tipt" else each for each in SHIPPED.rules))


SENTENCES: list[tuple[str, str, bool, list[str], str]] = [
    (
        "at_least: 2, within: 365d",
        "at_least: 2, within: 180d",
        False,
        ["ED_REPEAT_ASSAULT: looks back 180 days instead of 365 days."],
        "a window",
    ),
    (
        "at_least: 2, within: 365d",
        "at_least: 3, within: 365d",
        False,
        ["ED_REPEAT_ASSAULT: asks for 3 or more instead of 2."],
        "a number",
    ),
    (
        "    cooling: {within: whole_ground, ground: occurrence}\n    yields_to",
        "      cap: {alerts: 2, within: 7d}\n    cooling: {within: whole_ground, ground: occurrence}\n    yields_to",
        False,
        ["ED_ASSAULT: raises at most 2 alerts in 7 days for one person instead of no limit."],
        "a cap",
    ),
    (
        "where: {age: {less_than: 18}, risk: {in: [medium, high]}}",
        "where: {age: {less_than: 17}, risk: {in: [high]}}",
        False,
        [
            "MISSING_CHILD: asks of the event: their age is less than 17 instead of 18.",
            "MISSING_CHILD: asks of the event, risk: no longer medium.",
        ],
        "two facts of one question, each told once: what must remain true is what was asked",
    ),
    (
        "who: {status: {in: [disengaged, non_engager]}}",
        "who: {status: {in: [disengaged, non_engager]}, unless: {in_custody: true}}",
        False,
        ["QUIET_PERIOD: for whom: now also unless they are in custody."],
        "a question about the past changes nothing of what is looked for",
    ),
    ("knife, knives", "knives", True, ["List 'weapon_words': no longer knife."], "a word less, told once"),
    ("[knife, knives", "[spoon, knife, knives", True, ["List 'weapon_words': now also spoon."], "a word more"),
]


@pytest.mark.parametrize(("old", "new", "reference", "said", "why"), SENTENCES, ids=[row[4] for row in SENTENCES])
def test_a_change_is_told_in_a_sentence(old: str, new: str, reference: bool, said: list[str], why: str) -> None:
    found = compared(SHIPPED, changed(old, new, reference=reference))
    assert [str(each) for each in found.differences] == said, why


def test_another_spelling_of_the_same_is_no_difference() -> None:
    assert compared(SHIPPED, changed("# 1\n", "# first\n")).differences == ()
    assert same(RULES, rules_of(SHIPPED))


def test_a_rule_that_is_new_and_one_that_is_gone() -> None:
    fewer = replace(RULES, rules=tuple(rule for rule in RULES.rules if rule.rule_id != "ED_ASSAULT"))
    (gone,) = differences(RULES, fewer)
    (come,) = differences(fewer, RULES)
    assert str(gone) == "ED_ASSAULT: this rule is gone: it fires no more."
    assert str(come).startswith("ED_ASSAULT: new rule: ")


def test_a_file_that_cannot_be_read_is_said_to_be_so() -> None:
    broken = replace(contents(1), rules=(RuleText("trial", "rules: ["),))
    assert compared(contents(1), broken).faults
    assert compared(broken, contents(1)).differences == ()


def test_when_two_feeds_tell_of_one_thing_is_told_as_the_condition_it_is() -> None:
    place = TIPT.text.index("two_feeds_where:")
    line = TIPT.text[TIPT.text.index("- intent: assault", place) :].partition("\n")[0]
    after = TIPT.text[place:].replace(line, "- intent: self_harm", 1)
    text = RuleText("tipt", TIPT.text[:place] + after)
    new = replace(SHIPPED, rules=tuple(text if each.name == "tipt" else each for each in SHIPPED.rules))
    found = compared(SHIPPED, new)
    assert found.faults == ()
    assert [each.says for each in found.differences] == [
        "takes what two feeds tell for one if both are: injury intent is self harm or the offence is on the list "
        "'violence victim'; before: injury intent is assault or the offence is on the list 'violence victim'"
    ]


def leaves(value: Any, name: str, rebuild: Callable[[Any], Any]) -> Iterator[tuple[str, Any, Callable[[Any], Any]]]:
    """Every value inside a rule, by its path, with what makes the rule anew with another value there."""
    if callable(value) and not is_dataclass(value):
        return
    if is_dataclass(value) and not isinstance(value, type):
        for spec in fields(value):
            if spec.init and spec.name not in {"families", "worked_out", "asks_link"}:
                inner = getattr(value, spec.name)
                yield from leaves(inner, f"{name}.{spec.name}", _setter(value, spec.name, rebuild))
    elif isinstance(value, tuple) and value and any(is_dataclass(each) for each in value):
        for place, each in enumerate(value):
            yield from leaves(each, f"{name}[{place}]", _placer(value, place, rebuild))
    else:
        yield name, value, rebuild


def _setter(owner: Any, field: str, rebuild: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda new: rebuild(replace(owner, **{field: new}))


def _placer(owner: tuple[Any, ...], place: int, rebuild: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda new: rebuild((*owner[:place], new, *owner[place + 1 :]))


def another(value: Any) -> Any:
    """A value of the same kind that is not the same; None where there is none to be had simply."""
    match value:
        case Enum():
            return next((each for each in type(value) if each is not value), None)
        case bool():
            return not value
        case int() | float():
            return value + 1
        case timedelta():
            return value + timedelta(hours=1)
        case str():
            return f"{value}x"
        case frozenset():
            return frozenset(list(value)[1:]) if len(value) > 1 else None
        case tuple() if value and all(isinstance(each, str) for each in value):
            return (*value, "another")
        case _:
            return None


def mutants(rule: Rule) -> Iterator[tuple[str, Rule]]:
    for name, value, rebuild in leaves(rule, str(rule.rule_id), lambda new: new):
        new = another(value)
        if new is not None and not name.endswith((".named", ".fact", ".rule_id", ".same", ".operator")):
            yield name, rebuild(new)


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: str(rule.rule_id))
def test_whatever_changes_in_a_rule_is_told(rule: Rule) -> None:
    seen, alone = 0, replace(RULES, rules=(rule,), reference=Reference())
    for name, mutant in mutants(rule):
        if ".value" in name and _by_list(rule, name):
            continue  # words of a reference list: the list itself tells them
        found = differences(alone, replace(alone, rules=(mutant,)))
        assert found, f"{name} changed unseen"
        assert all(each.rule == rule.rule_id for each in found), name
        assert all(len(each.says) > 4 and "object at" not in each.says for each in found), name
        seen += 1
    assert seen > 10


def _by_list(rule: Rule, name: str) -> bool:
    """Whether the condition at this path names a reference list."""
    owner = name.removesuffix(".value")
    return any(
        path == f"{owner}.named" and value for path, value, _ in leaves(rule, str(rule.rule_id), lambda new: new)
    )


@pytest.mark.parametrize("spec", [each.name for each in fields(RULES.reference) if each.name != "version"])
def test_whatever_changes_in_the_lists_is_told(spec: str) -> None:
    value = getattr(RULES.reference, spec)
    if not value:
        return
    fewer: Any = dict(list(value.items())[1:]) if isinstance(value, dict) else value[1:]
    less: dict[str, Any] = {spec: fewer}
    other = replace(RULES, reference=replace(RULES.reference, **less))
    assert differences(RULES, other)
    assert differences(other, RULES)
