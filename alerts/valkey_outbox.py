"""The outbox in Valkey or Redis: rows that wait, leased by a script, recorded behind a fence.

An idle look is one round trip of cheap reads over the shards, so that many workers may poll.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, NamedTuple

from redis.asyncio import Redis

from alerts import valkey_layout as layout
from alerts.model import Alert, Channel, Delivery
from alerts.outbox import shares
from alerts.planning import Row
from alerts.ports import milliseconds
from alerts.valkey import commit, pairs, run
from domain.errors import Conflict
from domain.ids import SHARDS


class _Head(NamedTuple):
    """A row that waits, as a queue shows it."""

    due_ms: int
    delivery_id: str
    shard: int
    urgent: bool


class ValkeyOutbox:
    """Outbox on a Valkey or Redis server."""

    def __init__(self, client: Redis, shards: int = SHARDS) -> None:
        self._client = client
        self._shards = shards

    async def claim(
        self,
        now: datetime,
        *,
        channel: Channel,
        limit: int,
        lease: timedelta,
        shards: Collection[int] | None = None,
    ) -> list[Delivery]:
        """See Outbox. Looks at all shards first, then claims in those that have the longest due."""
        until = milliseconds(now)
        heads = await self._heads(channel, shards, until, limit)
        urgent = sorted(head for head in heads if head.urgent)
        others = sorted(head for head in heads if not head.urgent)
        first, rest = shares(len(urgent), len(others), limit)
        chosen = Counter((head.shard, head.urgent) for head in (*urgent[:first], *others[:rest]))
        pipeline = self._client.pipeline(transaction=False)
        for (shard, line), number in chosen.items():
            pipeline.eval(
                layout.CLAIM,
                1,
                layout.outbox_key(shard, channel, line),
                until,
                number,
                milliseconds(now + lease),
                layout.delivery_key(shard, ""),
            )
        answers: list[Any] = await run(pipeline.execute()) if chosen else []
        return [layout.decode_delivery(fields) for answer in answers for fields in answer]

    async def record(
        self, delivery: Delivery, fence: int, *, alert: Alert | None = None, previous: Alert | None = None
    ) -> bool:
        """See Outbox."""
        shard = delivery.shard
        fenced = layout.fence_guard(shard, delivery.delivery_id, fence)
        guards, ops = [fenced], layout.delivery_ops(shard, delivery, delivery)
        if alert is not None:
            guards.append(layout.alert_guard(shard, alert.alert_id, previous.version if previous else 0))
            ops += layout.alert_ops(shard, alert, previous)
        failed = await commit(self._client, guards, ops)
        if failed is not None and failed != fenced.key:
            raise Conflict
        return failed is None

    async def release(self, now: datetime) -> int:
        """See Outbox."""
        released = 0
        for shard in range(self._shards):
            for channel, urgent in product(Channel, (True, False)):
                released += int(
                    await run(
                        self._client.eval(
                            layout.RELEASE,
                            1,
                            layout.outbox_key(shard, channel, urgent),
                            milliseconds(now),
                            layout.delivery_key(shard, ""),
                        )
                    )
                )
        return released

    async def order(self, rows: Sequence[Row]) -> int:
        """See Outbox."""
        fresh = 0
        for row in rows:
            delivery = row.delivery
            guards = [layout.delivery_guard(delivery.shard, delivery.delivery_id, 0)]
            ops = layout.delivery_ops(delivery.shard, delivery, None)
            fresh += await commit(self._client, guards, ops) is None
        return fresh

    async def pending(self) -> Mapping[Channel, int]:
        """See Outbox."""
        pipeline = self._client.pipeline(transaction=False)
        lines = list(product(Channel, range(self._shards), (True, False)))
        for channel, shard, urgent in lines:
            pipeline.zcard(layout.outbox_key(shard, channel, urgent))
        counts = dict.fromkeys(Channel, 0)
        found: list[int] = await run(pipeline.execute())
        for (channel, _, _), number in zip(lines, found, strict=True):
            counts[channel] += number
        return counts

    async def next_due(self, channel: Channel, shards: Collection[int] | None = None) -> datetime | None:
        """See Outbox."""
        heads = await self._heads(channel, shards, None, 1)
        return datetime.fromtimestamp(min(heads).due_ms / 1000, UTC) if heads else None

    async def _heads(
        self, channel: Channel, shards: Collection[int] | None, until: int | None, limit: int
    ) -> list[_Head]:
        """The longest due of each shard, of urgent rows and of the others."""
        where = list(product(sorted(range(self._shards) if shards is None else shards), (True, False)))
        pipeline = self._client.pipeline(transaction=False)
        for shard, urgent in where:
            key = layout.outbox_key(shard, channel, urgent)
            pipeline.zrangebyscore(key, "-inf", "+inf" if until is None else until, 0, limit, withscores=True)
        found: list[Any] = await run(pipeline.execute()) if where else []
        return [
            _Head(int(float(score)), bytes(identity).decode(), shard, urgent)
            for (shard, urgent), entries in zip(where, found, strict=True)
            for identity, score in pairs(entries)
        ]
