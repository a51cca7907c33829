"""The large, never changing part of an index: every member packed, their keys and their facts in flat arrays.

`gather` makes one from members; `joined` makes the next from one and what came since, without preparing anybody anew.
About 600 bytes a member, the member's own 200 included.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cohort.blocking import Combination, blocking_keys, place_keys
from cohort.cells import hashed
from cohort.facts import Columns, facts
from cohort.frequencies import add_tokens
from cohort.packing import pack, unpack, unpack_names
from cohort.postings import Keys, Numbers, Postings
from cohort.prepared import PreparedIdentity, PreparedName, prepare, prepared_names
from domain.ids import HouseholdId, MemberId
from domain.people import CohortMember, MemberStatus

BLOCK_LIMIT = 40
"""Members under one key up to which all are compared; above, something more must agree (`facts.Columns.agreements`)."""
_NO_KEYS: Keys = np.zeros(0, np.uint64)
_NOT_SEARCHED = frozenset({MemberStatus.CLOSED, MemberStatus.DECEASED})


class Row(NamedTuple):
    """A member with their identity prepared."""

    member: CohortMember
    prepared: PreparedIdentity

    def __repr__(self) -> str:
        return f"Row({self.member.member_id})"


class Records:
    """Packed members, one after the other in a few long strings of bytes."""

    __slots__ = ("_chunks", "_ends", "_firsts")

    def __init__(self, chunks: tuple[bytes, ...], ends: "tuple[array[int], ...]", firsts: tuple[int, ...]) -> None:
        """`ends[i]` are where the members of `chunks[i]` end in it; the first of them is row `firsts[i]`."""
        self._chunks, self._ends, self._firsts = chunks, ends, firsts

    def member(self, row: int) -> CohortMember:
        """The member in this row."""
        return unpack(self._raw(row))

    def names(self, row: int) -> tuple[PreparedName, ...]:
        """Their names as they are compared, without unpacking the rest."""
        return prepared_names(unpack_names(self._raw(row)))

    def _raw(self, row: int) -> memoryview:
        which = bisect_right(self._firsts, row) - 1
        ends, place = self._ends[which], row - self._firsts[which]
        return memoryview(self._chunks[which])[ends[place - 1] if place else 0 : ends[place]]

    def with_chunk(self, raw: bytes, ends: "array[int]") -> "Records":
        """These and another chunk of members."""
        return Records((*self._chunks, raw), (*self._ends, ends), (*self._firsts, len(self)))

    def __len__(self) -> int:
        return self._firsts[-1] + len(self._ends[-1]) if self._firsts else 0


class Base(NamedTuple):
    """Members by row: found by `blocks` (blocking keys) and by `people` (id, household, associates).

    `gone` marks rows that are no longer anybody; `hints` are the postcodes that only the filter knows. `tokens` counts
    the bearers of names (`frequencies.NameCounts`).
    """

    records: Records
    blocks: Postings
    people: Postings
    columns: Columns
    hints: Keys
    gone: bytes
    tokens: Mapping[str, int] = {}

    def __repr__(self) -> str:
        return f"Base({len(self.records)})"


def searchable(member: CohortMember) -> bool:
    """Whether mentions may find this member."""
    return member.status not in _NOT_SEARCHED and not member.identity.deceased


def person_key(member_id: MemberId) -> int:
    """The key of a member's own id."""
    return hashed("id", member_id)


def home_key(household_id: HouseholdId) -> int:
    """The key of a household."""
    return hashed("household", household_id)


def lister_key(member_id: MemberId) -> int:
    """The key of those who list this member among their associates."""
    return hashed("associate", member_id)


def people_keys(member: CohortMember) -> list[int]:
    """What a member is filed under apart from who they are: id, household, each associate."""
    keys = [person_key(member.member_id)]
    if member.household_id:
        keys.append(home_key(member.household_id))
    keys += map(lister_key, member.associates if not member.ties else sorted(member.lists))
    return keys


