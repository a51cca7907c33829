"""One contract for both alert stores and outboxes: memory and a real Valkey."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from alerts import lifecycle
from alerts.memory import MemoryAlertStore
from alerts.model import Alert, Channel, DeliveryStatus, Outcome, Purpose
from alerts.planning import Row, notices
from alerts.ports import AlertFilter, AlertStore, CountKey, Outbox
from alerts.routing import Recipient
from alerts.valkey import ValkeyAlertStore, commit
from alerts.valkey_layout import Guard, alert_guard, alert_ops, decode_alert, encode_alert
from alerts.valkey_outbox import ValkeyOutbox
from domain.errors import Conflict, StoreUnavailable
from domain.ids import MemberId, NavigatorId, RuleId, shard_of
from domain.people import CohortMember, MemberStatus
from domain.triggers import Priority
from streams.server import connect
from tests.unit.alerts.build import START, at, delivery, firing, raised

LEASE = timedelta(seconds=30)


@dataclass
class Stores:
    """Both ports of one twin."""

    alerts: AlertStore
    outbox: Outbox


@pytest_asyncio.fixture(params=["memory", "valkey"])
async def stores(request: pytest.FixtureRequest, valkey_socket: Path) -> AsyncIterator[Stores]:
    if request.param == "memory":
        both = MemoryAlertStore()
        yield Stores(both, both)
        return
    client = connect(valkey_socket)
    await client.flushall()
    yield Stores(ValkeyAlertStore(client), ValkeyOutbox(client))
    await client.aclose()


def alert_of(number: int, minute: float = 0, *, priority: Priority = Priority.P2, area: str = "Coventry") -> Alert:
    member = CohortMember(MemberId(f"M{number}"), MemberStatus.AT_RISK, area=area, navigator_id=NavigatorId("N1"))
    return raised(firing(f"{number}", minute, priority, member=f"M{number}"), now=at(minute), member=member)


async def test_what_is_saved_comes_back_the_same_with_its_version(stores: Stores) -> None:
    saved = await stores.alerts.save(alert_of(1), None)
    assert saved.version == 1
    assert await stores.alerts.get(saved.alert_id, shard_of("M1")) == saved
    assert await stores.alerts.by_reference(saved.reference) == saved
    assert await stores.alerts.of_members([MemberId("M1"), MemberId("M2")]) == {"M1": (saved,)}
    assert await stores.alerts.by_reference("XXXX-XXXX") is None


async def test_every_field_of_an_alert_survives_the_codec() -> None:
    alert = alert_of(1)
    full = lifecycle.add_trigger(
        alert,
        firing("b", 3.25, Priority.P1, contact_within=timedelta(hours=1), expires_after=timedelta(days=14), late=True),
        clock_policy=lifecycle.ClockPolicy(),
        now=at(4),
    )
    closed = lifecycle.record_outcome(
        lifecycle.accept(full, NavigatorId("N1"), at(5)), Outcome.SPOKE, NavigatorId("N1"), at(6)
    )
    assert decode_alert(encode_alert(closed)) == closed


async def test_a_second_writer_meets_a_conflict_and_changes_nothing(stores: Stores) -> None:
    first = await stores.alerts.save(alert_of(1), None)
    taken = await stores.alerts.save(lifecycle.accept(first, NavigatorId("N1"), at(1)), first)
    row = Row(delivery(first), None)
    with pytest.raises(Conflict):
        await stores.alerts.save(lifecycle.accept(first, NavigatorId("N2"), at(2)), first, [row])
    with pytest.raises(Conflict):
        await stores.alerts.save(alert_of(1), None)
    assert await stores.alerts.get(first.alert_id, shard_of("M1")) == taken
    assert await stores.alerts.deliveries_of(first.alert_id, shard_of("M1")) == ()


async def test_a_row_that_was_claimed_meanwhile_cannot_be_cancelled_unseen(stores: Stores) -> None:
    first = await stores.alerts.save(alert_of(1), None, [Row(delivery(alert_of(1)), None)])
    (row,) = await stores.alerts.deliveries_of(first.alert_id, shard_of("M1"))
    await stores.outbox.claim(START, channel=Channel.SMS, limit=1, lease=LEASE)
    gone = replace(row, status=DeliveryStatus.CANCELLED, fence=row.fence + 1)
    with pytest.raises(Conflict):
        await stores.alerts.save(lifecycle.expire(first, at(1)), first, [Row(gone, row)])


async def test_counts_and_revision_follow_every_change(stores: Stores) -> None:
    before = await stores.alerts.revision()
    first = await stores.alerts.save(alert_of(1), None)
    await stores.alerts.save(alert_of(2, area="A|B"), None)
    await stores.alerts.save(lifecycle.accept(first, NavigatorId("N1"), at(1)), first)
    assert await stores.alerts.counts() == {
        CountKey(lifecycle.AlertState.ACCEPTED, Priority.P2, "Coventry"): 1,
        CountKey(lifecycle.AlertState.RAISED, Priority.P2, "A|B"): 1,
    }
    assert await stores.alerts.revision() == before + 3


FILTERS = [
    (AlertFilter(priorities=frozenset({Priority.P1})), {3}, "by priority"),
    (AlertFilter(areas=frozenset({"Walsall"})), {4}, "by area"),
    (AlertFilter(navigator_id=NavigatorId("N9")), set(), "by a navigator who has none"),
    (AlertFilter(navigator_id=NavigatorId("N1")), {1, 2, 3, 4}, "by navigator"),
    (AlertFilter(rule_id=RuleId("ED_ASSAULT")), {1, 2, 3, 4}, "by rule"),
    (AlertFilter(rule_id=RuleId("OTHER")), set(), "by a rule that fired for nobody"),
    (AlertFilter(states=frozenset({lifecycle.AlertState.CLOSED})), set(), "by state"),
    (AlertFilter(changed_since=at(2)), {2, 3, 4}, "changed since, inclusive"),
]


@pytest.mark.parametrize(("wanted", "expected", "why"), FILTERS, ids=[row[2] for row in FILTERS])
async def test_filters(stores: Stores, wanted: AlertFilter, expected: set[int], why: str) -> None:
    for number in (1, 2, 3):
        await stores.alerts.save(alert_of(number, number, priority=Priority.P1 if number == 3 else Priority.P2), None)
    await stores.alerts.save(alert_of(4, 4, area="Walsall"), None)
    page = await stores.alerts.page(wanted)
    assert {int(alert.member_id[1:]) for alert in page.alerts} == expected, why


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 3, 7, 50])
async def test_pages_show_each_alert_once_in_order_even_within_one_millisecond(
    stores: Stores, limit: int, newest_first: bool
) -> None:
    for number in range(20):
        await stores.alerts.save(alert_of(number, 0 if number < 12 else number), None)
    seen: list[Alert] = []
    cursor = ""
    while True:
        page = await stores.alerts.page(AlertFilter(), cursor=cursor, limit=limit, newest_first=newest_first)
        seen += page.alerts
        cursor = page.cursor
        if not page.more:
            break
    keys = [(alert.updated_at, alert.alert_id) for alert in seen]
    assert keys == sorted(keys, reverse=newest_first)
    assert len(set(keys)) == 20


async def test_a_change_behind_the_cursor_comes_again(stores: Stores) -> None:
    first = await stores.alerts.save(alert_of(1), None)
    page = await stores.alerts.page(AlertFilter(), limit=10)
    assert not page.more
    assert not (await stores.alerts.page(AlertFilter(), cursor=page.cursor)).alerts
    later = await stores.alerts.save(lifecycle.accept(first, NavigatorId("N1"), at(9)), first)
    assert (await stores.alerts.page(AlertFilter(), cursor=page.cursor)).alerts == (later,)


@pytest.mark.parametrize("cursor", ["x", "1", "-1_a", "9" * 30 + "_a", "١_a"])
async def test_a_foreign_cursor_is_refused(stores: Stores, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await stores.alerts.page(AlertFilter(), cursor=cursor)


async def test_in_a_backlog_a_p1_overtakes_but_never_keeps_the_others_waiting_for_ever(stores: Stores) -> None:
    first = alert_of(1)
    others = [Row(delivery(first, due=at(0), group=number), None) for number in range(20)]
    late = [Row(delivery(first, due=at(1), group=100 + number, urgent=True), None) for number in range(10)]
    await stores.alerts.save(first, None, [*others, *late])
    assert (await stores.outbox.pending())[Channel.SMS] == 30
    (head,) = await stores.outbox.claim(at(2), channel=Channel.SMS, limit=1, lease=LEASE)
    assert head.urgent, "the one message that tries whether a channel is back is a P1"
    batch = await stores.outbox.claim(at(2), channel=Channel.SMS, limit=8, lease=LEASE)
    assert [row.urgent for row in batch] == [True] * 6 + [False] * 2
    batch = await stores.outbox.claim(at(2), channel=Channel.SMS, limit=8, lease=LEASE)
    assert sorted(row.urgent for row in batch) == [False] * 5 + [True] * 3
    assert await stores.outbox.release(at(2)) == 17
    assert await stores.outbox.record(replace(head, status=DeliveryStatus.FAILED), head.fence) is True
    assert (await stores.outbox.pending())[Channel.SMS] == 29


async def test_a_claim_takes_the_longest_due_of_its_channel_and_leaves_what_is_not_due(stores: Stores) -> None:
    alert = await stores.alerts.save(
        alert_of(1),
        None,
        [
            Row(delivery(alert_of(1), due=at(2), group=2), None),
            Row(delivery(alert_of(1), due=at(1), group=1), None),
            Row(delivery(alert_of(1), due=at(9), group=3), None),
            Row(delivery(alert_of(1), Channel.EMAIL, due=at(0)), None),
        ],
    )
    claimed = await stores.outbox.claim(at(3), channel=Channel.SMS, limit=1, lease=LEASE)
    assert [row.attempt_group for row in claimed] == [1]
    assert (claimed[0].attempts, claimed[0].fence, claimed[0].status) == (1, 1, DeliveryStatus.HANDED)
    assert [
        row.attempt_group for row in await stores.outbox.claim(at(3), channel=Channel.SMS, limit=9, lease=LEASE)
    ] == [2]
    assert await stores.outbox.pending() == {Channel.SMS: 3, Channel.EMAIL: 1}
    assert await stores.outbox.next_due(Channel.EMAIL) == at(0)
    assert await stores.outbox.claim(at(3), channel=Channel.EMAIL, limit=9, lease=LEASE, shards=()) == []
    own = shard_of(alert.member_id)
    assert len(await stores.outbox.claim(at(3), channel=Channel.EMAIL, limit=9, lease=LEASE, shards={own})) == 1


async def test_two_workers_never_hold_the_same_row(stores: Stores) -> None:
    for number in range(30):
        await stores.alerts.save(alert_of(number), None, [Row(delivery(alert_of(number)), None)])
    hauls = await asyncio.gather(
        *(stores.outbox.claim(at(1), channel=Channel.SMS, limit=7, lease=LEASE) for _ in range(8))
    )
    ids = [row.delivery_id for haul in hauls for row in haul]
    assert len(ids) == len(set(ids))
    assert all(len(haul) <= 7 for haul in hauls)


async def test_the_record_of_a_zombie_is_refused_and_the_second_holder_repeats_visibly(stores: Stores) -> None:
    alert = await stores.alerts.save(alert_of(1), None, [Row(delivery(alert_of(1)), None)])
    (zombie,) = await stores.outbox.claim(at(0), channel=Channel.SMS, limit=1, lease=LEASE)
    assert await stores.outbox.claim(at(0.4), channel=Channel.SMS, limit=1, lease=LEASE) == []
    (second,) = await stores.outbox.claim(at(0.5), channel=Channel.SMS, limit=1, lease=LEASE)
    assert (second.fence, second.attempts, second.repeats) == (2, 2, 1)
    assert second.idempotency_key == zombie.idempotency_key
    failed = replace(zombie, status=DeliveryStatus.FAILED)
    assert await stores.outbox.record(failed, zombie.fence) is False
    told = lifecycle.mark_notified(alert, NavigatorId("N1"), Purpose.ALERT, at(1))
    assert (
        await stores.outbox.record(replace(zombie, status=DeliveryStatus.ACCEPTED), 1, alert=told, previous=alert)
        is False
    )
    assert await stores.alerts.get(alert.alert_id, shard_of("M1")) == alert
    done = replace(second, status=DeliveryStatus.ACCEPTED, handed_at=at(1))
    assert await stores.outbox.record(done, second.fence, alert=told, previous=alert) is True
    assert (await stores.alerts.get(alert.alert_id, shard_of("M1"))) == replace(told, version=2)
    assert await stores.outbox.pending() == {Channel.SMS: 0, Channel.EMAIL: 0}
    (kept,) = await stores.alerts.deliveries_of(alert.alert_id, shard_of("M1"))
    assert (kept.status, kept.fence, kept.attempts, kept.repeats) == (DeliveryStatus.ACCEPTED, 2, 2, 1)


async def test_a_record_meets_a_conflict_if_the_alert_moved_and_writes_nothing(stores: Stores) -> None:
    alert = await stores.alerts.save(alert_of(1), None, [Row(delivery(alert_of(1)), None)])
    (held,) = await stores.outbox.claim(at(0), channel=Channel.SMS, limit=1, lease=LEASE)
    await stores.alerts.save(lifecycle.accept(alert, NavigatorId("N1"), at(1)), alert)
    told = lifecycle.mark_notified(alert, NavigatorId("N1"), Purpose.ALERT, at(1))
    with pytest.raises(Conflict):
        await stores.outbox.record(
            replace(held, status=DeliveryStatus.ACCEPTED), held.fence, alert=told, previous=alert
        )
    assert (await stores.outbox.pending())[Channel.SMS] == 1


async def test_a_row_put_back_comes_when_it_is_due_without_counting_as_a_repeat(stores: Stores) -> None:
    await stores.alerts.save(alert_of(1), None, [Row(delivery(alert_of(1)), None)])
    (held,) = await stores.outbox.claim(at(0), channel=Channel.SMS, limit=1, lease=LEASE)
    waiting = replace(held, status=DeliveryStatus.QUEUED, due_at=at(5))
    assert await stores.outbox.record(waiting, held.fence)
    assert await stores.outbox.claim(at(4), channel=Channel.SMS, limit=1, lease=LEASE) == []
    (again,) = await stores.outbox.claim(at(5), channel=Channel.SMS, limit=1, lease=LEASE)
    assert (again.attempts, again.repeats, again.fence) == (2, 0, 2)


async def test_a_failed_guard_leaves_every_key_untouched(valkey) -> None:  # type: ignore[no-untyped-def]
    alert = alert_of(1)
    shard = shard_of(alert.member_id)
    wrong = [alert_guard(shard, alert.alert_id, 0), Guard(f"{{{shard}}}:other", "v", "5")]
    assert await commit(valkey, wrong, alert_ops(shard, alert, None)) == f"{{{shard}}}:other"
    assert await valkey.keys("*") == []
    assert await commit(valkey, wrong[:1], alert_ops(shard, alert, None)) is None
    assert await ValkeyAlertStore(valkey).get(alert.alert_id, shard) is not None


async def test_a_store_out_of_reach_says_so_without_telling_where(tmp_path: Path) -> None:
    client = connect(tmp_path / "nobody-listens")
    with pytest.raises(StoreUnavailable) as told:
        await ValkeyAlertStore(client).revision()
    assert str(tmp_path) not in str(told.value)


async def test_rows_ordered_twice_ring_once(stores: Stores) -> None:
    recipients = (Recipient(NavigatorId("D1"), (Channel.SMS, Channel.EMAIL)),)
    rows = notices(
        recipients, purpose=Purpose.REVIEW, reference="BCDF-GHJK", shard=3, about="reviews|1", due=at(0), now=at(0)
    )
    assert await stores.outbox.order(rows) == 2
    assert await stores.outbox.order(rows) == 0
    claimed = await stores.outbox.claim(at(1), channel=Channel.SMS, limit=5, lease=timedelta(minutes=1))
    assert [(row.purpose, row.recipient_id) for row in claimed] == [(Purpose.REVIEW, "D1")]
    assert await stores.outbox.order(rows) == 0, "one that is being sent is not sent again"


async def test_what_a_dead_worker_was_sending_is_due_at_once_as_a_repeat(stores: Stores) -> None:
    recipients = (Recipient(NavigatorId("D1"), (Channel.SMS,)),)
    rows = notices(
        recipients, purpose=Purpose.REVIEW, reference="BCDF-GHJK", shard=3, about="reviews|1", due=at(0), now=at(0)
    )
    await stores.outbox.order(rows)
    lease = timedelta(minutes=10)
    assert len(await stores.outbox.claim(at(0), channel=Channel.SMS, limit=5, lease=lease)) == 1
    assert await stores.outbox.claim(at(1), channel=Channel.SMS, limit=5, lease=lease) == []
    assert await stores.outbox.release(at(1)) == 1
    (again,) = await stores.outbox.claim(at(1), channel=Channel.SMS, limit=5, lease=lease)
    assert again.repeats == 1
