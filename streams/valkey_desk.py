"""What waits for people, on Valkey: quarantine, reviews, held intelligence (ports.Desk)."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from domain.ids import SHARDS, EventId, shard_of
from streams import codec, keys
from streams.messages import HeldIntel, QuarantineItem, ReviewItem
from streams.valkey import unavailable_as_ours


class ValkeyDesk:
    """Desk on one Valkey."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def quarantined(self, limit: int, state: str = "open") -> list[QuarantineItem]:
        """See ports.Desk. Looks at most at the newest 10,000."""
        found: list[QuarantineItem] = []
        async with unavailable_as_ours():
            for start in range(0, 10_000, 500):
                ids: Any = await self._client.zrevrange(keys.QUARANTINE, start, start + 499)
                for identity in ids:
                    item = await self.quarantine_item(identity.decode())
                    if item is not None and item.state == state:
                        found.append(item)
                        if len(found) == limit:
                            return found
                if len(ids) < 500:
                    break
        return found

    async def quarantine_item(self, item_id: str) -> QuarantineItem | None:
        """See ports.Desk."""
        async with unavailable_as_ours():
            fields: Any = await self._client.hgetall(keys.QUARANTINE_ITEM + item_id)
        if not fields:
            return None
        kept = codec.decode_quarantine(fields[b"b"])
        return replace(
            kept,
            first_at=_moment(fields[b"f"]),
            last_at=_moment(fields[b"l"]),
            count=int(fields[b"n"]),
            state=fields[b"s"].decode(),
            event_id=EventId(fields[b"e"].decode()) if b"e" in fields else kept.event_id,
        )

    async def mark_replayed(self, item_id: str, event_id: EventId | None) -> None:
        """See ports.Desk."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=True) as pipe:
            pipe.hset(keys.QUARANTINE_ITEM + item_id, "s", "replayed")
            if event_id:
                pipe.hset(keys.QUARANTINE_ITEM + item_id, "e", event_id)
            await pipe.execute()

    async def reviews(self, limit: int) -> list[ReviewItem]:
        """See ports.Desk."""
        async with unavailable_as_ours():
            ids: Any = await self._client.zrevrange(keys.REVIEWS, 0, limit - 1)
            raws: Any = await self._client.mget([keys.REVIEW + found.decode() for found in ids]) if ids else []
        return [codec.decode_review(raw) for raw in raws if raw]

    async def held(self, limit: int) -> list[HeldIntel]:
        """See ports.Desk."""
        async with unavailable_as_ours():
            async with self._client.pipeline(transaction=False) as pipe:
                for shard in range(SHARDS):
                    pipe.zrevrange(keys.held(shard), 0, limit - 1)
                names = [
                    keys.held_item(shard, found.decode())
                    for shard, ids in enumerate(await pipe.execute())
                    for found in ids
                ]
            async with self._client.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.get(name)
                items = [codec.decode_held(raw) for raw in await pipe.execute() if raw]
        return sorted(items, key=lambda item: item.created_at, reverse=True)[:limit]

    async def held_item(self, held_id: str) -> HeldIntel | None:
        """See ports.Desk."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard in range(SHARDS):
                pipe.get(keys.held_item(shard, held_id))
            return next((codec.decode_held(raw) for raw in await pipe.execute() if raw), None)

    async def decide_held(self, item: HeldIntel) -> None:
        """See ports.Desk."""
        async with unavailable_as_ours():
            await self._client.set(keys.held_item(shard_of(item.member_id), item.held_id), codec.encode(item))


def _moment(score: bytes) -> datetime:
    return datetime.fromtimestamp(int(score) / 1000, UTC)
