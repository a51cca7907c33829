"""Seen to hold 4: the same events shuffled, doubled, delayed in delivery and split into other batches give the same
alerts; and so does a store that fails at any call, before or after it took effect.

Lateness stays with the event (`received_at` is part of it): what is compared is order and grouping of delivery. The
oracle is the pure evaluation of each person's stored history, beside the undisturbed run.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from alerts.model import Happening, TriggerState
from domain.clock import ManualClock
from domain.errors import StoreUnavailable
from domain.events import Event
from domain.ids import MemberId
from domain.triggers import TriggerFired
from streams.bequeathing import effective
from streams.memory_server import MemoryServer, no_fault
from streams.retention import Retention
from tests.trials import trials
from tests.unit.streams.lives import COHORT, STORIES, Chapter, chapters, told
from tests.unit.streams.play import NO_WAIT, START, Play, memory_twin, minutes, tipt, valkey_twin
from triggers.evaluate import evaluate
from triggers.patterns import waits
from triggers.rules import RuleSet, rule_set

PATIENT = Retention(parked=timedelta(days=60))
"""An amendment waits for what it amends longer than any shuffle lasts. In use it waits 72 h (domain.md 7.3), which is
the bound of the promise: one that comes more than that before what it amends finds nobody."""

LATER = START + timedelta(days=30)
"""When every wait of these lives has ended."""

Firing = tuple[str, str, str, str, str]


def _plain(firing: TriggerFired) -> Firing:
    at = str(firing.fired_at - START)
    return (firing.member_id, firing.rule_id, at, firing.priority.value, firing.ground)


@dataclass(frozen=True)
class View:
    """What is the same whatever the order: firings that stand, what is known of each person, how many events ended."""

    live: frozenset[Firing]
    known: frozenset[tuple[str, ...]]
    events: int


async def view(play: Play) -> View:
    """The view of a run a while later, after checking what must hold of any run."""
    await play.until(LATER)
    live = [_plain(firing) for firing in await play.standing()]
    assert len(live) == len(set(live)), "a firing stands twice"
    expected: set[Firing] = set()
    known: set[tuple[str, ...]] = set()
    for who in COHORT:
        history = effective((await play.twin.decisions.person(MemberId(who.member_id))).history)  # type: ignore[attr-defined]
        verdicts = evaluate(play.world.rules, who, history, LATER)
        expected |= {_plain(verdict.trigger) for verdict in verdicts if verdict.fired}
        known |= {(who.member_id, each.event_id, each.subject, each.role or "", each.relation) for each in history}
    assert set(live) == expected, "the alerts are not what the histories say"
    await _grouped_rightly(play)
    counts = await play.twin.transport.counts()
    assert counts.balanced
    assert counts.in_flight == 0
    assert not await play.twin.desk.quarantined(1), "an event could not be handled"
    return View(frozenset(live), frozenset(known), sum(counts.accepted.values()))


async def _grouped_rightly(play: Play) -> None:
    """Firings of one person within half an hour of each other share an alert. Nothing else does, unless a firing
    between them was taken back, or one was told before it moved: it stays in the alert that people have read."""
    for who in COHORT:
        alerts = [each for each in await play.alerts(who.member_id) if each.merged_into is None and each.live]
        untouched = all(record.state is TriggerState.LIVE for each in alerts for record in each.triggers) and not any(
            entry.what is Happening.MOVED for each in alerts for entry in each.timeline
        )
        of = {firing.firing_id: each.alert_id for each in alerts for firing in each.live}
        for group in _components([firing for each in alerts for firing in each.live]):
            assert len({of[firing.firing_id] for firing in group}) == 1, "firings that belong together are apart"
            alert = next(each for each in alerts if each.alert_id == of[group[0].firing_id])
            assert not untouched or len(alert.live) == len(group), "firings that are far apart share an alert"


def _components(firings: Iterable[TriggerFired]) -> list[list[TriggerFired]]:
    groups: list[list[TriggerFired]] = []
    for firing in sorted(firings, key=lambda each: (each.sensitivity, each.fired_at)):
        last = groups[-1][-1] if groups else None
        if last and last.sensitivity is firing.sensitivity and firing.fired_at - last.fired_at <= minutes(30):
            groups[-1].append(firing)
        else:
            groups.append([firing])
    return groups


async def undisturbed(events: list[Event]) -> View:
    """One event at a time, in order of arrival."""
    play = await Play(COHORT, retention=PATIENT).prepare()
    for each in events:
        await play.give(each)
    return await view(play)


async def disturbed(play: Play, events: list[Event], rng: Random) -> View:
    """Another order, some events twice, any batches, hops that run or rest between them, workers that are replaced."""
    order = [*events, *rng.sample(events, len(events) // 3)]
    rng.shuffle(order)
    while order:
        size = rng.choice((1, 2, 5, len(order)))
        batch, order = order[:size], order[size:]
        await play.accept(*batch)
        for _ in range(rng.randrange(4)):
            await rng.choice((play.recogniser, play.decider)).run_once(NO_WAIT)
        if rng.random() < 0.2:
            play.twin.transport.rewind()
            play.twin.decisions.rewind()
    await play.run()
    return await view(play)


@settings(max_examples=trials(2_000))
@given(life=chapters(), seed=st.integers(0, 2**16))
async def test_order_doubling_and_batches_leave_no_trace(life: list[Chapter], seed: int) -> None:
    events = told(life)
    play = await Play(COHORT, retention=PATIENT).prepare()
    assert await disturbed(play, events, Random(seed)) == await undisturbed(events)


@pytest.mark.server
@pytest.mark.parametrize("seed", range(trials(100)))
async def test_and_so_it_is_on_a_real_valkey(seed: int, valkey: Redis) -> None:
    rng = Random(seed)
    events = told([_drawn(rng) for _ in range(4)])
    play = await Play(COHORT, valkey_twin(valkey)).prepare()
    assert await disturbed(play, events, rng) == await undisturbed(events)


def _drawn(rng: Random) -> Chapter:
    who, other = rng.randint(1, 4), rng.randint(1, 4)
    return Chapter(rng.choice(list(STORIES)), who, other, start=rng.randint(0, 40), dice=rng.randrange(2**16))


class Fault:
    """Lets `before` calls through, then fails one. `kill` is no error that anybody catches: the worker is gone."""

    def __init__(self, before: int, *, kill: bool) -> None:
        self.left = before
        self.calls = 0
        self.kill = kill

    def __call__(self, name: str) -> None:
        self.calls += 1
        self.left -= 1
        if self.left == -1:
            raise Killed(name) if self.kill else StoreUnavailable(f"injected {name}")


class Killed(BaseException):
    """The process ended here."""


HARD_LIFE = [
    Chapter("visit", 1, 2, 0, 7),
    Chapter("mistaken", 1, 2, 2, 3),
    Chapter("merge", 3, 4, 4, 1),
    Chapter("crime", 2, 3, 5, 11),
    Chapter("at_home", 2, 1, 6, 2),
    Chapter("intel", 1, 2, 8, 5),
]


def _that_do_not_wait() -> RuleSet:
    """Where the later half comes first, whether somebody is told of a wait before they are corrected depends on the
    order in which a fault makes links known; test_timer_lives.py says what waits leave behind."""
    whole = tipt()
    return rule_set(whole.name, whole.version, (one for one in whole.rules if not waits(one.when)), whole.reference)


async def _with_fault(events: list[Event], fault: Fault) -> Play:
    """Everything in two batches with one fault: what was not acknowledged is sent again, a killed worker replaced."""
    clock = ManualClock(START)
    server = MemoryServer(clock, retention=PATIENT)
    play = await Play(COHORT, memory_twin(server), clock=clock, rules=_that_do_not_wait()).prepare()
    server.fail = fault
    half = len(events) // 2
    for batch in (events[half:], events[:half]):
        for turn in (partial(play.accept, *batch), play.run):
            while True:
                try:
                    await turn()
                    break
                except StoreUnavailable:
                    continue
                except Killed:
                    play.connect(memory_twin(server))
    server.fail = no_fault
    return play


async def _record(play: Play) -> dict[str, tuple[object, ...]]:
    """Every alert with what it holds and the messages about it: all that a reader could see twice or miss."""
    return {
        alert.alert_id: (
            alert.state,
            alert.version,
            alert.repeats,
            sorted((record.trigger.firing_id, record.state) for record in alert.triggers),
            sorted((row.delivery_id, row.status) for row in await play.rows(alert)),
        )
        for alert in await play.alerts()
    }


async def _undisturbed_record(events: list[Event]) -> tuple[int, View, dict[str, tuple[object, ...]]]:
    fault = Fault(-2, kill=False)
    play = await _with_fault(events, fault)
    return fault.calls, await view(play), await _record(play)


@pytest.mark.parametrize("kill", [False, True], ids=["the store fails", "the worker is killed"])
async def test_a_fault_at_any_call_before_or_after_its_effect_changes_nothing(kill: bool) -> None:
    events = told(HARD_LIFE)
    calls, seen, record = await _undisturbed_record(events)
    assert len(seen.live) >= 5
    assert calls > 100
    for point in Random(calls).sample(range(calls), trials(calls)):  # every call under `make prove`
        play = await _with_fault(events, Fault(point, kill=kill))
        assert await view(play) == seen, f"call {point}"
        assert await _record(play) == record, f"call {point}"
