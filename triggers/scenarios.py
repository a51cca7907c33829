"""Rule tests as supervisors write them (rules.md section 1): YAML in relative time, read into values.

Reading knows the envelope but no engine; `trial.py` runs a scenario on the pure evaluator, and engines run the same
value. All faults of all tests of a file are told at once, each with its line; the sound tests of the file still run.
"""

from dataclasses import dataclass

from domain.errors import RuleError
from triggers.faults import Fault, RuleFileError
from triggers.reading import Document, Unreadable, read_yaml_each
from triggers.scenario_cohort import read_member
from triggers.scenario_groups import remarks_on_groups
from triggers.scenario_reader import DEFAULT_START, Reader
from triggers.scenario_remarks import remarks_on
from triggers.scenario_timeline import read_expectation, read_step
from triggers.scenario_values import Expectation, Said, Scenario, span_from
from triggers.scenario_words import said_in
from triggers.timelines import arranged

__all__ = ["Expectation", "RuleTests", "Scenario", "Unread", "read_rule_tests", "read_scenario", "read_scenarios",
           "span_from"]  # fmt: skip

NOTES = ("about", "description", "tags")
"""What a test says of itself, for people."""
SCENARIO_FIELDS = ("name", "rules", "start", "cohort", "timeline", "expect", "corrections", *NOTES)


@dataclass(frozen=True, slots=True)
class Unread:
    """A test that cannot be read: its name, as far as it has one, and every fault of it."""

    name: str
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class RuleTests:
    """What a file of rule tests holds: the tests that can be run, and those that cannot be read."""

    scenarios: tuple[Scenario, ...]
    unread: tuple[Unread, ...] = ()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Every fault of the file, in its order."""
        return tuple(fault for test in self.unread for fault in test.faults)


def read_rule_tests(text: str | bytes) -> RuleTests:
    """Every test in `text`, one per YAML document; a bad one hinders no other.

    Raises RuleError where there is no text to read at all: too many bytes, or not UTF-8.
    """
    found = [_read(document, place) for place, document in enumerate(read_yaml_each(text), 1)]
    return RuleTests(
        tuple(test for test in found if isinstance(test, Scenario)),
        tuple(test for test in found if isinstance(test, Unread)),
    )


def read_scenarios(text: str | bytes) -> tuple[Scenario, ...]:
    """Every scenario in `text`. Raises RuleFileError with every fault, each with its line, where there are any."""
    tests = read_rule_tests(text)
    if tests.faults:
        raise RuleFileError("the file of rule tests", tests.faults)
    return tests.scenarios


def read_scenario(text: str | bytes) -> Scenario:
    """The one scenario in `text`. Raises RuleError as `read_scenarios` does."""
    found = read_scenarios(text)
    if len(found) != 1:
        raise RuleError(f"one rule test is wanted, here are {len(found)}")
    return found[0]


def _read(document: Document | Unreadable, place: int) -> Scenario | Unread:
    """One test, the `place`th of its file."""
    nameless = f"test {place}"
    if isinstance(document, Unreadable):
        return Unread(nameless, (Fault(nameless, (), document.line, document.told),))
    data = document.data
    if not isinstance(data, dict):
        told = "a rule test is a mapping with name, cohort, timeline and expect"
        return Unread(nameless, (Fault(nameless, (), document.line(()), told),))
    reader = Reader(document, str(data.get("name") or nameless))
    scenario = _scenario(reader, reader.known(data, SCENARIO_FIELDS, ()))
    if isinstance(scenario, Scenario) and not reader.faults:
        return scenario
    return Unread(reader.test, tuple(sorted(reader.faults, key=lambda fault: fault.line)))


def _scenario(reader: Reader, data: dict[str, object]) -> Scenario | None:
    """The test, as far as it can be read; None where its timeline cannot be put in order."""
    reader.start = reader.moment(data.get("start", DEFAULT_START), ("start",), spans=False)
    rules = data.get("rules") or []
    cohort = tuple(read_member(reader, line, path) for path, line in reader.entries(data, "cohort"))
    expect = tuple(read_expectation(reader, line, path) for path, line in reader.entries(data, "expect"))
    corrections = tuple(read_expectation(reader, line, path) for path, line in reader.entries(data, "corrections"))
    listed = [
        (path, read_step(reader, line, path, place))
        for place, (path, line) in enumerate(reader.entries(data, "timeline"))
    ]
    placed = [(path, entry) for path, entry in listed if entry is not None]
    if reader.faults:
        return None
    entries = [entry for _, entry in placed]
    for message, path in (*remarks_on(cohort, placed), *remarks_on_groups(reader.entries(data, "timeline"))):
        reader.remark(message, path)
    return Scenario(
        name=str(data.get("name", "")),
        rules=tuple(map(str, rules)) if isinstance(rules, list) else (str(rules),),
        start=reader.start,
        cohort=cohort,
        steps=arranged(
            [entry.step for entry in entries],
            [entry.versioned for entry in entries],
            [entry.called for entry in entries],
        ),
        expect=expect,
        corrections=corrections if "corrections" in data else None,
        remarks=tuple(sorted(reader.remarks, key=lambda remark: remark.line)),
        said=tuple(
            Said(fact, word, path, reader.document.line(path)) for fact, word, path in said_in(cohort, placed) if word
        ),
        written=reader.written,
    )
