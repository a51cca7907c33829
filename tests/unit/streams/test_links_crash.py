"""A link is learnt and told of while the worker dies after every step, and after every reply it loses; and links and
harms reach the engine in any order: what comes of it is what the rules say of the same words."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from domain.clock import ManualClock
from domain.events import Event
from domain.ids import MemberId
from domain.kinds import Kind, Role
from domain.people import CohortMember, MemberStatus
from streams.memory_server import MemoryServer
from tests.trials import record, trials
from tests.unit.streams.looking_back import Looking
from tests.unit.streams.play import START, event, hours, memory_twin
from tests.unit.streams.test_lookback_crash import Fate, Killed
from tests.unit.triggers.test_links_in_any_order import PEOPLE, firings, life, only_links

BEFORE = START - timedelta(days=1000)


def _people() -> list[CohortMember]:
    return [CohortMember(MemberId(name), MemberStatus.AT_RISK, joined_at=BEFORE) for name in PEOPLE]


def _harm(who: str, key: str, at: timedelta) -> Event:
    return event(Kind.CRIME_RECORDED, (who, Role.VICTIM), at=at, key=key, attributes={"ho_code": "5D"})


async def _told(dies_after: int | None) -> tuple[Any, int]:
    """The story with one death so many effects after the link is taken; what came of it, and how many effects it took."""
    fate, clock = Fate(), ManualClock(START)
    server = MemoryServer(clock, fail=fate)
    house = await Looking(server=server, clock=clock, twin=memory_twin(server), rules=only_links()).prepare()
    house.cohort.revise = _fated(house.cohort.revise, fate)  # type: ignore[method-assign]
    await house.look_for(*_people())
    await house.play.give(_harm("M1", "C1", timedelta(0)), _harm("M2", "C2", hours(1)), _harm("M3", "C3", hours(2)))
    cancelled = event(Kind.CRIME_CANCELLED, ("M1", Role.VICTIM), at=hours(3), key="C0")
    await house.play.give(_harm("M1", "C0", hours(2)), cancelled)
    link = event(Kind.ASSOCIATION_ADDED, "M1", at=timedelta(days=20), attributes={"other_member": "M2"})
    await house.play.accept(link)
    fate.left, fate.effects = dies_after, 0
    try:
        await house.play.run()
        await house.follow()
    except Killed:
        house.connect()
        await house.play.run()
        await house.follow()
    effects, fate.left = fate.effects, None
    alerts = [(alert.alert_id, alert.state, len(alert.triggers)) for alert in await house.play.alerts()]
    rows = [len(await house.play.rows(alert)) for alert in await house.play.alerts()]
    states = [server.people[MemberId(name)].history for name in PEOPLE]
    ties = [member.ties for member in await house.cohort.members()]
    return (states, ties, alerts, rows, await house.disposed(), await house.store.progress()), effects


def _fated(revise: Callable[..., Any], fate: Fate) -> Callable[..., Any]:
    """The store's own step, before or after which one may die as well."""

    async def fated(*given: Any) -> Any:
        fate("before revise")
        done = await revise(*given)
        fate("after revise")
        return done

    return fated


async def test_a_death_after_any_step_changes_nothing() -> None:
    whole, effects = await _told(None)
    assert len(whole[2]) == 2, "both are told of"
    assert effects > 20
    every = max(1, effects // trials(effects))
    for step in range(Random().randrange(every), effects, every):
        assert (await _told(step))[0] == whole, f"died at effect {step}"


async def test_the_engine_says_what_the_rules_say_whatever_the_order() -> None:
    rng, rules = Random(20260303), only_links()
    count = trials(200)
    fired = 0
    for _ in range(count):
        events = life(rng)
        house = await Looking(rules=rules).prepare()
        await house.look_for(*_people())
        for one in rng.sample(events, len(events)):
            await house.play.twin.transport.accept([one], START)  # the clock stands still: nothing is found late
            await house.play.run()
            if rng.random() < 0.5:
                await house.follow()
        await house.follow()
        expected = firings(rules, events)
        standing = {
            (one.member_id, one.priority, one.fired_at, one.late, one.anchor) for one in await house.play.standing()
        }
        assert _of(standing) == _of(expected)
        fired += len(expected)
    assert fired > count / 2
    record("lives with links through the engine", count, f"{fired} firings")


def _of(found: set[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    return {(name, priority, at, anchor) for name, priority, at, _, anchor in found}
