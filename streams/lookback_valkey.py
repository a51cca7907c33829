"""Look-back's store on Valkey: the retained events by XRANGE, its progress in one key, its findings by one script.

How far it may read, and what it must make sure of before it hands on, depends on who recognises beside it: a port.
`Alone` is one machine's answer, `kafka_lookback.ManyWorkers` that of several workers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import msgspec
from redis.asyncio import Redis

from domain.errors import Conflict
from domain.ids import MemberId
from streams import codec, keys
from streams.lookback_ports import Page, Progress, Reach
from streams.messages import ParkedAmendment, PersonState, ReviewItem
from streams.ports import LogEntry, Recognised
from streams.retention import Retention
from streams.scripts import Scripts
from streams.valkey import RANKS, addressed, ms, unavailable_as_ours

_pack = msgspec.msgpack.Encoder().encode
_progress = msgspec.json.Decoder(Progress)


class Beside(Protocol):
    """Who recognises beside look-back: how far it may read, and what must still hold when it hands on."""

    async def reach(self, version: int) -> Reach:
        """See lookback_ports.LookBackLog."""

    async def page(self, after: str, until: str, limit: int) -> Page:
        """See lookback_ports.LookBackLog."""

    def rests_on(self, links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]]) -> None:
        """See lookback_ports.LookBackLog."""

    def conditions(self, found: Sequence[Recognised]) -> "Conditions":
        """Of the step that hands this on. Asked once for each step."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What hand_on.lua compares before it writes (`asked`), and what it remembers in the same step (both: books.lua).

    With nothing `remembered` in the step, links are remembered before it: nobody can build on them meanwhile.
    """

    asked: Sequence[tuple[Any, ...]] = ()
    remembered: tuple[Any, ...] = ()


class Alone:
    """Nobody recognises beside look-back: it reads as far as recognition has, and nothing can change meanwhile."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def reach(self, version: int) -> Reach:  # noqa: ARG002 - the port's
        """See lookback_ports.LookBackLog."""
        async with unavailable_as_ours():
            groups: Any = await self._client.xinfo_groups(keys.EVENTS)
            length = int(await self._client.xlen(keys.EVENTS))
        (group,) = [found for found in groups if found["name"] == keys.RECOGNISE_GROUP.encode()]
        return Reach(group["last-delivered-id"].decode(), length)

    async def page(self, after: str, until: str, limit: int) -> Page:
        """See lookback_ports.LookBackLog."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=True) as pipe:
            pipe.xrange(keys.EVENTS, min=f"({after}", max=until, count=limit)
            pipe.xpending(keys.EVENTS, keys.RECOGNISE_GROUP)
            found, pending = await pipe.execute()
        barrier = _order(pending["min"].decode()) if pending["pending"] else None
        free = [(place, fields) for place, fields in found if barrier is None or _order(place.decode()) < barrier]
        seen = free[-1][0].decode() if free else after
        more = len(free) < len(found) or len(found) == limit
        return Page(tuple(entry_at(place, fields) for place, fields in free if fields), seen, more)

    def rests_on(self, links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]]) -> None:
        """See lookback_ports.LookBackLog."""

    def conditions(self, found: Sequence[Recognised]) -> Conditions:  # noqa: ARG002 - the port's
        """See Beside."""
        return Conditions()


class ValkeyLookBack:
    """LookBackLog on one Valkey. `beside`: who recognises beside it; None is nobody."""

    def __init__(self, client: Redis, *, beside: Beside | None = None, retention: Retention | None = None) -> None:
        self._client = client
        self._beside = beside or Alone(client)
        self._retention = retention or Retention()
        self._scripts = Scripts(client)

    async def progress(self) -> Progress | None:
        """See lookback_ports.LookBackLog."""
        async with unavailable_as_ours():
            raw: Any = await self._client.get(keys.LOOKED_BACK)
        return _progress.decode(raw) if raw else None

    async def keep_progress(self, progress: Progress) -> None:
        """See lookback_ports.LookBackLog."""
        async with unavailable_as_ours():
            await self._client.set(keys.LOOKED_BACK, codec.encode(progress))

    async def reach(self, version: int) -> Reach:
        """See lookback_ports.LookBackLog."""
        return await self._beside.reach(version)

    async def page(self, after: str, until: str, limit: int) -> Page:
        """See lookback_ports.LookBackLog."""
        return await self._beside.page(after, until, limit)

    async def people(self, ids: Sequence[MemberId]) -> list[PersonState]:
        """See lookback_ports.LookBackLog."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for name in ids:
                pipe.hget(keys.person(name), "b")
            raws = await pipe.execute()
        return [
            codec.decode_person(raw) if raw else PersonState(member_id=name)
            for name, raw in zip(ids, raws, strict=True)
        ]

    async def reviews_of(self, ids: Sequence[str]) -> list[ReviewItem | None]:
        """See lookback_ports.LookBackLog."""
        if not ids:
            return []
        async with unavailable_as_ours():
            raws: Any = await self._client.mget([keys.REVIEW + name for name in ids])
        return [codec.decode_review(raw) if raw else None for raw in raws]

    def rests_on(self, links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]]) -> None:
        """See lookback_ports.LookBackLog."""
        self._beside.rests_on(links, parked)

    async def hand_on(self, found: Sequence[Recognised], progress: Progress, now: datetime) -> int:
        """See lookback_ports.LookBackLog."""
        conditions = self._beside.conditions(found)
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for result in () if conditions.remembered else found:
                self._remember(pipe, result)
            await self._scripts.hand_on(
                keys=[
                    keys.IN_FLIGHT,
                    keys.LEDGER,
                    keys.EVENT_ROW,
                    keys.PARTS,
                    keys.LOOKED_BACK,
                    keys.REVIEWS,
                    keys.REVIEW,
                ],
                args=[
                    ms(now),
                    RANKS,
                    codec.encode(progress),
                    _pack([self._told(one) for one in by_event(found)]),
                    _pack(conditions.asked),
                    _pack(conditions.remembered),
                ],
                client=pipe,
            )
            *_, sent = await pipe.execute()
        if int(sent) < 0:
            raise Conflict("A worker learnt something that bears on what look-back found.")
        return int(sent)

    def _remember(self, pipe: Any, result: Recognised) -> None:
        for name, value in result.links:
            pipe.sadd(keys.LINK + name, value)
            pipe.expire(keys.LINK + name, int(self._retention.links.total_seconds()))

    def _told(self, result: Recognised) -> tuple[Any, ...]:
        span = int(self._retention.rows.total_seconds())
        return (
            result.event.event_id,
            result.event.feed.value,
            [
                (part.part, keys.part(part.listener, part.event.event_id, part.part), *addressed(part))
                for part in result.parts
            ],
            [
                (review.review_id, codec.encode(review).decode(), span, ms(review.created_at))
                for review in result.reviews
            ],
        )


def by_event(found: Sequence[Recognised]) -> list[Recognised]:
    """The findings, each part with the event that it is a part of: those of amendments are no parts of what they amend.

    The order of parts stays."""
    split: list[Recognised] = []
    for result in found:
        for part in result.parts:
            split.append(Recognised(event=part.event, position=result.position, parts=(part,)))
        if result.reviews:
            split.append(replace(result, parts=(), links=()))
    return split


def entry_at(place: bytes, fields: Any) -> LogEntry:
    """A retained event as XRANGE gives it."""
    raw = fields[b"e"] if isinstance(fields, dict) else fields[1]
    return LogEntry(position=place.decode(), event=codec.decode_event(raw))


def _order(position: str) -> tuple[int, int]:
    first, _, second = position.partition("-")
    return int(first), int(second or 0)
