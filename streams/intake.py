"""Group commit: what many senders hand in at the same time becomes durable together, and each is answered after it.

One flush is under way at a time; what arrives meanwhile forms the next batch, so nobody waits for a timer and one fsync
carries many events (limits.md part B: 2,000 single writes a second against 45,000 in batches).
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.clock import Clock
from domain.errors import StoreUnavailable
from domain.events import Event
from domain.ids import digest
from streams import codec
from streams.feeds.outcome import Ignored, ParseResult, Rejected, RejectReason
from streams.feeds.receipts import Receipt
from streams.messages import ItemReceipt, QuarantineItem
from streams.ports import Intake, Taken

Record = tuple[ParseResult, bytes]
"""What was parsed, and the bytes that it was parsed from."""


@dataclass(slots=True)
class _Waiting:
    """Records handed in together, answered together."""

    records: Sequence[Record]
    done: "asyncio.Future[list[ItemReceipt]]"


class GroupCommit:
    """The one door through which parsed records become durable. `start` it inside the running loop.

    About `limit` records go in one flush; what was handed in together stays together. When `full` records wait,
    further ones are refused with StoreUnavailable: the sender keeps them, safer than our memory (back-pressure).
    """

    def __init__(self, store: Intake, clock: Clock, *, limit: int = 256, full: int = 20_000) -> None:
        self._store = store
        self._clock = clock
        self._limit = limit
        self._full = full
        self._waiting: deque[_Waiting] = deque()
        self._depth = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def start(self) -> None:
        """Begin flushing."""
        self._task = asyncio.create_task(self._run(), name="intake")

    async def stop(self) -> None:
        """Flush what waits, then end. Later submissions are refused."""
        self._closing = True
        self._wake.set()
        if self._task:
            await self._task

    @property
    def depth(self) -> int:
        """How many records wait for the next flush."""
        return self._depth

    async def submit(self, records: Sequence[Record]) -> list[ItemReceipt]:
        """Make records durable, in order. Raises StoreUnavailable if any of them cannot be promised."""
        if not records:
            return []
        if self._closing or self._depth + len(records) > self._full:
            raise StoreUnavailable("More is waiting to be written than can be held; send it again later.")
        done: asyncio.Future[list[ItemReceipt]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(records, done))
        self._depth += len(records)
        self._wake.set()
        return await done

    async def submit_one(self, result: ParseResult, raw: bytes) -> Receipt:
        """The same for a listener that answers message by message (streams.feeds.receipts.Submit)."""
        (receipt,) = await self.submit([(result, raw)])
        if receipt.reason == RejectReason.KEY_REUSED.value:
            return Receipt.CONFLICT
        return receipt.kind

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._flush(self._next_batch())
            if self._closing:
                return

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and (not batch or size + len(self._waiting[0].records) <= self._limit):
            waiting = self._waiting.popleft()
            batch.append(waiting)
            size += len(waiting.records)
        self._depth -= size
        return batch

    def _all_waiting(self) -> list[_Waiting]:
        waiting = list(self._waiting)
        self._waiting.clear()
        self._depth = 0
        return waiting

    async def _flush(self, batch: list[_Waiting]) -> None:
        try:
            receipts = await self._write([record for waiting in batch for record in waiting.records])
        except Exception as error:
            # This is a door: whatever went wrong, nobody may be told that their record is safe, and the next batch
            # must still be tried. StoreUnavailable reaches the sender as "later"; anything else as our fault.
            # Where the store is away, whoever waits behind hears it at once: it would only take each of them longer.
            behind = self._all_waiting() if isinstance(error, StoreUnavailable) else []
            for waiting in (*batch, *behind):
                if not waiting.done.done():
                    waiting.done.set_exception(error)
            return
        start = 0
        for waiting in batch:
            if not waiting.done.done():
                waiting.done.set_result(receipts[start : start + len(waiting.records)])
            start += len(waiting.records)

    async def _write(self, batch: Sequence[Record]) -> list[ItemReceipt]:
        now = self._clock.now()
        receipts: dict[int, ItemReceipt] = {}
        rejected = [(place, result) for place, (result, _) in enumerate(batch) if isinstance(result, Rejected)]
        events = [(place, result) for place, (result, _) in enumerate(batch) if isinstance(result, Event)]
        if events:
            taken = await self._store.accept([event for _, event in events], now)
            for (place, event), outcome in zip(events, taken, strict=True):
                if outcome == Taken.CONFLICT:
                    rejected.append((place, _conflict(event, batch[place][1])))
                else:
                    kind = Receipt.ACCEPTED if outcome == Taken.ACCEPTED else Receipt.DUPLICATE
                    receipts[place] = ItemReceipt(kind=kind, event_id=event.event_id)
        if rejected:
            items = [quarantine_item(record, now) for _, record in rejected]
            await self._store.quarantine(items, now)
            for (place, record), item in zip(rejected, items, strict=True):
                receipts[place] = _refusal(record, item)
        ignored = [(place, result) for place, (result, _) in enumerate(batch) if isinstance(result, Ignored)]
        if ignored:
            await self._store.ignore([(uninteresting.feed, uninteresting.why) for _, uninteresting in ignored], now)
            receipts |= {place: ItemReceipt(kind=Receipt.IGNORED, reason=each.why) for place, each in ignored}
        return [receipts[place] for place in range(len(batch))]


def _refusal(record: Rejected, item: QuarantineItem) -> ItemReceipt:
    return ItemReceipt(
        kind=Receipt.QUARANTINED,
        reason=record.reason.value,
        detail=record.detail,
        where=record.where,
        quarantine_id=item.item_id,
    )


def quarantine_item(record: Rejected, now: datetime) -> QuarantineItem:
    """A rejected record as it is kept. The same bytes rejected for the same reason make the same item."""
    return QuarantineItem(
        item_id=digest("quarantine", record.feed.value, record.reason.value, record.raw.hex()),
        reason=record.reason,
        detail=record.detail,
        feed=record.feed,
        where=record.where,
        raw=record.raw,
        channel=record.channel,
        source=record.source,
        content_type=record.content_type,
        first_at=now,
        last_at=now,
    )


def _conflict(event: Event, raw: bytes) -> Rejected:
    return Rejected(
        reason=RejectReason.KEY_REUSED,
        detail="the same key was sent before with other content; send a correction with its own key or version",
        feed=event.feed,
        raw=raw or codec.encode(event),
        channel=event.provenance.channel,
        source=event.provenance.source,
        content_type="hl7" if event.feed.value == "ed" and raw[:3] == b"MSH" else "ndjson",
    )
