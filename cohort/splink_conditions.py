"""The conditions of a Splink model: SQL read into a tree by sqlglot, the tree compiled into closures, node by node.

Only the nodes of `_NODES` and the functions given (`splink_functions.py`) are known; everything else is refused by
name, and no text of the file is ever executed. A null is None; logic has three values and is evaluated lazily.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from cohort.splink_text import Moment, number, written_date

LONGEST = 20_000
"""Characters of a condition; what Splink's library writes is below 2,000."""
_MOST_NODES = 3_000
_DEEPEST = 100
DIALECTS = {
    "duckdb": "duckdb", "spark": "spark", "databricks": "databricks", "athena": "presto", "presto": "presto",
    "sqlite": "sqlite", "postgres": "postgres",
}  # fmt: skip
"""The engines that Splink trains on -> how sqlglot calls their language."""


class Refused(Exception):
    """A part of a condition cannot be mapped; the message says which."""


class Kind(StrEnum):
    """What an expression answers. ANY is told only when it is computed."""

    TEXT = "text"
    NUMBER = "a number"
    DATE = "a date"
    LIST = "a list"
    TRUTH = "true or false"
    ANY = "anything"


Row = tuple[Any, ...]
"""The values of one record in the order of `Columns.names`: a text, a tuple of texts for a list, or None."""
Frame = tuple[Any, ...]
"""(left row, right row, then the variables of lambdas, outermost first)."""
Compute = Callable[[Frame], Any]
Condition = Callable[[Row, Row], bool]


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression ready to compute."""

    kind: Kind
    compute: Compute


@dataclass(slots=True)
class Columns:
    """The columns that conditions read, in order of appearance, and what each is used as."""

    names: list[str] = field(default_factory=list)
    uses: dict[str, set[Kind]] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)

    def place(self, name: str) -> int:
        """The place of a column in a row; a new one is appended."""
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    def settle(self) -> list[str]:
        """Fix each column's kind from its uses. Returns the columns used as two kinds at once."""
        self.kinds = {name: next(iter(uses)) for name, uses in self.uses.items() if len(uses) == 1}
        return [name for name, uses in self.uses.items() if len(uses) > 1]


@dataclass(slots=True)
class Scope:
    """Where in which condition the compiler is."""

    columns: Columns
    dialect: str
    functions: "Mapping[type[exp.Expr], Maker]"
    variables: tuple[str, ...] = ()
    depth: int = 0

    @property
    def in_bytes(self) -> bool:
        """Whether the engine's likeness functions compare bytes."""
        return self.dialect == "duckdb"

    def inside(self, *variables: str) -> "Scope":
        """One level deeper, with these variables of a lambda."""
        if self.depth >= _DEEPEST:
            raise Refused("it is nested too deeply")
        return Scope(self.columns, self.dialect, self.functions, (*self.variables, *variables), self.depth + 1)


def parsed(sql: str, dialect: str) -> exp.Expr:
    """The tree of a condition. Raises Refused where it is no single expression."""
    if len(sql) > LONGEST:
        raise Refused("it is too long")
    try:
        trees = sqlglot.parse(sql, read=DIALECTS[dialect])
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        raise Refused("it cannot be read as SQL") from None
    if len(trees) != 1 or trees[0] is None:
        raise Refused("it is not one expression")
    if any(nodes > _MOST_NODES for nodes, _ in enumerate(trees[0].walk())):
        raise Refused("it is too large")
    return trees[0]


def compiled_condition(tree: exp.Expr, scope: Scope) -> Condition:
    """A condition on two rows: true, or not (false and null are one here, as in CASE WHEN). Raises Refused."""
    compute = build(tree, scope, Kind.TRUTH).compute
    return lambda left, right: compute((left, right)) is True


