"""Poison inside: one rule that raises silences no other, and an event that fails as a whole is set aside with a trace;
its neighbours go on, and supervisors hear of both.

The faults come in as arguments: an index that raises for one person, a rule set whose rule raises for one record, one
of that rule alone. The store is a real one, and after the fault is mended the real command line takes the
event again.
"""

import dataclasses
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from redis.asyncio import Redis

from alerts.routing import Directory
from alerts.valkey import ValkeyAlertStore
from alerts.valkey_outbox import ValkeyOutbox
from cohort.index import CohortIndex
from cohort.policy import MatchPolicy
from domain.clock import SystemClock
from domain.events import Event
from domain.identity import Identity
from domain.kinds import Feed
from domain.people import CohortMember
from service.fault_bells import FaultBells
from streams.decide import DecidePolicy, World
from streams.embedded import Decider, Observers, Recogniser
from streams.feeds.outcome import RejectReason
from streams.feeds.records import read_ndjson
from streams.intake import GroupCommit
from streams.messages import QuarantineItem
from streams.valkey import ValkeyTransport
from streams.valkey_decide import ValkeyDecide
from streams.valkey_desk import ValkeyDesk
from streams.valkey_tallies import ValkeyTallies
from tests.e2e.house import reachpoint
from tests.e2e.people import ago, line, mention, navigator, record, watched
from triggers.conditions import ALWAYS
from triggers.loading import shipped_rules
from triggers.moments import Moment
from triggers.rules import Case, RuleSet

AT_ONCE = timedelta(milliseconds=1)
PEOPLE = [watched(number) for number in range(1, 6)]
POISON = PEOPLE[2]
N1 = navigator("N1", 101)
SECRET = "Quillfeather 9990000018"
"""What the fault's own message would betray."""
FAULTY = "VIOLENCE_VICTIM"


class FaultyIndex:
    """An index that raises for one person, and otherwise is the index that it wraps."""

    def __init__(self, index: CohortIndex, poison: CohortMember) -> None:
        self._index = index
        self._numbers = {one.value for one in poison.identity.identifiers}

    def search(self, identity: Identity, sieve: Any) -> Any:
        if self._numbers & {one.value for one in identity.identifiers}:
            raise RuntimeError(SECRET)
        return self._index.search(identity, sieve)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def __len__(self) -> int:
        return len(self._index)


def alone(rules: RuleSet) -> RuleSet:
    """The one rule of the shipped ones that crimes of violence set off."""
    return dataclasses.replace(rules, rules=tuple(rule for rule in rules.rules if rule.rule_id == FAULTY))


def faulty_rules(rules: RuleSet, source_key: str) -> RuleSet:
    """The shipped rules, one of which raises when it is asked about one record."""

    def ask(moment: Moment) -> bool | None:
        if moment.entry.source_key == source_key:
            raise KeyError(SECRET)
        return None

    asked = Case(ALWAYS, ask, "")  # a line of the table of headlines: asked of every moment at which the rule fires
    changed = tuple(
        dataclasses.replace(rule, then=dataclasses.replace(rule.then, headlines=(asked,)))
        if rule.rule_id == FAULTY
        else rule
        for rule in rules.rules
    )
    return dataclasses.replace(rules, rules=changed)


class Bench:
    """The engine's two hops on a real store, with whatever index and rules a test gives them."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.transport, self.decisions = ValkeyTransport(client), ValkeyDecide(client)
        self.desk = ValkeyDesk(client)
        self.index = CohortIndex.build(PEOPLE, 1)
        self.rules = shipped_rules("tipt")

    async def take(self, events: Iterable[Event]) -> None:
        await self.transport.prepare()
        intake = GroupCommit(self.transport, SystemClock())
        intake.start()
        await intake.submit([(event, b"") for event in events])
        await intake.stop()

    async def run(self, *, index: Any = None, rules: RuleSet | None = None) -> None:
        """Both hops until nothing moves."""
        world = World(
            rules=rules or self.rules,
            directory=Directory({N1.navigator_id: N1}),
            policy=DecidePolicy(secret=b"0123456789abcdef"),
        )
        known = index or self.index
        recogniser = Recogniser(self.transport, lambda: known, MatchPolicy(), SystemClock(), Observers())
        decider = Decider(self.decisions, lambda: known, lambda: world, SystemClock(), Observers())
        while await recogniser.run_once(AT_ONCE) + await decider.run_once(AT_ONCE):
            pass

    async def ring(self, rules: RuleSet) -> list[str]:
        """What the supervisors' bells ring for."""
        chief = dataclasses.replace(navigator("S1", 102), supervisor=True)
        world = World(rules, Directory({chief.navigator_id: chief}), DecidePolicy(secret=b"0123456789abcdef"))
        bells = FaultBells(ValkeyOutbox(self.client), ValkeyTallies(self.client))
        return [fault.rule_id or "whole events" for fault in await bells.ring(world, datetime.now(UTC))]

    async def told(self, who: CohortMember) -> dict[str, bool]:
        """The rules that have alerted for a person, and whether late."""
        found = await ValkeyAlertStore(self.client).of_members([who.member_id])
        return {one.rule_id: one.late for alert in found.get(who.member_id, ()) for one in alert.live}

    async def endings(self, events: Iterable[Event]) -> list[str]:
        return [str(await self.transport.disposition(event.event_id)) for event in events]


