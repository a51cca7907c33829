"""What the demo is measured by: the truth that the generator wrote beside its feeds, against what the service did."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.model import Alert, AlertState, Delivery, DeliveryStatus, Purpose, TriggerState
from fixtures.force import Force
from fixtures.tellings import Moment

Key = tuple[str, str, datetime]
"""A firing as both sides know it: whom it is about, which rule, when in event time."""


@dataclass(frozen=True, slots=True)
class Score:
    """Detection: of what should have been told, how much was; of what was told, how much should have been.

    `passed` was told before the news that takes it back had come, and was taken back; `standing` should have been taken
    back and was not.
    """

    expected: int
    told: int
    missed: tuple[Moment, ...] = ()
    unexpected: tuple[Key, ...] = ()
    passed: tuple[Key, ...] = ()
    standing: tuple[Key, ...] = ()

    @property
    def recall(self) -> float:
        """Share of the true moments that were told."""
        return 1 - len(self.missed) / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        """Share of what was told that had a ground when it was told."""
        return 1 - len(self.unexpected) / self.told if self.told else 1.0


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
    taken_back: Mapping[str, int]
    alerts: Mapping[str, int]
    merged_firings: int
    messages: Mapping[tuple[str, str], int] = field(default_factory=dict)  # by channel and purpose


def key_of(moment: Moment) -> Key:
    """The moment as a firing of it is known."""
    return str(moment.member_id), moment.rule_id, moment.at


def wanted(force: Force) -> tuple[Moment, ...]:
    """The moments that should have been told by the end of the story: what nobody does (absence) may be due later."""
    return tuple(one for one in force.truth.moments if one.clock == "event" or one.at <= force.spec.end)


def detection(force: Force, alerts: Sequence[Alert]) -> Score:
    """Compare the firings behind all alerts with the moments of the truth, and with those that pass.

    A firing that another of the same rule has replaced is no firing of its own.
    """
    expected = {key_of(moment): moment for moment in wanted(force)}
    passing = {key_of(moment) for moment in force.truth.passing}
    told = _by_first_telling(expected, _firings(force, alerts))
    lost = {key for key, moment in expected.items() if moment.withdrawn_by} | passing
    return Score(
        expected=len(expected),
        told=len(told),
        missed=tuple(moment for key, moment in sorted(expected.items()) if key not in told),
        unexpected=tuple(sorted(told.keys() - expected.keys() - passing)),
        passed=tuple(sorted(key for key in told.keys() & passing if not told[key])),
        standing=tuple(sorted(key for key in told.keys() & lost if told[key])),
    )


def _by_first_telling(expected: Mapping[Key, Moment], told: Mapping[Key, bool]) -> dict[Key, bool]:
    """What another feed's telling of the same thing brought about counts for the first one, unless both did."""
    found = dict(told)
    for key, moment in expected.items():
        again = (*key[:2], moment.or_at) if moment.or_at else None
        if again in found and key not in found:
            found[key] = found.pop(again)
    return found


def _firings(force: Force, alerts: Sequence[Alert]) -> dict[Key, bool]:
    """Every firing of a rule that the truth covers, and whether it stands."""
    found: dict[Key, bool] = {}
    for record in (each for alert in alerts if alert.state is not AlertState.MERGED for each in alert.triggers):
        fired = record.trigger
        if record.state is not TriggerState.SUPERSEDED and fired.rule_id in force.truth.covers:
            key = (str(fired.member_id), str(fired.rule_id), fired.fired_at)
            found[key] = found.get(key, False) or record.state is TriggerState.LIVE
    return found


def tally(alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> Tally:
    """Count firings by rule, alerts by state, firings that joined an alert, and messages that were handed over."""
    kept = [alert for alert in alerts if alert.state is not AlertState.MERGED]
    firings = [record for alert in kept for record in alert.triggers if record.state is not TriggerState.SUPERSEDED]
    handed = (row for row in deliveries if row.status in {DeliveryStatus.ACCEPTED, DeliveryStatus.DELIVERED})
    return Tally(
        by_rule=Counter(record.trigger.rule_id for record in firings),
        taken_back=Counter(one.trigger.rule_id for one in firings if one.state is TriggerState.WITHDRAWN),
        alerts=Counter(alert.state.value for alert in alerts),
        merged_firings=len(firings) - len(kept),
        messages=Counter((row.channel.value, row.purpose.value) for row in handed),
    )


def latency(deliveries: Sequence[Delivery], since: datetime | None = None) -> Latency | None:
    """How long it took from the acceptance of an event to the hand-over of its alert; None if nothing was handed.

    What the clock brought about counts from when it was due: `since` leaves out what was due before the feeds spoke.
    """
    spans = sorted(
        (row.handed_at - row.caused_at).total_seconds()
        for row in deliveries
        if row.handed_at and row.caused_at and row.purpose is Purpose.ALERT and (not since or row.caused_at >= since)
    )
    if not spans:
        return None
    return Latency(len(spans), spans[len(spans) // 2], spans[min(len(spans) - 1, int(len(spans) * 0.99))], spans[-1])
