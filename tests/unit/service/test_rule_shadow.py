"""A version in shadow: what it would say is counted beside the live one, nobody is alerted, and its faults stay its own."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.attributes import Intent
from domain.clock import ManualClock
from domain.errors import StoreUnavailable
from domain.ids import MemberId
from domain.kinds import Kind, Role
from domain.matches import Relation
from domain.people import CohortMember
from service.rulebook import LiveRules
from service.rulebook_shadow import MOST_WAITING, ShadowWatch
from streams.messages import Disposition, Ending, PersonState
from streams.ports import Commit
from tests.unit.streams.play import START, ed, member
from triggers.history import HistoryEntry, entry_of
from triggers.lifecycle_contents import rules_of, shipped_contents
from triggers.lifecycle_values import Contents
from triggers.memory import MemoryShadows
from triggers.rules import RuleSet
from triggers.shadowing import ShadowCount, ShadowReport, ShadowTally, Side

SHIPPED = shipped_contents()
M1 = member("M1")
"""ED_REPEAT_ASSAULT looks back 365 days in 6 and 180 in 7."""


def with_repeats_within(days: int) -> RuleSet:
    text = SHIPPED.rules[0].text
    assert text.count("at_least: 2, within: 365d") == 1
    changed = text.replace("at_least: 2, within: 365d", f"at_least: 2, within: {days}d")
    rules = tuple(replace(each, text=changed) if each.name == "tipt" else each for each in SHIPPED.rules)
    return rules_of(Contents(rules, SHIPPED.reference))


LIVE = LiveRules(with_repeats_within(365), "rules@6", START - timedelta(days=400), 6)
SHADOW = LiveRules(with_repeats_within(180), "rules@7", START - timedelta(days=400), 7)


def visit(days: int, name: str) -> HistoryEntry:
    told = ed(Kind.ED_ARRIVAL, "M1", visit=name, at=timedelta(days=days), intent=Intent.ASSAULT)
    return entry_of(told, subject="M1", relation=Relation.SELF, role=Role.PATIENT)


class House:
    def __init__(self, store: MemoryShadows | None = None) -> None:
        self.store = store or MemoryShadows()
        self.clock = ManualClock(START)
        self.people: dict[MemberId, CohortMember] = {M1.member_id: M1}
        self.watch = ShadowWatch(self.store, self.people.get, self.clock, history_for=timedelta(days=730))

    async def begin(self) -> None:
        await self.watch.turn(LIVE, SHADOW)

    def decided(self, before: Iterable[HistoryEntry], after: Iterable[HistoryEntry]) -> None:
        entries = tuple(after)
        self.clock.set(max(entry.received_at for entry in entries))
        self.watch.note(
            Commit(
                part="",
                event_id=entries[-1].event_id,
                disposition=Disposition(Ending.NO_RULE),
                before=PersonState(M1.member_id, 1, tuple(before)),
                after=PersonState(M1.member_id, 2, entries),
                decided_at=self.clock.now(),
            )
        )

    async def report(self) -> ShadowReport:
        while await self.watch.turn(LIVE, SHADOW):
            pass
        return await self.store.report(7)


async def test_only_in_6_only_in_7() -> None:
    house = House()
    await house.begin()
    first, second, third = visit(0, "A"), visit(200, "B"), visit(250, "C")
    house.decided((), (first,))
    house.decided((first,), (first, second))  # 200 days later: 6 says so, 7 does not
    house.decided((first, second), (first, second, third))  # 50 days later: both do
    told = await house.report()
    assert (told.events, told.missed, told.beside) == (3, 0, (6,))
    assert told.by_rule["ED_REPEAT_ASSAULT"] == ShadowCount(both=1, only_live=1)
    assert told.by_rule["ED_ASSAULT"] == ShadowCount(both=3)
    (only,) = [each for each in told.examples if each.side is Side.LIVE]
    assert (only.rule_id, only.member_id, only.in_shadow) == ("ED_REPEAT_ASSAULT", "M1", None)


async def test_nothing_is_kept_in_mind_where_nothing_runs_in_shadow() -> None:
    house = House()
    house.decided((), (visit(0, "A"),))
    assert await house.watch.turn(LIVE, None) == 0
    assert (await house.report()).events == 0


async def test_what_is_too_much_is_missed_and_told() -> None:
    house = House()
    await house.begin()
    entry = visit(0, "A")
    for _ in range(MOST_WAITING + 7):
        house.decided((), (entry,))
    await house.watch.turn(LIVE, SHADOW)
    assert (await house.store.report(7)).missed == 7


async def test_somebody_who_is_no_longer_watched_is_not_judged() -> None:
    house = House()
    await house.begin()
    house.people.clear()
    house.decided((), (visit(0, "A"),))
    told = await house.report()
    assert (told.events, told.by_rule) == (1, {})


async def test_a_fault_in_the_shadow_is_its_own() -> None:
    house = House()
    await house.begin()
    broken = visit(0, "A")
    house.decided((), (replace(broken, attributes=None),))  # type: ignore[arg-type]
    house.decided((), (broken,))
    told = await house.report()
    assert told.events == 2
    assert told.by_rule["ED_ASSAULT"] == ShadowCount(both=1)


class AwayStore(MemoryShadows):
    away = True

    async def add(self, number: int, beside: int, seen: ShadowTally) -> None:
        if self.away:
            raise StoreUnavailable
        await super().add(number, beside, seen)


async def test_a_store_that_is_away_costs_figures_and_nothing_else() -> None:
    store = AwayStore()
    house = House(store)
    await house.begin()
    house.decided((), (visit(0, "A"),))
    with pytest.raises(StoreUnavailable):
        await house.watch.turn(LIVE, SHADOW)
    store.away = False
    assert (await house.report()).missed == 1
