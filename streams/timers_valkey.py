"""Due times on Valkey: one sorted set a shard beside the people's states, in the same slot."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from redis.asyncio import Redis

from domain.ids import SHARDS, MemberId, shard_of
from streams import codec, keys
from streams.ports import Commit, Person
from streams.retention import Retention
from streams.timer_ports import Outlook, Planned, Planning, Waiting
from streams.valkey import ms, unavailable_as_ours
from streams.valkey_decide import ValkeyDecide, due_score, moment_of, state_of
from streams.valkey_tallies import ValkeyTallies

_PLAN = """
local refused = {}
for at = 2, #ARGV, 3 do
  local member, version, score = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local name = ARGV[1] .. member
  if (redis.call('HGET', name, 'v') or '0') ~= version then
    refused[#refused + 1] = member
  else
    if score == '' then redis.call('ZREM', KEYS[1], member) else redis.call('ZADD', KEYS[1], score, member) end
    if version ~= '0' then redis.call('HINCRBY', name, 'v', 1) end
  end
end
return refused
"""
"""KEYS: the due times of a shard. ARGV: what stands before a member's id in the name of their state; then member,
version and score ('' for nothing waits) of each. Answers whose state is of another version: theirs is left alone."""

_planning_decoder = msgspec.json.Decoder(Planning)


class ValkeyTimers:
    """TimerLog on one Valkey."""

    def __init__(self, client: Redis, *, retention: Retention | None = None) -> None:
        self._client = client
        self._decisions = ValkeyDecide(client, retention=retention)
        self._plan = client.register_script(_PLAN)

    async def due_people(self, until: datetime, limit: int, besides: Collection[MemberId] = ()) -> list[MemberId]:
        """See timer_ports.TimerLog."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard in range(SHARDS):
                most = limit + sum(shard_of(name) == shard for name in besides)
                pipe.zrangebyscore(keys.due(shard), "-inf", ms(until), start=0, num=most, withscores=True)
            found = [(score, MemberId(name.decode())) for part in await pipe.execute() for name, score in part]
        return [name for _, name in sorted(found) if name not in besides]

    async def load_person(self, member: MemberId) -> Person:
        """See timer_ports.TimerLog."""
        return await self._decisions.load_person(member)

    async def commit(self, commit: Commit) -> bool:
        """See timer_ports.TimerLog."""
        return await self._decisions.commit(commit)

    async def outlooks(self, members: Sequence[MemberId]) -> list[Outlook]:
        """See timer_ports.TimerLog. One round trip."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for name in members:
                pipe.hmget(keys.person(name), ["b", "v"])
                pipe.zscore(keys.due(shard_of(name)), name)
            replies = await pipe.execute()
        pairs = zip(members, replies[::2], replies[1::2], strict=True)
        return [Outlook(state_of(name, *stored), moment_of(due)) for name, stored, due in pairs]

    async def plan(self, planned: Sequence[Planned]) -> list[MemberId]:
        """See timer_ports.TimerLog. One step for each shard concerned, in one round trip."""
        shards: dict[int, list[str | int]] = {}
        for each in planned:
            score = "" if each.due is None else due_score(each.due)
            shards.setdefault(shard_of(each.member_id), []).extend((each.member_id, each.version, score))
        if not shards:
            return []
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard, words in shards.items():
                await self._plan(keys=[keys.due(shard)], args=[f"{{{shard}}}:person:", *words], client=pipe)
            replies: Any = await pipe.execute()
        return [MemberId(name.decode()) for reply in replies for name in reply]

    async def waiting(self) -> Waiting:
        """See timer_ports.TimerLog."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard in range(SHARDS):
                pipe.zcard(keys.due(shard))
                pipe.zrange(keys.due(shard), 0, 0, withscores=True)
            replies = await pipe.execute()
        first = min((score for found in replies[1::2] for _, score in found), default=None)
        return Waiting(sum(replies[::2]), moment_of(first))

    async def in_flight_since(self, not_before: datetime | None) -> datetime | None:
        """See timer_ports.TimerLog."""
        async with unavailable_as_ours():
            lowest = "-inf" if not_before is None else ms(not_before)
            found: Any = await self._client.zrangebyscore(
                keys.IN_FLIGHT, lowest, "+inf", start=0, num=1, withscores=True
            )
        return moment_of(found[0][1]) if found else None

    async def note_fault(self, cause: str, at: datetime) -> None:
        """See timer_ports.TimerLog."""
        await ValkeyTallies(self._client).note_fault(cause, at)

    async def planning(self) -> Planning | None:
        """See timer_ports.TimerLog."""
        async with unavailable_as_ours():
            raw: Any = await self._client.get(keys.PLANNING)
        return _planning_decoder.decode(raw) if raw else None

    async def keep_planning(self, planning: Planning) -> None:
        """See timer_ports.TimerLog."""
        async with unavailable_as_ours():
            await self._client.set(keys.PLANNING, codec.encode(planning))
