"""Snoozes and the closing of breakers on Valkey (quiet_ports), each change with its audit entry in one checked commit.

rp:snooze:<id>         hash   v version, b body (JSON)
rp:snoozes             zset   milliseconds of the end -> id
rp:snoozes:untold      zset   milliseconds when it is over -> id, until its maker was told
rp:breakers:closed     hash   "<kind>:<name>" -> milliseconds;   rp:breakers:rung the same
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from redis.asyncio import Redis

from alerts import valkey_layout as layout
from alerts.breaker import FloodKey
from alerts.snooze import Snooze
from alerts.valkey_layout import Guard, Op
from streams import codec, keys
from streams.audit import AuditEntry
from streams.valkey import ms, unavailable_as_ours

_SNOOZE = msgspec.json.Decoder(Snooze)


class ValkeyQuiet:
    """SnoozeStore and BreakerStore on one Valkey."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._commit = client.register_script(layout.CHECKED_COMMIT)

    async def revision(self) -> int:
        """See SnoozeStore."""
        async with unavailable_as_ours():
            found: Any = await self._client.get(keys.SNOOZES_REVISION)
        return int(found or 0)

    async def snoozes(self, ending_after: datetime) -> list[Snooze]:
        """See SnoozeStore."""
        async with unavailable_as_ours():
            ids: Any = await self._client.zrangebyscore(keys.SNOOZES, f"({ms(ending_after)}", "+inf")
        return await self._load(ids)

    async def untold(self, now: datetime, limit: int = 100) -> list[Snooze]:
        """See SnoozeStore."""
        async with unavailable_as_ours():
            ids: Any = await self._client.zrangebyscore(keys.SNOOZES_UNTOLD, "-inf", ms(now), start=0, num=limit)
        return await self._load(ids)

    async def find(self, snooze_id: str) -> Snooze | None:
        """See SnoozeStore."""
        return next(iter(await self._load([snooze_id.encode()])), None)

    async def _load(self, ids: Sequence[bytes]) -> list[Snooze]:
        if not ids:
            return []
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for identity in ids:
                pipe.hget(keys.SNOOZE + identity.decode(), "b")
            return [_SNOOZE.decode(body) for body in await pipe.execute() if body]

    async def change(self, after: Snooze, before: Snooze | None, audit: Sequence[AuditEntry]) -> bool:
        """See SnoozeStore."""
        name = keys.SNOOZE + after.snooze_id
        ops: list[Op] = [
            ("HSET", name, "v", after.version, "b", msgspec.json.encode(after)),
            ("ZADD", keys.SNOOZES, ms(after.ends_at), after.snooze_id),
            ("INCR", keys.SNOOZES_REVISION),
        ]
        if after.told_at is None:
            ops.append(("ZADD", keys.SNOOZES_UNTOLD, ms(after.over_at), after.snooze_id))
        else:
            ops.append(("ZREM", keys.SNOOZES_UNTOLD, after.snooze_id))
        return await self._write([Guard(name, "v", str(before.version if before else 0))], ops + _entries(audit))

    async def closed(self) -> Mapping[FloodKey, datetime]:
        """See BreakerStore."""
        return await self._moments(keys.BREAKERS_CLOSED)

    async def close(self, key: FloodKey, at: datetime, audit: Sequence[AuditEntry]) -> None:
        """See BreakerStore."""
        await self._write([], [("HSET", keys.BREAKERS_CLOSED, str(key), ms(at)), *_entries(audit)])

    async def rung(self) -> Mapping[FloodKey, datetime]:
        """See BreakerStore."""
        return await self._moments(keys.BREAKERS_RUNG)

    async def ring(self, key: FloodKey, at: datetime, before: datetime | None) -> bool:
        """See BreakerStore."""
        guard = Guard(keys.BREAKERS_RUNG, str(key), str(ms(before)) if before else "0")
        return await self._write([guard], [("HSET", keys.BREAKERS_RUNG, str(key), ms(at))])

    async def _moments(self, name: str) -> dict[FloodKey, datetime]:
        async with unavailable_as_ours():
            found: Any = await self._client.hgetall(name)
        return {FloodKey.parse(key.decode()): datetime.fromtimestamp(int(at) / 1000, UTC) for key, at in found.items()}

    async def _write(self, guards: Sequence[Guard], ops: Sequence[Op]) -> bool:
        names, args = layout.pack_commit(guards, ops)
        async with unavailable_as_ours():
            reply: Any = await self._commit(keys=names, args=args)
        return int(reply[0]) == 1


def _entries(audit: Sequence[AuditEntry]) -> list[Op]:
    return [("XADD", keys.AUDIT, "*", "b", codec.encode(entry)) for entry in audit]
