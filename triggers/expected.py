"""Whether what came of a rule test is what it expects, and in words what is missing and what came instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.ids import FiringId
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
    """Compares what came with what a scenario states. Of all that `fired` were taken back `gone` for good, and `again`
    before they were raised anew on the same ground."""

    scenario: Scenario
    rules: RuleSet
    fired: Sequence[TriggerFired]
    gone: frozenset[FiringId]
    again: frozenset[FiringId]

    def firings(self, replaced: Sequence[TriggerFired]) -> tuple[list[str], list[str]]:
        """What is missing and what came instead. A firing whose alert lives on with another ground was withdrawn and
        was not: it may be listed, and need not be. One that a correction only made less urgent may be stated as it was
        told, as it stands, or both."""
        left, beside = list(self.fired), list(replaced)
        missing, as_told = [], dict[tuple[datetime, str, str], Priority]()
        for expected in self.scenario.expect:
            found = next((firing for firing in [*left, *beside] if self._agrees(expected, firing)), None)
            if found is None:
                missing.append(self._expected_words(expected))
            elif found in left:
                left.remove(found)
            else:
                beside.remove(found)
                as_told[_which(found)] = found.priority
        return missing, [self._told(one) for one in left if not _only_lowered(one, as_told.get(_which(one)))]

    def corrections(
        self, corrections: Sequence[Correction], replaced: Sequence[Correction]
    ) -> tuple[list[str], list[str]]:
        """A correction is named by the time of the firing it takes back, by its own, or by when it was heard. One that
        gave the alert another ground may be listed, and need not be; but not in the words for a firing that stands."""
        left, beside = list(corrections), list(replaced)
        missing = []
        for expected in self.scenario.corrections or ():
            named = [one for one in left if _names(expected, one)]
            named += [one for one in beside if _names(expected, one) and not self._of_what_stands(expected, one)]
            found = named[0] if named else None
            if found is None:
                missing.append(self._missing_correction(expected, (*corrections, *replaced)))
            else:
                (left if found in left else beside).remove(found)
        return missing, [f"correction of {self._taken_back(one)}" for one in left]

    def _stands(self, expected: Expectation) -> bool:
        """Whether a firing stands that an expectation names by its time."""
        return any(
            (expected.at, expected.member, expected.rule) == _which(firing)
            for firing in self.fired
            if firing.firing_id not in self.gone
        )

    def _of_what_stands(self, expected: Expectation, displaced: Correction) -> bool:
        """Whether the words for a correction that displaced a firing are those for another one, which stands."""
        return expected.at != displaced.firing.fired_at and self._stands(expected)

    def _missing_correction(self, expected: Expectation, came: Sequence[Correction]) -> str:
        at = self.scenario.when(expected.at)
        stands = " (that firing stands)" if self._stands(expected) else self._unknown(expected)
        near = [one for one in came if (one.firing.member_id, one.firing.rule_id) == (expected.member, expected.rule)]
        told = "; ".join(f"correction of {self._taken_back(one)}" for one in near)
        words = f"correction of {expected.rule} for {expected.member} at {at}{stands}"
        return f"{words} (there came: {told})" if told else words

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

    def _expected_words(self, expected: Expectation) -> str:
        stated = "".join(f", {name} {value}" for name, value in expected.more.items())
        at = self.scenario.when(expected.at)
        words = f"{expected.rule} for {expected.member} at {at}{stated}{self._unknown(expected)}"
        near = [one for one in self.fired if (one.member_id, one.rule_id) == (expected.member, expected.rule)]
        came = "; ".join(self._told(firing, expected.more) for firing in near)
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

    def _told(self, firing: TriggerFired, stated: Mapping[str, Any] = _NOTHING) -> str:
        """A firing, and what became of it."""
        back = ", taken back and standing again" if firing.firing_id in self.again else ""
        back = ", taken back" if firing.firing_id in self.gone else back
        return f"{self._firing_words(firing, stated)}{back}"

    def _taken_back(self, one: Correction) -> str:
        """A firing that was taken back, and whether it was raised again."""
        again = ", standing again" if one.firing.firing_id in self.again else ""
        return f"{self._firing_words(one.firing)}{again}"

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


def _names(expected: Expectation, one: Correction) -> bool:
    """Whether the expectation is of that rule and person, by any of the times that may name the correction."""
    same = (expected.member, expected.rule) == (one.firing.member_id, one.firing.rule_id)
    return same and expected.at in (one.firing.fired_at, one.corrected_at, one.heard_at)


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
