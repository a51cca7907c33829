"""A faulty rule on either store: the others alert, what it missed is kept with the person and comes once it is mended,
and what is to be told of it is kept beside."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.clock import ManualClock
from domain.events import Event
from domain.ids import MemberId, RuleId
from domain.kinds import Kind
from streams.memory_server import MemoryServer
from streams.memory_tallies import MemoryTallies
from streams.tallies import FAULTS_FOR, SeenFault, Tallies
from streams.valkey_tallies import ValkeyTallies
from tests.unit.streams.play import START, Play, Twin, ed, member, memory_twin, minutes, tipt, valkey_twin
from tests.unit.streams.test_passing import SECRET, assault, faulty, violence
from triggers.rules import RuleSet

M1 = MemberId("M1")
FAULTY = faulty(tipt(), "VIOLENCE_VICTIM")


@pytest.fixture(params=["memory", pytest.param("valkey", marks=pytest.mark.server)])
def stores(request: pytest.FixtureRequest) -> tuple[Twin, Tallies, ManualClock]:
    clock = ManualClock(START)
    if request.param == "memory":
        server = MemoryServer(clock)
        return memory_twin(server), MemoryTallies(server), clock
    client: Redis = request.getfixturevalue("valkey")
    return valkey_twin(client), ValkeyTallies(client), clock


Stores = tuple[Twin, Tallies, ManualClock]


async def house(stores: Stores, rules: RuleSet) -> Play:
    play = Play([member("M1")], stores[0], rules=rules, clock=stores[2])
    await play.prepare()
    await play.keep_time()
    return play


async def test_the_others_alert_and_what_was_missed_comes_once_mended(stores: Stores) -> None:
    play = await house(stores, FAULTY)
    silent, loud = violence(), assault(at=minutes(1))
    await play.give(silent)
    await play.give(loud)
    assert await play.ended(silent) == "suppressed:not_judged"
    assert await play.live() == [("M1", "ED_WEAPON_ASSAULT")]
    kept = (await play.twin.timers.load_person(M1)).state
    assert [(one.rule_id, len(one.come)) for one in kept.unjudged] == [("VIOLENCE_VICTIM", 2)]
    (seen,) = await stores[1].faults(START)
    assert (seen.rule_id, seen.version) == ("VIOLENCE_VICTIM", 1)
    assert SECRET not in str((kept, seen))

    play.use(rules=tipt(), rules_mark="rules@2")
    await play.until(START + minutes(2))
    assert await play.live() == [("M1", "ED_WEAPON_ASSAULT"), ("M1", "VIOLENCE_VICTIM")]
    assert {one.rule_id: one.late for one in await play.standing()}["VIOLENCE_VICTIM"]
    assert (await play.twin.timers.load_person(M1)).state.unjudged == ()


async def test_what_was_told_before_stands_and_is_not_told_again(stores: Stores) -> None:
    play = await house(stores, tipt())
    told: Event = violence(key="crime")
    await play.give(told)
    assert await play.live() == [("M1", "VIOLENCE_VICTIM")]
    play.use(rules=FAULTY, rules_mark="rules@2")
    more = ed(Kind.ED_ARRIVAL, "M1", visit="V9", at=minutes(1), intent="undetermined")
    await play.give(more)
    assert await play.live() == [("M1", "VIOLENCE_VICTIM")], "nothing of it is withdrawn while it cannot be judged"
    play.use(rules=tipt(), rules_mark="rules@3")
    await play.until(START + minutes(3))
    assert await play.live() == [("M1", "VIOLENCE_VICTIM")], "and nothing is told again"


async def test_an_event_that_fails_as_a_whole_is_kept_for_the_bell(stores: Stores) -> None:
    broken = replace(tipt(), reference=None)  # type: ignore[arg-type]
    play = await house(stores, broken)
    one: Any = violence()
    await play.give(one)
    assert await play.ended(one) == "quarantined:processing_failed"
    (seen,) = [each for each in await stores[1].faults(START) if not each.rule_id]
    assert " at " in seen.cause
    assert "trace" not in seen.cause


async def test_faults_are_kept_once_by_the_last_time_and_then_forgotten(stores: Stores) -> None:
    tallies = stores[1]
    await tallies.note_fault("KeyError at x.py:1", START + minutes(5))
    await tallies.note_fault("KeyError at x.py:1", START + minutes(9))
    assert await tallies.faults(START) == [SeenFault("KeyError at x.py:1", START + minutes(9), RuleId(""), 0)]
    assert await tallies.faults(START + minutes(10)) == []
    await tallies.tidy(START + FAULTS_FOR + timedelta(minutes=10))
    assert await tallies.faults(START) == []
