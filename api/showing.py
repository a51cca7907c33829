"""From alerts and books to what is shown, given how much may be seen. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from alerts.model import OPEN_STATES, Alert, Delivery, TimelineEntry, TriggerRecord, TriggerState
from alerts.ports import CountKey
from alerts.snooze import Snooze
from api.ports import BooksView, MemberView
from api.shapes import (
    AlertCounts,
    AlertDetail,
    AlertSummary,
    CountShown,
    DeliveryShown,
    FeedLight,
    FeedShown,
    FeedState,
    ReasonShown,
    SnoozedRule,
    TimelineShown,
    TriggerShown,
)
from api.sight import Sight, Viewer, sees_notes
from domain.kinds import Feed
from domain.triggers import Reason, TriggerFired


def feed_states(
    last_received: Mapping[str, datetime], blind_after: Mapping[Feed, timedelta], now: datetime
) -> tuple[FeedState, ...]:
    """How each feed stands at `now`. One whose longest silence is not set is never said to be blind."""
    return tuple(_feed_state(feed, last_received.get(feed.value), blind_after.get(feed), now) for feed in Feed)


def _feed_state(feed: Feed, last: datetime | None, longest: timedelta | None, now: datetime) -> FeedState:
    if last is None:
        return FeedState(feed, FeedLight.NEVER)
    if longest is not None and now - last > longest:
        return FeedState(feed, FeedLight.BLIND, last)
    return FeedState(feed, FeedLight.LIVE)


def feeds_shown(books: BooksView, states: Sequence[FeedState], only: Feed | None) -> tuple[FeedShown, ...]:
    """The feeds with their counts; `only` one of them for its owner."""
    return tuple(
        FeedShown(
            feed=each.feed,
            state=each.state,
            blind_since=each.blind_since,
            last_received=books.last_received.get(each.feed.value),
            accepted=books.accepted.get(each.feed.value, 0),
            duplicate=books.duplicate.get(each.feed.value, 0),
            quarantined=books.quarantined.get(each.feed.value, {}),
            ignored=books.ignored.get(each.feed.value, {}),
        )
        for each in states
        if only is None or each.feed is only
    )


def counts_shown(
    counts: Mapping[CountKey, int], revision: int, states: tuple[FeedState, ...], as_of: datetime
) -> AlertCounts:
    """The counts with their totals."""
    rows = sorted(counts.items(), key=lambda pair: (pair[0].area, pair[0].priority.rank, pair[0].state.value))
    by_state, by_priority, by_area = Counter[str](), Counter[str](), Counter[str]()
    for key, count in rows:
        by_state[key.state] += count
        by_priority[key.priority] += count
        by_area[key.area] += count
    return AlertCounts(
        as_of=as_of,
        feeds=states,
        revision=revision,
        open=sum(count for key, count in rows if key.state in OPEN_STATES),
        by_state=by_state,  # type: ignore[arg-type]  # a StrEnum is its own text
        by_priority=by_priority,  # type: ignore[arg-type]
        by_area=by_area,
        counts=tuple(CountShown(key.state, key.priority, key.area, count) for key, count in rows),
    )


WITHHELD_RULE = "WITHHELD"
"""Shown in place of a rule that rests on intelligence alone: its name would say that there is some (domain.md 3.3)."""


def rule_shown(trigger: TriggerFired, viewer: Viewer) -> str:
    """The rule's id, unless it would tell this viewer of intelligence."""
    rests_on_intel = bool(trigger.reasons) and all(_is_intel(reason) for reason in trigger.reasons)
    return WITHHELD_RULE if rests_on_intel and not sees_notes(viewer) else trigger.rule_id


def shows_rule(alert: Alert, rule: str, viewer: Viewer) -> bool:
    """Whether the alert may be found by this rule: not by one whose name this viewer is not shown."""
    return any(rule_shown(record.trigger, viewer) == rule for record in alert.triggers)


