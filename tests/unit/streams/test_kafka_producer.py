"""Who sends while a producer is replaced waits no longer than its own time, and one start serves all; no broker."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import structlog

from domain.errors import StoreUnavailable
from streams import kafka_producer
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer


class _Client:
    """A client of Kafka's of which only the start and the end are looked at."""

    def __init__(self, fault: BaseException | None = None) -> None:
        self.fault = fault
        self.begun = asyncio.Event()
        self.open = asyncio.Event()
        self.stopped = False

    async def start(self) -> None:
        self.begun.set()
        await self.open.wait()
        if self.fault is not None:
            raise self.fault

    async def stop(self) -> None:
        self.stopped = True


class _Made:
    """Hands out clients in order, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *clients: _Client) -> None:
        self.waiting = list(clients)
        monkeypatch.setattr(kafka_producer, "AIOKafkaProducer", lambda **_: self.waiting.pop(0))


def _ended(within: timedelta = timedelta(seconds=5)) -> tuple[KafkaProducer, _Client]:
    producer = KafkaProducer(KafkaPolicy(bootstrap="127.0.0.1:1"), within)
    old: Any = _Client()
    producer._client = producer._ended = old
    return producer, old


async def _send(producer: KafkaProducer) -> str:
    try:
        await producer.send([])
    except StoreUnavailable as error:
        return str(error)
    return "sent"


async def test_nobody_waits_longer_than_its_time_for_a_start_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = _Client()
    _Made(monkeypatch, hangs)
    producer, _ = _ended(timedelta(seconds=0.2))
    async with asyncio.timeout(1):  # eight in single file would take eight times as long
        said = await asyncio.gather(*(_send(producer) for _ in range(8)))
        assert set(said) == {"Kafka did not take it (TimeoutError)."}
        with pytest.raises(StoreUnavailable, match="did not answer"):
            await producer.partitions("events")
    await producer.stop()
    assert hangs.stopped


async def test_one_start_serves_all_and_outlives_whoever_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = _Client()
    made = _Made(monkeypatch, fresh)
    producer, old = _ended()
    senders = [asyncio.create_task(_send(producer)) for _ in range(4)]
    await fresh.begun.wait()
    senders[0].cancel()
    await asyncio.sleep(0)
    fresh.open.set()
    assert await asyncio.gather(*senders[1:]) == ["sent"] * 3
    assert not made.waiting and senders[0].cancelled() and not fresh.stopped
    await producer.stop()
    assert fresh.stopped and old.stopped


@pytest.mark.parametrize("fault", [OSError("cut"), ValueError("a fault of ours")])
async def test_a_start_that_fails_by_anything_leaves_no_client_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    broken, fresh = _Client(fault), _Client()
    _Made(monkeypatch, broken, fresh)
    producer, _ = _ended()
    broken.open.set()
    fresh.open.set()
    with structlog.testing.capture_logs() as logs, pytest.raises(type(fault)):
        await producer.send([])
    assert broken.stopped
    assert [one["action"] for one in logs] == ["kafka.producer_not_replaced"]
    assert await _send(producer) == "sent"
    await producer.stop()


async def test_stopping_ends_a_start_and_refuses_those_who_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = _Client()
    _Made(monkeypatch, hangs)
    producer, old = _ended()
    sender = asyncio.create_task(_send(producer))
    await hangs.begun.wait()
    async with asyncio.timeout(1):
        await producer.stop()
        assert await sender == "Kafka is not connected."
    assert hangs.stopped and old.stopped


async def test_a_first_start_that_is_cancelled_leaves_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = _Client()
    _Made(monkeypatch, hangs)
    starting = asyncio.create_task(KafkaProducer(KafkaPolicy(bootstrap="127.0.0.1:1")).start())
    await hangs.begun.wait()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert hangs.stopped
