"""A worker that was frozen between reading and writing comes back when another one has gone on: it changes nothing."""

import asyncio

import pytest
from redis.asyncio import Redis

from domain.ids import MemberId
from domain.kinds import Kind
from streams import keys
from streams.embedded import Decider, Observers
from streams.kafka_decide import KafkaDecide
from streams.messages import Matched
from streams.ports import Person
from tests.unit.streams.play import NO_WAIT, Play, ed, member, minutes, valkey_twin

STABBED = {"intent": "assault", "mechanism": "sharp"}

pytestmark = pytest.mark.server


class Frozen(KafkaDecide):
    """A worker's hands that stop once, after reading."""

    def __init__(self, client: Redis) -> None:
        super().__init__(client)
        self.stopped = asyncio.Event()
        self.thawed = asyncio.Event()

    async def load(self, matched: Matched) -> Person:
        person = await super().load(matched)
        self.stopped.set()
        await self.thawed.wait()
        return person


async def test_a_zombies_late_decision_changes_nothing(valkey: Redis) -> None:
    play = await Play([member("M1")], valkey_twin(valkey)).prepare()
    await play.accept(ed(Kind.ED_ARRIVAL, "M1", visit="V1", **STABBED))
    await play.accept(ed(Kind.ED_ARRIVAL, "M1", visit="V2", at=minutes(90), **STABBED))
    while await play.recogniser.run_once(NO_WAIT):
        pass
    entries = await play.twin.decisions.read_matched(10, NO_WAIT)
    assert len(entries) == 2
    hands = Frozen(valkey)
    zombie = Decider(hands, lambda: play.index, play.current_world, play.clock, Observers())
    late = asyncio.create_task(zombie.take(entries[:1]))
    await hands.stopped.wait()
    await play.decider.take(entries)
    before = await _everything(play, valkey)
    assert before[0], "an alert was raised"
    hands.thawed.set()
    await late
    assert await _everything(play, valkey) == before


async def _everything(play: Play, valkey: Redis) -> tuple[object, ...]:
    """Alerts with their messages, the person, the books."""
    alerts = await play.alerts()
    rows = [await play.rows(alert) for alert in alerts]
    person = await KafkaDecide(valkey).person(MemberId("M1"))
    return alerts, rows, person, await play.twin.transport.counts(), await valkey.hgetall(keys.LEDGER)