def build(node: exp.Expr, scope: Scope, want: Kind | None = None) -> Compiled:
    """Compile a node, as `want` if something is wanted. Raises Refused for what is not known."""
    if isinstance(node, (exp.Column, exp.Identifier)):
        return _reference(node, scope, want)
    maker = _NODES.get(type(node)) or scope.functions.get(type(node))
    if maker is None:
        raise Refused(f"it uses {spoken(node)}, which is not offered")
    return coerced(maker(node, scope.inside(), want), want, node)


def spoken(node: exp.Expr) -> str:
    """What a node is called in a message: a function by its name, anything else by its kind."""
    if isinstance(node, exp.Anonymous):
        return f"{str(node.this)[:60]}()"
    return f"{node.sql_name()}()" if isinstance(node, exp.Func) else type(node).__name__.upper()


def only(node: exp.Expr, *allowed: str) -> None:
    """Refuse a node with arguments that would change its meaning."""
    for name, value in node.args.items():
        if name not in allowed and value not in (None, False, []):
            raise Refused(f"it uses {spoken(node)} with {name}, which is not offered")


def coerced(one: Compiled, want: Kind | None, node: exp.Expr) -> Compiled:
    """The same expression as the wanted kind; a literal is converted, a computed value of another kind refused."""
    if want is None or one.kind is want:
        return one
    if isinstance(node, exp.Null):
        return Compiled(want, one.compute)
    convert = _CONVERSIONS.get(want)
    if convert is None or (one.kind is not Kind.ANY and not isinstance(node, exp.Literal)):
        raise Refused(f"it takes {one.kind} for {want}")
    compute = one.compute
    if isinstance(node, exp.Literal):
        constant = convert(compute(()))
        if constant is None:
            raise Refused(f"it takes {one.kind} for {want}")
        return Compiled(want, lambda _: constant)
    return Compiled(want, lambda frame: convert(compute(frame)))


def _as_number(value: Any) -> float | None:
    return value if isinstance(value, float) else (number(value) if isinstance(value, str) else None)


def _as_date(value: Any) -> Moment | None:
    return value if isinstance(value, Moment) else (written_date(value) if isinstance(value, str) else None)


def _as_text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _as_list(value: Any) -> tuple[Any, ...] | None:
    return value if isinstance(value, tuple) else None


_CONVERSIONS: dict[Kind, Callable[[Any], Any]] = {
    Kind.NUMBER: _as_number, Kind.DATE: _as_date, Kind.TEXT: _as_text, Kind.LIST: _as_list,
}  # fmt: skip


def _reference(node: exp.Column | exp.Identifier, scope: Scope, want: Kind | None) -> Compiled:
    """A variable of a lambda, or a column of the left (`_l`) or right (`_r`) record."""
    if isinstance(node, exp.Column):
        only(node, "this")
    name = node.name
    if name in scope.variables:
        place = len(scope.variables) - scope.variables[::-1].index(name) + 1
        return coerced(Compiled(Kind.ANY, lambda frame: frame[place]), want, node)
    base, side = name[:-2], {"_l": 0, "_r": 1}.get(name[-2:].lower())
    if side is None or not base:
        raise Refused(f"it reads {name[:60]}, which is no column of the left or right record")
    return column(base, side, scope, want)


def column(base: str, side: int, scope: Scope, want: Kind | None, *, noted: bool = True) -> Compiled:
    """A column's value as its kind (or as `want`), from the text that the table holds."""
    place = scope.columns.place(base)
    if want is Kind.TRUTH:
        raise Refused(f"it takes the column {base[:60]} for true or false")
    if want not in (None, Kind.ANY) and noted:
        scope.columns.uses.setdefault(base, set()).add(want)
    kind = want or scope.columns.kinds.get(base, Kind.TEXT)
    if kind in (Kind.TEXT, Kind.LIST, Kind.ANY):
        return Compiled(kind, lambda frame: frame[side][place])
    convert = _CONVERSIONS[kind]
    return Compiled(kind, lambda frame: convert(frame[side][place]))


