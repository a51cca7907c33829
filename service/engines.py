"""The two engines as the service sees them: where events become durable, which books are kept, who reads.

Everything else, on one machine or on many, is the same service.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from redis.asyncio import Redis

from domain.clock import Clock
from domain.kinds import Feed
from service.wiring import Policies
from streams.feeds.ed import parse_ed
from streams.feeds.outcome import Rejected
from streams.feeds.records import parse_body
from streams.intake import Record
from streams.lookback_ports import LookBackLog
from streams.lookback_valkey import ValkeyLookBack
from streams.ports import Intake
from streams.valkey import ValkeyTransport
from streams.valkey_decide import ValkeyDecide

if TYPE_CHECKING:
    from streams.embedded import Decider, Recogniser
    from streams.kafka_producer import KafkaProducer
    from streams.kafka_work import Message
    from streams.kafka_worker import KafkaWorker

_FAUST = "faust"


@dataclass(frozen=True, slots=True)
class Engine:
    """What an engine gives to the service. `producer` is None on one machine."""

    transport: ValkeyTransport
    decisions: ValkeyDecide
    door: Intake
    lookback: LookBackLog
    producer: "KafkaProducer | None" = None

    @property
    def distributed(self) -> bool:
        """Whether events are carried by Kafka, to several workers."""
        return self.producer is not None


def engine_of(client: Redis, policies: Policies) -> Engine:
    """The engine that the settings ask for. It is opened by `opened`."""
    retention, kafka = policies.retention, policies.kafka
    if kafka is None:
        transport = ValkeyTransport(client, retention=retention)
        lookback = ValkeyLookBack(client, retention=retention)
        return Engine(transport, ValkeyDecide(client, retention=retention), transport, lookback)
    from streams.kafka_books import KafkaBooks  # noqa: PLC0415 - one machine needs no Kafka client
    from streams.kafka_decide import KafkaDecide  # noqa: PLC0415
    from streams.kafka_intake import KafkaIntake  # noqa: PLC0415
    from streams.kafka_lookback import ManyWorkers  # noqa: PLC0415
    from streams.kafka_producer import KafkaProducer  # noqa: PLC0415

    producer, books = KafkaProducer(kafka), KafkaBooks(client, retention=retention)
    door = KafkaIntake(producer, books, kafka)
    lookback = ValkeyLookBack(client, beside=ManyWorkers(client, retention=retention), retention=retention)
    return Engine(books, KafkaDecide(client, retention=retention), door, lookback, producer)


async def open_engine(engine: Engine, policies: Policies) -> None:
    """Connect, make or check what is needed. Raises StoreUnavailable or ConfigError."""
    if engine.producer is not None and policies.kafka is not None:
        from streams.kafka_topics import ensure_topics  # noqa: PLC0415

        await ensure_topics(policies.kafka)
        await engine.producer.start()
    await engine.transport.prepare()


async def close_engine(engine: Engine) -> None:
    """Send what waits and let go."""
    if engine.producer is not None:
        await engine.producer.stop()


@asynccontextmanager
async def opened(client: Redis, policies: Policies) -> AsyncIterator[Engine]:
    """An engine for one command."""
    engine = engine_of(client, policies)
    try:
        await open_engine(engine, policies)
        yield engine
    finally:
        await close_engine(engine)


def kafka_worker(
    engine: Engine,
    client: Redis,
    policies: Policies,
    *,
    recogniser: "Recogniser",
    decider: "Decider",
    clock: Clock,
    folder: Path,
    tell_lag: Callable[[str, int, int], None],
) -> "KafkaWorker":
    """The agents of a distributed engine's worker."""
    from streams.kafka_books import KafkaBooks  # noqa: PLC0415
    from streams.kafka_worker import KafkaWorker  # noqa: PLC0415

    assert policies.kafka is not None
    assert engine.producer is not None
    assert isinstance(engine.transport, KafkaBooks)
    return KafkaWorker(
        client,
        policies.kafka,
        engine.producer,
        engine.transport,
        recogniser=recogniser,
        decider=decider,
        read_feed=lambda feed, message, at: read_feed(policies, feed, message, at),
        clock=clock,
        folder=folder / _FAUST,
        tell_lag=tell_lag,
    )


def read_feed(policies: Policies, feed: Feed, message: "Message", at: datetime) -> Sequence[Record]:
    """The records of a message that a feed's own system produced: NDJSON or a JSON array, or an HL7 v2 message."""
    source = f"kafka:{message.topic}"
    if feed is Feed.ED and message.value[:3] == b"MSH":
        result = parse_ed(
            message.value,
            received_at=at,
            channel="kafka",
            source=source,
            position=message.offset,
            policy=policies.ed,
        )
        return [(result, message.value)]
    media = "application/json" if message.value.lstrip()[:1] == b"[" else "application/x-ndjson"
    found = parse_body(
        message.value,
        media,
        feed=feed,
        received_at=at,
        channel="kafka",
        source=source,
        policy=policies.records,
    )
    return [(result, result.raw if isinstance(result, Rejected) else b"") for result in found]
