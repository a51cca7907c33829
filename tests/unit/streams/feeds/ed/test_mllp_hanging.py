"""What hangs behind the listener, what closes and what breaks off: nothing taken is lost, and everybody is answered in time."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from streams.feeds import mllp
from streams.feeds.ack import Header, acknowledge
from streams.feeds.mllp_frames import Frame, FrameDecoder, framed
from streams.feeds.outcome import ParseResult
from tests.unit.streams.feeds.ed.door import Engine, listening, message, until


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