@pytest.fixture
def bench(valkey: Redis) -> Bench:
    return Bench(valkey)


def crimes() -> list[Event]:
    """One crime for each person, in order."""
    lines = [
        line(record("crime.recorded", f"99/{who.member_id}", ago(minutes=9), mention(who, "victim"), attributes={"ho_code": "8N"}))
        for who in PEOPLE
    ]  # fmt: skip
    return taken(*lines)


def taken(*lines: bytes) -> list[Event]:
    """Records of the police feed, received now."""
    found = list(read_ndjson([b"\n".join(lines)], feed=Feed.POLICE, received_at=datetime.now(UTC)))
    return [each for each in found if isinstance(each, Event)]


def replay(valkey_socket: Path, folder: Path, item: QuarantineItem) -> Any:
    config = folder / "reachpoint.toml"
    config.write_text(f'data_dir = "{folder / "data"}"\n[store]\nredis_url = "unix://{valkey_socket}"\n')
    return reachpoint("quarantine", "replay", item.item_id, "--config", str(config), "--json")


async def assert_set_aside(bench: Bench, events: list[Event], fault: str) -> QuarantineItem:
    """The poison alone is in quarantine, with a trace and without a value; the others are decided."""
    endings = await bench.endings(events)
    assert endings[2] == "quarantined:processing_failed"
    assert all(ending.startswith("alert:") for ending in endings[:2] + endings[3:]), endings
    (item,) = await bench.desk.quarantined(10)
    assert item.reason is RejectReason.PROCESSING_FAILED and item.event_id == events[2].event_id
    assert item.detail.startswith(f"{fault} at ") and "trace" in item.detail
    assert "Quillfeather" not in item.detail and "9990000018" not in item.detail
    books = await bench.transport.counts()
    assert books.balanced and books.in_flight == 0
    return item


@pytest.mark.parametrize("stage", ["matching", "every rule"])
async def test_an_event_that_makes_us_fail_is_set_aside_and_taken_again_once_mended(
    stage: str, bench: Bench, valkey_socket: Path, tmp_path: Path
) -> None:
    events = crimes()
    await bench.take(events)
    with structlog.testing.capture_logs() as logged:
        if stage == "matching":
            await bench.run(index=FaultyIndex(bench.index, POISON))
        else:
            await bench.run(rules=faulty_rules(alone(bench.rules), f"99/{POISON.member_id}"))
    item = await assert_set_aside(bench, events, "RuntimeError" if stage == "matching" else "KeyError")
    (told,) = [each for each in logged if each["action"] == "event_set_aside"]
    assert await bench.ring(bench.rules) == ["whole events"]
    assert await bench.ring(bench.rules) == [], "once"
    assert told["trace"] in item.detail and "Quillfeather" not in str(logged)

    done = replay(valkey_socket, tmp_path, item)
    assert done.status == 0 and done.json == {"tried": 1, "taken": 1}, done.err
    await bench.run()
    assert all(ending.startswith("alert:") for ending in await bench.endings(events))
    books = await bench.transport.counts()
    assert books.balanced and books.in_flight == 0
    assert replay(valkey_socket, tmp_path, item).status in {0, 1}, "again: no harm"
    await bench.run()
    assert (await bench.transport.counts()).balanced


async def test_one_rule_that_raises_silences_no_other_and_what_it_missed_comes_once_mended(bench: Bench) -> None:
    faulty = faulty_rules(bench.rules, f"99/{POISON.member_id}")
    events = crimes()
    armed = taken(line(record("crime.recorded", "99/armed", ago(minutes=5), mention(POISON, "suspect"), attributes={"ho_code": "10D"})))  # fmt: skip
    await bench.take(events + armed)
    with structlog.testing.capture_logs() as logged:
        await bench.run(rules=faulty)
    endings = await bench.endings(events)
    assert endings[2] == "suppressed:not_judged"
    assert all(ending.startswith("alert:") for ending in endings[:2] + endings[3:]), endings
    assert (await bench.endings(armed))[0].startswith("alert:"), "another rule, after the fault, about the same person"
    told = await bench.told(POISON)
    assert "WEAPON_CARRYING" in told and FAULTY not in told
    assert await bench.desk.quarantined(10) == []
    assert await bench.ring(bench.rules) == [FAULTY]
    assert await bench.ring(bench.rules) == [], "once"
    said = [each for each in logged if each["action"] == "rules_not_judged"]
    assert said and all(each["rules"] == f"{FAULTY}@1" for each in said)
    assert "Quillfeather" not in str(logged)

    further = taken(line(record("custody.released", "99/out", ago(minutes=1), mention(POISON))))
    await bench.take(further)
    await bench.run()
    assert (await bench.told(POISON))[FAULTY], "late, and marked as that"
    books = await bench.transport.counts()
    assert books.balanced and books.in_flight == 0


async def test_replayed_before_it_is_mended_it_is_set_aside_again(
    bench: Bench, valkey_socket: Path, tmp_path: Path
) -> None:
    events = crimes()
    await bench.take(events)
    faulty = FaultyIndex(bench.index, POISON)
    await bench.run(index=faulty)
    item = await assert_set_aside(bench, events, "RuntimeError")
    assert replay(valkey_socket, tmp_path, item).json["taken"] == 1
    await bench.run(index=faulty)
    await assert_set_aside(bench, events, "RuntimeError")
