"""What changed since the base of an index was made: members new or changed, under their keys, and base rows now gone.

Immutable: `changed` makes the next one and shares all that it did not touch.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cohort.base import Base, Row, people_keys, searchable
from cohort.blocking import Combination, blocking_keys
from cohort.frequencies import add_tokens
from cohort.shelf import Shelf

Filed = Shelf[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Overlay:
    """`rows` by number, which go on where those of the base end. A key in `blocks` or `people` is one whose members
    are no longer just those of the base. `gone` marks base rows that do not count; empty while there are none new.
    """

    rows: Mapping[int, Row] = field(default_factory=dict)
    blocks: Filed = field(default_factory=lambda: Shelf.of({}))
    people: Filed = field(default_factory=lambda: Shelf.of({}))
    gone: bytes = b""
    next: int = 0
    tokens: Mapping[str, int] = field(default_factory=dict)

    def changed(
        self, base: Base, olds: Mapping[int, Row], news: Sequence[Row], keys: Sequence[Combination]
    ) -> "Overlay":
        """The overlay with old rows (by number) taken out and new ones put in."""
        gone = bytearray(self.gone or base.gone)
        for number in olds:
            if number < len(gone):
                gone[number] = 1
        first = max(self.next, len(base.records))
        coming = dict(enumerate(news, first))
        rows = {number: row for number, row in self.rows.items() if number not in olds} | coming
        return Overlay(
            rows,
            _refiled(self.blocks, _by_key(olds, _block_keys, keys), _by_key(coming, _block_keys, keys)),
            _refiled(self.people, _by_key(olds, _people_keys, keys), _by_key(coming, _people_keys, keys)),
            bytes(gone),
            first + len(news),
            self._counted(olds, news),
        )

    def _counted(self, olds: Mapping[int, Row], news: Sequence[Row]) -> dict[str, int]:
        """How many bearers each name has more, or less, than in the base."""
        tokens = dict(self.tokens)
        for row in olds.values():
            add_tokens(tokens, row.prepared, -1)
        for row in news:
            add_tokens(tokens, row.prepared, 1)
        return tokens

    def __len__(self) -> int:
        return max(len(self.rows), self.gone.count(1))


NOTHING = Overlay()
"""The overlay of an index that is all base."""


def _block_keys(row: Row, keys: Sequence[Combination]) -> Iterable[int]:
    return blocking_keys(row.prepared, keys) if searchable(row.member) else ()


def _people_keys(row: Row, _keys: Sequence[Combination]) -> Iterable[int]:
    return people_keys(row.member)


def _by_key(
    rows: Mapping[int, Row], filed: Callable[[Row, Sequence[Combination]], Iterable[int]], keys: Sequence[Combination]
) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for number, row in rows.items():
        for key in set(filed(row, keys)):
            groups.setdefault(key, []).append(number)
    return groups


def _refiled(shelf: Filed, leaving: Mapping[int, Sequence[int]], coming: Mapping[int, Sequence[int]]) -> Filed:
    """A key that has nobody new keeps its place: its base rows are not all there any more."""

    def refile(key: int, numbers: tuple[int, ...] | None) -> tuple[int, ...]:
        out = leaving.get(key, ())
        return (*(number for number in numbers or () if number not in out), *coming.get(key, ()))

    return shelf.changed({**leaving, **coming}, refile)
