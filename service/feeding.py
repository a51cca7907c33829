"""From a feed's bytes to durable events: files, request bodies, and records that are taken again from quarantine.

Parsing is the feeds' business and durability the intake's; this only knows which goes with which.
"""

import asyncio
import dataclasses
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from api.ports import ItemAnswer, Location
from domain.clock import Clock
from domain.errors import FeedError
from domain.events import Event
from domain.ids import event_id
from domain.kinds import Feed
from service.metrics import Metrics
from service.wiring import Policies
from streams import codec
from streams.feeds.column_mapping import TableMapping, shipped_mapping
from streams.feeds.ed import CONTENT_TYPE as HL7
from streams.feeds.ed import parse_ed
from streams.feeds.hl7_files import read_messages
from streams.feeds.outcome import ParseResult, Rejected, RejectReason, Where
from streams.feeds.receipts import Receipt
from streams.feeds.records import parse_body, read_ndjson
from streams.feeds.tables import read_table
from streams.intake import GroupCommit, Record
from streams.messages import ItemReceipt, QuarantineItem
from streams.valkey import ValkeyTransport

_HL7_TYPES = frozenset({"application/hl7-v2", "x-application/hl7-v2+er7", "application/hl7-v2+er7"})
_CHUNK_BYTES = 1 << 16
_LARGE_BYTES = 1 << 18
_KEPT_BYTES = 1 << 16
_MOST_HL7_LINES = 200_000
"""A body of sound messages has fewer: ten thousand of twenty segments each."""


class Feeding:
    """Reads what feeds send and hands it to the intake."""

    def __init__(self, intake: GroupCommit, policies: Policies, clock: Clock, metrics: Metrics | None = None) -> None:
        self._intake = intake
        self._policies = policies
        self._clock = clock
        self._metrics = metrics

    async def take(self, feed: Feed, body: bytes, content_type: str, source: str) -> list[ItemAnswer]:
        """One request body (api.ports.FeedIntake). Raises FeedError for a content type that the feed does not take."""
        if len(body) > _LARGE_BYTES:  # in a thread, so that a large body does not hold up everybody else's answers
            records = await asyncio.to_thread(self._parse_body, feed, body, content_type, source)
        else:
            records = self._parse_body(feed, body, content_type, source)
        receipts = await self._submit(feed, records)
        return [answer_of(index, receipt) for index, receipt in enumerate(receipts)]

    async def submit(self, feed: Feed, records: list[Record]) -> list[ItemReceipt]:
        """Make records durable; one receipt each."""
        return await self._submit(feed, records)

    async def _submit(self, feed: Feed, records: list[Record]) -> list[ItemReceipt]:
        receipts = await self._intake.submit(records)
        if self._metrics:
            self._metrics.on_receipts(feed.value, receipts)
        return receipts

    def _parse_body(self, feed: Feed, body: bytes, content_type: str, source: str) -> list[Record]:
        now = self._clock.now()
        media = content_type.partition(";")[0].strip().lower()
        if media in _HL7_TYPES:
            if feed is not Feed.ED:
                raise FeedError("HL7 v2 is taken by the ed feed only.")
            return self._parse_hl7(body, source, now)
        if media not in {"application/json", "application/x-ndjson", "application/ndjson", "application/jsonl"}:
            raise FeedError("Send application/x-ndjson, application/json or (ed) application/hl7-v2.")
        found = parse_body(body, content_type, feed=feed, received_at=now, source=source, policy=self._policies.records)
        return list(_with_bytes(found))

    def _parse_hl7(self, body: bytes, source: str, now: datetime) -> list[Record]:
        """The messages of a body; more of them, or of their lines, than sound ones could be are refused as a whole."""
        limit, most = self._policies.ed.limits.max_bytes, self._policies.records.max_records
        lines = body.count(b"\r") + body.count(b"\n")
        few = lines <= _MOST_HL7_LINES
        messages = list(islice(read_messages([body], max_bytes=limit), most + 1)) if few else []
        if not few or len(messages) > most:
            detail, kept = f"more than {most} messages in one request", body[:_KEPT_BYTES]
            refused = Rejected(RejectReason.TOO_LARGE, detail, Feed.ED, kept, Where(), "http", source, HL7)
            return [(refused, kept)]
        found = [(self._ed(message, "http", source, position, now), message) for position, message in messages]
        return found or [(self._ed(body, "http", source, 1, now), body)]

    def _ed(self, message: bytes, channel: str, source: str, position: int | None, now: datetime) -> ParseResult:
        policy = self._policies.ed
        return parse_ed(message, received_at=now, channel=channel, source=source, position=position, policy=policy)

    async def replay(self, item: QuarantineItem, transport: ValkeyTransport) -> list[ItemReceipt]:
        """Take a quarantined record again, after its sender, a mapping or we have been mended.

        What failed by our own fault goes back to where it failed; everything else is parsed as if it came now. A record
        whose key was used before gets a version of its own: somebody has looked at it and means it.
        """
        if item.content_type in {"event", "matched"}:
            decoded = codec.decode_event(item.raw) if item.content_type == "event" else codec.decode_matched(item.raw)
            taken = await transport.reopen(decoded, self._clock.now())
            kind = Receipt.ACCEPTED if taken else Receipt.DUPLICATE
            return [ItemReceipt(kind=kind, event_id=item.event_id)]
        records = self._parse_again(item)
        if item.reason is RejectReason.KEY_REUSED:
            records = [(_own_version(result, item), raw) for result, raw in records]
        return await self._submit(item.feed, records)

    def _parse_again(self, item: QuarantineItem) -> list[Record]:
        now = self._clock.now()
        if item.content_type == HL7:
            return [(self._ed(item.raw, item.channel, item.source, item.where.record, now), item.raw)]
        if item.content_type.startswith("csv:"):
            mapping = shipped_mapping(item.content_type.removeprefix("csv:"))
            table = read_table(
                io.BytesIO(item.raw), mapping, received_at=now, source=item.source, policy=self._policies.records
            )
            return list(_with_bytes(table))
        found = parse_body(
            item.raw,
            "application/x-ndjson",
            feed=item.feed,
            received_at=now,
            channel=item.channel,
            source=item.source,
            policy=self._policies.records,
        )
        return list(_with_bytes(found))


