"""What is due never comes before what was received first: events late, under way, and at the same instant."""

from datetime import timedelta

from alerts.model import AlertState
from domain.kinds import Kind
from tests.unit.streams.play import NO_WAIT, START, Play, ed, event, hours, memory_twin, minutes
from tests.unit.streams.waiting import DAY, fired, fresh, house, referral, visited


class TestBesideEvents:
    async def test_what_an_event_refutes_never_fires_though_the_timers_lag(self) -> None:
        play = await house()
        await play.give(referral(), event(Kind.TRIAGE_DONE, "M1", at=hours(2)))
        await play.give(visited(hours(10), received=hours(26)))
        await play.until(START + 2 * DAY)
        assert await play.alerts() == [], "and nobody gets a correction of what nobody was told"

    async def test_told_in_time_it_is_corrected(self) -> None:
        play = await house()
        await play.give(referral(), event(Kind.TRIAGE_DONE, "M1", at=hours(2)))
        await play.until(START + hours(25))
        await play.give(visited(hours(10), received=hours(26)))
        assert await fired(play) == []
        assert {alert.state for alert in await play.alerts()} == {AlertState.WITHDRAWN}

    async def test_what_is_due_comes_about_with_an_event_and_is_not_the_events_doing(self) -> None:
        play = await house()
        await play.give(referral())
        late = event(Kind.APPOINTMENT_KEPT, "M1", at=hours(30))
        await play.give(late)
        assert [rule for rule, _, _ in await fired(play)] == ["T1", "T1", "T2"]
        assert await play.ended(late) == "no_rule"
        await play.until(START + hours(40))
        assert len(await fired(play)) == 3, "the timers find nothing more to do"

    async def test_a_wait_that_has_ended_when_it_is_heard_of_fires_at_once(self) -> None:
        play = await house()
        heard_late = referral(received=hours(30))
        await play.give(heard_late)
        assert await play.alerts() == []
        await play.keep_time()
        assert [rule for rule, _, _ in await fired(play)] == ["T1", "T1", "T2"]
        assert all(one.late for one in await play.standing())

    async def test_but_not_before_what_came_with_it_was_heard(self) -> None:
        """A hospital that was silent for a day tells of arrivals and departures together: nobody is told of the first
        and corrected by the second."""
        play = await house()
        told = (Kind.ED_ARRIVAL, Kind.ED_DEPARTED)
        visit = [
            ed(kind, "M1", visit="V1", at=hours(place), received=hours(30), intent="undetermined")
            for place, kind in enumerate(told, start=1)
        ]
        await play.accept(*visit)
        await play.recogniser.run_once(NO_WAIT)
        await play.keep_time()
        await play.run()
        await play.until(START + hours(31))
        assert await play.alerts() == []

    async def test_an_event_heard_after_the_timer_rang_is_judged_by_what_was_told(self) -> None:
        """The timer failed open; what was under way then refutes it now, and whoever was told is told so."""
        play = await house()
        await play.give(referral(), event(Kind.TRIAGE_DONE, "M1", at=hours(1)))
        await play.until(START + hours(24))
        assert len(await fired(play)) == 2
        await play.give(visited(hours(19), received=hours(19)))
        assert await fired(play) == []


class TestEventsUnderWay:
    @staticmethod
    async def _with_an_event_under_way() -> Play:
        play = await house()
        await play.give(referral(), event(Kind.TRIAGE_DONE, "M1", at=hours(1)))
        await play.accept(visited(hours(20) - timedelta(seconds=30)))
        return play

    async def test_hold_back_what_is_due_after_they_were_accepted(self) -> None:
        play = await self._with_an_event_under_way()
        await play.until(START + hours(20) + timedelta(seconds=1))
        await play.until(START + hours(20) + timedelta(seconds=20))
        assert await play.alerts() == []
        await play.run()
        await play.until(START + hours(30))
        assert await play.alerts() == []

    async def test_hold_nothing_back_for_more_than_a_minute(self) -> None:
        play = await self._with_an_event_under_way()
        await play.until(START + hours(20) + timedelta(seconds=30))
        assert await play.alerts() == []
        await play.until(START + hours(20) + timedelta(seconds=31))
        assert len(await play.alerts()) == 1

    async def test_have_their_minute_after_a_start(self) -> None:
        play = await self._with_an_event_under_way()
        play.clock.set(START + 3 * DAY)
        play.connect(memory_twin(play.twin.server))  # type: ignore[arg-type]
        await play.keep_time()
        assert await play.alerts() == [], "what was left under way three days ago comes first"
        await play.run()
        await play.until(START + 3 * DAY + minutes(2))
        assert await play.alerts() == []

    async def test_a_timer_waits_a_moment_for_what_is_on_its_way_into_the_store(self) -> None:
        play = await house()
        play.timers = fresh(play, grace=timedelta(seconds=1))
        await play.give(referral())
        await play.until(START + hours(20) + timedelta(milliseconds=999))
        assert await play.alerts() == []
        await play.until(START + hours(20) + timedelta(seconds=1))
        assert len(await play.alerts()) == 1
