"""Where a backtest's history comes from: the archive's files, or any NDJSON, which is put into files of its own first.

Read in chunks of whole people, each chunk in one question, so that memory stays bounded and processes can share the
work. Entries are decoded where they are judged.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from domain.errors import ConfigError
from domain.ids import MemberId
from domain.kinds import Kind
from service.backtest_reading import needed_where
from streams import codec
from streams.archive_parquet import ParquetArchive, Table, select
from streams.archive_replay import Past, past_of

ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """The people from `first` to `last`, in order of their ids, with about `rows` decisions."""

    first: str
    last: str
    rows: int


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a real alert: what came of it ('' where nothing was recorded) and its firings."""

    alert_id: str
    outcome: str
    state: str
    raised_at: datetime
    firings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonPast:
    """One person's decisions, in order, and their real alerts."""

    member_id: MemberId
    pasts: Iterator[Past]
    known: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The files that are read, as they were when the backtest began, in chunks. `damaged` could not be read.

    `first` and `last` are of what is judged, up to the end of the time asked about; `in_time` is how many decisions lie
    in that time itself, and `whole` from when to when there is history at all.
    """

    folder: Path
    decisions: tuple[Path, ...]
    alerts: tuple[Path, ...]
    chunks: tuple[Chunk, ...]
    first: datetime | None
    last: datetime | None
    damaged: tuple[str, ...] = ()
    in_time: int = 0
    whole: tuple[datetime, datetime] | None = None
    kinds: frozenset[Kind] | None = None  # the records that are read, beside each person's last; None: all

    @property
    def rows(self) -> int:
        """How many decisions."""
        return sum(chunk.rows for chunk in self.chunks)


def plan_of(archive: ParquetArchive, since: datetime, until: datetime) -> Plan:
    """What is to be read of an archive for a time: all up to `until`."""
    decisions, alerts = archive.sound(Table.DECISIONS), archive.sound(Table.ALERTS)
    damaged = tuple(file.name for file in archive.damaged())
    if not decisions:
        return Plan(archive.folder, (), tuple(alerts), (), None, None, damaged)
    before = f"decided_at < TIMESTAMP '{_naive(until).isoformat(sep=' ')}'"
    with archive.connection() as connection:
        asked = select("member_id, count(*)", decisions, before)
        people = connection.execute(f"{asked} GROUP BY member_id ORDER BY member_id").fetchall()
        within = f"{before} AND decided_at >= TIMESTAMP '{_naive(since).isoformat(sep=' ')}'"
        bounds = f"min(decided_at), max(decided_at) FILTER (WHERE {before}), max(decided_at)"
        asked = select(f"{bounds}, count(*) FILTER (WHERE {within})", decisions)
        first, last, newest, in_time = connection.execute(asked).fetchall()[0]
    moments = [each.replace(tzinfo=UTC) if each else None for each in (first if people else None, last)]
    return Plan(
        archive.folder,
        tuple(decisions),
        tuple(alerts),
        _chunks(people),
        moments[0],
        moments[1],
        damaged,
        in_time,
        (first.replace(tzinfo=UTC), newest.replace(tzinfo=UTC)) if first else None,
    )


def _chunks(people: Sequence[tuple[str, int]]) -> tuple[Chunk, ...]:
    found: list[Chunk] = []
    first, last, rows = "", "", 0
    for member, count in people:
        first = first or member
        last, rows = member, rows + count
        if rows >= ROWS_AT_ONCE:
            found.append(Chunk(first, last, rows))
            first, rows = "", 0
    if rows:
        found.append(Chunk(first, last, rows))
    return tuple(found)


_RECORD = (
    "'{\"record_id\":' || to_json(record_id) || ',\"member_id\":' || to_json(member_id) || ',\"order\":' || seq"
    ' || \',"decided_at":"\' || strftime(decided_at, \'%Y-%m-%dT%H:%M:%S.%fZ\') || \'","disposition":""\''
    ' || \',"rules":"","facts":\' || facts || \',"entry":\' || coalesce(entry, \'null\') || \',"extra":\' || extra'
    " || ',\"ruling\":' || to_json(ruling) || ',\"found\":' || found || ',\"firings\":' || firings || '}'"
)
"""A record as `codec.decode_archived` reads it, put together from its columns."""

_JUDGED = (
    '\'{"record_id":\' || to_json(record_id) || \',"decided_at":"\' || decided_at::VARCHAR || \'Z","facts":\' || facts'
    " || CASE WHEN entry IS NULL THEN ',\"firings\":' || firings ELSE ',\"entry\":' || entry END"
    " || CASE WHEN extra = '[]' AND ruling = '' AND NOT found THEN '}' ELSE"
    " ',\"extra\":' || extra || ',\"ruling\":' || to_json(ruling) || ',\"found\":' || found || '}' END"
)
"""Only what a backtest reads of it (`codec.decode_records`): a third less to write and read than the whole."""

_LAST = "row_number() OVER (PARTITION BY member_id ORDER BY decided_at DESC, seq DESC) = 1"
"""A person's last record: it says who they are, and so everybody is counted of whom anything was heard."""


