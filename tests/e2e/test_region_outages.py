"""The broker and the store stop, die, hang and cut their lines under load; the senders, the API and the workers live on.

Nobody is told that an event is safe when it is not, answers come in bounded time, and work goes on soon after what was
away is back. At the end the run is compared with the embedded engine's undisturbed run of the same messages.
"""

import asyncio
import json
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from domain.kinds import Feed
from streams.kafka_policy import KafkaPolicy
from tests.e2e.load import Load
from tests.e2e.outcome import Outcome, check_books, check_messages, check_one_record_each, read_outcome
from tests.e2e.people import ago
from tests.e2e.people import line as line_of
from tests.e2e.people import record as told
from tests.e2e.region import Region, open_region
from tests.e2e.scene import Scene, acknowledged_ids, same_alerts, scene_of, undisturbed_run
from tests.e2e.test_region_chaos import keys_of
from tests.kafka.broker import Broker, discard, started
from tests.kafka.proxy import Proxy, proxy
from tests.trials import record, trials

pytestmark = pytest.mark.server

_FULL = trials(50) == 50
_MESSAGES = 12_000 if _FULL else 900
_PER_SECOND = 60.0 if _FULL else 30.0
_SPANS = (1, 20, 120) if _FULL else (7,)
"""How long each outage lasts, in seconds: longer than a session of the group, or than a request may take."""
_ANSWERS_WITHIN_S = 10.0
_NOTICE_S = 5.0  # for a machine that others use too
_GOES_ON_WITHIN_S = 30.0
_ENDS_WITHIN_S = 150.0
_SENT_WITHIN_S = 60 + 3 * _MESSAGES / _PER_SECOND
"""Senders wait for each other's answers (load.py), and three brokers on two cores answer slowly: the pace is a wish."""


