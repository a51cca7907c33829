"""CSV exports through a mapping: each row becomes the events its mapping says, or a refusal that names its column.

A row is made into an envelope and then read exactly like a JSON record (envelope.py), so both are held to one schema.
Columns that no mapping names are never looked at: that is how an export's free text stays outside.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from math import isfinite
from typing import Any, BinaryIO

from domain.events import Event
from domain.kinds import Kind
from streams.feeds.column_mapping import (
    Cell,
    Condition,
    EventMapping,
    FieldMapping,
    TableMapping,
    folded_cell,
    mapping_fault,
)
from streams.feeds.envelope import read_record, rejected
from streams.feeds.explain import Fault
from streams.feeds.outcome import Ignored, ParseResult, Rejected, RejectReason
from streams.feeds.record_json import ENCODER
from streams.feeds.record_policy import DEFAULT_POLICY, Origin, RecordPolicy
from streams.feeds.table_fields import put
from streams.feeds.table_rows import Row, RowReader

MAX_COLUMNS = 1000
"""Columns of a table; a wider header is refused with the whole table."""

_TRUE = frozenset({"TRUE", "YES", "Y", "1"})
_FALSE = frozenset({"FALSE", "NO", "N", "0"})


def read_table(
    stream: BinaryIO,
    mapping: TableMapping,
    *,
    received_at: datetime,
    source: str = "",
    channel: str = "file",
    policy: RecordPolicy = DEFAULT_POLICY,
) -> Iterator[ParseResult]:
    """The results of each row in order: one or more events, a Rejected for each event that cannot be, or Ignored.

    Positions are line numbers (the header is line 1). A refused row keeps its bytes below those of the header, so that
    it is a table by itself and can be read again. A header that does not fit the mapping refuses the table as a whole.
    """
    reader = RowReader(stream, encoding=mapping.encoding, delimiter=mapping.delimiter, max_bytes=policy.max_bytes)
    table = _Table(mapping, received_at, source=source, channel=channel, policy=policy)
    rows = iter(reader)
    header = next(rows, None)
    if header is None:
        yield table.refused(Row(1, b""), [Fault("", RejectReason.EMPTY, "no header in it")])
        return
    if (fault := header.fault or table.take_header(header)) is not None:
        yield table.refused(Row(1, header.raw), [fault])
        return
    reader.width = len(header.cells)
    for row in rows:
        yield from table.results(row)


class _Table:
    """One table being read: the header's columns and what every result needs."""

    def __init__(
        self, mapping: TableMapping, received_at: datetime, *, source: str, channel: str, policy: RecordPolicy
    ) -> None:
        self._mapping = mapping
        self._policy = policy
        self._received_at = received_at
        self._source = source
        self._channel = channel
        self._header = b""
        self._columns: tuple[str, ...] = ()

    def take_header(self, row: Row) -> Fault | None:
        """Learn the columns; what does not fit the mapping is told all at once."""
        if len(row.cells) > MAX_COLUMNS:
            return mapping_fault(f"{len(row.cells)} columns, at most {MAX_COLUMNS}")
        columns = tuple(" ".join(cell.split()) for cell in row.cells)
        wanted = self._mapping.columns
        missing = sorted(wanted - set(columns))
        twice = sorted(column for column in wanted if columns.count(column) > 1)
        if missing or twice:
            problems = [f"no column {column!r}" for column in missing] + [f"column {one!r} twice" for one in twice]
            return mapping_fault("; ".join(problems))
        self._columns = columns
        self._header = row.raw if row.raw.endswith(b"\n") else row.raw + b"\n"
        return None

    def results(self, row: Row) -> Iterator[ParseResult]:
        """The results of one row; at least one."""
        if row.fault is not None:
            yield self.refused(row, [row.fault])
            return
        cells = dict(zip(self._columns, row.cells, strict=True))
        events = [event for event in self._mapping.events if self._applies(event, cells)]
        for event in events:
            yield self._result(event, cells, row)
        if not events and self._mapping.ignore_others:
            yield Ignored("the mapping asks for no event from this row", self._mapping.feed)
        elif not events:
            yield self.refused(row, [mapping_fault("no event of the mapping applies to this row")])

    def refused(self, row: Row, faults: list[Fault]) -> Rejected:
        """A Rejected whose bytes are a table of one row."""
        return rejected(faults, self._header + row.raw, self._origin(row.line), self._policy)

    def _origin(self, line: int) -> Origin:
        mapping = self._mapping
        return Origin(
            mapping.feed,
            self._received_at,
            channel=self._channel,
            source=self._source,
            position=line,
            content_type=f"csv:{mapping.name}",
        )

    def _applies(self, event: EventMapping, cells: dict[str, str]) -> bool:
        held = all(self._holds(cells[column], wanted) for column, wanted in event.when.items())
        return held and not any(self._holds(cells[column], wanted) for column, wanted in event.unless.items())

    def _holds(self, text: str, wanted: Condition) -> bool:
        said = folded_cell(text)
        if isinstance(wanted, str):
            return (said in self._mapping.blank) == (wanted == "blank")
        return said in wanted

    def _result(self, event: EventMapping, cells: dict[str, str], row: Row) -> Event | Rejected:
        kind = event.kinds.get(folded_cell(cells[event.kind_column]) if event.kind_column else "")
        if kind is None:
            return self.refused(row, [Fault(event.kind_column, RejectReason.UNKNOWN_KIND, "not in the table of kinds")])
        record, faults = self._record(event, kind, cells)
        made, more, _ = read_record(ENCODER.encode(record), self._origin(row.line), self._policy)
        if made is not None and not faults:
            return made
        told = {fault.path for fault in faults}
        renamed = [_by_column(fault, event) for fault in more]
        return self.refused(row, faults + [fault for fault in renamed if fault.path not in told])

    def _record(self, event: EventMapping, kind: Kind, cells: dict[str, str]) -> tuple[dict[str, Any], list[Fault]]:
        """The envelope that a row tells, and the faults of its cells; a faulty cell is left out."""
        record: dict[str, Any] = {"kind": kind.value, "source_system": self._mapping.source_system}
        faults: list[Fault] = []
        for field in event.fields:
            texts = self._texts(field, cells)
            if not texts:
                continue
            if field.values is not None:
                table = field.values
                if any(folded_cell(text) not in table and "*" not in table for text in texts):
                    faults.append(
                        Fault(field.cell.name, RejectReason.BAD_VALUE, "not in the mapping's table of values")
                    )
                    continue
                texts = [text for one in texts if (text := table.get(folded_cell(one), table.get("*", "")))]
            if texts:
                put(record, field.target, self._value(field, texts))
        return record, faults

    def _texts(self, field: FieldMapping, cells: dict[str, str]) -> list[str]:
        """The texts of a cell that are not blank: several where the field holds several."""
        text = self._cell_text(field.cell, cells)
        parts = text.split(self._mapping.split) if field.target.category in {"list", "births"} else [text]
        return [part for one in parts if folded_cell(part := one.strip()) not in self._mapping.blank]

    def _cell_text(self, cell: Cell, cells: dict[str, str]) -> str:
        """The text of a template; blank if every column in it is."""
        if cell.columns and all(folded_cell(cells[column]) in self._mapping.blank for column in cell.columns):
            return ""
        return "".join(
            literal + (self._given(cells[column]) if column is not None else "") for literal, column in cell.parts
        )

    def _given(self, text: str) -> str:
        return "" if folded_cell(text) in self._mapping.blank else text.strip()

    def _value(self, field: FieldMapping, texts: list[str]) -> Any:
        """Texts as the envelope wants them; what cannot be read stays text, for the schema to refuse."""
        category = field.target.category
        if category in {"list", "births"}:
            return [day_text(text, self._mapping.dates) for text in texts] if category == "births" else texts
        return _scalar(category, texts[0], self._mapping.dates)