def build_alike(nodes: Sequence[exp.Expr], scope: Scope, want: Kind | None = None) -> list[Compiled]:
    """Several expressions of one kind: a text (column or literal) gives way to what it stands beside."""
    built = [build(node, scope, want) for node in nodes]
    kinds = {one.kind for one in built} - {Kind.ANY}
    if len(kinds) == 2 and Kind.TEXT in kinds:
        wanted = (kinds - {Kind.TEXT}).pop()
        built = [
            build(node, scope, wanted) if one.kind is Kind.TEXT else one for node, one in zip(nodes, built, strict=True)
        ]
        kinds = {one.kind for one in built} - {Kind.ANY}
    if len(kinds) > 1:
        raise Refused(f"it compares {' with '.join(sorted(kinds))}")
    if kinds and Kind.ANY in {one.kind for one in built}:
        kind = kinds.pop()
        built = [coerced(one, kind, node) if one.kind is Kind.ANY and kind in _CONVERSIONS else one
                 for node, one in zip(nodes, built, strict=True)]  # fmt: skip
    return built


def kind_of(built: Iterable[Compiled]) -> Kind:
    """The kind that these have in common."""
    return next((one.kind for one in built if one.kind is not Kind.ANY), Kind.ANY)


# --- logic and comparison -------------------------------------------------------------------------------------------


