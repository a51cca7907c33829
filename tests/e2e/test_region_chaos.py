"""Two workers on Kafka while everything that may happen to a worker happens: killed, frozen and thawed, joined and left.

The senders, the broker and the far ends live on. At the end the run is compared with the embedded engine's undisturbed
run of the same messages: nothing lost, no alert twice, the same alerts; so it also says that both engines are one.
"""

import asyncio
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.keys import AccessRole, Grant, key_from, new_secret
from api.valkey import ValkeyKeyStore
from domain.clock import SystemClock
from domain.kinds import Feed
from tests.e2e.load import Load
from tests.e2e.outcome import Outcome, check_books, check_messages, check_one_record_each, read_outcome
from tests.e2e.region import Region, open_region
from tests.e2e.region_order import check_order
from tests.e2e.scene import FEEDS, Scene, acknowledged_ids, same_alerts, scene_of, undisturbed_run
from tests.kafka.broker import Cluster
from tests.trials import record, trials

pytestmark = pytest.mark.server


@dataclass(frozen=True, slots=True)
class Chaos:
    """How long, how many messages meanwhile, which part of them about watched people, how many SIGKILLs, and for how
    many seconds a worker is frozen."""

    seconds: int
    messages: int
    prevalence: float
    kills: int
    frozen: int


_WHOLE = Chaos(seconds=300, messages=60_000, prevalence=0.05, kills=50, frozen=60)  # issue 3: 200 a second, 5 minutes
_SHORT = Chaos(seconds=25, messages=1_500, prevalence=0.4, kills=4, frozen=9)
_REBALANCE_EVERY_S = 20
_LEASES_END_S = 120
_STOPS_WITHIN_S = 20


def test_whatever_befalls_workers_nothing_is_lost_and_no_alert_comes_twice(kafka: Cluster, tmp_path: Path) -> None:
    chaos = _WHOLE if trials(50) == 50 else _SHORT
    seed = random.SystemRandom().randrange(1_000_000)
    print(f"seed {seed}")
    scene = scene_of(tmp_path, chaos.messages, seed, prevalence=chaos.prevalence)
    undisturbed = asyncio.run(undisturbed_run(scene))
    check_books(undisturbed, sorted(undisturbed.endings))
    (tmp_path / "region").mkdir()
    with open_region(tmp_path / "region", kafka, secret=scene.secret, warm=True) as region:
        region.bring(scene.force.members, scene.force.navigators)
        load, outcome, done = asyncio.run(_lived_through(region, scene, chaos, random.Random(seed)))
        compared, people = asyncio.run(check_order(region))
        passed_over = sum(region.log(name).count('"kafka_gap"') for name in region.processes)
    check_books(outcome, acknowledged_ids(load))
    same_alerts(undisturbed, outcome, with_references=False, only_standing=True)
    check_one_record_each(outcome)
    assert compared > people > 0, "order was looked at"
    repeats = check_messages(outcome, scene.force)
    note = (
        f"seed {seed}; {len(load.acknowledged)} acknowledged, {load.refused} answers 'later', {len(outcome.alerts)} "
        f"alerts, {repeats} repeats; {compared} decisions about {people} people in the order of their partitions; messages passed over by the client and taken after all: {passed_over} times; "
        + ", ".join(f"{what} {count}" for what, count in sorted(done.items()))
    )
    print(note)
    record("two workers killed, frozen, joined and left", chaos.kills, note)


async def _lived_through(
    region: Region, scene: Scene, chaos: Chaos, rng: random.Random
) -> tuple[Load, Outcome, Counter[str]]:
    """Send everything while all of it happens, then let it end."""
    done: Counter[str] = Counter()
    load = Load(scene.items(), await keys_of(region))
    doors = await asyncio.to_thread(region.doors)
    region.start("w4")
    for name in ("w1", "w2", "w4"):
        await asyncio.to_thread(region.joined, name)
    sending = asyncio.create_task(load.run(doors, per_second=chaos.messages / chaos.seconds))
    ends = time.monotonic() + chaos.seconds
    await asyncio.gather(
        _killing(region, chaos.kills, ends, rng, done),
        _rebalancing(region, ends, done),
        _freezing(region, chaos.frozen, done),
    )
    await asyncio.wait_for(sending, 180)
    assert load.done, f"{load.unanswered} messages are unanswered"
    return load, await read_outcome(region, acknowledged_ids(load), within_s=_LEASES_END_S), done


async def keys_of(region: Region) -> dict[Feed, str]:
    made: dict[Feed, str] = {}
    async with region.store() as client:
        for feed in FEEDS:
            made[feed] = new_secret()
            grant = Grant(role=AccessRole.FEED, name=f"feed {feed.value}", feed=feed)
            await ValkeyKeyStore(client).create(key_from(made[feed], grant, SystemClock().now()))
    return made


async def _killing(region: Region, kills: int, ends: float, rng: random.Random, done: Counter[str]) -> None:
    """SIGKILL to one worker or the other, and a new life after a while."""
    pause = (ends - time.monotonic()) / (kills + 1)
    for _ in range(kills):
        await asyncio.sleep(pause * rng.uniform(0.5, 1.0))
        name = rng.choice(("w1", "w2"))
        region.send(name, signal.SIGKILL)
        done["killed"] += 1
        await asyncio.sleep(rng.uniform(0.0, pause * 0.5))
        region.start(name)


async def _rebalancing(region: Region, ends: float, done: Counter[str]) -> None:
    """A third worker joins, works for a while and leaves in an orderly way, again and again."""
    while True:
        region.start("w3")
        await asyncio.to_thread(region.joined, "w3")
        await asyncio.sleep(min(_REBALANCE_EVERY_S, max(3.0, ends - time.monotonic())))
        began = time.monotonic()
        status = await asyncio.to_thread(region.stop, "w3")
        done["longest orderly stop in s"] = max(done["longest orderly stop in s"], int(time.monotonic() - began) + 1)
        assert done["longest orderly stop in s"] <= _STOPS_WITHIN_S, region.log("w3")[-2000:]
        assert status == 0, region.log("w3")[-2000:]
        done["rebalanced"] += 2
        if time.monotonic() + _REBALANCE_EVERY_S > ends:
            return


async def _freezing(region: Region, frozen: int, done: Counter[str]) -> None:
    """A fourth worker is frozen for longer than its session lasts, and thaws: a zombie with work in hand."""
    await asyncio.sleep(3)
    region.send("w4", signal.SIGSTOP)
    await asyncio.sleep(frozen)
    region.send("w4", signal.SIGCONT)
    done["frozen"] += 1
