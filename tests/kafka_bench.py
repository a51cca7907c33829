"""Engine B beside the loops that it stands on, in one run on one broker: a bare aiokafka consumer that decodes, an
agent of Faust's that does nothing, and ours from Kafka to the settled books.

Processor time of the consuming process alone, each way in a process of its own; the broker, the store and the producer
are other processes. `python -m tests.kafka_bench` prints the table.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console
from rich.table import Table

from domain.clock import SystemClock
from domain.events import Event
from service.collecting import collect_seldom, leave_alone_what_stands
from streams import codec
from streams.faust_app import build_app
from streams.kafka_intake import message_of, partition_of
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer, Outgoing
from streams.kafka_topics import ensure_topics
from streams.server import EmbeddedServer, connect
from tests.kafka.broker import discard, started
from tests.kafka.stage import KafkaPlay, stage_on
from tests.match_stream import Stream

MEMBERS = 10_000
_SKIPPED = 0.1  # of the messages: joining, first fetches, caches


@dataclass(frozen=True, slots=True)
class Way:
    """One way to consume, and how many events its messages carry."""

    name: str
    batch: int


WAYS = (
    Way("aiokafka, one by one, decoded", 1),
    Way("aiokafka, one by one, decoded, batched messages", 50),
    Way("faust, does nothing", 1),
    Way("faust, does nothing, batched messages", 50),
    Way("ours, whole path", 1),
    Way("ours, whole path, batched messages", 50),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of processor an event, and events a second on the wall; medians of the runs."""

    way: Way
    cpu_us: float
    per_second: float


def measure(events: int, runs: int) -> list[Cost]:
    """Every way, so many runs, on one broker."""
    cluster = started()
    try:
        costs = []
        for way in WAYS:
            found = [_one(way, cluster.bootstrap, events) for _ in range(runs)]
            costs.append(
                Cost(way, statistics.median(cpu for cpu, _ in found), statistics.median(rate for _, rate in found))
            )
        return costs
    finally:
        discard(cluster)


