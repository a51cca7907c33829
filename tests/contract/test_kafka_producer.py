"""A producer whose client has ended goes on with another; real broker."""

import asyncio
from typing import Any

import pytest
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from domain.errors import StoreUnavailable
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer, Outgoing

pytestmark = pytest.mark.server


class _ClosedLine:
    """What uvloop's transport does once the line is closed (aiokafka issue 1038); it keeps the true one from being so."""

    def __init__(self, true: Any) -> None:
        self._true = true

    def write(self, _data: bytes) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    def close(self) -> None:
        """End the true line too."""
        self._true.close()


def _break_lines(producer: KafkaProducer) -> None:
    client: Any = producer._client
    for line in client.client._conns.values():
        line._writer = _ClosedLine(line._writer)


async def _values(policy: KafkaPolicy) -> list[bytes]:
    consumer = AIOKafkaConsumer(**policy.client_options())
    await consumer.start()
    try:
        place = TopicPartition(policy.events, 0)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        read: list[bytes] = []
        while await consumer.position(place) < end:
            read.append((await consumer.getone()).value)
        return read
    finally:
        await consumer.stop()


def _one(policy: KafkaPolicy, value: bytes) -> list[Outgoing]:
    return [Outgoing(policy.events, value, partition=0)]


async def test_a_producer_whose_sending_has_ended_is_replaced_by_the_next_message(lanes: KafkaPolicy) -> None:
    producer = KafkaProducer(lanes)
    await producer.start()
    try:
        await producer.send(_one(lanes, b"before"))
        _break_lines(producer)
        with pytest.raises(StoreUnavailable, match="KafkaError"):
            await producer.send(_one(lanes, b"lost"))
        with structlog.testing.capture_logs() as logs:
            await asyncio.gather(*(producer.send(_one(lanes, b"after %d" % n)) for n in range(5)))
        assert [one["action"] for one in logs] == ["kafka.producer_replaced"]
        assert await producer.partitions(lanes.events) > 0
    finally:
        await producer.stop()
    assert (await _values(lanes))[0] == b"before"
    assert sorted((await _values(lanes))[-5:]) == [b"after %d" % n for n in range(5)]


async def test_a_producer_that_was_stopped_sends_no_more(lanes: KafkaPolicy) -> None:
    producer = KafkaProducer(lanes)
    await producer.start()
    await producer.stop()
    with pytest.raises(StoreUnavailable, match="not connected"):
        await producer.send(_one(lanes, b"late"))
