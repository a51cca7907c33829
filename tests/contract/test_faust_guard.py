"""Faust acknowledges what an agent raised on. An agent without our guard loses it; ours does not, whatever happens.

Real broker, real processes, one partition, ten numbered messages.
"""

import asyncio
import os

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.kafka_policy import KafkaPolicy
from tests.kafka.numbered import TEN, WITHIN_S, Workers, produce

pytestmark = pytest.mark.server


def _committed(policy: KafkaPolicy) -> int:
    """The offset from which a new owner of the partition would begin."""

    async def work() -> int:
        consumer = AIOKafkaConsumer(**policy.client_options(), group_id=f"{policy.prefix}-worker")
        await consumer.start()
        try:
            return int(await consumer.committed(TopicPartition(policy.events, 0)) or 0)
        finally:
            await consumer.stop()

    return asyncio.run(work())


def _set_aside(policy: KafkaPolicy) -> list[tuple[bytes, dict[str, bytes]]]:
    """What the quarantine topic holds: value and headers."""

    async def work() -> list[tuple[bytes, dict[str, bytes]]]:
        consumer = AIOKafkaConsumer(policy.quarantine, **policy.client_options(), auto_offset_reset="earliest")
        await consumer.start()
        try:
            found = await consumer.getmany(timeout_ms=3000)
            return [(record.value, dict(record.headers)) for records in found.values() for record in records]
        finally:
            await consumer.stop()

    return asyncio.run(work())


def test_control_an_unguarded_agent_loses_what_it_raised_on(lanes: KafkaPolicy, workers: Workers) -> None:
    produce(lanes, TEN)
    first = workers.start("raise-unguarded:5")
    workers.wait(lambda: set(workers.done()) >= set(TEN) - {"5"}, "the others were to be done")
    workers.wait(lambda: _committed(lanes) == len(TEN), "Faust was to commit past the message that it lost")
    workers.kill(first)
    workers.start("none")
    produce(lanes, ["10"])
    workers.wait(lambda: "10" in workers.done(), "the next worker was to go on")
    assert "5" not in workers.done()


def test_a_message_that_cannot_be_handled_is_set_aside_with_why_and_where(lanes: KafkaPolicy, workers: Workers) -> None:
    produce(lanes, TEN)
    workers.start("raise:5")
    workers.wait(lambda: set(workers.done()) == set(TEN) - {"5"}, "the neighbours were to be done")
    ((value, headers),) = _set_aside(lanes)
    assert value == b"5"
    assert headers == {
        "why": b"ValueError",
        "topic": lanes.events.encode(),
        "partition": b"0",
        "offset": b"5",
        "worker": b"test",
    }


def test_where_it_cannot_be_set_aside_either_the_process_ends_and_the_next_begins_there(
    lanes: KafkaPolicy, workers: Workers
) -> None:
    produce(lanes, TEN)
    first = workers.start("raise-unsafe:5")
    assert first.wait(WITHIN_S) == os.EX_SOFTWARE
    assert workers.done() == TEN[:5]
    workers.start("none")
    workers.wait(lambda: set(workers.done()) == set(TEN), "5 to 9 were to be done by the next")
    assert workers.done()[-5:] == TEN[5:]


def test_killed_inside_a_message_the_next_worker_begins_there(lanes: KafkaPolicy, workers: Workers) -> None:
    produce(lanes, TEN)
    first = workers.start("hang:5")
    workers.wait(lambda: workers.done() == TEN[:5], "0 to 4 were to be done")
    workers.kill(first)
    workers.start("none")
    workers.wait(lambda: set(workers.done()) == set(TEN), "5 to 9 were to be done by the next")
    assert workers.done()[-5:] == TEN[5:]
