"""The embedded transport on Valkey: intake, the recognise hop, and the books. The decide hop is in valkey_decide.py.

One stream of accepted events, one stream of matched ones per shard, consumer groups on both. Every write is a script,
so that it happens whole or not at all and can be repeated after a lost reply.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, RedisError, ResponseError

from domain.errors import StoreError, StoreUnavailable
from domain.events import Event
from domain.ids import SHARDS, EventId, MemberId, shard_of
from domain.kinds import Feed
from streams import codec, keys
from streams.applying import entry_of_application
from streams.messages import OWN_CHANNEL, Disposition, Ending, Matched, ParkedAmendment, QuarantineItem, most_telling
from streams.ports import LedgerCounts, LogEntry, Recognised
from streams.remembering import Said
from streams.retention import Retention
from streams.reviews import Review
from streams.scripts import Scripts
from streams.tallies import SeenFault, cause_kept

_pack = msgspec.msgpack.Encoder().encode
PARKED_PER_KEY = 20
RANKS = _pack({ending.value: str(ending.rank) for ending in Ending})
"""The rank of each ending, for the scripts."""
_TRANSIENT = frozenset({"LOADING", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", "BUSY"})


@contextlib.asynccontextmanager
async def unavailable_as_ours() -> AsyncIterator[None]:
    """Turn the client library's errors into ours, so that callers above know no technology.

    Unreachable, loading, out of memory or unable to write its log: StoreUnavailable, try again later. Anything else
    that the server refuses is a fault of ours: StoreError.
    """
    try:
        yield
    except ResponseError as error:
        word = str(error).split(" ", 1)[0]
        if isinstance(error, BusyLoadingError) or word in _TRANSIENT:
            raise StoreUnavailable(f"The store cannot take writes now ({word}).") from error
        raise StoreError(f"The store refused a command ({word}).") from error
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"The store did not answer ({type(error).__name__}).") from error


def ms(moment: datetime) -> int:
    """Milliseconds since 1970, as scores and stream ids count."""
    return int(moment.timestamp() * 1000)


def ranked(disposition: Disposition) -> str:
    """A disposition so written that the most telling one sorts first: `<rank>|<disposition>`."""
    return f"{disposition.ending.rank}|{disposition}"


class ValkeyTransport:
    """Intake, RecogniseLog and Ledger on one Valkey."""

    def __init__(self, client: Redis, *, worker: str = "w1", retention: Retention | None = None) -> None:
        self._client = client
        self._worker = worker
        self._retention = retention or Retention()
        self._scripts = Scripts(client)
        self._resume: str | None = "0"  # where in our own unfinished entries we are; None when they are through

    async def prepare(self) -> None:
        """Make the streams' consumer groups where they are missing."""
        async with unavailable_as_ours():
            await make_group(self._client, keys.EVENTS, keys.RECOGNISE_GROUP)
            for shard in range(SHARDS):
                await make_group(self._client, keys.matched_stream(shard), keys.DECIDE_GROUP)

    # Intake

    async def accept(self, events: Sequence[Event], now: datetime) -> list[int]:
        """See ports.Intake."""
        items = [
            (
                event.event_id,
                codec.content_digest(event),
                event.feed.value,
                codec.encode(event).decode(),
                event.provenance.channel == OWN_CHANNEL,
            )
            for event in events
        ]
        rows = int(self._retention.rows.total_seconds())
        async with unavailable_as_ours():
            return list(
                await self._scripts.accept(
                    keys=[keys.EVENTS, keys.IN_FLIGHT, keys.LEDGER, keys.EVENT_ROW],
                    args=[_pack((ms(now), rows, items))],
                )
            )

    async def quarantine(self, items: Sequence[QuarantineItem], now: datetime) -> list[str]:
        """See ports.Intake."""
        packed = [(item.item_id, item.feed.value, item.reason.value, codec.encode(item).decode()) for item in items]
        span = int(self._retention.quarantine.total_seconds())
        async with unavailable_as_ours():
            await self._scripts.quarantine(
                keys=[keys.QUARANTINE, keys.QUARANTINE_ITEM, keys.LEDGER], args=[_pack((ms(now), span, packed))]
            )
        return [item.item_id for item in items]

    async def ignore(self, ignored: Sequence[tuple[Feed, str]], now: datetime) -> None:
        """See ports.Intake."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=True) as pipe:
            for feed, why in ignored:
                pipe.hincrby(keys.LEDGER, f"ignored|{feed.value}|{why}", 1)
                pipe.hset(keys.LEDGER, f"last|{feed.value}", ms(now))
            await pipe.execute()

    async def reopen(self, failed: Event | Matched, now: datetime) -> bool:
        """Take again what was set aside by a fault of ours; False if the event is unknown or has ended otherwise."""
        event = failed.event if isinstance(failed, Matched) else failed
        stream, message = (
            addressed(failed) if isinstance(failed, Matched) else (self._reopened, codec.encode(failed).decode())
        )
        field, part = ("m", failed.part) if isinstance(failed, Matched) else ("e", "")
        async with unavailable_as_ours():
            done = await self._scripts.reopen(
                keys=[keys.IN_FLIGHT, keys.LEDGER, keys.EVENT_ROW, stream, keys.PARTS],
                args=[event.event_id, event.feed.value, ms(now), field, message, part],
            )
        return bool(done)

    @property
    def _reopened(self) -> str:
        """The stream by which an event that failed is read again."""
        return keys.EVENTS

    # Recognise

    async def read_events(self, limit: int, wait: timedelta) -> list[LogEntry]:
        """See ports.RecogniseLog."""
        async with unavailable_as_ours():
            found: list[Any] = []
            if self._resume is not None:
                found = await self._read(self._resume, limit, None)
                self._resume = found[-1][0].decode() if found else None
            if not found:
                found = await self._read(">", limit, int(wait.total_seconds() * 1000) or None)
        return [
            LogEntry(
                position=position.decode(),
                event=codec.decode_event(fields[b"e"] if isinstance(fields, dict) else fields[1]),
            )
            for position, fields in found
            if fields
        ]

    def rewind(self) -> None:
        """See ports.RecogniseLog."""
        self._resume = "0"

    async def _read(self, after: str, limit: int, block: int | None) -> list[Any]:
        reply = await self._client.xreadgroup(
            keys.RECOGNISE_GROUP, self._worker, {keys.EVENTS: after}, count=limit, block=block
        )
        return entries_of(reply, keys.EVENTS)

    async def linked(self, names: Sequence[str]) -> list[frozenset[str]]:
        """See ports.RecogniseLog."""
        if not names:
            return []
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.smembers(keys.LINK + name)
            return [frozenset(value.decode() for value in found) for found in await pipe.execute()]

    async def recall(self, names: Sequence[str], mentions: Sequence[str]) -> tuple[list[frozenset[str]], list[Said]]:
        """See ports.RecogniseLog."""
        if not names and not mentions:
            return [], []
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.smembers(keys.LINK + name)
            for name in mentions:
                pipe.hgetall(keys.SAID + name)
            found = await pipe.execute()
        links = [frozenset(value.decode() for value in each) for each in found[: len(names)]]
        said: list[Said] = [
            {MemberId(member.decode()): codec.decode_remembered(raw) for member, raw in each.items()}
            for each in found[len(names) :]
        ]
        return links, said

    async def parked(self, names: Sequence[str]) -> list[list[ParkedAmendment]]:
        """See ports.RecogniseLog."""
        if not names:
            return []
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.lrange(keys.PARKED + name, 0, -1)
            return [[codec.decode_parked(raw) for raw in found] for found in await pipe.execute()]

    async def keep(self, item: QuarantineItem, now: datetime) -> None:
        """See ports.RecogniseLog."""
        await keep_item(self._client, item, now, self._retention)

    async def forward(self, results: Sequence[Recognised]) -> None:
        """See ports.RecogniseLog. What is only remembered goes first: repeated after a crash it changes nothing."""
        await self._forward(results)

    def rests_on(self, links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]], version: int) -> None:
        """See ports.RecogniseLog. Only one worker recognises here: nothing comes between."""

    async def _forward(
        self, results: Sequence[Recognised], asked: Sequence[tuple[Any, ...]] = (), remembered: tuple[Any, ...] = ()
    ) -> int:
        """What forward.lua answers: below 0 where what was `asked` does not hold, and then nothing was moved.

        What is `remembered` in the same step is not remembered before it.
        """
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for result in () if remembered else results:
                self._remember(pipe, result)
            await self._scripts.forward(
                keys=[
                    keys.EVENTS,
                    keys.IN_FLIGHT,
                    keys.LEDGER,
                    keys.EVENT_ROW,
                    keys.PARTS,
                    keys.REVIEWS,
                    keys.REVIEW,
                    keys.REVIEWS_CLOSED,
                    keys.REVIEW_CASE,
                    keys.AUDIT,
                ],
                args=[
                    keys.RECOGNISE_GROUP,
                    _pack([_forwarded(result, self._retention) for result in results]),
                    RANKS,
                    _pack(asked),
                    _pack(remembered),
                ],
                client=pipe,
            )
            return int((await pipe.execute())[-1])

    def _remember(self, pipe: Any, result: Recognised) -> None:
        for name, value in result.links:
            pipe.sadd(keys.LINK + name, value)
            pipe.expire(keys.LINK + name, int(self._retention.links.total_seconds()))
        if result.parked:
            raw = codec.encode(result.parked)
            for name in (keys.PARKED + key for key in result.parked.keys):
                pipe.lrem(name, 0, raw)
                pipe.rpush(name, raw)
                pipe.ltrim(name, -PARKED_PER_KEY, -1)
                pipe.expire(name, int(self._retention.parked.total_seconds()))

    # Ledger

    async def counts(self) -> LedgerCounts:
        """See ports.Ledger."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=True) as pipe:
            pipe.hgetall(keys.LEDGER)
            pipe.zcard(keys.IN_FLIGHT)
            fields, in_flight = await pipe.execute()
        return ledger_counts({name.decode(): int(value) for name, value in fields.items()}, int(in_flight))

    async def disposition(self, event_id: EventId) -> Disposition | None:
        """See ports.Ledger."""
        async with unavailable_as_ours():
            row: Any = await self._client.get(keys.EVENT_ROW + event_id)
        state = row.decode()[17:] if row else ""
        return Disposition.parse(state) if state and not state.startswith(">") else None

    async def stuck(self, older_than: datetime, limit: int) -> list[EventId]:
        """See ports.Ledger."""
        async with unavailable_as_ours():
            found: Any = await self._client.zrangebyscore(keys.IN_FLIGHT, "-inf", ms(older_than), start=0, num=limit)
        return [EventId(name.decode()) for name in found]

    async def say_followed(self, version: int) -> None:
        """Note which version of the cohort the running service works with."""
        async with unavailable_as_ours():
            await self._client.set(keys.FOLLOWED, version)

    async def followed(self) -> int:
        """The version of the cohort that the running service last said it works with; 0 if none ever did."""
        async with unavailable_as_ours():
            found: Any = await self._client.get(keys.FOLLOWED)
        return int(found or 0)

    # Upkeep

    async def trim(self, now: datetime) -> int:
        """Drop events that are settled and past their retention, never an unacknowledged one. Returns how many."""
        dropped = await self._trim(keys.EVENTS, keys.RECOGNISE_GROUP, now, self._retention.events_max)
        for shard in range(SHARDS):
            dropped += await self._trim(keys.matched_stream(shard), keys.DECIDE_GROUP, now, 0)
        return dropped

    async def _trim(self, stream: str, group: str, now: datetime, most: int) -> int:
        async with unavailable_as_ours():
            groups: Any = await self._client.xinfo_groups(stream)
            (info,) = [found for found in groups if found["name"] == group.encode()]
            lowest = info["last-delivered-id"].decode()
            if info["pending"]:
                pending: Any = await self._client.xpending(stream, group)
                lowest = (pending["min"] or info["last-delivered-id"]).decode()  # another reader may be done meanwhile
            keep_from = f"{ms(now - self._retention.events)}-0"
            length = int(await self._client.xlen(stream))
            if not most:  # a settled part is in the person's history: nothing reads its message again
                keep_from = lowest
            elif length > most:
                surplus: Any = await self._client.xrange(stream, count=min(length - most, 10_000))
                keep_from = max(keep_from, surplus[-1][0].decode(), key=_stream_order)
            until = min(lowest, keep_from, key=_stream_order)
            return int(await self._client.xtrim(stream, minid=until, approximate=False))


