"""The life of an alert: every way it may change, as plain functions from an alert to the next one.

raised -> notified -> accepted -> contacted -> closed(outcome); or withdrawn (its grounds are gone), expired (nobody
took it in time), merged (another alert tells it). Each change adds one entry to the time line; what is not permitted
raises NotAllowed. None of these functions reads a clock or a store: engines and the API call them alike.
"""

from dataclasses import replace
from datetime import datetime
from functools import reduce

from alerts.clocks import ClockPolicy, clocks_for, sooner
from alerts.model import (
    Alert,
    AlertState,
    Clocks,
    Happening,
    Outcome,
    Purpose,
    TimelineEntry,
    TriggerRecord,
    TriggerState,
)
from alerts.reference import reference_of
from domain.errors import NotAllowed
from domain.ids import AlertId, FiringId, NavigatorId, alert_id
from domain.people import CohortMember
from domain.triggers import Priority, TriggerFired

WAITING_FOR_SOMEBODY = frozenset({AlertState.RAISED, AlertState.NOTIFIED})
"""Nobody has accepted yet."""

TELLING = frozenset({Purpose.ALERT, Purpose.UPDATE})
"""Messages that tell of the alert itself; the half hour of quiet is counted between these."""


def identity_of(trigger: TriggerFired, round_: int = 0) -> AlertId:
    """The id of the alert that a firing raises; `round_` counts those it raised before and that have ended."""
    return alert_id(FiringId(f"{trigger.firing_id}:{round_}") if round_ else trigger.firing_id)


def raise_alert(
    trigger: TriggerFired,
    member: CohortMember,
    *,
    clock_policy: ClockPolicy,
    secret: bytes,
    now: datetime,
    round_: int = 0,
) -> Alert:
    """A new alert on one firing, with the member's own navigator. Its id and reference follow from the firing alone."""
    identity = identity_of(trigger, round_)
    return Alert(
        alert_id=identity,
        reference=reference_of(identity, secret),
        member_id=member.member_id,
        navigator_id=member.navigator_id,
        programme=member.programme,
        area=member.area,
        sensitivity=trigger.sensitivity,
        priority=trigger.priority,
        state=AlertState.RAISED,
        triggers=(TriggerRecord(trigger, now),),
        clocks=clocks_for(trigger.priority, now, clock_policy, trigger.contact_within),
        raised_at=now,
        updated_at=now,
        last_queued_at=now,
        timeline=(TimelineEntry(now, Happening.RAISED, note=_grounds(trigger)),),
    )


def _grounds(trigger: TriggerFired) -> str:
    """The rule that spoke, and whether we learnt of it late: the time line must not look as if it had just happened."""
    return f"{trigger.rule_id}, learnt late" if trigger.late else str(trigger.rule_id)


def holds(alert: Alert, firing: FiringId) -> bool:
    """Whether the firing still carries this alert."""
    return any(trigger.firing_id == firing for trigger in alert.live)


def add_trigger(alert: Alert, trigger: TriggerFired, *, clock_policy: ClockPolicy, now: datetime) -> Alert:
    """The alert with a further firing. A firing that it already holds changes nothing; a withdrawn one comes back.

    Raises NotAllowed unless the alert is open: what has ended is not re-opened, a new alert is raised instead.
    """
    _require(alert, alert.is_open, "taking a further firing")
    if holds(alert, trigger.firing_id):
        return alert
    what = Happening.BROKE_THROUGH if trigger.priority.outranks(alert.priority) else Happening.JOINED
    others = tuple(record for record in alert.triggers if record.trigger.firing_id != trigger.firing_id)
    grown = replace(alert, triggers=(*others, TriggerRecord(trigger, now)))
    return _told(_reckoned(grown, clock_policy), what, now, note=_grounds(trigger))


