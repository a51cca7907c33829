"""The listener over real sockets on 127.0.0.1: answers in order, only after the receipt, and no lost neighbour."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import hl7
import pytest

from domain.clock import ManualClock
from domain.errors import StoreUnavailable
from domain.events import Event
from streams.feeds import mllp
from streams.feeds.ack import Header, acknowledge
from streams.feeds.ed import EdPolicy
from streams.feeds.ed_codes import EdCodes
from streams.feeds.mllp import MllpListener, MllpSettings
from streams.feeds.mllp_frames import END, Frame, FrameDecoder, framed
from streams.feeds.outcome import Ignored, ParseResult, Rejected
from streams.feeds.receipts import Receipt
from tests.unit.streams.feeds.ed.messages import NOW, POLICY, adt


class Engine:
    """A door that keeps what it is given; a test may hold it shut or break it."""

    def __init__(self) -> None:
        self.taken: list[tuple[ParseResult, bytes]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.fault: Exception | None = None
        self.finished = 0

    async def submit(self, outcome: ParseResult, raw: bytes) -> Receipt:
        self.taken.append((outcome, raw))
        await self.open.wait()
        self.finished += 1
        if self.fault:
            raise self.fault
        return Receipt.QUARANTINED if isinstance(outcome, Rejected) else Receipt.ACCEPTED

    @property
    def keys(self) -> list[str]:
        return [outcome.source_key for outcome, _ in self.taken if isinstance(outcome, Event)]

    @property
    def refused(self) -> list[str]:
        return [outcome.reason.value for outcome, _ in self.taken if isinstance(outcome, Rejected)]


class Sender:
    """A hospital's end of the line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[str, str]:
        """(MSA-1, MSA-2) of the next answer."""
        async with asyncio.timeout(5):
            frame = await self.reader.readuntil(END)
        assert frame.startswith(b"\x0b")
        msa = hl7.parse(frame[1:-2].decode()).segment("MSA")
        return str(msa[1]), str(msa[2]) if len(msa) > 2 else ""

    async def ask(self, message: str) -> tuple[str, str]:
        await self.send(framed(message.encode()))
        return await self.answer()

    async def closed(self) -> bool:
        async with asyncio.timeout(5):
            return await self.reader.read(1) == b""


Dial = Callable[[], Awaitable[Sender]]


@asynccontextmanager
async def listening(
    engine: Engine, *, codes: EdCodes = POLICY.codes, client_ssl: ssl.SSLContext | None = None, **changes: object
) -> AsyncIterator[tuple[MllpListener, Dial]]:
    listener = MllpListener(
        MllpSettings(port=0, **changes),  # type: ignore[arg-type]
        policy=EdPolicy(codes),
        submit=engine.submit,
        clock=ManualClock(NOW),
    )
    await listener.start()
    senders: list[Sender] = []

    async def dial() -> Sender:
        sender = Sender(*await asyncio.open_connection("127.0.0.1", listener.port, ssl=client_ssl))
        senders.append(sender)
        return sender

    try:
        yield listener, dial
    finally:
        engine.open.set()
        await listener.close()
        for sender in senders:
            sender.writer.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the other side does in its own time."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("did not come true within five seconds")


def message(key: str, trigger: str = "A04") -> str:
    return adt(trigger, msh={10: key})


async def test_a_message_is_taken_and_answered() -> None:
    engine = Engine()
    async with listening(engine) as (_, dial):
        sender = await dial()
        assert await sender.ask(message("K1")) == ("AA", "K1")
        outcome, raw = engine.taken[0]
        assert isinstance(outcome, Event) and raw == message("K1").encode()
        assert (outcome.provenance.channel, outcome.provenance.source) == ("mllp", "127.0.0.1")
        assert outcome.received_at == NOW


async def test_a_frame_may_arrive_byte_by_byte() -> None:
    engine = Engine()
    async with listening(engine) as (_, dial):
        sender = await dial()
        for byte in framed(message("K1").encode()):
            await sender.send(bytes([byte]))
            await asyncio.sleep(0)
        assert await sender.answer() == ("AA", "K1")


async def test_joined_frames_are_answered_in_order() -> None:
    engine = Engine()
    async with listening(engine) as (_, dial):
        sender = await dial()
        keys = [f"K{number}" for number in range(200)]
        await sender.send(b"".join(framed(message(key).encode()) for key in keys))
        assert [await sender.answer() for _ in keys] == [("AA", key) for key in keys]
        assert engine.keys == keys


