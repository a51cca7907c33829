"""From the outbox to a real mail server and a real SMS endpoint, with the faults that they have; on both stores."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from alerts import lifecycle
from alerts.dispatch import Dispatcher, DispatchPolicy, Observers
from alerts.memory import MemoryAlertStore
from alerts.model import Alert, AlertState, Channel, Delivery, DeliveryStatus, FailureReason, Happening
from alerts.outbox import BreakerPolicy, BreakerState, RetryPolicy
from alerts.ports import AlertStore, Outbox
from alerts.rendering import WordingPolicy
from alerts.routing import Directory
from alerts.senders.apprise_policy import ApprisePolicy
from alerts.senders.apprise_sender import AppriseSender
from alerts.senders.memory import MemorySender
from alerts.senders.ports import Accepted, OutMessage, Refused, Sender, SendResult
from alerts.valkey import ValkeyAlertStore
from alerts.valkey_outbox import ValkeyOutbox
from domain.clock import ManualClock
from domain.errors import StoreUnavailable
from domain.ids import MemberId, NavigatorId, shard_of
from domain.people import CohortMember, MemberStatus
from fixtures.endpoints import HANG, RESET, Act, NotifyEndpoint, SmtpInbox
from streams.server import connect
from tests.unit.alerts.build import START, at, changes, directory, firing, navigator, planned

POLICY = DispatchPolicy(
    WordingPolicy("https://reachpoint.example.com", "01632 960001"), idle=timedelta(milliseconds=20)
)
CANARIES = ("Zebedee", "Quillfeather", "ZZ99 3VZ", "9990000018", "Stabbed", "ED_WEAPON_ASSAULT", "M-CANARY", "Name of")


@dataclass
class Desk:
    """A dispatcher with all that it needs, and what it told."""

    store: AlertStore
    outbox: Outbox
    clock: ManualClock
    people: Directory
    dispatcher: Dispatcher
    handed: list[tuple[Delivery, datetime]] = field(default_factory=list)

    def directory(self) -> Directory:
        return self.people


@pytest_asyncio.fixture(params=["memory", "valkey"])
async def stores(request: pytest.FixtureRequest, valkey_socket: Path) -> AsyncIterator[tuple[AlertStore, Outbox]]:
    if request.param == "memory":
        both = MemoryAlertStore()
        yield both, both
        return
    client = connect(valkey_socket)
    await client.flushall()
    yield ValkeyAlertStore(client), ValkeyOutbox(client)
    await client.aclose()


@pytest.fixture
def endpoints() -> Iterator[tuple[NotifyEndpoint, SmtpInbox]]:
    with NotifyEndpoint() as notify, SmtpInbox() as inbox:
        yield notify, inbox


@pytest.fixture
def sender(endpoints: tuple[NotifyEndpoint, SmtpInbox]) -> Iterator[AppriseSender]:
    notify, inbox = endpoints
    urls = {Channel.SMS: notify.url, Channel.EMAIL: inbox.url}
    made = AppriseSender(ApprisePolicy(urls, timeout=timedelta(seconds=1)))
    yield made
    notify.release()
    made.close()


def desk(stores: tuple[AlertStore, Outbox], sender: Sender, policy: DispatchPolicy = POLICY) -> Desk:
    store, outbox = stores
    made = Desk(store, outbox, ManualClock(START), directory(navigator("N1")), None)  # type: ignore[arg-type]
    made.dispatcher = Dispatcher(
        outbox=outbox,
        store=store,
        directory=made,
        senders=dict.fromkeys(Channel, sender),
        clock=made.clock,
        policy=policy,
        observers=Observers(on_handed=lambda row, when: made.handed.append((row, when))),
    )
    return made


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread or task does, at most ten seconds; the caller asserts."""
    limit = time.monotonic() + 10
    while not condition() and time.monotonic() < limit:  # noqa: ASYNC110 the other side is a thread, which sets no event
        await asyncio.sleep(0.005)


async def raise_for(at_desk: Desk, member: str = "M1") -> Alert:
    person = CohortMember(MemberId(member), MemberStatus.AT_RISK, navigator_id=NavigatorId("N1"))
    hot = firing(member, member=member, rule="ED_WEAPON_ASSAULT", headline="Stabbed: Zebedee Quillfeather 9990000018")
    (change,) = changes(hot, member=person)
    plan = planned(change)
    return await at_desk.store.save(plan.alert, None, plan.rows)


