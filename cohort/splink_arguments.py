"""How a function of a Splink condition takes its arguments: nulls, kinds, constants."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from cohort.splink_conditions import Compiled, Compute, Frame, Kind, Maker, Refused, Scope, build, only, spoken


def strict(function: Callable[..., Any], arguments: Sequence[Compute]) -> Compute:
    """The function where no argument is null."""
    if len(arguments) == 1:
        (only_one,) = arguments

        def single(frame: Frame) -> Any:
            value = only_one(frame)
            return None if value is None else function(value)

        return single

    def several(frame: Frame) -> Any:
        values = []
        for argument in arguments:
            value = argument(frame)
            if value is None:
                return None
            values.append(value)
        return function(*values)

    return several


def plain(answers: Kind, takes: Kind, function: Callable[..., Any], *arguments: str) -> Maker:
    """A function of arguments of one kind. The last argument names may be absent."""

    def make(node: exp.Expr, scope: Scope, _want: Kind | None) -> Compiled:
        only(node, *arguments)
        given = [node.args[name] for name in arguments if node.args.get(name) is not None]
        return Compiled(answers, strict(function, [build(each, scope, takes).compute for each in given]))

    return make


def arguments(node: exp.Expr, count: int) -> list[exp.Expr]:
    """The arguments of a function that sqlglot has no class for."""
    if len(node.expressions) != count:
        raise Refused(f"it calls {spoken(node)} with {len(node.expressions)} arguments, not {count}")
    return list(node.expressions)


def constant(node: exp.Expr | None, what: str) -> str:
    """The text of a literal: patterns and formats must be written out in the condition."""
    if not isinstance(node, exp.Literal) or not node.args.get("is_string"):
        raise Refused(f"its {what} is not written out")
    return str(node.this)


def whole_number(node: exp.Expr | None, what: str) -> int:
    minus = isinstance(node, exp.Neg)
    inner = node.this if node is not None and minus else node
    if not isinstance(inner, exp.Literal) or inner.args.get("is_string") or not str(inner.this).isdecimal():
        raise Refused(f"its {what} is not a whole number")
    if len(str(inner.this)) > 6:
        raise Refused(f"its {what} is too large")
    return -int(inner.this) if minus else int(inner.this)
