"""Rule tests through engine B: real Kafka, Faust's agents, a real Valkey; the same alerts as everywhere.

One worker plays them one after another, because joining the group is what costs. `make test` plays a tenth of them,
another one each day (about 15 s); all of them under REACHPOINT_TRIALS=full (about 130 s).
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from streams.kafka_policy import KafkaPolicy
from streams.server import connect
from tests.kafka.stage import KafkaLooking, KafkaPlay, Stage, stage_on
from tests.scenarios.test_engines import _all, _faults, _in_a_house, _in_time, _links, _rules
from tests.trials import record, trials
from tests.unit.streams.play import Play
from triggers.scenarios import Scenario

pytestmark = pytest.mark.server


def _todays() -> list[Scenario]:
    everyone, day = _all(), datetime.now(UTC).date()
    print(f"rule tests of {day}")
    return Random(day.toordinal()).sample(everyone, trials(len(everyone)))


async def _played(stage: Stage, scenario: Scenario) -> Play:
    await stage.clear()
    if _links(scenario):
        return await _in_a_house(KafkaLooking(stage, rules=_rules(scenario.rules)), scenario)
    return await _in_time(KafkaPlay(stage, scenario.cohort, rules=_rules(scenario.rules)), scenario)


def test_the_rule_tests_hold_through_kafka(lanes: KafkaPolicy, valkey_socket: Path) -> None:
    chosen = _todays()

    async def play_them() -> list[str]:
        client = connect(valkey_socket)
        await client.flushall()
        wrong = []
        async with stage_on(client, lanes) as stage:
            for scenario in chosen:
                found = await _faults(await _played(stage, scenario), scenario)
                wrong += [f"{scenario.name}: {each}" for each in found]
        await client.aclose()
        return wrong

    assert asyncio.run(play_them()) == []
    record("rule tests through Kafka", len(chosen))
