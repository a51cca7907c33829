"""Which rules cannot be judged: found by asking each with those that it needs."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from domain.ids import RuleId
from triggers.loading import shipped_rules
from triggers.patterns import FiredPattern
from triggers.rules import Rule, RuleSet, rule_set
from triggers.sparing import RuleFault, cause_of, faults_among, faults_in, reduced, without

TIPT = shipped_rules("tipt")
BASE = TIPT.rules[0]


def rule(name: str, *, rests_on: str = "", yields_to: str = "") -> Rule:
    """A rule with what it asks of others."""
    when = FiredPattern(rests_on) if rests_on else BASE.when
    own = replace(BASE, rule_id=RuleId(name), version=3, when=when, yields_to=(yields_to,) if yields_to else ())
    return replace(own, then=replace(own.then, priorities=(), headlines=(), reviews=()))


def rules(*listed: Rule) -> RuleSet:
    return rule_set("alone", 1, listed, TIPT.reference)


def asking(*faulty: str, log: list[tuple[str, ...]] | None = None) -> Callable[[RuleSet], None]:
    """Judging raises where one of these is among the rules."""

    def ask(asked: RuleSet) -> None:
        names = tuple(str(one.rule_id) for one in asked.rules)
        if log is not None:
            log.append(names)
        if set(names) & set(faulty):
            raise KeyError("Quillfeather")

    return ask


def found(listed: RuleSet, *faulty: str) -> list[str]:
    return [fault.rule_id for fault in faults_in(listed, asking(*faulty))]


@pytest.mark.parametrize(
    ("listed", "faulty", "expected", "why"),
    [
        (("A", "B", "C"), ("B",), ["B"], "it alone"),
        (("A", "B", "C"), ("A", "C"), ["A", "C"], "each that raises by itself"),
        (("A", "B"), ("A", "B"), [], "none is left: no rule of them is worth deciding by"),
        (("A", "B"), (), [], "nothing raises when asked again"),
        (("A",), ("A",), [], "the only one"),
    ],
)
def test_rules_that_raise(listed: tuple[str, ...], faulty: tuple[str, ...], expected: list[str], why: str) -> None:
    assert found(rules(*map(rule, listed)), *faulty) == expected, why


def test_a_rule_that_rests_on_the_firings_of_a_faulty_one_cannot_be_judged_either() -> None:
    listed = rules(rule("A"), rule("B", rests_on="A"), rule("C", rests_on="B"), rule("D"))
    faults = faults_in(listed, asking("A"))
    assert [(fault.rule_id, fault.version) for fault in faults] == [("A", 3), ("B", 3), ("C", 3)]
    assert [fault.cause for fault in faults[1:]] == ["rests on A", "rests on B"]


def test_a_rule_that_only_yields_to_a_faulty_one_is_judged_as_if_that_had_not_fired() -> None:
    assert found(rules(rule("A"), rule("B", yields_to="A")), "A") == ["A"]


def test_a_rule_that_asks_about_a_sound_one_is_asked_together_with_it() -> None:
    log: list[tuple[str, ...]] = []
    faults_in(rules(rule("A"), rule("B", yields_to="A"), rule("C")), asking("C", log=log))
    assert ("A", "B") in log


def test_a_fault_that_comes_without_any_rule_is_no_rules() -> None:
    def ask(_: RuleSet) -> None:
        raise ValueError

    assert faults_in(rules(rule("A"), rule("B")), ask) == ()


def test_those_that_failed_for_somebody_are_asked_first_and_alone_where_the_rest_can_be_judged() -> None:
    listed = rules(*map(rule, "ABCDEFGH"))
    assert found(listed, "C") == ["C"]
    log: list[tuple[str, ...]] = []
    assert [fault.rule_id for fault in faults_in(listed, asking("C", log=log))] == ["C"]
    assert log == [(), ("C",), tuple("ABDEFGH")]
    assert found(listed, "C", "G") == ["C", "G"], "another has come: all are asked"
    assert found(listed, "G") == ["G"], "one is mended and takes part again"
    assert [fault.rule_id for fault in faults_among(listed, asking("A", "C"), [RuleId("C"), RuleId("D")])] == ["C"]


def test_a_reduced_set_is_made_once_and_nothing_of_the_whole_changes() -> None:
    listed = rules(rule("A"), rule("B"))
    fault = RuleFault(RuleId("B"), 3, "")
    assert reduced(listed, [fault]) is reduced(listed, [fault])
    assert [one.rule_id for one in reduced(listed, [fault]).rules] == ["A"]
    assert len(listed.rules) == 2
    assert without(listed, ()) is listed


def test_a_cause_says_what_and_where_and_never_a_value() -> None:
    try:
        asking("A")(rules(rule("A")))
    except KeyError as error:
        cause = cause_of(error)
    assert cause.startswith("KeyError at test_sparing.py:")
    assert "Quillfeather" not in cause
    assert cause_of(ValueError("x")) == "ValueError at unknown"
