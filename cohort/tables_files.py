"""The rows of a CSV or NDJSON table of any origin, one at a time: whoever wrote it, only its cells are taken.

CSV: `,` `;` tab or `|`, told by the first line; UTF-8 (with or without BOM), UTF-16 with BOM, else Latin-1 with a
notice. NDJSON: one object a line; objects inside are flattened with dots. Parquet is in `tables_parquet.py`.
"""

import codecs
import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from cohort.csv_columns import Fault
from domain.errors import ConfigError

Value = str | tuple[str, ...]
"""A cell: one text, or several where the format has lists."""
Row = tuple[int, Mapping[str, Value]]
"""Line or row number from 1 and the cells by column."""

LONGEST_CELL = 1 << 16
_DELIMITERS = ",;\t|"
_CHUNK = 1 << 20
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A table whose columns are known; `rows()` reads it from the start, faulty rows as faults."""

    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Row | Fault]]
    notices: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def cell_text(value: object) -> Value:
    """A value of JSON or Parquet as a cell: numbers as they are written (7, not 7.0), nothing for null and NaN."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value.is_finite() else ""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, list | tuple):
        return tuple(text for each in value if isinstance(text := cell_text(each), str) and text)
    return str(value)


def open_csv(path: Path) -> OpenTable:
    """The CSV table at `path`. Raises ConfigError where it has no column names at all."""
    encoding, notices = _encoding_of(path)
    with path.open(encoding=encoding, newline="") as stream:
        first = stream.readline(LONGEST_CELL)
        delimiter = max(_DELIMITERS, key=_outside_quotes(first).count)
        stream.seek(0)
        try:
            header = next(csv.reader(stream, delimiter=delimiter), [])
        except csv.Error:
            header = []
    columns = tuple(name.strip() for name in header)
    if not any(columns):
        raise ConfigError("The table has no column names in its first line.")

    def rows() -> Iterator[Row | Fault]:
        with path.open(encoding=encoding, newline="") as stream:
            yield from _csv_rows(csv.reader(stream, delimiter=delimiter, strict=True), columns)

    return OpenTable(columns, rows, notices, _header_faults(columns))


def _csv_rows(reader: Any, columns: Sequence[str]) -> Iterator[Row | Fault]:
    """`reader` is what csv.reader makes (it has no public type)."""
    header = True
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            yield Fault(reader.line_num, "", "is not a CSV line: a quotation mark is misplaced, or a cell is too large")
            continue
        if cells is None:
            return
        if header or not cells:
            header = False
        elif len(cells) != len(columns):
            yield Fault(reader.line_num, "", f"has {len(cells)} cells, and there are {len(columns)} columns")
        else:
            yield reader.line_num, {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}


def _header_faults(columns: Sequence[str]) -> tuple[Fault, ...]:
    doubled = {name for name in columns if name and columns.count(name) > 1}
    return tuple(Fault(1, "", "names a column twice") for _ in doubled)


def _outside_quotes(line: str) -> str:
    return "".join(line.split('"')[::2])


def _encoding_of(path: Path) -> tuple[str, tuple[str, ...]]:
    with path.open("rb") as stream:
        start = stream.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16", ()
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            decoder.decode(start)
            while chunk := stream.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1", ("is not UTF-8 text; it is read as Latin-1",)
    return "utf-8-sig", ()


def open_ndjson(path: Path) -> OpenTable:
    """The NDJSON table at `path`; its columns are all keys that any line has."""
    columns: dict[str, None] = {}

    def rows() -> Iterator[Row | Fault]:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                if text.strip():
                    yield _json_row(number, text)

    for row in rows():
        if not isinstance(row, Fault):
            columns.update(dict.fromkeys(row[1]))
    if not columns:
        raise ConfigError("The table has no lines that are JSON objects.")
    return OpenTable(tuple(columns), rows)


def _json_row(number: int, line: bytes) -> Row | Fault:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return Fault(number, "", "is not JSON")
    if not isinstance(value, dict):
        return Fault(number, "", "is not a JSON object")
    return number, dict(_flattened(value, "", _DEEPEST))


def _flattened(value: Mapping[str, object], path: str, depth: int) -> Iterator[tuple[str, Value]]:
    for name, item in value.items():
        if isinstance(item, dict):
            if depth:
                yield from _flattened(item, f"{path}{name}.", depth - 1)
        else:
            yield f"{path}{name}", cell_text(item)
