"""Which firings become an alert, join one, break through, or stay quiet: one pure decision per event.

Two clocks, kept apart. Grouping is by event time: firings of one person within half an hour of each other belong
together, whatever order they arrive in (connected components). Messages are by processing time: at most one in half
an hour at the same priority, while a higher priority always goes out at once. The cooling of a rule has been applied
upstream, by the rules' room. The idea of a decision with its reason is alertmanager's dedup stage.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from alerts import lifecycle
from alerts.clocks import ClockPolicy
from alerts.model import Alert, AlertState, Purpose
from domain.ids import AlertId, FiringId
from domain.people import CohortMember
from domain.triggers import TriggerFired

Moved = tuple[TriggerFired, TriggerFired]
"""An old firing and the one that stands in its place."""


class ChangeKind(StrEnum):
    """What an event did to an alert."""

    RAISED = "raised"
    JOINED = "joined"
    BROKE_THROUGH = "broke_through"
    MOVED = "moved"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    CAPPED = "capped"  # joined quietly: the person has had as many alerts of this rule as it may raise


@dataclass(frozen=True, slots=True)
class SuppressionPolicy:
    """`group_within` is event time between firings of one alert; `quiet_for` processing time between messages."""

    group_within: timedelta = timedelta(minutes=30)
    quiet_for: timedelta = timedelta(minutes=30)
    clocks: ClockPolicy = field(default_factory=ClockPolicy)


@dataclass(frozen=True, slots=True)
class AlertChange:
    """An alert after an event and before it (None if new). `notify` is the message it calls for; None is quiet.

    One per alert touched. `kind` is the strongest thing that happened to it.
    """

    alert: Alert
    previous: Alert | None
    kind: ChangeKind
    notify: Purpose | None


_STRENGTH = {
    ChangeKind.MERGED: 6,
    ChangeKind.RAISED: 5,
    ChangeKind.BROKE_THROUGH: 4,
    ChangeKind.WITHDRAWN: 3,
    ChangeKind.CORRECTED: 2,
    ChangeKind.JOINED: 1,
    ChangeKind.MOVED: 0,
    ChangeKind.CAPPED: 0,
}
_QUIET = frozenset({ChangeKind.MOVED, ChangeKind.CAPPED})
"""What calls for no message by itself."""


@dataclass(slots=True)
class _Desk:
    """The person's alerts while one event is decided. Lives inside `decide` only."""

    member: CohortMember
    policy: SuppressionPolicy
    now: datetime
    secret: bytes
    before: dict[AlertId, Alert]
    after: dict[AlertId, Alert]
    kinds: dict[AlertId, set[ChangeKind]] = field(default_factory=dict)
    capped: list[TriggerFired] = field(default_factory=list)

    def put(self, alert: Alert, kind: ChangeKind) -> None:
        self.after[alert.alert_id] = alert
        self.kinds.setdefault(alert.alert_id, set()).add(kind)


@dataclass(frozen=True, slots=True)
class Decision:
    """The changes of one event, by alert id, and the firings that a cap keeps from alerting and none can take in."""

    changes: tuple[AlertChange, ...]
    capped: tuple[TriggerFired, ...] = ()


def decide(
    *,
    fired: Sequence[TriggerFired],
    withdrawn: Sequence[TriggerFired],
    moved: Sequence[Moved],
    alerts: Sequence[Alert],
    member: CohortMember,
    policy: SuppressionPolicy,
    now: datetime,
    secret: bytes,
) -> Decision:
    """What one event changes among a person's alerts, ordered by alert id; empty if nothing.

    `alerts` are all of the person's alerts, ended ones too: their firings may yet be
    corrected. What was closed is never re-opened: a firing beside it raises a new alert. Firings of different
    sensitivity never share an alert, because an alert is told to whoever may know all of it.
    """
    known = {alert.alert_id: alert for alert in alerts}
    desk = _Desk(member, policy, now, secret, before=known, after=dict(known))
    for old, new in moved:
        _move(desk, old, new)
    emptied = _would_empty(desk, withdrawn)
    for trigger in (gone for gone in withdrawn if gone.firing_id not in emptied):
        _withdraw(desk, trigger)
    for trigger in sorted(fired, key=lambda firing: (firing.fired_at, firing.firing_id)):
        _place(desk, trigger)
    for trigger in (gone for gone in withdrawn if gone.firing_id in emptied):
        _withdraw(desk, trigger)
    return Decision(tuple(_change(desk, identity) for identity in sorted(desk.kinds)), tuple(desk.capped))


