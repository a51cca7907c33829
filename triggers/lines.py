"""A row of items in order of their keys, as a value: versions share one list for as long as they only grow.

History nearly always grows at its end; keeping the next version then costs one append, whatever the length, and no
earlier version sees it, because each knows its own length. Any other change copies the part before it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar


class Keyed(Protocol):
    """An item that knows its place."""

    @property
    def key(self) -> Any:
        """What it is ordered by."""


Item = TypeVar("Item", bound=Keyed)

KEY: Callable[[Any], Any] = attrgetter("key")
"""Reads an item's key."""


class Line(Generic[Item]):
    """Items in order. `items` may hold more than `size`: what lies beyond belongs to later versions."""

    __slots__ = ("items", "size")

    def __init__(self, items: list[Item] | None = None) -> None:
        self.items: list[Item] = [] if items is None else items
        self.size = len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items[: self.size])

    def backwards(self, size: int) -> Iterator[Item]:
        """The first `size` items, from the last to the first."""
        return (self.items[place] for place in range(size - 1, -1, -1))

    def place(self, key: Any) -> int:
        """How many items lie before `key`; keys may be compared by their first parts alone."""
        items, size = self.items, self.size
        if not size or items[size - 1].key < key:
            return size
        return bisect_left(items, key, 0, size, key=KEY)

    def ends_before(self, key: Any) -> bool:
        """Whether every item lies before `key`."""
        return not self.size or bool(self.items[self.size - 1].key < key)

    def append(self, item: Item) -> None:
        """One more at the end of this very line; other versions do not see it."""
        if self.size != len(self.items):
            self.items = self.items[: self.size]
        self.items.append(item)
        self.size += 1

    def upto(self, place: int, then: Sequence[Item]) -> "Line[Item]":
        """The first `place` items, then those given (whose keys are not lower)."""
        line: Line[Item] = Line.__new__(Line)
        if place == len(self.items):
            line.items = self.items
            line.items.extend(then)
        else:
            line.items = [*self.items[:place], *then]
        line.size = place + len(then)
        return line


def in_order(items: Iterable[Item]) -> list[Item]:
    """Items by their keys; those of one key as given."""
    return sorted(items, key=KEY)