async def keep_item(client: Redis, item: QuarantineItem, now: datetime, retention: Retention) -> None:
    """Put an item into quarantine without counting a rejected record: its event is in the ledger already."""
    name = keys.QUARANTINE_ITEM + item.item_id
    async with unavailable_as_ours(), client.pipeline(transaction=True) as pipe:
        pipe.hset(name, mapping={"b": codec.encode(item), "f": ms(now), "l": ms(now), "s": item.state, "n": 1})
        pipe.expire(name, int(retention.quarantine.total_seconds()))
        pipe.zadd(keys.QUARANTINE, {item.item_id: ms(now)})
        pipe.zadd(keys.FAULTS, {SeenFault(cause_kept(item), now).name: ms(now)})
        await pipe.execute()


def addressed(part: Matched) -> tuple[str, str]:
    """The stream of the listener's shard, and the message."""
    return keys.matched_stream(shard_of(part.listener)), codec.encode(part).decode()


def joining(part: Matched) -> tuple[str, str, str, str, str]:
    """A part of an event that may have ended: what `books.lua` needs to know of it."""
    return (part.part, *addressed(part), part.event.event_id, part.event.feed.value)


def _stream_order(position: str) -> tuple[int, int]:
    first, _, second = position.partition("-")
    return int(first), int(second or 0)