async def test_nothing_is_answered_before_the_receipt_and_frames_are_read_ahead() -> None:
    engine = Engine()
    engine.open.clear()
    async with listening(engine, read_ahead=5) as (_, dial):
        sender = await dial()
        await sender.send(b"".join(framed(message(f"K{number}").encode()) for number in range(50)))
        await asyncio.sleep(0.1)
        assert 5 <= len(engine.taken) <= 7, "read ahead, and no further than allowed"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await sender.reader.readexactly(1)
        engine.open.set()
        assert [(await sender.answer())[1] for _ in range(50)] == [f"K{number}" for number in range(50)]


@pytest.mark.parametrize("fault", [StoreUnavailable(), RuntimeError("a bug")])
async def test_what_was_not_stored_is_answered_ae_and_may_be_sent_again(fault: Exception) -> None:
    engine = Engine()
    engine.fault = fault
    async with listening(engine) as (_, dial):
        sender = await dial()
        assert await sender.ask(message("K1")) == ("AE", "K1")
        engine.fault = None
        assert await sender.ask(message("K1")) == ("AA", "K1")


async def test_bad_frames_are_refused_and_their_neighbours_taken() -> None:
    engine = Engine()
    async with listening(engine, max_frame_bytes=2000) as (_, dial):
        sender = await dial()
        await sender.send(
            framed(message("K1").encode())
            + framed(b"junk")
            + framed(message("BIG").encode() + b"\rZZZ|" + b"A" * 100_000)
            + b"noise on the line"
            + b"\x0b"
            + message("CUT").encode()[:-20]
            + framed(message("K2", "A02").encode())
            + framed(message("K3").encode())
        )
        answers = [await sender.answer() for _ in range(6)]
        assert answers == [("AA", "K1"), ("AR", ""), ("AR", "BIG"), ("AR", "CUT"), ("AA", "K2"), ("AA", "K3")]
        assert engine.refused == ["not_parseable", "too_large", "not_parseable", "truncated"]
        assert engine.keys == ["K1", "K3"]
        assert any(isinstance(outcome, Ignored) for outcome, _ in engine.taken)


async def test_a_fault_of_the_parser_is_kept_for_replay_and_costs_no_neighbour() -> None:
    class BrokenCodes(EdCodes):
        def disposition(self, site: str, code: str) -> str | None:
            if code == "4":
                raise ZeroDivisionError
            return None

    engine = Engine()
    async with listening(engine, codes=BrokenCodes()) as (_, dial):
        sender = await dial()
        poison = adt("A03", msh={10: "K1"}, pv1={36: "4"})
        await sender.send(framed(poison.encode()) + framed(message("K2").encode()))
        assert [await sender.answer(), await sender.answer()] == [("AA", "K1"), ("AA", "K2")]
        assert (engine.refused, engine.keys) == (["processing_failed"], ["K2"])
        assert engine.taken[0][1] == poison.encode()


async def test_hl7_without_framing_is_kept_and_refused_when_the_sender_hangs_up() -> None:
    engine = Engine()
    async with listening(engine) as (_, dial):
        sender = await dial()
        await sender.send(message("BARE").encode())
        sender.writer.write_eof()
        assert await sender.answer() == ("AR", "BARE")
        assert engine.refused == ["not_parseable"]


async def test_an_idle_line_is_closed_and_half_a_frame_kept() -> None:
    engine = Engine()
    async with listening(engine, idle_timeout_s=0.1) as (_, dial):
        sender = await dial()
        await sender.send(framed(message("K1").encode())[:-30])
        assert await sender.answer() == ("AR", "K1")
        assert await sender.closed()
        assert engine.refused == ["truncated"]


async def test_a_frame_that_never_ends_is_kept_in_part_and_the_line_closed() -> None:
    engine = Engine()
    async with listening(engine, max_frame_bytes=100_000, max_skipped_bytes=1_000_000) as (_, dial):
        sender = await dial()
        await sender.send(b"\x0b" + message("BIG").encode())
        with pytest.raises((ConnectionError, TimeoutError)):
            async with asyncio.timeout(5):
                while True:
                    await sender.send(b"A" * 65536)
        assert engine.refused == ["too_large"]
        assert len(engine.taken[0][1]) == 65536


