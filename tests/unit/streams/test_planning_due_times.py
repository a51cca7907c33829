"""Rules or people change: due times are worked out anew, nothing old fires and nothing that was due is lost."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.clock import ManualClock
from domain.ids import MemberId
from domain.kinds import Kind
from domain.people import CohortMember, MemberStatus, WatchAuthority
from streams import planner, timers
from streams.memory_server import MemoryServer
from streams.planner import PAGE, Planner
from tests.unit.streams.play import START, Play, event, hours, member, memory_twin, minutes
from tests.unit.streams.waiting import DAY, EVERYTHING, Poison, fired, house, referral
from triggers.loading import shipped_rules
from triggers.rules import combined


async def test_rules_that_go_live_make_nothing_old_fire_and_wait_for_what_is_to_come() -> None:
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


async def test_what_falls_due_between_going_live_and_being_planned_is_not_lost() -> None:
    play = await house()
    play.use(rules=shipped_rules("tipt"), rules_mark="rules@2")
    await play.keep_time()
    await play.give(referral())
    await play.until(START + hours(23))
    play.use(rules=EVERYTHING, rules_mark="rules@3", rules_since=START + hours(23))
    await play.until(START + hours(25))
    assert await fired(play) == [("T1", "24h", hours(24)), ("T2", "", hours(24))]


async def test_nor_by_an_event_in_between() -> None:
    play = await house()
    play.use(rules=shipped_rules("tipt"), rules_mark="rules@2")
    await play.keep_time()
    await play.give(referral())
    await play.until(START + hours(23))
    play.use(rules=EVERYTHING, rules_mark="rules@3", rules_since=START + hours(23))
    await play.give(event(Kind.APPOINTMENT_KEPT, "M1", at=hours(25)))
    assert await fired(play) == [("T1", "24h", hours(24)), ("T2", "", hours(24))]


async def test_what_was_overdue_when_the_rules_changed_is_not_lost() -> None:
    play = await house()
    await play.give(referral())
    play.clock.set(START + hours(48))  # the service was down over both instants, and came back with other rules
    play.use(rules=combined([shipped_rules("programme")]), rules_mark="rules@2", rules_since=START + hours(48))
    await play.keep_time()
    assert await fired(play) == [("T1", "20h", hours(20)), ("T1", "24h", hours(24)), ("T2", "", hours(24))]


async def test_who_joins_is_planned_from_their_record_alone() -> None:
    play = await house()
    watch = WatchAuthority(starts=date(2026, 1, 1), review_on=date(2026, 3, 5))
    play.change(member("M2", status=MemberStatus.ACTIVE, watch=watch, joined_at=START))
    await play.until(START + 4 * DAY)
    assert [(one.member_id, one.rule_id) for one in await play.standing()] == [("M2", "T4")]


async def test_who_could_not_be_planned_is_tried_again_until_it_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No later pass comes to their help: the rules and the people are the same when the fault is mended."""
    play = await house(member("M1"), member("M2", status=MemberStatus.ACTIVE))
    work_out, ring = planner.next_due, timers.ring

    def poisoned(work: Any) -> Any:
        def tried(person: Any, *more: Any, **named: Any) -> Any:
            if person.state.member_id == "M2" or (more[0] is not None and more[0].member_id == "M2"):
                raise Poison
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


async def test_a_review_date_that_is_moved_moves_the_timer() -> None:
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
async def test_the_timer_of_whoever_leaves_goes(how: str) -> None:
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


async def test_the_timer_of_whoever_left_unnoticed_rings_for_nobody() -> None:
    play = await house()
    await play.give(referral())
    play.index = play.index.build((), play.index.version)
    await play.until(START + 3 * DAY)
    assert (await play.twin.timers.waiting()).people == 0
    assert await play.standing("M1") == []


async def test_a_death_amid_a_pass_loses_nobody() -> None:
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


async def test_people_whose_records_say_the_same_wait_for_the_same() -> None:
    watch = WatchAuthority(starts=date(2026, 1, 1), review_on=date(2026, 3, 5))
    people = [member(f"M{n}", status=MemberStatus.ACTIVE, watch=watch, navigator_id=None) for n in range(1, 9)]
    play = await house(*people, member("M9", status=MemberStatus.ACTIVE))
    outlooks = await play.twin.timers.outlooks([MemberId(f"M{n}") for n in range(1, 10)])
    assert {one.due for one in outlooks[:8]} == {datetime(2026, 3, 6, tzinfo=UTC)}
    assert outlooks[8].due is None


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
