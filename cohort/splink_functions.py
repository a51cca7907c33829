"""The functions that a Splink condition may call: likeness, arithmetic, text; with dates and lists in one table.

`splink_conditions.py` compiles the tree; here is one maker per function. What is in neither table is refused by name.
"""

from collections.abc import Callable, Mapping, Sequence
from math import acos, copysign, cos, inf, nan, radians, sin, sqrt
from typing import Any

from sqlglot import exp

from cohort import splink_text as text
from cohort.splink_arguments import arguments, constant, plain, strict, whole_number
from cohort.splink_conditions import (
    Compiled,
    Frame,
    Kind,
    Maker,
    Refused,
    Scope,
    build,
    build_alike,
    furthest,
    kind_of,
    only,
    spoken,
)
from cohort.splink_dates import DATE_CALLS, DATE_NODES
from cohort.splink_lists import LIST_CALLS, LIST_NODES
from domain.errors import ConfigError

# --- likeness -------------------------------------------------------------------------------------------------------


def _likeness(pair: Sequence[exp.Expr], scope: Scope, function: Callable[..., Any]) -> Compiled:
    one, other = (build(side, scope, Kind.TEXT).compute for side in pair)
    in_bytes = scope.in_bytes

    def compute(frame: Frame) -> float | None:
        first = one(frame)
        second = None if first is None else other(frame)
        if second is None:
            return None
        value: float | None = function(first, second, in_bytes=in_bytes)
        return value

    return Compiled(Kind.NUMBER, compute)


