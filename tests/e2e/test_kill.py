"""kill -9, again and again under load: nothing that was acknowledged is lost, nothing happens twice, nobody else hears.

One long-lived data directory over all kills. The senders and the far ends live in the test's process and survive. At
the end the run is compared with an undisturbed one of the same messages, the same cohort and the same secret.
"""

import asyncio
import contextlib
import random
import secrets
import time
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from alerts.model import Channel
from alerts.valkey_layout import outbox_key
from domain.ids import SHARDS
from fixtures.endpoints import Act
from streams import keys
from tests.e2e.load import Load
from tests.e2e.outcome import (
    Outcome,
    check_books,
    check_messages,
    check_one_record_each,
    read_outcome,
)
from tests.e2e.scene import Scene, acknowledged_ids, run_of, same_alerts, scene_of, undisturbed_run
from tests.e2e.service_process import ServiceProcess, alive, far_ends
from tests.trials import record, trials

pytestmark = pytest.mark.server

_MESSAGES_PER_KILL = 30
_LIFE_S = (0.02, 0.9)  # how long after readiness the service is killed
_BEFORE_READY = 0.1  # share of the kills that hit the start itself
_LEASE_S = 45.0  # a message under way at a kill comes again when its lease has ended
_LEASES_END_S = 2 * _LEASE_S + 10


async def _finish(service: ServiceProcess, load: Load) -> Outcome:
    """Start once more, send what is left, and let it end."""
    doors = await service.start()
    await asyncio.wait_for(load.run(doors, per_second=100_000), 120)
    assert load.done, f"{load.unanswered} messages are still unanswered"
    return await read_outcome(service, acknowledged_ids(load), within_s=_LEASES_END_S)


async def _caught(service: ServiceProcess, load: Load) -> set[str]:
    """What was under way at this moment: what the next kill tears."""
    under_way = {"intake"} if load.unanswered else set()
    async with service.store() as client:
        pipe = client.pipeline(transaction=False)
        pipe.xinfo_groups(keys.EVENTS)
        for shard in range(SHARDS):
            pipe.xinfo_groups(keys.matched_stream(shard))
        for channel, urgent in product(Channel, (True, False)):
            for shard in range(SHARDS):
                pipe.zcount(
                    outbox_key(shard, channel, urgent),
                    (time.time() + _LEASE_S - 1) * 1000,
                    (time.time() + _LEASE_S) * 1000,
                )
        found = await pipe.execute()
    if any(group["pending"] or group["lag"] for group in found[0]):
        under_way.add("recognise")
    if any(group["pending"] or group["lag"] for groups in found[1 : SHARDS + 1] for group in groups):
        under_way.add("decide")
    if any(found[SHARDS + 1 :]):
        under_way.add("send")
    return under_way


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Outcome]:
    """The scene of this module, made once, and its undisturbed run."""
    seed = random.SystemRandom().randrange(1_000_000)
    scene = scene_of(tmp_path_factory.mktemp("kill"), trials(100) * _MESSAGES_PER_KILL, seed)
    undisturbed = asyncio.run(undisturbed_run(scene))
    check_books(undisturbed, sorted(undisturbed.endings))
    assert len(undisturbed.alerts) >= 15, "hardly an alert: nothing to compare"
    return scene, undisturbed


async def test_kill_of_the_whole_group_loses_nothing_and_changes_no_alert(played: tuple[Scene, Outcome]) -> None:
    kills, (scene, undisturbed) = trials(100), played
    print(f"seed {scene.seed}, {kills} kills")
    rng = random.Random(scene.seed)
    hit: Counter[str] = Counter()
    async with run_of(scene, "killed") as (service, load):
        service.sms.play(*(Act(delay=rng.uniform(0.0, 0.3)) for _ in range(kills * 20)))
        for _ in range(kills):
            hit.update(await _one_life(service, load, rng))
        outcome = await _finish(service, load)
        check_books(outcome, acknowledged_ids(load))
        same_alerts(undisturbed, outcome)
        check_one_record_each(outcome)
        repeats = check_messages(outcome, scene.force)
    again = sum(1 for item in load.items if item.sent > 1)
    note = (
        f"seed {scene.seed}; {len(load.acknowledged)} acknowledged, {again} sent again, {len(outcome.alerts)} alerts, "
        f"{len(outcome.received)} messages, {repeats} repeats; torn by a kill: "
        + ", ".join(f"{what} {count}" for what, count in sorted(hit.items()))
    )
    print(note)
    record("kill -9 of the whole group", kills, note)
    assert hit["intake"] and hit["start"] + hit["send"] + hit["decide"] + hit["recognise"], "the kills hit nothing"