@dataclass(slots=True)
class Probe:
    """Asks the API all the time, as a monitor and as a sender of one event after another; keeps what it hears."""

    longest: float = 0.0
    heard: Counter[int] = field(default_factory=Counter)
    without_word: int = 0  # 503 that do not say when to come again
    acknowledged: list[str] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, url: str, key: str) -> None:
        """Until `enough`, and until the last event is answered."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
        async with httpx.AsyncClient(base_url=url, timeout=60.0, headers=headers) as client:
            number = 0
            while not self.enough.is_set():
                number += 1
                event = _of_nobody(number)
                while not await self._sent(client, event):  # noqa: ASYNC110 - a sender comes again
                    await asyncio.sleep(0.3)
                await asyncio.sleep(0.3)

    async def _sent(self, client: httpx.AsyncClient, event: bytes) -> bool:
        began = time.monotonic()
        await client.get("/v1/ready")
        between = time.monotonic()
        answer = await client.post("/v1/feeds/police/events", content=event)
        self.longest = max(self.longest, between - began, time.monotonic() - between)
        self.heard[answer.status_code] += 1
        self.without_word += answer.status_code == 503 and "retry-after" not in answer.headers
        if answer.status_code != 200:
            return False
        (item,) = answer.json()["items"]
        assert item["result"] in {"accepted", "duplicate"}, item
        self.acknowledged.append(item["event_id"])
        return True


def _of_nobody(number: int) -> bytes:
    """An event that concerns nobody who is watched."""
    identity = {"names": [{"given": ["Zebedee"], "family": "Quillfeather"}], "dates_of_birth": ["1931-02-03"]}
    said = {"identity": identity, "role": "victim"}
    return line_of(told("crime.recorded", f"PROBE-{number}", ago(minutes=5), said, attributes={"ho_code": "34B"}))


@dataclass(frozen=True, slots=True)
class Outage:
    """Something that is away for a while."""

    name: str
    begin: Callable[[], object]
    end: Callable[[], object]
    seconds: float


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return scene_of(tmp_path_factory.mktemp("scene"), _MESSAGES, random.SystemRandom().randrange(1_000_000))


@pytest.fixture(scope="module")
def undisturbed(scene: Scene) -> Outcome:
    outcome = asyncio.run(undisturbed_run(scene))
    check_books(outcome, sorted(outcome.endings))
    return outcome


@pytest.fixture(scope="module")
def line() -> Iterator[Proxy]:
    with proxy() as made:
        yield made


def test_broker_and_store_may_stop_die_and_cut_their_lines(
    line: Proxy, scene: Scene, undisturbed: Outcome, tmp_path: Path
) -> None:
    cluster = started(settings={"advertised.listeners": f"PLAINTEXT://127.0.0.1:{line.port}"})
    try:
        (broker,) = cluster.brokers
        line.target = broker.port
        with open_region(tmp_path, cluster, secret=scene.secret, warm=True) as region:
            _lived_through(region, scene, undisturbed, _outages(region, broker, line), "broker and store away")
    finally:
        discard(cluster)


def test_the_leader_of_three_brokers_may_die_under_load(scene: Scene, undisturbed: Outcome, tmp_path: Path) -> None:
    cluster = started(3)
    try:
        with open_region(tmp_path, cluster, secret=scene.secret, warm=True) as region:
            region.doors()
            node = asyncio.run(_leader_of(region.policy))
            leader = next(each for each in cluster.brokers if each.node == node)
            deaths = [
                Outage("leader killed", lambda: cluster.kill(leader), lambda: None, 0.0),
                Outage("leader back", lambda: cluster.launch(leader), lambda: cluster.wait_for(leader), 1.0),
            ]
            _lived_through(region, scene, undisturbed, deaths, "leader of three brokers killed")
    finally:
        discard(cluster)


def _outages(region: Region, broker: Broker, line: Proxy) -> list[Outage]:
    cluster = region.cluster

    def relaunched() -> None:
        cluster.launch(broker)
        cluster.wait_for(broker)

    made = []
    for span in _SPANS:
        made += [
            Outage("broker hangs", lambda: cluster.freeze(broker), lambda: cluster.thaw(broker), span),
            Outage(
                "store hangs",
                lambda: region.send_store(signal.SIGSTOP),
                lambda: region.send_store(signal.SIGCONT),
                span + 3,
            ),
            Outage("broker killed", lambda: cluster.kill(broker), relaunched, span),
            Outage("store killed", region.kill_store, region.bring_store_back, span),
            Outage("lines cut", line.reset, line.reset, 1),
        ]
    return made


def _lived_through(region: Region, scene: Scene, undisturbed: Outcome, outages: list[Outage], name: str) -> None:
    region.bring(scene.force.members, scene.force.navigators)
    load, outcome, probe, back = asyncio.run(_run(region, scene, outages))
    note = (
        f"seed {scene.seed}; {len(load.acknowledged)} acknowledged, {load.refused} answers 'later', "
        f"longest answer {probe.longest:.1f} s, lines that broke: {load.broken or 'none'} "
        f"(the HL7 door said: {_of_the_door(region) or 'nothing'}); work went on after: "
        + ", ".join(f"{what} {after:.1f} s" for what, after in back)
    )
    print(note)
    check_books(outcome, [*acknowledged_ids(load), *probe.acknowledged])
    same_alerts(undisturbed, outcome, with_references=False, only_standing=True)
    check_one_record_each(outcome)
    check_messages(outcome, scene.force)
    assert not probe.without_word, "a 503 without Retry-After"
    assert set(probe.heard) <= {200, 503}, probe.heard
    assert probe.longest < _ANSWERS_WITHIN_S + _NOTICE_S, note
    assert all(after < _GOES_ON_WITHIN_S for _, after in back), note
    assert all(process.poll() is None for process in region.processes.values()), "a process ended"
    record(name, len(outages), note)


async def _run(
    region: Region, scene: Scene, outages: list[Outage]
) -> tuple[Load, Outcome, Probe, list[tuple[str, float]]]:
    keys = await keys_of(region)
    load = Load(scene.items(), keys, lives_on=True)
    doors = await asyncio.to_thread(region.doors)
    for name in ("w1", "w2"):
        await asyncio.to_thread(region.joined, name)
    probe = Probe()
    probing = asyncio.create_task(probe.run(doors.api, keys[Feed.POLICE]))
    sending = asyncio.create_task(load.run(doors, per_second=_PER_SECOND))
    back = [(outage.name, await _lived(region, outage, probing)) for outage in outages]
    await asyncio.wait_for(sending, _SENT_WITHIN_S)
    assert load.done, f"{load.unanswered} messages are unanswered; lines that broke: {load.broken}"
    probe.enough.set()
    await probing
    sent = [*acknowledged_ids(load), *probe.acknowledged]
    outcome = await read_outcome(region, sent, within_s=_ENDS_WITHIN_S)
    return load, outcome, probe, back


async def _lived(region: Region, outage: Outage, probing: "asyncio.Task[None]") -> float:
    """One outage; how many seconds after its end an event ended again."""
    await asyncio.sleep(2)
    await asyncio.to_thread(outage.begin)
    await asyncio.sleep(outage.seconds)
    await asyncio.to_thread(outage.end)
    began = time.monotonic()
    before = await _ended(region)
    while await _ended(region) == before:
        assert not probing.done(), probing
        assert time.monotonic() - began < 3 * _GOES_ON_WITHIN_S, (
            f"after {outage.name} nothing goes on:\n{_said(region)}"
        )
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def _ended(region: Region) -> int:
    async with region.store() as client:
        ledger = await client.hgetall("rp:ledger")
    return sum(int(count) for name, count in ledger.items() if name.startswith(b"disposed|"))


def _said(region: Region) -> str:
    return json.dumps({name: region.log(name)[-1500:] for name in region.processes}, indent=1)


def _of_the_door(region: Region) -> str:
    """How often the MLLP listener said what: why it ended a line, if it did."""
    said = Counter(re.findall(r'"action": ?"(mllp\.\w+)"', region.log("api")))
    return ", ".join(f"{action} {times}" for action, times in sorted(said.items()))


async def _leader_of(policy: KafkaPolicy) -> int:
    admin = AIOKafkaAdminClient(**policy.client_options())
    await admin.start()
    (topic,) = await admin.describe_topics([policy.events])
    await admin.close()
    return int(topic["partitions"][0]["leader"])
