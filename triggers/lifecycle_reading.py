"""The texts of a version, read together: the same contents are judged alike wherever they are checked, tested or run.

A rule may ask about those of the other files; an id stands in one file only; all go by the same reference lists.
"""

from dataclasses import dataclass

from domain.errors import RuleError
from triggers.checking import unfit
from triggers.faults import Fault, Remark, RuleFileError
from triggers.lifecycle_values import Contents
from triggers.loading import load_reference, load_rules
from triggers.reading import Unreadable, read_yaml
from triggers.rules import Rule, RuleSet

REFERENCE = "the reference lists"
"""What the faults of the reference lists stand under."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something said of one of the files: its name, and what."""

    file: str
    what: Fault | Remark | str

    def __str__(self) -> str:
        """'tipt: line 12, ED_ASSAULT: ...'."""
        return f"{self.file}: {self.what}"


@dataclass(frozen=True, slots=True)
class Read:
    """Every file that could be read, as a rule set by its name, and what there is to say of all of them."""

    sets: dict[str, RuleSet]
    faults: tuple[Told, ...] = ()
    remarks: tuple[Told, ...] = ()


def read_contents(contents: Contents, decided: frozenset[str] = frozenset()) -> Read:
    """Every file, each beside the others. A file with a fault hides no fault of another, bar one of the lists.

    `decided` names the files that are live as they stand: what only a careful reader refuses is a remark there.
    """
    try:
        reference = load_reference(contents.reference)
    except RuleError as error:
        return Read({}, tuple(_told(REFERENCE, error)))
    ids = {each.name: ids_in(each.text) for each in contents.rules}
    sets: dict[str, RuleSet] = {}
    faults, remarks = list[Told](), list[Told]()
    for each in contents.rules:
        others = frozenset[str]().union(*(known for name, known in ids.items() if name != each.name))
        twice = sorted(others & ids[each.name])
        faults += [Told(each.name, f"rule {rule} is in another file too") for rule in twice]
        try:
            sets[each.name] = load_rules(
                each.text, reference, name=each.name, beside=others, decided=each.name in decided
            )
            remarks += [Told(each.name, remark) for remark in sets[each.name].remarks]
        except RuleError as error:
            faults += _told(each.name, error)
            remarks += [Told(each.name, remark) for remark in getattr(error, "remarks", ())]
    across = _across(sets)
    faults += [each for each in across if each.file not in decided]
    remarks += [Told(each.file, str(each.what)) for each in across if each.file in decided]
    if not contents.rules:
        faults.append(Told("rules", "there is no rule file"))
    return Read(sets, tuple(faults), tuple(remarks))


def _across(sets: dict[str, RuleSet]) -> list[Told]:
    """What rules may not make of those of other files: build on one that waits or is for health alone, or ask in a
    circle. Within a file it was told already."""
    home = {str(rule.rule_id): (name, rule) for name, found in sets.items() for rule in found.rules}
    faults: list[Told] = []
    for rule_id, (name, rule) in home.items():
        others = {known: each for known, (file, each) in home.items() if file != name}
        faults += [Told(name, Fault(rule_id, path, 0, message)) for message, path in unfit(rule, others)]
        if rule.asks & others.keys() and rule_id in _reached(rule, home):
            faults.append(Told(name, Fault(rule_id, (), 0, "asks, in a circle, whether it has fired itself")))
    return faults


def _reached(rule: Rule, home: dict[str, tuple[str, Rule]]) -> set[str]:
    """Every rule that it asks about, itself or through others."""
    seen, todo = set[str](), list(rule.asks)
    while todo:
        asked = todo.pop()
        if asked not in seen:
            seen.add(asked)
            todo.extend(home[asked][1].asks if asked in home else ())
    return seen


def _told(name: str, error: RuleError) -> list[Told]:
    if isinstance(error, RuleFileError):
        return [Told(name, fault) for fault in error.faults]
    if isinstance(error, Unreadable) and error.line:
        return [Told(name, Fault("", (), error.line, error.told))]
    return [Told(name, str(error))]


def ids_in(text: str) -> frozenset[str]:
    """The ids of the rules in a file, as far as it can be read."""
    try:
        data = read_yaml(text).data
    except RuleError:
        return frozenset()
    rules = data.get("rules") if isinstance(data, dict) else None
    listed = rules if isinstance(rules, list) else []
    return frozenset(str(each["id"]) for each in listed if isinstance(each, dict) and isinstance(each.get("id"), str))