def read_file(
    feed: Feed, stream: BinaryIO, name: str, *, policies: Policies, now: datetime, mapping: TableMapping | None = None
) -> Iterator[Record]:
    """The records of a file, in order, without loading it whole. `name` is shown as their source."""
    chunks = iter(lambda: stream.read(_CHUNK_BYTES), b"")
    if mapping is not None:
        yield from _with_bytes(read_table(stream, mapping, received_at=now, source=name, policy=policies.records))
    elif feed is Feed.ED:
        for position, message in read_messages(chunks, max_bytes=policies.ed.limits.max_bytes):
            result = parse_ed(
                message, received_at=now, channel="file", source=name, position=position, policy=policies.ed
            )
            yield result, message
    else:
        yield from _with_bytes(read_ndjson(chunks, feed=feed, received_at=now, source=name, policy=policies.records))


def _own_version(result: ParseResult, item: QuarantineItem) -> ParseResult:
    if not isinstance(result, Event):
        return result
    version = f"{result.version}+{item.item_id[:8]}"
    identity = event_id(
        feed=result.feed.value,
        source_system=result.source_system,
        source_key=result.source_key,
        kind=result.kind.value,
        version=version,
    )
    return dataclasses.replace(result, version=version, event_id=identity)


def _with_bytes(results: Iterable[ParseResult]) -> Iterator[Record]:
    """Record feeds keep their bytes in what they reject; what they accept needs none."""
    for result in results:
        yield result, result.raw if isinstance(result, Rejected) else b""


def answer_of(index: int, receipt: ItemReceipt) -> ItemAnswer:
    """A receipt in the API's words."""
    where = receipt.where
    return ItemAnswer(
        index=index,
        result=receipt.kind.value,
        event_id=receipt.event_id or "",
        reason=receipt.reason,
        detail=receipt.detail,
        where=Location(where.record, where.segment, where.field) if where else None,
        quarantine_id=receipt.quarantine_id,
    )
