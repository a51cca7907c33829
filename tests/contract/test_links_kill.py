"""A link is learnt and told of on a store that is killed at any moment: afterwards both have heard, once, and the books
balance."""

from datetime import timedelta
from pathlib import Path
from random import SystemRandom

import pytest
from redis.asyncio import Redis

from cohort.follow import CohortFollower
from cohort.valkey import ValkeyCohortStore
from domain.events import Event
from domain.ids import MemberId
from domain.kinds import Kind, Role
from domain.people import CohortMember, MemberStatus
from domain.triggers import Priority
from tests.dying_store import killed_amid, living_store
from tests.trials import record, trials
from tests.unit.streams.looking_back import Looking
from tests.unit.streams.play import START, event

pytestmark = pytest.mark.server

BEFORE = START - timedelta(days=400)
HARMS = 12
PEOPLE = ("M1", "M2")


def _house(client: Redis, old: Looking | None = None) -> Looking:
    """A worker as it starts, with the cohort in the same store."""
    house = Looking(client=client)
    house.cohort = ValkeyCohortStore(client)  # type: ignore[assignment]
    house.follower = CohortFollower(house.cohort)
    house.play.index = house.follower.index
    house.connect()
    if old is not None:
        house.play.clock.set(old.play.clock.now())
    return house


def _harms() -> list[Event]:
    return [
        event(Kind.CRIME_RECORDED, (who, Role.VICTIM), at=timedelta(days=place), key=f"{who}-{place}",
              attributes={"ho_code": "5D"})
        for place in range(HARMS)
        for who in PEOPLE
    ]  # fmt: skip


async def _learn(house: Looking) -> None:
    await house.play.run()
    await house.follower.refresh()
    house.play.index = house.follower.index
    await house.pages()
    await house.play.run()


async def _killed_amid(folder: Path, pause: float) -> bool:
    """Learn a link while the server dies; whether it died before it was told of."""
    async with living_store(folder) as client:
        house = await _house(client).prepare()
        await house.look_for(*(CohortMember(MemberId(name), MemberStatus.AT_RISK, joined_at=BEFORE) for name in PEOPLE))
        await house.play.give(*_harms())
        link = event(Kind.ASSOCIATION_ADDED, "M1", at=timedelta(days=30), attributes={"other_member": "M2"})
        await house.play.accept(link)
        amid = not await killed_amid(folder, _learn(house), pause)
    async with living_store(folder) as client:
        house = await _house(client, house).prepare()
        await house.follower.refresh()
        house.play.index = house.follower.index
        assert (await house.play.twin.transport.counts()).balanced
        await house.play.run()
        await house.follow()
        for name, other in (PEOPLE, PEOPLE[::-1]):
            found = [one for one in await house.play.standing(name) if one.rule_id == "ASSOCIATE_HARMED"]
            assert [(one.priority, one.fired_at) for one in found] == [(Priority.P3, link.occurred_at)]
            state = await house.play.twin.decisions.person(MemberId(name))  # type: ignore[attr-defined]
            assert sum(entry.subject == other for entry in state.history) == HARMS
        assert await house.play.ended(link) == "no_rule"
        return amid


async def test_both_hear_once_whenever_the_store_dies(tmp_path: Path) -> None:
    rng = SystemRandom()
    amid, count = 0, trials(40) // 2 + 1
    for turn in range(count):
        amid += await _killed_amid(tmp_path / str(turn), rng.random() * 0.06)
    assert amid, "at least one death must have been amid it"
    record("deaths of the store while a link was told of", count, f"{amid} amid it")
