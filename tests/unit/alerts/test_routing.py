"""Who is told, and why them."""

import pytest

from alerts.model import Alert, Channel, Delivery, DeliveryStatus, FailureReason, Purpose
from alerts.planning import notices
from alerts.routing import Directory, RoutingPolicy, RoutingReason, gatekeepers, recipients
from domain.ids import MemberId, NavigatorId
from domain.people import CohortMember, MemberStatus, Navigator
from domain.triggers import Priority, Sensitivity
from tests.unit.alerts.build import MEMBER, START, at, changes, delivery, directory, firing, navigator, planned, raised

COVERED = CohortMember(
    MemberId("M1"), MemberStatus.AT_RISK, area="Coventry", navigator_id=NavigatorId("N1"), cover_id=NavigatorId("N2")
)
AWAY = navigator("N1", available=False, cover_id=NavigatorId("N3"))
DUTY = [navigator("D1", duty=True, area="Coventry"), navigator("D2", duty=True, area="Walsall")]


def names(found: object) -> list[str]:
    return [recipient.navigator_id for recipient in found]  # type: ignore[attr-defined]


TABLE: list[tuple[str, CohortMember, list[Navigator], RoutingReason, list[str]]] = [
    ("the assigned one", MEMBER, [navigator("N1"), *DUTY], RoutingReason.ASSIGNED, ["N1"]),
    ("on leave: the member's cover", COVERED, [AWAY, navigator("N2"), navigator("N3")], RoutingReason.COVER, ["N2"]),
    ("no cover of the member: the navigator's", MEMBER, [AWAY, navigator("N3"), *DUTY], RoutingReason.COVER, ["N3"]),
    (
        "the cover is away too: the other cover",
        COVERED,
        [AWAY, navigator("N2", available=False), navigator("N3")],
        RoutingReason.COVER,
        ["N3"],
    ),
    ("nobody of theirs: duty of the area", MEMBER, [AWAY, *DUTY], RoutingReason.DUTY, ["D1"]),
    ("no duty in the area: any duty", MEMBER, [AWAY, DUTY[1]], RoutingReason.DUTY, ["D2"]),
    (
        "nobody assigned at all",
        CohortMember(MemberId("M1"), MemberStatus.AT_RISK),
        DUTY,
        RoutingReason.DUTY,
        ["D1", "D2"],
    ),
    (
        "an assigned one without any address",
        MEMBER,
        [navigator("N1", phone="", email=""), *DUTY],
        RoutingReason.DUTY,
        ["D1"],
    ),
    ("an assigned one who is unknown", MEMBER, DUTY, RoutingReason.DUTY, ["D1"]),
    ("nobody", MEMBER, [AWAY, navigator("S1", supervisor=True)], RoutingReason.NOBODY, []),
]


