"""What two rules are compared by: their values without what is worked out from them.

Another spelling of the same is no difference, and a reference list is its name: what is in it is told once.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from triggers.conditions import Test
from triggers.rules import Rule

NOT_SAID = frozenset({"families", "worked_out", "rule_id"})
"""What is worked out from the rest, or names the thing itself."""


def same_rule(old: Rule, new: Rule) -> bool:
    """Whether two rules of one id are the same in everything, their version too, by lists of the same content."""
    return bool(plain(old) == plain(new))


def hidden(*values: Any) -> bool:
    """Compiled conditions: the conditions that they were made from are compared instead."""
    return all(value is None or (callable(value) and not is_dataclass(value)) for value in values) and any(
        callable(value) for value in values
    )


def plain(value: Any) -> Any:
    """A value without what is worked out from it. A reference list is its name: what is in it is told once."""
    if isinstance(value, Test):
        return ("Test", value.fact, value.operator, f"list {value.named}" if value.named else plain(value.value))
    if is_dataclass(value) and not isinstance(value, type):
        said = [(spec.name, getattr(value, spec.name)) for spec in fields(value)]
        return (
            type(value).__name__,
            tuple((name, plain(each)) for name, each in said if name not in NOT_SAID and not hidden(each)),
        )
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), plain(each)) for key, each in value.items()))
    if isinstance(value, (frozenset, set)):
        return tuple(sorted(map(repr, map(plain, value))))
    if isinstance(value, (tuple, list)):
        return tuple(map(plain, value))
    return value
