"""Questions about border types: which part of a type is an object, a list or a list of words?

Types may be wrapped in unions (T | None) and in Annotated bounds; the answers look through both.
"""

from enum import Enum
from typing import Annotated, Any, get_args, get_origin

import msgspec


def member(kind: Any, wanted: Any) -> Any:
    """The part of a type (through Annotated and unions) that `wanted` accepts; None if there is none."""
    if wanted(kind):
        return kind
    if get_origin(kind) is Annotated:
        return member(get_args(kind)[0], wanted)
    if get_origin(kind) in {tuple, dict}:
        return None
    return next((found for part in get_args(kind) if (found := member(part, wanted)) is not None), None)


def is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def is_list(kind: Any) -> bool:
    return get_origin(kind) is tuple


def max_length(kind: Any) -> int | None:
    if get_origin(kind) is Annotated:
        bounds = [meta.max_length for meta in get_args(kind)[1:] if isinstance(meta, msgspec.Meta)]
        return next((bound for bound in bounds if bound is not None), None)
    return next((found for part in get_args(kind) if (found := max_length(part)) is not None), None)
