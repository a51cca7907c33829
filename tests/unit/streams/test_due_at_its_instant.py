"""What is due comes about at its instant, once, whatever the clock of the machine does and how long we were down."""

from datetime import UTC, date, datetime

import pytest

from domain.clock import ManualClock
from domain.kinds import Kind
from domain.people import MemberStatus, WatchAuthority
from tests.unit.streams.play import START, ed, event, hours, member
from tests.unit.streams.waiting import DAY, MOMENT, fired, house, referral, visited


class TestAtItsInstant:
    async def test_a_wait_ends_at_its_instant_and_not_a_moment_before(self) -> None:
        play = await house()
        await play.give(referral())
        await play.until(START + hours(20) - MOMENT)
        assert await fired(play) == []
        await play.until(START + hours(20))
        assert await fired(play) == [("T1", "20h", hours(20))]
        await play.until(START + hours(30))
        assert await fired(play) == [("T1", "20h", hours(20)), ("T1", "24h", hours(24)), ("T2", "", hours(24))]

    async def test_what_arrives_at_the_very_instant_is_heard_first(self) -> None:
        play = await house()
        await play.give(referral())
        await play.until(START + hours(20) - MOMENT)
        await play.give(event(Kind.TRIAGE_DONE, "M1", at=hours(20)), visited(hours(20)))
        await play.until(START + DAY)
        assert await play.alerts() == [], "nobody was told, and nobody had to be corrected"

    async def test_after_a_long_down_time_everything_comes_about_once(self) -> None:
        play = await house()
        await play.give(referral(), ed(Kind.ED_ARRIVAL, "M1", visit="V1", at=hours(1), intent="undetermined"))
        await play.until(START + 3 * DAY)
        once = await fired(play)
        assert once == [
            ("ED_LEFT_EARLY", "", hours(13)),
            ("T1", "20h", hours(20)),
            ("T1", "24h", hours(24)),
            ("T2", "", hours(24)),
        ]
        assert not any(one.late for one in await play.standing()), "the clock made them fire in time"
        await play.until(START + 9 * DAY)
        assert await fired(play) == once

    async def test_who_is_told_of_what_came_about_by_the_clock(self) -> None:
        play = await house()
        await play.give(referral())
        await play.until(START + hours(24))
        rows = [row for alert in await play.alerts() for row in await play.rows(alert)]
        assert {row.recipient_id for row in rows} == {"N1"}
        assert {row.caused_at for row in rows} == {START + hours(20), START + hours(24)}, "the clock that people feel"


class TestTheMachinesClock:
    async def test_going_back_rings_nothing_early_and_nothing_twice(self) -> None:
        play = await house()
        await play.give(referral())
        await play.until(START + hours(20))
        play.clock.set(START + hours(15))
        await play.keep_time()
        assert len(await fired(play)) == 1
        await play.until(START + hours(23))
        assert len(await fired(play)) == 1
        await play.until(START + hours(24))
        assert len(await fired(play)) == 3

    async def test_years_ahead_and_back_again_makes_nobody_deaf(self) -> None:
        play = await house()
        await play.give(referral())
        await play.until(START + 3650 * DAY)
        play.clock.set(START + hours(30))
        await play.keep_time()
        again = referral(hours(31), key="again")
        await play.give(again)
        assert await play.ended(again) == "no_rule"
        await play.until(START + hours(51))
        assert ("T1", "20h", hours(51)) in await fired(play)


@pytest.mark.parametrize(
    ("start", "review_on", "due", "why"),
    [
        (datetime(2026, 3, 2, tzinfo=UTC), date(2026, 3, 28), datetime(2026, 3, 29, tzinfo=UTC), "winter time still"),
        (datetime(2026, 3, 2, tzinfo=UTC), date(2026, 3, 29), datetime(2026, 3, 29, 23, tzinfo=UTC), "23 hours long"),
        (datetime(2026, 10, 1, tzinfo=UTC), date(2026, 10, 24), datetime(2026, 10, 24, 23, tzinfo=UTC), "summer time"),
        (datetime(2026, 10, 1, tzinfo=UTC), date(2026, 10, 25), datetime(2026, 10, 26, tzinfo=UTC), "25 hours long"),
    ],
)
async def test_a_review_date_ends_with_its_london_day(
    start: datetime, review_on: date, due: datetime, why: str
) -> None:
    watch = WatchAuthority(starts=date(2026, 1, 1), review_on=review_on)
    play = await house(member("M1", status=MemberStatus.ACTIVE, watch=watch), clock=ManualClock(start))
    await play.until(due - MOMENT)
    assert await play.standing() == [], why
    await play.until(due)
    assert [(one.rule_id, one.fired_at) for one in await play.standing()] == [("T4", due)], why
