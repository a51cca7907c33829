"""Whether what came of a rule test is what it expects, and in words what is missing and what came instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.triggers import Priority, TriggerFired
from triggers.faults import did_you_mean
from triggers.language import span_of
from triggers.patterns import AbsencePattern, all_in
from triggers.rules import RuleSet
from triggers.scenario_values import Expectation, Scenario, shortest

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Correction:
    """A firing taken back, the event time of what took it back, and when that was heard."""

    firing: TriggerFired
    corrected_at: datetime
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares what came with what a scenario states."""

    scenario: Scenario
    rules: RuleSet

    def firings(self, firings: Sequence[TriggerFired], replaced: Sequence[TriggerFired]) -> tuple[list[str], list[str]]:
        """What is missing and what came instead. A firing whose alert lives on with another ground was withdrawn and
        was not: it may be listed, and need not be. One that a correction only made less urgent may be stated as it was
        told, as it stands, or both."""
        left, beside = list(firings), list(replaced)
        missing, as_told = [], dict[tuple[datetime, str, str], Priority]()
        for expected in self.scenario.expect:
            found = next((firing for firing in [*left, *beside] if self._agrees(expected, firing)), None)
            if found is None:
                missing.append(self._expected_words(expected, firings))
            elif found in left:
                left.remove(found)
            else:
                beside.remove(found)
                as_told[_which(found)] = found.priority
        return missing, [self._firing_words(one) for one in left if not _only_lowered(one, as_told.get(_which(one)))]

    def corrections(
        self, corrections: Sequence[Correction], replaced: Sequence[Correction]
    ) -> tuple[list[str], list[str]]:
        """A correction is named by the time of the firing it takes back, by its own, or by when it was heard. One that
        gave the alert another ground may be listed, and need not be."""
        left, beside = list(corrections), list(replaced)
        missing = []
        for expected in self.scenario.corrections or ():
            found = next(
                (
                    one
                    for one in [*left, *beside]
                    if expected.at in (one.firing.fired_at, one.corrected_at, one.heard_at)
                    and (expected.member, expected.rule) == (one.firing.member_id, one.firing.rule_id)
                ),
                None,
            )
            if found is None:
                at = self.scenario.when(expected.at)
                missing.append(f"correction of {expected.rule} for {expected.member} at {at}{self._unknown(expected)}")
            else:
                (left if found in left else beside).remove(found)
        return missing, [f"correction of {self._firing_words(one.firing)}" for one in left]

    def _agrees(self, expected: Expectation, firing: TriggerFired) -> bool:
        same = (expected.at, expected.member, expected.rule) == (firing.fired_at, firing.member_id, firing.rule_id)
        return same and all(self._states(firing, name, value) for name, value in expected.more.items())

    def _states(self, firing: TriggerFired, name: str, value: Any) -> bool:
        """Whether the firing has what the test states; nothing is as good as an empty word, a span may be written in
        any way that is as long, and a step may be told by its number."""
        own = getattr(firing, name, None)
        own = own.value if isinstance(own, StrEnum) else own
        if isinstance(own, timedelta):
            return _span(value) == own
        if isinstance(own, tuple):
            listed = value if isinstance(value, list) else str(value or "").split(";")
            return sorted(map(str, own)) == sorted(str(one).strip() for one in listed if str(one).strip())
        if isinstance(own, str) and not isinstance(value, bool):
            told = "" if value is None else str(value).strip()
            if name == "step" and own:
                return _span(own) == _span(told) or own == told or own == self._numbered(firing.rule_id, told)
            if name == "priority" and told.isdigit():
                told = f"P{told}"
            return own.casefold() == told.casefold()
        return bool(own == value)

    def _numbered(self, rule_id: str, number: str) -> str | None:
        """The name of a rule's step by its number, the earliest first; None where there is none of that number."""
        rule = self.rules.rule(rule_id)
        absences = [one for one in all_in(rule.when) if isinstance(one, AbsencePattern)] if rule else []
        names = sorted({one.step for one in absences if one.step}, key=lambda step: _span(step) or timedelta.max)
        return names[int(number) - 1] if number.isdigit() and 0 < int(number) <= len(names) else None

    def _expected_words(self, expected: Expectation, firings: Sequence[TriggerFired]) -> str:
        stated = "".join(f", {name} {value}" for name, value in expected.more.items())
        at = self.scenario.when(expected.at)
        words = f"{expected.rule} for {expected.member} at {at}{stated}{self._unknown(expected)}"
        near = [one for one in firings if (one.member_id, one.rule_id) == (expected.member, expected.rule)]
        came = "; ".join(self._firing_words(firing, expected.more) for firing in near)
        return f"{words} (there came: {came})" if came else words

    def _firing_words(self, firing: TriggerFired, stated: Mapping[str, Any] = _NOTHING) -> str:
        """A firing, with those of its fields that the test states, in the test's words where it is right."""
        at = self.scenario.when(firing.fired_at)
        more = "".join(
            f", {name} {value if self._states(firing, name, value) else _written(getattr(firing, name))}"
            for name, value in stated.items()
            if name not in ("priority", "late")
        )
        return (
            f"{firing.rule_id} for {firing.member_id} at {at}, {firing.priority}{', late' if firing.late else ''}{more}"
        )

    def _unknown(self, expected: Expectation) -> str:
        """What an expectation names that is not there at all: a slip of the pen, most likely."""
        people = [member.member_id for member in self.scenario.cohort]
        if self.rules.rule(expected.rule) is None:
            meant = did_you_mean(expected.rule, [str(rule.rule_id) for rule in self.rules.rules])
            return f" (no rule of this test is called {expected.rule}{meant})"
        meant = did_you_mean(expected.member, people)
        return (
            "" if expected.member in people else f" (nobody of this test's cohort is called {expected.member}{meant})"
        )


def _only_lowered(firing: TriggerFired, told: Priority | None) -> bool:
    """Whether the same firing had been told as more urgent."""
    return told is not None and told.outranks(firing.priority)


def _which(firing: TriggerFired) -> tuple[datetime, str, str]:
    return firing.fired_at, firing.member_id, firing.rule_id


def _span(value: object) -> timedelta | None:
    try:
        return value if isinstance(value, timedelta) else span_of(value)
    except ValueError:
        return None


def _written(value: object) -> str:
    if isinstance(value, timedelta):
        return shortest(value)
    if isinstance(value, tuple):
        return ";".join(map(str, value))
    return repr(str(value)) if value == "" else str(value)
