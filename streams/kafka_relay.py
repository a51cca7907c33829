"""From the store's outbox of matched events to Kafka: whoever owns a shard passes its messages on.

Scripts write a matched event in the same atomic step as the books that speak of it; so there is nothing to be lost
between store and broker. A message may be passed on twice after a crash: a part that was decided is known by its name.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from streams import keys
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer, Outgoing
from streams.valkey import entries_of, unavailable_as_ours

_READER = "relay"
WAIT = timedelta(milliseconds=500)
_BATCH = 64


class MatchedRelay:
    """Reads the matched streams of the shards that are ours and produces them, in order within each shard."""

    def __init__(
        self, client: Redis, producer: KafkaProducer, policy: KafkaPolicy, owned: Callable[[], frozenset[int]]
    ) -> None:
        self._client = client
        self._producer = producer
        self._policy = policy
        self._owned = owned
        self._resuming: frozenset[int] = frozenset()
        self._before: frozenset[int] = frozenset()

    async def run_once(self, wait: timedelta = WAIT) -> int:
        """Pass the next messages on. Returns how many."""
        owned = self._owned()
        self._resuming = (self._resuming & owned) | (owned - self._before)  # what their last owner left comes first
        self._before = owned
        if not owned:
            return 0
        try:
            return await self._pass_on(owned, wait)
        except Exception:
            self._before = frozenset()  # all of it is looked at from its beginning again
            raise

    async def _pass_on(self, owned: frozenset[int], wait: timedelta) -> int:
        resuming = self._resuming
        shards = resuming or owned
        found = await self._read(shards, "0" if resuming else ">", None if resuming else wait)
        if resuming:
            self._resuming = frozenset(shard for shard, entries in found.items() if entries)
        messages = [
            Outgoing(self._policy.matched, b"[" + b",".join(raw for _, raw in part) + b"]", partition=shard)
            for shard, entries in found.items()
            for part in _parts(entries, self._policy.batch)
        ]
        if not messages:
            return 0
        await self._producer.send(messages)
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard, entries in found.items():
                if entries:
                    pipe.xack(keys.matched_stream(shard), keys.DECIDE_GROUP, *(position for position, _ in entries))
            await pipe.execute()
        return sum(len(entries) for entries in found.values())

    async def _read(
        self, shards: frozenset[int], after: str, wait: timedelta | None
    ) -> dict[int, list[tuple[bytes, bytes]]]:
        streams: dict[Any, Any] = {keys.matched_stream(shard): after for shard in sorted(shards)}
        block = max(1, int(wait.total_seconds() * 1000)) if wait else None
        async with unavailable_as_ours():
            reply: Any = await self._client.xreadgroup(keys.DECIDE_GROUP, _READER, streams, count=_BATCH, block=block)
        return {
            shard: [
                (position, fields[b"m"] if isinstance(fields, dict) else fields[1])
                for position, fields in entries_of(reply, keys.matched_stream(shard))
                if fields
            ]
            for shard in sorted(shards)
        }


def _parts(entries: list[tuple[bytes, bytes]], size: int) -> list[list[tuple[bytes, bytes]]]:
    return [entries[start : start + size] for start in range(0, len(entries), size)]
