"""What a worker set aside can be seen, and goes back to where it came from; real broker, real worker processes."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from streams.distributed import SetAside
from streams.kafka_aside import Aside, AsideDesk
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer, Outgoing
from streams.kafka_work import Message
from streams.server import connect
from tests.kafka.numbered import TEN, Workers, produce

pytestmark = pytest.mark.server

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _at(lanes: KafkaPolicy, socket: Path, ask: Callable[[AsideDesk, KafkaProducer], Any]) -> Any:
    async def work() -> Any:
        client: Redis = connect(socket)
        producer = KafkaProducer(lanes)
        await producer.start()
        try:
            return await ask(AsideDesk(client, lanes), producer)
        finally:
            await producer.stop()
            await client.aclose()

    return asyncio.run(work())


def _forget(socket: Path) -> None:
    async def work() -> None:
        client = connect(socket)
        await client.flushall()
        await client.aclose()

    asyncio.run(work())


def test_a_message_set_aside_is_shown_with_why_and_where_and_goes_back_once(
    lanes: KafkaPolicy, workers: Workers, valkey_socket: Path
) -> None:
    _forget(valkey_socket)
    produce(lanes, TEN)
    first = workers.start("raise:5")
    workers.wait(lambda: set(workers.done()) == set(TEN) - {"5"}, "the neighbours were to be done")
    (seen,) = _at(lanes, valkey_socket, lambda desk, _: desk.waiting())
    assert (seen.why, seen.topic, seen.partition, seen.came_as, seen.size) == ("ValueError", lanes.events, 0, 5, 1)
    assert seen.at is not None
    assert seen.sent_back_at is None
    workers.kill(first)
    workers.start("none")  # mended
    (sent,) = _at(lanes, valkey_socket, lambda desk, producer: desk.send_back(producer, NOW))
    assert sent.offset == seen.offset
    workers.wait(lambda: "5" in workers.done(), "what was sent back was to be done")
    assert _at(lanes, valkey_socket, lambda desk, _: desk.waiting()) == []
    (known,) = _at(lanes, valkey_socket, lambda desk, _: desk.waiting(also_sent_back=True))
    assert known.sent_back_at == NOW
    assert _at(lanes, valkey_socket, lambda desk, producer: desk.send_back(producer, NOW)) == [], "all: not again"


def test_it_goes_back_as_it_was_and_what_is_not_there_is_left_out(lanes: KafkaPolicy, valkey_socket: Path) -> None:
    _forget(valkey_socket)
    message = Message(lanes.matched, 7, 3, b"[]", b"M1", headers=(("reopened", b"1"), ("why", b"the sender's own")))

    async def ask(desk: AsideDesk, producer: KafkaProducer) -> tuple[list[Aside], list[Aside], list[Outgoing]]:
        await SetAside(producer, lanes, "w1")(message, KeyError("name"))
        sent: list[Outgoing] = []

        async def send(messages: list[Outgoing]) -> None:
            sent.extend(messages)

        waiting = await desk.waiting()
        producer.send = send  # type: ignore[method-assign, assignment]
        back = await desk.send_back(producer, NOW, [waiting[0].offset, 999])
        return waiting, back, sent

    (seen,), (back,), (sent,) = _at(lanes, valkey_socket, ask)
    assert (seen.why, seen.worker, back.offset) == ("KeyError", "w1", seen.offset)
    assert sent == Outgoing(lanes.matched, b"[]", b"M1", 7, message.headers)
