"""The rule tests that came with a version, each run by the rules that it names: as `reachpoint rules test` does, with
the version's own rule sets in the place of what is shipped or live."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from domain.errors import NotFound, RuleError
from triggers.faults import Remark, did_you_mean
from triggers.lifecycle_reading import read_contents
from triggers.lifecycle_values import Contents, RuleText
from triggers.loading import SHIPPED, shipped_text
from triggers.rules import RuleSet, combined
from triggers.scenario_words import remarks_by
from triggers.scenarios import Scenario, read_rule_tests
from triggers.trial import run_scenario

FILES = frozenset({".yaml", ".yml"})
"""How the names of rule files end; every other name is that of a rule set."""


@dataclass(slots=True)
class Tested:
    """How many rule tests pass, what is wrong with the others, and what looks like a slip in any of them."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def tested(contents: Contents, whole: RuleSet, decided: frozenset[str]) -> Tested:
    """Run the rule tests of a version. `whole` are its rules, by which a test that names none is run; `decided` are the
    files that are live as they stand."""
    trials = _Trials(contents, whole, decided)
    found = Tested()
    for file in contents.tests:
        try:
            read = read_rule_tests(file.text)
        except RuleError as error:
            found.failed.append(f"{file.name}: {error}")
            continue
        found.failed += [f"{file.name}: {fault}" for fault in read.faults]
        for scenario in read.scenarios:
            difference, remarks = trials.outcome(scenario)
            found.remarks += [f"{file.name}: {remark}" for remark in remarks]
            if difference is None:
                found.passed += 1
            else:
                found.failed.append(f"{file.name}: {scenario.name}\n{difference}")
    return found


@dataclass(slots=True)
class _Trials:
    """Runs tests by the rule sets of one version."""

    contents: Contents
    whole: RuleSet
    decided: frozenset[str]
    made: dict[tuple[str, ...], RuleSet] = field(default_factory=dict)

    def outcome(self, scenario: Scenario) -> tuple[str | None, tuple[Remark, ...]]:
        """What is different from what the test expects, or why it cannot be run (None where it passes); and what looks
        like a slip in it."""
        try:
            rules = self._named(scenario.rules)
        except (NotFound, RuleError) as error:
            return f"its rules cannot be used: {error}", scenario.remarks
        result = run_scenario(scenario, rules)
        return None if result.passed else result.difference, remarks_by(scenario, rules)

    def _named(self, names: tuple[str, ...]) -> RuleSet:
        """The sets of these names beside each other and nothing else; the whole version where none is named, where they
        cannot stand without the rest of it, or where a file is named that the version does not hold under that name:
        the same file may say that it is of another rule set."""
        if not names or any(_is_file(name) and self._held(name) is None for name in names):
            return self.whole
        if names not in self.made:
            self.made[names] = self._together(names)
        return self.made[names]

    def _together(self, names: Sequence[str]) -> RuleSet:
        for name in names:
            if names.count(name) > 1:
                raise RuleError(f"'{name}' is named more than once")
        texts = tuple(self._held(name) or self._shipped(name) for name in names)
        read = read_contents(Contents(texts, self.contents.reference), self.decided)
        if read.faults and all(self._held(name) is not None for name in names):
            return self.whole  # they rest on other sets of the version, and were never meant to stand without
        if read.faults:
            raise RuleError("\n".join(map(str, read.faults)))
        return combined(read.sets.values())

    def _held(self, name: str) -> RuleText | None:
        """The rule set of the version that a test means by this name, or by a file of this name."""
        wanted = PurePath(name).stem if _is_file(name) else name
        return next((each for each in self.contents.rules if each.name == wanted), None)

    def _shipped(self, name: str) -> RuleText:
        if name not in SHIPPED:
            known = sorted({*self.contents.names, *SHIPPED})
            there_are = did_you_mean(name, known) or f"; there are: {', '.join(known)}"
            raise NotFound(f"there is no rule set '{name}' in this version, nor is one shipped{there_are}")
        return RuleText(name, shipped_text(f"{name}.yaml"))


def _is_file(name: str) -> bool:
    return PurePath(name).suffix.lower() in FILES