def _scalar(category: str, text: str, dates: tuple[str, ...]) -> Any:
    if category == "moment":
        return moment_text(text, dates)
    if category == "birth":
        return day_text(text, dates)
    if category == "bool":
        said = folded_cell(text)
        return said in _TRUE if said in _TRUE | _FALSE else text
    if category in {"int", "float"}:
        try:
            number = int(text) if category == "int" else float(text)
        except ValueError:
            return text
        return number if isfinite(number) else text
    return text


def moment_text(text: str, formats: tuple[str, ...]) -> str:
    """A time in one of the formats as ISO 8601; the text itself where none fits. A date alone means 00:00."""
    found = _parsed(text, formats)
    return found.isoformat() if found is not None else text


def day_text(text: str, formats: tuple[str, ...]) -> str:
    """A date in one of the formats (time of day dropped) as ISO 8601; the text itself where none fits."""
    found = _parsed(text, formats)
    return found.date().isoformat() if found is not None else text


@lru_cache(maxsize=4096)
def _parsed(text: str, formats: tuple[str, ...]) -> datetime | None:
    for one in formats:
        try:
            return datetime.strptime(text, one)  # noqa: DTZ007  (local time; the envelope reads it as London's)
        except ValueError:
            continue
    return None


def _by_column(fault: Fault, event: EventMapping) -> Fault:
    """The fault with the column that filled its field in place of the JSON path, where one did."""
    filled = [field for field in event.fields if field.cell.columns and _within(fault.path, field.target.path)]
    best = max(filled, key=lambda field: len(field.target.path), default=None)
    return fault if best is None else Fault(best.cell.name, fault.reason, fault.problem)


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))
