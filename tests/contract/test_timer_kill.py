"""Timers on a store that is killed, and workers that die, at any moment: none lost, none twice, none early."""

import asyncio
import contextlib
from collections.abc import Awaitable
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest

from alerts.model import TriggerState
from domain.kinds import Kind
from domain.people import MemberStatus, WatchAuthority
from tests.dying_store import killed_amid, living_store
from tests.trials import trials
from tests.unit.streams.play import START, Play, event, hours, member, valkey_twin
from triggers.loading import shipped_rules
from triggers.rules import combined

pytestmark = pytest.mark.server

EVERYTHING = combined([shipped_rules("tipt"), shipped_rules("programme")])
WATCH = WatchAuthority(starts=date(2026, 1, 1), review_on=date(2026, 3, 2))
REFERRED = [f"M{number}" for number in range(1, 7)]
OWED = [f"R{number}" for number in range(1, 45)]
"""Their review date ends in the night: more than a page of planning."""
PEOPLE = (
    *(member(name, status=MemberStatus.REFERRED) for name in REFERRED),
    *(member(name, status=MemberStatus.ACTIVE, watch=WATCH) for name in OWED),
)
EXPECTED = sorted([(name, "T1", "20h") for name in REFERRED[:3]] + [(name, "T4", "") for name in OWED])


async def _killed_amid(folder: Path, rng: Random) -> bool:
    """Plan, and ring, while the worker and then the store die; whether something had come about by then."""
    async with living_store(folder) as client:
        play = await Play(PEOPLE, valkey_twin(client), rules=EVERYTHING).prepare()
        await play.planner.run_once()  # from now on time counts
        await _amid(play.keep_time(), rng)
        play.connect(valkey_twin(client))
        await play.give(*(event(Kind.REFERRAL_RECEIVED, name, key=name) for name in REFERRED))
        heard = START + hours(20) - timedelta(seconds=10)
        await play.accept(
            *(
                event(Kind.VISIT_MADE, name, at=hours(19), received=heard - START, key=f"v{name}")
                for name in REFERRED[3:]
            )
        )
        play.clock.set(START + hours(20) + timedelta(seconds=10))
        await _amid(_live(play), rng)
        await killed_amid(folder, _live(play), rng.random() * 0.06)
    async with living_store(folder) as client:
        play.connect(valkey_twin(client))
        await play.prepare()
        amid = len(await play.standing())
        await _live(play)
        await play.until(START + hours(22))
        told = [(one.member_id, one.rule_id, one.step) for one in await play.standing()]
        assert sorted(told) == EXPECTED
        states = {record.state for alert in await play.alerts() for record in alert.triggers}
        assert states == {TriggerState.LIVE}, "nobody was told what the events under way refuted"
        assert (await play.twin.transport.counts()).balanced
        return 0 < amid < len(EXPECTED)


async def _amid(work: Awaitable[None], rng: Random) -> None:
    """A worker that dies in the middle of it."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(rng.random() * 0.05)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _live(play: Play) -> None:
    """As the service runs: events and timers in turns."""
    for _ in range(60):
        moved = await play.recogniser.run_once(timedelta(0)) + await play.decider.run_once(timedelta(0))
        rang = await play.timers.run_once()
        planned = await play.planner.run_once()
        if not moved + rang + planned and not play.planner.under_way:
            return


async def test_everything_due_comes_about_once_whoever_dies(tmp_path: Path) -> None:
    rng = Random(20260302)
    amid = 0
    for trial in range(trials(60)):
        folder = tmp_path / str(trial)
        amid += await _killed_amid(folder, rng)
    assert amid, "no trial killed the store between two timers: nothing was shown"
