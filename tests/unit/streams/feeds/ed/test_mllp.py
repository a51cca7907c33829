"""The listener over real sockets on 127.0.0.1: answers in order, only after the receipt, and no lost neighbour."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest

from domain.errors import StoreUnavailable
from domain.events import Event
from streams.feeds.ed_codes import EdCodes
from streams.feeds.mllp_frames import framed
from streams.feeds.outcome import Ignored
from tests.unit.streams.feeds.ed.door import Engine, Sender, listening, message
from tests.unit.streams.feeds.ed.messages import NOW, adt


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
