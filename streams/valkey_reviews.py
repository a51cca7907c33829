"""Reviews and the audit log on Valkey (ports.ReviewStore, audit.AuditLog). Every step is one script, `lua/rule.lua`.

`rp:reviews` is the queue, scored by place; `rp:reviews:closed` what is over, by when. An item is a string, its case a
hash beside it that exists from the first step on. `rp:audit` is a stream that nothing trims.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis

from domain.errors import StoreError
from domain.reviews import ReviewState
from streams import codec, keys
from streams.audit import AuditEntry, AuditLine
from streams.ports import CaseCommit
from streams.retention import Retention
from streams.reviews import Review, ReviewCase
from streams.scripts import Scripts
from streams.valkey import PARKED_PER_KEY, RANKS, addressed, joining, ms, ranked, unavailable_as_ours

log = structlog.get_logger("reachpoint.reviews")

_pack = msgspec.msgpack.Encoder().encode
_AT_ONCE = 200
"""Reviews that are read in one go: some 10 milliseconds."""
MOST_WAITING = 5_000
"""A queue of more than so many is read no further: whoever is behind comes when the front is done."""


class ValkeyReviews:
    """ReviewStore and AuditLog on one Valkey."""

    def __init__(self, client: Redis, *, retention: Retention | None = None) -> None:
        self._client = client
        self._retention = retention or Retention()
        self._scripts = Scripts(client)

    async def revision(self) -> int:
        """See ports.ReviewStore."""
        async with unavailable_as_ours():
            found: Any = await self._client.get(keys.REVIEWS_REVISION)
        return int(found or 0)

    async def depth(self) -> int:
        """See ports.ReviewStore."""
        async with unavailable_as_ours():
            return int(await self._client.zcard(keys.REVIEWS))

    async def steps(self) -> dict[str, int]:
        """See ports.ReviewStore."""
        async with unavailable_as_ours():
            found: Any = await self._client.hgetall(keys.REVIEWS_STEPS)
        return {name.decode(): int(number) for name, number in found.items()}

    async def waiting(self) -> list[Review]:
        """See ports.ReviewStore."""
        async with unavailable_as_ours():
            ids: Any = await self._client.zrange(keys.REVIEWS, 0, MOST_WAITING - 1)
        found = await self._load([name.decode() for name in ids])
        if len(found) < len(ids):
            await self._forget(set(map(bytes.decode, ids)) - {review.item.review_id for review in found})
        return found

    async def _forget(self, ids: Collection[str]) -> None:
        """What is no longer kept does not wait either (the service was down for longer than it is kept)."""
        async with unavailable_as_ours():
            gone = [name for name in ids if not await self._client.exists(keys.REVIEW + name)]
            if gone:
                await self._client.zrem(keys.REVIEWS, *gone)

    async def closed(self, limit: int) -> list[Review]:
        """See ports.ReviewStore."""
        async with unavailable_as_ours():
            ids: Any = await self._client.zrevrange(keys.REVIEWS_CLOSED, 0, limit - 1)
        return await self._load([found.decode() for found in ids])

    async def decided_through(self, review_id: str) -> list[Review]:
        """See ports.ReviewStore."""
        async with unavailable_as_ours():
            ids: Any = await self._client.zrange(keys.DECIDED_THROUGH + review_id, 0, -1)
        return await self._load([found.decode() for found in ids])

    async def find(self, review_id: str) -> Review | None:
        """See ports.ReviewStore."""
        found = await self._load([review_id])
        return found[0] if found else None

    async def _load(self, ids: Sequence[str]) -> list[Review]:
        """These reviews, some at a time: live events go on between, however long the queue is."""
        found: list[Review] = []
        for start in range(0, len(ids), _AT_ONCE):
            found += await self._load_some(ids[start : start + _AT_ONCE])
        return found

    async def _load_some(self, ids: Sequence[str]) -> list[Review]:
        async with unavailable_as_ours(), self._client.pipeline(transaction=True) as pipe:
            for name in ids:
                pipe.get(keys.REVIEW + name)
                pipe.hget(keys.REVIEW_CASE + name, "b")
            found = await pipe.execute()
        made = (_review(*each) for each in zip(ids, found[::2], found[1::2], strict=True))
        return [review for review in made if review is not None]

    async def change(self, commit: CaseCommit) -> bool:
        """See ports.ReviewStore."""
        item = commit.after.item
        async with unavailable_as_ours():
            done: Any = await self._scripts.rule(
                keys=[
                    keys.IN_FLIGHT,
                    keys.LEDGER,
                    keys.EVENT_ROW,
                    keys.PARTS,
                    keys.REVIEW_CASE + item.review_id,
                    keys.REVIEW + item.review_id,
                    keys.REVIEWS,
                    keys.REVIEWS_CLOSED,
                    keys.AUDIT,
                    keys.REVIEWS_REVISION,
                    keys.REVIEWS_STEPS,
                ],
                args=[RANKS, _pack(self._told(commit))],
            )
        return bool(done)

    def _told(self, commit: CaseCommit) -> tuple[Any, ...]:
        after, event = commit.after, commit.after.item.event
        retention = self._retention
        return (
            commit.before.version,
            after.case.version,
            _text(after.case),
            after.item.review_id,
            event.event_id,
            event.feed.value,
            ms(commit.now),
            after.state.value,
            ms(after.place),
            _seconds(retention.links),
            _text(after.item) if after.state is ReviewState.EXPIRED else "",
            _seconds(retention.kept_after(after)),
            ranked(commit.ending) if commit.ending else "",
            commit.others,
            [(part.part, *addressed(part)) for part in commit.parts],
            commit.withdrawn,
            [joining(part) for part in commit.revived],
            [(keys.LINK + key, value) for key, value in commit.links],
            _seconds(retention.links),
            [(keys.LINK + key, value) for key, value in commit.unlinked],
            self._said(commit),
            [_text(entry) for entry in commit.audit],
            self._parked(commit),
            after.case.steps[-1].what.value,
            self._through(commit),
        )

    def _through(self, commit: CaseCommit) -> tuple[Any, ...]:
        through = commit.after.case.steps[-1].through
        return (keys.DECIDED_THROUGH + through, _seconds(self._retention.rows)) if through else ()

    def _said(self, commit: CaseCommit) -> tuple[Any, ...]:
        if commit.said is None:
            return ()
        name, member, remembered = commit.said
        value = _text(remembered) if remembered else ""
        return (keys.SAID + name, member, value, _seconds(self._retention.links))

    def _parked(self, commit: CaseCommit) -> tuple[Any, ...]:
        if commit.parked is None:
            return ()
        names = [keys.PARKED + key for key in commit.parked.keys]
        return (_text(commit.parked), _seconds(self._retention.parked), PARKED_PER_KEY, names)

    async def write(self, entries: Sequence[AuditEntry]) -> None:
        """See audit.AuditLog."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=True) as pipe:
            for entry in entries:
                pipe.xadd(keys.AUDIT, {"b": codec.encode(entry)})
            await pipe.execute()

    async def read(self, after: str = "", limit: int = 100) -> list[AuditLine]:
        """See audit.AuditLog."""
        async with unavailable_as_ours():
            found: Any = await self._client.xrange(keys.AUDIT, min=f"({after}" if after else "-", count=limit)
        return [AuditLine(place.decode(), codec.decode_audit(fields[b"b"])) for place, fields in found]


def _review(name: str, item: bytes | None, case: bytes | None) -> Review | None:
    """A review as it is kept; None if it is not. One that cannot be read must not hide the others."""
    if not item:
        return None
    try:
        return Review(codec.decode_review(item), codec.decode_case(case) if case else ReviewCase(name))
    except (ValueError, StoreError) as error:
        log.error("a review cannot be read", action="review_unreadable", review_id=name, error=type(error).__name__)
        return None


def _text(value: object) -> str:
    """JSON as text: the scripts' msgpack knows no bytes."""
    return codec.encode(value).decode()


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
