"""The archive's files: Parquet by DuckDB, one folder per kind and month, readable without the service.

    <data>/archive/decisions/2026-03/*.parquet      by the month in which it was decided
    <data>/archive/alerts/2026-03/*.parquet         by the month in which the alert was raised

A file appears whole or not at all (written aside, fsynced, renamed) and is never changed afterwards: merging, purging
and erasing write another one and drop the old. A crash in between leaves a row twice; `record_id` and the newest
`version` of an alert tell, and every reader here goes by them. docs/backtest.md lists the columns.
"""

import contextlib
import fcntl
import os
import re
import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import duckdb
import msgspec

from domain.errors import ConfigError, StoreUnavailable
from domain.ids import MemberId
from streams.archive import AlertOutcome, Archived, Holding
from streams.archive_rows import ALERT_COLUMNS, DECISION_COLUMNS, alert_row, decision_row

_MERGE_FROM = 16  # so many files of about a size make one
_BASE = 256 * 1024  # bytes: below this all files are of a size
_ROW_GROUP = 8_192
_MEMORY = "512MB"


class Table(StrEnum):
    """The two kinds of rows."""

    DECISIONS = "decisions"
    ALERTS = "alerts"


_COLUMNS = {Table.DECISIONS: DECISION_COLUMNS, Table.ALERTS: ALERT_COLUMNS}
_ORDER = {Table.DECISIONS: "member_id, decided_at, seq", Table.ALERTS: "member_id, raised_at, alert_id"}
_WHEN = {Table.DECISIONS: "decided_at", Table.ALERTS: "raised_at"}
_ONCE = {
    Table.DECISIONS: "row_number() OVER (PARTITION BY record_id ORDER BY decided_at) = 1",
    Table.ALERTS: "row_number() OVER (PARTITION BY alert_id ORDER BY version DESC) = 1",
}


