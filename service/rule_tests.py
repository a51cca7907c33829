"""Files of rule tests, run: what each test came to, and in words what is wrong with what cannot be run."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from domain.errors import NotFound, RuleError
from triggers.rules import RuleSet
from triggers.scenario_words import remarks_by
from triggers.scenarios import Scenario, read_rule_tests
from triggers.trial import run_scenario

YAML = "*.y*ml"


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one test. `ran` is false where it could not be run; `difference` says why, or what came instead.
    `remarks` are on what looks like a slip in the test itself."""

    file: str
    scenario: str
    passed: bool
    difference: str
    ran: bool = True
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class Bench:
    """Runs tests by the rules that each names, else by `otherwise`. `named` makes one rule set of several names."""

    otherwise: RuleSet
    named: Callable[[tuple[str, ...]], RuleSet]
    asked: int = field(default=0, init=False)  # how many tests named no rules of their own

    def __post_init__(self) -> None:
        self.named = cache(self.named)

    def rows(self, files: Iterable[Path]) -> Iterator[Row]:
        """Every test of every file or folder. Raises OSError where there is no such file."""
        for given in files:
            chosen = sorted(given.rglob(YAML)) if given.is_dir() else [given]
            if not chosen:
                yield Row(given.name, "", False, "the folder holds no file of rule tests (.yaml)", ran=False)
            for file in chosen:
                yield from self._of_file(file)

    def _of_file(self, file: Path) -> Iterator[Row]:
        try:
            tests = read_rule_tests(file.read_bytes())
        except RuleError as error:
            yield Row(file.name, "", False, str(error), ran=False)
            return
        for unread in tests.unread:
            yield Row(file.name, unread.name, False, "\n".join(map(str, unread.faults)), ran=False)
        if not tests.scenarios and not tests.unread:
            yield Row(file.name, "", False, "the file holds no rule test", ran=False)
        for scenario in tests.scenarios:
            yield self._of_test(file.name, scenario)

    def _of_test(self, file: str, scenario: Scenario) -> Row:
        try:
            rules = self.named(scenario.rules) if scenario.rules else self.otherwise
        except (NotFound, RuleError) as error:
            return Row(file, scenario.name, False, f"its rules cannot be used: {error}", ran=False)
        self.asked += not scenario.rules
        result, noted = run_scenario(scenario, rules), remarks_by(scenario, rules)
        return Row(file, scenario.name, result.passed, result.difference, remarks=tuple(map(str, noted)))


def summary(rows: Sequence[Row]) -> str:
    """'2 passed, 1 failed', and how many could not be run, where there are any."""
    passed = sum(row.passed for row in rows)
    stuck = sum(not row.ran for row in rows)
    told = f"{passed} passed, {len(rows) - passed - stuck} failed"
    return f"{told}, {stuck} could not be run" if stuck else told
