"""From the outbox to the phone: claim, look up the address, make the words, send, record.

One lane per channel, so that a channel that hangs or rests delays no other. A row is recorded together with its
alert's time line, behind the fence of its claim. A crash between sending and recording ends with the lease: the row is
sent again with the same key and `repeat n`: at least once, and recognisable.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts import lifecycle
from alerts.lifecycle import TELLING
from alerts.model import Alert, AlertState, Channel, Clocks, Delivery, DeliveryStatus, FailureReason
from alerts.outbox import Breaker, BreakerPolicy, BreakerState, RetryPolicy, after_attempt, after_result, permits
from alerts.ports import AlertStore, DirectorySource, Outbox
from alerts.rendering import WordingPolicy, render
from alerts.senders.ports import OutMessage, Refused, Sender, SendResult, Unknown
from domain.clock import Clock
from domain.errors import Conflict
from domain.triggers import Priority

SILENT_STATES = frozenset({AlertState.WITHDRAWN, AlertState.MERGED, AlertState.CLOSED, AlertState.EXPIRED})
"""Alerts about which nobody is sent anywhere any more; corrections still go out."""


@dataclass(frozen=True, slots=True)
class DispatchPolicy:
    """`lease` must be well above the sender's timeout; `batch` is how many of a channel are under way at a time."""

    wording: WordingPolicy
    retry: RetryPolicy = RetryPolicy()
    breaker: BreakerPolicy = BreakerPolicy()
    lease: timedelta = timedelta(seconds=45)
    batch: int = 16
    idle: timedelta = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Observers:
    """Whom to tell for metrics and logs: a row that a provider took, every attempt with what became of it, and what
    kept a lane from working (store out of reach, a sender that raised)."""

    on_handed: Callable[[Delivery, datetime], None] = lambda _delivery, _accepted_at: None
    on_attempt: Callable[[Delivery], None] = lambda _delivery: None
    on_trouble: Callable[[Channel, Exception], None] = lambda _channel, _fault: None


@dataclass(slots=True)
class _Lane:
    """A channel's breaker and its bell."""

    breaker: Breaker = field(default_factory=Breaker)
    bell: asyncio.Event = field(default_factory=asyncio.Event)