def linked(alert: Alert, trigger: TriggerFired, within: timedelta) -> bool:
    """Whether the firing belongs to the alert: open, same sensitivity, and within reach of one of its live firings."""
    return (
        alert.is_open
        and alert.sensitivity is trigger.sensitivity
        and any(abs(trigger.fired_at - live.fired_at) <= within for live in alert.live)
    )


def _move(desk: _Desk, old: TriggerFired, new: TriggerFired) -> None:
    """The alert stays and its ground changes. A firing that no alert holds is treated as new: detection fails open."""
    alert = _holder(desk, old)
    if alert is None or alert.sensitivity is not new.sensitivity:
        if alert is not None:
            _withdraw(desk, old)
        _place(desk, new)
        return
    after = lifecycle.move_trigger(alert, old.firing_id, new, clock_policy=desk.policy.clocks, now=desk.now)
    rose = after.is_open and after.priority.outranks(alert.priority)
    desk.put(after, ChangeKind.BROKE_THROUGH if rose else ChangeKind.MOVED)
    if after.is_open:
        _bridge(desk, [after, *_neighbours(desk, new, besides=after)])


def _would_empty(desk: _Desk, withdrawn: Sequence[TriggerFired]) -> frozenset[FiringId]:
    """Withdrawn firings that are all their alert has. They go last, so that what the same event puts in their place
    joins the alert, and its reader gets one correction and not a withdrawal beside a new alert."""
    going = {trigger.firing_id for trigger in withdrawn}
    doomed = (alert for alert in desk.after.values() if going.issuperset(live.firing_id for live in alert.live))
    return frozenset(live.firing_id for alert in doomed for live in alert.live)


def _withdraw(desk: _Desk, trigger: TriggerFired) -> None:
    alert = _holder(desk, trigger)
    if alert is None:
        return  # it never led to an alert that is kept, or was taken back before
    after = lifecycle.withdraw_trigger(alert, trigger.firing_id, clock_policy=desk.policy.clocks, now=desk.now)
    desk.put(after, ChangeKind.CORRECTED if after.live else ChangeKind.WITHDRAWN)


def _place(desk: _Desk, trigger: TriggerFired) -> None:
    if _holder(desk, trigger) is not None:
        return  # said again; what only a merged alert holds has been taken back from its survivor
    group = [alert for alert in desk.after.values() if linked(alert, trigger, desk.policy.group_within)]
    if not group:
        if capped(trigger, tuple(desk.after.values())):
            _join_quietly(desk, trigger)
        else:
            _raise(desk, trigger)
        return
    survivor = _bridge(desk, group)
    after = lifecycle.add_trigger(survivor, trigger, clock_policy=desk.policy.clocks, now=desk.now)
    rose = after.priority.outranks(survivor.priority)
    desk.put(after, ChangeKind.BROKE_THROUGH if rose else ChangeKind.JOINED)


def capped(trigger: TriggerFired, alerts: Sequence[Alert]) -> bool:
    """Whether one more alert on this firing would be more than its rule may raise for the person within its span.

    Event time, whatever the order of arrival. What was withdrawn or merged counts no more, and a firing that is more
    urgent than those before it is never capped.
    """
    if trigger.cap is None:
        return False
    cap, at = trigger.cap, trigger.fired_at
    times = sorted(when for alert in alerts if (when := _counts_from(alert, trigger)) is not None)
    starts = [when for when in (*times, at) if at - cap.within < when <= at]
    return any(sum(start <= when < start + cap.within for when in times) >= cap.alerts for start in starts)


def _counts_from(alert: Alert, trigger: TriggerFired) -> datetime | None:
    """When the alert begins to count against a further firing of the rule; None if it does not."""
    if alert.state in {AlertState.WITHDRAWN, AlertState.MERGED}:
        return None
    own = (
        live.fired_at
        for live in alert.live
        if live.rule_id == trigger.rule_id and not trigger.priority.outranks(live.priority)
    )
    return min(own, default=None)


