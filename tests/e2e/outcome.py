"""What a run came to, read from the store and the far ends: what two runs are compared by, and what must hold of any."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from redis.asyncio import Redis

from alerts.model import Alert, AlertState, Channel, Delivery, DeliveryStatus, TriggerState
from alerts.paging import all_alerts
from alerts.routing import Directory, RoutingPolicy, on_duty, recipients
from alerts.valkey import ValkeyAlertStore
from alerts.valkey_outbox import ValkeyOutbox
from domain.ids import EventId, shard_of
from fixtures.endpoints import NotifyEndpoint, SmtpInbox
from fixtures.force import Force
from streams.ports import LedgerCounts
from streams.valkey import ValkeyTransport
from triggers.loading import shipped_rules
from triggers.patterns import waits

Effective = tuple[str, str, frozenset[tuple[str, datetime]], str, bool]
"""An alert as its readers know it: reference, member, rules with when they fired, priority, whether it still stands."""

_REPEAT = re.compile(r"\(repeat (\d+)\)")
_REFERENCE = re.compile(r"/a/([0-9A-Z]{4}-[0-9A-Z]{4})")
WAITING = frozenset(rule.rule_id for rule in shipped_rules().rules if waits(rule.when))
_KEY = re.compile(rb"^X-Reachpoint-Message: *(\S+)", re.MULTILINE)


class Running(Protocol):
    """What a run is read from: its store and its far ends."""

    smtp: SmtpInbox
    sms: NotifyEndpoint

    def store(self) -> AbstractAsyncContextManager[Redis]:
        """A client, for looking only."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message as a far end took it."""

    key: str
    to: str
    reference: str
    repeat: int
    review: bool = False  # the bell for doubtful matches


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run."""

    books: LedgerCounts
    alerts: tuple[Alert, ...]
    deliveries: tuple[Delivery, ...]
    endings: Mapping[str, str | None]
    received: tuple[Received, ...]  # in order of arrival, each channel by itself
    waiting_now: int  # rows that are due and were not sent

    @property
    def effective(self) -> set[Effective]:
        return {
            (
                alert.reference,
                alert.member_id,
                frozenset((firing.rule_id, firing.fired_at) for firing in alert.live),
                alert.priority.value,
                alert.state is not AlertState.WITHDRAWN,
            )
            for alert in self.alerts
            if alert.state is not AlertState.MERGED
        }

    @property
    def by_clock(self) -> set[str]:
        """The references of alerts that hold nothing but what rules that wait have said."""
        return {alert.reference for alert in self.alerts if {one.trigger.rule_id for one in alert.triggers} <= WAITING}

    @property
    def waits_taken_back(self) -> int:
        """How many firings of rules that wait were told and taken back."""
        records = [one for alert in self.alerts for one in alert.triggers]
        return sum(one.state is TriggerState.WITHDRAWN and one.trigger.rule_id in WAITING for one in records)


async def read_outcome(service: Running, event_ids: Sequence[str], *, within_s: float) -> Outcome:
    """Wait until nothing is in flight and nothing is due (leases of the dead included), then read everything."""
    async with service.store() as client:
        transport, alerts, outbox = ValkeyTransport(client), ValkeyAlertStore(client), ValkeyOutbox(client)
        deadline, quiet = time.monotonic() + within_s, 0
        while quiet < 3 and time.monotonic() < deadline:
            idle = (await transport.counts()).in_flight == 0 and not await _due(outbox, ahead_s=60.0)
            quiet = quiet + 1 if idle else 0
            await asyncio.sleep(0.1)
        found = await all_alerts(alerts)
        rows = [row for alert in found for row in await alerts.deliveries_of(alert.alert_id, shard_of(alert.member_id))]
        endings = {one: await transport.disposition(EventId(one)) for one in event_ids}
        return Outcome(
            books=await transport.counts(),
            alerts=tuple(found),
            deliveries=tuple(rows),
            endings={one: str(ending) if ending else None for one, ending in endings.items()},
            received=_received(service),
            waiting_now=await _due(outbox, ahead_s=0.0),
        )


async def _due(outbox: ValkeyOutbox, *, ahead_s: float) -> int:
    """How many channels have a row due within that span: one in a lease counts, a digest of tomorrow does not."""
    until = time.time() + ahead_s
    heads = [await outbox.next_due(channel) for channel in Channel]
    return sum(1 for head in heads if head is not None and head.timestamp() <= until)


def _received(service: Running) -> tuple[Received, ...]:
    texts = [_parsed(text.reference, text.to, text.body) for text in list(service.sms.texts)]
    mails = [
        _parsed(key[1].decode() if (key := _KEY.search(mail.raw)) else "", mail.to[0], f"{mail.subject}\n{mail.body}")
        for mail in list(service.smtp.mails)
    ]
    return (*texts, *mails)


def _parsed(key: str, to: str, words: str) -> Received:
    reference, repeat = _REFERENCE.search(words), _REPEAT.search(words)
    return Received(
        key, to, reference[1] if reference else "", int(repeat[1]) if repeat else 0, "review needed" in words.lower()
    )


def check_books(outcome: Outcome, sent: Sequence[str]) -> None:
    """Every acknowledged event ended exactly once, and nothing else did."""
    assert outcome.books.in_flight == 0, f"{outcome.books.in_flight} events never ended"
    lost = [one for one in sent if outcome.endings.get(one) is None]
    assert not lost, f"{len(lost)} acknowledged events have no disposition, the first is {lost[0]}"
    accepted = sum(outcome.books.accepted.values())
    disposed = sum(sum(feed.values()) for feed in outcome.books.disposed.values())
    assert accepted == disposed == len(set(sent)), f"{accepted} accepted, {disposed} disposed, {len(set(sent))} sent"
    assert outcome.books.balanced


def check_messages(outcome: Outcome, force: Force) -> int:
    """All that was due was taken by a far end, by nobody who may not be told, and repeats say so. How many repeats."""
    assert outcome.waiting_now == 0, "messages that are due were not sent"
    by_key: defaultdict[str, list[Received]] = defaultdict(list)
    for received in outcome.received:
        by_key[received.key].append(received)
    rows = {row.idempotency_key: row for row in outcome.deliveries}
    for row in rows.values():
        if row.status is DeliveryStatus.ACCEPTED:
            assert by_key[row.idempotency_key], f"{row.delivery_id} counts as taken and no far end has it"
        assert row.status is not DeliveryStatus.FAILED, f"{row.delivery_id} failed: {row.reason}"
    repeats = 0
    for key, copies in by_key.items():
        assert key in rows or key, "a message without a key"
        assert len({(one.reference, one.to) for one in copies}) == 1, "a repeat went elsewhere or has another reference"
        for before, one in enumerate(copies):
            assert one.repeat >= before, f"copy {before + 1} of a message does not say that it is a repeat"
        repeats += len(copies) - 1
    _check_entitled(outcome, force)
    return repeats


def _check_entitled(outcome: Outcome, force: Force) -> None:
    """Whoever got a message is who routing names for that alert; of what waits without one, a gatekeeper, and for
    doubtful matches whoever is on duty."""
    navigators = {navigator.navigator_id: navigator for navigator in force.navigators}
    members = {member.member_id: member for member in force.members}
    directory, policy = Directory(navigators), RoutingPolicy()
    by_reference = {alert.reference: alert for alert in outcome.alerts}
    gatekeepers = {
        address
        for navigator in force.navigators
        if navigator.gatekeeper
        for address in (navigator.phone, navigator.email)
    }
    on_call = {
        directory.address(one.navigator_id, channel)
        for area in {"", *(member.area for member in force.members)}
        for one in on_duty(directory, policy, area=area)
        for channel in Channel
    }
    for received in outcome.received:
        alert = by_reference.get(received.reference)
        if alert is None:
            entitled = on_call if received.review else gatekeepers
            assert received.to in entitled, "a message about no alert reached somebody who is not to hear it"
            continue
        routing = recipients(members[alert.member_id], alert, directory, policy)
        named = {
            directory.address(one.navigator_id, channel)
            for one in (*routing.recipients, *routing.notice_to)
            for channel in Channel
        }
        assert received.to in named, f"a message about {alert.reference} reached somebody who may not be told"


def check_one_record_each(outcome: Outcome) -> None:
    """No alert twice: neither a reference nor a firing that two standing alerts hold."""
    references = [alert.reference for alert in outcome.alerts]
    assert len(references) == len(set(references))
    firings = [
        firing.firing_id for alert in outcome.alerts if alert.state is not AlertState.MERGED for firing in alert.live
    ]
    assert len(firings) == len(set(firings)), "a firing is carried by two alerts"


def now_of_force() -> datetime:
    """The present of a synthetic story that is played now."""
    return datetime.now(UTC).replace(microsecond=0)
