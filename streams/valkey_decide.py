"""The decide hop on Valkey: matched streams, people's states, and the one atomic commit of a decision.

Everything of a member is in one slot. A commit is a list of guards (versions that must not have moved) and a list of
plain commands, applied together or not at all by the script that the alerts room ships.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from redis.asyncio import Redis

from alerts import valkey_layout as layout
from alerts.model import Alert, Delivery
from alerts.valkey_layout import Guard, Op
from domain.ids import SHARDS, AlertId, MemberId, shard_of
from streams import codec, keys
from streams.messages import Disposition, Matched, PersonState, QuarantineItem
from streams.ports import Commit, MatchedEntry, Person
from streams.retention import Retention
from streams.scripts import Scripts
from streams.valkey import RANKS, entries_of, joining, keep_item, ms, ranked, unavailable_as_ours
from streams.valkey_tallies import decode_held_back, tally_ops

_pack = msgspec.msgpack.Encoder().encode


class ValkeyDecide:
    """DecideLog on one Valkey."""

    def __init__(
        self,
        client: Redis,
        *,
        worker: str = "w1",
        retention: Retention | None = None,
    ) -> None:
        self._client = client
        self._worker = worker
        self._retention = retention or Retention()
        self._scripts = Scripts(client)
        self._commit = client.register_script(layout.CHECKED_COMMIT)
        self._resume: dict[str, str] = {}
        self.rewind()

    async def read_matched(self, limit: int, wait: timedelta) -> list[MatchedEntry]:
        """See ports.DecideLog."""
        async with unavailable_as_ours():
            if self._resume:
                found = await self._read(self._resume, limit, None)
                seen = {entry.shard: entry.position for entry in found}
                self._resume = {keys.matched_stream(shard): position for shard, position in seen.items()}
                if found:
                    return found
            streams = {keys.matched_stream(shard): ">" for shard in range(SHARDS)}
            return await self._read(streams, limit, int(wait.total_seconds() * 1000) or None)

    def rewind(self) -> None:
        """See ports.DecideLog."""
        self._resume = {keys.matched_stream(shard): "0" for shard in range(SHARDS)}

    async def _read(self, streams: dict[str, str], limit: int, block: int | None) -> list[MatchedEntry]:
        reply: Any = await self._client.xreadgroup(
            keys.DECIDE_GROUP,
            self._worker,
            dict[Any, Any](streams),
            count=limit,
            block=block,
        )
        return [
            MatchedEntry(shard=shard, position=position.decode(), matched=codec.decode_matched(fields[b"m"]))
            for shard in range(SHARDS)
            if keys.matched_stream(shard) in streams
            for position, fields in entries_of(reply, keys.matched_stream(shard))
            if fields
        ]

    async def load(self, matched: Matched) -> Person:
        """See ports.DecideLog. One round trip for a person without alerts, three for one with."""
        return await self._load(matched.listener, keys.part(matched.listener, matched.event.event_id, matched.part))

    async def load_person(self, member: MemberId) -> Person:
        """See timer_ports.TimerLog."""
        return await self._load(member, None)

    async def _load(self, member: MemberId, part: str | None) -> Person:
        shard = shard_of(member)
        async with unavailable_as_ours():
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.hmget(keys.person(member), ["b", "v"])
                pipe.zscore(keys.due(shard), member)
                pipe.smembers(layout.member_key(shard, member))
                pipe.hvals(keys.held_back(member))
                if part is not None:
                    pipe.get(part)
                stored, due, alert_ids, held_back, *decided = await pipe.execute()
            alerts, deliveries = await self._alerts(shard, sorted(found.decode() for found in alert_ids))
        return Person(
            state=state_of(member, *stored),
            alerts=alerts,
            deliveries=deliveries,
            decided=Disposition.parse(decided[0].decode()) if decided and decided[0] else None,
            held_back=decode_held_back(held_back),
            due=moment_of(due),
        )

    async def _alerts(self, shard: int, ids: Sequence[str]) -> tuple[tuple[Alert, ...], tuple[Delivery, ...]]:
        if not ids:
            return (), ()
        async with self._client.pipeline(transaction=False) as pipe:
            for identity in ids:
                pipe.hget(layout.alert_key(shard, AlertId(identity)), "b")
                pipe.smembers(layout.alert_deliveries_key(shard, AlertId(identity)))
            replies = await pipe.execute()
        alerts = tuple(layout.decode_alert(body) for body in replies[::2] if body)
        rows = sorted(row.decode() for found in replies[1::2] for row in found)
        if not rows:
            return alerts, ()
        async with self._client.pipeline(transaction=False) as pipe:
            for row in rows:
                pipe.hmget(layout.delivery_key(shard, row), list(layout.DELIVERY_FIELDS))
            return alerts, tuple(layout.decode_delivery(fields) for fields in await pipe.execute() if fields[0])

    async def person(self, member: MemberId) -> PersonState:
        """A person's state as it is stored."""
        async with unavailable_as_ours():
            stored: Any = await self._client.hmget(keys.person(member), ["b", "v"])
        return state_of(member, *stored)

    async def commit(self, commit: Commit) -> bool:
        """See ports.DecideLog."""
        member = commit.after.member_id
        shard = shard_of(member)
        name = keys.person(member)
        guards: list[Guard] = [Guard(name, "v", str(commit.before.version))]
        ops: list[Op] = [
            ("HSET", name, "v", commit.after.version, "b", codec.encode(commit.after)),
            due_op(member, commit.due),
        ]
        if not commit.by_clock:
            part = keys.part(member, commit.event_id, commit.part)
            ops.append(("SET", part, str(commit.disposition), "EX", int(self._retention.rows.total_seconds())))
        for alert, previous in commit.alerts:
            guards.append(layout.alert_guard(shard, alert.alert_id, previous.version if previous else 0))
            ops += layout.alert_ops(shard, alert, previous)
        for row in commit.rows:
            guards.append(
                layout.delivery_guard(shard, row.delivery.delivery_id, row.previous.version if row.previous else 0)
            )
            ops += layout.delivery_ops(shard, row.delivery, row.previous)
        for item in commit.held:
            ops.append(("SET", keys.held_item(shard, item.held_id), codec.encode(item)))
            ops.append(("ZADD", keys.held(shard), ms(item.created_at), item.held_id))
        if commit.archived is not None:
            ops.append(("XADD", keys.archive(shard), "*", "m", codec.encode(commit.archived)))
        ops += tally_ops(commit)
        async with unavailable_as_ours():
            names, args = layout.pack_commit(guards, ops)
            reply: Any = await self._commit(keys=names, args=args)
        return int(reply[0]) == 1

    async def settle(self, entries: Sequence[tuple[MatchedEntry, Disposition]]) -> None:
        """See ports.DecideLog."""
        if not entries:
            return
        packed = [
            (
                entry.matched.event.event_id,
                entry.matched.event.feed.value,
                entry.matched.part,
                ranked(disposition),
                keys.matched_stream(entry.shard),
                entry.position,
            )
            for entry, disposition in entries
        ]
        async with unavailable_as_ours():
            await self._scripts.settle(
                keys=[keys.IN_FLIGHT, keys.LEDGER, keys.EVENT_ROW, keys.PARTS],
                args=[keys.DECIDE_GROUP, _pack(packed)],
            )

    async def hand_over(self, handed: Sequence[Matched]) -> None:
        """See ports.DecideLog."""
        if not handed:
            return
        packed = [joining(part) for part in handed]
        async with unavailable_as_ours():
            await self._scripts.hand_over(
                keys=[keys.IN_FLIGHT, keys.LEDGER, keys.EVENT_ROW, keys.PARTS], args=[RANKS, _pack(packed)]
            )

    async def keep(self, item: QuarantineItem, now: datetime) -> None:
        """See ports.DecideLog."""
        await keep_item(self._client, item, now, self._retention)


def state_of(member: MemberId, body: bytes | None, version: bytes | None) -> PersonState:
    """A person's state as it lies in their hash: planning raises the version without writing the body anew."""
    if body is None:
        return PersonState(member_id=member)
    state = codec.decode_person(body)
    number = int(version or 0)
    return state if state.version == number else replace(state, version=number)


def due_op(member: MemberId, due: datetime | None) -> Op:
    """The command that keeps when a person's next wait ends."""
    name = keys.due(shard_of(member))
    return ("ZREM", name, member) if due is None else ("ZADD", name, due_score(due), member)


def due_score(due: datetime) -> int:
    """A due time in milliseconds, rounded up, so that it never rings early."""
    whole = due.replace(microsecond=0)
    return int(whole.timestamp()) * 1000 + -(-due.microsecond // 1000)


def moment_of(score: float | None) -> datetime | None:
    """The moment of a due time's score."""
    return None if score is None else datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(score))
