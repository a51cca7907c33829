"""The intake of engine B: what is accepted is on all of Kafka's copies in sync before anybody is answered.

The books are asked first, so that a sender hears `duplicate` or `conflict`. Where the store does not answer, events are
taken all the same: Kafka holds them, and whoever reads them knows what was there before.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from domain.errors import StoreUnavailable
from domain.events import Event, occurrence_key
from domain.ids import EventId, shard_of
from domain.kinds import Feed
from streams import codec
from streams.kafka_books import KafkaBooks
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer, Outgoing, headers_of
from streams.messages import QuarantineItem
from streams.ports import Taken

log = structlog.get_logger("reachpoint.kafka")

_BOOKS_WITHIN_S = 2.0  # a store that hangs does not keep a sender waiting


class KafkaIntake:
    """Intake (streams.ports) on Kafka, with the books beside it."""

    def __init__(self, producer: KafkaProducer, books: KafkaBooks, policy: KafkaPolicy) -> None:
        self._producer = producer
        self._books = books
        self._policy = policy
        self._partitions = 0

    async def accept(self, events: Sequence[Event], now: datetime) -> list[int]:
        """See ports.Intake."""
        taken: list[int] = []
        fresh: dict[EventId, tuple[Event, str]] = {}
        for event, known in zip(events, await self._known(events), strict=True):
            content = codec.content_digest(event)
            if known is not None:
                taken.append(known)
            elif event.event_id in fresh:
                taken.append(Taken.DUPLICATE if fresh[event.event_id][1] == content else Taken.CONFLICT)
            else:
                fresh[event.event_id] = (event, content)
                taken.append(Taken.ACCEPTED)
        await self._produce([event for event, _ in fresh.values()], now)
        repeated = [event for event, one in zip(events, taken, strict=True) if one == Taken.DUPLICATE]
        if repeated:
            await self._count(repeated)
        return taken

    async def quarantine(self, items: Sequence[QuarantineItem], now: datetime) -> list[str]:
        """See ports.Intake."""
        return await self._books.quarantine(items, now)

    async def ignore(self, ignored: Sequence[tuple[Feed, str]], now: datetime) -> None:
        """See ports.Intake."""
        await self._books.ignore(ignored, now)

    async def _known(self, events: Sequence[Event]) -> list[int | None]:
        try:
            async with asyncio.timeout(_BOOKS_WITHIN_S):
                return await self._books.known(events)
        except (StoreUnavailable, TimeoutError):
            log.warning("taken without asking the books", action="intake_without_books", events=len(events))
            return [None] * len(events)

    async def _count(self, repeated: Sequence[Event]) -> None:
        try:
            async with asyncio.timeout(_BOOKS_WITHIN_S):
                await self._books.count_duplicates(repeated)
        except (StoreUnavailable, TimeoutError):
            log.warning("duplicates were not counted", action="duplicates_not_counted", events=len(repeated))

    async def _produce(self, events: Sequence[Event], now: datetime) -> None:
        """Events of one occurrence go to one partition, in order, several in a message."""
        if not events:
            return
        if not self._partitions:
            self._partitions = await self._producer.partitions(self._policy.events)
        sorted_out: dict[int, list[Event]] = {}
        for event in events:
            sorted_out.setdefault(partition_of(event, self._partitions), []).append(event)
        headers = headers_of({"accepted-at": now.isoformat()})
        await self._producer.send(
            [
                Outgoing(self._policy.events, message_of(part), partition=partition, headers=headers)
                for partition, listed in sorted_out.items()
                for part in _parts(listed, self._policy.batch)
            ]
        )


def partition_of(event: Event, partitions: int) -> int:
    """Where the events of an occurrence go, so that they are recognised in the order in which they were accepted."""
    return shard_of(occurrence_key(event), partitions)


def message_of(events: Sequence[Event]) -> bytes:
    """Several events as the value of one message: a JSON array."""
    return b"[" + b",".join(codec.encode(event) for event in events) + b"]"


def _parts(events: list[Event], size: int) -> list[list[Event]]:
    return [events[start : start + size] for start in range(0, len(events), size)]
