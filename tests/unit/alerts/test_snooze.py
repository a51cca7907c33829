"""A snooze as a value: how long it holds, what breaks through it, and who may do what to it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.snooze import (
    LONGEST,
    Maker,
    Snooze,
    Snoozes,
    SnoozeState,
    confirmed,
    end_of,
    lifted,
    snoozed,
)
from domain.errors import NotAllowed
from domain.ids import MemberId, NavigatorId, RuleId
from domain.triggers import Priority
from tests.unit.alerts.build import START, at, firing

NAVIGATOR = Maker("N1", "navigator", NavigatorId("N1"))
SUPERVISOR = Maker("S1", "supervisor", NavigatorId("S1"))


def snooze(hours: float = 2, *, asks_p1: bool = False, by: Maker = SUPERVISOR) -> Snooze:
    return snoozed(
        RuleId("ED_ASSAULT"),
        MemberId("M1"),
        ends_at=START + timedelta(hours=hours),
        reason="in hospital",
        by=by,
        asks_p1=asks_p1,
        now=START,
    )


@pytest.mark.parametrize(
    ("priority", "minute", "holds", "why"),
    [
        (Priority.P2, 0, True, "from the moment it is made"),
        (Priority.P3, 119.9, True, "until just before its end"),
        (Priority.P2, 120, False, "its end is outside"),
        (Priority.P2, -1, False, "not before it was made"),
        (Priority.P1, 60, False, "a P1 breaks through"),
    ],
)
def test_what_a_snooze_keeps_quiet(priority: Priority, minute: float, holds: bool, why: str) -> None:
    assert snooze().holds(priority, at(minute)) is holds, why


def test_a_p1_is_quiet_from_when_a_second_person_says_so() -> None:
    asked = snooze(asks_p1=True)
    assert not asked.holds(Priority.P1, at(30))
    agreed = confirmed(asked, NAVIGATOR, at(40))
    assert [agreed.holds(Priority.P1, at(minute)) for minute in (39, 40, 119, 120)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("made", "by", "minute", "why"),
    [
        (snooze(), NAVIGATOR, 1, "nobody asked for it"),
        (snooze(asks_p1=True), SUPERVISOR, 1, "the same person"),
        (
            snooze(asks_p1=True),
            Maker("key:other", "supervisor", NavigatorId("S1")),
            1,
            "the same navigator's other key",
        ),
        (
            snooze(asks_p1=True, by=Maker("user:anna", "local")),
            Maker("key:Anna", "supervisor"),
            1,
            "by account, by key",
        ),
        (snooze(asks_p1=True), NAVIGATOR, 120, "it is over"),
        (confirmed(snooze(asks_p1=True), NAVIGATOR, at(1)), Maker("N2", "navigator"), 2, "a third is not needed"),
    ],
)
def test_nobody_quiets_a_p1_alone(made: Snooze, by: Maker, minute: float, why: str) -> None:
    with pytest.raises(NotAllowed):
        confirmed(made, by, at(minute))


def test_a_lifted_snooze_holds_no_more_and_stays_lifted() -> None:
    gone = lifted(snooze(), NAVIGATOR, "back home", at(10))
    assert gone.holds(Priority.P2, at(9)) and not gone.holds(Priority.P2, at(10))
    assert gone.state_at(at(10)) is SnoozeState.LIFTED and gone.over_at == at(10)
    assert lifted(gone, SUPERVISOR, "again", at(11)) is gone
    for reason, minute in (("", 1), ("late", 120)):
        with pytest.raises(NotAllowed):
            lifted(snooze(), NAVIGATOR, reason, at(minute))


@pytest.mark.parametrize(
    ("now", "until", "ends", "why"),
    [
        (datetime(2026, 3, 2, 9, tzinfo=UTC), date(2026, 3, 2), datetime(2026, 3, 3, tzinfo=UTC), "today, in winter"),
        (
            datetime(2026, 3, 28, 9, tzinfo=UTC),
            date(2026, 3, 29),
            datetime(2026, 3, 29, 23, tzinfo=UTC),
            "the night the clocks go forward",
        ),
        (
            datetime(2026, 10, 24, 9, tzinfo=UTC),
            date(2026, 10, 25),
            datetime(2026, 10, 26, tzinfo=UTC),
            "the night they go back",
        ),
        (
            datetime(2026, 6, 1, 9, tzinfo=UTC),
            date(2026, 7, 1),
            datetime(2026, 7, 1, 9, tzinfo=UTC),
            "the thirtieth day, and no longer than thirty days",
        ),
    ],
)
def test_a_last_day_is_a_london_day(now: datetime, until: date, ends: datetime, why: str) -> None:
    assert end_of(now, until=until) == ends, why


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "no end"),
        ({"until": date(2026, 3, 3), "span": timedelta(days=1)}, "two ends"),
        ({"until": date(2026, 3, 1)}, "a day that is over"),
        ({"until": date(2026, 4, 2)}, "beyond thirty days"),
        ({"until": date(9999, 12, 31)}, "for ever"),
        ({"span": timedelta(0)}, "no time at all"),
        ({"span": timedelta(days=-1)}, "backwards"),
        ({"span": timedelta(days=30, seconds=1)}, "beyond thirty days"),
        ({"span": timedelta.max}, "for ever"),
    ],
)
def test_ends_that_cannot_be(fields: dict[str, object], why: str) -> None:
    with pytest.raises(NotAllowed):
        end_of(START, **fields)  # type: ignore[arg-type]


@given(
    span=st.timedeltas(min_value=timedelta(seconds=1), max_value=LONGEST),
    after=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=60)),
    priority=st.sampled_from(Priority),
    lift=st.none() | st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)),
)
def test_no_snooze_ever_outlives_its_end(
    span: timedelta, after: timedelta, priority: Priority, lift: timedelta | None
) -> None:
    made = snoozed(
        RuleId("ED_ASSAULT"),
        MemberId("M1"),
        ends_at=end_of(START, span=span),
        reason="x",
        by=SUPERVISOR,
        asks_p1=True,
        now=START,
    )
    made = confirmed(made, NAVIGATOR, START)
    if lift is not None and lift < span:
        made = lifted(made, NAVIGATOR, "x", START + lift)
    now = START + after
    end = START + (span if lift is None else min(span, lift))
    assert made.holds(priority, now) == (now < end)
    found = Snoozes.of([made]).holding(firing("a", priority=priority), now)
    assert (found is not None) == (now < end)


def test_a_snooze_is_for_one_rule_and_one_person() -> None:
    standing = Snoozes.of([snooze()])
    assert standing.holding(firing("a"), at(1)) is not None
    assert standing.holding(firing("a", rule="CUSTODY_ARREST"), at(1)) is None
    assert standing.holding(firing("a", member="M2"), at(1)) is None
    assert standing.of_member(MemberId("M1"), at(1)) == (snooze(),)
    assert standing.of_member(MemberId("M1"), at(120)) == ()


def test_its_reason_is_in_no_repr() -> None:
    assert "hospital" not in repr(snooze())