async def reread(at_desk: Desk, alert: Alert) -> Alert:
    found = await at_desk.store.get(alert.alert_id, shard_of(alert.member_id))
    assert found is not None
    return found


async def rows_of(at_desk: Desk, alert: Alert) -> dict[Channel, Delivery]:
    return {row.channel: row for row in await at_desk.store.deliveries_of(alert.alert_id, shard_of(alert.member_id))}


async def test_a_text_and_a_mail_arrive_once_each_and_the_alert_says_so(
    stores: tuple[AlertStore, Outbox], sender: AppriseSender, endpoints: tuple[NotifyEndpoint, SmtpInbox]
) -> None:
    notify, inbox = endpoints
    here = desk(stores, sender)
    alert = await raise_for(here, "M-CANARY")
    assert await here.dispatcher.run_once(START) == 2
    assert await here.dispatcher.run_once(at(60)) == 0
    (text,), (mail,) = notify.texts, inbox.mails
    assert alert.reference in text.body
    assert alert.reference in mail.subject
    after = await reread(here, alert)
    assert after.state is AlertState.NOTIFIED
    assert [entry.what for entry in after.timeline] == [Happening.RAISED, Happening.NOTIFIED, Happening.NOTIFIED]
    assert {row.channel for row, _ in here.handed} == set(Channel)
    assert (await rows_of(here, alert))[Channel.SMS].provider_id == text.provider_id
    for raw in [*notify.received, *inbox.received]:
        for canary in CANARIES:
            assert canary.encode() not in raw


@pytest.mark.parametrize(
    ("act", "repeats"),
    [(Act(429), 0), (Act(500), 0), (Act(403), 0), (RESET, 1), (HANG, 1)],
    ids=["too many", "its fault", "bad key", "reset", "hang"],
)
async def test_after_a_fault_the_text_is_sent_again_with_the_same_key(
    stores: tuple[AlertStore, Outbox],
    sender: AppriseSender,
    endpoints: tuple[NotifyEndpoint, SmtpInbox],
    act: Act,
    repeats: int,
) -> None:
    notify, inbox = endpoints
    notify.play(act)
    here = desk(stores, sender)
    alert = await raise_for(here)
    await here.dispatcher.run_once(START)
    assert len(inbox.mails) == 1
    waiting = (await rows_of(here, alert))[Channel.SMS]
    assert waiting.status in {DeliveryStatus.QUEUED, DeliveryStatus.UNKNOWN}
    assert await here.dispatcher.run_once(START) == 0
    here.clock.set(at(5))
    await here.dispatcher.run_once(at(5))
    text = notify.texts[-1]
    assert text.reference == waiting.idempotency_key
    assert ("(repeat 1)" in text.body) == (repeats == 1)
    assert (await rows_of(here, alert))[Channel.SMS].status is DeliveryStatus.ACCEPTED


async def test_a_number_that_is_none_fails_for_good_and_the_alert_says_so(
    stores: tuple[AlertStore, Outbox], sender: AppriseSender, endpoints: tuple[NotifyEndpoint, SmtpInbox]
) -> None:
    endpoints[0].play(Act(400))
    here = desk(stores, sender)
    alert = await raise_for(here)
    await here.dispatcher.run_once(START)
    row = (await rows_of(here, alert))[Channel.SMS]
    assert (row.status, row.reason) == (DeliveryStatus.FAILED, FailureReason.BAD_ADDRESS)
    after = await reread(here, alert)
    assert Happening.NOT_DELIVERED in {entry.what for entry in after.timeline}
    assert Happening.NOTIFIED in {entry.what for entry in after.timeline}
    assert (await here.outbox.pending())[Channel.SMS] == 0


async def test_somebody_without_an_address_any_more_fails_and_does_not_rest_the_channel(
    stores: tuple[AlertStore, Outbox],
) -> None:
    here = desk(stores, MemorySender())
    here.people = directory(navigator("N1", phone=""))
    alert = await raise_for(here)
    await here.dispatcher.run_once(START)
    assert (await rows_of(here, alert))[Channel.SMS].reason is FailureReason.NO_ADDRESS
    assert here.dispatcher.breakers()[Channel.SMS] is BreakerState.CLOSED


