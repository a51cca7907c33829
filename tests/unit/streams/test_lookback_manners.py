"""Look-back beside live traffic: one page at a time, a quarter of the time, and its faults are its own."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from domain.events import Event
from domain.identity import DateOfBirth, Identity, Name
from domain.ids import MemberId
from domain.kinds import Kind
from domain.people import CohortMember, MemberStatus
from streams.lookback_engine import NAMES_PAGE, PAGE, FirstHop
from streams.ports import LogEntry
from tests.unit.streams.looking_back import Looking, visit, watched
from tests.unit.streams.play import NO_WAIT, minutes


class Turns:
    """Stands where the recogniser or look-back stands, and writes down whose turn it was and how long it might wait."""

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.waits: list[timedelta] = []
        self.waiting = True
        self.worked: list[tuple[float, float]] = []  # from when until when look-back worked
        self.takes = 0.0
        self.fault: Exception | None = None

    async def begin(self) -> None:
        return

    async def recognise(self, wait: timedelta) -> int:
        self.turns.append("live")
        self.waits.append(wait)
        await asyncio.sleep(min(wait.total_seconds(), 0.05))
        return 1

    async def run_once(self) -> int:
        self.turns.append("back")
        began = time.monotonic()
        await asyncio.sleep(self.takes)
        self.worked.append((began, time.monotonic()))
        if self.fault is not None:
            raise self.fault
        return PAGE


class Live:
    """A recogniser that always has something to do."""

    def __init__(self, turns: Turns) -> None:
        self.run_once = turns.recognise


def first_hop() -> tuple[FirstHop, Turns]:
    turns = Turns()
    return FirstHop(Live(turns), turns), turns  # type: ignore[arg-type]


async def test_never_two_pages_without_a_look_at_live_events_between_them() -> None:
    hop, turns = first_hop()
    for _ in range(50):
        await hop.run_once(NO_WAIT)
    assert "back" in turns.turns
    assert all(pair != ("back", "back") for pair in zip(turns.turns, turns.turns[1:], strict=False))


async def test_it_rests_three_times_as_long_as_it_worked() -> None:
    hop, turns = first_hop()
    turns.takes = 0.02
    began = time.monotonic()
    while len(turns.worked) < 4:
        await hop.run_once(timedelta(milliseconds=500))
        assert time.monotonic() - began < 60, "it goes on"
    for (start, end), (next_start, _) in pairwise(turns.worked):
        assert next_start - end >= 2.9 * (end - start), "however long a busy machine made it take"
    assert set(turns.waits) == {NO_WAIT}, (
        "a store ends a wait of milliseconds at its next tick only: it is not asked to"
    )


async def test_with_nothing_to_look_back_on_the_hop_waits_for_live_events_alone() -> None:
    hop, turns = first_hop()
    turns.waiting = False
    await hop.run_once(timedelta(milliseconds=40))
    assert (turns.turns, turns.waits) == (["live"], [timedelta(milliseconds=40)])


async def test_a_look_back_that_fails_does_not_stop_live_events() -> None:
    hop, turns = first_hop()
    turns.fault = RuntimeError("a fault of ours")
    assert [await hop.run_once(NO_WAIT) for _ in range(5)] == [1] * 5
    assert turns.turns.count("back") == 1, "it is tried again after a pause, not at once"


async def test_an_event_that_cannot_be_looked_at_does_not_hide_the_others() -> None:
    house = await Looking().prepare()
    good = visit(Kind.ED_ARRIVAL, "M1", intent="assault", mechanism="sharp")
    bad = visit(Kind.ED_ARRIVAL, "M1", "V2", at=minutes(1))
    await house.play.give(good, bad)
    await house.join(watched("M1"))
    inner = house.store.page

    async def page(*asked: Any) -> Any:
        found = await inner(*asked)
        return replace(found, entries=tuple(_broken(entry, bad) for entry in found.entries))

    house.store.page = page  # type: ignore[method-assign, assignment]
    await house.look()
    assert await house.play.live("M1") == [("M1", "ED_WEAPON_ASSAULT")]


def _broken(entry: LogEntry, bad: Event) -> LogEntry:
    """An event with something inside that our code stumbles over."""
    if entry.event.event_id != bad.event_id:
        return entry
    return LogEntry(entry.position, replace(entry.event, mentions=(None,)))  # type: ignore[arg-type]


def _crowd(count: int) -> Sequence[CohortMember]:
    return [
        CohortMember(
            MemberId(f"C{number}"),
            MemberStatus.AT_RISK,
            Identity(
                names=(Name((f"Given{number % 97}",), f"Family{number}"),),
                dates_of_birth=(DateOfBirth(date(2006 + number % 5, 1 + number % 12, 1 + number % 28)),),
                postcodes=(f"ZZ99 {number % 10}{'ABDEFGHJLN'[number // 10 % 10]}{'ABDEFGHJLN'[number // 100 % 10]}",),
                addresses=(f"{number} Sample Street",),
            ),
        )
        for number in range(count)
    ]


async def test_ten_thousand_newcomers_at_once_are_one_pass_of_bounded_pages() -> None:
    house = await Looking().prepare()
    crowd = _crowd(10_000)
    known = [one.identity for one in crowd[::1000]]
    events = [visit(Kind.ED_ARRIVAL, who, f"V{place}", at=minutes(place)) for place, who in enumerate(known)]
    strangers = [visit(Kind.ED_ARRIVAL, "M2", f"S{place}", at=minutes(place)) for place in range(PAGE * 3)]
    await house.play.give(*events, *strangers)
    await house.join(*crowd)
    longest, began = 0.0, time.process_time()
    while house.lookback.waiting:
        page = time.process_time()
        await house.lookback.run_once()
        if house.seen[1:]:  # the first step builds the index of those sought, in a thread
            longest = max(longest, time.process_time() - page)
    assert time.process_time() - began < 10, "seconds of processor time for everything"
    assert longest < 5, "processor time of one page: far above the usual 10 ms, far below a pass without pages"
    telling = [told for told in house.seen if told[0].telling]
    assert len(telling) <= 2 + len(crowd) // NAMES_PAGE, "nobody of them is close to anybody"
    pages = [told for told in house.seen if not told[0].telling]
    assert len(pages) <= 3 + (len(events) + len(strangers)) // PAGE + 1
    assert sum(parts for _, parts, _ in house.seen) == len(events)
    await house.look()