class ParquetArchive:
    """The archive in one folder. Methods block: call them from a thread. Changing ones need `locked`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._looked_at: dict[Path, bool] = {}

    def prepare(self) -> None:
        """Make the folder (0700) and drop what a crash left half written. Raises ConfigError for a folder whose name
        DuckDB would take for a pattern."""
        if set(str(self.folder.absolute())) & set("*?["):
            raise ConfigError("The data directory's name may not hold *, ? or [: the archive cannot be kept there.")
        _private(self.folder)
        with self.locked():
            for left in self.folder.rglob("*.tmp"):
                left.unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
        """While held, nobody else changes files (shared: while somebody reads).

        Raises StoreUnavailable at once where it is taken and `wait` is false.
        """
        _private(self.folder)
        handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise StoreUnavailable("The archive is being read or changed by another process.") from None
            yield
        finally:
            os.close(handle)

    def files(self, table: Table) -> list[Path]:
        """Its files, by month."""
        return sorted((self.folder / table.value).glob("*/*.parquet"))

    def write(self, decisions: Sequence[Archived], alerts: Sequence[AlertOutcome]) -> None:
        """Add rows. When it returns they are on disk: what waited may be forgotten."""
        _private(self.folder)
        for table, made in (
            (Table.DECISIONS, [(one.decided_at, decision_row(one)) for one in decisions]),
            (Table.ALERTS, [(one.raised_at, alert_row(one)) for one in alerts]),
        ):
            months: dict[str, list[dict[str, object]]] = defaultdict(list)
            for at, row in made:
                months[f"{at.astimezone(UTC):%Y-%m}"].append(row)
            if months:
                with self.connection() as connection:  # one for all: opening it costs more than writing a few rows
                    for month, rows in months.items():
                        self._write_rows(connection, table, month, rows)

    def _write_rows(
        self, connection: duckdb.DuckDBPyConnection, table: Table, month: str, rows: list[dict[str, object]]
    ) -> None:
        columns = _COLUMNS[table]
        cells = ", ".join(f"r.{name}" for name in columns)
        shape = _literal(msgspec.json.encode([dict(columns)]).decode())
        given = f"SELECT {cells} FROM (SELECT unnest(from_json(?, {shape})) AS r)"  # noqa: S608 - our own names
        query = f"SELECT * FROM ({given}) ORDER BY {_ORDER[table]}"  # noqa: S608
        self._file(connection, table, month, query, [msgspec.json.encode(rows).decode()])

    def _file(
        self, connection: duckdb.DuckDBPyConnection, table: Table, month: str, query: str, values: Sequence[object]
    ) -> Path | None:
        """A new file with the rows of a query; None, and no file, where it has none."""
        folder = self.folder / table.value / month
        for each in (self.folder, folder.parent, folder):
            _private(each)
        aside = folder / f"{secrets.token_hex(8)}.tmp"
        os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            made = _rows_into(connection, aside, query, values)
            if not made:
                return None
            aside.chmod(0o600)
            _to_disk(aside)
            aside.rename(aside.with_suffix(".parquet"))
            _to_disk(folder)
        finally:
            aside.unlink(missing_ok=True)
        return aside.with_suffix(".parquet")

    @contextlib.contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB of our own: one thread, bounded memory, nothing installed or fetched."""
        connection = duckdb.connect(
            config={
                "threads": 1,
                "memory_limit": _MEMORY,
                "temp_directory": str(self.folder / "spill.tmp"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        try:
            yield connection
        finally:
            connection.close()

    def merge(self) -> int:
        """Make few files of many small ones: `_MERGE_FROM` of about a size become one. Returns how many went."""
        gone = 0
        for table in Table:
            alike: dict[tuple[str, int], list[Path]] = defaultdict(list)
            for file in self.sound(table):
                alike[(file.parent.name, _size_class(file))].append(file)
            for (month, _), files in sorted(alike.items()):
                if len(files) >= _MERGE_FROM:
                    gone += self._replace(table, month, files, self._once(table, files))
        return gone

    def _once(self, table: Table, files: Sequence[Path], where: str = "true") -> str:
        return f"{select('*', files, where)} QUALIFY {_ONCE[table]} ORDER BY {_ORDER[table]}"

    def _replace(
        self, table: Table, month: str, files: Sequence[Path], query: str, values: Sequence[object] = ()
    ) -> int:
        """Another file in the place of these. A crash before they are dropped leaves rows twice, never less."""
        with self.connection() as connection:
            self._file(connection, table, month, query, values)
        for file in files:
            file.unlink()
        _to_disk(self.folder / table.value / month)
        return len(files)

    def purge(self, before: datetime) -> int:
        """Drop what is older. Returns how many files were dropped or written anew."""
        changed = 0
        limit = before.astimezone(UTC).replace(tzinfo=None)
        for table in Table:
            for file in self.sound(table):
                _, first, last = self._span(table, [file])
                if first is None or last is None or last < limit:
                    file.unlink()
                    _to_disk(file.parent)
                    changed += 1
                elif first < limit:
                    where = f"{_WHEN[table]} >= TIMESTAMP '{limit.isoformat(sep=' ')}'"
                    changed += self._replace(table, file.parent.name, [file], self._once(table, [file], where))
        return changed

    def _span(self, table: Table, files: Sequence[Path]) -> tuple[int, datetime | None, datetime | None]:
        """How many rows, and from when until when (UTC, naive)."""
        when = _WHEN[table]
        with self.connection() as connection:
            asked = select(f"count(*), min({when}), max({when})", files)
            count, first, last = connection.execute(asked).fetchall()[0]
        return int(count), first, last

    def erase(self, member: MemberId) -> int:
        """No byte of the member's id is left: their rows go, and where others' rows name them stands a mark that
        says nothing. Returns how many files were written anew."""
        pattern, mark = _pattern_of(member), f"erased:{secrets.token_hex(8)}"
        changed = 0
        for table, columns in _COLUMNS.items():
            texts = [column for column, kind in columns.items() if kind == "VARCHAR"]
            named = " OR ".join(f"regexp_matches({column}, {pattern})" for column in texts)
            cells = ", ".join(
                f"regexp_replace({column}, {pattern}, '{mark}', 'g') AS {column}" if column in texts else column
                for column in columns
            )
            for file in self.sound(table):
                with self.connection() as connection:
                    ((count,),) = connection.execute(select("count(*)", [file], named)).fetchall()
                if count:
                    others = f"member_id <> {_literal(member)}"
                    rows = f"{select(cells, [file], others)} ORDER BY {_ORDER[table]}"
                    changed += self._replace(table, file.parent.name, [file], rows)
        return changed

    def sound(self, table: Table) -> list[Path]:
        """The files that can be read. A file never changes, so each is looked at once."""
        files = self.files(table)
        fresh = [file for file in files if file not in self._looked_at]
        if fresh:
            with self.connection() as connection:
                self._looked_at |= {file: _is_whole(connection, file) for file in fresh}
        return [file for file in files if self._looked_at[file]]

    def damaged(self) -> list[Path]:
        """The files that cannot be read: half written by something else, or harmed on disk. Nothing is done to them."""
        return [file for table in Table for file in sorted({*self.files(table)} - {*self.sound(table)})]

    def holding(self) -> Holding:
        """What is there, as files count it: a row that a crash left twice counts twice."""
        counts = dict.fromkeys(Table, 0)
        moments: list[datetime] = []
        for table in Table:
            sound = self.sound(table)
            if sound:
                counts[table], first, last = self._span(table, sound)
                moments += [each.replace(tzinfo=UTC) for each in (first, last) if each is not None]
        files = [file for table in Table for file in self.files(table)]
        return Holding(
            files=len(files),
            bytes=sum(file.stat().st_size for file in files),
            decisions=counts[Table.DECISIONS],
            alerts=counts[Table.ALERTS],
            oldest=min(moments, default=None),
            newest=max(moments, default=None),
            damaged=tuple(str(file.relative_to(self.folder)) for file in self.damaged()),
        )


def select(what: str, files: Sequence[Path], where: str = "true") -> str:
    """A query on these files. Their names and the columns' are ours, what is compared is quoted: nothing is spliced."""
    listed = ", ".join(_literal(str(file.absolute())) for file in files)
    return f"SELECT {what} FROM read_parquet([{listed}]) WHERE {where}"  # noqa: S608 - as above


def _rows_into(connection: duckdb.DuckDBPyConnection, file: Path, query: str, values: Sequence[object]) -> int:
    form = f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
    try:
        told = connection.execute(f"COPY ({query}) TO {_literal(str(file.absolute()))} {form}", values).fetchall()
    except duckdb.Error as fault:  # its words may quote a row
        raise StoreUnavailable(f"The archive could not be written ({type(fault).__name__}).") from None
    return int(told[0][0])


def _is_whole(connection: duckdb.DuckDBPyConnection, file: Path) -> bool:
    try:
        connection.execute("SELECT num_rows FROM parquet_file_metadata(?)", [str(file)]).fetchall()
    except duckdb.Error:
        return False
    return True


def _pattern_of(member: MemberId) -> str:
    """As SQL text: the id as a whole word, plain and as JSON writes it."""
    found = []
    for word in dict.fromkeys((str(member), msgspec.json.encode(str(member)).decode()[1:-1])):
        before, after = ("\\b" if edge.isalnum() else "" for edge in (word[0], word[-1]))
        found.append(f"{before}{re.escape(word)}{after}")
    return _literal("|".join(found))


def _literal(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


def _size_class(file: Path) -> int:
    """0 for small files, one more for each factor of `_MERGE_FROM`."""
    size, found = file.stat().st_size, 0
    while size > _BASE:
        size //= _MERGE_FROM
        found += 1
    return found


def _private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
