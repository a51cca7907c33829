"""Sending again: what becomes of a message after an attempt, and when a channel rests. Pure; the store keeps the rows.

A message that was refused for now is tried again with growing pauses until the hand-over window ends; one that got no
answer may have arrived, so it is repeated more gently. A channel that keeps failing rests, and one message at a time
then tries whether it is back (circuit breaker).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.model import Delivery, DeliveryStatus, FailureReason
from alerts.senders.ports import Accepted, Refused, SendResult, Unknown


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses and limits. A pause doubles from `first` up to `longest`; after no answer from `first_unknown` up to
    `longest_unknown`, because networks block numbers that get many alike (domain.md section 7.5)."""

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=5)
    first_unknown: timedelta = timedelta(seconds=30)
    longest_unknown: timedelta = timedelta(hours=1)
    window: timedelta = timedelta(hours=72)


def after_attempt(delivery: Delivery, result: SendResult, now: datetime, policy: RetryPolicy) -> Delivery:
    """The row after an attempt that ended `now`: accepted, waiting for the next attempt, or failed for good.

    A row whose window has ended fails with `gave_up`. The window runs from when the row was made and is far longer
    than the longest wait for a digest.
    """
    match result:
        case Accepted(provider_id=provider_id):
            return replace(
                delivery,
                status=DeliveryStatus.ACCEPTED,
                reason=FailureReason.NONE,
                handed_at=now,
                provider_id=provider_id,
            )
        case Refused(reason=reason, recoverable=False):
            return replace(delivery, status=DeliveryStatus.FAILED, reason=reason)
        case Refused(reason=reason):
            return _again(delivery, DeliveryStatus.QUEUED, reason, now, policy)
        case Unknown(reason=reason):
            doubtful = replace(delivery, repeats=delivery.repeats + 1)
            return _again(doubtful, DeliveryStatus.UNKNOWN, reason, now, policy)


def pause(attempts: int, first: timedelta, longest: timedelta) -> timedelta:
    """How long to wait after that many attempts (from 1): first, twice that, four times ..., never above `longest`."""
    doublings = min(attempts - 1, 32)  # beyond any cap, and no overflow after days of attempts
    return min(longest, first * 2**doublings) if doublings > 0 else min(longest, first)


def _again(
    delivery: Delivery, status: DeliveryStatus, reason: FailureReason, now: datetime, policy: RetryPolicy
) -> Delivery:
    if now - delivery.created_at >= policy.window:
        return replace(delivery, status=DeliveryStatus.FAILED, reason=FailureReason.GAVE_UP)
    first, longest = (
        (policy.first_unknown, policy.longest_unknown)
        if status is DeliveryStatus.UNKNOWN
        else (policy.first, policy.longest)
    )
    return replace(delivery, status=status, reason=reason, due_at=now + pause(delivery.attempts, first, longest))


def shares(urgent: int, others: int, limit: int) -> tuple[int, int]:
    """How many urgent rows and how many others to take where that many are due and `limit` may be taken.

    Urgent ones go first, but a quarter of a batch is for the others as long as any are due: a flood of P1 must not
    keep a P2 waiting for ever.
    """
    kept = min(others, limit // 4)
    first = min(urgent, limit - kept)
    return first, min(others, limit - first)


class BreakerState(StrEnum):
    """Whether a channel is in use."""

    CLOSED = "closed"  # in use
    OPEN = "open"  # resting
    HALF_OPEN = "half_open"  # one message tries whether it is back


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """`threshold` failures of the provider in a row open the breaker for `rest`, doubling up to `longest_rest`."""

    threshold: int = 5
    rest: timedelta = timedelta(seconds=5)
    longest_rest: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of one channel as a value. `rests` counts the rests since it last worked."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    rests: int = 0
    until: datetime | None = None


PROVIDER_FAULTS = frozenset(
    {FailureReason.PROVIDER_DOWN, FailureReason.RATE_LIMITED, FailureReason.NOT_ALLOWED, FailureReason.TIMED_OUT}
)
"""Failures that say something of the provider and not of one recipient."""


def permits(breaker: Breaker, now: datetime, most: int) -> tuple[Breaker, int]:
    """How many messages may be sent now (at most `most`): all, none while resting, one to try after the rest."""
    if breaker.state is BreakerState.CLOSED:
        return breaker, most
    if breaker.state is BreakerState.OPEN and breaker.until is not None and now < breaker.until:
        return breaker, 0
    return replace(breaker, state=BreakerState.HALF_OPEN), min(1, most)


def after_result(breaker: Breaker, result: SendResult, now: datetime, policy: BreakerPolicy) -> Breaker:
    """The breaker after one message's result. A refusal of one recipient shows that the provider works."""
    fault = isinstance(result, Unknown) or (isinstance(result, Refused) and result.reason in PROVIDER_FAULTS)
    if not fault:
        return Breaker()
    failures = breaker.failures + 1
    if breaker.state is not BreakerState.HALF_OPEN and failures < policy.threshold:
        return replace(breaker, failures=failures)
    if breaker.state is BreakerState.OPEN:
        return replace(breaker, failures=failures)  # the rest of a batch that was already under way
    rest = pause(breaker.rests + 1, policy.rest, policy.longest_rest)
    return Breaker(BreakerState.OPEN, failures, breaker.rests + 1, now + rest)
