"""Timers at work: what is due comes about once, never early, never twice, and never before what was received first."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from alerts.model import AlertState
from domain.clock import ManualClock
from domain.events import Event
from domain.ids import MemberId
from domain.kinds import Kind
from domain.people import CohortMember, MemberStatus, WatchAuthority
from streams import planner, timers
from streams.memory_server import MemoryServer
from streams.planner import PAGE, Planner
from streams.timers import SecondHop, TimerPolicy, Timers
from tests.unit.streams.play import NO_WAIT, START, Play, ed, event, hours, member, memory_twin, minutes
from triggers.loading import shipped_rules
from triggers.rules import combined

EVERYTHING = combined([shipped_rules("tipt"), shipped_rules("programme")])
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


def referral(at: timedelta = timedelta(0), who: str = "M1", **fields: Any) -> Event:
    return event(Kind.REFERRAL_RECEIVED, who, at=at, **fields)


def visited(at: timedelta, who: str = "M1", **fields: Any) -> Event:
    return event(Kind.VISIT_MADE, who, at=at, **fields)


async def house(*people: CohortMember, **play: Any) -> Play:
    """A house in which time is kept from the start."""
    made = Play(people or (member("M1", status=MemberStatus.REFERRED),), rules=EVERYTHING, **play)
    await made.keep_time()
    return made


async def fired(play: Play, *people: str) -> list[tuple[str, str, timedelta]]:
    """(rule, step, after how long) of what stands, in order of time."""
    found = [(one.fired_at, one.rule_id, one.step) for one in await play.standing(*people)]
    return [(rule, step, at - START) for at, rule, step in sorted(found)]


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
        play.timers = _fresh(play, grace=timedelta(seconds=1))
        await play.give(referral())
        await play.until(START + hours(20) + timedelta(milliseconds=999))
        assert await play.alerts() == []
        await play.until(START + hours(20) + timedelta(seconds=1))
        assert len(await play.alerts()) == 1


def _fresh(play: Play, grace: timedelta = timedelta(0)) -> Timers:
    policy = TimerPolicy(grace=grace)
    return Timers(play.twin.timers, lambda: play.index, play.current_world, play.clock, policy=policy)


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


class TestSeveralWorkers:
    async def test_the_second_changes_nothing(self) -> None:
        play = await house()
        await play.give(referral())
        play.clock.set(START + hours(25))
        other = _fresh(play)
        await asyncio.gather(play.timers.run_once(), other.run_once(), play.timers.run_once())
        assert len(await fired(play)) == 3
        assert len(await play.alerts()) == 2
        state = await play.twin.decisions.person(MemberId("M1"))  # type: ignore[attr-defined]
        assert state.version == 2

    async def test_a_decision_of_before_the_planning_is_made_again(self) -> None:
        play = await house()
        await play.give(referral())
        version = (await play.twin.decisions.person(MemberId("M1"))).version  # type: ignore[attr-defined]
        play.change(member("M1", status=MemberStatus.ACTIVE))
        await play.keep_time()
        assert (await play.twin.decisions.person(MemberId("M1"))).version > version  # type: ignore[attr-defined]


class _Poison(Exception):
    pass


async def test_one_person_who_cannot_be_handled_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    play = await house(*(member(name, status=MemberStatus.REFERRED) for name in ("M1", "M2", "M3")))
    await play.give(*(referral(who=name, key=name) for name in ("M1", "M2", "M3")))
    load = play.twin.timers.load_person

    async def loading(name: MemberId) -> Any:
        if name == "M2":
            raise _Poison
        return await load(name)

    monkeypatch.setattr(play.twin.timers, "load_person", loading)
    await play.until(START + hours(20))
    assert {one.member_id for one in await play.standing()} == {"M1", "M3"}
    monkeypatch.undo()
    await play.until(START + hours(20) + minutes(2))
    assert {one.member_id for one in await play.standing()} == {"M1", "M2", "M3"}


class TestPlanning:
    async def test_rules_that_go_live_make_nothing_old_fire_and_wait_for_what_is_to_come(self) -> None:
        play = await house()
        play.use(rules=shipped_rules("tipt"), rules_mark="rules@2")
        await play.keep_time()
        await play.give(referral())
        await play.until(START + hours(21))
        play.use(rules=EVERYTHING, rules_mark="rules@3")
        await play.keep_time()
        assert await fired(play) == [], "what was due before they went live is past"
        await play.until(START + hours(30))
        assert await fired(play) == [("T1", "24h", hours(24)), ("T2", "", hours(24))]

    async def test_what_falls_due_between_going_live_and_being_planned_is_not_lost(self) -> None:
        play = await house()
        play.use(rules=shipped_rules("tipt"), rules_mark="rules@2")
        await play.keep_time()
        await play.give(referral())
        await play.until(START + hours(23))
        play.use(rules=EVERYTHING, rules_mark="rules@3", rules_since=START + hours(23))
        await play.until(START + hours(25))
        assert await fired(play) == [("T1", "24h", hours(24)), ("T2", "", hours(24))]

    async def test_nor_by_an_event_in_between(self) -> None:
        play = await house()
        play.use(rules=shipped_rules("tipt"), rules_mark="rules@2")
        await play.keep_time()
        await play.give(referral())
        await play.until(START + hours(23))
        play.use(rules=EVERYTHING, rules_mark="rules@3", rules_since=START + hours(23))
        await play.give(event(Kind.APPOINTMENT_KEPT, "M1", at=hours(25)))
        assert await fired(play) == [("T1", "24h", hours(24)), ("T2", "", hours(24))]

    async def test_what_was_overdue_when_the_rules_changed_is_not_lost(self) -> None:
        play = await house()
        await play.give(referral())
        play.clock.set(START + hours(48))  # the service was down over both instants, and came back with other rules
        play.use(rules=combined([shipped_rules("programme")]), rules_mark="rules@2", rules_since=START + hours(48))
        await play.keep_time()
        assert await fired(play) == [("T1", "20h", hours(20)), ("T1", "24h", hours(24)), ("T2", "", hours(24))]

    async def test_who_joins_is_planned_from_their_record_alone(self) -> None:
        play = await house()
        watch = WatchAuthority(starts=date(2026, 1, 1), review_on=date(2026, 3, 5))
        play.change(member("M2", status=MemberStatus.ACTIVE, watch=watch, joined_at=START))
        await play.until(START + 4 * DAY)
        assert [(one.member_id, one.rule_id) for one in await play.standing()] == [("M2", "T4")]

    async def test_who_could_not_be_planned_is_tried_again_until_it_can_be_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No later pass comes to their help: the rules and the people are the same when the fault is mended."""
        play = await house(member("M1"), member("M2", status=MemberStatus.ACTIVE))
        work_out, ring = planner.next_due, timers.ring

        def poisoned(work: Any) -> Any:
            def tried(person: Any, *more: Any, **named: Any) -> Any:
                if person.state.member_id == "M2" or (more[0] is not None and more[0].member_id == "M2"):
                    raise _Poison
                return work(person, *more, **named)

            return tried

        monkeypatch.setattr(planner, "next_due", poisoned(work_out))
        monkeypatch.setattr(timers, "ring", poisoned(ring))
        watch = WatchAuthority(starts=date(2026, 1, 1), review_on=date(2026, 3, 5))
        play.change(member("M2", status=MemberStatus.ACTIVE, watch=watch))
        await play.give(event(Kind.APPOINTMENT_KEPT, "M1", at=hours(1)))
        await play.keep_time()
        monkeypatch.undo()
        await play.until(START + 4 * DAY)
        assert [(one.member_id, one.rule_id) for one in await play.standing()] == [("M2", "T4")]

    async def test_a_review_date_that_is_moved_moves_the_timer(self) -> None:
        def until(day: date) -> CohortMember:
            watch = WatchAuthority(starts=date(2026, 1, 1), review_on=day)
            return member("M1", status=MemberStatus.ACTIVE, watch=watch)

        play = await house(until(date(2026, 3, 5)))
        await play.until(START + DAY)
        play.change(until(date(2026, 3, 9)))
        await play.until(START + 6 * DAY)
        assert await play.standing() == []
        await play.until(START + 8 * DAY)
        assert [one.rule_id for one in await play.standing()] == ["T4"]

    @pytest.mark.parametrize("how", ["closed", "removed"])
    async def test_the_timer_of_whoever_leaves_goes(self, how: str) -> None:
        play = await house()
        await play.give(referral())
        if how == "closed":
            play.change(member("M1", status=MemberStatus.CLOSED))
        else:
            play.change(without=["M1"])
        await play.keep_time()
        assert (await play.twin.timers.waiting()).people == 0
        await play.until(START + 3 * DAY)
        assert await play.standing("M1") == []

    async def test_the_timer_of_whoever_left_unnoticed_rings_for_nobody(self) -> None:
        play = await house()
        await play.give(referral())
        play.index = play.index.build((), play.index.version)
        await play.until(START + 3 * DAY)
        assert (await play.twin.timers.waiting()).people == 0
        assert await play.standing("M1") == []

    async def test_a_death_amid_a_pass_loses_nobody(self) -> None:
        names = [f"P{number:03d}" for number in range(3 * PAGE)]
        watch = WatchAuthority(starts=date(2026, 1, 1), review_on=date(2026, 3, 5))
        people = [member(name, status=MemberStatus.ACTIVE, watch=watch, born=1990 + len(name)) for name in names]
        for pages in range(1, 5):
            server = MemoryServer(ManualClock(START))
            play = Play(people, memory_twin(server), rules=EVERYTHING, clock=server.clock)  # type: ignore[arg-type]
            for _ in range(pages):
                await play.planner.run_once()
            play.connect(memory_twin(server))
            play.clock.advance(minutes(5))
            await play.until(START + 4 * DAY)
            assert len(await play.standing()) == len(names), f"died after {pages} pages"

    async def test_people_whose_records_say_the_same_wait_for_the_same(self) -> None:
        watch = WatchAuthority(starts=date(2026, 1, 1), review_on=date(2026, 3, 5))
        people = [member(f"M{n}", status=MemberStatus.ACTIVE, watch=watch, navigator_id=None) for n in range(1, 9)]
        play = await house(*people, member("M9", status=MemberStatus.ACTIVE))
        outlooks = await play.twin.timers.outlooks([MemberId(f"M{n}") for n in range(1, 10)])
        assert {one.due for one in outlooks[:8]} == {datetime(2026, 3, 6, tzinfo=UTC)}
        assert outlooks[8].due is None


