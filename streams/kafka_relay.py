"""From the store's outboxes to Kafka: whoever owns a shard passes its matched events on.

The owner of the first shard also passes on what is to be recognised again.

Scripts write a matched event in the same atomic step as the books that speak of it; so there is nothing to be lost
between store and broker. A message may be passed on twice after a crash: a part that was decided is known by its name.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from streams import codec, keys
from streams.kafka_intake import message_of, partition_of
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer, Outgoing, headers_of
from streams.kafka_work import REOPENED
from streams.valkey import entries_of, unavailable_as_ours

_READER = "relay"
WAIT = timedelta(milliseconds=500)
_BATCH = 64

Entries = list[tuple[bytes, bytes]]
"""Positions and payloads."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A stream of the store, the group by which it is read and the field that holds the payload."""

    stream: str
    group: str
    field: bytes
    shard: int


class Relay:
    """Reads the streams of the shards that are ours and produces them, in order within each."""

    def __init__(
        self, client: Redis, producer: KafkaProducer, policy: KafkaPolicy, owned: Callable[[], frozenset[int]]
    ) -> None:
        self._client = client
        self._producer = producer
        self._policy = policy
        self._owned = owned
        self._left: frozenset[int] = frozenset()  # shards whose last owner may have left something unfinished
        self._before: frozenset[int] = frozenset()

    async def run_once(self, wait: timedelta = WAIT) -> int:
        """Pass the next messages on. Returns how many. What it raises leaves them to be read again."""
        owned = self._owned()
        self._left = (self._left & owned) | (owned - self._before)
        self._before = owned
        if not owned:
            await asyncio.sleep(wait.total_seconds())
            return 0
        try:
            return await self._unfinished() if self._left else await self._next(owned, wait)
        except Exception:
            self._before = frozenset()
            raise

    async def _unfinished(self) -> int:
        groups = [await self._read(part, "0", None) for part in _by_group(self._left)]
        found = {source: entries for group in groups for source, entries in group.items() if entries}
        self._left = frozenset(source.shard for source in found)
        return await self._pass_on(found)

    async def _next(self, owned: frozenset[int], wait: timedelta) -> int:
        matched, *others = _by_group(owned)
        found = dict(await self._read(matched, ">", wait))
        for part in others:
            found |= await self._read(part, ">", None)
        return await self._pass_on({source: entries for source, entries in found.items() if entries})

    async def _pass_on(self, found: Mapping[_Source, Entries]) -> int:
        if not found:
            return 0
        partitions = await self._producer.partitions(self._policy.events)
        await self._producer.send(
            [message for source in found for message in self._messages(source, found[source], partitions)]
        )
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for source, entries in found.items():
                pipe.xack(source.stream, source.group, *(position for position, _ in entries))
            await pipe.execute()
        return sum(map(len, found.values()))

    def _messages(self, source: _Source, entries: Entries, partitions: int) -> list[Outgoing]:
        if source.stream != keys.REOPENED:
            return [
                Outgoing(self._policy.matched, b"[" + b",".join(raw for _, raw in part) + b"]", partition=source.shard)
                for part in _parts(entries, self._policy.batch)
            ]
        events = [codec.decode_event(raw) for _, raw in entries]
        headers = headers_of({REOPENED: "1"})
        return [
            Outgoing(
                self._policy.events,
                message_of([event]),
                partition=partition_of(event, partitions),
                headers=headers,
            )
            for event in events
        ]

    async def _read(self, sources: list[_Source], after: str, wait: timedelta | None) -> dict[_Source, Entries]:
        streams: dict[Any, Any] = {source.stream: after for source in sources}
        block = max(1, int(wait.total_seconds() * 1000)) if wait else None
        async with unavailable_as_ours():
            reply: Any = await self._client.xreadgroup(sources[0].group, _READER, streams, count=_BATCH, block=block)
        return {
            source: [
                (position, fields[source.field] if isinstance(fields, dict) else fields[1])
                for position, fields in entries_of(reply, source.stream)
                if fields
            ]
            for source in sources
        }


def _by_group(shards: frozenset[int]) -> list[list[_Source]]:
    """The streams of these shards, those of one group together."""
    matched = [_Source(keys.matched_stream(shard), keys.DECIDE_GROUP, b"m", shard) for shard in sorted(shards)]
    again = [_Source(keys.REOPENED, keys.RECOGNISE_GROUP, b"e", 0)] if 0 in shards else []
    return [part for part in (matched, again) if part]


def _parts(entries: Entries, size: int) -> list[Entries]:
    return [entries[start : start + size] for start in range(0, len(entries), size)]