def entries_of(reply: Any, stream: str) -> list[Any]:
    """The entries of one stream in a XREADGROUP reply, whichever shape the protocol version gives it."""
    if not reply:
        return []
    pairs = reply.items() if isinstance(reply, dict) else reply
    for name, entries in pairs:
        if name == stream.encode():
            return (
                list(entries[0])
                if isinstance(reply, dict) and entries and isinstance(entries[0], list)
                else list(entries)
            )
    return []


async def make_group(client: Redis, stream: str, group: str) -> None:
    """A consumer group from the beginning of a stream, where there is none."""
    try:
        await client.xgroup_create(stream, group, id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def _forwarded(result: Recognised, retention: Retention) -> tuple[Any, ...]:
    final = "" if result.parts else str(most_telling([disposition for _, disposition in result.dispositions]))
    return (
        result.event.event_id,
        result.event.feed.value,
        result.position,
        final,
        [(part, ranked(disposition)) for part, disposition in result.dispositions],
        [(part.part, *addressed(part)) for part in result.parts],
        [joining(part) for part in result.revived],
        [
            (
                review.review_id,
                codec.encode(review).decode(),
                int(retention.rows.total_seconds()),
                ms(review.created_at),
            )
            for review in result.reviews
        ],
        [_applied(review, retention) for review in result.applied],
    )


def _applied(review: Review, retention: Retention) -> tuple[Any, ...]:
    return (
        review.item.review_id,
        codec.encode(review.item).decode(),
        int(retention.kept_after(review).total_seconds()),
        ms(review.item.created_at),
        codec.encode(review.case).decode(),
        review.case.version,
        int(retention.links.total_seconds()),
        codec.encode(entry_of_application(review)).decode(),
        sorted({keys.DECIDED_THROUGH + step.through for step in review.case.steps}),
    )


def ledger_counts(fields: dict[str, int], in_flight: int) -> LedgerCounts:
    """The flat counters of the ledger hash as a LedgerCounts."""
    totals: dict[tuple[str, str, str], int] = {}
    last: dict[str, datetime] = {}
    for name, value in fields.items():
        what, feed, *why = name.split("|")
        if what == "last":
            last[feed] = datetime.fromtimestamp(value / 1000, UTC)
        else:
            totals[what, feed, "|".join(why)] = value
    return LedgerCounts.of(totals, in_flight, last)
