"""Trying again, giving up, and letting a channel rest."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.model import Delivery, DeliveryStatus, FailureReason
from alerts.outbox import Breaker, BreakerPolicy, BreakerState, RetryPolicy, after_attempt, after_result, pause, permits
from alerts.senders.ports import Accepted, Refused, SendResult, Unknown
from tests.unit.alerts.build import START, at, delivery, raised

RETRY, BREAKER = RetryPolicy(), BreakerPolicy()
DOWN = Refused(FailureReason.PROVIDER_DOWN, recoverable=True)
BAD = Refused(FailureReason.BAD_ADDRESS, recoverable=False)


def held(attempts: int = 1) -> Delivery:
    return replace(delivery(raised()), status=DeliveryStatus.HANDED, attempts=attempts, fence=attempts)


def test_what_the_provider_took_is_accepted_with_its_id() -> None:
    row = after_attempt(held(), Accepted("p-1"), at(1), RETRY)
    assert (row.status, row.provider_id, row.handed_at) == (DeliveryStatus.ACCEPTED, "p-1", at(1))


def test_what_it_will_never_take_fails_at_once() -> None:
    row = after_attempt(held(), BAD, at(1), RETRY)
    assert (row.status, row.reason) == (DeliveryStatus.FAILED, FailureReason.BAD_ADDRESS)


PAUSES = [(1, 2), (2, 4), (3, 8), (8, 256), (9, 300), (10_000, 300)]


@pytest.mark.parametrize(("attempts", "seconds"), PAUSES)
def test_pauses_double_up_to_the_cap(attempts: int, seconds: int) -> None:
    row = after_attempt(held(attempts), DOWN, START, RETRY)
    assert row.due_at - START == timedelta(seconds=seconds)
    assert (row.status, row.repeats) == (DeliveryStatus.QUEUED, 0)


def test_no_answer_is_repeated_more_gently_and_visibly() -> None:
    row = after_attempt(held(), Unknown(), START, RETRY)
    assert (row.status, row.repeats, row.due_at) == (DeliveryStatus.UNKNOWN, 1, at(0.5))
    assert row.told
    assert after_attempt(replace(row, attempts=50), Unknown(), START, RETRY).due_at == at(60)


@pytest.mark.parametrize(
    ("hours", "status"),
    [(71.9, DeliveryStatus.QUEUED), (72, DeliveryStatus.FAILED)],
    ids=["inside the window", "at its end"],
)
def test_it_is_tried_for_three_days(hours: float, status: DeliveryStatus) -> None:
    assert after_attempt(held(999), DOWN, at(hours * 60), RETRY).status is status


def test_pause_never_overflows() -> None:
    assert pause(10**9, timedelta(seconds=1), timedelta(hours=1)) == timedelta(hours=1)


def after(breaker: Breaker, *results: SendResult, minute: float = 0) -> Breaker:
    for result in results:
        breaker = after_result(breaker, result, at(minute), BREAKER)
    return breaker


def test_a_channel_that_keeps_failing_rests_then_tries_one_then_works() -> None:
    opened = after(Breaker(), *[DOWN] * 5)
    assert opened.state is BreakerState.OPEN
    assert permits(opened, at(0.08), 16) == (opened, 0)
    trying, most = permits(opened, at(0.09), 16)
    assert (trying.state, most) == (BreakerState.HALF_OPEN, 1)
    assert after(trying, Accepted()) == Breaker()
    again = after(trying, Unknown(), minute=0.09)
    assert again.state is BreakerState.OPEN
    assert again.until == at(0.09) + timedelta(seconds=10)


def test_rests_grow_to_a_cap() -> None:
    breaker = Breaker()
    for _ in range(12):
        breaker = after(replace(breaker, state=BreakerState.HALF_OPEN), DOWN)
    assert breaker.until == at(1)


def test_one_persons_bad_number_says_nothing_of_the_channel() -> None:
    assert after(Breaker(), *[DOWN] * 4, BAD, *[DOWN] * 4).state is BreakerState.CLOSED


def test_the_rest_of_a_batch_under_way_does_not_lengthen_the_rest() -> None:
    opened = after(Breaker(), *[DOWN] * 5)
    assert after(opened, *[DOWN] * 11).until == opened.until
