"""The flood breaker: what is held in the digest, what still goes out, and that nothing is dropped."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.breaker import Flood, FloodKey, FloodKind, FloodPolicy, Sent, counted, judged
from alerts.clocks import next_digest
from alerts.model import Alert, Happening, Purpose
from alerts.planning import Plan, plan
from alerts.routing import Recipient, RoutingPolicy, recipients
from alerts.suppression import AlertChange, ChangeKind
from domain.ids import AlertId, MemberId, NavigatorId, RuleId, shard_of
from domain.people import CohortMember, MemberStatus
from domain.triggers import Priority
from tests.unit.alerts.build import POLICY, START, at, directory, firing, navigator, raised

N1 = NavigatorId("N1")
RULE = FloodKey(FloodKind.RULE, "ED_ASSAULT")
NAVIGATOR = FloodKey(FloodKind.NAVIGATOR, "N1")
SMALL = FloodPolicy(per_rule=3, per_navigator=5, urgent_per_navigator=7)


def alert_of(number: int, minute: float = 0, priority: Priority = Priority.P2, who: str = "N1") -> Alert:
    member = CohortMember(MemberId(f"M{number}"), MemberStatus.AT_RISK, navigator_id=NavigatorId(who))
    trigger = firing(f"{number}", minute, priority, member=f"M{number}", rule=f"R{number % 3}")
    return raised(trigger, now=at(minute), member=member)


def planned(alert: Alert, flood: Flood, minute: float) -> Plan:
    member = CohortMember(alert.member_id, MemberStatus.AT_RISK, navigator_id=alert.navigator_id)
    found = recipients(member, alert, directory(navigator("N1"), navigator("N2")), RoutingPolicy())
    change = AlertChange(alert, None, ChangeKind.RAISED, Purpose.ALERT)
    return plan(change, found, [], shard=shard_of(alert.member_id), policy=POLICY.clocks, now=at(minute), flood=flood)


def sent(minute: float = 0, *, held: FloodKey | None = None, who: str = "N1", **fields: object) -> Sent:
    values = {
        "at": at(minute),
        "alert_id": AlertId(f"a{minute}"),
        "round": 0,
        "rules": (RuleId("ED_ASSAULT"),),
        "recipients": (NavigatorId(who),),
        "priority": Priority.P2,
        "leaves_at": at(minute),
        "held_by": held,
        **fields,
    }
    return Sent(**values)  # type: ignore[arg-type]


def counts(*rounds: Sent, minute: float = 0, closed: dict[FloodKey, datetime] | None = None) -> Flood:
    return counted(rounds, at(minute), next_digest(at(minute), POLICY.clocks), SMALL, closed)


@pytest.mark.parametrize(
    ("rounds", "minute", "is_open", "why"),
    [
        ([sent(0), sent(1)], 1, False, "below the limit"),
        ([sent(0), sent(1), sent(2)], 2, True, "the limit is used up"),
        ([sent(0), sent(1), sent(2)], 60, False, "the hour is over for the first"),
        ([sent(0), sent(1), sent(2)], 59.9, True, "and just before it is not"),
        ([sent(0), sent(1), sent(2, held=RULE)], 2, True, "what is held counts: the flood goes on"),
        ([sent(0), sent(1), sent(2, priority=Priority.P3, leaves_at=at(400))], 2, False, "planned ones are apart"),
    ],
)
def test_a_rules_breaker_opens_and_closes_by_the_last_hour(
    rounds: list[Sent], minute: float, is_open: bool, why: str
) -> None:
    assert counts(*rounds, minute=minute).is_open(RULE) is is_open, why


def test_a_supervisors_closing_begins_the_count_anew() -> None:
    rounds = [sent(minute) for minute in range(5)]
    assert counts(*rounds, minute=5, closed={RULE: at(4)}).at_once.came.get(RULE, 0) == 0
    assert counts(*rounds, minute=5, closed={RULE: at(2)}).at_once.came[RULE] == 2
    assert counts(*rounds, minute=5, closed={RULE: at(2)}).is_open(NAVIGATOR)  # only what was closed


def test_what_a_rules_breaker_holds_does_not_use_up_the_navigators_hour() -> None:
    flood = counts(*(sent(minute, held=RULE) for minute in range(20)), minute=20)
    assert flood.is_open(RULE) and not flood.is_open(NAVIGATOR)
    assert counts(*(sent(minute, held=NAVIGATOR) for minute in range(5)), minute=5).is_open(NAVIGATOR)


def test_an_alert_with_one_calm_rule_is_told() -> None:
    flood = counts(*(sent(minute, who="N9") for minute in range(5)), minute=5)
    both = replace(raised(), triggers=(*raised().triggers, *raised(firing("b", rule="CALM")).triggers))
    to = (Recipient(N1, ()),)
    assert judged(raised(), to, flood).held_by == RULE
    assert judged(both, to, flood).held_by is None


def test_of_several_recipients_those_with_room_are_told() -> None:
    flood = counts(*(sent(minute, rules=()) for minute in range(5)), minute=5)
    to = (Recipient(N1, ()), Recipient(NavigatorId("N2"), ()))
    assert [one.navigator_id for one in judged(raised(), to, flood).recipients] == ["N2"]


def test_a_held_alert_says_so_and_has_no_message() -> None:
    flood = counts(*(sent(minute, rules=(RuleId("R0"),), who="N9") for minute in range(4)), minute=4)
    found = planned(alert_of(0), flood, 4)
    assert found.rows == () and found.alert.digested_at == at(4) and found.alert.last_queued_at is None
    assert (found.alert.timeline[-1].what, found.alert.timeline[-1].note) == (Happening.DIGESTED, "rule:R0")
    assert found.sent is not None and str(found.sent.held_by) == "rule:R0"


def test_without_counts_nothing_is_held() -> None:
    alert = alert_of(0)
    change = AlertChange(alert, None, ChangeKind.RAISED, Purpose.ALERT)
    member = CohortMember(alert.member_id, MemberStatus.AT_RISK, navigator_id=N1)
    found = plan(
        change,
        recipients(member, alert, directory(), RoutingPolicy()),
        [],
        shard=0,
        policy=POLICY.clocks,
        now=START,
    )
    assert found.sent is None and found.rows


@pytest.mark.parametrize("priority", list(Priority))
@pytest.mark.parametrize("number", [0, 1, 4, 5, 6, 7, 8, 100])
def test_a_navigator_gets_no_more_than_the_cap_and_every_other_is_in_the_digest(
    priority: Priority, number: int
) -> None:
    """`match everyone`, as pure values: so many alerts of one priority for one navigator, a second apart."""
    policy = replace(SMALL, per_rule=1_000)
    flood, told, held = Flood(policy), 0, 0
    for one in range(number):
        found = planned(alert_of(one, one / 60, priority), flood, one / 60)
        assert found.sent is not None
        flood = flood.plus([found.sent])
        told += bool(found.rows)
        held += found.alert.digested_at is not None
    most = policy.urgent_per_navigator if priority is Priority.P1 else policy.per_navigator
    assert (told, told + held) == (min(number, most), number)


def test_a_p1_still_comes_while_others_are_held_until_the_network_would_block_it() -> None:
    flood = counts(*(sent(minute) for minute in range(5)), minute=5)
    assert planned(alert_of(1, 5), flood, 5).rows == ()
    for _ in range(2):
        urgent = planned(alert_of(1, 5, Priority.P1), flood, 5)
        assert urgent.rows and urgent.sent is not None
        flood = flood.plus([urgent.sent])
    last = planned(alert_of(1, 5, Priority.P1), flood, 5)
    assert last.rows == () and last.sent is not None and last.sent.held_by == NAVIGATOR


def test_counts_added_one_by_one_are_those_counted_together() -> None:
    rounds = [
        sent(0),
        sent(1, held=RULE),
        sent(2, held=NAVIGATOR),
        sent(3, priority=Priority.P3, leaves_at=next_digest(at(3), POLICY.clocks)),
        sent(4, priority=Priority.P1),
    ]
    step = Flood(SMALL)
    for one in rounds:
        step = step.plus([one])
    whole = counts(*rounds, minute=5)
    assert (step.at_once, step.planned) == (whole.at_once, whole.planned)


def test_planned_messages_are_counted_by_their_digest() -> None:
    digest = next_digest(START, POLICY.clocks)
    rounds = [sent(minute, priority=Priority.P3, leaves_at=digest, rules=()) for minute in range(5)]
    assert counts(*rounds, minute=5).is_open(NAVIGATOR, Priority.P3)
    assert not counts(*rounds, minute=5).is_open(NAVIGATOR, Priority.P2)
    after = (digest - START) / timedelta(minutes=1) + 1
    assert not counts(*rounds, minute=after).is_open(NAVIGATOR, Priority.P3)


def test_a_key_is_read_as_it_is_written() -> None:
    for key in (RULE, NAVIGATOR, FloodKey(FloodKind.NAVIGATOR, "a:b")):
        assert FloodKey.parse(str(key)) == key
