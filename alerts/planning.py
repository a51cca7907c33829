"""From a change of an alert to the messages it needs: which rows enter the outbox, which leave it untold.

Pure: it is given the routing and the rows that exist. Corrections go to whoever was told, on the same channels, and to
nobody else; where nobody had been told, what still waited is cancelled.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.breaker import Flood, Sent, judge, rules_of
from alerts.clocks import ClockPolicy, due_at
from alerts.lifecycle import TELLING, mark_digested
from alerts.model import (
    WAITING_STATUSES,
    Alert,
    AlertState,
    Channel,
    Delivery,
    DeliveryStatus,
    FailureReason,
    Purpose,
)
from alerts.routing import Recipient, Routing
from alerts.suppression import AlertChange
from domain.ids import AlertId, DeliveryId, NavigatorId, RuleId, digest
from domain.triggers import Priority

NO_ALERT = AlertId("")
"""Of messages that are about no alert."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row to write: the delivery and what it was before (None if new)."""

    delivery: Delivery
    previous: Delivery | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The alert to save and the rows to write with it, in one commit; `sent` is what they count for the breaker."""

    alert: Alert
    rows: tuple[Row, ...]
    sent: Sent | None = None


def plan(
    change: AlertChange,
    routing: Routing,
    existing: Sequence[Delivery],
    *,
    shard: int,
    policy: ClockPolicy,
    now: datetime,
    flood: Flood | None = None,
) -> Plan:
    """The messages that a change calls for. Where `flood` says that there are too many, they wait in the digest.

    `existing` are all rows of this alert and of those merged into it, whose readers must hear of corrections too. A
    message that overtakes waiting ones cancels them: nobody gets two where one says it all. An alert for which no row
    is waiting awaits no message, so that its next change speaks.
    """
    alert, sent = change.alert, None
    if change.notify in TELLING and flood is not None:
        alert, routing, sent = _damped(alert, routing, flood, policy, now)
    if sent is not None and sent.held_by is not None:
        rows: tuple[Row, ...] = ()
    elif change.notify in {Purpose.CORRECTION, Purpose.WITHDRAWAL}:
        rows = _corrections(alert, change.notify, existing, shard=shard, policy=policy, now=now)
    elif change.notify is not None:
        rows = _telling(alert, change.notify, routing, existing, shard=shard, policy=policy, now=now)
    elif alert.state is AlertState.MERGED:
        rows = cancelled(existing, FailureReason.OVERTAKEN)
    else:
        return Plan(alert, ())
    after = {row.delivery.delivery_id: row.delivery for row in rows}
    standing = [after.get(row.delivery_id, row) for row in existing] + [
        row.delivery for row in rows if row.previous is None
    ]
    awaited = any(row.purpose in TELLING and row.status in WAITING_STATUSES for row in standing)
    return Plan(alert if awaited else replace(alert, last_queued_at=None), rows, sent)


def _damped(
    alert: Alert, routing: Routing, flood: Flood, policy: ClockPolicy, now: datetime
) -> tuple[Alert, Routing, Sent | None]:
    """The alert, who is told of it now, and what that counts for; where its messages are held, nobody. Supervisors who
    would hear that nobody could be told are people too: for them it counts as what leaves at once."""
    wanted = routing.recipients or routing.notice_to
    if not wanted:
        return alert, routing, None
    priority = alert.priority if routing.recipients or alert.priority is Priority.P1 else Priority.P2
    leaves_at = due_at(priority, now, policy)
    able, sent = damped(
        wanted, flood, about=alert.alert_id, group=alert.repeats, rules=rules_of(alert), priority=priority,
        leaves_at=leaves_at, now=now,
    )  # fmt: skip
    if sent.held_by is not None:
        return mark_digested(alert, now, str(sent.held_by)), routing, sent
    told = replace(routing, recipients=able) if routing.recipients else replace(routing, notice_to=able)
    return replace(alert, digested_at=None), told, sent


def damped(
    recipients: Sequence[Recipient],
    flood: Flood,
    *,
    about: AlertId,
    group: int,
    rules: Sequence[RuleId],
    priority: Priority,
    leaves_at: datetime,
    now: datetime,
) -> tuple[tuple[Recipient, ...], Sent]:
    """Who of the recipients (at least one) is told now, and the round as the breaker counts it."""
    verdict = judge(rules, priority, recipients, flood)
    names = tuple(one.navigator_id for one in verdict.recipients or recipients)
    return verdict.recipients, Sent(now, about, group, tuple(rules), names, priority, leaves_at, verdict.held_by)


def cancelled(existing: Iterable[Delivery], reason: FailureReason) -> tuple[Row, ...]:
    """The waiting rows that tell of an alert, taken out of the outbox. One being sent this moment is left alone: its
    reader is counted as told."""
    return tuple(
        Row(replace(row, status=DeliveryStatus.CANCELLED, reason=reason, fence=row.fence + 1), row)
        for row in existing
        if row.status in {DeliveryStatus.QUEUED, DeliveryStatus.UNKNOWN} and row.purpose in TELLING
    )


def notices(
    recipients: Iterable[Recipient],
    *,
    purpose: Purpose,
    reference: str,
    shard: int,
    about: str,
    due: datetime,
    now: datetime,
    alert_id: AlertId = NO_ALERT,
    group: int = 0,
    urgent: bool = False,
) -> tuple[Row, ...]:
    """Rows that tell people that something waits for them (gatekeeper, review, supervisor). `about` is the id of what
    waits; the same one asked for twice makes the same rows."""
    return tuple(
        Row(
            new_delivery(
                about,
                alert_id=alert_id,
                reference=reference,
                shard=shard,
                recipient=recipient.navigator_id,
                channel=channel,
                purpose=purpose,
                group=group,
                due=due,
                now=now,
                urgent=urgent,
            ),
            None,
        )
        for recipient in recipients
        for channel in recipient.channels
    )


def _notices_of(
    alert: Alert, recipients: Iterable[Recipient], purpose: Purpose, *, shard: int, due: datetime, now: datetime
) -> tuple[Row, ...]:
    """Rows that tell of an alert, in its present round."""
    return notices(
        recipients,
        purpose=purpose,
        reference=alert.reference,
        shard=shard,
        about=alert.alert_id,
        due=due,
        now=now,
        alert_id=alert.alert_id,
        group=alert.repeats,
        urgent=alert.priority is Priority.P1,
    )


def new_delivery(
    about: str,
    *,
    alert_id: AlertId,
    reference: str,
    shard: int,
    recipient: NavigatorId,
    channel: Channel,
    purpose: Purpose,
    group: int,
    due: datetime,
    now: datetime,
    urgent: bool = False,
) -> Delivery:
    """A row that waits. Its id and idempotency key follow from its subject, recipient, channel, purpose and round."""
    key = digest("delivery", about, recipient, channel.value, purpose.value, str(group))
    return Delivery(
        delivery_id=DeliveryId(key),
        alert_id=alert_id,
        reference=reference,
        shard=shard,
        recipient_id=recipient,
        channel=channel,
        purpose=purpose,
        attempt_group=group,
        idempotency_key=f"{reference}-{key[:12]}",
        due_at=due,
        created_at=now,
        urgent=urgent,
    )


def _telling(
    alert: Alert,
    purpose: Purpose,
    routing: Routing,
    existing: Sequence[Delivery],
    *,
    shard: int,
    policy: ClockPolicy,
    now: datetime,
) -> tuple[Row, ...]:
    due = due_at(alert.priority, now, policy)
    fresh = _notices_of(alert, routing.recipients, purpose, shard=shard, due=due, now=now)
    at_once = due_at(Priority.P1, now, policy)
    alarm = _notices_of(alert, routing.notice_to, Purpose.SUPERVISOR_NOTICE, shard=shard, due=at_once, now=now)
    return cancelled(existing, FailureReason.OVERTAKEN) + fresh + alarm


def _corrections(
    alert: Alert,
    purpose: Purpose,
    existing: Sequence[Delivery],
    *,
    shard: int,
    policy: ClockPolicy,
    now: datetime,
) -> tuple[Row, ...]:
    """To whoever was told, on the same channels. Before anybody was, a correction needs no message (what waits will
    show the corrected alert) and a withdrawal cancels what waits."""
    told = sorted({(row.recipient_id, row.channel) for row in existing if row.told and row.purpose in TELLING})
    to = (Recipient(recipient, (channel,)) for recipient, channel in told)
    fresh = _notices_of(alert, to, purpose, shard=shard, due=due_at(alert.priority, now, policy), now=now)
    if purpose is Purpose.WITHDRAWAL:
        return cancelled(existing, FailureReason.NOT_TRUE_ANY_MORE) + fresh
    return fresh
