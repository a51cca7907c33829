"""A map that never changes: many small dictionaries side by side, of which a new version copies only those it touches.

An index of 100,000 members has over a million keys; a member who moves house changes about twenty of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

Value = TypeVar("Value")
_PER_DRAWER = 128
"""Keys in one small dictionary, on average: copying one takes about a microsecond."""


def empty_drawers(entries: int) -> list[dict[int, Value]]:
    """As many empty drawers as a shelf of about so many entries wants: a power of two."""
    return [{} for _ in range(1 << (entries // _PER_DRAWER).bit_length())]


class Shelf(Generic[Value]):
    """An immutable map from int to `Value`. Old versions stay valid; unchanged drawers are shared between versions."""

    __slots__ = ("_size", "drawers", "mask")

    def __init__(self, drawers: list[dict[int, Value]], size: int) -> None:
        """Takes over `drawers` (a power of two of them); a key lives in drawer `key & mask`."""
        self.drawers = drawers
        self.mask = len(drawers) - 1
        self._size = size

    @classmethod
    def of(cls, entries: Mapping[int, Value]) -> "Shelf[Value]":
        """A shelf with these entries."""
        drawers: list[dict[int, Value]] = empty_drawers(len(entries))
        mask = len(drawers) - 1
        for key, value in entries.items():
            drawers[key & mask][key] = value
        return cls(drawers, len(entries))

    def get(self, key: int) -> Value | None:
        """The value, None where there is none."""
        return self.drawers[key & self.mask].get(key)

    def changed(self, keys: Iterable[int], new_value: Callable[[int, Value | None], Value | None]) -> "Shelf[Value]":
        """A new shelf in which each key has `new_value(key, old)`; None removes it."""
        drawers = list(self.drawers)
        copied: set[int] = set()
        size = self._size
        for key in keys:
            place = key & self.mask
            if place not in copied:
                drawers[place] = dict(drawers[place])
                copied.add(place)
            drawer = drawers[place]
            old = drawer.get(key)
            value = new_value(key, old)
            size += (value is not None) - (old is not None)
            if value is not None:
                drawer[key] = value
            elif old is not None:
                del drawer[key]
        grown = Shelf(drawers, size)
        return grown if size <= 4 * _PER_DRAWER * len(drawers) else Shelf.of(dict(grown.items()))

    def items(self) -> Iterator[tuple[int, Value]]:
        """Every entry, in no order that means anything."""
        for drawer in self.drawers:
            yield from drawer.items()

    def __len__(self) -> int:
        return self._size