async def test_live_events_come_first_and_everything_has_its_turn() -> None:
    """The second hop as the service runs it: a page of timers and of planning between batches of events."""
    people = [member(f"M{n}", status=MemberStatus.REFERRED) for n in range(1, 60)]
    play = Play(people, rules=EVERYTHING)
    hop = SecondHop(play.decider, play.timers, play.planner)
    await hop.run_once(NO_WAIT)
    await play.accept(*(referral(who=each.member_id, key=each.member_id) for each in people))
    while await play.recogniser.run_once(NO_WAIT) or await hop.run_once(NO_WAIT):
        pass
    play.clock.set(START + hours(21))
    await play.accept(ed(Kind.ED_ARRIVAL, "M1", visit="V", at=hours(21), intent="assault", mechanism="sharp"))
    await play.recogniser.run_once(NO_WAIT)
    assert await hop.run_once(NO_WAIT) == 1
    assert "ED_WEAPON_ASSAULT" in [one.rule_id for one in await play.standing("M1")]
    for _ in range(20):
        await hop.run_once(NO_WAIT)
        await asyncio.sleep(0.002)
    assert {one.member_id for one in await play.standing() if one.rule_id == "T1"} == {
        each.member_id for each in people
    }


async def test_planning_knows_since_when_before_it_has_begun_a_pass() -> None:
    play = await house()
    planner: Planner = play.planner
    assert planner.since("rules@1", 0) == START
    play.clock.advance(hours(1))
    await play.keep_time()
    assert planner.since("rules@1", 0) == START
    assert planner.since("rules@2", 0) == START + hours(1), "when the ones before were last seen in force"
    play.clock.set(START - hours(1))
    assert planner.since("rules@2", 0) == START - hours(1), "never in the future"


async def test_a_worker_that_does_not_plan_follows_the_one_that_does() -> None:
    play = await house()
    other = Planner(play.twin.timers, play._changed, lambda: play.index, play.current_world, play.clock)
    await other.begin()
    play.clock.advance(hours(1))
    play.use(rules_mark="rules@2")
    await play.keep_time()
    for _ in range(20):
        await other.follow()
    assert other.since("rules@2", 0) == play.planner.since("rules@2", 0) == START
    await play.planner.follow()
    assert play.planner.since("rules@2", 0) == START


async def test_a_world_without_a_planner_keeps_time_from_the_first_event_on() -> None:
    play = Play((member("M1", status=MemberStatus.REFERRED),), rules=EVERYTHING)
    await play.give(referral())
    await play.give(event(Kind.APPOINTMENT_KEPT, "M1", at=hours(21)))
    assert await fired(play) == [("T1", "20h", hours(20))]
    assert replace(play.world, waits_since=None) == play.world
