"""By when: the clocks of an alert (domain.md section 9) and the moments of the digest, as data and plain functions.

P1 and P2 run by the clock on the wall, P3 by digests and working days in London.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from alerts.model import Clocks
from domain.clock import LONDON, from_london
from domain.triggers import Priority

SATURDAY = 5
"""`date.weekday()` of the first day of the weekend."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans from processing time, for the priorities that run by the clock."""

    notify: timedelta
    acknowledge: timedelta
    contact: timedelta


def _default_spans() -> Mapping[Priority, Spans]:
    return {
        Priority.P1: Spans(timedelta(seconds=60), timedelta(minutes=15), timedelta(hours=1)),
        Priority.P2: Spans(timedelta(minutes=5), timedelta(minutes=60), timedelta(hours=24)),
    }


@dataclass(frozen=True, slots=True)
class ClockPolicy:
    """Service levels of domain.md section 9 as data. Digest times are London wall-clock times, in order.

    `holidays` are days that are not working days beside the weekends. A P3 is acknowledged by `office_closes` on the
    next working day and contacted by then on the `planned_days`-th working day.
    """

    spans: Mapping[Priority, Spans] = field(default_factory=_default_spans)
    digests: tuple[time, ...] = (time(7, 30), time(16, 0))
    office_closes: time = time(17, 0)
    planned_days: int = 5
    holidays: frozenset[date] = frozenset()


def next_digest(now: datetime, policy: ClockPolicy) -> datetime:
    """The first digest moment after or at `now`, aware UTC."""
    today = now.astimezone(LONDON).date()
    moments = (
        from_london(datetime.combine(today + timedelta(days=ahead), at)) for ahead in (0, 1) for at in policy.digests
    )
    return next(moment for moment in moments if moment >= now)


def due_at(priority: Priority, now: datetime, policy: ClockPolicy) -> datetime:
    """When a message of this priority leaves: P1 and P2 at once, P3 with the next digest."""
    return next_digest(now, policy) if priority is Priority.P3 else now


def working_day(now: datetime, days: int, policy: ClockPolicy) -> datetime:
    """The close of the office on the `days`-th working day after the London day of `now`, aware UTC."""
    day = now.astimezone(LONDON).date()
    while days:
        day += timedelta(days=1)
        if day.weekday() < SATURDAY and day not in policy.holidays:
            days -= 1
    return from_london(datetime.combine(day, policy.office_closes))


def clocks_for(
    priority: Priority, now: datetime, policy: ClockPolicy, contact_within: timedelta | None = None
) -> Clocks:
    """The clocks of an alert of this priority that starts `now`.

    `contact_within` is the rule's own span (domain.md section 10) and stands in place of the priority's, because the
    rule knows its moment better.
    """
    spans = policy.spans.get(priority)
    if spans is None:
        clocks = Clocks(
            notify_by=next_digest(now, policy),
            acknowledge_by=working_day(now, 1, policy),
            contact_by=working_day(now, policy.planned_days, policy),
        )
    else:
        clocks = Clocks(now + spans.notify, now + spans.acknowledge, now + spans.contact)
    if contact_within is None or priority is Priority.P3:
        return clocks  # the rules' spans for P3 are working days, which only the policy can count
    return Clocks(clocks.notify_by, clocks.acknowledge_by, now + contact_within)


def sooner(one: Clocks, other: Clocks) -> Clocks:
    """The tighter of both, clock by clock."""
    return Clocks(
        min(one.notify_by, other.notify_by),
        min(one.acknowledge_by, other.acknowledge_by),
        min(one.contact_by, other.contact_by),
    )
