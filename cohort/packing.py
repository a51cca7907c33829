"""A member as bytes and back, without loss: a tenth of the memory that the same member takes as objects.

The layout follows the dataclasses by itself (field by field, in order), so that a new field needs nothing here.
Bytes are for this process only; they are never stored, as another version may have another layout.
"""

import types
import typing
from dataclasses import fields, is_dataclass
from typing import Any, Union

import msgspec

from domain.people import CohortMember


def _layout(kind: Any) -> Any:
    """The same type with arrays in place of dataclasses."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        parts = [(each.name, _layout(hints[each.name])) for each in fields(kind)]
        return msgspec.defstruct(f"Packed{kind.__name__}", parts, array_like=True, frozen=True, gc=False)
    origin, inner = typing.get_origin(kind), tuple(map(_layout, typing.get_args(kind)))
    if origin is tuple:
        return tuple[inner]  # type: ignore[valid-type]
    return Union[inner] if origin in (Union, types.UnionType) else kind  # noqa: UP007 (made while running)


def _beginning(kind: Any, *ways: str) -> Any:
    """The layout of a dataclass up to the field that `ways` leads to; what follows is skipped when it is read."""
    hints = typing.get_type_hints(kind)
    names = [each.name for each in fields(kind)]
    parts = [(name, _layout(hints[name])) for name in names[: names.index(ways[0]) + 1]]
    if len(ways) > 1:
        parts[-1] = (ways[0], _beginning(hints[ways[0]], *ways[1:]))
    return msgspec.defstruct(f"Beginning{kind.__name__}", parts, array_like=True, frozen=True, gc=False)


_PACKED = _layout(CohortMember)
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(_PACKED).decode
_DECODE_NAMES = msgspec.msgpack.Decoder(_beginning(CohortMember, "identity", "names")).decode


def pack(member: CohortMember) -> bytes:
    """The member as bytes: about 200 for a person with a name, a date of birth, a home and two numbers."""
    return _ENCODE(msgspec.convert(member, _PACKED, from_attributes=True))


def unpack(raw: bytes | memoryview) -> CohortMember:
    """The member whom `pack` was given. (Instants keep their moment; their zone becomes UTC.)"""
    return msgspec.convert(_DECODE(raw), CohortMember, from_attributes=True)


def unpack_names(raw: bytes | memoryview) -> tuple[Any, ...]:
    """Only the names of a packed member, with the fields of `Name`; a tenth of the work of `unpack`."""
    names: tuple[Any, ...] = _DECODE_NAMES(raw).identity.names
    return names
