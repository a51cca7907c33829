"""One contract for what keeps quiet: snoozes, breakers and tallies, in memory and on a real Valkey."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from alerts.breaker import FloodKey, FloodKind, Sent
from alerts.held_back import HeldBack, HeldState, HeldWhy
from alerts.snooze import Maker, Snooze, lifted, snoozed, told
from domain.clock import ManualClock
from domain.ids import AlertId, EventId, MemberId, NavigatorId, RuleId
from domain.kinds import Kind
from domain.matches import Relation
from domain.triggers import Cap, Priority
from streams.audit import AuditEntry, AuditLog, Operation
from streams.memory import MemoryTransport
from streams.memory_quiet import MemoryQuiet
from streams.memory_reviews import MemoryReviews
from streams.memory_server import MemoryServer
from streams.memory_tallies import MemoryTallies
from streams.messages import Disposition, Ending, Matched, PersonState
from streams.ports import Commit, DecideLog
from streams.quiet_ports import BreakerStore, SnoozeStore
from streams.server import connect
from streams.tallies import HourOfRule, Tallies, days_between
from streams.valkey_decide import ValkeyDecide
from streams.valkey_quiet import ValkeyQuiet
from streams.valkey_reviews import ValkeyReviews
from streams.valkey_tallies import ValkeyTallies
from tests.unit.alerts.build import START, at, firing
from tests.unit.streams.play import ed

NAVIGATOR = Maker("N1", "navigator", NavigatorId("N1"))
RULE, WHO = RuleId("ED_ASSAULT"), MemberId("M1")


@dataclass
class Stores:
    """The ports of one twin."""

    snoozes: SnoozeStore
    breakers: BreakerStore
    tallies: Tallies
    decisions: DecideLog
    audit: AuditLog


@pytest_asyncio.fixture(params=["memory", "valkey"])
async def stores(request: pytest.FixtureRequest, valkey_socket: Path) -> AsyncIterator[Stores]:
    if request.param == "memory":
        server = MemoryServer(ManualClock(START))
        quiet = MemoryQuiet(server)
        yield Stores(quiet, quiet, MemoryTallies(server), MemoryTransport(server), MemoryReviews(server))
        return
    client = connect(valkey_socket)
    await client.flushall()
    both = ValkeyQuiet(client)
    yield Stores(both, both, ValkeyTallies(client), ValkeyDecide(client), ValkeyReviews(client))
    await client.aclose()


def snooze(rule: str = "ED_ASSAULT", *, days: float = 1, now: datetime = START) -> Snooze:
    ends = now + timedelta(days=days)
    return snoozed(RuleId(rule), WHO, ends_at=ends, reason="in hospital", by=NAVIGATOR, asks_p1=True, now=now)


def entry(what: str = "snooze_made") -> AuditEntry:
    return AuditEntry(START, "N1", "navigator", Operation.ALTERATION, what, "snooze:1", (WHO,), "in hospital")


async def test_a_snooze_comes_back_as_it_was_with_its_audit_entry(stores: Stores) -> None:
    before = await stores.snoozes.revision()
    made = snooze()
    assert await stores.snoozes.change(made, None, [entry()])
    assert await stores.snoozes.find(made.snooze_id) == made
    assert await stores.snoozes.find("none") is None
    assert await stores.snoozes.revision() == before + 1
    assert [line.entry for line in await stores.audit.read()] == [entry()]


async def test_whoever_writes_second_changes_nothing_and_leaves_no_entry(stores: Stores) -> None:
    made = snooze()
    await stores.snoozes.change(made, None, [])
    gone = lifted(made, NAVIGATOR, "back home", at(1))
    assert await stores.snoozes.change(gone, made, [entry("snooze_lifted")])
    assert not await stores.snoozes.change(lifted(made, NAVIGATOR, "other", at(2)), made, [entry("again")])
    assert not await stores.snoozes.change(made, None, [entry("again")])
    assert await stores.snoozes.find(made.snooze_id) == gone
    assert [line.entry.what for line in await stores.audit.read()] == ["snooze_lifted"]


async def test_snoozes_are_listed_by_their_end_and_told_of_once(stores: Stores) -> None:
    long, short = snooze("ED_ASSAULT", days=3), snooze("CUSTODY_ARREST", days=1)
    for one in (long, short):
        await stores.snoozes.change(one, None, [])
    assert await stores.snoozes.snoozes(START) == [short, long]
    assert await stores.snoozes.snoozes(short.ends_at) == [long]
    assert await stores.snoozes.untold(short.ends_at - timedelta(seconds=1)) == []
    assert await stores.snoozes.untold(short.ends_at) == [short]
    await stores.snoozes.change(told(short, short.ends_at), short, [])
    assert await stores.snoozes.untold(short.ends_at) == []
    gone = lifted(long, NAVIGATOR, "back home", at(1))
    await stores.snoozes.change(gone, long, [])
    assert await stores.snoozes.untold(at(1)) == [gone]


async def test_a_breaker_is_closed_and_its_bell_rings_once(stores: Stores) -> None:
    key = FloodKey(FloodKind.RULE, "ED_ASSAULT")
    assert await stores.breakers.closed() == {}
    await stores.breakers.close(key, at(3), [entry("breaker_closed")])
    assert await stores.breakers.closed() == {key: at(3)}
    assert await stores.breakers.ring(key, at(0), None)
    assert not await stores.breakers.ring(key, at(1), None)
    assert await stores.breakers.ring(key, at(15), at(0))
    assert await stores.breakers.rung() == {key: at(15)}
    assert [line.entry.what for line in await stores.audit.read()] == ["breaker_closed"]


def commit(number: int, **left: object) -> Commit:
    """A decision of M1 that leaves this beside them."""
    state = PersonState(WHO, version=number)
    ending = Disposition(Ending.SUPPRESSED, "snoozed")
    values: dict[str, object] = {"decided_at": at(number), **left}
    return Commit("p", EventId(f"e{number}"), ending, state, replace(state, version=number + 1), **values)  # type: ignore[arg-type]


def held(name: str, minute: float = 0, **fields: object) -> HeldBack:
    trigger = firing(name, minute, cap=Cap(1, timedelta(days=7)), expires_after=timedelta(days=14))
    return HeldBack(trigger, HeldWhy.SNOOZED, at(minute), "s1", **fields)  # type: ignore[arg-type]


async def test_what_a_decision_leaves_beside_the_person_is_there_after_it(stores: Stores) -> None:
    sent = Sent(at(0), AlertId("a1"), 0, (RULE,), (NavigatorId("N1"),), Priority.P1, at(0), None)
    kept = replace(sent, alert_id=AlertId("a2"), at=at(1), held_by=FloodKey(FloodKind.RULE, "ED_ASSAULT"))
    assert await stores.decisions.commit(commit(0, held_back=(held("a"), held("b", 1)), sent=(sent, kept)))
    assert await stores.tallies.held_back_of(WHO) == [held("a"), held("b", 1)]
    assert await stores.tallies.held_back_of(MemberId("M2")) == []
    assert await stores.tallies.held_back(1) == [held("b", 1)]
    assert await stores.tallies.sent_since(at(0)) == [sent, kept]
    assert await stores.tallies.sent_since(at(0.5)) == [kept]
    matched = Matched(ed(Kind.ED_ARRIVAL, visit="V"), WHO, WHO, Relation.SELF, None)
    assert (await stores.decisions.load(matched)).held_back == (held("a"), held("b", 1))


async def test_a_record_that_changes_takes_the_place_of_the_one_before(stores: Stores) -> None:
    await stores.decisions.commit(commit(0, held_back=(held("a"),)))
    gone = held("a").become(HeldState.WITHDRAWN, at(5))
    await stores.decisions.commit(commit(1, held_back=(gone,)))
    assert await stores.tallies.held_back_of(WHO) == [gone]
    assert await stores.tallies.held_back(10) == [gone]


async def test_a_refused_decision_leaves_nothing(stores: Stores) -> None:
    await stores.decisions.commit(commit(0))
    assert not await stores.decisions.commit(commit(0, held_back=(held("a"),), fired=(RULE,)))
    assert await stores.tallies.held_back_of(WHO) == []
    assert await stores.tallies.firings(days_between(START, START)) == {}


async def test_firings_are_counted_by_rule_and_hour(stores: Stores) -> None:
    await stores.decisions.commit(commit(0, fired=(RULE, RULE, RuleId("A|B"))))
    await stores.decisions.commit(commit(1, fired=(RULE,), decided_at=at(59)))
    await stores.decisions.commit(commit(2, fired=(RULE,), decided_at=at(60)))
    await stores.decisions.commit(commit(3, fired=(RULE,), decided_at=START + timedelta(days=1)))
    hour = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert await stores.tallies.firings(days_between(START, START)) == {
        HourOfRule(RULE, hour): 3,
        HourOfRule(RuleId("A|B"), hour): 1,
        HourOfRule(RULE, hour + timedelta(hours=1)): 1,
    }
    assert len(await stores.tallies.firings(days_between(START, START + timedelta(days=1)))) == 4


async def test_rounds_of_messages_are_forgotten_after_a_day(stores: Stores) -> None:
    sent = Sent(at(0), AlertId("a1"), 0, (RULE,), (NavigatorId("N1"),), Priority.P2, at(0), None)
    await stores.decisions.commit(commit(0, sent=(sent, replace(sent, at=at(60), alert_id=AlertId("a2")))))
    assert await stores.tallies.tidy(START + timedelta(hours=24)) == 0
    assert await stores.tallies.tidy(START + timedelta(hours=24, minutes=1)) == 1
    assert [one.alert_id for one in await stores.tallies.sent_since(START)] == ["a2"]


async def test_records_are_kept_as_long_as_alerts_and_no_longer(stores: Stores) -> None:
    await stores.decisions.commit(commit(0, held_back=(held("a"), held("b", 60))))
    assert await stores.tallies.tidy(START + timedelta(days=730)) == 0
    assert await stores.tallies.tidy(START + timedelta(days=730, minutes=1)) == 1
    assert await stores.tallies.held_back_of(WHO) == [held("b", 60)]
    assert await stores.tallies.held_back(10) == [held("b", 60)]
