"""What timers may rely on, whichever store is behind them: one suite for the twin and for a real Valkey."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.clock import ManualClock
from domain.ids import EventId, MemberId, shard_of
from domain.kinds import Kind, Role
from domain.matches import Relation
from streams.memory_server import MemoryServer
from streams.messages import Disposition, Ending, Matched, PersonState
from streams.ports import NO_EVENT, Commit
from streams.timer_ports import Marks, Planned, Planning, Waiting
from tests.unit.streams.play import START, Twin, ed, hours, memory_twin, minutes, valkey_twin
from triggers.history import entry_of

M1, M2, M3 = (MemberId(name) for name in ("M1", "M2", "M3"))
PERSON = PersonState(M1, version=1)
MOMENT = timedelta(microseconds=1)


@pytest.fixture(params=["memory", pytest.param("valkey", marks=pytest.mark.server)])
def twin(request: pytest.FixtureRequest) -> Twin:
    if request.param == "memory":
        return memory_twin(MemoryServer(ManualClock(START)))
    client: Redis = request.getfixturevalue("valkey")
    return valkey_twin(client)


def committed(before: PersonState, due: datetime | None = None, **fields: Any) -> Commit:
    values: dict[str, Any] = {
        "part": "p",
        "event_id": EventId("e1"),
        "disposition": Disposition(Ending.NO_RULE),
        **fields,
    }
    return Commit(before=before, after=replace(before, version=before.version + 1), due=due, **values)


async def due_of(twin: Twin, member: MemberId = M1) -> datetime | None:
    return (await twin.timers.load_person(member)).due


class TestADueTime:
    async def test_changes_with_the_person_in_one_step(self, twin: Twin) -> None:
        assert await twin.timers.commit(committed(PersonState(M1), START))
        person = await twin.timers.load_person(M1)
        assert (person.state.version, person.due) == (1, START)
        assert await twin.timers.commit(committed(person.state, None))
        assert await due_of(twin) is None

    async def test_of_a_refused_commit_is_not_kept(self, twin: Twin) -> None:
        assert await twin.timers.commit(committed(PersonState(M1), START))
        assert not await twin.timers.commit(committed(PersonState(M1), START + hours(1)))
        assert await due_of(twin) == START

    @pytest.mark.parametrize(
        ("due", "kept", "why"),
        [
            (START, START, "a whole millisecond stays"),
            (START + MOMENT, START + timedelta(milliseconds=1), "never earlier: rounded up"),
            (START + timedelta(microseconds=999_001), START + timedelta(seconds=1), "over the second too"),
            (datetime(1969, 12, 31, 23, 59, 59, 999_500, UTC), datetime(1970, 1, 1, tzinfo=UTC), "before 1970"),
        ],
    )
    async def test_is_rounded_up_to_a_millisecond(self, twin: Twin, due: datetime, kept: datetime, why: str) -> None:
        await twin.timers.commit(committed(PersonState(M1), due))
        assert await due_of(twin) == kept, why

    async def test_comes_with_the_person_for_an_event_too(self, twin: Twin) -> None:
        await twin.timers.plan([Planned(M1, 0, START)])
        matched = Matched(replace(_visit(), mentions=()), M1, M1, Relation.SELF, Role.PATIENT)
        assert (await twin.decisions.load(matched)).due == START

    async def test_rings_at_its_instant_and_not_before(self, twin: Twin) -> None:
        await twin.timers.plan([Planned(M1, 0, START + MOMENT)])
        for until in (START, START + MOMENT, START + timedelta(microseconds=999)):
            assert await twin.timers.due_people(until, 10) == []
        assert await twin.timers.due_people(START + timedelta(milliseconds=1), 10) == [M1]

    async def test_the_earliest_come_first_and_some_can_be_left_out(self, twin: Twin) -> None:
        await twin.timers.plan(
            [Planned(M1, 0, START + hours(2)), Planned(M2, 0, START), Planned(M3, 0, START + hours(1))]
        )
        assert await twin.timers.due_people(START + hours(1), 10) == [M2, M3]
        assert await twin.timers.due_people(START + hours(9), 10) == [M2, M3, M1]
        assert await twin.timers.due_people(START + hours(9), 10, {M3}) == [M2, M1]

    async def test_of_one_shard_no_more_come_than_asked_for_beside_those_left_out(self, twin: Twin) -> None:
        alike = [MemberId(f"X{n}") for n in range(400) if shard_of(f"X{n}") == 3][:6]
        await twin.timers.plan([Planned(name, 0, START + minutes(place)) for place, name in enumerate(alike)])
        assert await twin.timers.due_people(START + hours(1), 2) == alike[:2]
        assert await twin.timers.due_people(START + hours(1), 2, alike[:3]) == alike[3:5]


class TestACommitOfTheClock:
    async def test_has_no_part_in_the_ledger(self, twin: Twin) -> None:
        clock = committed(PersonState(M1), None, part="", event_id=NO_EVENT)
        assert clock.by_clock
        assert await twin.timers.commit(clock)
        counts = await twin.transport.counts()
        assert counts.balanced
        assert not counts.disposed

    async def test_leaves_until_when_time_was_kept(self, twin: Twin) -> None:
        after = replace(PERSON, clock=START + MOMENT)
        await twin.timers.commit(replace(committed(PersonState(M1)), after=after))
        assert (await twin.timers.load_person(M1)).state == after


class TestPlanning:
    async def test_of_somebody_unknown_keeps_their_due_time_alone(self, twin: Twin) -> None:
        assert await twin.timers.plan([Planned(M1, 0, START)]) == []
        (outlook,) = await twin.timers.outlooks([M1])
        assert (outlook.state, outlook.due) == (PersonState(M1), START)

    async def test_is_refused_for_whoever_changed_meanwhile_and_done_for_the_others(self, twin: Twin) -> None:
        await twin.timers.commit(committed(PersonState(M1), START))
        assert await twin.timers.plan([Planned(M1, 0, None), Planned(M2, 0, START)]) == [M1]
        assert [one.due for one in await twin.timers.outlooks([M1, M2, M3])] == [START, START, None]

    async def test_moves_a_person_on_so_that_who_did_not_know_of_it_decides_again(self, twin: Twin) -> None:
        history = (entry_of(_visit(), subject=M1, relation=Relation.SELF, role=Role.PATIENT),)
        before = PersonState(M1, history=history)
        await twin.timers.commit(committed(replace(before, history=()), START))
        state = (await twin.timers.load_person(M1)).state
        assert await twin.timers.plan([Planned(M1, state.version, START + hours(1))]) == []
        assert not await twin.timers.commit(committed(state, START)), "a zombie changes nothing"
        again = (await twin.timers.load_person(M1)).state
        assert (again.version, again.history) == (state.version + 1, state.history)
        assert await twin.timers.commit(committed(again, None))

    async def test_that_nothing_waits_takes_the_timer_away(self, twin: Twin) -> None:
        await twin.timers.plan([Planned(M1, 0, START)])
        await twin.timers.plan([Planned(M1, 0, None)])
        assert await twin.timers.due_people(START + hours(1), 10) == []
        assert await twin.timers.waiting() == Waiting(0)

    async def test_is_kept_how_far_it_has_come(self, twin: Twin) -> None:
        assert await twin.timers.planning() is None
        for planning in (
            Planning(Marks("tipt@1", 7), START, START + MOMENT),
            Planning(Marks(), START, START, target=Marks("tipt@2", 9), cursor="M17"),
        ):
            await twin.timers.keep_planning(planning)
            assert await twin.timers.planning() == planning


async def test_how_much_waits_and_since_when(twin: Twin) -> None:
    assert await twin.timers.waiting() == Waiting(0)
    await twin.timers.plan([Planned(M1, 0, START + hours(1)), Planned(M2, 0, START), Planned(M3, 0, None)])
    assert await twin.timers.waiting() == Waiting(2, START)


async def test_the_oldest_event_under_way_is_known(twin: Twin) -> None:
    assert await twin.timers.in_flight_since(None) is None
    await twin.transport.accept([_visit("V1")], START)
    await twin.transport.accept([_visit("V2")], START + hours(1))
    assert await twin.timers.in_flight_since(None) == START
    assert await twin.timers.in_flight_since(START + minutes(1)) == START + hours(1)
    assert await twin.timers.in_flight_since(START + hours(2)) is None


def _visit(visit: str = "V1") -> Any:
    return ed(Kind.ED_ARRIVAL, "M1", visit=visit)
