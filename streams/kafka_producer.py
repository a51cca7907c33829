"""Producing to Kafka, with the broker's receipt awaited: what returns is on every copy in sync, or it raises.

Retried sends make no second message while a producer lives (idempotent producer); after a restart a repeat is possible
and harmless, because whoever reads knows events and parts by their ids.

The client's own sending is a task of its, which a fault ends for good: everything after that fails, though the process
lives (aiokafka 0.14, producer/sender.py). Such a client is put aside, and the next message goes through a new one.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber, ProducerFenced

from domain.errors import StoreUnavailable
from streams.kafka_policy import KafkaPolicy

_log = structlog.get_logger(__name__)

_MOST_BYTES = 4 * 1024 * 1024
WITHIN = timedelta(seconds=5)
"""How long the broker may take to give its receipt before the sender is told to come again; who waits behind may wait
as long once more."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one partition (None: Kafka chooses by the key)."""

    topic: str
    value: bytes
    key: bytes | None = None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class KafkaProducer:
    """A started producer; `send` awaits the receipts of all."""

    def __init__(self, policy: KafkaPolicy, within: timedelta = WITHIN) -> None:
        self._policy = policy
        self._within = within
        self._client: AIOKafkaProducer | None = None
        self._ended: AIOKafkaProducer | None = None
        self._replacing = asyncio.Lock()

    async def start(self) -> None:
        """Connect. Raises StoreUnavailable where no broker answers."""
        self._client = await self._started()

    async def stop(self) -> None:
        """Send what waits, then end."""
        client, self._client = self._client, None
        if client is not None:
            await client.stop()

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Return when every message is on all copies in sync. Raises StoreUnavailable: some of them may be, too."""
        client = await self._at_work()
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                receipts = [await self._queue(client, message) for message in messages]
                await asyncio.gather(*receipts)
        except (KafkaError, TimeoutError) as error:
            if _ends(error):
                self._ended = client
            raise StoreUnavailable(f"Kafka did not take it ({type(error).__name__}).") from error

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        client = await self._at_work()
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                return len(await client.partitions_for(topic))
        except (KafkaError, TimeoutError) as error:
            raise StoreUnavailable(f"Kafka did not answer ({type(error).__name__}).") from error

    async def _at_work(self) -> AIOKafkaProducer:
        """The client; in the place of one that has ended, a new one. Raises StoreUnavailable."""
        client = self._client
        if client is not None and client is not self._ended:
            return client
        async with self._replacing:
            client = self._client
            if client is None:
                raise StoreUnavailable("Kafka is not connected.")
            return await self._replaced(client) if client is self._ended else client

    async def _replaced(self, ended: AIOKafkaProducer) -> AIOKafkaProducer:
        fresh = await self._started()
        still = self._client is ended
        if not still:  # stopped meanwhile
            await fresh.stop()
            raise StoreUnavailable("Kafka is not connected.")
        self._client, self._ended = fresh, None
        _log.warning("a producer that had ended was replaced", action="kafka.producer_replaced")
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(self._within.total_seconds()):
                await ended.stop()
        return fresh

    async def _started(self) -> AIOKafkaProducer:
        client = AIOKafkaProducer(
            **self._policy.client_options(),
            acks="all",
            enable_idempotence=True,
            compression_type="gzip",
            max_request_size=_MOST_BYTES,
            request_timeout_ms=int(self._within.total_seconds() * 1000),
            linger_ms=0,
        )
        try:
            await client.start()
        except KafkaError as error:
            await client.stop()
            raise StoreUnavailable(f"Kafka did not answer ({type(error).__name__}).") from error
        return client

    async def _queue(self, client: AIOKafkaProducer, message: Outgoing) -> "asyncio.Future[object]":
        receipt: asyncio.Future[object] = await client.send(
            message.topic,
            message.value,
            key=message.key,
            partition=message.partition,
            headers=list(message.headers),
        )
        return receipt


def _ends(error: Exception) -> bool:
    """Whether this error is the end of the client's sending: the fault that ended it, which it gives to all that comes
    after as a plain KafkaError, or one of the broker's that no idempotent producer survives."""
    return type(error) is KafkaError or isinstance(error, (ProducerFenced, OutOfOrderSequenceNumber))


def headers_of(said: Mapping[str, str]) -> tuple[tuple[str, bytes], ...]:
    """Headers as Kafka carries them."""
    return tuple((name, value.encode()) for name, value in said.items())