class CrashingSender:
    """Delivers, and then its process dies before anything is written down."""

    def __init__(self) -> None:
        self.sent: list[OutMessage] = []

    async def send(self, message: OutMessage) -> SendResult:
        self.sent.append(message)
        raise KeyboardInterrupt


async def test_a_crash_between_sending_and_recording_repeats_recognisably(
    stores: tuple[AlertStore, Outbox],
) -> None:
    crashing = CrashingSender()
    here = desk(stores, crashing)
    alert = await raise_for(here)
    rows = await here.outbox.claim(START, channel=Channel.SMS, limit=1, lease=POLICY.lease)
    with pytest.raises(KeyboardInterrupt):
        await crashing.send(OutMessage(Channel.SMS, "x", "", "first", rows[0].idempotency_key))
    after_restart = MemorySender()
    here = desk(stores, after_restart)
    assert await here.dispatcher.run_channel(Channel.SMS, at(0.5)) == 0
    assert await here.dispatcher.run_channel(Channel.SMS, at(1)) == 1
    (again,) = after_restart.sent
    assert again.idempotency_key == crashing.sent[0].idempotency_key
    assert "(repeat 1)" in again.body
    assert alert.reference in again.body
    zombie = replace(rows[0], status=DeliveryStatus.FAILED)
    assert await here.outbox.record(zombie, rows[0].fence) is False


class Meddling(MemorySender):
    """While it sends, somebody else changes the alert."""

    def __init__(self, here: list[Desk], alert: list[Alert]) -> None:
        super().__init__()
        self._here, self._alert = here, alert

    async def send(self, message: OutMessage) -> SendResult:
        at_desk = self._here[0]
        now = await reread(at_desk, self._alert[0])
        if now.state is AlertState.RAISED:
            await at_desk.store.save(lifecycle.accept(now, NavigatorId("N1"), at(0)), now)
        return await super().send(message)


async def test_an_acceptance_during_the_sending_is_not_overwritten(stores: tuple[AlertStore, Outbox]) -> None:
    box: list[Desk] = []
    alerts: list[Alert] = []
    here = desk(stores, Meddling(box, alerts))
    box.append(here)
    alerts.append(await raise_for(here))
    await here.dispatcher.run_once(START)
    after = await reread(here, alerts[0])
    assert after.state is AlertState.ACCEPTED
    assert [entry.what for entry in after.timeline].count(Happening.NOTIFIED) == 2


async def test_nobody_is_sent_anywhere_for_an_alert_that_was_withdrawn_meanwhile(
    stores: tuple[AlertStore, Outbox],
) -> None:
    sender = MemorySender()
    here = desk(stores, sender)
    alert = await raise_for(here)
    gone = lifecycle.withdraw_trigger(alert, alert.live[0].firing_id, clock_policy=lifecycle.ClockPolicy(), now=at(0))
    await here.store.save(gone, alert)
    await here.dispatcher.run_once(START)
    assert sender.sent == []
    assert {row.status for row in (await rows_of(here, alert)).values()} == {DeliveryStatus.CANCELLED}


async def test_a_hanging_text_gateway_delays_no_mail_and_then_rests(
    stores: tuple[AlertStore, Outbox], sender: AppriseSender, endpoints: tuple[NotifyEndpoint, SmtpInbox]
) -> None:
    notify, inbox = endpoints
    notify.play(*[HANG] * 50)
    here = desk(stores, sender, replace(POLICY, breaker=BreakerPolicy(threshold=2)))
    for number in range(6):
        await raise_for(here, f"M{number}")
    stop = asyncio.Event()
    working = asyncio.ensure_future(here.dispatcher.run(stop))
    began = time.monotonic()
    await until(lambda: len(inbox.mails) == 6)
    assert time.monotonic() - began < 10
    assert len(inbox.mails) == 6
    await until(lambda: here.dispatcher.breakers()[Channel.SMS] is not BreakerState.CLOSED)
    assert here.dispatcher.breakers()[Channel.SMS] is BreakerState.OPEN
    assert (await here.outbox.pending())[Channel.SMS] == 6
    stop.set()
    await asyncio.wait_for(working, 10)


