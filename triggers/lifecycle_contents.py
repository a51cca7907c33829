"""From the texts of a version to what decides, and what there is to say against it: faults and rule tests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.errors import RuleError
from triggers.differences import Difference, differences
from triggers.lifecycle_reading import read_contents
from triggers.lifecycle_trials import tested
from triggers.lifecycle_values import Checkup, Contents, RuleText
from triggers.loading import shipped_text
from triggers.reading import read_yaml
from triggers.rules import RuleSet, combined, rule_set

LIVE_AT_FIRST = ("tipt", "programme")
"""The shipped rule sets that are live where no supervisor has published any yet."""
MOST_FAULTS = 200
"""So many faults, and so many remarks, are kept with a version; the rest are told when these are mended."""
MOST_TESTS_BYTES = 1024 * 1024
"""Largest rule tests of one version, in bytes altogether."""


def rules_of(
    contents: Contents, *, name: str = "rules", version: int = 1, decided: frozenset[str] = frozenset()
) -> RuleSet:
    """The rules of all the files as one set; `decided` names those that are or were live, and go on as they are.

    Raises RuleError with every fault of every file.
    """
    read = read_contents(contents, decided)
    if read.faults:
        raise RuleError("\n".join(map(str, read.faults)))
    found = list(read.sets.values())
    whole = found[0] if len(found) == 1 else combined(found)
    return rule_set(name, version, whole.rules, whole.reference, owner=whole.owner)


def shipped_contents(names: Sequence[str] = LIVE_AT_FIRST) -> Contents:
    """The rule sets and reference lists that come with Reachpoint, as written."""
    rules = tuple(RuleText(name, shipped_text(f"{name}.yaml")) for name in names)
    return Contents(rules, shipped_text("reference.yaml"))


def checkup(contents: Contents, now: datetime, live: Contents | None = None) -> Checkup:
    """Read all the files and run the rule tests on them: everything that there is to say against a version. A file that
    is `live` word for word stands in nobody's way."""
    decided = contents.shared_with(live) if live is not None else frozenset[str]()
    read = read_contents(contents, decided)
    remarks = [*map(str, read.remarks)]
    if read.faults:
        return Checkup(now, tuple(map(str, read.faults[:MOST_FAULTS])), remarks=tuple(remarks[:MOST_FAULTS]))
    whole = combined(read.sets.values())
    tests = tested(contents, whole, decided)
    remarks += tests.remarks
    ids = tuple(sorted(str(rule.rule_id) for rule in whole.rules))
    failed, noted = tuple(tests.failed[:MOST_FAULTS]), tuple(remarks[:MOST_FAULTS])
    return Checkup(now, (), ids, whole.reference.version, tests.passed, failed, noted)


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs between two versions; `faults` where one of them cannot be read, and nothing can be said."""

    differences: tuple[Difference, ...] = ()
    faults: tuple[str, ...] = ()


def compared(old: Contents, new: Contents) -> Compared:
    """What `new` says differently from `old`. Rules that are written differently and say the same as far as words go
    are named too, so that nothing changes unseen."""
    try:
        before, after = (rules_of(each, decided=each.names) for each in (old, new))
    except RuleError as error:
        return Compared(faults=tuple(str(error).splitlines()))
    found = differences(before, after)
    named = {each.rule for each in found}
    was, now = _written(old), _written(new)
    quiet = [rule for rule in now if rule in was and rule not in named and was[rule] != now[rule]]
    return Compared((*found, *(Difference(rule, "is written differently") for rule in quiet)))


def _written(contents: Contents) -> dict[str, str]:
    """Each rule as it is written, with the grounds that it names."""
    found: dict[str, str] = {}
    for file in contents.rules:
        data = read_yaml(file.text).data
        grounds = data.get("grounds", {})
        for rule in data["rules"]:
            found[str(rule["id"])] = json.dumps(_spelt_out(rule, grounds), sort_keys=True, default=str)
    return found


def _spelt_out(value: Any, grounds: Mapping[str, Any]) -> Any:
    """With each ground in the place of its name; checking has refused circles."""
    if isinstance(value, dict):
        if set(value) == {"ground"} and value["ground"] in grounds:
            return _spelt_out(grounds[value["ground"]], grounds)
        return {key: _spelt_out(each, grounds) for key, each in value.items()}
    return [_spelt_out(each, grounds) for each in value] if isinstance(value, list) else value


def replacing(
    base: Contents, text: RuleText, *, reference: str | None = None, tests: Sequence[RuleText] = ()
) -> Contents:
    """The contents with one rule file in the place of that of the same rule set, or beside the others if it is new.

    `reference` and `tests` are those of `base` where none are given.
    """
    name = set_named(text.text) or text.name
    others = [RuleText(name, text.text) if each.name == name else each for each in base.rules]
    rules = others if any(each.name == name for each in base.rules) else [*others, RuleText(name, text.text)]
    return Contents(tuple(rules), base.reference if reference is None else reference, tuple(tests) or base.tests)


def set_named(text: str) -> str:
    """The name of the rule set that a file says it is; '' if it says none or cannot be read."""
    try:
        data = read_yaml(text).data
    except RuleError:
        return ""
    name = data.get("rule_set") if isinstance(data, dict) else None
    return name if isinstance(name, str) else ""
