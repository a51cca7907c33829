"""The watched people, ready to be found: an immutable, versioned index from blocking keys to members.

`build` makes one, `apply` makes the next from a few changes while the old one stays valid. Both find the same.
Closed and deceased members can be looked up by id, but no mention finds them. Idea of the keys: limits.md 3.3.
A large base in flat arrays (`base.py`) under a small overlay of what changed since (`overlay.py`).
"""

import gc
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from cohort.base import BLOCK_LIMIT, Base, Row, gather, home_key, joined, lister_key, person_key, searchable
from cohort.blocking import Combination, check_keys, probe_keys
from cohort.facts import agreements, facts
from cohort.frequencies import NameCounts
from cohort.overlay import NOTHING, Filed, Overlay
from cohort.postings import EVERYTHING, SHARED, Postings
from cohort.prepared import PreparedIdentity, PreparedName, prepare, prepared_names
from cohort.probing import plain_facts, strong_keys, weak_keys
from cohort.sieve import Sieve
from cohort.ties import link_words
from domain.identity import Identity
from domain.ids import HouseholdId, MemberId, shard_of
from domain.matches import LinkLearnt, Relation
from domain.people import CohortMember

__all__ = ["BLOCK_LIMIT", "CohortChanges", "CohortIndex", "IndexStats", "Row", "of_shards"]

_REMEMBERED = 4_096
"""Members kept unpacked and prepared, because events about one person come together."""
_MOST_AGREEMENTS = 4
"""Year, day and month of birth, district, house."""
_WASTE = 3
"""The base is built anew rather than merged when more than a third of it is gone."""
_MERGE_FROM, _MERGE_SHARE = 1_000, 50
"""The overlay is worth merging when it holds so many members, and a fiftieth of the base."""


@dataclass(frozen=True, slots=True)
class IndexStats:
    """What the index holds. `split_blocks` keys have more than BLOCK_LIMIT members, the largest `largest_block`.

    `bounded_lookups` counts look-ups in which members of such a block were left out since the index was first built:
    those with whom nothing more than the key agreed, or less than with BLOCK_LIMIT others.
    """

    members: int
    searched: int
    keys: int
    split_blocks: int
    largest_block: int
    bounded_lookups: int


@dataclass(frozen=True, slots=True)
class CohortChanges:
    """What happened to the cohort: members new or changed, and ids of those removed."""

    members: tuple[CohortMember, ...] = ()
    removed: tuple[MemberId, ...] = ()


@dataclass(slots=True)
class _Tally:
    """A count for the metric, shared by the versions of an index; it decides nothing."""

    bounded: int = 0


class _Counts(NamedTuple):
    members: int
    searched: int


