"""What one version of the rules says differently from another, in sentences that a supervisor reads before saying yes.

Made from what the rules really check, not from their text: another spelling of the same is no difference.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from triggers.comparable import plain
from triggers.difference_words import value_told, words_changed
from triggers.differences_in_rules import rule_differences
from triggers.explain import rule_sentence
from triggers.reference import Reference
from triggers.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `rule` is '' where it is about a reference list."""

    rule: str
    says: str

    def __str__(self) -> str:
        """'ED_REPEAT_ASSAULT: looks back 180 days instead of 365 days.'"""
        end = "" if self.says.endswith(".'") else "."  # a quoted sentence has its own
        return f"{self.rule}: {self.says}{end}" if self.rule else f"{self.says[0].upper()}{self.says[1:]}{end}"


def differences(old: RuleSet, new: RuleSet) -> tuple[Difference, ...]:
    """All that differs, rule by rule in the order of the new set, then rules that are gone, then reference lists."""
    known = {rule.rule_id: rule for rule in old.rules}
    there = {rule.rule_id for rule in new.rules}
    found: list[Difference] = []
    for rule in new.rules:
        before = known.get(rule.rule_id)
        name = str(rule.rule_id)
        if before is None:
            found.append(Difference(name, f"new rule: {rule_sentence(rule).partition(': ')[2].rstrip('.')}"))
        else:
            found += [Difference(name, says) for says in rule_differences(before, rule)]
    for rule in old.rules:
        if rule.rule_id not in there:
            found.append(Difference(str(rule.rule_id), "this rule is gone: it fires no more"))
    return (*found, *(Difference("", says) for says in _reference(old.reference, new.reference)))


def same(old: RuleSet, new: RuleSet) -> bool:
    """Whether both say the same of everybody, as far as what they say can be compared."""
    return not differences(old, new)


_LISTS = {
    "lists": "list",
    "families": "clinical codes",
    "theme_families": "families of the theme",
    "areas": "area",
}


def _reference(old: Reference, new: Reference) -> Iterator[str]:
    for spec in fields(new):
        was, now = getattr(old, spec.name), getattr(new, spec.name)
        if plain(was) == plain(now) or spec.name == "version" or not spec.compare:
            continue
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            yield from _mappings(spec.name, was, now)
        else:
            found = list(words_changed(_LISTS.get(spec.name, spec.name), _as_set(was), _as_set(now)))
            yield from found or [f"{_LISTS.get(spec.name, spec.name)} are in another order"]


def _mappings(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    label = _LISTS.get(name, name.replace("_", " "))
    for key in sorted(set(was) | set(now)):
        title = f"{label} '{key}'"
        if key not in was:
            yield f"{title} is new: {value_told(now[key])}"
        elif key not in now:
            yield f"{title} is gone"
        elif isinstance(was[key], frozenset) and isinstance(now[key], frozenset):
            yield from words_changed(title, was[key], now[key])
        elif plain(was[key]) != plain(now[key]):
            yield f"{title}: {value_told(now[key])} instead of {value_told(was[key])}"


def _as_set(value: Any) -> frozenset[Any]:
    return frozenset(value) if isinstance(value, (tuple, list, frozenset, set)) else frozenset({value})
