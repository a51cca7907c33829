"""Every rule test of this folder through both hops, on either twin: what led to an alert is read from the alerts.

The pure runner of triggers/trial.py says what a rule set means; this says that the engine around it adds nothing and
loses nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from redis.asyncio import Redis

from alerts.model import TriggerState
from domain.kinds import Kind
from domain.triggers import TriggerFired
from tests.scenarios.files import scenarios_in
from tests.trials import trials
from tests.unit.streams.looking_back import Looking
from tests.unit.streams.play import Play, valkey_twin
from triggers.loading import SHIPPED, shipped_rules
from triggers.rules import RuleSet, combined
from triggers.scenarios import Expectation, Scenario, span_from

HERE = Path(__file__).parent
WAITS = HERE.parent / "unit" / "triggers" / "waits"


@cache
def _all() -> list[Scenario]:
    files = (*sorted(HERE.glob("**/*.yaml")), *sorted(WAITS.glob("*.yaml")))
    return [scenario for path in files for scenario in scenarios_in(path)]


@cache
def _rules(names: tuple[str, ...]) -> RuleSet:
    return combined(shipped_rules(name) for name in (names or SHIPPED))


def _links(scenario: Scenario) -> bool:
    return any(step.event.kind is Kind.ASSOCIATION_ADDED for step in scenario.steps)


async def _played(scenario: Scenario, client: Redis | None) -> Play:
    if _links(scenario):
        return await _played_with_links(scenario, client)
    return await _in_time(
        Play(scenario.cohort, valkey_twin(client) if client else None, rules=_rules(scenario.rules)), scenario
    )


async def _in_time(play: Play, scenario: Scenario) -> Play:
    play.clock.set(min([scenario.start, *(step.event.received_at for step in scenario.steps)]))
    await play.prepare()
    await play.keep_time()
    for step in scenario.steps:
        await play.give_in_time(step.event)
    await play.keep_time()
    return play


async def _played_with_links(scenario: Scenario, client: Redis | None) -> Play:
    return await _in_a_house(Looking(client=client, rules=_rules(scenario.rules)), scenario)


async def _in_a_house(house: Looking, scenario: Scenario) -> Play:
    """With a cohort store, because links are kept there, and look-back, which tells of what happened before them."""
    house.play.clock.set(scenario.start)
    await house.prepare()
    before = scenario.start - timedelta(days=3650)
    await house.join(*(replace(member, joined_at=before) for member in scenario.cohort))
    await house.look()
    await house.play.keep_time()
    for step in scenario.steps:
        await house.play.give_in_time(step.event)
        await house.follow()
    await house.play.keep_time()
    return house.play


async def _led_to_an_alert(play: Play) -> list[TriggerFired]:
    """Every firing that carries or carried an alert, each once; one that another took the place of is not listed."""
    found = {
        record.trigger.firing_id: record.trigger
        for alert in await play.alerts()
        for record in alert.triggers
        if record.state is not TriggerState.SUPERSEDED
    }
    return sorted(found.values(), key=lambda firing: (firing.fired_at, firing.member_id, firing.rule_id))


async def _replaced(play: Play) -> list[TriggerFired]:
    """Firings whose alert lives on with another one: a test may list them (and their correction), and need not."""
    records = [record for alert in await play.alerts() for record in alert.triggers]
    return [record.trigger for record in records if record.state is TriggerState.SUPERSEDED]


def _difference(
    expected: Sequence[Expectation],
    firings: Sequence[TriggerFired],
    scenario: Scenario,
    beside: Sequence[TriggerFired] = (),
) -> list[str]:
    left, missing = list(firings), []
    for line in expected:
        found = next((firing for firing in left if _agrees(line, firing)), None)
        if found is None and any(_agrees(line, firing) for firing in beside):
            continue
        if found is None:
            missing.append(
                f"missing: {line.rule} for {line.member} at {span_from(scenario.start, line.at)} {line.more}"
            )
        else:
            left.remove(found)
    return missing + [
        f"unexpected: {one.rule_id} for {one.member_id} at {span_from(scenario.start, one.fired_at)}, {one.priority}"
        for one in left
    ]


def _agrees(line: Expectation, firing: TriggerFired) -> bool:
    if (line.at, line.member, line.rule) != (firing.fired_at, firing.member_id, firing.rule_id):
        return False
    return all(getattr(firing, name, None) == value for name, value in line.more.items())


async def _taken_back(play: Play) -> list[tuple[str, str]]:
    """(member, rule) of every firing that was withdrawn from an alert and does not stand."""
    live = {firing.firing_id for firing in await play.standing()}
    gone = {
        record.trigger.firing_id: record.trigger
        for alert in await play.alerts()
        for record in alert.triggers
        if record.state is TriggerState.WITHDRAWN and record.trigger.firing_id not in live
    }
    return sorted((firing.member_id, firing.rule_id) for firing in gone.values())


async def _holds(scenario: Scenario, client: Redis | None) -> None:
    assert await _faults(await _played(scenario, client), scenario) == []


async def _faults(play: Play, scenario: Scenario) -> list[str]:
    """What is other than the rule test says."""
    replaced = await _replaced(play)
    found = _difference(scenario.expect, await _led_to_an_alert(play), scenario, replaced)
    if scenario.corrections is not None:
        expected = Counter((line.member, line.rule) for line in scenario.corrections)
        taken_back = Counter(await _taken_back(play))
        beside = Counter((firing.member_id, firing.rule_id) for firing in replaced)
        found += [f"taken back, not expected: {one}" for one in taken_back - expected]
        found += [f"not taken back: {one}" for one in expected - taken_back - beside]
    return found


@pytest.mark.parametrize("scenario", _all(), ids=lambda scenario: scenario.name)
async def test_the_rule_test_holds_through_the_engine(scenario: Scenario) -> None:
    await _holds(scenario, None)


def _sampled() -> list[Scenario]:
    """On a real server every tenth of the many (the whole of it under REACHPOINT_TRIALS=full); all with links."""
    everyone = _all()
    few = set(range(0, len(everyone), max(1, len(everyone) // trials(len(everyone)))))
    linked = {place for place, one in enumerate(everyone) if _links(one)}
    return [everyone[place] for place in sorted(few | linked)]


@pytest.mark.server
@pytest.mark.parametrize("scenario", _sampled(), ids=lambda scenario: scenario.name)
async def test_the_rule_test_holds_on_a_real_valkey(scenario: Scenario, valkey: Redis) -> None:
    await _holds(scenario, valkey)