class _Gatherer:
    """Takes members one by one, keeps nothing of them but arrays."""

    def __init__(self, keys: Sequence[Combination], first: int) -> None:
        self._keys, self._next = keys, first
        self._raw, self.ends = bytearray(), array("Q")
        self._block_keys, self._block_counts = array("Q"), array("I")
        self._people_keys, self._people_counts = array("Q"), array("I")
        self._hints, self._ids = array("Q"), array("Q")
        self.searched = 0
        self.columns = Columns()
        self.tokens: dict[str, int] = {}

    def take(self, member: CohortMember, prepared: PreparedIdentity) -> None:
        self._raw += pack(member)
        self.ends.append(len(self._raw))
        own = people_keys(member)
        self._ids.append(own[0])
        self._people_keys.extend(own)
        self._people_counts.append(len(own))
        found: list[int] = []
        if searchable(member):
            self.searched += 1
            found = blocking_keys(prepared, self._keys)
            self._block_keys.extend(found)
            self._hints.extend(place_keys(prepared))
        self._block_counts.append(len(found))
        self.columns.append(facts(prepared))
        add_tokens(self.tokens, prepared, 1)

    @property
    def raw(self) -> bytes:
        return bytes(self._raw)

    @property
    def ids(self) -> Keys:
        return np.frombuffer(self._ids, np.uint64)

    @property
    def hints(self) -> Keys:
        return np.unique(np.frombuffer(self._hints, np.uint64))

    def blocks(self) -> tuple[Keys, Numbers]:
        return _entries(self._block_keys, self._block_counts, self._next)

    def people(self) -> tuple[Keys, Numbers]:
        return _entries(self._people_keys, self._people_counts, self._next)


def _entries(keys: "array[int]", counts: "array[int]", first: int) -> tuple[Keys, Numbers]:
    each = np.frombuffer(counts, np.uint32)
    rows = np.repeat(np.arange(first, first + len(each), dtype=np.uint32), each)
    return np.frombuffer(keys, np.uint64), rows


def gather(members: Iterable[CohortMember], keys: Sequence[Combination]) -> tuple[Base, int]:
    """The base of these members and how many of them are searched; of several with one id the last stands."""
    gatherer = _Gatherer(keys, 0)
    for member in members:
        gatherer.take(member, prepare(member.identity))
    records = Records((gatherer.raw,), (gatherer.ends,), (0,))
    hints = gatherer.hints
    people = Postings.of(*gatherer.people(), _NO_KEYS)
    if len(np.unique(gatherer.ids)) < len(records):
        once = {(member := records.member(row)).member_id: member for row in range(len(records))}
        if len(once) < len(records):
            return gather(once.values(), keys)
    blocks = Postings.of(*gatherer.blocks(), hints)
    gone = bytes(len(records))
    return Base(records, blocks, people, gatherer.columns, hints, gone, gatherer.tokens), gatherer.searched


def joined(base: Base, rows: Iterable[Row], gone: bytes, keys: Sequence[Combination]) -> Base:
    """The base with further rows, and without what is `gone`. Rows keep their numbers; the new ones come after."""
    gatherer = _Gatherer(keys, len(base.records))
    for row in rows:
        gatherer.take(row.member, row.prepared)
    records = base.records.with_chunk(gatherer.raw, gatherer.ends)
    hints = np.union1d(base.hints, gatherer.hints)
    left = np.frombuffer(gone, np.uint8) == 0
    return Base(
        records,
        _merged(base.blocks, left, gatherer.blocks(), hints),
        _merged(base.people, left, gatherer.people(), _NO_KEYS),
        base.columns.joined(gatherer.columns),
        hints,
        gone + bytes(len(records) - len(base.records)),
    )


def _merged(postings: Postings, left: npt.NDArray[np.bool_], more: tuple[Keys, Numbers], hints: Keys) -> Postings:
    keys, numbers = postings.entries()
    stay = left[numbers]
    return Postings.of(np.concatenate((keys[stay], more[0])), np.concatenate((numbers[stay], more[1])), hints)