@contextmanager
def reading(plan: Plan) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to read a plan's people by. One serves for many chunks: opening it takes 30 ms, and it remembers
    where the files have what."""
    with ParquetArchive(plan.folder).connection() as connection:
        yield connection


def people_of(connection: duckdb.DuckDBPyConnection, plan: Plan, chunk: Chunk, until: datetime) -> Iterator[PersonPast]:
    """The people of a chunk, in order of their ids, each with the records that the plan reads. Raises ConfigError where
    a file turns out to be damaged."""
    between = "member_id BETWEEN ? AND ?"
    known = _known_of(connection, plan, chunk, between)
    before = f"{between} AND decided_at < TIMESTAMP '{_naive(until).isoformat(sep=' ')}'"
    asked = select(f"member_id, {_JUDGED}", plan.decisions, before)
    needed = "" if plan.kinds is None else f"QUALIFY {needed_where(plan.kinds)} OR {_LAST}"
    found = _run(connection, f"{asked} {needed} ORDER BY member_id, decided_at, seq", chunk)
    for member, own in groupby(found, key=itemgetter(0)):
        records = f"[{','.join(record for _, record in own)}]"
        yield PersonPast(MemberId(member), past_of(codec.decode_records(records)), known.get(member, ()))


def export_to(archive: ParquetArchive, stream: BinaryIO) -> int:
    """Every decision as a line of NDJSON, by person, in order; as `backtest_history` reads them. Returns how many."""
    files = archive.sound(Table.DECISIONS)
    if not files:
        return 0
    once = "QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY decided_at) = 1"
    number = 0
    with archive.connection() as connection:
        found = connection.execute(f"{select(_RECORD, files)} {once} ORDER BY member_id, decided_at, seq")
        while rows := found.fetchmany(ROWS_AT_ONCE):
            stream.writelines(line.encode() + b"\n" for (line,) in rows)
            number += len(rows)
    return number


def _known_of(
    connection: duckdb.DuckDBPyConnection, plan: Plan, chunk: Chunk, between: str
) -> Mapping[str, tuple[Known, ...]]:
    if not plan.alerts:
        return {}
    asked = select("member_id, alert_id, outcome, state, raised_at, firings", plan.alerts, between)
    newest = "QUALIFY row_number() OVER (PARTITION BY alert_id ORDER BY version DESC) = 1"
    found: dict[str, tuple[Known, ...]] = {}
    for member, alert_id, outcome, state, raised_at, firings in _run(connection, f"{asked} {newest}", chunk):
        known = Known(alert_id, outcome or "", state, raised_at.replace(tzinfo=UTC), tuple(firings))
        found[member] = (*found.get(member, ()), known)
    return found


def _run(connection: duckdb.DuckDBPyConnection, asked: str, chunk: Chunk) -> Iterable[Any]:
    try:
        return connection.execute(asked, [chunk.first, chunk.last]).fetchall()
    except duckdb.Error as fault:  # its words may quote a row
        raise ConfigError(
            f"A file of the archive is damaged inside ({type(fault).__name__}); `reachpoint archive status` names them."
        ) from None


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
