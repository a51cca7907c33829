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
"""How long a sender waits for the broker's receipt before it is told to come again, a new client's start included."""


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
        self._replacing: asyncio.Task[AIOKafkaProducer] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect. Raises StoreUnavailable where no broker answers."""
        self._client = await self._started()

    async def stop(self) -> None:
        """Send what waits, then end."""
        client, self._client = self._client, None
        if self._replacing is not None:
            self._replacing.cancel()
            await asyncio.wait({self._replacing})
        if client is not None:
            await client.stop()
        if self._ending:
            await asyncio.wait(self._ending)

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Return when every message is on all copies in sync. Raises StoreUnavailable: some of them may be, too."""
        client: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                client = await self._at_work()
                receipts = [await self._queue(client, message) for message in messages]
                await asyncio.gather(*receipts)
        except (KafkaError, TimeoutError) as error:
            if client is self._client and _ends(error):
                self._ended = client
            raise StoreUnavailable(f"Kafka did not take it ({type(error).__name__}).") from error

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has. Raises StoreUnavailable."""
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                client = await self._at_work()
                return len(await client.partitions_for(topic))
        except (KafkaError, TimeoutError) as error:
            raise StoreUnavailable(f"Kafka did not answer ({type(error).__name__}).") from error

    async def _at_work(self) -> AIOKafkaProducer:
        """The client; in the place of one that has ended, a new one. Raises StoreUnavailable.

        All who wait share one start: each for as long as its own time allows, and who gives up does not end it for the
        others.
        """
        client = self._client
        if client is None:
            raise StoreUnavailable("Kafka is not connected.")
        if client is not self._ended:
            return client
        if self._replacing is None or self._replacing.done():
            self._replacing = asyncio.create_task(self._replaced(client), name="kafka producer")
            self._replacing.add_done_callback(_remark)
        starting = self._replacing
        await asyncio.wait({starting})
        if starting.cancelled():  # stopped meanwhile
            raise StoreUnavailable("Kafka is not connected.")
        return starting.result()

    async def _replaced(self, ended: AIOKafkaProducer) -> AIOKafkaProducer:
        fresh = await self._started()
        still = self._client is ended
        if not still:  # stopped meanwhile
            await fresh.stop()
            raise StoreUnavailable("Kafka is not connected.")
        self._client, self._ended = fresh, None
        _log.warning("a producer that had ended was replaced", action="kafka.producer_replaced")
        ending = asyncio.create_task(self._end(ended))  # on its own: nobody who sends is to wait for it
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return fresh

    async def _end(self, ended: AIOKafkaProducer) -> None:
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(self._within.total_seconds()):
                await ended.stop()

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
        except BaseException as error:  # also that we are stopped: its tasks and lines must not live on
            await client.stop()
            if isinstance(error, KafkaError):
                raise StoreUnavailable(f"Kafka did not answer ({type(error).__name__}).") from error
            raise
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


def _remark(starting: "asyncio.Task[AIOKafkaProducer]") -> None:
    """Say why a producer was not replaced: those who asked may all have given up by then."""
    fault = None if starting.cancelled() else starting.exception()
    if fault is not None:
        _log.warning(
            "a producer that had ended could not be replaced",
            action="kafka.producer_not_replaced",
            fault=type(fault).__name__,
        )


def _ends(error: Exception) -> bool:
    """Whether this error is the end of the client's sending: the fault that ended it, which it gives to all that comes
    after as a plain KafkaError, or one of the broker's that no idempotent producer survives."""
    return type(error) is KafkaError or isinstance(error, (ProducerFenced, OutOfOrderSequenceNumber))


def headers_of(said: Mapping[str, str]) -> tuple[tuple[str, bytes], ...]:
    """Headers as Kafka carries them."""
    return tuple((name, value.encode()) for name, value in said.items())
