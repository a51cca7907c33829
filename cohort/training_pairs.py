"""Which pairs a model is trained on: everything that shares some two columns, and random pairs. Label-free, seeded.

Rows are places in the two tables. A key is a combination of blocking parts (`blocking.PARTS`) that must all agree; keys
that would bring too many pairs together are left out, and the most selective come first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cohort.blocking import PARTS, part_values
from cohort.prepared import PreparedIdentity

Longs = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Combination = tuple[str, ...]
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
PAIRS_EACH = 30
"""Candidate pairs per event up to which loose keys are taken in, and per key a third of it."""
_MOST_PAIRS = 900_000
_WIDE = 40
"""Members under one key above which an index bounds the block (`index.BLOCK_LIMIT`)."""


@dataclass(frozen=True, slots=True)
class Part:
    """The values of one part in one table: `rows` ascending, with the hash of each value they hold."""

    rows: Longs
    hashes: Hashes


@dataclass(frozen=True, slots=True)
class KeyPairs:
    """What one key brings together: pairs as cohort row * number of events + event row; `narrow` blocks."""

    key: Combination
    pairs: Longs
    narrow: NDArray[np.bool_]


def parts_of(people: Sequence[PreparedIdentity]) -> dict[str, Part]:
    """Every part that at least one in fifty has, in the order of `blocking.PARTS` and then of the extra columns."""
    extras = sorted({name for who in people for name, _ in who.extras})
    names = [*(part for part in PARTS if part != "extra.*"), *(f"extra.{name}" for name in extras)]
    parts = {name: _part(people, name) for name in names}
    return {name: part for name, part in parts.items() if len(part.rows) * 50 >= len(people) > 0}


def _part(people: Sequence[PreparedIdentity], name: str) -> Part:
    rows: list[int] = []
    hashes: list[int] = []
    for row, who in enumerate(people):
        for value in dict.fromkeys(part_values(who, name)):
            rows.append(row)
            hashes.append(_stable(value))
    return Part(np.array(rows, dtype=np.int64), np.array(hashes, dtype=np.uint64))


def _stable(value: object) -> int:
    """A hash that is the same in every process (that of a str is not)."""
    return int.from_bytes(blake2b(str(value).encode(), digest_size=8).digest(), "big")


def _together(parts: Sequence[Part]) -> Part:
    """The rows that have all parts, with the mixed hash of each choice of their values."""
    rows, hashes = parts[0].rows, parts[0].hashes
    for part in parts[1:]:
        left = np.searchsorted(part.rows, rows, side="left")
        count = np.searchsorted(part.rows, rows, side="right") - left
        chosen = _ranges(left, count)
        rows = np.repeat(rows, count)
        hashes = np.repeat(hashes, count)
        hashes = (hashes ^ (hashes >> _SHIFT)) * _MIX + part.hashes[chosen]
    return Part(rows, hashes)


def _ranges(starts: Longs, counts: Longs) -> Longs:
    """start, start + 1, ... for each start, `count` of them."""
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    ends = np.cumsum(counts)
    places: Longs = np.arange(ends[-1], dtype=np.int64) + np.repeat(starts - (ends - counts), counts)
    return places


class Joining:
    """Both tables' parts, ready to be joined on combinations of them."""

    def __init__(
        self, cohort: Sequence[PreparedIdentity], events: Sequence[PreparedIdentity], own: Longs | None = None
    ) -> None:
        """`own` is the cohort row that each event is itself, where both are one table: these are not paired."""
        mine, theirs = parts_of(cohort), parts_of(events)
        self.names = tuple(name for name in mine if name in theirs)
        self.members, self.events, self._own = len(cohort), len(events), own
        self._mine = {name: mine[name] for name in self.names}
        self._theirs = {name: theirs[name] for name in self.names}

    def distinct(self, part: str) -> int:
        """How many values of `part` the cohort has."""
        return len(np.unique(self._mine[part].hashes))

    def join(self, key: Combination, most: int) -> KeyPairs | None:
        """The pairs that agree in all of `key`; None where there are more than `most`, or none."""
        mine = _together([self._mine[part] for part in key])
        theirs = _together([self._theirs[part] for part in key])
        order = np.argsort(mine.hashes, kind="stable")
        sorted_hashes = mine.hashes[order]
        left = np.searchsorted(sorted_hashes, theirs.hashes, side="left")
        count = np.searchsorted(sorted_hashes, theirs.hashes, side="right") - left
        if not 0 < int(count.sum()) <= most:
            return None
        rows = mine.rows[order][_ranges(left, count)]
        pairs = rows * self.events + np.repeat(theirs.rows, count)
        narrow = np.repeat(count <= _WIDE, count)
        if self._own is not None:
            kept = rows != self._own[np.repeat(theirs.rows, count)]
            pairs, narrow = pairs[kept], narrow[kept]
        pairs, first = np.unique(pairs, return_index=True)
        return KeyPairs(key, pairs, narrow[first]) if len(pairs) else None

    def keys(self) -> list[KeyPairs]:
        """The pairs of every single part and every two parts that bring few enough together, fewest first."""
        most = min(PAIRS_EACH * max(self.events, 1) // 3, _MOST_PAIRS // 3)
        singles = [name for name in self.names if self.distinct(name) > max(20, self.members // 50)]
        found = [self.join((name,), most) for name in singles]
        found += [self.join(pair, most) for pair in combinations(self.names, 2) if not _useless(pair)]
        return sorted((each for each in found if each is not None), key=lambda each: (len(each.pairs), each.key))

    def random_pairs(self, size: int, seed: int) -> Longs:
        """So many pairs drawn with replacement."""
        rng = np.random.default_rng(seed)
        mine = rng.integers(0, self.members, size)
        theirs = rng.integers(0, self.events, size)
        pairs: Longs = mine * self.events + theirs
        return pairs if self._own is None else pairs[mine != self._own[theirs]]


_SAME_THING = (
    {"birth", "birth_month", "birth_day"},
    {"given", "given_sound"},
    {"family", "family_sound"},
    {"token", "token_sound", "given"},
    {"token", "token_sound", "given_sound"},
    {"token", "token_sound", "family"},
    {"token", "token_sound", "family_sound"},
    {"postcode", "outcode"},
)


def _useless(pair: Combination) -> bool:
    """One part says what the other says."""
    return any(set(pair) <= group for group in _SAME_THING)


def candidates(keys: Sequence[KeyPairs], events: int) -> Longs:
    """The pairs of all keys, from the most selective on, until there are enough of them."""
    enough = min(PAIRS_EACH * max(events, 1), _MOST_PAIRS)
    found = np.zeros(0, dtype=np.int64)
    for each in keys:
        joined = np.union1d(found, each.pairs)
        if len(joined) > enough and len(found):
            continue
        found = joined
    return found
