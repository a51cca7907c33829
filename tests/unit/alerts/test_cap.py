"""A cap: at most so many alerts of one rule for one person within a span; the rest joins, or is handed back."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from alerts.lifecycle import ClockPolicy, record_outcome, withdraw_trigger
from alerts.model import Alert, NavigatorId, Outcome, Purpose
from alerts.suppression import ChangeKind, Decision, decide
from domain.triggers import Cap, Priority, Sensitivity, TriggerFired
from tests.unit.alerts.build import MEMBER, POLICY, SECRET, at, firing

WEEK = timedelta(days=7)


def capped(name: str, hours: float, most: int = 1, **fields: object) -> TriggerFired:
    return firing(name, hours * 60, cap=Cap(most, WEEK), **fields)  # type: ignore[arg-type]


def told(trigger: TriggerFired, *alerts: Alert) -> Decision:
    return decide(
        fired=[trigger],
        withdrawn=[],
        moved=[],
        alerts=alerts,
        member=MEMBER,
        policy=POLICY,
        now=trigger.fired_at,
        secret=SECRET,
    )


def closed(alert: Alert) -> Alert:
    return record_outcome(alert, Outcome.SPOKE, NavigatorId("N1"), at(0))


def test_the_next_one_joins_the_open_alert_without_a_message() -> None:
    (first,) = told(capped("a", 0)).changes
    (change,) = told(capped("b", 20), replace(first.alert, last_notified_at=at(1))).changes
    assert (change.kind, change.notify) == (ChangeKind.CAPPED, None)
    assert [live.firing_id for live in change.alert.live] == ["f-a", "f-b"]


def test_with_no_open_alert_it_is_handed_back_to_be_recorded() -> None:
    (first,) = told(capped("a", 0)).changes
    found = told(capped("b", 20), closed(first.alert))
    assert found.changes == () and [one.firing_id for one in found.capped] == ["f-b"]


@pytest.mark.parametrize(
    ("hours", "most", "raises", "why"),
    [
        (7 * 24 - 0.1, 1, False, "just inside the span"),
        (7 * 24, 1, True, "the span is over"),
        (20, 2, True, "two are allowed"),
        (-20, 1, False, "an earlier event that came late counts as well"),
        (-7 * 24, 1, True, "and earlier by the whole span does not"),
    ],
)
def test_the_span_is_event_time(hours: float, most: int, raises: bool, why: str) -> None:
    (first,) = told(capped("a", 0)).changes
    found = told(capped("b", hours, most), closed(first.alert))
    assert bool(found.changes) is raises, why


def test_a_more_urgent_one_always_comes() -> None:
    (first,) = told(capped("a", 0)).changes
    (change,) = told(capped("b", 20, priority=Priority.P1), closed(first.alert)).changes
    assert (change.kind, change.notify) == (ChangeKind.RAISED, Purpose.ALERT)


def test_what_was_withdrawn_or_is_of_another_rule_does_not_count() -> None:
    (first,) = told(capped("a", 0)).changes
    gone = withdraw_trigger(first.alert, first.alert.live[0].firing_id, clock_policy=ClockPolicy(), now=at(1))
    assert told(capped("b", 20), gone).changes
    assert told(capped("b", 20, rule="OTHER"), closed(first.alert)).changes


def test_it_never_joins_an_alert_of_another_sensitivity() -> None:
    (first,) = told(capped("a", 0)).changes
    (health,) = told(firing("h", 300, rule="OTHER", sensitivity=Sensitivity.HEALTH)).changes
    assert [one.firing_id for one in told(capped("b", 20), closed(first.alert), health.alert).capped] == ["f-b"]


def test_whatever_the_order_no_span_ever_holds_more_alerts_than_the_cap() -> None:
    for order in permutations([0, 24, 50, 100, 180, 200]):
        alerts: list[Alert] = []
        for hours in order:
            alerts += [closed(change.alert) for change in told(capped(f"{hours}", hours, 2), *alerts).changes]
        times = sorted(alert.live[0].fired_at for alert in alerts)
        assert len(alerts) >= 2
        assert all(sum(start <= when < start + WEEK for when in times) <= 2 for start in times), order
