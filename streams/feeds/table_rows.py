"""Rows of a CSV stream, one at a time and each apart: a stray quote or an endless line costs its own row only.

A row whose quotes do not close within a few lines is given up as that one line, and reading goes on with the next line.
"""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from streams.feeds.explain import Fault
from streams.feeds.outcome import RejectReason
from streams.feeds.records import cut_lines

MAX_LINES_OF_ROW = 20
"""Physical lines that a quoted cell may span."""

_CHUNK = 64 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line number from 1, its bytes as they came, and its cells or what is wrong with it."""

    line: int
    raw: bytes
    cells: tuple[str, ...] = ()
    fault: Fault | None = None


class RowReader:
    """Reads rows from a binary stream. `width` is the number of cells a row must have, once the header is known."""

    def __init__(self, stream: BinaryIO, *, encoding: str, delimiter: str, max_bytes: int) -> None:
        chunks = iter(lambda: stream.read(_CHUNK), b"")
        self._lines = enumerate(cut_lines(chunks, max_line=max_bytes), start=1)
        self._ahead: deque[tuple[int, bytes]] = deque()
        self._encoding = encoding
        self._delimiter = delimiter
        self._max_bytes = max_bytes
        self.width: int | None = None

    def __iter__(self) -> Iterator[Row]:
        while (first := self._next()) is not None:
            if first[1].strip():
                yield self._row(first)

    def _next(self) -> tuple[int, bytes] | None:
        if self._ahead:
            return self._ahead.popleft()
        number, line = next(self._lines, (0, b""))
        if not number:
            return None
        return number, line.removeprefix(_BOM) if number == 1 else line

    def _row(self, first: tuple[int, bytes]) -> Row:
        number, line = first
        if len(line.rstrip(b"\r\n")) > self._max_bytes:
            return Row(number, line, fault=Fault("", RejectReason.TOO_LARGE, f"more than {self._max_bytes} bytes"))
        more = self._rest_of_quoted(line)
        row = self._parsed(number, line + b"".join(text for _, text in more))
        if more and row.fault is not None:
            self._ahead.extendleft(reversed(more))
            return Row(number, line, fault=Fault("", RejectReason.NOT_PARSEABLE, "a quote is never closed"))
        return row

    def _rest_of_quoted(self, line: bytes) -> list[tuple[int, bytes]]:
        """The lines that follow while a quote is open, up to the bounds."""
        more: list[tuple[int, bytes]] = []
        quotes, size = line.count(b'"'), len(line)
        while quotes % 2 and len(more) < MAX_LINES_OF_ROW and size <= self._max_bytes:
            following = self._next()
            if following is None:
                break
            more.append(following)
            quotes += following[1].count(b'"')
            size += len(following[1])
        return more

    def _parsed(self, number: int, raw: bytes) -> Row:
        try:
            text = raw.decode(self._encoding)
        except UnicodeDecodeError as wrong:
            problem = f"not {self._encoding} at byte {wrong.start} of the row"
            return Row(number, raw, fault=Fault("", RejectReason.BAD_ENCODING, problem))
        try:
            cells = next(csv.reader([text], delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            return Row(number, raw, fault=_quoting_fault(raw, error))
        except StopIteration:
            return Row(number, raw, fault=Fault("", RejectReason.EMPTY, "nothing in it"))
        return self._measured(number, raw, tuple(cells))

    def _measured(self, number: int, raw: bytes, cells: tuple[str, ...]) -> Row:
        if self.width is None or len(cells) == self.width:
            return Row(number, raw, cells)
        cut = len(cells) < self.width and not raw.endswith(b"\n")
        reason = RejectReason.TRUNCATED if cut else RejectReason.NOT_PARSEABLE
        problem = f"{len(cells)} columns, the header has {self.width}" + (" (the file ends too early)" if cut else "")
        return Row(number, raw, fault=Fault("", reason, problem))


def _quoting_fault(raw: bytes, error: csv.Error) -> Fault:
    if "limit" in str(error):
        return Fault("", RejectReason.TOO_LARGE, "a cell is too large")
    if not raw.endswith(b"\n"):
        return Fault("", RejectReason.TRUNCATED, "the file ends inside a quoted cell")
    return Fault("", RejectReason.NOT_PARSEABLE, "not a row: quotes do not match")