async def _one_life(service: ServiceProcess, load: Load, rng: random.Random) -> set[str]:
    """Start, work for a random while, die. What the kill tore."""
    if rng.random() < _BEFORE_READY:
        service.spawn()
        await asyncio.sleep(rng.uniform(0.05, 1.0))
        service.kill9()
        return {"start"}
    sending = asyncio.create_task(load.run(await service.start(), per_second=_MESSAGES_PER_KILL / 0.45))
    await asyncio.sleep(rng.uniform(*_LIFE_S))
    caught = await _caught(service, load)
    service.kill9()
    await _over(sending)
    return caught or {"nothing"}


async def _over(sending: "asyncio.Task[None]") -> None:
    """Answers that were on the line before the kill still count; then the senders give up."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(sending, 2)


async def test_any_part_may_die_alone(played: tuple[Scene, Outcome]) -> None:
    """Python alone: the next life adopts its Valkey. Valkey alone: the service starts it again and goes on."""
    lives, (scene, undisturbed) = max(5, trials(40) // 2), played
    print(f"seed {scene.seed}, {lives} lives")
    rng = random.Random(scene.seed)
    outages: list[float] = []
    async with run_of(scene, "parts") as (service, load):
        per_second = len(load.items) / lives / 0.4
        for number in range(lives):
            store = service.store_pid if number else None
            sending = asyncio.create_task(load.run(await service.start(), per_second=per_second))
            assert store in {None, service.store_pid}, "the living store of the life before was not adopted"
            await asyncio.sleep(rng.uniform(*_LIFE_S))
            outages.append(await _store_dies(service))
            await asyncio.sleep(rng.uniform(0.1, 0.6))
            children = service.children
            service.kill_python()
            await _over(sending)
            await _gone(children - {service.store_pid})
        outcome = await _finish(service, load)
        check_books(outcome, acknowledged_ids(load))
        same_alerts(undisturbed, outcome, with_references=False)
        check_one_record_each(outcome)
        repeats = check_messages(outcome, scene.force)
        assert service.stop() == 0
    note = (
        f"seed {scene.seed}; {len(load.acknowledged)} acknowledged, {load.refused} answers 'later', {repeats} repeats; "
        f"store back after {max(outages):.2f} s at most"
    )
    print(note)
    record("kill -9 of Python alone and of Valkey alone", 2 * lives, note)


async def _store_dies(service: ServiceProcess) -> float:
    """Kill the store under the running service; seconds until the service is ready again, still the same process."""
    died, before = service.kill_store(), service.pid
    began = time.monotonic()
    while service.store_pid in {0, died}:
        assert service.running and time.monotonic() - began < 10, (
            f"the store is not started again: {service.log[-500:]}"
        )
        await asyncio.sleep(0.02)
    await service.ready()
    assert service.pid == before
    return time.monotonic() - began


async def _gone(children: set[int]) -> None:
    """What the dead process had started ends by itself, the store apart."""
    deadline = time.monotonic() + 5
    while left := {pid for pid in children if alive(pid)}:
        assert time.monotonic() < deadline, f"left behind by a kill: {left}"
        await asyncio.sleep(0.02)


async def test_a_store_that_cannot_live_ends_the_service_with_the_reason(tmp_path: Path) -> None:
    with far_ends() as (smtp, sms):
        secret = tmp_path / "reference.secret"
        secret.write_bytes(secrets.token_bytes(32))
        service = ServiceProcess(tmp_path / "dying", smtp, sms, secret)
        service.prepare()
        try:
            await service.start()
            died = 0
            while service.running:
                pid = service.store_pid
                if pid not in {0, died} and alive(pid):
                    died = service.kill_store()
                await asyncio.sleep(0.01)
            assert service.wait(1) == 2
            assert "The store died 5 times in a row" in " ".join(service.log.split())
        finally:
            service.close()
