"""MLLP framing without IO: bytes in, frames out, however they were cut (domain.md 1.2).

A frame is 0x0B, message, 0x1C 0x0D. Some senders write 0x0A for the last byte, or begin the next frame instead. A 0x0B
inside a frame means that the sender broke off and began again. Nothing is lost silently: what is not a frame comes
out as one of the other kinds, and memory never holds more than the largest frame.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

START = b"\x0b"
END = b"\x1c\r"
_MARKS = re.compile(rb"[\x0b\x1c]")
_AFTER_END = frozenset(b"\r\n\x0b")
_NOISE = b"\r\n\t \x00\x1c"
"""Bytes between frames that mean nothing: line ends and keep-alives."""


class FrameKind(StrEnum):
    """What came over the line."""

    MESSAGE = "message"
    TRUNCATED = "truncated"  # begun and never ended
    OVERSIZE = "oversize"  # longer than allowed: the first bytes only; the rest of it is skipped
    STRAY = "stray"  # bytes outside any frame


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing that came over the line; `payload` is without framing."""

    kind: FrameKind
    payload: bytes


class _State(StrEnum):
    OUTSIDE = "outside"
    INSIDE = "inside"
    SKIPPING = "skipping"


class FrameDecoder:
    """Cuts a byte stream into frames. `max_bytes` is the longest message; of anything else `kept_bytes` are kept."""

    def __init__(self, *, max_bytes: int, kept_bytes: int = 64 * 1024) -> None:
        self._max_bytes = max_bytes
        self._kept_bytes = min(kept_bytes, max_bytes)
        self._state = _State.OUTSIDE
        self._held = bytearray()
        self._pending_end = False
        self.skipped_bytes = 0
        """Bytes of the present oversize frame that were thrown away."""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes, in order. Must be exhausted before the next call."""
        if self._pending_end:
            data = b"\x1c" + data
            self._pending_end = False
        at = 0
        while at < len(data):
            found = _MARKS.search(data, at)
            stop = found.start() if found else len(data)
            yield from self._take(data[at:stop])
            at = stop
            if found is None:
                continue
            if found[0] == START:
                yield from self._close(FrameKind.TRUNCATED)
                self._state = _State.INSIDE
                at += 1
            elif self._state is _State.OUTSIDE:
                at += 1
            elif at + 1 == len(data):
                self._pending_end = True
                at += 1
            elif data[at + 1] in _AFTER_END:
                yield from self._close(FrameKind.MESSAGE)
                at += 1
            else:
                yield from self._take(b"\x1c")
                at += 1

    def finish(self) -> Iterator[Frame]:
        """What is left when the line falls silent or closes; a frame that lacks only its last byte is whole."""
        ended, self._pending_end = self._pending_end, False
        yield from self._close(FrameKind.MESSAGE if ended else FrameKind.TRUNCATED)

    def _take(self, piece: bytes) -> Iterator[Frame]:
        if self._state is _State.SKIPPING:
            self.skipped_bytes += len(piece)
            return
        if self._state is _State.OUTSIDE:
            piece = piece if self._held else piece.lstrip(_NOISE)
            self._held += piece[: self._kept_bytes - len(self._held)]
            return
        self._held += piece
        if len(self._held) > self._max_bytes:
            yield Frame(FrameKind.OVERSIZE, bytes(self._held[: self._kept_bytes]))
            self.skipped_bytes = len(self._held) - self._kept_bytes
            self._held.clear()
            self._state = _State.SKIPPING

    def _close(self, kind: FrameKind) -> Iterator[Frame]:
        """End what is open. An empty frame is a message too: its sender waits for an answer."""
        held, state = bytes(self._held), self._state
        self._held.clear()
        self._state = _State.OUTSIDE
        self.skipped_bytes = 0
        if state is _State.INSIDE:
            yield Frame(kind, held)
        elif state is _State.OUTSIDE and held.strip(_NOISE):
            yield Frame(FrameKind.STRAY, held)


def framed(message: bytes) -> bytes:
    """The message as it goes over the line."""
    return START + message + END
