"""The MLLP listener: one connection, many frames, each answered in order once its outcome is durable.

A connection has two tasks: one reads, parses and hands over (without waiting, so that one group commit can carry many
frames), the other waits for each receipt in turn and answers. The listener decides nothing and stores nothing.
"""

import asyncio
import secrets
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from domain.clock import Clock
from domain.errors import StoreUnavailable
from domain.events import Event
from domain.kinds import Feed
from streams.feeds.ack import acknowledge, read_header
from streams.feeds.ed import CONTENT_TYPE, EdPolicy, parse_ed
from streams.feeds.mllp_frames import Frame, FrameDecoder, FrameKind, framed
from streams.feeds.outcome import Ignored, ParseResult, Rejected, RejectReason, Where
from streams.feeds.receipts import Receipt, Submit

_log = structlog.get_logger("reachpoint.mllp")
_CHANNEL = "mllp"
_CHUNK_BYTES = 64 * 1024
_LARGE_BYTES = 64 * 1024
"""Frames above this are not read ahead of, so that a connection holds a few megabytes at most."""


@dataclass(frozen=True, slots=True)
class MllpSettings:
    """Where to listen and what to bear. Times in seconds, sizes in bytes; port 0 takes any free one.

    `ssl_context` makes it TLS; one that requires certificates admits only known senders. Without it, keep the listener
    on loopback or a private network: MLLP has neither session nor encryption.
    """

    host: str = "127.0.0.1"
    port: int = 2575
    max_frame_bytes: int = 1 << 20
    max_skipped_bytes: int = 256 << 20
    idle_timeout_s: float = 300.0
    answer_timeout_s: float = 30.0
    close_timeout_s: float = 10.0
    max_connections: int = 64
    read_ahead: int = 64
    ssl_context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A message that was handed over and whose receipt is awaited; `answered` false where no answer is owed."""

    outcome: ParseResult
    raw: bytes
    receipt: asyncio.Task[Receipt]
    answered: bool = True


class MllpListener:
    """Listens for HL7 v2 over MLLP and answers AA, AE or AR; `submit` is the door to the engine (receipts.py)."""

    def __init__(
        self,
        settings: MllpSettings,
        *,
        policy: EdPolicy,
        submit: Submit,
        clock: Clock,
        new_control_id: Callable[[], str] = lambda: secrets.token_hex(8).upper(),
    ) -> None:
        self._settings = settings
        self._policy = replace(policy, limits=replace(policy.limits, max_bytes=settings.max_frame_bytes))
        self._submit = submit
        self._clock = clock
        self._new_control_id = new_control_id
        self._server: asyncio.Server | None = None
        self._readers: set[asyncio.Task[None]] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self._submitting: set[asyncio.Task[Receipt]] = set()

    @property
    def port(self) -> int:
        """The port it listens on; meaningful after `start`."""
        assert self._server is not None, "not started"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """How many senders are connected."""
        return len(self._connections)

    async def start(self) -> None:
        """Begin to listen. Raises OSError if the address cannot be bound."""
        settings = self._settings
        self._server = await asyncio.start_server(
            self._connected, settings.host, settings.port, ssl=settings.ssl_context, limit=_CHUNK_BYTES
        )

    async def close(self) -> None:
        """Stop gracefully: read no more, answer what was read, then close. Bounded by `close_timeout_s`."""
        if self._server is None:
            return
        self._server.close()
        for reader in self._readers:
            reader.cancel()
        if self._connections:
            _, late = await asyncio.wait(self._connections, timeout=self._settings.close_timeout_s)
            for connection in late:
                connection.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._submitting:
            await asyncio.wait(self._submitting, timeout=self._settings.close_timeout_s)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from first byte to last. Runs as its own task, so it may be waited for and cancelled."""
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= self._settings.max_connections:
            _log.warning("too many MLLP connections", action="mllp.refused", connections=len(self._connections))
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._converse(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()
            with suppress(OSError, asyncio.TimeoutError, ssl.SSLError):
                async with asyncio.timeout(self._settings.answer_timeout_s):
                    await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        source = str(peer[0]) if peer else ""
        queue: asyncio.Queue[_Waiting | None] = asyncio.Queue(self._settings.read_ahead)
        reading = asyncio.create_task(self._read(reader, queue, source))
        self._readers.add(reading)
        reading.add_done_callback(self._readers.discard)
        answering = asyncio.create_task(self._answer(queue, writer))
        try:
            await asyncio.wait({reading, answering}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                with suppress(asyncio.CancelledError):
                    await reading  # stopped by `close`: what was read is still answered
                await queue.put(None)
                await answering
        finally:
            reading.cancel()
            answering.cancel()
            await asyncio.gather(reading, answering, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader, queue: asyncio.Queue[_Waiting | None], source: str) -> None:
        """Read frames, hand them over in order, and queue them for their answers, until the line closes or idles."""
        decoder = FrameDecoder(max_bytes=self._settings.max_frame_bytes)
        data = b"open"
        while data and decoder.skipped_bytes <= self._settings.max_skipped_bytes:
            try:
                async with asyncio.timeout(self._settings.idle_timeout_s):
                    data = await reader.read(_CHUNK_BYTES)
            except (TimeoutError, OSError):
                data = b""
            for frame in decoder.feed(data) if data else decoder.finish():
                waiting = self._hand_over(frame, source)
                await queue.put(waiting)
                if len(frame.payload) > _LARGE_BYTES:
                    await asyncio.wait({waiting.receipt})

    def _hand_over(self, frame: Frame, source: str) -> _Waiting:
        outcome = self._outcome(frame, source)
        owed = frame.kind is not FrameKind.STRAY or frame.payload[:3] == b"MSH"
        receipt = asyncio.create_task(self._receipt(outcome, frame.payload))
        self._submitting.add(receipt)  # a sender that hangs up must not take its message back half stored
        receipt.add_done_callback(self._submitting.discard)
        return _Waiting(outcome, frame.payload, receipt, owed)

    def _outcome(self, frame: Frame, source: str) -> ParseResult:
        """What the frame is. Only whole frames are parsed: half a message may look like a whole one."""
        if frame.kind is not FrameKind.MESSAGE:
            return _refused(frame, source, *_FAULTS[frame.kind])
        now = self._clock.now()
        try:
            return parse_ed(
                frame.payload, received_at=now, channel=_CHANNEL, source=source, position=None, policy=self._policy
            )
        except Exception as error:  # a fault of ours must not cost the frames behind it: kept, answered, replayed later
            _log.error("the parser failed", action="mllp.parse_failed", fault=type(error).__name__)
            return _refused(frame, source, RejectReason.PROCESSING_FAILED, "a fault of the parser")

    async def _receipt(self, outcome: ParseResult, raw: bytes) -> Receipt:
        """The engine's answer; any failure means that nothing was promised, so the sender keeps the message."""
        try:
            return await self._submit(outcome, raw)
        except StoreUnavailable:
            return Receipt.UNAVAILABLE
        except Exception as error:  # the last door before a hospital: it must be told AE, whatever broke
            _log.error("a message could not be taken", action="mllp.submit_failed", fault=type(error).__name__)
            return Receipt.UNAVAILABLE

    async def _answer(self, queue: asyncio.Queue[_Waiting | None], writer: asyncio.StreamWriter) -> None:
        """Answer in the order of arrival. Ends at the None that closes the queue, or when the sender is gone."""
        while (waiting := await queue.get()) is not None:
            receipt = await asyncio.shield(waiting.receipt)
            if not waiting.answered:
                continue
            answer = acknowledge(
                waiting.outcome,
                read_header(waiting.raw),
                control_id=self._new_control_id(),
                answers=_control_id(waiting.outcome),
                now=self._clock.now(),
                receipt=receipt,
            )
            try:
                writer.write(framed(answer))
                async with asyncio.timeout(self._settings.answer_timeout_s):
                    await writer.drain()
            except (OSError, TimeoutError):
                return  # the sender will ask again and get AA for the repeat


_FAULTS = {
    FrameKind.TRUNCATED: (RejectReason.TRUNCATED, "the frame was never ended"),
    FrameKind.OVERSIZE: (RejectReason.TOO_LARGE, "the frame is longer than allowed"),
    FrameKind.STRAY: (RejectReason.NOT_PARSEABLE, "bytes outside an MLLP frame"),
}


def _refused(frame: Frame, source: str, reason: RejectReason, detail: str) -> Rejected:
    control_id = read_header(frame.payload).control_id
    return Rejected(
        reason, detail, Feed.ED, frame.payload, Where(), _CHANNEL, source, CONTENT_TYPE, control_id=control_id
    )


def _control_id(outcome: ParseResult) -> str:
    """MSH-10 of the message that is answered."""
    match outcome:
        case Event():
            return outcome.source_key
        case Ignored() | Rejected():
            return outcome.control_id
