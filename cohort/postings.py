"""From 59-bit keys to row numbers, in three flat arrays: some 12 bytes an entry where a dictionary takes a hundred.

Nearly all look-ups find nothing, and cost one byte: `filter[key & mask]` is 0 for a key that nobody has. Only what
passes is looked up among the sorted keys. Immutable; a changed cohort gets new ones.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

KEY_BITS = 59
KEY_MASK = (1 << KEY_BITS) - 1
"""Keys are whole numbers below 2**59: two digits of a Python int, which is as fast as arithmetic on hashes gets."""
Keys = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.uint32]
_SPREAD = 3
"""Places in the filter per entry, at least; a stranger's key then meets an empty one four times of five."""
SHARED = 255
EVERYTHING = (b"\xff", 0)
"""A filter and its mask that let every key pass."""


class Postings:
    """An immutable map from key to the rows filed under it, in the order in which they came."""

    __slots__ = ("_numbers", "_shift", "_sorted", "_starts", "filter", "mask")

    def __init__(self, keys: Keys, numbers: Numbers, hints: Keys) -> None:
        """`keys` and `numbers` side by side, keys ascending. `hints` are further keys that only the filter knows."""
        size = len(keys)
        bits = max(4, (size // 2).bit_length())
        self._shift = KEY_BITS - bits
        self._sorted = array("Q", keys.tobytes())
        self._numbers = array("I", numbers.tobytes())
        edges = np.arange(1 << bits, dtype=np.uint64) << np.uint64(self._shift)
        self._starts = array("I", np.append(np.searchsorted(keys, edges), size).astype(np.uint32).tobytes())
        self.mask = (1 << max(10, (_SPREAD * (size + len(hints))).bit_length())) - 1
        self.filter = _filter(keys, hints, self.mask)

    @classmethod
    def of(cls, keys: Keys, numbers: Numbers, hints: Keys) -> "Postings":
        """The postings of keys in any order; an entry that comes twice is kept once."""
        order = np.argsort(keys, kind="stable")
        keys, numbers = keys[order], numbers[order]
        if len(keys):
            fresh = np.append(True, (keys[1:] != keys[:-1]) | (numbers[1:] != numbers[:-1]))
            keys, numbers = keys[fresh], numbers[fresh]
        return cls(keys, numbers, hints)

    def find(self, key: int) -> "array[int] | None":
        """The rows filed under `key`, None where there are none."""
        seen = self.filter[key & self.mask]
        if not seen or (seen != SHARED and seen != (key >> 40) % 254 + 1):
            return None
        place = key >> self._shift
        end = self._starts[place + 1]
        first = bisect_left(self._sorted, key, self._starts[place], end)
        if first == end or self._sorted[first] != key:
            return None
        return self._numbers[first : bisect_right(self._sorted, key, first, end)]

    def entries(self) -> tuple[Keys, Numbers]:
        """Every key with its row, keys ascending."""
        return np.frombuffer(self._sorted, np.uint64), np.frombuffer(self._numbers, np.uint32)

    def sizes(self, changed: Mapping[int, int]) -> npt.NDArray[np.int64]:
        """How many rows each key has, but as many as `changed` says for those keys."""
        keys, _ = self.entries()
        first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.zeros(0, np.intp)
        sizes = np.diff(np.append(first, len(keys)))
        other = np.fromiter(changed, np.uint64, len(changed))
        stay = sizes[~np.isin(keys[first], other)]
        return np.append(stay, np.fromiter(changed.values(), np.int64, len(changed)))


def _filter(keys: Keys, hints: Keys, mask: int) -> bytes:
    """One byte a place: 0 for no key, 255 for several, else a number made of other bits of the only key there."""
    every = np.concatenate((keys, hints)) if len(hints) else keys
    places = (every & np.uint64(mask)).astype(np.intp)
    marks = ((every >> np.uint64(40)) % np.uint64(254) + np.uint64(1)).astype(np.uint8)
    found = np.zeros(mask + 1, np.uint8)
    found[places] = marks
    found[places[found[places] != marks]] = SHARED
    return found.tobytes()


def as_keys(keys: Iterable[int]) -> Keys:
    """An array of keys."""
    return np.fromiter(keys, np.uint64)
