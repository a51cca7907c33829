"""The books of engine B: what the embedded transport keeps on the store, for events that come from Kafka.

The event itself is safe in Kafka; here stand its row, its parts, its links. Several workers recognise at once, so what
an event rested on is checked in the step that moves it on: a link or a waiting amendment that came meanwhile, from
another partition, makes the batch be recognised again; so do people for whom look-back has begun meanwhile.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from redis.asyncio import Redis

from domain.errors import Conflict, StoreError
from domain.events import Event
from domain.ids import SHARDS
from streams import codec, keys
from streams.kafka_alerts import keep_changes
from streams.messages import ParkedAmendment
from streams.ports import LogEntry, Recognised, Taken
from streams.retention import Retention
from streams.valkey import PARKED_PER_KEY, ValkeyTransport, make_group, ms, unavailable_as_ours

_pack = msgspec.msgpack.Encoder().encode
REGISTERED = "rp:kafka:registered"
"""Hash: topic and partition -> offset of the last message that was handled; with `|entered`, whose events are in the
books."""
NOWHERE = "0-0"
"""The place in a stream of what did not come from a stream."""
UNFINISHED = 3
"""`register`: in the books already, and not recognised yet. Beside the values of `Taken`."""
LEARN_AGAIN, OLDER_COHORT = -1, -2
"""What books.lua answers where what a step rests on does not hold."""
Asked = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Entering:
    """The events of one message, and where it lay. `reopened`: we sent it again ourselves."""

    lane: str
    offset: int
    events: Sequence[Event]
    reopened: bool = False


class KafkaBooks(ValkeyTransport):
    """RecogniseLog, Ledger and the upkeep of one Valkey, where Kafka carries the events."""

    def __init__(self, client: Redis, *, retention: Retention | None = None) -> None:
        super().__init__(client, retention=retention)
        self._asked: Sequence[Asked] = ()

    async def known(self, events: Sequence[Event]) -> list[int | None]:
        """What the books already say of these: DUPLICATE, CONFLICT, or None for what is new."""
        async with unavailable_as_ours():
            rows: Any = await self._client.mget([keys.EVENT_ROW + event.event_id for event in events])
        return [_known(row, event) for event, row in zip(events, rows, strict=True)]

    async def count_duplicates(self, events: Sequence[Event]) -> None:
        """Count what was sent again and is not sent on."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=True) as pipe:
            for event in events:
                pipe.hincrby(keys.LEDGER, f"duplicate|{event.feed.value}", 1)
            await pipe.execute()

    async def register(self, entering: Sequence[Entering], *, now: datetime) -> list[int]:
        """Enter the events of messages in the books; one `Taken` value or UNFINISHED each, in order.

        The same message again (its place says which it is) counts nothing twice, nor does what we sent again ourselves.
        """
        messages = [
            (
                f"{each.lane}|entered",
                each.offset,
                each.reopened,
                [
                    (event.event_id, codec.content_digest(event), event.feed.value, codec.encode(event).decode())
                    for event in each.events
                ],
            )
            for each in entering
        ]
        rows = int(self._retention.rows.total_seconds())
        async with unavailable_as_ours():
            return list(
                await self._scripts.register(
                    keys=[keys.EVENTS, keys.IN_FLIGHT, keys.LEDGER, keys.EVENT_ROW, REGISTERED],
                    args=[_pack((ms(now), rows, messages))],
                )
            )

    async def prepare(self) -> None:
        """See ValkeyTransport; and for what is taken again, and for changes of alerts that are to be published."""
        await super().prepare()
        async with unavailable_as_ours():
            await make_group(self._client, keys.REOPENED, keys.RECOGNISE_GROUP)
        await keep_changes(self._client)

    async def read_events(self, limit: int, wait: timedelta) -> list[LogEntry]:  # noqa: ARG002 - the port's
        """Nothing, after `wait`: events come from Kafka (streams.kafka_work)."""
        await asyncio.sleep(wait.total_seconds())
        return []

    @property
    def _reopened(self) -> str:
        return keys.REOPENED

    async def place(self, lane: str) -> int | None:
        """The offset of the last message of a lane (topic and partition) that was taken; None where none was."""
        async with unavailable_as_ours():
            found: Any = await self._client.hget(REGISTERED, lane)
        return None if found is None else int(found)

    async def passed(self, places: Mapping[str, int]) -> None:
        """Messages are handled: the last offset of each lane. No place ever goes back."""
        async with unavailable_as_ours():
            await self._scripts.passed(keys=[REGISTERED], args=[part for place in places.items() for part in place])

    def rests_on(self, links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]], version: int) -> None:
        """See ports.RecogniseLog."""
        self._asked = (*asked_of(links, parked), (keys.LOOK_BACK_BEGUN, version, True))

    async def forward(self, results: Sequence[Recognised]) -> None:
        """See ports.RecogniseLog. Raises Conflict where what it rested on has changed: recognise it again.

        Raises StoreError where look-back has begun for people whom we do not know yet: it does not come this way again.
        """
        asked, self._asked = self._asked, ()
        answer = await self._forward(results, asked, remembered_of(results, self._retention))
        if answer == OLDER_COHORT:
            raise StoreError("Look-back has begun for a later list of watched people than this worker has.")
        if answer == LEARN_AGAIN:
            raise Conflict("Another worker learnt something that bears on these events meanwhile.")

    async def trim(self, now: datetime) -> int:
        """Drop what look-back no longer reads, and matched messages that were passed on to Kafka."""
        async with unavailable_as_ours():
            keep_from = f"{ms(now - self._retention.events)}-0"
            dropped = int(await self._client.xtrim(keys.EVENTS, minid=keep_from, approximate=False))
            length = int(await self._client.xlen(keys.EVENTS))
            if length > self._retention.events_max:
                dropped += int(
                    await self._client.xtrim(keys.EVENTS, maxlen=self._retention.events_max, approximate=True)
                )
        dropped += await self._trim(keys.REOPENED, keys.RECOGNISE_GROUP, now, 0)
        for shard in range(SHARDS):
            dropped += await self._trim(keys.matched_stream(shard), keys.DECIDE_GROUP, now, 0)
        return dropped


def asked_of(links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]]) -> list[Asked]:
    """What books.lua compares: how many links there are, how many amendments wait, and the last one of a full list."""
    return [
        *((keys.LINK + key, number) for key, number in links.items()),
        *((keys.PARKED + key, len(found), False, _last(found)) for key, found in parked.items()),
    ]


def _last(waiting: Sequence[ParkedAmendment]) -> str:
    """A full list does not grow: which event is its last says whether another one came."""
    return waiting[-1].event.event_id if len(waiting) >= PARKED_PER_KEY else ""


def remembered_of(results: Sequence[Recognised], retention: Retention) -> tuple[Any, ...]:
    """Links and waiting amendments as books.lua keeps them: with the step that moves on, never without it.

    An attempt that is refused leaves nothing that others could build on.
    """
    waiting = [result.parked for result in results if result.parked]
    return (
        int(retention.links.total_seconds()),
        [(keys.LINK + key, value) for result in results for key, value in result.links],
        int(retention.parked.total_seconds()),
        PARKED_PER_KEY,
        [(codec.encode(one).decode(), [keys.PARKED + key for key in one.keys]) for one in waiting],
    )


def _known(row: bytes | None, event: Event) -> int | None:
    if row is None:
        return None
    return Taken.DUPLICATE if row[:16].decode() == codec.content_digest(event) else Taken.CONFLICT
