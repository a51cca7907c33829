"""What was set aside in Kafka's quarantine topic: seen by people, and sent back to where it came from once the fault
is mended.

A message goes back as it was, to its own topic and partition; events and parts are known by their ids, so what had been
done of it before is not done twice. What fails again comes here again, at another offset.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from redis.asyncio import Redis

from domain.errors import StoreUnavailable
from streams.kafka_gaps import fetched
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import WITHIN, KafkaProducer, Outgoing
from streams.kafka_work import Message
from streams.valkey import ms, unavailable_as_ours

SAID = frozenset({"why", "topic", "partition", "offset", "worker"})
"""The headers that a message gets when it is set aside (`distributed.SetAside`)."""
_SENT_BACK = "rp:kafka:sent-back"
"""Hash: offset in the quarantine topic -> when it was sent back, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Aside:
    """A message in quarantine, without its content: its `offset` there, why it was set aside and where it came from."""

    offset: int
    why: str
    topic: str
    partition: int
    came_as: int  # its offset in that topic
    worker: str
    size: int
    at: datetime | None
    sent_back_at: datetime | None = None


class AsideDesk:
    """The quarantine topic of one cluster; the store keeps what was sent back. All methods raise StoreUnavailable."""

    def __init__(self, client: Redis, policy: KafkaPolicy) -> None:
        self._client = client
        self._policy = policy

    async def waiting(self, *, also_sent_back: bool = False) -> list[Aside]:
        """What Kafka still has, in the order in which it was set aside."""
        messages, done = await self._kept()
        found = [_described(message, done.get(message.offset)) for message in messages]
        return [one for one in found if also_sent_back or one.sent_back_at is None]

    async def send_back(
        self, producer: KafkaProducer, now: datetime, offsets: Sequence[int] | None = None
    ) -> list[Aside]:
        """Send back these (None: all that were not yet), each to its own topic and partition; those that were.

        When it returns, the broker has them on all copies. Offsets that are not there are left out.
        """
        messages, done = await self._kept()
        back = [
            message
            for message in messages
            if (message.offset not in done if offsets is None else message.offset in offsets)
        ]
        for message in back:
            await producer.send([_as_it_was(message)])
            async with unavailable_as_ours():
                await self._client.hset(_SENT_BACK, str(message.offset), ms(now))
        return [_described(message, now) for message in back]

    async def _kept(self) -> tuple[Sequence[Message], Mapping[int, datetime]]:
        """The messages, and when which of them was sent back; what Kafka has dropped is forgotten here, too."""
        first, end = await self._span()
        messages = await fetched(self._policy, self._policy.quarantine, 0, first, end) if end > first else []
        async with unavailable_as_ours():
            stored = await self._client.hgetall(_SENT_BACK)
            old = [name for name in stored if int(name) < first]
            if old:
                await self._client.hdel(_SENT_BACK, *old)
        return messages, {int(name): datetime.fromtimestamp(int(at) / 1000, UTC) for name, at in stored.items()}

    async def _span(self) -> tuple[int, int]:
        lane = TopicPartition(self._policy.quarantine, 0)
        consumer = AIOKafkaConsumer(**self._policy.client_options(), enable_auto_commit=False)
        try:
            async with asyncio.timeout(WITHIN.total_seconds()):
                await consumer.start()
                first = (await consumer.beginning_offsets([lane]))[lane]
                return first, (await consumer.end_offsets([lane]))[lane]
        except (KafkaError, TimeoutError) as error:
            raise StoreUnavailable(f"Kafka did not answer ({type(error).__name__}).") from error
        finally:
            await consumer.stop()


def _described(message: Message, sent_back_at: datetime | None) -> Aside:
    said = {name: value.decode("utf-8", "replace") for name, value in message.headers if name in SAID}
    return Aside(
        offset=message.offset,
        why=said["why"],
        topic=said["topic"],
        partition=int(said["partition"]),
        came_as=int(said["offset"]),
        worker=said["worker"],
        size=len(message.value),
        at=message.appended_at,
        sent_back_at=sent_back_at,
    )


def _as_it_was(message: Message) -> Outgoing:
    """Our headers were put behind its own."""
    said, own = _described(message, None), message.headers[: -len(SAID)]
    return Outgoing(said.topic, message.value, message.key, said.partition, own)
