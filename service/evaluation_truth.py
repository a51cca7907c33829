"""Who the events are truly about: a table of pairs, or of records with the person each belongs to.

CSV, NDJSON or Parquet. Columns are known by name (event_id, member_id; or an id and `cluster`), else by their cells:
which column holds ids of events, which of members. No message holds a cell.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cohort.csv_columns import Fault
from cohort.tables import open_table
from cohort.tables_files import OpenTable
from domain.errors import ConfigError

_CLUSTERS = ("cluster", "cluster_id", "entity_id", "true_id", "true_match_id", "same_person")
_HINTS = (
    (("event", "mention"), ("b", "r", "right", "2", "y")),
    (("member", "cohort", "person"), ("a", "l", "left", "1", "x")),
)
"""Words in a column's name, and its last letters, that speak for events and for members."""
_SAMPLE = 2_000
_ENOUGH = 0.02
"""The share of a column's cells that must be ids of one side for it to be that side's."""
_Cells = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Truth:
    """`pairs` are (event id, member id) that are one person and in both tables; `elsewhere` were not in them.

    `groups` are the other columns of the file, by event id.
    """

    pairs: frozenset[tuple[str, str]]
    elsewhere: int
    groups: Mapping[str, Mapping[str, str]]
    columns: tuple[str, ...] = ()


def read_truth(path: Path, events: Collection[str], members: Collection[str], names: Mapping[str, str] = {}) -> Truth:
    """The truth at `path` about these events and members. `names` are other names of events (their source's keys).

    Raises ConfigError where its columns cannot be told.
    """
    table = open_table(path)
    rows = list(_rows(table, path.name))
    known_events = {**names, **{event: event for event in events}}
    known_members = set(members)
    cluster = next((name for name in table.columns if name.lower() in _CLUSTERS), None)
    event, member = _by_name(table.columns) or (None, None)
    if event is None and cluster is not None:
        own = _own_id(table.columns, rows, {*known_events, *known_members}, cluster)
        return _of_clusters(rows, own, cluster, known_events, known_members)
    if event is None or member is None:
        event, member = _by_cells(table.columns, rows, known_events.keys(), known_members)
    pairs: set[tuple[str, str]] = set()
    elsewhere = 0
    groups: dict[str, Mapping[str, str]] = {}
    for row in rows:
        who, about = known_events.get(row[event]), row[member]
        if who is not None:
            groups[who] = row
        if who is not None and about in known_members:
            pairs.add((who, about))
        elif row[event] and about:
            elsewhere += 1
    rest = tuple(name for name in table.columns if name not in (event, member))
    return Truth(frozenset(pairs), elsewhere, groups, rest)


def _rows(table: OpenTable, name: str) -> Iterator[dict[str, str]]:
    for row in table.rows():
        if isinstance(row, Fault):
            raise ConfigError(f"{name}: {row}.")
        cells = row[1]
        yield {
            column: cell if isinstance(cell := cells.get(column, ""), str) else ";".join(cell)
            for column in table.columns
        }


def _by_name(columns: Sequence[str]) -> tuple[str, str] | None:
    lower = {name.lower(): name for name in columns}
    return (lower["event_id"], lower["member_id"]) if {"event_id", "member_id"} <= lower.keys() else None


def _by_cells(
    columns: Sequence[str], rows: _Cells, events: Collection[str], members: Collection[str]
) -> tuple[str, str]:
    """The two columns whose cells are most often ids of events and of members; names decide between equals."""
    sample = rows[:: max(1, len(rows) // _SAMPLE)]

    def share(column: str, ids: Collection[str]) -> float:
        cells = [row[column] for row in sample if row[column]]
        return sum(cell in ids for cell in cells) / len(cells) if cells else 0.0

    of_events = {name: share(name, events) for name in columns}
    of_members = {name: share(name, members) for name in columns}
    pairs = [
        (of_events[one] + of_members[other], _hinted(one) - _hinted(other), place, one, other)
        for place, one in enumerate(columns)
        for other in columns
        if one != other and of_events[one] >= _ENOUGH and of_members[other] >= _ENOUGH
    ]
    if not pairs:
        raise ConfigError("The truth has no two columns with ids of events and members: name them event_id, member_id.")
    *_, event, member = max(pairs, key=lambda pair: pair[:3])
    return event, member


def _hinted(column: str) -> int:
    """1 for a name that speaks for events, -1 for one of members, 0 for neither; the later column is of events then."""
    name = column.lower()
    event, member = (any(map(name.__contains__, words)) or name.endswith(ends) for words, ends in _HINTS)
    return event - member


def _own_id(columns: Sequence[str], rows: _Cells, known: Collection[str], cluster: str) -> str:
    others = [name for name in columns if name != cluster]
    best = max(others, key=lambda name: sum(row[name] in known for row in rows), default=None)
    if best is None or not any(row[best] in known for row in rows):
        raise ConfigError("The truth has no column with the ids of records beside the person each belongs to.")
    return best


def _of_clusters(rows: _Cells, own: str, cluster: str, events: Mapping[str, str], members: Collection[str]) -> Truth:
    """Records of one person are pairs of each other; a record is not a pair with itself."""
    held: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row[cluster] and row[own] in members:
            held[row[cluster]].append(row[own])
    pairs: set[tuple[str, str]] = set()
    groups: dict[str, Mapping[str, str]] = {}
    for row in rows:
        event = events.get(row[own])
        if event is not None:
            groups[event] = row
            pairs.update((event, member) for member in held.get(row[cluster], ()) if member != event)
    return Truth(frozenset(pairs), 0, groups, ())