def _join_quietly(desk: _Desk, trigger: TriggerFired) -> None:
    """What a cap keeps from alerting joins the person's open alert that changed last, its own rule's first."""
    mates = [alert for alert in desk.after.values() if alert.is_open and alert.sensitivity is trigger.sensitivity]
    if not mates:
        desk.capped.append(trigger)
        return
    own = [alert for alert in mates if any(live.rule_id == trigger.rule_id for live in alert.live)]
    chosen = max(own or mates, key=lambda alert: (alert.updated_at, alert.alert_id))
    after = lifecycle.add_trigger(chosen, trigger, clock_policy=desk.policy.clocks, now=desk.now)
    rose = after.priority.outranks(chosen.priority)
    desk.put(after, ChangeKind.BROKE_THROUGH if rose else ChangeKind.CAPPED)


def _raise(desk: _Desk, trigger: TriggerFired) -> None:
    """A new alert; or, where this very firing had raised one that was withdrawn, that one again under its reference.

    If that one ended otherwise (closed, merged ...) its record must stand, and the new one gets an id of its own.
    """
    clocks, round_ = desk.policy.clocks, 0
    while True:
        known = desk.after.get(lifecycle.identity_of(trigger, round_))
        if known is None:
            raised = lifecycle.raise_alert(
                trigger, desk.member, clock_policy=clocks, secret=desk.secret, now=desk.now, round_=round_
            )
            desk.put(raised, ChangeKind.RAISED)
            return
        if known.state is AlertState.WITHDRAWN:
            desk.put(lifecycle.reinstate(known, trigger, clock_policy=clocks, now=desk.now), ChangeKind.RAISED)
            return
        round_ += 1


def _bridge(desk: _Desk, group: Sequence[Alert]) -> Alert:
    """Merge the younger alerts of a group into the oldest, which is returned."""
    survivor, *younger = sorted(group, key=lambda alert: (alert.raised_at, alert.alert_id))
    for alert in younger:
        absorbed = lifecycle.absorb(survivor, alert, clock_policy=desk.policy.clocks, now=desk.now)
        rose = absorbed.priority.outranks(survivor.priority)
        survivor = absorbed
        if alert.alert_id in desk.before:
            desk.put(lifecycle.merge_into(alert, survivor.alert_id, desk.now), ChangeKind.MERGED)
        else:
            del desk.after[alert.alert_id], desk.kinds[alert.alert_id]
        desk.put(survivor, ChangeKind.BROKE_THROUGH if rose else ChangeKind.JOINED)
    return survivor


def _neighbours(desk: _Desk, trigger: TriggerFired, *, besides: Alert) -> list[Alert]:
    return [
        alert
        for alert in desk.after.values()
        if alert.alert_id != besides.alert_id and linked(alert, trigger, desk.policy.group_within)
    ]


def _holder(desk: _Desk, trigger: TriggerFired) -> Alert | None:
    """The alert that a firing carries; never a merged one, whose firings live on in the survivor."""
    return next(
        (
            alert
            for alert in desk.after.values()
            if alert.state is not AlertState.MERGED and lifecycle.holds(alert, trigger.firing_id)
        ),
        None,
    )


def _change(desk: _Desk, identity: AlertId) -> AlertChange:
    """The finished change of one alert, with the message it calls for."""
    alert, previous, kinds = desk.after[identity], desk.before.get(identity), desk.kinds[identity]
    notify = _message(alert, previous, kinds, desk.policy, desk.now)
    if notify is not None and previous is not None:
        alert = lifecycle.mark_queued(alert, notify, desk.now)
    return AlertChange(alert, previous, max(kinds, key=lambda kind: _STRENGTH[kind]), notify)


def _message(
    alert: Alert, previous: Alert | None, kinds: Set[ChangeKind], policy: SuppressionPolicy, now: datetime
) -> Purpose | None:
    """Which message a change calls for. A correction is never suppressed: somebody may be acting on what was wrong."""
    if previous is None:
        return Purpose.ALERT if alert.is_open else None
    if alert.state is AlertState.MERGED:
        return None  # the survivor tells it; the reference of this one leads there
    if alert.is_open and (alert.priority.outranks(previous.priority) or not previous.is_open):
        return Purpose.UPDATE
    if ChangeKind.WITHDRAWN in kinds:
        return Purpose.WITHDRAWAL
    if ChangeKind.CORRECTED in kinds:
        return Purpose.CORRECTION
    if kinds <= _QUIET or alert.message_pending:
        return None
    told = alert.last_notified_at
    return None if told is not None and now - told < policy.quiet_for else Purpose.UPDATE
