"""Equality rules of a Splink model as blocking keys of an index; the others are named, and our own keys stand in.

A rule `l.a = r.a AND l.b = r.b` becomes the key (part of a, part of b). A key may be looser than the rule, never
stricter: no pair is lost that the rule would bring together, and every candidate is scored anyway.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from cohort.splink_columns import Source
from cohort.splink_compile import bare
from cohort.splink_conditions import Refused, parsed
from cohort.splink_file import printable

Key = tuple[str, ...]
_PARTS = {
    "given_names": "given", "family_name": "family", "date_of_birth": "birth", "postcodes": "postcode",
    "addresses": "house", "phones": "phone", "emails": "email",
}  # fmt: skip
"""Our field -> the part of a blocking key (`blocking.PARTS`) that agrees wherever the field does."""


_TOO_LOOSE = frozenset({("given",), ("family",)})
"""One name alone brings thousands together in a large cohort; every index has stricter keys for names."""


def blocking_keys_of(
    rules: Sequence[Any], dialect: str, find: Callable[[str], Source | None]
) -> tuple[tuple[Key, ...], list[str]]:
    """The keys of the rules that map, and in words those that do not."""
    keys: list[Key] = []
    ignored: list[str] = []
    for rule in rules:
        sql = rule.get("blocking_rule") if isinstance(rule, dict) else rule
        if not isinstance(sql, str):
            ignored.append("a blocking rule that is no text")
            continue
        key = _key(sql, dialect, find)
        if key is None or key in _TOO_LOOSE:
            ignored.append(f"the blocking rule {printable(sql)}")
        elif key not in keys:
            keys.append(key)
    return tuple(keys), ignored


def _key(sql: str, dialect: str, find: Callable[[str], Source | None]) -> Key | None:
    try:
        columns = _equal_columns(parsed(sql, dialect))
    except Refused:
        return None
    if not columns:
        return None
    parts = [_part(find(column)) for column in columns]
    return None if None in parts else tuple(dict.fromkeys(part for part in parts if part))


def _equal_columns(tree: exp.Expr) -> list[str] | None:
    """The columns of `l.a = r.a AND ...`; None for any other rule."""
    tree = bare(tree)
    if isinstance(tree, exp.And):
        one, other = _equal_columns(tree.this), _equal_columns(tree.expression)
        return None if one is None or other is None else one + other
    if not isinstance(tree, exp.EQ):
        return None
    sides = (tree.this, tree.expression)
    if not all(isinstance(side, exp.Column) for side in sides):
        return None
    if {side.table.lower() for side in sides} != {"l", "r"} or sides[0].name.lower() != sides[1].name.lower():
        return None
    return [sides[0].name]


def _part(source: Source | None) -> str | None:
    """The part of a key for a column: that of its field, else the extra column itself."""
    if source is None:
        return None
    if source.field:
        return _PARTS.get(source.field)
    return f"extra.{source.extras[-1]}"
