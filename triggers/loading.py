"""The door for rule files: text in, a checked rule set or reference out, or every fault at once.

The shipped sets are read from `triggers/rulesets/`; nothing is read on import.
"""

from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from domain.attributes import Intent, Mechanism
from domain.errors import NotFound
from triggers.checking import checked
from triggers.faults import Faults
from triggers.language import ReferenceForm
from triggers.reading import read_yaml
from triggers.reference import Area, CodeFamily, Reference, folded_word
from triggers.rules import RuleSet
from triggers.spelling import GROUPS_TOLD_ALONE

SHIPPED = ("tipt", "programme")
"""Names of the rule sets that come with Reachpoint."""


def load_rules(
    text: str | bytes,
    reference: Reference | None = None,
    *,
    name: str = "the rule file",
    beside: frozenset[str] = frozenset(),
    decided: bool = False,
) -> RuleSet:
    """The rule set written in `text`, checked against `reference` (the shipped one if None).

    `beside` names rules of other sets that it will be used with, and may ask about; `decided` where somebody has put it
    live: what only a careful reader refuses is then a remark.
    Raises RuleError; its message names every fault with rule, path and line, in a supervisor's words.
    """
    return checked(read_yaml(text), reference or shipped_reference(), name=name, beside=beside, decided=decided)


def load_rules_file(path: FilePath, reference: Reference | None = None) -> RuleSet:
    """The rule set in a file that somebody chose to decide (`rules.file`). Raises RuleError, or NotFound if there is no
    such file."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise NotFound(f"there is no rule file {path.name}") from error
    return load_rules(text, reference, name=path.name, decided=True)


def shipped_rules(name: str = "tipt") -> RuleSet:
    """A rule set that comes with Reachpoint. Raises NotFound for an unknown name."""
    if name not in SHIPPED:
        raise NotFound(f"there is no shipped rule set '{name}'; there are: {', '.join(SHIPPED)}")
    return load_rules(shipped_text(f"{name}.yaml"), name=f"{name}.yaml")


def shipped_reference() -> Reference:
    """The reference lists that come with Reachpoint."""
    return load_reference(shipped_text("reference.yaml"), name="reference.yaml")


def shipped_text(name: str) -> str:
    """What is written in a file that comes with Reachpoint: 'tipt.yaml'. Raises OSError where there is no such file."""
    return files("triggers").joinpath("rulesets", name).read_text("utf-8")


def load_reference(text: str | bytes, *, name: str = "the reference file") -> Reference:
    """The reference lists written in `text`. Raises RuleError with every fault."""
    document = read_yaml(text)
    faults = Faults(document)
    try:
        form = ReferenceForm.model_validate(document.data)
    except ValidationError as error:
        faults.add_form(error, ReferenceForm)
        faults.refuse(name)
        raise
    families = tuple(_family(family, place, faults) for place, family in enumerate(form.code_families))
    faults.refuse(name)
    groups = form.offence_groups
    return Reference(
        version=form.version,
        lists={key: _with_groups(frozenset(words), groups) for key, words in form.lists.items()},
        families=tuple(family for family in families if family is not None),
        theme_families=_by_member(form.theme_families, folded_word),
        offence_groups=_by_member({name: (*codes, *_told_alone(name)) for name, codes in groups.items()}, str.upper),
        name=form.reference,
        areas={folded_word(key): Area(folded_word(area.force), area.lat, area.lon) for key, area in form.areas.items()},
    )


def _with_groups(words: frozenset[str], groups: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """A list that holds all codes of a group holds the group's name, which stands for a code where none is told."""
    whole = (name for name, codes in groups.items() if codes and words.issuperset(codes))
    return words.union(*map(_told_alone, whole))


def _told_alone(group: str) -> tuple[str, ...]:
    return (group.upper(),) if group in GROUPS_TOLD_ALONE else ()


def _family(form: Any, place: int, faults: Faults) -> CodeFamily | None:
    try:
        intent = Intent(form.intent) if form.intent else None
        mechanism = Mechanism(form.mechanism) if form.mechanism else None
    except ValueError as error:
        faults.add(str(error), path=("code_families", place))
        return None
    return CodeFamily(form.system, form.first, form.last or form.first, intent, mechanism)


def _by_member(written: dict[str, tuple[str, ...]], spelt: Callable[[str], str]) -> dict[str, frozenset[str]]:
    """Families by theme from themes by family, groups by code from codes by group."""
    found: dict[str, set[str]] = {}
    for family, members in written.items():
        for member in members:
            found.setdefault(spelt(member), set()).add(family)
    return {member: frozenset(families) for member, families in found.items()}
