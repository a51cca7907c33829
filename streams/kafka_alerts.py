"""From the store to the alerts topic: what became of alerts, for other systems.

A change is written in the same atomic commit as the alert (alerts/valkey_layout.py) and taken out once the brokers
have it on all copies: so it is published at least once, and in order for each alert. What stands in the way of one is
waited for; nothing is left out.
"""

from typing import Any

from redis.asyncio import Redis

from alerts.publication import decode_change
from alerts.valkey_layout import told_key
from domain.ids import SHARDS
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer, Outgoing
from streams.valkey import make_group, unavailable_as_ours

_BATCH = 64
_GROUP = "topic"


async def keep_changes(client: Redis) -> None:
    """From now on changes of alerts are kept until they are published. Before that, commits keep none."""
    async with unavailable_as_ours():
        for shard in range(SHARDS):
            await make_group(client, told_key(shard), _GROUP)  # the group only makes the stream be there


class AlertsPublisher:
    """Publishes changes, keyed by member. One at a time: whoever leads."""

    def __init__(self, client: Redis, producer: KafkaProducer, policy: KafkaPolicy) -> None:
        self._client = client
        self._producer = producer
        self._policy = policy

    async def turn(self) -> int:
        """Publish what waits, at most 64 of each shard. Returns how many. What it raises leaves them to be tried again,
        some of them perhaps published."""
        found = await self._waiting()
        messages = [self._message(fields[b"c"]) for entries in found for _, fields in entries]
        if not messages:
            return 0
        await self._producer.send(messages)
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard, entries in enumerate(found):
                if entries:
                    pipe.xdel(told_key(shard), *(position for position, _ in entries))
            await pipe.execute()
        return len(messages)

    async def waiting(self) -> int:
        """How many changes are still to be published."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard in range(SHARDS):
                pipe.xlen(told_key(shard))
            return sum(int(length) for length in await pipe.execute())

    async def _waiting(self) -> list[Any]:
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard in range(SHARDS):
                pipe.xrange(told_key(shard), count=_BATCH)
            return list(await pipe.execute())

    def _message(self, value: bytes) -> Outgoing:
        return Outgoing(self._policy.alerts, value, decode_change(value).member_id.encode())
