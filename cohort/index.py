"""The watched people, ready to be found: an immutable, versioned index from blocking keys to members.

`build` makes one, `apply` makes the next from a few changes while the old one stays valid. Both give the same index.
Closed and deceased members can be looked up by id, but no mention finds them. Idea of the keys: limits.md 3.3.
"""

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from cohort.blocking import Combination, blocking_keys, check_keys, probe_keys, refinements
from cohort.prepared import PreparedIdentity, prepare
from cohort.shelf import Shelf, empty_drawers
from domain.ids import HouseholdId, MemberId
from domain.matches import Relation
from domain.people import CohortMember, MemberStatus

BLOCK_LIMIT = 40
"""Members under one key up to which all are compared; above, a second key must agree too (about 60 us of comparing)."""
_KEYS_EACH = 14
"""Keys of a typical member; only sizes the drawers."""
_NOT_SEARCHED = frozenset({MemberStatus.CLOSED, MemberStatus.DECEASED})


class Row(NamedTuple):
    """A member who can be found, with their identity prepared."""

    member: CohortMember
    prepared: PreparedIdentity

    def __repr__(self) -> str:
        return f"Row({self.member.member_id})"


Refinement = int | str


class SplitBlock:
    """A block that grew too large, divided by a second key (birth year, district, another name token, phone).

    Parts that are still too large are left out, and counted: who shares nothing more specific is not found this way.
    """

    __slots__ = ("left_out", "parts", "rows")

    def __init__(self, rows: tuple[Row, ...], known: dict[int, set[Refinement]]) -> None:
        """`known` remembers the second keys of rows by their `id`: the rows of one large block are in others too."""
        parts: dict[Refinement, list[Row]] = {}
        for row in rows:
            own = known.get(id(row))
            if own is None:
                own = known[id(row)] = refinements(row.prepared)
            for refinement in own:
                part = parts.get(refinement)
                if part is None:
                    parts[refinement] = [row]
                else:
                    part.append(row)
        self.rows = rows
        self.parts = {key: tuple(part) for key, part in parts.items() if len(part) <= BLOCK_LIMIT}
        self.left_out = len(parts) - len(self.parts)

    def chosen(self, who: PreparedIdentity) -> Iterable[Row]:
        """The members that share a second key with `who`."""
        for refinement in refinements(who):
            yield from self.parts.get(refinement, ())


Block = Row | tuple[Row, ...] | SplitBlock
"""One member, some, or too many. (A Row is a tuple too: ask for it first.)"""


def _block(rows: Sequence[Row], known: dict[int, set[Refinement]]) -> Block | None:
    if not rows:
        return None
    if len(rows) == 1:
        return rows[0]
    return tuple(rows) if len(rows) <= BLOCK_LIMIT else SplitBlock(tuple(rows), known)


def _file(drawers: list[dict[int, Any]], row: Row, shared: list[int], keys: Sequence[Combination]) -> None:
    """Put a row under each of its keys: alone where it is the first, into a list (told in `shared`) from the second."""
    mask = len(drawers) - 1
    for key in blocking_keys(row.prepared, keys):
        drawer = drawers[key & mask]
        held = drawer.setdefault(key, row)
        if held is not row:  # a key that comes twice finds its own row
            if type(held) is not list:
                drawer[key] = [held, row]
                shared.append(key)
            elif held[-1] is not row:
                held.append(row)


def _closed(drawers: list[dict[int, Any]], shared: Iterable[int]) -> dict[int, int]:
    """Turn the lists into blocks; answers how many parts each divided block had to leave out."""
    splits: dict[int, int] = {}
    mask = len(drawers) - 1
    known: dict[int, set[Refinement]] = {}
    for key in shared:
        drawer = drawers[key & mask]
        block = drawer[key] = _block(drawer[key], known)
        if type(block) is SplitBlock:
            splits[key] = block.left_out
    return splits


def _rows(block: Block | None) -> tuple[Row, ...]:
    if block is None:
        return ()
    if type(block) is Row:
        return (block,)
    return block.rows if type(block) is SplitBlock else block  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class IndexStats:
    """What the index holds. `split_blocks` grew too large, `parts_left_out` of them stayed too large even divided.

    `bounded_lookups` counts look-ups in which the bound bit since the index was first built.
    """

    members: int
    searched: int
    keys: int
    split_blocks: int
    parts_left_out: int
    bounded_lookups: int


@dataclass(frozen=True, slots=True)
class CohortChanges:
    """What happened to the cohort: members new or changed, and ids of those removed."""

    members: tuple[CohortMember, ...] = ()
    removed: tuple[MemberId, ...] = ()


@dataclass(slots=True)
class _Tally:
    """The one thing that changes: a count for the metric, shared by the versions of an index; it decides nothing."""

    bounded: int = 0