async def test_a_fifty_megabyte_frame_delays_nobody() -> None:
    engine = Engine()
    async with listening(engine) as (_, dial):
        flooder, sender = await dial(), await dial()

        async def flood() -> None:
            await flooder.send(b"\x0bMSH|^~\\&|")
            for _ in range(50):
                await flooder.send(b"A" * (1 << 20))

        flooding = asyncio.create_task(flood())
        for number in range(20):
            assert await sender.ask(message(f"K{number}")) == ("AA", f"K{number}")
        await flooding
        assert (await flooder.answer())[0] == "AR"


async def test_connections_beyond_the_limit_are_closed_at_once() -> None:
    engine = Engine()
    async with listening(engine, max_connections=1) as (listener, dial):
        first = await dial()
        assert await first.ask(message("K1")) == ("AA", "K1")
        assert await (await dial()).closed()
        assert listener.connections == 1
        first.writer.close()
        await asyncio.sleep(0.05)
        assert await (await dial()).ask(message("K2")) == ("AA", "K2")


async def test_closing_answers_what_was_read() -> None:
    engine = Engine()
    engine.open.clear()
    async with listening(engine) as (listener, dial):
        sender = await dial()
        await sender.send(framed(message("K1").encode()) + framed(message("K2").encode()))
        await until(lambda: len(engine.taken) == 2)
        closing = asyncio.create_task(listener.close())
        await asyncio.sleep(0.05)
        engine.open.set()
        assert [await sender.answer(), await sender.answer()] == [("AA", "K1"), ("AA", "K2")]
        await closing
        assert await sender.closed()


async def test_a_store_that_hangs_is_answered_later_in_time_and_the_line_goes_on() -> None:
    engine = Engine()
    engine.open.clear()
    async with listening(engine, receipt_timeout_s=0.3) as (_, dial):
        sender = await dial()
        await sender.send(framed(message("K1").encode()) + framed(message("K2").encode()))
        assert [await sender.answer(), await sender.answer()] == [("AE", "K1"), ("AE", "K2")]
        engine.open.set()
        assert await sender.ask(message("K1")) == ("AA", "K1")
        await until(lambda: engine.finished == 3)


async def test_a_store_that_hangs_leaves_room_for_senders_that_hang_up_and_come_again() -> None:
    engine = Engine()
    engine.open.clear()
    async with listening(engine, receipt_timeout_s=0.2, max_connections=2) as (listener, dial):
        for number in range(6):
            sender = await dial()
            await sender.send(framed(message(f"K{number}").encode()))
            await until(lambda taken=number + 1: len(engine.taken) == taken)  # type: ignore[misc]
            sender.writer.close()
            await until(lambda: listener.connections < 2)
        engine.open.set()
        assert await (await dial()).ask(message("K9")) == ("AA", "K9")


async def test_what_is_held_beside_a_store_that_hangs_is_bounded_and_the_line_goes_on_after() -> None:
    engine = Engine()
    engine.open.clear()
    async with listening(engine, receipt_timeout_s=0.02, read_ahead=2) as (_, dial):
        sender = await dial()
        for key in range(20):
            assert await sender.ask(message(f"K{key}")) == ("AE", f"K{key}")
        assert engine.keys == ["K0", "K1"]  # the others were not handed over
        engine.open.set()
        await until(lambda: engine.finished == 2)
        assert await sender.ask(message("K2")) == ("AA", "K2")
        assert engine.keys == ["K0", "K1", "K2"]


async def test_what_is_held_stays_bounded_where_senders_hang_up_and_come_again() -> None:
    engine = Engine()
    engine.open.clear()
    async with listening(engine, receipt_timeout_s=0.02, read_ahead=2, max_connections=3) as (listener, dial):
        for key in range(12):
            sender = await dial()
            assert await sender.ask(message(f"K{key}")) == ("AE", f"K{key}")
            sender.writer.close()
            await until(lambda: listener.connections == 0)
        assert engine.keys == [f"K{key}" for key in range(6)]