def move_trigger(alert: Alert, old: FiringId, new: TriggerFired, *, clock_policy: ClockPolicy, now: datetime) -> Alert:
    """The alert with `new` standing in the place of `old`: same rule and ground, another event completes it.

    The clocks keep running from when the old one was added, unless the priority rises. Raises NotAllowed if the old
    firing is not live here or the alert was withdrawn or merged.
    """
    _require(alert, holds(alert, old) and alert.state is not AlertState.MERGED, "moving a firing it does not hold")
    before = next(record for record in alert.triggers if record.trigger.firing_id == old)
    since = now if new.priority.outranks(before.trigger.priority) else before.added_at
    kept = tuple(
        replace(record, state=TriggerState.SUPERSEDED) if record.trigger.firing_id == old else record
        for record in alert.triggers
        if record.trigger.firing_id != new.firing_id
    )
    moved = replace(alert, triggers=(*kept, TriggerRecord(new, since)))
    return _told(_reckoned(moved, clock_policy), Happening.MOVED, now, note=_grounds(new))


def withdraw_trigger(alert: Alert, firing: FiringId, *, clock_policy: ClockPolicy, now: datetime) -> Alert:
    """The alert without that ground: corrected if others remain, withdrawn if it was open and none does.

    A closed or expired alert stays what it is, so that its outcome is not lost; its time line tells the correction.
    Raises NotAllowed if the firing is not live here or the alert was merged.
    """
    _require(alert, holds(alert, firing) and alert.state is not AlertState.MERGED, "losing a firing it does not hold")
    triggers = tuple(
        replace(record, state=TriggerState.WITHDRAWN) if record.trigger.firing_id == firing else record
        for record in alert.triggers
    )
    rule = next(record.trigger.rule_id for record in alert.triggers if record.trigger.firing_id == firing)
    lighter = _reckoned(replace(alert, triggers=triggers), clock_policy)
    if lighter.live:
        return _told(lighter, Happening.CORRECTED, now, note=rule)
    if lighter.is_open:
        return _told(replace(lighter, state=AlertState.WITHDRAWN), Happening.WITHDRAWN, now, note=rule)
    return _told(lighter, Happening.WITHDRAWN, now, note=rule)


def reinstate(alert: Alert, trigger: TriggerFired, *, clock_policy: ClockPolicy, now: datetime) -> Alert:
    """A withdrawn alert whose ground came back: raised again under the same reference. Raises NotAllowed otherwise."""
    _require(alert, alert.state is AlertState.WITHDRAWN, "being reinstated")
    others = tuple(record for record in alert.triggers if record.trigger.firing_id != trigger.firing_id)
    back = replace(alert, state=AlertState.RAISED, triggers=(*others, TriggerRecord(trigger, now)))
    return _told(_reckoned(back, clock_policy), Happening.RAISED, now, note=_grounds(trigger))


def mark_queued(alert: Alert, purpose: Purpose, now: datetime) -> Alert:
    """The alert with a further round of messages ordered at `now`."""
    queued = now if purpose in TELLING else alert.last_queued_at
    return replace(alert, last_queued_at=queued, repeats=alert.repeats + 1)


def mark_digested(alert: Alert, now: datetime, note: str) -> Alert:
    """The alert whose messages wait in the supervisor's digest; `note` says which breaker holds them."""
    since = alert.digested_at or now
    held = replace(alert, digested_at=since, last_queued_at=None)
    return _told(held, Happening.DIGESTED, now, note=note)


def mark_notified(alert: Alert, by: NavigatorId, purpose: Purpose, now: datetime, note: str = "") -> Alert:
    """The alert after a provider took a message for `by`. Only a raised alert changes its state; never refused,
    because a message that has left cannot be un-sent."""
    if purpose not in TELLING:
        return _told(alert, Happening.NOTIFIED, now, by=by, note=note)
    state = AlertState.NOTIFIED if alert.state is AlertState.RAISED else alert.state
    return _told(replace(alert, state=state, last_notified_at=now), Happening.NOTIFIED, now, by=by, note=note)


def mark_undelivered(alert: Alert, by: NavigatorId, now: datetime, note: str = "") -> Alert:
    """The alert after a message for `by` failed for good: no message is awaited any more, so the next change speaks."""
    return _told(replace(alert, last_queued_at=None), Happening.NOT_DELIVERED, now, by=by, note=note)


def accept(alert: Alert, by: NavigatorId, now: datetime) -> Alert:
    """The alert taken on by a navigator, who becomes the one it is with. Accepting one's own again changes nothing.

    Raises NotAllowed if somebody else has accepted it or it has ended.
    """
    if alert.state is AlertState.ACCEPTED and alert.navigator_id == by:
        return alert
    _require(alert, alert.state in WAITING_FOR_SOMEBODY, "being accepted")
    return _told(replace(alert, state=AlertState.ACCEPTED, navigator_id=by), Happening.ACCEPTED, now, by=by)