def show(costs: Sequence[Cost]) -> Table:
    """The table, with what ours adds to an idle agent and its share of the bare loop."""
    table = Table(title=f"Kafka to settled books, {MEMBERS:,} members, 1 in 100 events about them")
    for column in ("way", "us of processor an event", "events/s of one core", "events/s on the wall"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for cost in costs:
        table.add_row(cost.way.name, f"{cost.cpu_us:.1f}", f"{1e6 / cost.cpu_us:,.0f}", f"{cost.per_second:,.0f}")
    return table


def _one(way: Way, bootstrap: str, events: int) -> tuple[float, float]:
    command = [sys.executable, "-m", "tests.kafka_bench", "--way", way.name, "--on", bootstrap, "--events", str(events)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout.splitlines()[-1])
    return said["cpu_us"], said["per_second"]


# In the child -------------------------------------------------------------------------------------------------------


async def _child(way: Way, bootstrap: str, events: int) -> tuple[float, float]:
    base = KafkaPolicy(bootstrap=bootstrap, copies=1, copies_in_sync=1, partitions=4, session=timedelta(seconds=10))
    policy = _own(base, way)
    await ensure_topics(policy)
    maker = Stream(seed=7)
    members = list(maker.members(MEMBERS))
    made = [event for event, _ in maker.events({each.member_id: each.identity for each in members}, events)]
    await _produce(policy, made, way.batch)
    collect_seldom()  # as the service does; the same for all ways
    leave_alone_what_stands()
    if way.name.startswith("aiokafka"):
        return await _bare(policy, events)
    if way.name.startswith("faust"):
        return await _idle(policy, events, way.batch)
    return await _ours(policy, members, made)


def _own(base: KafkaPolicy, way: Way) -> KafkaPolicy:
    import dataclasses

    return dataclasses.replace(base, prefix=f"b{time.time_ns() % 10**10}-{way.batch}")


async def _produce(policy: KafkaPolicy, events: Sequence[Event], batch: int) -> None:
    producer = KafkaProducer(policy, timedelta(seconds=60))
    await producer.start()
    lanes: dict[int, list[Event]] = {}
    for event in events:
        lanes.setdefault(partition_of(event, policy.partitions), []).append(event)
    for partition, listed in lanes.items():
        messages = [
            Outgoing(policy.events, message_of(listed[at : at + batch]), partition=partition)
            for at in range(0, len(listed), batch)
        ]
        for at in range(0, len(messages), 500):
            await producer.send(messages[at : at + 500])
    await producer.stop()


class _Meter:
    """Counts events and measures from a tenth of them to the last."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._from = int(events * _SKIPPED)
        self.seen = 0
        self._began = (0, 0.0, 0.0)
        self.done = asyncio.Event()
        self.result = (0.0, 0.0)

    def count(self, events: int) -> None:
        if self.seen < self._from <= self.seen + events:
            self._began = (self.seen + events, time.process_time(), time.perf_counter())
        self.seen += events
        if self.seen >= self._events and not self.done.is_set():
            counted = self.seen - self._began[0]
            cpu, wall = time.process_time() - self._began[1], time.perf_counter() - self._began[2]
            self.result = (cpu / counted * 1e6, counted / wall)
            self.done.set()


async def _bare(policy: KafkaPolicy, events: int) -> tuple[float, float]:
    consumer = AIOKafkaConsumer(**policy.client_options(), enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    lanes = [TopicPartition(policy.events, partition) for partition in range(policy.partitions)]
    consumer.assign(lanes)
    await consumer.seek_to_beginning(*lanes)
    meter = _Meter(events)
    async for record in consumer:
        meter.count(len(_decoded(record.value)))
        if meter.done.is_set():
            break
    await consumer.stop()
    return meter.result


def _decoded(value: bytes) -> list[Event]:
    import msgspec

    return [codec.decode_event(raw) for raw in msgspec.json.decode(value, type=list[msgspec.Raw])]


async def _idle(policy: KafkaPolicy, events: int, batch: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        app = build_app(policy, Path(folder))
        topic = app.topic(policy.events, key_serializer="raw", value_serializer="raw", value_type=bytes)
        meter = _Meter(events)

        async def carry(stream: Any) -> None:
            async for _ in stream.events():
                meter.count(batch)

        app.agent(topic, name="idle")(carry)
        app.finalize()
        await app.start()
        await meter.done.wait()
        await app.stop()
    return meter.result


async def _ours(policy: KafkaPolicy, members: Sequence[Any], events: Sequence[Event]) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="rp-kb-") as folder:
        server = EmbeddedServer(Path(folder))
        await server.start()
        client = connect(server.socket)
        try:
            meter = _Meter(len(events))
            async with stage_on(client, policy, lend=lambda stage: _lend(stage, members, meter)):
                await meter.done.wait()
            return meter.result
        finally:
            await client.aclose()
            await server.stop()


def _lend(stage: Any, members: Sequence[Any], meter: _Meter) -> None:
    """Put the people on stage before the agents begin, and count what recognition has moved on."""
    KafkaPlay(stage, members, clock=SystemClock())  # it goes on stage itself
    leave_alone_what_stands()
    forward: Callable[..., Awaitable[None]] = stage.books.forward

    async def counted(results: Sequence[Any]) -> None:
        await forward(results)
        meter.count(len(results))

    stage.books.forward = counted


def main() -> None:
    """Measure and print; with `--way` the child's part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--way", default="")
    parser.add_argument("--on", default="")
    chosen = parser.parse_args()
    if chosen.way:
        way = next(each for each in WAYS if each.name == chosen.way)
        cpu, rate = asyncio.run(_child(way, chosen.on, chosen.events))  # the loop of the service on Kafka
        print(json.dumps({"cpu_us": cpu, "per_second": rate}))
        return
    Console().print(show(measure(chosen.events, chosen.runs)))


if __name__ == "__main__":
    main()