def _literal(node: exp.Expr, _scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this", "is_string")
    text = str(node.this)
    if node.args.get("is_string"):
        return Compiled(Kind.TEXT, lambda _: text)
    value = number(text)
    if value is None or "_" in text:
        raise Refused("it has a number that cannot be read")
    return Compiled(Kind.NUMBER, lambda _: value)


def _boolean(node: exp.Expr, _scope: Scope, _want: Kind | None) -> Compiled:
    truth = bool(node.this)
    return Compiled(Kind.TRUTH, lambda _: truth)


def _null(_node: exp.Expr, _scope: Scope, _want: Kind | None) -> Compiled:
    return Compiled(Kind.ANY, lambda _: None)


def _paren(node: exp.Expr, scope: Scope, want: Kind | None) -> Compiled:
    only(node, "this")
    return build(node.this, scope, want)


def _and(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    return _joined(node, scope, decisive=False)


def _or(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    return _joined(node, scope, decisive=True)


def _joined(node: exp.Expr, scope: Scope, *, decisive: bool) -> Compiled:
    """Two truths as SQL joins them: either side alone may decide; else one unknown side makes it unknown."""
    only(node, "this", "expression")
    one, other = (build(side, scope, Kind.TRUTH).compute for side in (node.this, node.expression))

    def compute(frame: Frame) -> bool | None:
        first: bool | None = one(frame)
        if first is decisive:
            return decisive
        second: bool | None = other(frame)
        if second is decisive:
            return decisive
        return None if first is None or second is None else not decisive

    return Compiled(Kind.TRUTH, compute)


def _not(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this")
    inner = build(node.this, scope, Kind.TRUTH).compute

    def compute(frame: Frame) -> bool | None:
        value = inner(frame)
        return None if value is None else not value

    return Compiled(Kind.TRUTH, compute)


def order(one: Any, other: Any) -> int | None:
    """-1, 0 or 1; NaN is the greatest and equals itself; None where the two cannot be compared."""
    if one == other:
        return 0
    if type(one) is not type(other):
        return None
    if one < other:
        return -1
    if one > other:
        return 1
    return int(one != one) - int(other != other)  # noqa: PLR0124  (NaN)


def furthest(values: Sequence[Any], wanted: int) -> Any:
    """The greatest (`wanted` 1) or least (-1) of values that are not null."""
    best = values[0]
    for value in values[1:]:
        if order(value, best) == wanted:
            best = value
    return best


_ORDERS: dict[type[exp.Expr], frozenset[int]] = {
    exp.EQ: frozenset({0}), exp.NEQ: frozenset({-1, 1}), exp.GT: frozenset({1}), exp.GTE: frozenset({0, 1}),
    exp.LT: frozenset({-1}), exp.LTE: frozenset({-1, 0}),
}  # fmt: skip


def _compare(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this", "expression")
    first, second = build_alike((node.this, node.expression), scope)
    one, other, wanted = first.compute, second.compute, _ORDERS[type(node)]
    if isinstance(node, exp.EQ) and kind_of((first, second)) is Kind.TEXT:
        return Compiled(Kind.TRUTH, _same_text(one, other))

    def compute(frame: Frame) -> bool | None:
        left = one(frame)
        if left is None:
            return None
        right = other(frame)
        if right is None:
            return None
        placed = order(left, right)
        return None if placed is None else placed in wanted

    return Compiled(Kind.TRUTH, compute)


def _same_text(one: Compute, other: Compute) -> Compute:
    """The commonest comparison of all."""

    def compute(frame: Frame) -> bool | None:
        left, right = one(frame), other(frame)
        return None if left is None or right is None else left == right

    return compute


def _null_safe(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    """IS [NOT] DISTINCT FROM."""
    only(node, "this", "expression")
    one, other = (side.compute for side in build_alike((node.this, node.expression), scope))
    distinct = isinstance(node, exp.NullSafeNEQ)
    return Compiled(Kind.TRUTH, lambda frame: (one(frame) != other(frame)) is distinct)


def _is(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this", "expression")
    if isinstance(node.expression, exp.Null):
        value = build(node.this, scope).compute
        return Compiled(Kind.TRUTH, lambda frame: value(frame) is None)
    if isinstance(node.expression, exp.Boolean):
        value, truth = build(node.this, scope, Kind.TRUTH).compute, bool(node.expression.this)
        return Compiled(Kind.TRUTH, lambda frame: value(frame) is truth)
    raise Refused("it uses IS with something other than NULL, TRUE or FALSE")


def _between(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this", "low", "high")
    value, low, high = (side.compute for side in build_alike((node.this, node.args["low"], node.args["high"]), scope))

    def compute(frame: Frame) -> bool | None:
        found = value(frame)
        ends = (None, None) if found is None else (_placed(found, low(frame)), _placed(high(frame), found))
        return False if False in ends else (None if None in ends else True)

    return Compiled(Kind.TRUTH, compute)


def _placed(high: Any, low: Any) -> bool | None:
    """Whether `high` is at least `low`; None where one is null."""
    placed = None if high is None or low is None else order(high, low)
    return None if placed is None else placed >= 0


def _in(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this", "expressions")
    wanted, *offered = build_alike((node.this, *node.expressions), scope)
    one, others = wanted.compute, [other.compute for other in offered]

    def compute(frame: Frame) -> bool | None:
        value = one(frame)
        if value is None:
            return None
        known = [other(frame) for other in others]
        return True if value in known else (None if None in known else False)

    return Compiled(Kind.TRUTH, compute)


def _case(node: exp.Expr, scope: Scope, want: Kind | None) -> Compiled:
    """CASE WHEN ... THEN ... ELSE ... END, without an operand."""
    only(node, "ifs", "default")
    branches = node.args.get("ifs") or []
    default = node.args.get("default") or exp.Null()
    conditions = [build(branch.this, scope, Kind.TRUTH).compute for branch in branches]
    built = build_alike([*(branch.args["true"] for branch in branches), default], scope, want)
    values = [one.compute for one in built]

    def compute(frame: Frame) -> Any:
        for condition, value in zip(conditions, values, strict=False):
            if condition(frame) is True:
                return value(frame)
        return values[-1](frame)

    return Compiled(kind_of(built), compute)


Maker = Callable[[exp.Expr, Scope, Kind | None], Compiled]
_NODES: dict[type[exp.Expr], Maker] = {
    exp.Literal: _literal, exp.Boolean: _boolean, exp.Null: _null, exp.Paren: _paren, exp.And: _and, exp.Or: _or,
    exp.Not: _not, exp.Is: _is, exp.Between: _between, exp.In: _in, exp.Case: _case, exp.NullSafeEQ: _null_safe,
    exp.NullSafeNEQ: _null_safe, **dict.fromkeys(_ORDERS, _compare),
}  # fmt: skip
