"""The texts of a version, read together: the same contents are judged alike wherever they are checked, tested or run.

A rule may ask about those of the other files; an id stands in one file only; all go by the same reference lists.
"""

from dataclasses import dataclass

from domain.errors import RuleError
from triggers.checking import IN_A_CIRCLE, checked, reached, unfit
from triggers.faults import Fault, Remark, RuleFileError
from triggers.lifecycle_values import Contents
from triggers.loading import load_reference
from triggers.reading import Document, Path, Unreadable, read_yaml
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


def read_contents(contents: Contents, decided: frozenset[str] = frozenset()) -> Read:
    """Every file, each beside the others. A file with a fault hides no fault of another, bar one of the lists.

    `decided` names the files that are live as they stand: what only a careful reader refuses is a remark there.
    """
    try:
        reference = load_reference(contents.reference)
    except RuleError as error:
        return Read({}, tuple(_told(REFERENCE, error)))
    outlines = {each.name: _outline(each.text) for each in contents.rules}
    sets: dict[str, RuleSet] = {}
    faults, remarks = list[Told](), list[Told]()
    for each in contents.rules:
        others = frozenset[str]().union(*(known.places for name, known in outlines.items() if name != each.name))
        outline, is_decided = outlines[each.name], each.name in decided
        try:
            if outline.unread is not None:
                raise outline.unread
            found = checked(outline.document, reference, name=each.name, beside=others, decided=is_decided)
            sets[each.name] = found
            remarks += [Told(each.name, remark) for remark in found.remarks]
        except RuleError as error:
            faults += _told(each.name, error)
            remarks += [Told(each.name, remark) for remark in getattr(error, "remarks", ())]
    across = _across(sets, outlines)
    faults += (*_twice(outlines, decided), *(each for each in across if each.file not in decided))
    remarks += [_remarked(each) for each in across if each.file in decided]
    if not contents.rules:
        faults.append(Told("rules", "there is no rule file"))
    return Read(sets, tuple(faults), tuple(remarks))


@dataclass(frozen=True, slots=True)
class _Outline:
    """A file as far as it can be read at all, or why it cannot be: where each rule stands in it, by id, and whether it
    says of which rule set it is."""

    document: Document
    places: dict[str, Path]
    named: bool
    unread: RuleError | None = None

    def line(self, rule: str, path: Path = ()) -> int:
        """The line of a path of one of its rules."""
        return self.document.line((*self.places[rule], *path))


def _outline(text: str) -> _Outline:
    try:
        document = read_yaml(text)
    except RuleError as error:
        return _Outline(Document(None, {}), {}, False, error)
    data = document.data if isinstance(document.data, dict) else {}
    rules = data.get("rules")
    places: dict[str, Path] = {}
    for place, each in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(each, dict) and isinstance(each.get("id"), str):
            places.setdefault(each["id"], ("rules", place))
    return _Outline(document, places, isinstance(data.get("rule_set"), str))


def _twice(outlines: dict[str, _Outline], decided: frozenset[str]) -> list[Told]:
    """The rules that stand in an earlier file too, told once each, and of the new file where the other is live. A file
    that does not say of which rule set it is may well be that file anew: nothing is said of it yet."""
    seen: dict[str, str] = {}
    faults: list[Told] = []
    for name, known in sorted(outlines.items(), key=lambda each: each[0] not in decided):
        for rule in known.places if known.named else ():
            first = seen.setdefault(rule, name)
            if first != name:
                told = f"there is a rule of this id in {first} too (line {outlines[first].line(rule, ('id',))})"
                faults.append(Told(name, Fault(rule, ("id",), known.line(rule, ("id",)), told)))
    return faults


def _remarked(told: Told) -> Told:
    """What hinders nothing where it stands, told all the same."""
    fault = told.what
    return (
        Told(told.file, Remark(fault.rule, fault.path, fault.line, fault.message)) if isinstance(fault, Fault) else told
    )


def _across(sets: dict[str, RuleSet], outlines: dict[str, _Outline]) -> list[Told]:
    """What rules may not make of those of other files: build on one that waits or is for health alone, or ask in a
    circle. Within a file it was told already."""
    home = {str(rule.rule_id): (name, rule) for name, found in sets.items() for rule in found.rules}
    every = {rule_id: rule for rule_id, (_, rule) in home.items()}
    faults: list[Told] = []
    for rule_id, (name, rule) in home.items():
        others = {known: each for known, (file, each) in home.items() if file != name}
        line = outlines[name].line
        faults += [
            Told(name, Fault(rule_id, path, line(rule_id, path), message)) for message, path in unfit(rule, others)
        ]
        if rule.asks & others.keys() and rule_id in reached(rule, every):
            faults.append(Told(name, Fault(rule_id, (), line(rule_id), IN_A_CIRCLE)))
    return faults


def _told(name: str, error: RuleError) -> list[Told]:
    if isinstance(error, RuleFileError):
        return [Told(name, fault) for fault in error.faults]
    if isinstance(error, Unreadable) and error.line:
        return [Told(name, Fault("", (), error.line, error.told))]
    return [Told(name, str(error))]
