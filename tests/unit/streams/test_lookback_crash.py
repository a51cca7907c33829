"""Look-back is killed after every step it takes, and after every reply it loses: what comes of it is always the same."""

from typing import Any

import pytest

from domain.clock import ManualClock
from domain.ids import MemberId
from domain.kinds import Kind
from streams.memory_server import MemoryServer
from streams.messages import PersonState
from tests.unit.streams.looking_back import Looking, visit, watched
from tests.unit.streams.play import START, memory_twin, minutes


class Killed(BaseException):
    """The process is gone."""


class Fate:
    """Kills at the n-th effect; None never."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.effects = 0

    def __call__(self, _: str) -> None:
        self.effects += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Killed


async def played(dies_after: int | None) -> tuple[Any, int]:
    """The story, with one death so many effects after the import; what came of it, and how many effects it took."""
    fate, clock = Fate(), ManualClock(START)
    server = MemoryServer(clock, fail=fate)
    house = await Looking(server=server, clock=clock, twin=memory_twin(server)).prepare()
    stabbed = {"intent": "assault", "mechanism": "sharp"}
    await house.play.give(visit(Kind.ED_ARRIVAL, "M3", "V3", **stabbed), visit(Kind.ED_ARRIVAL, "M1", **stabbed))
    await house.play.give(visit(Kind.ED_ARRIVAL, "M2", "V2", at=minutes(1), **stabbed))
    await house.play.give(visit(Kind.ED_CANCELLED, None, "V2", at=minutes(2)))
    clock.advance(minutes(5))
    await house.join(watched("M1"), watched("M2"), watched("M4", associates=(MemberId("M1"),)))
    fate.left, fate.effects = dies_after, 0
    try:
        await house.look()
    except Killed:
        house.connect()
        await house.look()
    effects = fate.effects
    states: list[PersonState] = [
        server.people.get(MemberId(name), PersonState(MemberId(name))) for name in ("M1", "M2", "M4")
    ]
    alerts = [(alert.alert_id, alert.state, len(alert.triggers)) for alert in await house.play.alerts()]
    rows = [len(await house.play.rows(alert)) for alert in await house.play.alerts()]
    return (states, alerts, rows, await house.disposed(), await house.store.progress()), effects


async def test_a_death_after_any_step_changes_nothing() -> None:
    whole, effects = await played(None)
    assert whole[1], "somebody is told"
    assert effects > 20
    for step in range(effects):
        assert (await played(step))[0] == whole, f"died at effect {step}"


@pytest.mark.parametrize("step", [3, 6, 9])
async def test_a_second_change_after_a_death_is_found_too(step: int) -> None:
    fate, clock = Fate(), ManualClock(START)
    server = MemoryServer(clock, fail=fate)
    house = await Looking(server=server, clock=clock, twin=memory_twin(server)).prepare()
    await house.play.give(
        *(visit(Kind.ED_ARRIVAL, name, f"V-{name}", intent="assault", mechanism="sharp") for name in ("M1", "M2"))
    )
    await house.join(watched("M1"))
    fate.left = step
    with pytest.raises(Killed):
        await house.look()
    await house.join(watched("M2"))
    house.connect()
    await house.look()
    assert await house.play.live() == [("M1", "ED_WEAPON_ASSAULT"), ("M2", "ED_WEAPON_ASSAULT")]
    assert await house.disposed() == {"alert": 2}
