"""Small values for the alerts' tests: one member, firings at a minute of the day, a directory of navigators."""

from datetime import UTC, datetime, timedelta

from alerts.model import Alert, Channel, Delivery, Purpose
from alerts.planning import new_delivery, plan
from alerts.routing import Directory, RoutingPolicy, recipients
from alerts.suppression import AlertChange, SuppressionPolicy, decide
from domain.ids import AlertId, EventId, FiringId, MemberId, NavigatorId, RuleId, shard_of
from domain.people import CohortMember, MemberStatus, Navigator
from domain.triggers import Priority, Reason, Sensitivity, TriggerFired

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday
SECRET = b"a secret for tests only"
POLICY = SuppressionPolicy()
MEMBER = CohortMember(
    MemberId("M1"),
    MemberStatus.NON_ENGAGER,
    programme="CIRV",
    area="Coventry",
    navigator_id=NavigatorId("N1"),
)


def at(minutes: float) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minutes)


def firing(
    name: str,
    minute: float = 0,
    priority: Priority = Priority.P2,
    *,
    member: str = "M1",
    rule: str = "ED_ASSAULT",
    sensitivity: Sensitivity = Sensitivity.STANDARD,
    **fields: object,
) -> TriggerFired:
    """A firing whose event time is that minute."""
    reason = Reason("Something has changed.", EventId(f"e-{name}"), "ed.arrival", "ed", at(minute))
    values: dict[str, object] = {
        "firing_id": FiringId(f"f-{name}"),
        "rule_id": RuleId(rule),
        "rule_version": 1,
        "member_id": MemberId(member),
        "priority": priority,
        "fired_at": at(minute),
        "anchor": EventId(f"e-{name}"),
        "ground": name,
        "contributing": (EventId(f"e-{name}"),),
        "reasons": (reason,),
        "headline": "Hurt in an assault",
        "message_key": "ed_assault",
        "sensitivity": sensitivity,
    }
    return TriggerFired(**{**values, **fields})  # type: ignore[arg-type]


def changes(
    *fired: TriggerFired,
    alerts: tuple[Alert, ...] = (),
    withdrawn: tuple[TriggerFired, ...] = (),
    moved: tuple[tuple[TriggerFired, TriggerFired], ...] = (),
    now: datetime = START,
    member: CohortMember = MEMBER,
) -> tuple[AlertChange, ...]:
    """`decide` with the tests' usual values."""
    return decide(
        fired=fired,
        withdrawn=withdrawn,
        moved=moved,
        alerts=alerts,
        member=member,
        policy=POLICY,
        now=now,
        secret=SECRET,
    ).changes


def raised(trigger: TriggerFired | None = None, now: datetime = START, member: CohortMember = MEMBER) -> Alert:
    """An alert just raised."""
    return changes(trigger or firing("a"), now=now, member=member)[0].alert


def navigator(name: str, **fields: object) -> Navigator:
    """A navigator with a phone and a mail address of the reserved ranges."""
    number = 900_000 + sum(map(ord, name)) % 1000
    values: dict[str, object] = {"phone": f"+447700{number}", "email": f"{name.lower()}@example.com"}
    return Navigator(NavigatorId(name), name=f"Name of {name}", **{**values, **fields})  # type: ignore[arg-type]


def directory(*navigators: Navigator) -> Directory:
    """A directory of these; of N1 alone if none is given."""
    return Directory({each.navigator_id: each for each in navigators or (navigator("N1"),)})


def delivery(
    alert: Alert,
    channel: Channel = Channel.SMS,
    *,
    recipient: str = "N1",
    purpose: Purpose = Purpose.ALERT,
    due: datetime = START,
    group: int = 0,
    urgent: bool = False,
) -> Delivery:
    """A row that waits, about an alert."""
    return new_delivery(
        alert.alert_id,
        alert_id=AlertId(alert.alert_id),
        reference=alert.reference,
        shard=shard_of(alert.member_id),
        recipient=NavigatorId(recipient),
        channel=channel,
        purpose=purpose,
        group=group,
        due=due,
        now=due,
        urgent=urgent,
    )


def planned(
    change: AlertChange, existing: tuple[Delivery, ...] = (), *, who: Directory | None = None, now: datetime = START
):  # type: ignore[no-untyped-def]
    """The plan of a change with the tests' usual directory."""
    routing = recipients(MEMBER, change.alert, who or directory(), RoutingPolicy())
    return plan(change, routing, existing, shard=shard_of(change.alert.member_id), policy=POLICY.clocks, now=now)