class CohortIndex:
    """An immutable view of the cohort at one version. Make it with `build`, follow changes with `apply`."""

    __slots__ = ("_blocks", "_households", "_links", "_people", "_searched", "_splits", "_tally", "keys", "version")

    def __init__(
        self,
        *,
        people: Shelf[tuple[Row, ...]],
        blocks: Shelf[Block],
        households: Shelf[tuple[MemberId, ...]],
        links: Shelf[tuple[MemberId, ...]],
        splits: Mapping[int, int],
        searched: int,
        version: int,
        tally: _Tally,
        keys: tuple[Combination, ...],
    ) -> None:
        self._people = people
        self._blocks = blocks
        self._households = households
        self._links = links
        self._splits = splits
        self._searched = searched
        self._tally = tally
        self.keys = keys
        self.version = version

    @classmethod
    def build(
        cls, members: Iterable[CohortMember], version: int = 0, keys: Sequence[Combination] = ()
    ) -> "CohortIndex":
        """An index of `members`; of several with one id the last stands. Some 50 microseconds per member.

        `keys` are combinations of `blocking.PARTS` beyond the keys that every index has (`MatchModel.keys`). Raises
        ConfigError where one asks for a part that there is not.

        The cyclic collector is held off meanwhile: millions of small tuples that never die would be walked again and
        again (limits.md 3.3).
        """
        check_keys(keys)
        collecting = gc.isenabled()
        gc.disable()
        try:
            everybody = sorted({m.member_id: m for m in members}.values(), key=_member_id)
            return cls._built(everybody, version, tuple(keys))
        finally:
            if collecting:
                gc.enable()

    @classmethod
    def _built(cls, members: list[CohortMember], version: int, keys: tuple[Combination, ...]) -> "CohortIndex":
        people: dict[int, tuple[Row, ...]] = {}
        drawers: list[dict[int, Any]] = empty_drawers(len(members) * _KEYS_EACH)
        shared: list[int] = []
        searched = 0
        for member in members:
            row = Row(member, prepare(member.identity))
            own = hash(member.member_id)
            people[own] = (*people[own], row) if own in people else (row,)
            if _searchable(member):
                searched += 1
                _file(drawers, row, shared, keys)
        return cls(
            people=Shelf.of(people),
            splits=_closed(drawers, shared),
            blocks=Shelf(drawers, sum(map(len, drawers))),
            households=Shelf.of(_grouped(members, _household_keys)),
            links=Shelf.of(_grouped(members, _link_keys)),
            searched=searched,
            version=version,
            tally=_Tally(),
            keys=keys,
        )

    def apply(self, changes: CohortChanges, version: int) -> "CohortIndex":
        """The index after `changes`, at `version`. Costs below half a millisecond per change; this one stays."""
        news = {member.member_id: Row(member, prepare(member.identity)) for member in changes.members}
        touched = dict.fromkeys((*news, *changes.removed))
        olds = {member_id: row for member_id in touched if (row := self._row(member_id)) is not None}
        for member_id in changes.removed:
            news.pop(member_id, None)
        old_members = [row.member for row in olds.values()]
        new_members = [row.member for row in news.values()]
        blocks, splits = self._refiled(olds, news)
        return CohortIndex(
            people=_moved(self._people, _by_key(olds, _own_keys), _by_key(news, _own_keys), _row_order),
            blocks=blocks,
            households=_regrouped(self._households, old_members, new_members, _household_keys),
            links=_regrouped(self._links, old_members, new_members, _link_keys),
            splits=splits,
            searched=self._searched
            - sum(_searchable(member) for member in old_members)
            + sum(_searchable(member) for member in new_members),
            version=version,
            tally=self._tally,
            keys=self.keys,
        )

    def _refiled(
        self, olds: Mapping[MemberId, Row], news: Mapping[MemberId, Row]
    ) -> tuple[Shelf[Block], dict[int, int]]:
        """The blocks with old rows taken out and new ones put in, in order of member id as `build` has them."""
        leaving, coming = _by_key(olds, self._search_keys), _by_key(news, self._search_keys)
        splits = dict(self._splits)
        known: dict[int, set[Refinement]] = {}

        def refile(key: int, block: Block | None) -> Block | None:
            gone = {row.member.member_id for row in leaving.get(key, ())}
            rows = [row for row in _rows(block) if row.member.member_id not in gone]
            changed = _block(sorted((*rows, *coming.get(key, ())), key=_row_order), known)
            splits.pop(key, None)
            if type(changed) is SplitBlock:
                splits[key] = changed.left_out
            return changed

        return self._blocks.changed({**leaving, **coming}, refile), splits

    def _search_keys(self, row: Row) -> Iterable[int]:
        return set(blocking_keys(row.prepared, self.keys)) if _searchable(row.member) else ()

    def _row(self, member_id: MemberId) -> Row | None:
        rows = self._people.get(hash(member_id)) or ()
        return next((row for row in rows if row.member.member_id == member_id), None)

    def member(self, member_id: MemberId) -> CohortMember | None:
        """The member with this id, closed and deceased ones too; None where nobody has it."""
        row = self._row(member_id)
        return None if row is None else row.member

    def prepared(self, member_id: MemberId) -> PreparedIdentity | None:
        """The member's identity as it is compared."""
        row = self._row(member_id)
        return None if row is None else row.prepared

    def members(self) -> list[CohortMember]:
        """Everybody, by member id."""
        return sorted((row.member for _, rows in self._people.items() for row in rows), key=_member_id)

    def household(self, household_id: HouseholdId) -> tuple[MemberId, ...]:
        """The members of a household, by id; () where there are none."""
        return tuple(
            member_id
            for member_id in self._households.get(hash(household_id)) or ()
            if (member := self.member(member_id)) is not None and member.household_id == household_id
        )

    def linked(self, member_id: MemberId) -> tuple[tuple[MemberId, Relation], ...]:
        """Whom this member's harm concerns: their household, then associates, each once, by id. Symmetric.

        If either lists the other they are associates (rules.md 1.4); only people of this cohort, never oneself.
        """
        member = self.member(member_id)
        if member is None:
            return ()
        home = self.household(member.household_id) if member.household_id else ()
        found = {other: Relation.HOUSEHOLD for other in home if other != member_id}
        listed_by = (
            other
            for other in self._links.get(hash(member_id)) or ()
            if (listing := self.member(other)) is not None and member_id in listing.associates
        )
        for other in sorted({*member.associates, *listed_by}):
            if other != member_id and other not in found and self.member(other) is not None:
                found[other] = Relation.ASSOCIATE
        return tuple(found.items())

    def candidates(self, who: PreparedIdentity) -> list[Row]:
        """The members worth comparing with `who`, each once, in no order that means anything."""
        found: dict[int, Row] = {}
        drawers, mask = self._blocks.drawers, self._blocks.mask
        for key in probe_keys(who, self.keys):
            block = drawers[key & mask].get(key)
            if block is None:
                continue
            if type(block) is Row:
                found[id(block)] = block
            elif type(block) is SplitBlock:
                self._tally.bounded += block.left_out > 0
                found.update((id(row), row) for row in block.chosen(who))
            else:
                found.update((id(row), row) for row in block)  # type: ignore[union-attr, misc]
        return list(found.values())

    @property
    def stats(self) -> IndexStats:
        """Figures for the dashboard and the benchmark."""
        return IndexStats(
            members=len(self),
            searched=self._searched,
            keys=len(self._blocks),
            split_blocks=len(self._splits),
            parts_left_out=sum(self._splits.values()),
            bounded_lookups=self._tally.bounded,
        )

    def __len__(self) -> int:
        return len(self._people)

    def __repr__(self) -> str:
        return f"CohortIndex(version={self.version}, members={len(self)})"


