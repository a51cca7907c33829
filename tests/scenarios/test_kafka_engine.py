"""Rule tests through engine B: real Kafka, Faust's agents, a real Valkey; the same alerts as everywhere."""

import asyncio

import pytest

from streams.kafka_policy import KafkaPolicy
from streams.server import connect
from tests.kafka.stage import KafkaPlay, stage_on
from tests.scenarios.test_engines import _all, _difference, _led_to_an_alert, _rules, _taken_back

pytestmark = pytest.mark.server


def test_every_rule_test_holds_through_kafka(lanes: KafkaPolicy, valkey_socket) -> None:
    """All of them on one worker, one after another: joining the group is what costs."""
    import time

    async def work() -> list[str]:
        faults = []
        client = connect(valkey_socket)
        await client.flushall()
        async with stage_on(client, lanes) as stage:
            t = time.time()
            n = 0
            for scenario in _all():
                await client.flushall()
                play = KafkaPlay(stage, scenario.cohort, rules=_rules(scenario.rules))
                play.clock.set(scenario.start)
                await play.prepare()
                for step in scenario.steps:
                    n += 1
                    await play.give(step.event)
                wrong = _difference(scenario.expect, await _led_to_an_alert(play), scenario)
                faults += [f"{scenario.name}: {each}" for each in wrong]
            print(time.time() - t, n, len(_all()))
        await client.aclose()
        return faults

    assert asyncio.run(work()) == []
