"""The MLLP listener: one connection, many frames, each answered in order once its outcome is durable.

A connection has two tasks: one reads, parses and hands over (without waiting, so that one group commit can carry many
frames), the other waits for each receipt in turn and answers. The listener decides nothing and stores nothing.
"""

import asyncio
import secrets
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import structlog

from domain.clock import Clock
from domain.errors import StoreUnavailable
from domain.events import Event
from domain.kinds import Feed
from streams.feeds.ack import Header, acknowledge, read_header
from streams.feeds.ed import CONTENT_TYPE, EdPolicy, parse_ed
from streams.feeds.mllp_frames import Frame, FrameDecoder, FrameKind, framed
from streams.feeds.outcome import Ignored, ParseResult, Rejected, RejectReason, Where
from streams.feeds.receipts import Receipt, Submit

_log = structlog.get_logger("reachpoint.mllp")
_CHANNEL = "mllp"
_CHUNK_BYTES = 64 * 1024
_LARGE_BYTES = 64 * 1024
"""Frames above this are not read ahead of: beside a store that answers, a connection holds at most `read_ahead` frames
of this size and one of `max_frame_bytes`. What beside one that hangs is held longer than its sender waits is bounded by
number: twice `read_ahead` frames a connection, and `read_ahead` for each of `max_connections` in all."""


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
    receipt_timeout_s: float = 20.0  # below the 30 s after which senders commonly hang up and ask again
    answer_timeout_s: float = 30.0
    close_timeout_s: float = 10.0  # for all of it: receipts, answers, cutting off who does not listen
    max_connections: int = 64
    read_ahead: int = 64
    ssl_context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A message that was handed over and whose receipt is awaited; `answered` false where no answer is owed."""

    outcome: ParseResult
    raw: bytes
    receipt: asyncio.Future[Receipt]
    until: float  # how long the sender waits for us, on the loop's clock
    answered: bool = True


@dataclass(slots=True)
class _Line:
    """What one connection has handed over and not answered yet, in order (None: no more), and the room for more.

    `hanging` counts what was answered 'later' and may still be stored: it is held though its room was given back.
    """

    waiting: "asyncio.Queue[_Waiting | None]"
    room: asyncio.Semaphore
    hanging: int = 0

    def give_up(self, receipt: "asyncio.Future[Receipt]") -> None:
        """Count a receipt that is waited for no longer, until it comes all the same."""
        self.hanging += 1
        receipt.add_done_callback(self._came)

    def _came(self, _receipt: "asyncio.Future[Receipt]") -> None:
        self.hanging -= 1


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
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._submitting: set[asyncio.Task[Receipt]] = set()
        self._given_up: asyncio.Future[Receipt] | None = None  # done once no receipt is waited for any longer

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
        self._given_up = asyncio.get_running_loop().create_future()
        self._server = await asyncio.start_server(
            self._connected, settings.host, settings.port, ssl=settings.ssl_context, limit=_CHUNK_BYTES
        )

    async def close(self) -> None:
        """Stop gracefully: read no more, answer what was taken, then close; all of it within `close_timeout_s`.

        What has no receipt by four fifths of that time is answered AE, for nothing was promised; whoever has not heard
        its answers by nine tenths is cut off.
        """
        if self._server is None:
            return
        now = asyncio.get_running_loop().time
        began, limit = now(), self._settings.close_timeout_s

        def left(share: float) -> float:
            return max(0.0, began + share * limit - now())

        self._server.close()
        connections = dict(self._connections)
        for reader in self._readers:
            reader.cancel()
        late = await _unfinished(connections, left(_RECEIPTS_BY))
        if self._given_up is not None and not self._given_up.done():
            self._given_up.set_result(Receipt.UNAVAILABLE)
        late = await _unfinished(late, left(_ANSWERS_BY))
        for connection in late:
            connections[connection].transport.abort()  # or it would wait for what nobody reads
            connection.cancel()
        await _unfinished((*late, *self._submitting), left(1.0))
        with suppress(TimeoutError):
            async with asyncio.timeout(left(1.0)):
                await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from first byte to last. Runs as its own task, so it may be waited for and cancelled."""
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= self._settings.max_connections:
            _log.warning("too many MLLP connections", action="mllp.refused", connections=len(self._connections))
            writer.close()
            return
        self._connections[task] = writer
        try:
            await self._converse(reader, writer)
        finally:
            del self._connections[task]
            writer.close()
            with suppress(OSError, asyncio.TimeoutError, ssl.SSLError):
                async with asyncio.timeout(self._settings.answer_timeout_s):
                    await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        source = str(peer[0]) if peer else ""
        line = _Line(asyncio.Queue(), asyncio.Semaphore(self._settings.read_ahead))
        reading = asyncio.create_task(self._read(reader, line, source))
        self._readers.add(reading)
        reading.add_done_callback(self._readers.discard)
        answering = asyncio.create_task(self._answer(line, writer))
        try:
            await asyncio.wait({reading, answering}, return_when=asyncio.FIRST_COMPLETED)
            line.waiting.put_nowait(None)  # whatever ended the reading, what was taken is still answered
            await asyncio.wait({answering})
        finally:
            reading.cancel()
            answering.cancel()
            for ended in await asyncio.gather(reading, answering, return_exceptions=True):
                if isinstance(ended, Exception):
                    _log.error("an MLLP line failed", action="mllp.line_failed", fault=type(ended).__name__)

    async def _read(self, reader: asyncio.StreamReader, line: _Line, source: str) -> None:
        """Read frames, hand them over in order, and queue them for their answers, until the line closes or idles.

        There is room for the answer before anything is handed over: what was taken is never left without one.
        """
        decoder = FrameDecoder(max_bytes=self._settings.max_frame_bytes)
        data = b"open"
        while data and decoder.skipped_bytes <= self._settings.max_skipped_bytes:
            data = await self._heard(reader)
            for frame in decoder.feed(data) if data else decoder.finish():
                await line.room.acquire()
                waiting = self._hand_over(frame, line, source)
                line.waiting.put_nowait(waiting)
                if len(frame.payload) > _LARGE_BYTES:
                    await asyncio.wait({waiting.receipt}, timeout=self._settings.receipt_timeout_s)

    async def _heard(self, reader: asyncio.StreamReader) -> bytes:
        """What came over the line; nothing where it closed, broke, or was silent for too long."""
        try:
            async with asyncio.timeout(self._settings.idle_timeout_s):
                return await reader.read(_CHUNK_BYTES)
        except TimeoutError:
            _log.info("a silent MLLP connection is closed", action="mllp.idle", seconds=self._settings.idle_timeout_s)
            return b""
        except OSError:
            return b""

    def _hand_over(self, frame: Frame, line: _Line, source: str) -> _Waiting:
        outcome = self._outcome(frame, source)
        owed = frame.kind is not FrameKind.STRAY or frame.payload[:3] == b"MSH"
        receipt = self._not_tried() if self._is_full(line) else self._submitted(outcome, frame.payload)
        until = asyncio.get_running_loop().time() + self._settings.receipt_timeout_s
        return _Waiting(outcome, frame.payload, receipt, until, owed)

    def _is_full(self, line: _Line) -> bool:
        """Whether so much hangs that more must not be held: of this line, or of all together (senders that hang up and
        come again have a fresh line each time)."""
        most = self._settings.read_ahead
        return line.hanging >= most or len(self._submitting) >= most * self._settings.max_connections

    def _submitted(self, outcome: ParseResult, raw: bytes) -> asyncio.Future[Receipt]:
        receipt = asyncio.create_task(self._receipt(outcome, raw))
        self._submitting.add(receipt)  # a sender that hangs up must not take its message back half stored
        receipt.add_done_callback(self._submitting.discard)
        return receipt

    def _not_tried(self) -> asyncio.Future[Receipt]:
        """The receipt of what is not handed over: nothing was promised, the sender keeps it."""
        _log.warning("too much hangs already, and a message is answered 'later' untried", action="mllp.not_tried")
        receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        receipt.set_result(Receipt.UNAVAILABLE)
        return receipt

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

    async def _answer(self, line: _Line, writer: asyncio.StreamWriter) -> None:
        """Answer in the order of arrival. Ends at the None that closes the line, or when the sender is gone."""
        while (waiting := await line.waiting.get()) is not None:
            receipt = await self._known(waiting, line)
            line.room.release()
            if not waiting.answered:
                continue
            try:
                writer.write(framed(self._answer_to(waiting, receipt)))
                async with asyncio.timeout(self._settings.answer_timeout_s):
                    await writer.drain()
            except (OSError, TimeoutError) as error:  # the sender will ask again and get AA for the repeat
                _log.info("a sender did not hear its answer", action="mllp.sender_gone", fault=type(error).__name__)
                return

    async def _known(self, waiting: _Waiting, line: _Line) -> Receipt:
        """The receipt; UNAVAILABLE where it does not come in time. It may still come: then the repeat gets AA."""
        if not waiting.receipt.done():
            assert self._given_up is not None
            left = waiting.until - asyncio.get_running_loop().time()
            either: set[asyncio.Future[Receipt]] = {waiting.receipt, self._given_up}
            await asyncio.wait(either, timeout=max(0.0, left), return_when=asyncio.FIRST_COMPLETED)
        if waiting.receipt.done() and not waiting.receipt.cancelled():
            return waiting.receipt.result()
        line.give_up(waiting.receipt)
        _log.warning("a message waits for its receipt, and is answered 'later'", action="mllp.no_receipt")
        return Receipt.UNAVAILABLE

    def _answer_to(self, waiting: _Waiting, receipt: Receipt) -> bytes:
        """The answer. Where a fault of ours keeps it from being written, a plain one: a sender that hears nothing asks
        again for ever, and nothing behind it comes through."""
        try:
            return self._written(waiting.outcome, read_header(waiting.raw), receipt)
        except Exception as error:
            _log.error("an answer could not be written", action="mllp.answer_failed", fault=type(error).__name__)
            return self._written(waiting.outcome, Header(), receipt)

    def _written(self, outcome: ParseResult, header: Header, receipt: Receipt) -> bytes:
        return acknowledge(
            outcome,
            header,
            control_id=self._new_control_id(),
            answers=_control_id(outcome),
            now=self._clock.now(),
            receipt=receipt,
        )


_RECEIPTS_BY, _ANSWERS_BY = 0.8, 0.9
"""Shares of the time for closing: the store has most of it, an answer is a moment's work on a line that is heard."""


async def _unfinished(tasks: Iterable["asyncio.Task[Any]"], timeout_s: float) -> set["asyncio.Task[Any]"]:
    """Those that are not done after so long; none where there are none."""
    waited = set(tasks)
    return (await asyncio.wait(waited, timeout=timeout_s))[1] if waited else set()


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