def _likeness_node(function: Callable[..., Any]) -> Maker:
    def make(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
        only(node, "this", "expression")
        return _likeness((node.this, node.expression), scope, function)

    return make


def _likeness_call(function: Callable[..., Any]) -> Maker:
    return lambda node, scope, _want: _likeness(arguments(node, 2), scope, function)


# --- arithmetic -----------------------------------------------------------------------------------------------------


def _divided(one: float, other: float) -> float:
    """As IEEE has it: something by zero is infinite, nothing by zero is no number."""
    if other == 0.0:
        return nan if one == 0.0 or one != one else copysign(inf, one) * copysign(1.0, other)  # noqa: PLR0124
    return one / other


def _division(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this", "expression", "typed", "safe")
    duckdb = scope.dialect == "duckdb"
    sides = [build(side, scope, Kind.NUMBER).compute for side in (node.this, node.expression)]
    return Compiled(Kind.NUMBER, strict(lambda a, b: _divided(a, b) if b or duckdb else None, sides))


def _angle(function: Callable[[float], float]) -> Callable[[float], float]:
    """A function of the maths library that answers NaN, not an exception, outside of its range."""

    def safe(value: float) -> float:
        try:
            return function(value)
        except (ValueError, OverflowError):
            return nan

    return safe


def _extreme(node: exp.Expr, scope: Scope, want: Kind | None) -> Compiled:
    """GREATEST and LEAST; nulls are passed over, except by Athena and SQLite."""
    only(node, "this", "expressions", "ignore_nulls")
    built = build_alike([node.this, *node.expressions], scope, want)
    computes, wanted = [one.compute for one in built], 1 if isinstance(node, exp.Greatest) else -1
    pass_over = scope.dialect not in ("athena", "presto", "sqlite")

    def compute(frame: Frame) -> Any:
        values = [one(frame) for one in computes]
        known = [value for value in values if value is not None]
        if not known or (len(known) < len(values) and not pass_over):
            return None
        return furthest(known, wanted)

    return Compiled(kind_of(built), compute)


# --- text -----------------------------------------------------------------------------------------------------------


def _part(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    """SUBSTRING(text, start[, length]); postgres writes a pattern in place of the start."""
    only(node, "this", "start", "length")
    start = node.args.get("start")
    whole = build(node.this, scope, Kind.TEXT).compute
    if isinstance(start, exp.Literal) and start.args.get("is_string"):
        compiled = _pattern(start)
        group = 1 if compiled.groups else 0
        return Compiled(Kind.TEXT, strict(lambda value: text.extracted(compiled, value, group) or None, [whole]))
    if start is None:
        raise Refused("it calls SUBSTRING() without a start")
    places = [build(each, scope, Kind.NUMBER).compute for each in (start, node.args.get("length")) if each is not None]

    def cut(value: str, begin: float, length: float | None = None) -> str | None:
        if not abs(begin) < 1e9 or (length is not None and not abs(length) < 1e9):
            return None
        return text.substring(value, begin, length)

    return Compiled(Kind.TEXT, strict(cut, [whole, *places]))


def _end(function: Callable[[str, float], str]) -> Maker:
    """LEFT and RIGHT."""

    def make(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
        only(node, "this", "expression")
        count = whole_number(node.expression, "number of characters")
        whole = build(node.this, scope, Kind.TEXT).compute
        return Compiled(Kind.TEXT, strict(lambda value: function(value, count), [whole]))

    return make


_LONGEST_TEXT = 20_000


def _bounded(made: str) -> str | None:
    """A text put together; null where it is longer than anything that is compared."""
    return made if len(made) <= _LONGEST_TEXT else None


def _joined(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    """CONCAT, which passes over nulls where sqlglot says so."""
    only(node, "expressions", "safe", "coalesce")
    parts = [build(each, scope, Kind.TEXT).compute for each in node.expressions]
    if not node.args.get("coalesce"):
        return Compiled(Kind.TEXT, strict(lambda *values: _bounded("".join(values)), parts))
    return Compiled(Kind.TEXT, lambda frame: _bounded("".join([part(frame) or "" for part in parts])))


def _beside(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this", "expression", "safe")
    sides = [build(side, scope, Kind.TEXT).compute for side in (node.this, node.expression)]
    return Compiled(Kind.TEXT, strict(lambda one, other: _bounded(one + other), sides))


def _length(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this")
    whole = build(node.this, scope)
    if whole.kind not in (Kind.TEXT, Kind.LIST, Kind.ANY):
        raise Refused(f"it takes the length of {whole.kind}")
    return Compiled(Kind.NUMBER, strict(lambda value: float(len(value)), [whole.compute]))


def _coalesce(node: exp.Expr, scope: Scope, want: Kind | None) -> Compiled:
    only(node, "this", "expressions", "is_nvl", "is_null")
    built = build_alike([node.this, *node.expressions], scope, want)
    computes = [one.compute for one in built]

    def compute(frame: Frame) -> Any:
        for one in computes:
            value = one(frame)
            if value is not None:
                return value
        return None

    return Compiled(kind_of(built), compute)


def _nullif(node: exp.Expr, scope: Scope, want: Kind | None) -> Compiled:
    only(node, "this", "expression")
    built = build_alike((node.this, node.expression), scope, want)
    one, other = (side.compute for side in built)

    def compute(frame: Frame) -> Any:
        value = one(frame)
        return None if value is None or value == other(frame) else value

    return Compiled(kind_of(built), compute)


def _pattern(node: exp.Expr | None) -> Any:
    try:
        return text.pattern(constant(node, "pattern"))
    except ConfigError as error:
        raise Refused(str(error)) from None


def _extract(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    """REGEXP_EXTRACT(text, pattern[, group])."""
    only(node, "this", "expression", "group", "null_if_pos_overflow")
    compiled = _pattern(node.expression)
    group = whole_number(node.args["group"], "group") if node.args.get("group") is not None else 0
    if not 0 <= group <= compiled.groups:
        raise Refused(f"its pattern has no group {group}")
    whole = build(node.this, scope, Kind.TEXT).compute
    return Compiled(Kind.TEXT, strict(lambda value: text.extracted(compiled, value, group), [whole]))


def _cosine(node: exp.Expr, _scope: Scope, _want: Kind | None) -> Compiled:
    raise Refused(f"it uses {spoken(node)}: embeddings are not compared")


def _call(node: exp.Expr, scope: Scope, want: Kind | None) -> Compiled:
    """A function known by its name only."""
    maker = _BY_NAME.get(str(node.this).lower())
    if maker is None:
        raise Refused(f"it uses {spoken(node)}, which is not offered")
    return maker(node, scope, want)


_TEXT, _NUMBER = Kind.TEXT, Kind.NUMBER
_BY_NAME: dict[str, Maker] = {
    "jaro_similarity": _likeness_call(text.jaro), "jaro_sim": _likeness_call(text.jaro),
    "jaro_winkler": _likeness_call(text.jaro_winkler), "jaro_winkler_similarity": _likeness_call(text.jaro_winkler),
    "damerau_levenshtein": _likeness_call(text.damerau_levenshtein), "jaccard": _likeness_call(text.jaccard),
    "levenshtein": _likeness_call(text.levenshtein), "array_cosine_similarity": _cosine, "cosine_similarity": _cosine,
    **DATE_CALLS, **LIST_CALLS,
}  # fmt: skip
FUNCTIONS: Mapping[type[exp.Expr], Maker] = {
    exp.Anonymous: _call, exp.Levenshtein: _likeness_node(text.levenshtein),
    exp.JarowinklerSimilarity: _likeness_node(text.jaro_winkler), exp.Div: _division,
    exp.Add: plain(_NUMBER, _NUMBER, lambda one, other: one + other, "this", "expression"),
    exp.Sub: plain(_NUMBER, _NUMBER, lambda one, other: one - other, "this", "expression"),
    exp.Mul: plain(_NUMBER, _NUMBER, lambda one, other: one * other, "this", "expression"),
    exp.Neg: plain(_NUMBER, _NUMBER, lambda one: -one, "this"), exp.Abs: plain(_NUMBER, _NUMBER, abs, "this"),
    exp.Radians: plain(_NUMBER, _NUMBER, radians, "this"), exp.Sin: plain(_NUMBER, _NUMBER, _angle(sin), "this"),
    exp.Cos: plain(_NUMBER, _NUMBER, _angle(cos), "this"), exp.Acos: plain(_NUMBER, _NUMBER, _angle(acos), "this"),
    exp.Sqrt: plain(_NUMBER, _NUMBER, _angle(sqrt), "this"), exp.Greatest: _extreme, exp.Least: _extreme,
    exp.Lower: plain(_TEXT, _TEXT, text.lower, "this"), exp.Upper: plain(_TEXT, _TEXT, text.upper, "this"),
    exp.Trim: plain(_TEXT, _TEXT, lambda value: value.strip(" "), "this"), exp.Length: _length,
    exp.Substring: _part, exp.Left: _end(text.left), exp.Right: _end(text.right), exp.Concat: _joined,
    exp.DPipe: _beside, exp.StartsWith: plain(Kind.TRUTH, _TEXT, str.startswith, "this", "expression"),
    exp.Coalesce: _coalesce, exp.Nullif: _nullif, exp.RegexpExtract: _extract, **DATE_NODES, **LIST_NODES,
}  # fmt: skip
"""What a condition may use beyond logic and comparison: node of the tree -> how it is compiled."""