@pytest.mark.parametrize(("why", "member", "people", "reason", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_the_chain(
    why: str, member: CohortMember, people: list[Navigator], reason: RoutingReason, expected: list[str]
) -> None:
    routing = recipients(member, raised(member=member), directory(*people), RoutingPolicy())
    assert (routing.reason, names(routing.recipients)) == (reason, expected), why


def test_where_nobody_can_be_told_supervisors_hear_of_it_even_on_leave() -> None:
    people = directory(AWAY, navigator("S1", supervisor=True, available=False))
    routing = recipients(MEMBER, raised(), people, RoutingPolicy())
    assert names(routing.notice_to) == ["S1"]


def test_an_accepted_alert_is_with_whoever_accepted_it() -> None:
    alert = raised()
    taken = type(alert)(
        **{name: getattr(alert, name) for name in alert.__slots__} | {"navigator_id": NavigatorId("N7")}
    )
    routing = recipients(MEMBER, taken, directory(navigator("N1"), navigator("N7")), RoutingPolicy())
    assert names(routing.recipients) == ["N7"]


HEALTH: list[tuple[str, list[Navigator], RoutingReason, list[str]]] = [
    ("an approved navigator", [navigator("N1", health_approved=True)], RoutingReason.HEALTH_APPROVED, ["N1"]),
    (
        "an approved duty contact before others",
        [navigator("N1"), navigator("D1", duty=True, health_approved=True), navigator("X1", health_approved=True)],
        RoutingReason.HEALTH_APPROVED,
        ["D1"],
    ),
    (
        "anybody approved",
        [navigator("N1"), *DUTY, navigator("X1", health_approved=True)],
        RoutingReason.HEALTH_APPROVED,
        ["X1"],
    ),
    ("nobody approved", [navigator("N1"), *DUTY], RoutingReason.NO_HEALTH_APPROVED_CONTACT, []),
    (
        "an approved one on leave only",
        [navigator("N1"), navigator("X1", health_approved=True, available=False)],
        RoutingReason.NO_HEALTH_APPROVED_CONTACT,
        [],
    ),
]


@pytest.mark.parametrize(("why", "people", "reason", "expected"), HEALTH, ids=[row[0] for row in HEALTH])
def test_health_goes_to_approved_contacts_only(
    why: str, people: list[Navigator], reason: RoutingReason, expected: list[str]
) -> None:
    alert = raised(firing("a", sensitivity=Sensitivity.HEALTH))
    routing = recipients(MEMBER, alert, directory(*people, navigator("S1", supervisor=True)), RoutingPolicy())
    assert (routing.reason, names(routing.recipients)) == (reason, expected), why
    assert names(routing.notice_to) == ([] if expected else ["S1"]), why


def test_held_intelligence_goes_to_gatekeepers_else_to_duty() -> None:
    alert = raised(firing("a", sensitivity=Sensitivity.INTEL))
    with_one = directory(navigator("N1"), navigator("G1", gatekeeper=True), *DUTY)
    assert names(recipients(MEMBER, alert, with_one, RoutingPolicy()).recipients) == ["G1"]
    assert gatekeepers(directory(*DUTY), RoutingPolicy(), area="Walsall").reason is RoutingReason.DUTY
    assert gatekeepers(directory(navigator("N1")), RoutingPolicy()).reason is RoutingReason.NOBODY


CHANNELS: list[tuple[str, dict[str, object], tuple[str, ...], tuple[Channel, ...]]] = [
    ("both", {}, ("sms", "email"), (Channel.SMS, Channel.EMAIL)),
    ("what the rule asks for", {}, ("email",), (Channel.EMAIL,)),
    ("what is there", {"phone": ""}, ("sms", "email"), (Channel.EMAIL,)),
    ("another one rather than none", {"phone": ""}, ("sms",), (Channel.EMAIL,)),
    ("everything if the rule asks for what we have not", {}, ("pager",), (Channel.SMS, Channel.EMAIL)),
]


@pytest.mark.parametrize(("why", "fields", "asked", "expected"), CHANNELS, ids=[row[0] for row in CHANNELS])
def test_channels(why: str, fields: dict[str, object], asked: tuple[str, ...], expected: tuple[Channel, ...]) -> None:
    alert = raised(firing("a", channels=asked))
    (recipient,) = recipients(MEMBER, alert, directory(navigator("N1", **fields)), RoutingPolicy()).recipients
    assert recipient.channels == expected, why


def test_a_directory_shows_nobody_in_its_repr() -> None:
    assert "example.com" not in repr(directory())
    assert Directory({}).address(NavigatorId("N1"), Channel.SMS) == ""


def rows(alert: Alert, *statuses: DeliveryStatus) -> tuple[Delivery, ...]:
    made = []
    for index, status in enumerate(statuses):
        row = delivery(alert, list(Channel)[index % 2], group=index // 2)
        made.append(type(row)(**{name: getattr(row, name) for name in row.__slots__} | {"status": status}))
    return tuple(made)


def test_a_new_alert_makes_one_row_per_channel_with_keys_that_a_replay_repeats() -> None:
    (change,) = changes(firing("a"))
    first, again = planned(change), planned(change)
    assert [row.delivery.channel for row in first.rows] == [Channel.SMS, Channel.EMAIL]
    assert first == again
    assert len({row.delivery.idempotency_key for row in first.rows}) == 2
    assert all(row.delivery.due_at == START for row in first.rows)


def test_a_planned_alert_waits_for_the_digest_and_a_breakthrough_overtakes_it() -> None:
    (change,) = changes(firing("a", 0, Priority.P3))
    plan = planned(change)
    assert {row.delivery.due_at.hour for row in plan.rows} == {16}
    waiting = tuple(row.delivery for row in plan.rows)
    (loud,) = changes(firing("b", 1, Priority.P1), alerts=(plan.alert,), now=at(2))
    overtaken = planned(loud, waiting, now=at(2))
    assert [row.delivery.reason for row in overtaken.rows[:2]] == [FailureReason.OVERTAKEN] * 2
    assert [row.delivery.due_at for row in overtaken.rows[2:]] == [at(2)] * 2
    assert {row.delivery.delivery_id for row in overtaken.rows[2:]}.isdisjoint(row.delivery_id for row in waiting)
    assert not any(row.urgent for row in waiting)
    assert all(row.delivery.urgent for row in overtaken.rows[2:]), "messages about a P1 go before others that are due"


def test_a_withdrawal_goes_to_those_who_were_told_and_to_nobody_else() -> None:
    alert = planned(changes(firing("a"))[0]).alert
    known = rows(alert, DeliveryStatus.ACCEPTED, DeliveryStatus.QUEUED, DeliveryStatus.UNKNOWN, DeliveryStatus.FAILED)
    (change,) = changes(alerts=(alert,), withdrawn=(firing("a"),), now=at(5))
    plan = planned(change, known, now=at(5))
    fresh = [row.delivery for row in plan.rows if row.previous is None]
    stopped = [row.delivery for row in plan.rows if row.previous is not None]
    assert [(row.channel, row.purpose) for row in fresh] == [(Channel.SMS, Purpose.WITHDRAWAL)]
    assert {row.status for row in stopped} == {DeliveryStatus.CANCELLED}
    assert len(stopped) == 2
    assert all(row.fence == 1 for row in stopped)


def test_before_anybody_was_told_a_withdrawal_is_silence() -> None:
    plan = planned(changes(firing("a"))[0])
    (change,) = changes(alerts=(plan.alert,), withdrawn=(firing("a"),), now=at(5))
    after = planned(change, tuple(row.delivery for row in plan.rows), now=at(5))
    assert {row.delivery.status for row in after.rows} == {DeliveryStatus.CANCELLED}


def test_a_correction_reaches_the_navigator_who_was_told_even_if_another_is_on_duty_now() -> None:
    (both,) = changes(firing("a"), firing("b", 5))
    alert = planned(both).alert
    known = rows(alert, DeliveryStatus.DELIVERED, DeliveryStatus.DELIVERED)
    (change,) = changes(alerts=(alert,), withdrawn=(firing("a"),), now=at(5))
    plan = planned(change, known, who=directory(AWAY, *DUTY), now=at(5))
    assert {row.delivery.recipient_id for row in plan.rows} == {"N1"}


def test_where_nobody_can_be_told_the_next_firing_speaks_again() -> None:
    plan = planned(changes(firing("a"))[0], who=directory(AWAY, navigator("S1", supervisor=True)))
    assert {row.delivery.purpose for row in plan.rows} == {Purpose.SUPERVISOR_NOTICE}
    assert plan.alert.last_queued_at is None
    (change,) = changes(firing("b", 1), alerts=(plan.alert,), now=at(2))
    assert change.notify is Purpose.UPDATE


def test_a_quiet_change_writes_no_row() -> None:
    plan = planned(changes(firing("a"))[0])
    (change,) = changes(firing("b", 1), alerts=(plan.alert,), now=at(1))
    assert planned(change, tuple(row.delivery for row in plan.rows)).rows == ()


def test_a_notice_about_no_alert_has_a_key_of_its_own() -> None:
    routing = gatekeepers(directory(navigator("G1", gatekeeper=True)), RoutingPolicy())
    made = notices(
        routing.recipients,
        purpose=Purpose.GATEKEEPER,
        reference="BCDF-GHJK",
        shard=3,
        about="held-1",
        due=START,
        now=START,
    )
    assert [row.delivery.alert_id for row in made] == ["", ""]
    assert {row.delivery.shard for row in made} == {3}
