"""How an alert may change and how it may not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts import lifecycle
from alerts.clocks import ClockPolicy
from alerts.model import Alert, AlertState, Happening, Outcome, Purpose, TriggerState
from domain.errors import NotAllowed
from domain.ids import AlertId, NavigatorId
from domain.triggers import Priority
from tests.unit.alerts.build import at, firing, raised

N1, N2 = NavigatorId("N1"), NavigatorId("N2")
CLOCKS = ClockPolicy()


def in_state(state: AlertState) -> Alert:
    """An alert on one firing that reached a state by the permitted way."""
    start = raised(firing("a"))
    told = lifecycle.mark_notified(start, N1, Purpose.ALERT, at(1))
    taken = lifecycle.accept(told, N1, at(2))
    return {
        AlertState.RAISED: start,
        AlertState.NOTIFIED: told,
        AlertState.ACCEPTED: taken,
        AlertState.CONTACTED: lifecycle.record_contact(taken, N1, at(3)),
        AlertState.CLOSED: lifecycle.record_outcome(taken, Outcome.SPOKE, N1, at(4)),
        AlertState.WITHDRAWN: lifecycle.withdraw_trigger(told, firing("a").firing_id, clock_policy=CLOCKS, now=at(5)),
        AlertState.EXPIRED: lifecycle.expire(told, at(6)),
        AlertState.MERGED: lifecycle.merge_into(told, AlertId("older"), at(7)),
    }[state]


STEPS: dict[str, tuple[Callable[[Alert], Alert], dict[AlertState, AlertState]]] = {
    "accept": (
        lambda alert: lifecycle.accept(alert, N2, at(9)),
        {AlertState.RAISED: AlertState.ACCEPTED, AlertState.NOTIFIED: AlertState.ACCEPTED},
    ),
    "contact": (
        lambda alert: lifecycle.record_contact(alert, N1, at(9)),
        {AlertState.ACCEPTED: AlertState.CONTACTED, AlertState.CONTACTED: AlertState.CONTACTED},
    ),
    "outcome": (
        lambda alert: lifecycle.record_outcome(alert, Outcome.NOT_FOUND, N1, at(9)),
        dict.fromkeys(
            (AlertState.RAISED, AlertState.NOTIFIED, AlertState.ACCEPTED, AlertState.CONTACTED), AlertState.CLOSED
        ),
    ),
    "expire": (
        lambda alert: lifecycle.expire(alert, at(9)),
        {AlertState.RAISED: AlertState.EXPIRED, AlertState.NOTIFIED: AlertState.EXPIRED},
    ),
    "join": (
        lambda alert: lifecycle.add_trigger(alert, firing("b", 5), clock_policy=CLOCKS, now=at(9)),
        {state: state for state in (AlertState.RAISED, AlertState.NOTIFIED, AlertState.ACCEPTED, AlertState.CONTACTED)},
    ),
    "merge": (
        lambda alert: lifecycle.merge_into(alert, AlertId("other"), at(9)),
        dict.fromkeys(
            (AlertState.RAISED, AlertState.NOTIFIED, AlertState.ACCEPTED, AlertState.CONTACTED), AlertState.MERGED
        ),
    ),
    "withdraw": (
        lambda alert: lifecycle.withdraw_trigger(alert, firing("a").firing_id, clock_policy=CLOCKS, now=at(9)),
        {
            AlertState.RAISED: AlertState.WITHDRAWN,
            AlertState.NOTIFIED: AlertState.WITHDRAWN,
            AlertState.ACCEPTED: AlertState.WITHDRAWN,
            AlertState.CONTACTED: AlertState.WITHDRAWN,
            AlertState.CLOSED: AlertState.CLOSED,
            AlertState.EXPIRED: AlertState.EXPIRED,
        },
    ),
    "move": (
        lambda alert: lifecycle.move_trigger(
            alert, firing("a").firing_id, firing("c", 1), clock_policy=CLOCKS, now=at(9)
        ),
        {state: state for state in AlertState if state not in {AlertState.WITHDRAWN, AlertState.MERGED}},
    ),
    "reinstate": (
        lambda alert: lifecycle.reinstate(alert, firing("a"), clock_policy=CLOCKS, now=at(9)),
        {AlertState.WITHDRAWN: AlertState.RAISED},
    ),
}


@pytest.mark.parametrize("state", list(AlertState))
@pytest.mark.parametrize("step", list(STEPS))
def test_every_step_from_every_state_leads_where_the_table_says_or_is_refused(step: str, state: AlertState) -> None:
    act, permitted = STEPS[step]
    before = in_state(state)
    if state not in permitted:
        with pytest.raises(NotAllowed) as refusal:
            act(before)
        assert "M1" not in str(refusal.value)
        return
    after = act(before)
    assert after.state is permitted[state]
    assert after.timeline[:-1] == before.timeline
    assert after.timeline[-1].at == after.updated_at == at(9)


def test_the_whole_way_is_told_by_the_time_line() -> None:
    closed = lifecycle.record_outcome(in_state(AlertState.CONTACTED), Outcome.ENGAGED, N1, at(8))
    assert [entry.what for entry in closed.timeline] == [
        Happening.RAISED,
        Happening.NOTIFIED,
        Happening.ACCEPTED,
        Happening.CONTACTED,
        Happening.CLOSED,
    ]
    assert closed.outcome is Outcome.ENGAGED


def test_said_twice_changes_nothing() -> None:
    accepted = in_state(AlertState.ACCEPTED)
    assert lifecycle.accept(accepted, N1, at(9)) is accepted
    closed = in_state(AlertState.CLOSED)
    assert lifecycle.record_outcome(closed, Outcome.SPOKE, N1, at(9)) is closed
    start = raised()
    assert lifecycle.add_trigger(start, firing("a"), clock_policy=CLOCKS, now=at(9)) is start


def test_somebody_elses_acceptance_is_not_taken_over() -> None:
    with pytest.raises(NotAllowed):
        lifecycle.accept(in_state(AlertState.ACCEPTED), N2, at(9))


def test_priority_and_clocks_follow_the_live_firings_up_and_down() -> None:
    start = raised(firing("a", 0, Priority.P2))
    risen = lifecycle.add_trigger(start, firing("b", 5, Priority.P1), clock_policy=CLOCKS, now=at(10))
    assert risen.priority is Priority.P1
    assert risen.clocks.acknowledge_by == at(25)
    assert risen.timeline[-1].what is Happening.BROKE_THROUGH
    fallen = lifecycle.withdraw_trigger(risen, firing("b").firing_id, clock_policy=CLOCKS, now=at(12))
    assert fallen.priority is Priority.P2
    assert fallen.clocks == start.clocks
    assert [record.state for record in fallen.triggers] == [TriggerState.LIVE, TriggerState.WITHDRAWN]


def test_the_rules_own_span_stands_in_place_of_the_priorities() -> None:
    alert = raised(firing("a", 0, Priority.P1, contact_within=timedelta(hours=4)))
    assert alert.clocks.contact_by == at(240)
    assert alert.clocks.notify_by == at(1)


def test_a_moved_ground_keeps_the_clocks_running() -> None:
    start = raised(firing("a"))
    moved = lifecycle.move_trigger(start, firing("a").firing_id, firing("c", -3), clock_policy=CLOCKS, now=at(20))
    assert moved.clocks == start.clocks
    assert [trigger.firing_id for trigger in moved.live] == ["f-c"]


def test_a_withdrawn_ground_that_comes_back_is_live_again() -> None:
    both = lifecycle.add_trigger(raised(), firing("b", 5), clock_policy=CLOCKS, now=at(1))
    without = lifecycle.withdraw_trigger(both, firing("b").firing_id, clock_policy=CLOCKS, now=at(2))
    again = lifecycle.add_trigger(without, firing("b", 5), clock_policy=CLOCKS, now=at(3))
    assert len(again.live) == 2
    assert len(again.triggers) == 2


def test_an_absorbed_alert_brings_its_firings_and_whoever_accepted_it() -> None:
    older = in_state(AlertState.NOTIFIED)
    younger = lifecycle.accept(raised(firing("b", 40, Priority.P1), now=at(5)), N2, at(6))
    merged = lifecycle.absorb(older, younger, clock_policy=CLOCKS, now=at(7))
    assert merged.state is AlertState.ACCEPTED
    assert merged.navigator_id == "N2"
    assert merged.priority is Priority.P1
    assert {trigger.firing_id for trigger in merged.live} == {"f-a", "f-b"}


def test_expiry_is_that_of_the_longest_lived_ground() -> None:
    day = timedelta(days=1)
    assert raised(firing("a", 0, expires_after=day)).expires_at == at(0) + day
    assert raised(firing("a")).expires_at is None
    both = lifecycle.add_trigger(
        raised(firing("a", 0, expires_after=day)), firing("b", 10, expires_after=day), clock_policy=CLOCKS, now=at(1)
    )
    assert both.expires_at == at(10) + day
    assert replace(both, triggers=()).expires_at is None


def test_a_repr_shows_no_person_beyond_ids() -> None:
    assert "Name of" not in repr(raised())