def summary(alert: Alert, sight: Sight, viewer: Viewer, snoozes: Sequence[Snooze] = ()) -> AlertSummary:
    """An alert for a list. `snoozes` are those that hold for its person now."""
    case = sight in {Sight.CASE, Sight.PERSON}
    live = alert.live or tuple(record.trigger for record in alert.triggers)
    return AlertSummary(
        reference=alert.reference,
        version=alert.version,
        state=alert.state,
        priority=alert.priority,
        sensitivity=alert.sensitivity,
        area=alert.area,
        programme=alert.programme,
        rules=tuple(dict.fromkeys(rule_shown(trigger, viewer) for trigger in live)),
        raised_at=alert.raised_at,
        updated_at=alert.updated_at,
        notify_by=alert.clocks.notify_by,
        acknowledge_by=alert.clocks.acknowledge_by,
        contact_by=alert.clocks.contact_by,
        expires_at=alert.expires_at,
        outcome=alert.outcome,
        repeats=alert.repeats,
        sight=sight,
        member_id=alert.member_id if case else None,
        navigator_id=alert.navigator_id if case else None,
        headline=_headline(alert) if case else "",
        digested=alert.digested_at is not None and alert.is_open,
        snoozed=tuple(
            SnoozedRule(one.snooze_id, one.rule_id, one.ends_at, one.p1_by is not None) for one in snoozes if case
        ),
    )


def detail(
    alert: Alert,
    deliveries: Sequence[Delivery],
    *,
    sight: Sight,
    viewer: Viewer,
    member: MemberView | None,
    states: tuple[FeedState, ...],
    as_of: datetime,
    snoozes: Sequence[Snooze] = (),
) -> AlertDetail:
    """One alert with all that this viewer sees of it."""
    case = sight in {Sight.CASE, Sight.PERSON}
    return AlertDetail(
        as_of=as_of,
        feeds=states,
        alert=summary(alert, sight, viewer, snoozes),
        triggers=tuple(_trigger(record, viewer, case=case) for record in alert.triggers),
        timeline=tuple(_moment(entry, case=case, notes=case and sees_notes(viewer)) for entry in alert.timeline),
        deliveries=tuple(_delivery(row, case=case) for row in deliveries),
        member=member if sight is Sight.PERSON else None,
    )


def _headline(alert: Alert) -> str:
    live = sorted(alert.live, key=lambda trigger: trigger.priority.rank)
    return live[0].headline if live else ""


def _trigger(record: TriggerRecord, viewer: Viewer, *, case: bool) -> TriggerShown:
    fired = record.trigger
    told = case and record.state is not TriggerState.WITHDRAWN  # what was taken back is not held against anybody
    return TriggerShown(
        rule_id=rule_shown(fired, viewer),
        rule_version=fired.rule_version,
        priority=fired.priority,
        state=record.state,
        fired_at=fired.fired_at,
        added_at=record.added_at,
        late=fired.late,
        headline=fired.headline if told else "",
        suggestion=fired.suggestion if told else "",
        reasons=tuple(_reason(each) for each in fired.reasons) if told else (),
        rule_set=fired.rule_set,
    )


def _reason(reason: Reason) -> ReasonShown:
    """What rests on intelligence is told by its words alone: no kind, no feed, no report (domain.md 3.3)."""
    if _is_intel(reason):
        return ReasonShown(reason.text, reason.occurred_at, withheld=True)
    return ReasonShown(
        reason.text, reason.occurred_at, withheld=False, kind=reason.kind, feed=reason.feed, event_id=reason.event_id
    )


def _is_intel(reason: Reason) -> bool:
    return reason.feed == Feed.INTEL.value or reason.kind.startswith("intel.")


def _moment(entry: TimelineEntry, *, case: bool, notes: bool) -> TimelineShown:
    return TimelineShown(entry.at, entry.what, entry.by if case else "", entry.note if notes else "")


def _delivery(row: Delivery, *, case: bool) -> DeliveryShown:
    return DeliveryShown(
        channel=row.channel,
        purpose=row.purpose,
        status=row.status,
        reason=row.reason,
        attempts=row.attempts,
        created_at=row.created_at,
        handed_at=row.handed_at,
        recipient_id=row.recipient_id if case else "",
    )
