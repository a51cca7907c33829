"""Grouping by event time, quiet by processing time, and what is never hidden."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import lifecycle
from alerts.model import Alert, AlertState, Outcome, Purpose
from alerts.suppression import AlertChange, ChangeKind
from domain.ids import AlertId, NavigatorId
from domain.triggers import Priority, Sensitivity, TriggerFired
from tests.unit.alerts.build import POLICY, at, changes, firing, raised

N1 = NavigatorId("N1")


def told(alert: Alert, minute: float) -> Alert:
    return lifecycle.mark_notified(alert, N1, Purpose.ALERT, at(minute))


def keep(known: dict[AlertId, Alert], made: tuple[AlertChange, ...], minute: float | None = None) -> None:
    """Save the changes; with `minute`, every message is taken by the provider at that moment."""
    for change in made:
        alert = change.alert
        if minute is not None and change.notify is not None:
            alert = lifecycle.mark_notified(alert, N1, change.notify, at(minute))
        known[alert.alert_id] = alert


def test_a_first_firing_raises_an_alert_with_an_id_and_reference_of_its_own() -> None:
    (change,) = changes(firing("a"))
    assert (change.kind, change.notify, change.previous) == (ChangeKind.RAISED, Purpose.ALERT, None)
    assert changes(firing("a"))[0].alert == change.alert
    assert changes(firing("b"))[0].alert.reference != change.alert.reference


@pytest.mark.parametrize(
    ("gap", "alerts"),
    [(0, 1), (29.9, 1), (30, 1), (30.1, 2), (-30, 1), (-30.1, 2)],
    ids=["same moment", "inside", "exactly half an hour", "just beyond", "exactly before", "just before that"],
)
def test_half_an_hour_of_event_time_is_one_alert(gap: float, alerts: int) -> None:
    known: dict[AlertId, Alert] = {}
    keep(known, changes(firing("a", 0)))
    keep(known, changes(firing("b", gap), alerts=tuple(known.values()), now=at(500)))
    assert len(known) == alerts


def test_two_rules_on_one_event_are_one_alert_and_one_message() -> None:
    made = changes(firing("a", 0, Priority.P1), firing("b", 0, Priority.P2))
    assert len(made) == 1
    assert made[0].notify is Purpose.ALERT
    assert made[0].alert.priority is Priority.P1


QUIET = [
    (Priority.P2, 29, None, "the same priority within half an hour of the last message"),
    (Priority.P3, 29, None, "a lower one"),
    (Priority.P2, 31, Purpose.UPDATE, "the same priority after half an hour"),
    (Priority.P1, 1.1, Purpose.UPDATE, "a higher one breaks through at once"),
]


@pytest.mark.parametrize(("priority", "minute", "message", "why"), QUIET, ids=[row[3] for row in QUIET])
def test_messages_are_rationed_by_processing_time(
    priority: Priority, minute: float, message: Purpose | None, why: str
) -> None:
    alert = told(raised(firing("a")), 0.5)
    (change,) = changes(firing("b", 3, priority), alerts=(alert,), now=at(minute))
    assert change.notify is message, why


def test_a_message_that_still_waits_tells_it_all() -> None:
    (change,) = changes(firing("b", 3), alerts=(raised(),), now=at(200))
    assert change.notify is None


def test_after_a_message_failed_for_good_the_next_firing_speaks() -> None:
    alert = lifecycle.mark_undelivered(raised(), N1, at(1))
    (change,) = changes(firing("b", 3), alerts=(alert,), now=at(2))
    assert change.notify is Purpose.UPDATE


@pytest.mark.parametrize("state", [AlertState.CLOSED, AlertState.EXPIRED])
def test_what_has_ended_is_not_reopened_a_new_alert_is_raised(state: AlertState) -> None:
    ended = (
        lifecycle.record_outcome(told(raised(), 1), Outcome.SPOKE, N1, at(2))
        if state is AlertState.CLOSED
        else lifecycle.expire(told(raised(), 1), at(2))
    )
    (change,) = changes(firing("b", 3), alerts=(ended,), now=at(4))
    assert change.kind is ChangeKind.RAISED
    assert change.alert.alert_id != ended.alert_id


def test_a_firing_between_two_alerts_merges_the_younger_into_the_older() -> None:
    known: dict[AlertId, Alert] = {}
    keep(known, changes(firing("a", 0), now=at(0)), 0.1)
    keep(known, changes(firing("c", 50), alerts=tuple(known.values()), now=at(1)), 1.1)
    assert len(known) == 2
    made = changes(firing("b", 25), alerts=tuple(known.values()), now=at(2))
    by_kind = {change.kind: change for change in made}
    merged, survivor = by_kind[ChangeKind.MERGED], by_kind[ChangeKind.JOINED]
    assert merged.notify is None
    assert merged.alert.merged_into == survivor.alert.alert_id
    assert len(survivor.alert.live) == 3
    assert survivor.alert.raised_at == at(0)
    assert survivor.notify is None  # both were told of minutes ago


def test_bridging_alerts_raised_by_the_same_event_leaves_one_that_was_never_two() -> None:
    (change,) = changes(firing("a", 0), firing("b", 25), firing("c", 50))
    assert change.kind is ChangeKind.RAISED
    assert len(change.alert.live) == 3


def test_health_never_shares_an_alert_with_what_others_may_see() -> None:
    made = changes(firing("a", 0), firing("b", 0, sensitivity=Sensitivity.HEALTH))
    assert [len(change.alert.live) for change in made] == [1, 1]
    assert {change.alert.sensitivity for change in made} == {Sensitivity.STANDARD, Sensitivity.HEALTH}


def test_the_last_ground_gone_withdraws_the_alert() -> None:
    (change,) = changes(alerts=(told(raised(), 1),), withdrawn=(firing("a"),), now=at(2))
    assert (change.kind, change.notify) == (ChangeKind.WITHDRAWN, Purpose.WITHDRAWAL)
    assert change.alert.state is AlertState.WITHDRAWN


def test_one_of_two_grounds_gone_corrects_it_even_within_the_quiet_half_hour() -> None:
    (both,) = changes(firing("a"), firing("b", 5))
    (change,) = changes(alerts=(told(both.alert, 1),), withdrawn=(firing("a"),), now=at(2))
    assert (change.kind, change.notify) == (ChangeKind.CORRECTED, Purpose.CORRECTION)
    assert change.alert.is_open


def test_a_closed_alert_is_corrected_and_stays_closed() -> None:
    closed = lifecycle.record_outcome(told(raised(), 1), Outcome.VISITED, N1, at(2))
    (change,) = changes(alerts=(closed,), withdrawn=(firing("a"),), now=at(60))
    assert change.notify is Purpose.WITHDRAWAL
    assert (change.alert.state, change.alert.outcome) == (AlertState.CLOSED, Outcome.VISITED)


def test_a_ground_replaced_by_the_same_event_is_one_correction_not_two_messages() -> None:
    made = changes(firing("b", 2), alerts=(told(raised(), 1),), withdrawn=(firing("a"),), now=at(3))
    assert len(made) == 1
    assert made[0].notify is Purpose.CORRECTION
    assert [trigger.firing_id for trigger in made[0].alert.live] == ["f-b"]


def test_a_ground_that_comes_back_raises_the_same_alert_again() -> None:
    (gone,) = changes(alerts=(told(raised(), 1),), withdrawn=(firing("a"),), now=at(2))
    (back,) = changes(firing("a"), alerts=(gone.alert,), now=at(3))
    assert back.alert.alert_id == gone.alert.alert_id
    assert back.alert.reference == gone.alert.reference
    assert back.alert.is_open
    assert back.notify is Purpose.UPDATE


def test_a_firing_that_raised_a_closed_alert_never_overwrites_its_record() -> None:
    closed = lifecycle.record_outcome(told(raised(), 1), Outcome.VISITED, N1, at(2))
    (corrected,) = changes(alerts=(closed,), withdrawn=(firing("a"),), now=at(3))
    (again,) = changes(firing("a"), alerts=(corrected.alert,), now=at(4))
    assert again.previous is None
    assert again.alert.alert_id != closed.alert_id
    (gone,) = changes(alerts=(corrected.alert, again.alert), withdrawn=(firing("a"),), now=at(5))
    (back,) = changes(firing("a"), alerts=(corrected.alert, gone.alert), now=at(6))
    assert back.alert.alert_id == again.alert.alert_id


def test_a_moved_ground_is_quiet_unless_it_is_more_urgent() -> None:
    alert = told(raised(firing("a")), 1)
    (quiet,) = changes(alerts=(alert,), moved=((firing("a"), firing("m", -5)),), now=at(100))
    assert (quiet.kind, quiet.notify) == (ChangeKind.MOVED, None)
    (loud,) = changes(alerts=(alert,), moved=((firing("a"), firing("m", -5, Priority.P1)),), now=at(2))
    assert loud.notify is Purpose.UPDATE


def test_a_move_of_what_no_alert_holds_is_treated_as_new() -> None:
    (change,) = changes(moved=((firing("a"), firing("m")),))
    assert change.kind is ChangeKind.RAISED


def test_a_withdrawal_nobody_knows_of_changes_nothing() -> None:
    assert changes(withdrawn=(firing("a"),)) == ()
    assert changes(firing("a"), alerts=(raised(),)) == ()


firings = st.lists(
    st.tuples(st.integers(-200, 200), st.sampled_from(list(Priority))),
    min_size=1,
    max_size=12,
).map(lambda rows: [firing(str(index), minute, priority) for index, (minute, priority) in enumerate(rows)])


def partition(alerts: list[Alert]) -> set[frozenset[str]]:
    return {frozenset(trigger.firing_id for trigger in alert.live) for alert in alerts if alert.is_open}


def run(order: list[TriggerFired], *, gap: float = 1.0) -> dict[AlertId, Alert]:
    known: dict[AlertId, Alert] = {}
    for index, trigger in enumerate(order):
        minute = index * gap
        keep(known, changes(trigger, alerts=tuple(known.values()), now=at(minute)), minute + 0.01)
    return known


@given(firings, st.randoms(use_true_random=False))
def test_grouping_does_not_depend_on_the_order_of_arrival(fired: list[TriggerFired], random: object) -> None:
    shuffled = list(fired)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    expected: list[set[str]] = []
    ordered = sorted(fired, key=lambda trigger: trigger.fired_at)
    for before, trigger in zip([None, *ordered], ordered, strict=False):
        if before is None or trigger.fired_at - before.fired_at > timedelta(minutes=30):
            expected.append(set())
        expected[-1].add(trigger.firing_id)
    one, other = run(fired), run(shuffled)
    assert partition(list(one.values())) == partition(list(other.values())) == {frozenset(each) for each in expected}
    at_once: dict[AlertId, Alert] = {}
    keep(at_once, changes(*shuffled))
    assert partition(list(at_once.values())) == partition(list(one.values()))


@given(firings, st.sampled_from([0.5, 3.0, 11.0, 40.0]))
def test_a_higher_priority_is_never_hidden(fired: list[TriggerFired], gap: float) -> None:
    known: dict[AlertId, Alert] = {}
    highest_told: dict[AlertId, Priority] = {}
    for index, trigger in enumerate(fired):
        made = changes(trigger, alerts=tuple(known.values()), now=at(index * gap))
        for change in made:
            earlier = highest_told.get(change.alert.alert_id)
            if change.notify is not None:
                highest_told[change.alert.alert_id] = change.alert.priority
            elif change.alert.is_open:
                assert earlier is not None
                assert not change.alert.priority.outranks(earlier)
        keep(known, made, index * gap + 0.01)


@given(firings, st.sampled_from([0.5, 3.0, 11.0, 40.0]))
def test_at_most_one_message_in_half_an_hour_at_the_same_priority(fired: list[TriggerFired], gap: float) -> None:
    same = [replace(trigger, priority=Priority.P2) for trigger in fired]
    known: dict[AlertId, Alert] = {}
    sent: dict[AlertId, list[float]] = {}
    for index, trigger in enumerate(same):
        made = changes(trigger, alerts=tuple(known.values()), now=at(index * gap))
        for change in made:
            if change.notify is not None:
                sent.setdefault(change.alert.alert_id, []).append(index * gap)
        keep(known, made, index * gap + 0.01)
    for moments in sent.values():
        assert all(later - earlier >= POLICY.quiet_for.total_seconds() / 60 for earlier, later in pairwise(moments))


@given(firings, st.data())
def test_redelivered_and_withdrawn_firings_leave_exactly_the_standing_ones_live(
    fired: list[TriggerFired], data: st.DataObject
) -> None:
    known: dict[AlertId, Alert] = {}
    standing: set[str] = set()
    for step in range(len(fired) * 2):
        trigger = data.draw(st.sampled_from(fired))
        if data.draw(st.booleans()):
            keep(known, changes(trigger, alerts=tuple(known.values()), now=at(step)), step + 0.1)
            standing.add(trigger.firing_id)
        else:
            keep(known, changes(withdrawn=(trigger,), alerts=tuple(known.values()), now=at(step)), step + 0.1)
            standing.discard(trigger.firing_id)
        live = [trigger.firing_id for alert in known.values() if alert.is_open for trigger in alert.live]
        assert sorted(live) == sorted(standing)