async def test_the_bell_is_heard_at_once_and_stop_ends_the_work(stores: tuple[AlertStore, Outbox]) -> None:
    sender = MemorySender()
    here = desk(stores, sender, replace(POLICY, idle=timedelta(seconds=30)))
    stop = asyncio.Event()
    working = asyncio.ensure_future(here.dispatcher.run(stop))
    await asyncio.sleep(0.1)
    await raise_for(here)
    here.dispatcher.wake()
    began = time.monotonic()
    await until(lambda: len(sender.sent) == 2)
    assert len(sender.sent) == 2
    assert time.monotonic() - began < 2
    stop.set()
    await asyncio.wait_for(working, 5)


async def test_without_a_channel_alerts_wait_and_the_work_goes_on_until_it_is_stopped(
    stores: tuple[AlertStore, Outbox],
) -> None:
    store, outbox = stores
    here = desk(stores, MemorySender())
    silent = Dispatcher(outbox=outbox, store=store, directory=here, senders={}, clock=here.clock, policy=POLICY)
    stop = asyncio.Event()
    working = asyncio.ensure_future(silent.run(stop))
    await raise_for(here)
    silent.wake()
    await asyncio.sleep(0.1)
    assert not working.done()
    stop.set()
    await asyncio.wait_for(working, 5)


class RaisingSender(MemorySender):
    """Breaks its promise once."""

    async def send(self, message: OutMessage) -> SendResult:
        await super().send(message)
        if len(self.sent) == 1:
            raise RuntimeError("a fault of the sender's own")
        return Accepted()


async def test_a_sender_that_raises_stops_no_neighbour_and_its_row_comes_again(
    stores: tuple[AlertStore, Outbox],
) -> None:
    sender = RaisingSender()
    here = desk(stores, sender)
    for number in range(3):
        await raise_for(here, f"M{number}")
    await here.dispatcher.run_channel(Channel.SMS, START)
    assert (await here.outbox.pending())[Channel.SMS] == 1
    await here.dispatcher.run_channel(Channel.SMS, at(5))
    assert (await here.outbox.pending())[Channel.SMS] == 0
    assert "(repeat 1)" in sender.sent[-1].body


class BrokenOutbox(MemoryAlertStore):
    """A store that is out of reach for a while."""

    broken = True

    async def claim(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        if self.broken:
            raise StoreUnavailable
        return await super().claim(*args, **kwargs)


async def test_a_store_out_of_reach_is_told_and_waited_for() -> None:
    store, sender = BrokenOutbox(), MemorySender()
    here = desk((store, store), sender)
    troubles: list[Channel] = []
    here.dispatcher = Dispatcher(
        outbox=store,
        store=store,
        directory=here,
        senders={Channel.SMS: sender},
        clock=here.clock,
        policy=POLICY,
        observers=Observers(on_trouble=lambda channel, _fault: troubles.append(channel)),
    )
    await raise_for(here)
    stop = asyncio.Event()
    working = asyncio.ensure_future(here.dispatcher.run(stop))
    await asyncio.sleep(0.1)
    assert troubles
    store.broken = False
    await asyncio.sleep(0.2)
    assert len(sender.sent) == 1
    stop.set()
    await asyncio.wait_for(working, 5)


async def test_a_storm_of_faults_loses_no_message(
    stores: tuple[AlertStore, Outbox], sender: AppriseSender, endpoints: tuple[NotifyEndpoint, SmtpInbox]
) -> None:
    notify, inbox = endpoints
    notify.play(*[Act(429), Act(500), RESET, Act(503), Act()] * 4)
    inbox.play(*[Act(451), RESET, Act(250), Act(421)] * 3)
    here = desk(stores, sender, replace(POLICY, retry=RetryPolicy(), breaker=BreakerPolicy(threshold=50)))
    alerts = [await raise_for(here, f"M{number}") for number in range(8)]
    for minute in range(0, 120, 5):
        here.clock.set(at(minute))
        await here.dispatcher.run_once(at(minute))
    assert {channel: count for channel, count in (await here.outbox.pending()).items() if count} == {}
    for messages in (
        [text.body for text in notify.texts],
        [mail.subject for mail in inbox.mails],
    ):
        references = {re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", words).group() for words in messages}  # type: ignore[union-attr]
        assert references == {alert.reference for alert in alerts}


def test_results_that_the_dispatcher_reads_are_values() -> None:
    assert Accepted("a") == Accepted("a")
    assert Refused(FailureReason.BAD_ADDRESS, recoverable=False) != Refused(FailureReason.BAD_ADDRESS, recoverable=True)
