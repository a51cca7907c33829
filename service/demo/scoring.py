"""What the demo is measured by: the truth that the generator wrote beside its feeds, against what the service did."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.model import Alert, AlertState, Delivery, DeliveryStatus, Purpose, TriggerState
from fixtures.force import Force

Key = tuple[str, str, datetime]
"""A firing as both sides know it: whom it is about, which rule, when in event time."""


@dataclass(frozen=True, slots=True)
class Score:
    """Detection: of what should have been told, how much was; of what was told, how much should have been."""

    expected: int
    told: int
    missed: tuple[tuple[Key, str], ...] = ()  # with the story it belongs to
    unexpected: tuple[Key, ...] = ()

    @property
    def recall(self) -> float:
        """Share of the true moments that were told."""
        return 1 - len(self.missed) / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        """Share of what was told that is true."""
        return 1 - len(self.unexpected) / self.told if self.told else 1.0


@dataclass(frozen=True, slots=True)
class Recognition:
    """Of the live events truly about watched people, how many reached them, and how many went to an analyst."""

    about_watched: int
    reached: int
    reviewed: int
    wrongly: int


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from acceptance to hand-over, of the first messages of alerts."""

    count: int
    p50: float
    p99: float
    worst: float


@dataclass(frozen=True, slots=True)
class Tally:
    """What was fired and told, counted."""

    by_rule: Mapping[str, int]
    alerts: Mapping[str, int]
    merged_firings: int
    messages: Mapping[tuple[str, str], int] = field(default_factory=dict)  # by channel and purpose


def detection(force: Force, alerts: Sequence[Alert]) -> Score:
    """Compare the firings behind all alerts with the moments of the truth.

    Of what nobody does (absence), only what is due by the end of the story counts; a firing that another of the same
    rule has replaced is no firing of its own.
    """
    covered = set(force.truth.covers)
    wanted = {
        (moment.member_id, moment.rule_id, moment.at): moment.story
        for moment in force.truth.moments
        if moment.clock == "event" or moment.at <= force.spec.end
    }
    told = {
        (record.trigger.member_id, record.trigger.rule_id, record.trigger.fired_at)
        for alert in alerts
        if alert.state is not AlertState.MERGED
        for record in alert.triggers
        if record.state is not TriggerState.SUPERSEDED and record.trigger.rule_id in covered
    }
    missed = tuple((key, story) for key, story in sorted(wanted.items()) if key not in told)
    return Score(len(wanted), len(told), missed, tuple(sorted(told - wanted.keys())))


def tally(alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> Tally:
    """Count firings by rule, alerts by state, firings that joined an alert, and messages that were handed over."""
    kept = [alert for alert in alerts if alert.state is not AlertState.MERGED]
    firings = [record for alert in kept for record in alert.triggers if record.state is not TriggerState.SUPERSEDED]
    handed = (row for row in deliveries if row.status in {DeliveryStatus.ACCEPTED, DeliveryStatus.DELIVERED})
    return Tally(
        by_rule=Counter(record.trigger.rule_id for record in firings),
        alerts=Counter(alert.state.value for alert in alerts),
        merged_firings=len(firings) - len(kept),
        messages=Counter((row.channel.value, row.purpose.value) for row in handed),
    )


def latency(deliveries: Sequence[Delivery]) -> Latency | None:
    """How long it took from the acceptance of an event to the hand-over of its alert; None if nothing was handed."""
    spans = sorted(
        (row.handed_at - row.caused_at).total_seconds()
        for row in deliveries
        if row.handed_at and row.caused_at and row.purpose is Purpose.ALERT
    )
    if not spans:
        return None
    return Latency(len(spans), spans[len(spans) // 2], spans[min(len(spans) - 1, int(len(spans) * 0.99))], spans[-1])
