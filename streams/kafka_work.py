"""What engine B's agents do with messages: recognise their events, or decide their matched parts. No Faust in here.

Messages that waited together are one step: what a step costs, the store and its sync above all, is paid once. Each is
safe to be given the same messages again. A store that does not answer is waited for; what cannot be read at all raises
Unreadable before anything was done, and whoever carries sets that message aside.
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
from domain.events import Event
from domain.kinds import Feed
from streams import codec
from streams.embedded import Decider, Recogniser
from streams.feeds.outcome import Ignored, Rejected, RejectReason
from streams.intake import Record, quarantine_item
from streams.kafka_books import NOWHERE, UNFINISHED, Entering, KafkaBooks
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


Handler = Callable[[Sequence[Message]], Awaitable[None]]
"""Is given messages, at least one, those of each lane in order; returns once all are done."""
KeepAside = Callable[[Message, Exception], Awaitable[None]]
"""Keeps a message that cannot be handled where people find it; returns once it is safe there."""
ReadFeed = Callable[[Feed, Message, datetime], Sequence[Record]]
"""Parses the bytes of a feed's own message, received at that moment."""


class RecogniseWork:
    """The first hop."""

    def __init__(
        self, books: KafkaBooks, recogniser: Recogniser, policy: KafkaPolicy, clock: Clock, read_feed: ReadFeed
    ) -> None:
        self._books = books
        self._recogniser = recogniser
        self._clock = clock
        self._read_feed = read_feed
        self._feeds: Mapping[str, Feed] = {policy.feed(feed): feed for feed in Feed}

    async def handle(self, messages: Sequence[Message]) -> None:
        """Enter the events of these messages in the books and move them past recognition. Raises Unreadable."""
        read = [self._read(message) for message in messages]
        for records, at in read:
            await self._put_away(records, at)
        entering = [
            Entering(
                message.lane,
                message.offset,
                [result for result, _ in records if isinstance(result, Event)],
                reopened=any(name == REOPENED for name, _ in message.headers),
            )
            for message, (records, _) in zip(messages, read, strict=True)
        ]
        await patiently(lambda: self._recognised(entering))
        await patiently(lambda: self._books.passed(_places(messages)))  # not before: we may die in between

    def _read(self, message: Message) -> tuple[Sequence[Record], datetime]:
        """What a message holds, and when it came: the broker's time, the same when the message comes again."""
        at = message.appended_at or self._clock.now()
        feed = self._feeds.get(message.topic)
        if feed is not None:
            return self._read_feed(feed, message, at), at
        return [(event, b"") for event in _events_of(message)], at

    async def _put_away(self, records: Sequence[Record], at: datetime) -> None:
        """What of a feed's own records cannot be taken goes to quarantine with its reason, as from every other door."""
        refused = [quarantine_item(result, at) for result, _ in records if isinstance(result, Rejected)]
        ignored = [(result.feed, result.why) for result, _ in records if isinstance(result, Ignored)]
        if refused:
            await patiently(lambda: self._books.quarantine(refused, at))
        if ignored:
            await patiently(lambda: self._books.ignore(ignored, at))

    async def _recognised(self, entering: Sequence[Entering]) -> None:
        now = self._clock.now()
        taken = await self._books.register(entering, now=now)
        events = [event for each in entering for event in each.events]
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
    """The second hop."""

    def __init__(self, books: KafkaBooks, decider: Decider) -> None:
        self._books = books
        self._decider = decider

    async def handle(self, messages: Sequence[Message]) -> None:
        """Decide the parts of these messages, in order. Raises Unreadable."""
        entries = [MatchedEntry(each.partition, NOWHERE, part) for each in messages for part in _parts_of(each)]
        await patiently(lambda: self._decider.take(entries))
        await patiently(lambda: self._books.passed(_places(messages)))


def _places(messages: Sequence[Message]) -> dict[str, int]:
    """The last offset of each lane."""
    return {message.lane: message.offset for message in messages}


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
