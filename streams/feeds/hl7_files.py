"""HL7 files: many messages in one file, read as a stream, each apart from its neighbours.

Taken: CR, LF or CRLF line ends, FHS/BHS/BTS/FTS batches, dumps with MLLP framing, blank lines, a byte order mark.
Memory holds one message, and of a message that does not end no more than the limit allows.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_BREAK = re.compile(rb"[\r\n\x0b\x1c]+")
_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
_CHUNK_BYTES = 64 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line or a piece of one; `ending` is the break that follows, b"" where none has come yet."""

    piece: bytes
    begins: bool
    ending: bytes


def read_file(path: Path, *, max_bytes: int = 1 << 20) -> Iterator[tuple[int, bytes]]:
    """The messages of a file, as `read_messages`. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        yield from read_messages(iter(lambda: file.read(_CHUNK_BYTES), b""), max_bytes=max_bytes)


def read_messages(chunks: Iterable[bytes], *, max_bytes: int = 1 << 20) -> Iterator[tuple[int, bytes]]:
    """(position from 1, message) for each message in `chunks`, which may be cut anywhere; segments end in CR.

    Bytes that belong to no message come out as a message of their own, so that they are refused and kept, not lost.
    A message longer than `max_bytes` comes out cut one byte above it, which its parser refuses as too large.
    """
    position = 0
    for message in _messages(chunks, max_bytes):
        if message.strip():
            position += 1
            yield position, message


def _messages(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Join lines to messages: a new one begins at MSH, at a batch segment, and after an MLLP mark."""
    held = bytearray()
    in_envelope = False
    for line in _lines(chunks):
        if line.begins:
            in_envelope = _is_named(line.piece, _ENVELOPE)
            if in_envelope or _is_named(line.piece, (b"MSH",)):
                yield bytes(held)
                held.clear()
        if not in_envelope:
            held += line.piece[: max(0, max_bytes + 1 - len(held))]
            if line.ending and len(held) <= max_bytes:
                held += b"\r"
        if b"\x1c" in line.ending or b"\x0b" in line.ending:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def _lines(chunks: Iterable[bytes]) -> Iterator[_Line]:
    """Cut into lines; a line longer than a chunk comes in pieces, of which only the first `begins`."""
    pending, begins = b"", True
    for chunk in chunks:
        pending += chunk
        at = 0
        for found in _BREAK.finditer(pending):
            yield _Line(pending[at : found.start()].removeprefix(_BOM), begins, found[0])
            begins, at = True, found.end()
        pending = pending[at:]
        if len(pending) >= _CHUNK_BYTES:
            yield _Line(pending.removeprefix(_BOM), begins, b"")
            pending, begins = b"", False
    if pending:
        yield _Line(pending.removeprefix(_BOM), begins, b"")


def _is_named(piece: bytes, names: tuple[bytes, ...]) -> bool:
    return piece[:3].upper() in names and not piece[3:4].isalnum()
