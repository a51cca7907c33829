"""Look-back's store on Valkey: the retained events by XRANGE, its progress in one key, its findings by one script."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from redis.asyncio import Redis

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


class ValkeyLookBack:
    """LookBackLog on one Valkey, for one recogniser."""

    def __init__(self, client: Redis, *, worker: str = "w1", retention: Retention | None = None) -> None:
        self._client = client
        self._key = keys.LOOKED_BACK + worker
        self._retention = retention or Retention()
        self._scripts = Scripts(client)

    async def progress(self) -> Progress | None:
        """See lookback_ports.LookBackLog."""
        async with unavailable_as_ours():
            raw: Any = await self._client.get(self._key)
        return _progress.decode(raw) if raw else None

    async def keep_progress(self, progress: Progress) -> None:
        """See lookback_ports.LookBackLog."""
        async with unavailable_as_ours():
            await self._client.set(self._key, codec.encode(progress))

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
        """See lookback_ports.LookBackLog. Nobody recognises beside it."""

    async def hand_on(self, found: Sequence[Recognised], progress: Progress, now: datetime) -> int:
        """See lookback_ports.LookBackLog. What is only remembered goes first: repeated after a crash it changes
        nothing."""
        return await self._hand_on(found, progress, now)

    async def _hand_on(
        self,
        found: Sequence[Recognised],
        progress: Progress,
        now: datetime,
        *,
        asked: Sequence[tuple[Any, ...]] = (),
        remembered: tuple[Any, ...] = (),
    ) -> int:
        """What hand_on.lua answers: below 0 where what was `asked` does not hold, and then nothing was sent.

        What is `remembered` in the same step is not remembered before it.
        """
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for result in () if remembered else found:
                self._remember(pipe, result)
            await self._scripts.hand_on(
                keys=[
                    keys.IN_FLIGHT,
                    keys.LEDGER,
                    keys.EVENT_ROW,
                    keys.PARTS,
                    self._key,
                    keys.REVIEWS,
                    keys.REVIEW,
                ],
                args=[
                    ms(now),
                    RANKS,
                    codec.encode(progress),
                    _pack([self._told(one) for one in by_event(found)]),
                    _pack(asked),
                    _pack(remembered),
                ],
                client=pipe,
            )
            *_, sent = await pipe.execute()
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
    raw = fields[b"e"] if isinstance(fields, dict) else fields[1]
    return LogEntry(position=place.decode(), event=codec.decode_event(raw))


def _order(position: str) -> tuple[int, int]:
    first, _, second = position.partition("-")
    return int(first), int(second or 0)