async def test_closing_beside_a_store_that_hangs_answers_later() -> None:
    engine = Engine()
    engine.open.clear()
    async with listening(engine, close_timeout_s=0.2) as (listener, dial):
        sender = await dial()
        await sender.send(framed(message("K1").encode()) + framed(message("K2").encode()))
        await until(lambda: len(engine.taken) == 2)
        closing = asyncio.create_task(listener.close())
        assert [await sender.answer(), await sender.answer()] == [("AE", "K1"), ("AE", "K2")]
        assert await sender.closed()
        await closing


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "nobody listens to the answers"])
async def test_closing_takes_no_longer_than_its_limit(heard: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store hangs, some lines wait for it, others are only open: one limit holds for all of it."""
    engine = Engine()
    engine.open.clear()
    async with listening(engine, close_timeout_s=1.0, answer_timeout_s=60.0) as (listener, dial):
        senders = [await dial() for _ in range(8)]
        for number, sender in enumerate(senders[:5]):
            await sender.send(framed(message(f"K{number}").encode()))
        await until(lambda: len(engine.taken) == 5)
        if not heard:
            monkeypatch.setattr(asyncio.StreamWriter, "drain", lambda _writer: asyncio.sleep(60))
        began = asyncio.get_running_loop().time()
        await listener.close()
        assert asyncio.get_running_loop().time() - began < 2.0
        assert listener.connections == 0
        if heard:
            assert [await sender.answer() for sender in senders[:5]] == [("AE", f"K{number}") for number in range(5)]


async def test_closing_leaves_nothing_that_was_taken_without_an_answer() -> None:
    engine = Engine()
    engine.open.clear()
    async with listening(engine, read_ahead=3) as (listener, dial):
        sender = await dial()
        await sender.send(b"".join(framed(message(f"K{number}").encode()) for number in range(20)))
        await until(lambda: len(engine.taken) == 3)
        closing = asyncio.create_task(listener.close())
        await asyncio.sleep(0.05)
        engine.open.set()
        answered = [await sender.answer() for _ in engine.keys]
        assert answered == [("AA", key) for key in engine.keys]
        assert await sender.closed()
        await closing


async def test_a_fault_of_ours_in_an_answer_leaves_nobody_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def written(outcome: ParseResult, header: Header, **more: Any) -> bytes:
        if header.sending_app:
            raise ZeroDivisionError
        return acknowledge(outcome, header, **more)

    monkeypatch.setattr(mllp, "acknowledge", written)
    engine = Engine()
    async with listening(engine) as (_, dial):
        sender = await dial()
        assert await sender.ask(message("K1")) == ("AA", "K1")
        assert await sender.ask(message("K2")) == ("AA", "K2")


async def test_a_fault_of_ours_in_reading_ends_the_line_only_after_its_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(FrameDecoder):
        def feed(self, data: bytes) -> Iterator[Frame]:
            if b"POISON" in data:
                raise ZeroDivisionError
            yield from super().feed(data)

    monkeypatch.setattr(mllp, "FrameDecoder", Broken)
    engine = Engine()
    engine.open.clear()
    async with listening(engine) as (_, dial):
        sender = await dial()
        await sender.send(framed(message("K1").encode()))
        await until(lambda: len(engine.taken) == 1)
        await sender.send(b"POISON")
        await asyncio.sleep(0.05)
        engine.open.set()
        assert await sender.answer() == ("AA", "K1")
        assert await sender.closed()


async def test_a_sender_that_hangs_up_before_its_answer_harms_nobody() -> None:
    engine = Engine()
    engine.open.clear()
    async with listening(engine) as (listener, dial):
        sender, other = await dial(), await dial()
        await sender.send(framed(message("K1").encode()))
        await until(lambda: len(engine.taken) == 1)
        sender.writer.transport.abort()
        await asyncio.sleep(0.05)
        engine.open.set()
        assert await other.ask(message("K2")) == ("AA", "K2")
        await until(lambda: listener.connections == 1)
        assert (engine.keys, engine.finished) == (["K1", "K2"], 2)


def self_signed(folder: Path) -> tuple[Path, Path]:
    """(certificate, key) for this test run only."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*request, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


async def test_over_tls_with_a_client_certificate(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate))
    server.load_cert_chain(certificate, key)
    server.verify_mode = ssl.CERT_REQUIRED
    known = ssl.create_default_context(cafile=str(certificate))
    known.check_hostname = False
    known.load_cert_chain(certificate, key)
    stranger = ssl.create_default_context(cafile=str(certificate))
    stranger.check_hostname = False
    engine = Engine()
    async with listening(engine, client_ssl=known, ssl_context=server) as (listener, dial):
        assert await (await dial()).ask(message("K1")) == ("AA", "K1")
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=stranger)
            await Sender(reader, writer).ask(message("K2"))
        assert engine.keys == ["K1"]
