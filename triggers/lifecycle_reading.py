"""The texts of a version, read together: the same contents are judged alike wherever they are checked, tested or run.

A rule may ask about those of the other files; an id stands in one file only; all go by the same reference lists.
"""

from dataclasses import dataclass

from domain.errors import RuleError
from triggers.faults import Fault, Remark, RuleFileError
from triggers.lifecycle_values import Contents
from triggers.loading import load_reference, load_rules
from triggers.reading import Unreadable, read_yaml
from triggers.rules import RuleSet

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


def read_contents(contents: Contents) -> Read:
    """Every file, each beside the others. A file with a fault hides no fault of another, bar one of the lists."""
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
            sets[each.name] = load_rules(each.text, reference, name=each.name, beside=others)
            remarks += [Told(each.name, remark) for remark in sets[each.name].remarks]
        except RuleError as error:
            faults += _told(each.name, error)
            remarks += [Told(each.name, remark) for remark in getattr(error, "remarks", ())]
    if not contents.rules:
        faults.append(Told("rules", "there is no rule file"))
    return Read(sets, tuple(faults), tuple(remarks))


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
