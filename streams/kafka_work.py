"""What engine B's agents do with one message: recognise its events, or decide its matched parts. No Faust in here.

Each is safe to be given the same message again. A store that does not answer is waited for; what cannot be read at all
raises Unreadable, and whoever carries sets the message aside.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
import structlog

from domain.clock import Clock
from domain.errors import Conflict, FeedError, StoreError
from domain.events import Event, Feed
from streams import codec
from streams.embedded import Decider, Recogniser
from streams.feeds.outcome import Ignored, Rejected, RejectReason
from streams.intake import Record, quarantine_item
from streams.kafka_books import NOWHERE, UNFINISHED, KafkaBooks
from streams.kafka_policy import KafkaPolicy
from streams.messages import Matched
from streams.ports import LogEntry, MatchedEntry, Taken

log = structlog.get_logger("reachpoint.kafka")
T = TypeVar("T")

_PAUSE = timedelta(milliseconds=200)
_LONGEST_PAUSE = timedelta(seconds=5)
_CONFLICTS = 16  # after pauses of a minute together
_AGAIN = 50  # other workers taught us something this often in a row: something is wrong, not busy
REOPENED = "reopened"
"""Header of an event that we send again ourselves, after it had been set aside by a fault of ours."""
_array = msgspec.json.Decoder(list[msgspec.Raw])


class Unreadable(FeedError):
    """The message is not what this topic carries."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of Kafka's, as we take it. `appended_at` is when the broker took it."""

    topic: str
    partition: int
    offset: int
    value: bytes
    key: bytes | None = None
    appended_at: datetime | None = None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def lane(self) -> str:
        """Topic and partition: what offsets are counted in."""
        return f"{self.topic}|{self.partition}"


Handler = Callable[[Message], Awaitable[None]]
KeepAside = Callable[[Message, Exception], Awaitable[None]]
"""Keeps a message that cannot be handled where people find it; returns once it is safe there."""
ReadFeed = Callable[[Feed, Message, datetime], Sequence[Record]]
"""Parses the bytes of a feed's own message, received at that moment."""


class RecogniseWork:
    """The first hop, message by message."""

    def __init__(
        self, books: KafkaBooks, recogniser: Recogniser, policy: KafkaPolicy, clock: Clock, read_feed: ReadFeed
    ) -> None:
        self._books = books
        self._recogniser = recogniser
        self._clock = clock
        self._read_feed = read_feed
        self._feeds: Mapping[str, Feed] = {policy.feed(feed): feed for feed in Feed}

    async def handle(self, message: Message) -> None:
        """Enter the events of a message in the books and move them past recognition. Raises Unreadable."""
        feed = self._feeds.get(message.topic)
        if feed is None:
            events = _events_of(message)
        else:
            events = await self._of_feed(feed, message)
        await patiently(lambda: self._recognised(message, events))
        await patiently(lambda: self._books.passed(message.lane, message.offset))  # not before: we may die in between

    async def _of_feed(self, feed: Feed, message: Message) -> list[Event]:
        """A feed's own records: what cannot be taken goes to quarantine with its reason, as from every other door."""
        at = message.appended_at or self._clock.now()  # the broker's time: the same when the message comes again
        records = self._read_feed(feed, message, at)
        refused = [quarantine_item(result, at) for result, _ in records if isinstance(result, Rejected)]
        ignored = [(result.feed, result.why) for result, _ in records if isinstance(result, Ignored)]
        if refused:
            await patiently(lambda: self._books.quarantine(refused, at))
        if ignored:
            await patiently(lambda: self._books.ignore(ignored, at))
        return [result for result, _ in records if isinstance(result, Event)]

    async def _recognised(self, message: Message, events: Sequence[Event]) -> None:
        now = self._clock.now()
        reopened = any(name == REOPENED for name, _ in message.headers)
        taken = await self._books.register(
            events, partition=f"{message.lane}|entered", offset=message.offset, now=now, reopened=reopened
        )
        conflicts = [event for event, one in zip(events, taken, strict=True) if one == Taken.CONFLICT]
        if conflicts:
            await self._books.quarantine([quarantine_item(_reused(event), now) for event in conflicts], now)
        entries = [
            LogEntry(NOWHERE, event)
            for event, one in zip(events, taken, strict=True)
            if one in (Taken.ACCEPTED, UNFINISHED)
        ]
        if entries:
            await self._moved(entries)

    async def _moved(self, entries: Sequence[LogEntry]) -> None:
        for _ in range(_AGAIN):
            try:
                await self._recogniser.take(entries)
            except Conflict:
                continue
            return
        raise Conflict("Other workers learnt something under every attempt to recognise.")


class DecideWork:
    """The second hop, message by message."""

    def __init__(self, books: KafkaBooks, decider: Decider) -> None:
        self._books = books
        self._decider = decider

    async def handle(self, message: Message) -> None:
        """Decide the parts of a message, in order. Raises Unreadable."""
        entries = [MatchedEntry(message.partition, NOWHERE, part) for part in _parts_of(message)]
        await patiently(lambda: self._decider.take(entries))
        await patiently(lambda: self._books.passed(message.lane, message.offset))


async def patiently(step: Callable[[], Awaitable[T]]) -> T:
    """Do a step that may be repeated, again and again while the store or the broker does not answer.

    Other workers that come first each time are waited for too, about a minute; then Conflict is raised.
    """
    pause, conflicts = _PAUSE, 0
    while True:
        try:
            return await step()
        except StoreError as error:
            conflicts = conflicts + 1 if isinstance(error, Conflict) else 0
            if conflicts == _CONFLICTS:
                raise
            log.warning("not taken; trying again", action="store_retry", error=str(error))
        await asyncio.sleep(pause.total_seconds())
        pause = min(pause * 2, _LONGEST_PAUSE)


def _events_of(message: Message) -> list[Event]:
    try:
        return [codec.decode_event(raw) for raw in _array.decode(message.value)]
    except (msgspec.MsgspecError, ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"not a list of events ({type(error).__name__})") from None


def _parts_of(message: Message) -> list[Matched]:
    try:
        return [codec.decode_matched(raw) for raw in _array.decode(message.value)]
    except (msgspec.MsgspecError, ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"not a list of matched events ({type(error).__name__})") from None


def _reused(event: Event) -> Rejected:
    return Rejected(
        reason=RejectReason.KEY_REUSED,
        detail="the same key was sent before with other content; send a correction with its own key or version",
        feed=event.feed,
        raw=codec.encode(event),
        channel=event.provenance.channel,
        source=event.provenance.source,
        content_type="event",
    )