class CohortIndex:
    """An immutable view of the cohort at one version. Make it with `build`, follow changes with `apply`.

    `compiled` is for whoever recognises with it: a place to keep what they compiled for this very index. `remembers`
    is how many members it keeps unpacked; whoever compares everybody with everybody wants more of them.
    """

    __slots__ = (
        "_base", "_counts", "_known", "_mask", "_news", "_rows", "_tally", "compiled", "keys", "remembers", "version"
    )  # fmt: skip

    def __init__(
        self, base: Base, news: Overlay, *, counts: _Counts, version: int, tally: _Tally, keys: tuple[Combination, ...]
    ) -> None:
        self._base = base
        self._known, self._mask = (base.blocks.filter, base.blocks.mask) if news is NOTHING else EVERYTHING
        self._news = news
        self._counts = counts
        self._tally = tally
        self._rows: dict[int, Row] = {}
        self.keys = keys
        self.compiled: Any = None
        self.remembers = _REMEMBERED
        self.version = version

    @classmethod
    def build(
        cls, members: Iterable[CohortMember], version: int = 0, keys: Sequence[Combination] = ()
    ) -> "CohortIndex":
        """An index of `members`; of several with one id the last stands. Some 40 microseconds per member.

        `keys` are combinations of `blocking.PARTS` beyond the keys that every index has (`MatchModel.keys`). Raises
        ConfigError where one asks for a part that there is not. An iterator is taken member by member, so that a
        million need never be in memory as objects at once.
        """
        check_keys(keys)
        collecting = gc.isenabled()
        gc.disable()  # nothing here has cycles, and walking over what the caller holds costs more than building
        try:
            base, searched = gather(members, tuple(keys))
        finally:
            if collecting:
                gc.enable()
        counts = _Counts(len(base.records), searched)
        return cls(base, NOTHING, counts=counts, version=version, tally=_Tally(), keys=tuple(keys))

    def apply(self, changes: CohortChanges, version: int) -> "CohortIndex":
        """The index after `changes`, at `version`. Costs below half a millisecond per change; this one stays."""
        news = {member.member_id: member for member in changes.members}
        touched = dict.fromkeys((*news, *changes.removed))
        for member_id in changes.removed:
            news.pop(member_id, None)
        olds = {number: self.row(number) for name in touched if (number := self._number(name)) is not None}
        coming = [Row(member, prepare(member.identity)) for member in news.values()]
        counts = _Counts(
            self._counts.members - len(olds) + len(coming),
            self._counts.searched
            - sum(searchable(row.member) for row in olds.values())
            + sum(searchable(row.member) for row in coming),
        )
        news_then = self._news.changed(self._base, olds, coming, self.keys)
        return CohortIndex(self._base, news_then, counts=counts, version=version, tally=self._tally, keys=self.keys)

    @property
    def wants_merging(self) -> bool:
        """Whether so much has changed that `merged` would make looking up cheaper."""
        changed = len(self._news)
        return changed >= _MERGE_FROM and changed * _MERGE_SHARE >= len(self._base.records)

    def merged(self) -> "CohortIndex":
        """The same index with its changes merged into the base. Takes seconds for a million members: do it in a
        thread, and `apply` to the result what came meanwhile.
        """
        gone = self._news.gone or self._base.gone
        if gone.count(1) * _WASTE > len(gone):
            base, _ = gather(map(self._member, self._living()), self.keys)
        else:
            base = joined(self._base, [self._news.rows[number] for number in sorted(self._news.rows)], gone, self.keys)
            base = base._replace(tokens=self._tokens())
        return CohortIndex(base, NOTHING, counts=self._counts, version=self.version, tally=self._tally, keys=self.keys)

    @property
    def names(self) -> NameCounts:
        """How common names are among the members."""
        return NameCounts(self._base.tokens, self._news.tokens, len(self))

    def _tokens(self) -> dict[str, int]:
        tokens = dict(self._base.tokens)
        for token, count in self._news.tokens.items():
            tokens[token] = tokens.get(token, 0) + count
        return {token: count for token, count in tokens.items() if count}

    def member(self, member_id: MemberId) -> CohortMember | None:
        """The member with this id, closed and deceased ones too; None where nobody has it."""
        number = self._number(member_id)
        return None if number is None else self.row(number).member

    def prepared(self, member_id: MemberId) -> PreparedIdentity | None:
        """The member's identity as it is compared."""
        number = self._number(member_id)
        return None if number is None else self.row(number).prepared

    def members(self) -> list[CohortMember]:
        """Everybody, by member id."""
        return sorted((self._member(number) for number in self._living()), key=lambda member: member.member_id)

    def household(self, household_id: HouseholdId) -> tuple[MemberId, ...]:
        """The members of a household, by id; () where there are none."""
        people = (self.row(number).member for number in self._people(home_key(household_id)))
        return tuple(sorted(member.member_id for member in people if member.household_id == household_id))

    def linked(self, member_id: MemberId) -> tuple[tuple[MemberId, Relation], ...]:
        """Whom this member's harm concerns: their household, then associates, each once, by id. Symmetric.

        If either lists the other they are associates (rules.md 1.4); only people of this cohort, never oneself.
        """
        member = self.member(member_id)
        if member is None:
            return ()
        home = self.household(member.household_id) if member.household_id else ()
        found = {other: Relation.HOUSEHOLD for other in home if other != member_id}
        listing = (self.row(number).member for number in self._people(lister_key(member_id)))
        listed_by = [other.member_id for other in listing if member_id in other.lists]
        for other in sorted({*member.lists, *listed_by}):
            if other != member_id and other not in found and self._number(other) is not None:
                found[other] = Relation.ASSOCIATE
        return tuple(found.items())

    def learnt(self, one: MemberId, other: MemberId) -> LinkLearnt | None:
        """When the link of two linked members was learnt, the earliest where several say so; None: it stood."""
        here, there = self.member(one), self.member(other)
        if here is None or there is None:
            return None
        words = link_words(here, there)
        learnt = [word for word in words if word is not None]
        return min(learnt, key=lambda word: (word.at, word.by)) if learnt and len(learnt) == len(words) else None

    def candidates(self, who: PreparedIdentity) -> list[Row]:
        """The members worth comparing with `who`, each once, in no order that means anything."""
        strong, weak = probe_keys(who, self.keys)
        found, _ = self._found([*strong, *weak], who)
        return [self.row(number) for number in set(found)]

    def search(self, identity: Identity, sieve: Sieve) -> Collection[int]:
        """The row numbers of those candidates for a mention who may be worth enough (`sieve`); mostly none."""
        known, mask = self._known, self._mask
        weak = None if self.keys else weak_keys(identity, known, mask)
        if weak is None:
            who = prepare(identity)
            return self._sifted(*probe_keys(who, self.keys), who, sieve)
        strong: Sequence[int] = ()
        if identity.phones or identity.identifiers or identity.emails:
            strong = [key for key in strong_keys(identity) if known[key & mask]]
        if mask and weak:
            weak = [key for key in weak if (seen := known[key & mask]) == SHARED or seen == (key >> 40) % 254 + 1]
        if not weak and not strong:
            return ()
        return self._sifted(strong, weak, identity, sieve)

    def row(self, number: int) -> Row:
        """The member in a row that `search` found."""
        row = self._news.rows.get(number) or self._rows.get(number)
        if row is None:
            member = self._base.records.member(number)
            row = Row(member, prepare(member.identity))
            if len(self._rows) >= self.remembers:
                self._rows.clear()
            self._rows[number] = row
        return row

    def _sifted(
        self, strong: Sequence[int], weak: Sequence[int], who: Identity | PreparedIdentity, sieve: Sieve
    ) -> Collection[int]:
        """Those found by a strong key or by three weak ones, and of the others whom the sieve keeps.

        Where a number is shared by so many that some were left out, nobody is known not to share it.
        """
        crowded = False
        sure: Collection[int] = ()
        if strong:
            several, crowded = self._found(strong, who)
            sure = set(several)
        rows, _ = self._found(weak, who)
        maybe = set(rows)
        if len(maybe) + 1 < len(rows) <= BLOCK_LIMIT:
            sure = {*sure, *(row for row in maybe if rows.count(row) > 2)}
        if sure:
            maybe.difference_update(sure)
        if not maybe:
            return sure
        if crowded or sieve.idle:
            return maybe.union(sure)
        known = facts(who) if isinstance(who, PreparedIdentity) else plain_facts(who)
        records = self._base.records
        old = maybe if self._news is NOTHING else {number for number in maybe if number < len(records)}

        def said() -> tuple[PreparedName, ...]:
            return who.names if isinstance(who, PreparedIdentity) else prepared_names(who.names)

        def names(number: int) -> float:
            return sieve.name_bits(said(), records.names(number))

        def own() -> float:
            return sieve.name_bits(said(), said())

        return {*sure, *(maybe - old), *sieve.kept(known, old, self._base.columns, names, own)}

    def _found(self, keys: Sequence[int], who: Identity | PreparedIdentity) -> tuple[list[int], bool]:
        """The rows under each of `keys`, and whether one of the keys had too many of them."""
        found: list[int] = []
        crowded = False
        find = self._base.blocks.find if self._news is NOTHING else self._filed
        for key in keys:
            numbers = find(key)
            if numbers:
                if len(numbers) > BLOCK_LIMIT:
                    crowded = True
                    numbers = self._narrowed(numbers, who)
                found += numbers
        return found, crowded

    def _narrowed(self, numbers: Sequence[int], who: Identity | PreparedIdentity) -> list[int]:
        """Those of too many with whom more agrees than the key: as little more as leaves BLOCK_LIMIT of them at most.

        It depends on who is filed there and on nothing else, so that an updated index answers as a new one.
        """
        known = facts(who if isinstance(who, PreparedIdentity) else prepare(who))
        first_new = len(self._base.records)
        old = np.array([number for number in numbers if number < first_new], np.uint32)
        counts = dict(zip(old.tolist(), self._base.columns.agreements(old, known).tolist(), strict=True))
        for number in numbers:
            if number >= first_new:
                counts[number] = agreements(facts(self._news.rows[number].prepared), known)
        for least in range(1, _MOST_AGREEMENTS + 1):
            chosen = [number for number, count in counts.items() if count >= least]
            if len(chosen) <= BLOCK_LIMIT:
                self._tally.bounded += least > 1 or not any(known[:1] + known[2:4])
                return chosen
        self._tally.bounded += 1
        return []

    def _filed(self, key: int) -> Sequence[int] | None:
        return self._current(self._base.blocks, self._news.blocks, key)

    def _people(self, key: int) -> Sequence[int]:
        return self._current(self._base.people, self._news.people, key) or ()

    def _current(self, base: Postings, news: Filed, key: int) -> Sequence[int] | None:
        numbers, fresh = base.find(key), news.get(key)
        if fresh is None:
            return numbers
        gone = self._news.gone
        return [*(number for number in numbers or () if not gone[number]), *fresh]

    def _number(self, member_id: MemberId) -> int | None:
        numbers = self._people(person_key(member_id))
        return next((number for number in numbers if self.row(number).member.member_id == member_id), None)

    def _member(self, number: int) -> CohortMember:
        row = self._news.rows.get(number)
        return row.member if row else self._base.records.member(number)

    def _living(self) -> Iterator[int]:
        gone = self._news.gone or self._base.gone
        yield from (number for number in range(len(gone)) if not gone[number])
        yield from self._news.rows

    @property
    def stats(self) -> IndexStats:
        """Figures for the dashboard and the benchmark. Takes a while for a large cohort."""
        sizes = self._base.blocks.sizes({key: len(self._filed(key) or ()) for key, _ in self._news.blocks.items()})
        return IndexStats(
            members=len(self),
            searched=self._counts.searched,
            keys=int((sizes > 0).sum()),
            split_blocks=int((sizes > BLOCK_LIMIT).sum()),
            largest_block=int(sizes.max(initial=0)),
            bounded_lookups=self._tally.bounded,
        )

    def __len__(self) -> int:
        return self._counts.members

    def __repr__(self) -> str:
        return f"CohortIndex(version={self.version}, members={len(self)})"


def of_shards(members: Iterable[CohortMember], shards: Collection[int]) -> Iterator[CohortMember]:
    """The members whose shard is one of `shards`: what one of several workers needs in its index."""
    return (member for member in members if shard_of(member.member_id) in shards)
