"""A decision on a store that is killed at any moment of it: afterwards it was taken whole, or not at all."""

from pathlib import Path
from random import Random

import pytest

from domain.reviews import ReviewVerdict
from tests.contract.reviewing import ANNE, M1, STABBED, Desk, arrival
from tests.dying_store import killed_amid, living_store
from tests.trials import trials

pytestmark = pytest.mark.server


async def _killed_amid(folder: Path, rng: Random) -> bool:
    """Take a decision while the server dies; whether it was written."""
    async with living_store(folder) as client:
        desk = Desk(client)
        await desk.play.prepare()
        told = arrival()
        await desk.give(told)
        review = (await desk.only()).item.review_id
        await killed_amid(
            folder, desk.desk.decide(review, M1, ReviewVerdict.SAME, "yes", by=ANNE, version=1), rng.random() * 0.012
        )
    async with living_store(folder) as client:
        after = Desk(client)
        await after.play.prepare()
        found = await after.store.find(review)
        assert found is not None
        written = found.case.version == 2
        assert len(await after.store.read()) == (1 if written else 0), "the step and its audit entry go together"
        assert (await after.play.twin.transport.counts()).balanced
        await after.desk.decide(review, M1, ReviewVerdict.SAME, "yes", by=ANNE, version=1)
        await after.quiet()
        assert STABBED in await after.live("M1")
        assert len(await after.play.alerts("M1")) == 1
        assert await after.play.ended(told) == "alert"
        return written


async def test_a_decision_is_whole_or_not_there_and_said_again_it_is_done_once(tmp_path: Path) -> None:
    rng = Random(20260302)
    for trial in range(trials(100)):
        folder = tmp_path / str(trial)
        await _killed_amid(folder, rng)
