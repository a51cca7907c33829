"""Look-back on a store that is killed at any moment of a pass: afterwards everybody was found, once, and the books balance."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from domain.events import Event
from domain.ids import MemberId
from domain.kinds import Kind
from streams.lookback_engine import PAGE
from tests.dying_store import killed_amid, living_store
from tests.trials import trials
from tests.unit.streams.looking_back import Looking, visit, watched
from tests.unit.streams.play import minutes

pytestmark = pytest.mark.server

SOUGHT = ("M1", "M2", "M3")


async def _killed_amid(folder: Path, rng: Random) -> bool:
    """Look back while the server dies; whether it died before the pass was over."""
    async with living_store(folder) as client:
        house = await Looking(client=client).prepare()
        stabbed = [
            visit(Kind.ED_ARRIVAL, name, f"V{name}", at=minutes(place), intent="assault", mechanism="sharp")
            for place, name in enumerate(SOUGHT)
        ]
        strangers = [visit(Kind.ED_ARRIVAL, "M4", f"S{place}", at=minutes(place)) for place in range(PAGE)]
        await house.play.give(stabbed[0], *strangers, stabbed[1], *_others(strangers), stabbed[2])
        await house.join(*(watched(name) for name in SOUGHT))
        await killed_amid(folder, house.pages(), rng.random() * 0.03)
        amid = house.lookback.waiting
    async with living_store(folder) as client:
        house.client = client
        house.connect()
        await house.prepare()
        assert (await house.play.twin.transport.counts()).balanced
        await house.look()
        for name, event in zip(SOUGHT, stabbed, strict=True):
            (firing,) = await house.play.standing(name)
            assert (firing.rule_id, firing.late) == ("ED_WEAPON_ASSAULT", True)
            assert len(await house.play.alerts(name)) == 1
            assert await house.play.ended(event) == "alert"
            state = await house.play.twin.decisions.person(MemberId(name))  # type: ignore[attr-defined]
            assert len(state.history) == 1
        return amid


def _others(strangers: Sequence[Event]) -> Sequence[Event]:
    """As many strangers more, so that the pass has several pages."""
    return [visit(Kind.ED_ARRIVAL, "M4", f"T{place}", at=timedelta(seconds=place)) for place in range(len(strangers))]


async def test_everybody_is_found_once_whenever_the_store_dies(tmp_path: Path) -> None:
    rng = Random(20260302)
    amid = 0
    for trial in range(trials(100)):
        folder = tmp_path / str(trial)
        amid += await _killed_amid(folder, rng)
    assert amid, "no trial killed the store in the middle of a pass: nothing was shown"
