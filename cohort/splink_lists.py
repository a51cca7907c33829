"""Lists in a Splink condition: intersections, sizes, and the transforms with which it compares lists pair by pair."""

from typing import Any

from sqlglot import exp

from cohort.splink_arguments import arguments, plain, strict, whole_number
from cohort.splink_conditions import (
    Compiled,
    Frame,
    Kind,
    Maker,
    Refused,
    Scope,
    build,
    furthest,
    only,
    spoken,
)

_LONGEST = 2_000
"""Values of a list that a condition makes; a longer one is null. What is compared has tens."""


def _shared(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value for value in one if value is not None and value in other))


def _intersection(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    """LIST_INTERSECT. In DuckDB a null on the right shares nothing, which is an empty list, not a null."""
    if len(node.expressions) != 2:
        raise Refused(f"it calls {spoken(node)} with {len(node.expressions)} arguments, not 2")
    one, other = (build(side, scope, Kind.LIST).compute for side in node.expressions)
    if scope.dialect != "duckdb":
        return Compiled(Kind.LIST, strict(_shared, [one, other]))

    def compute(frame: Frame) -> tuple[Any, ...] | None:
        values = one(frame)
        return None if values is None else _shared(values, other(frame) or ())

    return Compiled(Kind.LIST, compute)


def _overlap_call(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    sides = [build(side, scope, Kind.LIST).compute for side in arguments(node, 2)]
    return Compiled(Kind.TRUTH, strict(lambda one, other: bool(_shared(one, other)), sides))


def _size_call(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    (whole,) = arguments(node, 1)
    return Compiled(Kind.NUMBER, strict(lambda value: float(len(value)), [build(whole, scope, Kind.LIST).compute]))


def _contains(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this", "expression")
    whole, one = build(node.this, scope, Kind.LIST).compute, build(node.expression, scope).compute
    return Compiled(Kind.TRUTH, strict(lambda values, value: value in values, [whole, one]))


def _list_extreme(wanted: int) -> Maker:
    def make(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
        only(node, "this")
        whole = build(node.this, scope, Kind.LIST).compute

        def best(values: tuple[Any, ...]) -> Any:
            known = [value for value in values if value is not None]
            return furthest(known, wanted) if known else None

        return Compiled(Kind.ANY, strict(best, [whole]))

    return make


def _transform(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    """LIST_TRANSFORM(list, variable -> expression)."""
    only(node, "this", "expression")
    rule = node.expression
    if not isinstance(rule, exp.Lambda) or len(rule.expressions) != 1 or len(scope.variables) >= 2:
        raise Refused(f"it calls {spoken(node)} with a rule that is not offered")
    only(rule, "this", "expressions", "colon")
    whole = build(node.this, scope, Kind.LIST).compute
    each = build(rule.this, scope.inside(rule.expressions[0].name)).compute

    def compute(frame: Frame) -> tuple[Any, ...] | None:
        values = whole(frame)
        return None if values is None else tuple([each((*frame, value)) for value in values])

    return Compiled(Kind.LIST, compute)


def _flatten(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this")
    whole = build(node.this, scope, Kind.LIST).compute

    def flat(lists: tuple[Any, ...]) -> tuple[Any, ...] | None:
        parts = [part for part in lists if isinstance(part, tuple)]
        if sum(map(len, parts)) > _LONGEST:
            return None
        return tuple([value for part in parts for value in part])

    return Compiled(Kind.LIST, strict(flat, [whole]))


def _array(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "expressions", "bracket_notation")
    parts = [build(each, scope).compute for each in node.expressions]
    return Compiled(Kind.LIST, lambda frame: tuple([part(frame) for part in parts]))


def _item(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    """list[n]. sqlglot counts from 0 and, in DuckDB's case, moves negative places too, which is undone here."""
    only(node, "this", "expressions", "offset", "safe")
    if len(node.expressions) != 1:
        raise Refused("it takes a part of a list")
    place = whole_number(node.expressions[0], "place in a list")
    if place < 0 and scope.dialect in _COUNTED_FROM_ONE and node.args.get("offset") is None:
        place += 1
    whole = build(node.this, scope, Kind.LIST).compute

    def item(values: tuple[Any, ...]) -> Any:
        return values[place] if -len(values) <= place < len(values) else None

    return Compiled(Kind.ANY, strict(item, [whole]))


_COUNTED_FROM_ONE = frozenset({"duckdb", "athena", "presto", "postgres"})


LIST_CALLS: dict[str, Maker] = {
    "list_intersect": _intersection, "array_has_any": _overlap_call, "list_has_any": _overlap_call,
    "cardinality": _size_call,
}  # fmt: skip
LIST_NODES: dict[type[exp.Expr], Maker] = {
    exp.ArrayIntersect: _intersection,
    exp.ArraySize: plain(Kind.NUMBER, Kind.LIST, lambda value: float(len(value)), "this"),
    exp.ArrayOverlaps: plain(Kind.TRUTH, Kind.LIST, lambda one, other: bool(_shared(one, other)), "this", "expression"),
    exp.ArrayContains: _contains, exp.ArrayMax: _list_extreme(1), exp.ArrayMin: _list_extreme(-1),
    exp.Transform: _transform, exp.Flatten: _flatten, exp.Array: _array, exp.Bracket: _item,
}  # fmt: skip