def _member_id(member: CohortMember) -> MemberId:
    return member.member_id


def _row_order(row: Row) -> MemberId:
    return row.member.member_id


def _searchable(member: CohortMember) -> bool:
    return member.status not in _NOT_SEARCHED and not member.identity.deceased


def _own_keys(row: Row) -> Iterable[int]:
    return (hash(row.member.member_id),)


def _household_keys(member: CohortMember) -> Iterable[int]:
    return (hash(member.household_id),) if member.household_id else ()


def _link_keys(member: CohortMember) -> Iterable[int]:
    return map(hash, member.associates)


Item = TypeVar("Item")


def _by_key(rows: Mapping[MemberId, Row], keys: Callable[[Row], Iterable[int]]) -> dict[int, list[Row]]:
    filed: dict[int, list[Row]] = {}
    for row in rows.values():
        for key in keys(row):
            filed.setdefault(key, []).append(row)
    return filed


def _grouped(
    members: Iterable[CohortMember], keys: Callable[[CohortMember], Iterable[int]]
) -> dict[int, tuple[MemberId, ...]]:
    groups: dict[int, list[MemberId]] = {}
    for member in members:
        for key in keys(member):
            groups.setdefault(key, []).append(member.member_id)
    return {key: (ids[0],) if len(ids) == 1 else tuple(sorted(set(ids))) for key, ids in groups.items()}


def _moved(
    shelf: Shelf[tuple[Item, ...]],
    leaving: Mapping[int, Sequence[Item]],
    coming: Mapping[int, Sequence[Item]],
    order: Callable[[Item], str],
) -> Shelf[tuple[Item, ...]]:
    """The shelf with some items of some groups taken out and others put in; an empty group goes."""

    def move(key: int, group: tuple[Item, ...] | None) -> tuple[Item, ...] | None:
        gone = set(map(order, leaving.get(key, ())))
        kept = {order(item): item for item in group or () if order(item) not in gone}
        kept.update((order(item), item) for item in coming.get(key, ()))
        return tuple(kept[name] for name in sorted(kept)) or None

    return shelf.changed({**leaving, **coming}, move)


def _regrouped(
    shelf: Shelf[tuple[MemberId, ...]],
    olds: Iterable[CohortMember],
    news: Iterable[CohortMember],
    keys: Callable[[CohortMember], Iterable[int]],
) -> Shelf[tuple[MemberId, ...]]:
    return _moved(shelf, _grouped(olds, keys), _grouped(news, keys), str)
