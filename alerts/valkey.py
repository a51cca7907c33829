"""The alert store in Valkey or Redis: reads by pipeline over the shards, writes through one checked commit.

What lies where is in `valkey_layout.py`, the outbox in `valkey_outbox.py`. The client belongs to the caller, answers
bytes (`decode_responses=False`) and must not retry writes.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from alerts import valkey_layout as layout
from alerts.model import Alert, AlertState, Delivery
from alerts.planning import Row
from alerts.ports import AlertFilter, CountKey, Page, cursor_of, milliseconds, position_from
from alerts.valkey_layout import Guard, Op
from domain.errors import Conflict, StoreUnavailable
from domain.ids import SHARDS, AlertId, DeliveryId, MemberId, shard_of
from domain.triggers import Priority

Position = tuple[int, str]


async def commit(client: Redis, guards: Iterable[Guard], ops: Iterable[Op]) -> str | None:
    """Check the guards and run the commands as one; None if done, else the key whose guard failed."""
    keys, words = layout.pack_commit(guards, ops)
    answer: Any = await run(client.eval(layout.CHECKED_COMMIT, len(keys), *keys, *words))
    return None if answer[0] == 1 else bytes(answer[1]).decode()


async def run(call: Any) -> Any:
    """The answer of one call. Raises StoreUnavailable where the server cannot be reached or refuses."""
    try:
        return await call
    except (RedisError, OSError) as fault:
        raise StoreUnavailable(f"The store did not answer ({type(fault).__name__}).") from fault


class ValkeyAlertStore:
    """AlertStore on a Valkey or Redis server."""

    def __init__(self, client: Redis, shards: int = SHARDS) -> None:
        self._client = client
        self._shards = shards

    async def get(self, alert_id: AlertId, shard: int) -> Alert | None:
        """See AlertStore."""
        return (await self._load([(shard, alert_id)]))[0]

    async def of_members(self, members: Collection[MemberId]) -> Mapping[MemberId, tuple[Alert, ...]]:
        """See AlertStore. Two round trips for any number of people, one if none of them has an alert."""
        order = sorted(members)
        homes = [self._shard(member) for member in order]
        found = await self._each(
            [("SMEMBERS", layout.member_key(shard, member)) for shard, member in zip(homes, order, strict=True)]
        )
        wanted = [
            (shard, member, AlertId(identity))
            for shard, member, ids in zip(homes, order, found, strict=True)
            for identity in sorted(bytes(each).decode() for each in ids)
        ]
        alerts = await self._load([(shard, identity) for shard, _, identity in wanted])
        grouped: dict[MemberId, list[Alert]] = {}
        for (_, member, _), alert in zip(wanted, alerts, strict=True):
            if alert is not None:
                grouped.setdefault(member, []).append(alert)
        return {member: tuple(known) for member, known in grouped.items()}

    async def by_reference(self, reference: str) -> Alert | None:
        """See AlertStore."""
        found = await self._each([("HGET", layout.references_key(shard), reference) for shard in range(self._shards)])
        wanted = [(shard, AlertId(bytes(each).decode())) for shard, each in enumerate(found) if each is not None]
        alerts = [alert for alert in await self._load(wanted) if alert is not None]
        return max(alerts, key=lambda alert: (alert.raised_at, alert.alert_id), default=None)

    async def page(self, wanted: AlertFilter, *, cursor: str = "", limit: int = 50, newest_first: bool = False) -> Page:
        """See AlertStore. Looks through the index in order of change, a few more than asked at a time."""
        position, shown = position_from(cursor), list[Alert]()
        end = cursor
        while True:
            window, complete = await self._window(wanted, position, limit + 1, newest_first)
            alerts = await self._load([(shard, identity) for _, shard, identity in window])
            for (place, _, _), alert in zip(window, alerts, strict=True):
                if alert is None or not wanted.takes(alert):
                    continue
                if len(shown) == limit:
                    return Page(tuple(shown), end, more=True)
                shown.append(alert)
                end = cursor_of(place)
            if complete:
                return Page(tuple(shown), end, more=False)
            position = window[-1][0] if window else position

    async def counts(self) -> Mapping[CountKey, int]:
        """See AlertStore."""
        total: Counter[CountKey] = Counter()
        for found in await self._each([("HGETALL", layout.counts_key(shard)) for shard in range(self._shards)]):
            for name, number in pairs(found):
                state, priority, area = name.decode().split("|", 2)
                total[CountKey(AlertState(state), Priority(priority), area)] += int(number)
        return {key: number for key, number in total.items() if number}

    async def revision(self) -> int:
        """See AlertStore."""
        found = await self._each([("GET", layout.revision_key(shard)) for shard in range(self._shards)])
        return sum(int(each or 0) for each in found)

    async def save(self, alert: Alert, previous: Alert | None, rows: Sequence[Row] = ()) -> Alert:
        """See AlertStore."""
        shard, version = self._shard(alert.member_id), previous.version if previous else 0
        guards, ops = [layout.alert_guard(shard, alert.alert_id, version)], layout.alert_ops(shard, alert, previous)
        for row in rows:
            known = row.previous.version if row.previous else 0
            guards.append(layout.delivery_guard(shard, row.delivery.delivery_id, known))
            ops += layout.delivery_ops(shard, row.delivery, row.previous)
        if await commit(self._client, guards, ops) is not None:
            raise Conflict
        return replace(alert, version=version + 1)

    async def deliveries_of(self, alert_id: AlertId, shard: int) -> tuple[Delivery, ...]:
        """See AlertStore."""
        if not alert_id:
            return ()
        ids = (await self._each([("SMEMBERS", layout.alert_deliveries_key(shard, alert_id))]))[0]
        keys = [layout.delivery_key(shard, DeliveryId(bytes(each).decode())) for each in ids]
        found = await self._each([("HMGET", key, *layout.DELIVERY_FIELDS) for key in keys])
        rows = [layout.decode_delivery(fields) for fields in found if fields[0] is not None]
        return tuple(sorted(rows, key=lambda row: (row.created_at, row.delivery_id)))

    def _shard(self, member: MemberId) -> int:
        return shard_of(member, self._shards)

    async def _load(self, wanted: Sequence[tuple[int, AlertId]]) -> list[Alert | None]:
        bodies = await self._each([("HGET", layout.alert_key(shard, identity), "b") for shard, identity in wanted])
        return [None if body is None else layout.decode_alert(body) for body in bodies]

    async def _window(
        self, wanted: AlertFilter, after: Position | None, size: int, newest_first: bool
    ) -> tuple[list[tuple[Position, int, AlertId]], bool]:
        """The next alerts in order of change after a position, over all shards, and whether these were the last.

        A shard that gave fewer than asked is at its end; beyond the last entry of one that is not, the order over the
        shards is not known yet, so the window stops there.
        """
        since = milliseconds(wanted.changed_since) if wanted.changed_since else 0
        while True:
            lower, upper = (since, after[0] if after else "+inf") if newest_first else (_start(after, since), "+inf")
            command: tuple[Op, ...] = tuple(
                ("ZRANGEBYSCORE", layout.changed_key(shard), lower, upper, "WITHSCORES", "LIMIT", 0, size)
                if not newest_first
                else ("ZREVRANGEBYSCORE", layout.changed_key(shard), upper, lower, "WITHSCORES", "LIMIT", 0, size)
                for shard in range(self._shards)
            )
            shards = [_scored(found) for found in await self._each(command)]
            bounds = [entries[-1] for entries in shards if len(entries) >= size]
            bound = (max(bounds) if newest_first else min(bounds)) if bounds else None
            merged = sorted(
                (
                    (place, shard, AlertId(place[1]))
                    for shard, entries in enumerate(shards)
                    for place in entries
                    if (after is None or (place < after if newest_first else place > after))
                    and (bound is None or (place >= bound if newest_first else place <= bound))
                ),
                reverse=newest_first,
            )
            if merged or bound is None:
                return merged, bound is None
            size *= 2  # more alerts share one millisecond than fit: look at more of them

    async def _each(self, commands: Sequence[Op]) -> list[Any]:
        """The answers of independent reads in one round trip."""
        if not commands:
            return []
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        answers: list[Any] = await run(pipeline.execute())
        return answers


def _start(after: Position | None, since: int) -> int:
    return max(after[0], since) if after else since


def _scored(found: Any) -> list[Position]:
    """Members with their scores, however the protocol shapes them."""
    return [(int(float(score)), bytes(member).decode()) for member, score in pairs(found)]


def pairs(found: Any) -> list[tuple[bytes, Any]]:
    """Name and value pairs from a mapping, a list of pairs or a flat list: RESP2, RESP3 and redis-py differ."""
    if isinstance(found, Mapping):
        return list(found.items())
    items = list(found)
    if items and isinstance(items[0], (list, tuple)):
        return [(pair[0], pair[1]) for pair in items]
    return list(zip(items[::2], items[1::2], strict=True))
