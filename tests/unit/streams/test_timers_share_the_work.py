"""Several workers, one person who cannot be handled, and live events beside timers: nothing twice, nobody waits."""

import asyncio
from typing import Any

import pytest

from domain.ids import MemberId
from domain.kinds import Kind
from domain.people import MemberStatus
from streams.timers import SecondHop
from tests.unit.streams.play import NO_WAIT, START, Play, ed, hours, member, minutes
from tests.unit.streams.waiting import EVERYTHING, Poison, fired, fresh, house, referral


class TestSeveralWorkers:
    async def test_the_second_changes_nothing(self) -> None:
        play = await house()
        await play.give(referral())
        play.clock.set(START + hours(25))
        other = fresh(play)
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


async def test_one_person_who_cannot_be_handled_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    play = await house(*(member(name, status=MemberStatus.REFERRED) for name in ("M1", "M2", "M3")))
    await play.give(*(referral(who=name, key=name) for name in ("M1", "M2", "M3")))
    load = play.twin.timers.load_person

    async def loading(name: MemberId) -> Any:
        if name == "M2":
            raise Poison
        return await load(name)

    monkeypatch.setattr(play.twin.timers, "load_person", loading)
    await play.until(START + hours(20))
    assert {one.member_id for one in await play.standing()} == {"M1", "M3"}
    monkeypatch.undo()
    await play.until(START + hours(20) + minutes(2))
    assert {one.member_id for one in await play.standing()} == {"M1", "M2", "M3"}


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
