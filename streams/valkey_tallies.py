"""The tallies on Valkey (tallies.Tallies), and the commands that a decision writes them with.

{p}:heldback:<member>     hash   firing id -> record (JSON)
{p}:heldback              zset   milliseconds -> "<member>|<firing id>"
{p}:sent                  zset   milliseconds -> round of messages (JSON)
{p}:firings:<day>         hash   "<rule>|<hour>" -> how often
{p}:unjudged              zset   milliseconds -> "<rule>|<version>|<cause>": could not be judged, when last
rp:faults                 zset   the same of whole events that failed: "|0|<cause>"
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from redis.asyncio import Redis

from alerts.breaker import Sent
from alerts.held_back import HeldBack
from alerts.valkey_layout import Op
from domain.ids import SHARDS, MemberId, RuleId, shard_of
from streams import keys
from streams.ports import Commit
from streams.tallies import FAULTS_FOR, FIRINGS_FOR, HELD_BACK_FOR, SENT_FOR, Firings, HourOfRule, SeenFault, hour_of
from streams.valkey import ms, unavailable_as_ours

_HELD = msgspec.json.Decoder(HeldBack)
_SENT = msgspec.json.Decoder(Sent)

_FAULTS = (keys.FAULTS, *(keys.unjudged(shard) for shard in range(SHARDS)))


def tally_ops(commit: Commit) -> list[Op]:
    """The commands that write what a decision leaves beside the person; all in the person's slot."""
    member = commit.after.member_id
    shard = shard_of(member)
    ops: list[Op] = []
    for record in commit.held_back:
        firing = record.trigger.firing_id
        ops.append(("HSET", keys.held_back(member), firing, msgspec.json.encode(record)))
        ops.append(("ZADD", keys.held_back_index(shard), ms(record.at), f"{member}|{firing}"))
    ops += [("ZADD", keys.sent(shard), ms(sent.at), msgspec.json.encode(sent)) for sent in commit.sent]
    if commit.unjudged and commit.decided_at is not None:
        seen = [SeenFault(one.cause, commit.decided_at, one.rule_id, one.version) for one in commit.unjudged]
        ops += [("ZADD", keys.unjudged(shard), ms(fault.last_at), fault.name) for fault in seen]
    if commit.fired and commit.decided_at is not None:
        name = keys.firings(shard, commit.decided_at.astimezone(UTC).date())
        hour = hour_of(commit.decided_at).hour
        ops += [("HINCRBY", name, f"{rule}|{hour}", 1) for rule in commit.fired]
        ops.append(("EXPIRE", name, int(FIRINGS_FOR.total_seconds())))
    return ops


def decode_held_back(bodies: Sequence[bytes]) -> tuple[HeldBack, ...]:
    """Records as they are stored, in order of when."""
    found = (_HELD.decode(body) for body in bodies)
    return tuple(sorted(found, key=lambda record: (record.at, record.trigger.firing_id)))


class ValkeyTallies:
    """Tallies on one Valkey."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def sent_since(self, moment: datetime) -> list[Sent]:
        """See Tallies."""
        found = await self._each([("ZRANGEBYSCORE", keys.sent(shard), ms(moment), "+inf") for shard in range(SHARDS)])
        sent = [_SENT.decode(body) for bodies in found for body in bodies]
        return sorted(sent, key=lambda one: (one.at, one.alert_id, one.round))

    async def held_back_of(self, member: MemberId) -> list[HeldBack]:
        """See Tallies."""
        async with unavailable_as_ours():
            bodies: Any = await self._client.hvals(keys.held_back(member))
        return list(decode_held_back(bodies))

    async def held_back(self, limit: int) -> list[HeldBack]:
        """See Tallies."""
        names = await self._each(
            [("ZREVRANGE", keys.held_back_index(shard), 0, limit - 1, "WITHSCORES") for shard in range(SHARDS)]
        )
        newest = sorted(
            ((float(score), name.decode()) for found in names for name, score in _pairs(found)), reverse=True
        )
        wanted = [name.rpartition("|") for _, name in newest[:limit]]
        bodies = await self._each([("HGET", keys.held_back(MemberId(who)), firing) for who, _, firing in wanted])
        return [_HELD.decode(body) for body in bodies if body]

    async def firings(self, days: Sequence[date]) -> Firings:
        """See Tallies."""
        asked = [(shard, day) for day in days for shard in range(SHARDS)]
        replies = await self._each([("HGETALL", keys.firings(shard, day)) for shard, day in asked])
        total: dict[HourOfRule, int] = {}
        for (_, day), reply in zip(asked, replies, strict=True):
            for name, number in _pairs(reply):
                rule, _, hour = name.decode().rpartition("|")
                at = HourOfRule(RuleId(rule), datetime(day.year, day.month, day.day, int(hour), tzinfo=UTC))
                total[at] = total.get(at, 0) + int(number)
        return total

    async def faults(self, since: datetime) -> list[SeenFault]:
        """See Tallies."""
        found = await self._each([("ZRANGEBYSCORE", name, ms(since), "+inf", "WITHSCORES") for name in _FAULTS])
        last: dict[str, float] = {}
        for name, score in (pair for part in found for pair in _pairs(part)):
            last[name.decode()] = max(float(score), last.get(name.decode(), 0.0))
        return [SeenFault.named(name, datetime.fromtimestamp(at / 1000, UTC)) for name, at in sorted(last.items())]

    async def note_fault(self, cause: str, at: datetime) -> None:
        """See Tallies."""
        await self._each([("ZADD", keys.FAULTS, ms(at), SeenFault(cause, at).name)])

    async def tidy(self, now: datetime) -> int:
        """See Tallies."""
        await self._each([("ZREMRANGEBYSCORE", name, "-inf", f"({ms(now - FAULTS_FOR)}") for name in _FAULTS])
        oldest = ms(now - SENT_FOR)
        gone = await self._each(
            [("ZREMRANGEBYSCORE", keys.sent(shard), "-inf", f"({oldest}") for shard in range(SHARDS)]
        )
        return sum(int(number) for number in gone) + await self._forget_old(now)

    async def _forget_old(self, now: datetime) -> int:
        """Records older than they are kept, some of each shard at a time."""
        oldest, most = f"({ms(now - HELD_BACK_FOR)}", 500
        found = await self._each(
            [
                ("ZRANGEBYSCORE", keys.held_back_index(shard), "-inf", oldest, "LIMIT", 0, most)
                for shard in range(SHARDS)
            ]
        )
        old = [(shard, name.decode()) for shard, names in enumerate(found) for name in names]
        ops: list[Op] = []
        for shard, name in old:
            member, _, firing = name.rpartition("|")
            ops += [("HDEL", keys.held_back(MemberId(member)), firing), ("ZREM", keys.held_back_index(shard), name)]
        await self._each(ops)
        return len(old)

    async def _each(self, commands: Sequence[Op]) -> list[Any]:
        if not commands:
            return []
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            return list(await pipe.execute())


def _pairs(reply: Any) -> list[tuple[bytes, Any]]:
    """Names with values, whichever shape the protocol version gives the reply."""
    if isinstance(reply, dict):
        return list(reply.items())
    found = list(reply)
    if found and isinstance(found[0], (list, tuple)):
        return [(name, value) for name, value in found]
    return list(zip(found[::2], found[1::2], strict=True))
