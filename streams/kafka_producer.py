"""Producing to Kafka, with the broker's receipt awaited: what returns is on every copy in sync, or it raises.

Retried sends make no second message while a producer lives (idempotent producer); after a restart a repeat is possible
and harmless, because whoever reads knows events and parts by their ids.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from domain.errors import StoreUnavailable
from streams.kafka_policy import KafkaPolicy

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

    async def start(self) -> None:
        """Connect. Raises StoreUnavailable where no broker answers."""
        self._client = AIOKafkaProducer(
            **self._policy.client_options(),
            acks="all",
            enable_idempotence=True,
            compression_type="gzip",
            max_request_size=_MOST_BYTES,
            request_timeout_ms=int(self._within.total_seconds() * 1000),
            linger_ms=0,
        )
        try:
            await self._client.start()
        except KafkaError as error:
            await self.stop()
            raise StoreUnavailable(f"Kafka did not answer ({type(error).__name__}).") from error

    async def stop(self) -> None:
        """Send what waits, then end."""
        client, self._client = self._client, None
        if client is not None:
            await client.stop()

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Return when every message is on all copies in sync. Raises StoreUnavailable: some of them may be, too."""
        if self._client is None:
            raise StoreUnavailable("Kafka is not connected.")
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                receipts = [await self._queue(self._client, message) for message in messages]
                await asyncio.gather(*receipts)
        except (KafkaError, TimeoutError) as error:
            raise StoreUnavailable(f"Kafka did not take it ({type(error).__name__}).") from error

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        if self._client is None:
            raise StoreUnavailable("Kafka is not connected.")
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                return len(await self._client.partitions_for(topic))
        except (KafkaError, TimeoutError) as error:
            raise StoreUnavailable(f"Kafka did not answer ({type(error).__name__}).") from error

    async def _queue(self, client: AIOKafkaProducer, message: Outgoing) -> "asyncio.Future[object]":
        receipt: asyncio.Future[object] = await client.send(
            message.topic,
            message.value,
            key=message.key,
            partition=message.partition,
            headers=list(message.headers),
        )
        return receipt


def headers_of(said: Mapping[str, str]) -> tuple[tuple[str, bytes], ...]:
    """Headers as Kafka carries them."""
    return tuple((name, value.encode()) for name, value in said.items())
