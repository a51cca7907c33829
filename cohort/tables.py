"""Any table of people as identities: CSV, NDJSON or Parquet, read by a mapping or by our own column names.

Rows come one at a time, so a table may be larger than memory. All faults of the columns are told at once; a faulty row
is told with its line and costs itself only. No message holds a value of the table.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cohort.csv_columns import Fault
from cohort.tables_files import OpenTable, Row, Value, open_csv, open_ndjson
from cohort.tables_mapping import Side, TableMapping, own_names
from cohort.tables_values import RowReader, left_out
from domain.errors import ConfigError
from domain.identity import Identity

_PARQUET_MAGIC = b"PAR1"
_BY_ENDING = {
    ".csv": open_csv, ".tsv": open_csv, ".txt": open_csv, ".ndjson": open_ndjson, ".jsonl": open_ndjson,
    ".json": open_ndjson,
}  # fmt: skip
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class TableRecord:
    """One row: its line, its id in the table, who it says it is, and the cells of the columns asked for."""

    line: int
    record_id: str
    identity: Identity
    kept: Mapping[str, str]


class PeopleTable:
    """A table of people ready to be read, as often as wanted. `notices` are worth a word, `faults` forbid reading."""

    def __init__(self, opened: OpenTable, mapping: TableMapping, reader: RowReader, *, side: Side) -> None:
        self._opened = opened
        self._reader = reader
        self._id_column = mapping.id_column(side, opened.columns)
        self.mapping = mapping
        self.columns = opened.columns
        self.faults = (*opened.faults, *_column_faults(mapping, opened.columns, side))
        self.notices = (
            *opened.notices,
            *(() if self._id_column else ("has no id column: rows are numbered",)),
            *(("ethnicity, religion and immigration status are not compared",) if left_out(mapping) else ()),
        )

    def records(self, keep: Collection[str] = ()) -> Iterator[TableRecord | Fault]:
        """Row by row; an id that is empty or came before is a fault. `keep` names columns whose cells are wanted."""
        seen: dict[str, int] = {}
        kept = [name for name in keep if name in self.columns]
        for number, row in enumerate(self._opened.rows(), start=1):
            if isinstance(row, Fault):
                yield row
                continue
            record = self._record(number, row, kept, seen)
            yield record

    def _record(self, number: int, row: Row, kept: Sequence[str], seen: dict[str, int]) -> TableRecord | Fault:
        line, cells = row
        record_id = str(number)
        if self._id_column is not None:
            record_id = _text(cells.get(self._id_column, ""))
            if not record_id:
                return Fault(line, "", "has no id")
            if len(record_id) > _LONGEST_ID:
                return Fault(line, "", f"has an id of more than {_LONGEST_ID} letters")
            if seen.setdefault(record_id, line) != line:
                return Fault(line, "", f"has the same id as line {seen[record_id]}")
        identity = self._reader.identity(cells)
        return TableRecord(line, record_id, identity, {name: _text(cells.get(name, "")) for name in kept})


def open_people(
    path: Path,
    mapping: TableMapping | None,
    *,
    side: Side,
    as_written: bool = False,
    also: Collection[str] = (),
) -> PeopleTable:
    """The table at `path`, read by `mapping`, or by our own column names where there is none.

    `as_written` keeps every mapped column under its own name in `Identity.extra` too, `also` further columns: what an
    imported model compares. Raises ConfigError where the file is no table at all.
    """
    opened = open_table(path)
    known = mapping.fitted(opened.columns) if mapping is not None else own_names(opened.columns)
    there = [name for name in also if name in opened.columns]
    return PeopleTable(opened, known, RowReader(known, as_written=as_written, also=there), side=side)


def open_table(path: Path) -> OpenTable:
    """Any table by its columns: the ending of its name says which format it is, else its first bytes."""
    with path.open("rb") as stream:
        start = stream.read(256)
    if not start.strip():
        raise ConfigError(f"{path.name} is empty.")
    opener = _BY_ENDING.get(path.suffix.lower())
    if opener is None and path.suffix.lower() not in (".parquet", ".pq") and not start.startswith(_PARQUET_MAGIC):
        opener = open_ndjson if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else open_csv
    if opener is not None:
        return opener(path)
    from cohort.tables_parquet import open_parquet  # noqa: PLC0415 (DuckDB is loaded only where Parquet is read)

    return open_parquet(path)


def _column_faults(mapping: TableMapping, columns: Sequence[str], side: Side) -> list[Fault]:
    """Every mapped column that the table does not have, told by the mapping's own words."""
    there = set(columns)
    missing = [column for column in mapping.columns if column not in there]
    own = {Side.COHORT: "member_id", Side.EVENTS: "event_id"}[side]
    for name in (own, "id"):
        column = mapping.ids.get(name)
        if column is not None and column not in there:
            missing.append(column)
            break
    return [Fault(1, column, "is mapped, and is no column of the table") for column in missing]


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ";".join(value)