class Dispatcher:
    """Sends what waits. `shards` are those this worker serves; None means all."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        store: AlertStore,
        directory: DirectorySource,
        senders: Mapping[Channel, Sender],
        clock: Clock,
        policy: DispatchPolicy,
        observers: Observers | None = None,
        shards: Collection[int] | None = None,
    ) -> None:
        self._outbox, self._store, self._directory = outbox, store, directory
        self._senders, self._clock, self._policy = dict(senders), clock, policy
        self._observers = observers or Observers()
        self._shards = shards
        self._lanes = {channel: _Lane() for channel in self._senders}

    def breakers(self) -> Mapping[Channel, BreakerState]:
        """Which channels are in use, resting or trying."""
        return {channel: lane.breaker.state for channel, lane in self._lanes.items()}

    def wake(self) -> None:
        """There may be something new: look at once. Called after a commit in the same process."""
        for lane in self._lanes.values():
            lane.bell.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send what falls due on every channel, each in its own lane, until told to stop; rows under way end first.

        Without a channel there is nothing to do until then: alerts are raised and wait.
        """
        if not self._lanes:
            await stop.wait()
        await asyncio.gather(*(self._serve(channel, stop) for channel in self._lanes))

    async def run_once(self, now: datetime) -> int:
        """Send what is due `now`, one batch per channel; how many rows were taken."""
        return sum(await asyncio.gather(*(self.run_channel(channel, now) for channel in self._lanes)))

    async def run_channel(self, channel: Channel, now: datetime) -> int:
        """One batch of one channel; 0 while its breaker rests or nothing is due."""
        lane = self._lanes[channel]
        breaker, most = permits(lane.breaker, now, self._policy.batch)
        if not most:
            return 0
        rows = await self._outbox.claim(now, channel=channel, limit=most, lease=self._policy.lease, shards=self._shards)
        if rows:
            lane.breaker = breaker
            ends = await asyncio.gather(*(self._dispatch(row, lane) for row in rows), return_exceptions=True)
            for fault in (end for end in ends if isinstance(end, BaseException)):
                raise fault  # after all of them have ended: a store out of reach is one message's trouble at a time
        return len(rows)

    async def _serve(self, channel: Channel, stop: asyncio.Event) -> None:
        lane = self._lanes[channel]
        while not stop.is_set():
            lane.bell.clear()
            try:
                taken = await self.run_channel(channel, self._clock.now())
            except Exception as fault:  # a lane never dies: the rows are safe where they are, and their leases end
                self._observers.on_trouble(channel, fault)
                taken = 0
            if not taken:
                await self._rest(lane, stop)

    async def _rest(self, lane: _Lane, stop: asyncio.Event) -> None:
        """Until the bell rings, the pause ends or the work does."""
        waits = [asyncio.ensure_future(lane.bell.wait()), asyncio.ensure_future(stop.wait())]
        await asyncio.wait(waits, timeout=self._policy.idle.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await wait

    async def _dispatch(self, row: Delivery, lane: _Lane) -> None:
        """One row from claim to record."""
        alert = await self._store.get(row.alert_id, row.shard) if row.alert_id else None
        if alert is not None and alert.state in SILENT_STATES and row.purpose in TELLING:
            silent = replace(row, status=DeliveryStatus.CANCELLED, reason=FailureReason.NOT_TRUE_ANY_MORE)
            await self._outbox.record(silent, row.fence)
            return
        result = await self._send(row, alert)
        now = self._clock.now()
        if not (isinstance(result, Refused) and result.reason is FailureReason.NO_ADDRESS):
            lane.breaker = after_result(lane.breaker, result, now, self._policy.breaker)
        done = after_attempt(row, result, now, self._policy.retry)
        if await self._record(done, row.fence, alert):
            self._observers.on_attempt(done)
            if done.status is DeliveryStatus.ACCEPTED:
                self._observers.on_handed(done, now)

    async def _send(self, row: Delivery, alert: Alert | None) -> SendResult:
        address = self._directory.directory().address(row.recipient_id, row.channel)
        if not address:
            return Refused(FailureReason.NO_ADDRESS, recoverable=False)
        now = self._clock.now()
        priority = alert.priority if alert else Priority.P2
        clocks = alert.clocks if alert else Clocks(now, now, now)
        words = render(row, row.reference, priority, clocks, self._policy.wording)
        out = OutMessage(row.channel, address, words.subject, words.body, row.idempotency_key)
        try:
            return await self._senders[row.channel].send(out)
        except Exception as fault:  # a sender promises not to raise; one that does must not stop its neighbours
            self._observers.on_trouble(row.channel, fault)
            return Unknown(FailureReason.PROVIDER_DOWN)

    async def _record(self, row: Delivery, fence: int, alert: Alert | None) -> bool:
        """The row and its alert's time line in one commit; the alert is read again where somebody else changed it."""
        while True:
            told = _told(alert, row, self._clock.now()) if alert else None
            try:
                return await self._outbox.record(row, fence, alert=told, previous=alert if told else None)
            except Conflict:
                alert = await self._store.get(row.alert_id, row.shard)


def _told(alert: Alert, row: Delivery, now: datetime) -> Alert | None:
    """The alert after a row ended; None while it is still being tried."""
    note = f"{row.purpose.value} {row.channel.value}"
    if row.status is DeliveryStatus.ACCEPTED:
        return lifecycle.mark_notified(alert, row.recipient_id, row.purpose, now, note)
    if row.status is DeliveryStatus.FAILED:
        return lifecycle.mark_undelivered(alert, row.recipient_id, now, f"{note} {row.reason.value}")
    return None
