"""The same call on both sides of a comparison, and whether it became more or less urgent.

An alert that stays may yet ring with another priority: that is a change too, and the one a supervisor misses first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta

from alerts.model import Alert

SAME_MOMENT = timedelta(minutes=30)
"""Two alerts of one person whose firings are that close in event time are one call (domain.md section 9, grouping)."""

Urgency = Counter[tuple[str, str]]
"""Alerts by the priority that they had with the other rules and the one that they have with these: ("P1", "P2")."""


def counterparts(alert: Alert, others: Iterable[Alert]) -> list[Alert]:
    """The other side's alerts that are the same call: on one of the same firings, or within half an hour of event
    time."""
    mine = [record.trigger for record in alert.triggers]
    ids, times = {each.firing_id for each in mine}, [each.fired_at for each in mine]
    return [
        other
        for other in others
        if any(
            record.trigger.firing_id in ids or any(abs(record.trigger.fired_at - at) <= SAME_MOMENT for at in times)
            for record in other.triggers
        )
    ]


def priority_beside(alert: Alert, others: Iterable[Alert]) -> str:
    """The highest priority that the other side gives to the same call; '' where it does not call."""
    return min((other.priority.value for other in counterparts(alert, others)), default="")


def urgency_of(new: Iterable[Alert], old: Iterable[Alert]) -> Urgency:
    """The alerts of one person that ring on both sides, with another priority."""
    before = list(old)
    pairs = ((priority_beside(alert, before), alert.priority.value) for alert in new)
    return Counter((was, now) for was, now in pairs if was and was != now)


def less_urgent(found: Mapping[tuple[str, str], int]) -> int:
    """How many of them ring with a lower priority than before."""
    return sum(number for (was, now), number in found.items() if now > was)


def more_urgent(found: Mapping[tuple[str, str], int]) -> int:
    """How many of them ring with a higher priority than before."""
    return sum(number for (was, now), number in found.items() if now < was)


def urgency_words(found: Mapping[tuple[str, str], int]) -> str:
    """'Of those that stay, 7 alerts would be less urgent (7 from P1 to P2) and 0 more urgent.'"""
    if not found:
        return "Every alert that stays would keep its priority."
    steps = ", ".join(f"{number:,} from {was} to {now}" for (was, now), number in sorted(found.items()))
    return (
        f"Of the alerts that stay, {less_urgent(found):,} would be less urgent and {more_urgent(found):,} more urgent "
        f"({steps})."
    )
