"""Reads what the service did, from its own store and from the far ends, once nothing is in flight any more."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from alerts.model import Alert, Delivery
from alerts.paging import all_alerts
from alerts.valkey import ValkeyAlertStore
from alerts.valkey_outbox import ValkeyOutbox
from domain.clock import SystemClock
from domain.ids import EventId, shard_of
from fixtures.endpoints import Mail, Text
from service.demo.stage import Stage
from service.settings import read_settings
from service.wiring import reach_store
from streams.messages import HeldIntel, ReviewItem
from streams.ports import LedgerCounts
from streams.timers_valkey import ValkeyTimers
from streams.valkey import ValkeyTransport
from streams.valkey_desk import ValkeyDesk


@dataclass(frozen=True, slots=True)
class Found:
    """The state of things when all was done."""

    books: LedgerCounts
    alerts: tuple[Alert, ...]
    deliveries: tuple[Delivery, ...]
    held: tuple[HeldIntel, ...]
    reviews: tuple[ReviewItem, ...]
    endings: Mapping[EventId, str]
    still_waiting: int
    texts: Sequence[Text]
    mails: Sequence[Mail]


async def gather(stage: Stage, *, within: timedelta, events: Iterable[EventId] = ()) -> Found:
    """Wait until no event is in flight, nothing is overdue and no message that is due waits, then read everything.

    Of `events` it also reads how each ended.
    """
    settings = read_settings(stage.config)
    async with reach_store(settings) as client:
        transport, alerts, outbox = ValkeyTransport(client), ValkeyAlertStore(client), ValkeyOutbox(client)
        timers = ValkeyTimers(client)
        deadline = time.monotonic() + within.total_seconds()
        quiet = 0
        while quiet < 3 and time.monotonic() < deadline:
            books = await transport.counts()
            due = sum((await outbox.pending()).values())
            first = (await timers.waiting()).first
            overdue = first is not None and first <= SystemClock().now()
            quiet = quiet + 1 if books.in_flight == 0 and due == 0 and not overdue else 0
            await asyncio.sleep(0.2)
        desk = ValkeyDesk(client)
        found = await all_alerts(alerts)
        rows = [row for alert in found for row in await alerts.deliveries_of(alert.alert_id, shard_of(alert.member_id))]
        return Found(
            books=await transport.counts(),
            alerts=tuple(found),
            deliveries=tuple(rows),
            held=tuple(await desk.held(1_000)),
            reviews=tuple(await desk.reviews(10_000)),
            endings={event: str(await transport.disposition(event) or "under way") for event in set(events)},
            still_waiting=sum((await outbox.pending()).values()),
            texts=list(stage.sms.texts),
            mails=list(stage.smtp.mails),
        )