def record_contact(alert: Alert, by: NavigatorId, now: datetime) -> Alert:
    """The alert after an attempt to make contact; attempts may be many. Raises NotAllowed unless it was accepted."""
    _require(alert, alert.state in {AlertState.ACCEPTED, AlertState.CONTACTED}, "recording a contact")
    return _told(replace(alert, state=AlertState.CONTACTED), Happening.CONTACTED, now, by=by)


def record_outcome(alert: Alert, outcome: Outcome, by: NavigatorId, now: datetime) -> Alert:
    """The alert closed with what came of it. Open alerts only: whoever acted first and accepted never is still heard.

    The same outcome told twice changes nothing. Raises NotAllowed if it has ended otherwise.
    """
    if alert.state is AlertState.CLOSED and alert.outcome is outcome:
        return alert
    _require(alert, alert.is_open, "taking an outcome")
    closed = replace(alert, state=AlertState.CLOSED, outcome=outcome, navigator_id=alert.navigator_id or by)
    return _told(closed, Happening.CLOSED, now, by=by, note=outcome.value)


def expire(alert: Alert, now: datetime) -> Alert:
    """The alert whose moment has passed. Raises NotAllowed once somebody has accepted it: then they say what came."""
    _require(alert, alert.state in WAITING_FOR_SOMEBODY, "expiring")
    return _told(replace(alert, state=AlertState.EXPIRED), Happening.EXPIRED, now)


def merge_into(alert: Alert, survivor: AlertId, now: datetime) -> Alert:
    """The younger alert after another took over its firings. Raises NotAllowed unless it is open."""
    _require(alert, alert.is_open and alert.alert_id != survivor, "being merged")
    return _told(replace(alert, state=AlertState.MERGED, merged_into=survivor), Happening.MERGED, now)


def absorb(alert: Alert, younger: Alert, *, clock_policy: ClockPolicy, now: datetime) -> Alert:
    """The older alert with the younger one's firings, clocks, acceptance and history of messages.

    If only the younger was accepted, the survivor is with whoever accepted it: nobody who is on the way is forgotten.
    """
    _require(alert, alert.is_open and younger.is_open, "absorbing another")
    taken = tuple(record for record in younger.triggers if not holds(alert, record.trigger.firing_id))
    further = alert if _progress(alert.state) >= _progress(younger.state) else younger
    merged = replace(
        alert,
        triggers=alert.triggers + taken,
        state=further.state,
        navigator_id=further.navigator_id,
        last_notified_at=_latest(alert.last_notified_at, younger.last_notified_at),
    )
    return _told(_reckoned(merged, clock_policy), Happening.ABSORBED, now, note=younger.reference)


_ORDER = (AlertState.RAISED, AlertState.NOTIFIED, AlertState.ACCEPTED, AlertState.CONTACTED)


def _progress(state: AlertState) -> int:
    return _ORDER.index(state)


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def _reckoned(alert: Alert, policy: ClockPolicy) -> Alert:
    """Priority and clocks as the live firings make them; unchanged where none is left."""
    records = [record for record in alert.triggers if record.state is TriggerState.LIVE]
    if not records:
        return alert
    priority: Priority = min((record.trigger.priority for record in records), key=lambda found: found.rank)
    each: list[Clocks] = [
        clocks_for(record.trigger.priority, record.added_at, policy, record.trigger.contact_within)
        for record in records
    ]
    return replace(alert, priority=priority, clocks=reduce(sooner, each))


def _told(alert: Alert, what: Happening, now: datetime, *, by: str = "", note: str = "") -> Alert:
    """One change: the time line grows by one entry. The version counts saves and is the store's to set."""
    return replace(
        alert,
        timeline=(*alert.timeline, TimelineEntry(now, what, by, note)),
        updated_at=max(now, alert.updated_at),
    )


def _require(alert: Alert, permitted: bool, what: str) -> None:
    if not permitted:
        raise NotAllowed(f"Alert {alert.reference} is {alert.state.value}, which does not permit {what}.")
