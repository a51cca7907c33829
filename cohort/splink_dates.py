"""Casts and dates in a Splink condition: CAST, strptime and its kin, differences and parts of dates."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from cohort import splink_text as text
from cohort.splink_arguments import arguments, constant, plain, strict
from cohort.splink_conditions import Compiled, Kind, Maker, Refused, Scope, build, column, only
from cohort.splink_text import Moment
from domain.errors import ConfigError

_TYPES = {
    "TEXT": Kind.TEXT, "VARCHAR": Kind.TEXT, "CHAR": Kind.TEXT, "NVARCHAR": Kind.TEXT, "NCHAR": Kind.TEXT,
    "DATE": Kind.DATE, "TIMESTAMP": Kind.DATE, "DATETIME": Kind.DATE, "DOUBLE": Kind.NUMBER, "FLOAT": Kind.NUMBER,
    "TINYINT": Kind.NUMBER, "SMALLINT": Kind.NUMBER, "INT": Kind.NUMBER, "BIGINT": Kind.NUMBER,
}  # fmt: skip


def _cast(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    """CAST and TRY_CAST; what cannot be converted is null."""
    only(node, "this", "to", "safe")
    name = node.args["to"].this.name if isinstance(node.args["to"].this, exp.DataType.Type) else "?"
    kind = _TYPES.get(name)
    if kind is None or node.args["to"].expressions:
        raise Refused(f"it casts to {node.args['to'].sql()[:60]}")
    if kind is Kind.TEXT:
        return _cast_text(node.this, scope)
    inner = build(node.this, scope)
    if kind is Kind.DATE:
        if inner.kind not in (Kind.DATE, Kind.TEXT, Kind.ANY):
            raise Refused(f"it casts {inner.kind} to a date")
        to_date = _dated if name == "DATE" else _moment
        return Compiled(kind, strict(to_date, [inner.compute]))
    if inner.kind not in (Kind.NUMBER, Kind.TEXT, Kind.ANY):
        raise Refused(f"it casts {inner.kind} to a number")
    single = name == "FLOAT" and scope.dialect != "sqlite"
    shape = text.single if single else (text.whole if name.endswith("INT") else float)
    return Compiled(kind, strict(lambda value: _numbered(value, shape), [inner.compute]))


def _cast_text(node: exp.Expr, scope: Scope) -> Compiled:
    """As text: a number as the table wrote it, a date in ISO form."""
    bare = node.this if isinstance(node, exp.Paren) else node
    if isinstance(bare, exp.Column) and bare.name[-2:].lower() in ("_l", "_r"):
        base, side = bare.name[:-2], int(bare.name[-2:].lower() == "_r")
        if scope.columns.kinds.get(base, Kind.TEXT) in (Kind.TEXT, Kind.NUMBER):
            return column(base, side, scope, Kind.TEXT, noted=False)
    inner = build(bare, scope)
    if inner.kind in (Kind.TEXT, Kind.ANY):
        return build(bare, scope, Kind.TEXT)
    if inner.kind is not Kind.DATE:
        raise Refused(f"it casts {inner.kind} to text")
    return Compiled(Kind.TEXT, strict(Moment.iso, [inner.compute]))


def _numbered(value: Any, shape: Callable[[float], float | None]) -> float | None:
    found = text.number(value) if isinstance(value, str) else value
    return shape(found) if isinstance(found, float) else None


def _moment(value: Any) -> Moment | None:
    return text.written_date(value) if isinstance(value, str) else (value if isinstance(value, Moment) else None)


def _dated(value: Any) -> Moment | None:
    found = _moment(value)
    return None if found is None else found.midnight()


def _epoch(*arguments: str) -> Maker:
    return plain(Kind.NUMBER, Kind.DATE, text.epoch, *arguments)


def _unix(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    """UNIX_TIMESTAMP of a date (its format is for texts)."""
    only(node, "this", "format")
    return Compiled(Kind.NUMBER, strict(text.epoch, [build(node.this, scope, Kind.DATE).compute]))


_PARTS: dict[str, Callable[[Moment], float]] = {
    "EPOCH": text.epoch, "YEAR": lambda moment: float(moment.year), "MONTH": lambda moment: float(moment.month),
    "DAY": lambda moment: float(moment.day),
}  # fmt: skip


def _date_part(unit: str, node: exp.Expr, scope: Scope) -> Compiled:
    part = _PARTS.get(unit.upper())
    if part is None:
        raise Refused(f"it extracts {unit[:60]}")
    return Compiled(Kind.NUMBER, strict(part, [build(node, scope, Kind.DATE).compute]))


def _extract_part(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this", "expression")
    return _date_part(node.name, node.expression, scope)


def _date_part_call(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    unit, moment = arguments(node, 2)
    return _date_part(constant(unit, "unit"), moment, scope)


def _date_difference(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    """DATE_DIFF: days everywhere, boundaries of months and years where the engine counts those."""
    only(node, "this", "expression", "unit", "date_part_boundary")
    unit = node.args["unit"].name.lower() if node.args.get("unit") is not None else "day"
    if unit != "day" and not (unit in ("month", "year") and node.args.get("date_part_boundary")):
        raise Refused(f"it counts {unit[:60]}s between dates")
    sides = [build(side, scope, Kind.DATE).compute for side in (node.expression, node.this)]
    return Compiled(Kind.NUMBER, strict(lambda one, other: text.date_difference(unit, one, other), sides))


def _to_day(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this")
    return Compiled(Kind.DATE, strict(_dated, [build(node.this, scope, Kind.DATE).compute]))


def _parse_date(value: exp.Expr, form: str, scope: Scope) -> Compiled:
    try:
        known = text.date_format(form)
    except ConfigError as error:
        raise Refused(str(error)) from None
    whole = build(value, scope, Kind.TEXT).compute
    return Compiled(Kind.DATE, strict(lambda written: text.parsed_date(known, written), [whole]))


def _parse_call(translate: Callable[[str], str]) -> Maker:
    def make(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
        value, form = arguments(node, 2)
        return _parse_date(value, translate(constant(form, "date format")), scope)

    return make


def _parse_node(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
    only(node, "this", "format")
    return _parse_date(node.this, constant(node.args.get("format"), "date format"), scope)


_FORMATS = (
    ("yyyy", "%Y"), ("YYYY", "%Y"), ("HH24", "%H"), ("MI", "%M"), ("SS", "%S"), ("MM", "%m"), ("DD", "%d"),
    ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S"), ("'T'", "T"),
)  # fmt: skip


def _percents(form: str) -> str:
    """A format of Spark or Postgres as strptime's."""
    for theirs, ours in _FORMATS:
        form = form.replace(theirs, ours)
    if any(char.isalpha() and char != "T" for char in form.replace("%Y", "").replace("%m", "").replace("%d", "")
           .replace("%H", "").replace("%M", "").replace("%S", "")):  # fmt: skip
        raise Refused("its date format is not offered")
    return form


DATE_CALLS: dict[str, Maker] = {
    "try_strptime": _parse_call(str), "strptime": _parse_call(str), "try_to_timestamp": _parse_call(_percents),
    "try_cast_date": _parse_call(_percents), "try_cast_timestamp": _parse_call(_percents),
    "date_part": _date_part_call,
}  # fmt: skip
DATE_NODES: dict[type[exp.Expr], Maker] = {
    exp.Cast: _cast, exp.TryCast: _cast, exp.TimeToUnix: _epoch("this"), exp.StrToUnix: _unix,
    exp.Extract: _extract_part, exp.Year: lambda node, scope, _want: _date_part("YEAR", node.this, scope),
    exp.Month: lambda node, scope, _want: _date_part("MONTH", node.this, scope),
    exp.Day: lambda node, scope, _want: _date_part("DAY", node.this, scope), exp.DateDiff: _date_difference,
    exp.TsOrDsToDate: _to_day, exp.StrToTime: _parse_node,
}  # fmt: skip
