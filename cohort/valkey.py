"""The cohort store in Valkey or Redis. One hash slot, tag `{cohort}`:

`members` and `navigators` hashes id -> JSON, `version` counter, `changes` sorted set id -> version of its last change
(removed ones too), `sought` the same for what look-back asks by (writing.is_sought), `navigators:changed` version.
Writes are optimistic: WATCH the version, work it out, MULTI/EXEC.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, WatchError
from redis.exceptions import TimeoutError as RedisTimeoutError

from cohort.ports import StoreChanges
from cohort.writing import MemberWrite, plan_members, plan_removal, plan_revision
from domain.errors import Conflict, StoreError, StoreUnavailable
from domain.ids import MemberId
from domain.people import CohortMember, Navigator

if TYPE_CHECKING:
    from redis.asyncio import Redis

MEMBERS = "{cohort}:members"
NAVIGATORS = "{cohort}:navigators"
VERSION = "{cohort}:version"
CHANGES = "{cohort}:changes"
SOUGHT = "{cohort}:sought"
NAVIGATORS_CHANGED = "{cohort}:navigators:changed"
_ATTEMPTS = 8
_CHUNK = 2_000
"""Entries in one command: keeps a large import from holding one huge reply or argument list."""
_member_decoder = msgspec.json.Decoder(CohortMember)
_navigator_decoder = msgspec.json.Decoder(Navigator)
_encode = msgspec.json.Encoder().encode
Answer = TypeVar("Answer")


class ValkeyCohortStore:
    """Keeps the cohort in Valkey. `client` answers bytes (decode_responses off) and is owned by the caller."""

    def __init__(self, client: "Redis") -> None:
        self._client = client

    async def put_members(self, members: Sequence[CohortMember], *, replace: bool, now: datetime) -> int:
        """Write all of `members` or none; `replace` also removes everybody else."""

        async def plan(pipe: "Pipeline") -> MemberWrite:
            wanted = None if replace else list(dict.fromkeys(member.member_id for member in members))
            known = await _known_members(pipe, wanted)
            return plan_members(known, members, replace=replace, now=now)

        return await self._write_members(plan)

    async def remove_members(self, member_ids: Sequence[MemberId]) -> int:
        """Remove members for good."""

        async def plan(pipe: "Pipeline") -> MemberWrite:
            return plan_removal(await _known_members(pipe, list(member_ids)), member_ids)

        return await self._write_members(plan)

    async def revise(self, member_id: MemberId, change: Callable[[CohortMember], CohortMember]) -> bool:
        """Write what `change` makes of one member; whether that is anything new."""
        raw = await _told(cast("Awaitable[bytes | None]", self._client.hget(MEMBERS, member_id)))
        if raw is None or change(known := _member(raw)) == known:
            return False  # the usual answer to a repeat: nothing is written, no version is passed

        async def plan(pipe: "Pipeline") -> MemberWrite:
            return plan_revision(await _known_members(pipe, [member_id]), member_id, change)

        await self._write_members(plan)
        return True

    async def _write_members(self, plan: Callable[["Pipeline"], Awaitable[MemberWrite]]) -> int:
        async def attempt(pipe: "Pipeline", version: int) -> None:
            write = await plan(pipe)
            pipe.multi()  # type: ignore[no-untyped-call]
            for start in range(0, len(write.put), _CHUNK):
                part = write.put[start : start + _CHUNK]
                pipe.hset(MEMBERS, mapping={member.member_id: _encode(member) for member in part})
                pipe.zadd(CHANGES, {member.member_id: version for member in part})
            for start in range(0, len(write.sought), _CHUNK):
                pipe.zadd(SOUGHT, dict.fromkeys(write.sought[start : start + _CHUNK], version))
            for start in range(0, len(write.remove), _CHUNK):
                gone = write.remove[start : start + _CHUNK]
                pipe.hdel(MEMBERS, *gone)
                pipe.zrem(SOUGHT, *gone)
                pipe.zadd(CHANGES, dict.fromkeys(gone, version))

        return await self._transact(attempt)

    async def put_navigators(self, navigators: Sequence[Navigator], *, replace: bool) -> int:
        """Write all of `navigators` or none; `replace` also removes the others."""

        async def attempt(pipe: "Pipeline", version: int) -> None:
            pipe.multi()  # type: ignore[no-untyped-call]
            if replace:
                pipe.delete(NAVIGATORS)
            if navigators:
                pipe.hset(NAVIGATORS, mapping={each.navigator_id: _encode(each) for each in navigators})
            pipe.set(NAVIGATORS_CHANGED, version)

        return await self._transact(attempt)

    async def _transact(self, attempt: Callable[["Pipeline", int], Awaitable[None]]) -> int:
        """Run `attempt`, which reads and then queues writes, as one transaction at the next version."""

        async def run() -> int:
            async with self._client.pipeline(transaction=True) as pipe:
                for _ in range(_ATTEMPTS):
                    try:
                        await pipe.watch(VERSION)
                        version = int(await pipe.get(VERSION) or 0) + 1
                        await attempt(pipe, version)
                        pipe.set(VERSION, version)
                        await pipe.execute()
                    except WatchError:
                        continue
                    return version
            raise Conflict("The cohort is being changed by somebody else; try again")

        return await _told(run())

    async def members(self) -> list[CohortMember]:
        """Everybody, by member id."""
        values = await _told(cast("Awaitable[list[bytes]]", self._client.hvals(MEMBERS)))
        return sorted(map(_member, values), key=lambda member: member.member_id)

    async def navigators(self) -> list[Navigator]:
        """Every navigator, by id."""
        values = await _told(cast("Awaitable[list[bytes]]", self._client.hvals(NAVIGATORS)))
        return sorted(map(_navigator, values), key=lambda navigator: navigator.navigator_id)

    async def changes_since(self, version: int) -> StoreChanges:
        """What was written after `version`. The usual answer, nothing, costs one round trip."""
        return await _told(self._changes(version))

    async def changed_ids(self, version: int) -> tuple[MemberId, ...]:
        """Who was written or removed after `version`."""
        return await self._ids(CHANGES, version)

    async def sought_ids(self, version: int) -> tuple[MemberId, ...]:
        """Who must be looked for in what passed by, by what changed after `version`."""
        return await self._ids(SOUGHT, version)

    async def _ids(self, name: str, version: int) -> tuple[MemberId, ...]:
        ids: list[bytes] = await _told(
            cast("Awaitable[list[bytes]]", self._client.zrange(name, f"({version}", "+inf", byscore=True))
        )
        return tuple(sorted(MemberId(name.decode()) for name in ids))

    async def _changes(self, version: int) -> StoreChanges:
        pipe = self._client.pipeline(transaction=True)
        pipe.get(VERSION)
        pipe.zrange(CHANGES, f"({version}", "+inf", byscore=True)
        pipe.get(NAVIGATORS_CHANGED)
        current, ids, navigators_changed = await pipe.execute()
        members: list[CohortMember] = []
        removed: list[MemberId] = []
        for start in range(0, len(ids), _CHUNK):
            part = ids[start : start + _CHUNK]
            # Read after the version: a value may be newer than it, and is then simply told again next time.
            values = await cast("Awaitable[list[bytes | None]]", self._client.hmget(MEMBERS, part))
            for name, value in zip(part, values, strict=True):
                if value is None:
                    removed.append(MemberId(name.decode()))
                else:
                    members.append(_member(value))
        news = tuple(await self.navigators()) if int(navigators_changed or 0) > version else None
        return StoreChanges(
            version=int(current or 0),
            members=tuple(sorted(members, key=lambda member: member.member_id)),
            removed=tuple(sorted(removed)),
            navigators=news,
        )


async def _known_members(pipe: "Pipeline", wanted: list[MemberId] | None) -> dict[MemberId, CohortMember]:
    """The members there are, all or those `wanted`; read while the version is watched."""
    reader: Any = pipe  # a watching pipeline answers at once, which its type does not say
    if wanted is None:
        everybody = await reader.hgetall(MEMBERS)
        return {MemberId(name.decode()): _member(value) for name, value in everybody.items()}
    known: dict[MemberId, CohortMember] = {}
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        values = await reader.hmget(MEMBERS, part)
        known.update((name, _member(value)) for name, value in zip(part, values, strict=True) if value)
    return known


async def _told(answer: Awaitable[Answer]) -> Answer:
    """The answer, with the client's errors in the product's words. They may quote commands, so none is passed on."""
    try:
        return await answer
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise StoreUnavailable("The cohort store cannot be reached") from error
    except RedisError:
        raise StoreError("The cohort store refused") from None


def _member(value: bytes) -> CohortMember:
    try:
        return _member_decoder.decode(value)
    except msgspec.MsgspecError:
        raise StoreError("The cohort store holds a member that cannot be read") from None


def _navigator(value: bytes) -> Navigator:
    try:
        return _navigator_decoder.decode(value)
    except msgspec.MsgspecError:
        raise StoreError("The cohort store holds a navigator that cannot be read") from None
