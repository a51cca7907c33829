"""One store and its connections, and what the two hops write through them: parts, endings, commits, the books."""

from dataclasses import replace
from typing import Any

from redis.asyncio import Redis

from alerts.suppression import AlertChange
from alerts.valkey import ValkeyAlertStore
from domain.clock import ManualClock
from domain.events import Event
from domain.ids import MemberId
from domain.kinds import Kind, Role
from domain.matches import Relation
from streams.memory_server import MemoryServer
from streams.messages import (
    Disposition,
    Ending,
    Matched,
    PersonState,
)
from streams.ports import Commit, LogEntry, MatchedEntry, Recognised, Taken
from streams.retention import Retention
from streams.timers_valkey import ValkeyTimers
from streams.valkey import ValkeyTransport
from streams.valkey_decide import ValkeyDecide
from streams.valkey_desk import ValkeyDesk
from tests.unit.alerts import build
from tests.unit.streams.play import NO_WAIT, START, Twin, ed, memory_twin
from triggers.history import entry_of

NO_RULE = Disposition(Ending.NO_RULE)


NO_MATCH = Disposition(Ending.NO_MATCH)


ALERT = Disposition(Ending.ALERT, "a1")


class Store:
    """One store and as many connections to it as a test wants."""

    def __init__(self, client: Redis | None, retention: Retention) -> None:
        self.client = client
        self.retention = retention
        self.server = MemoryServer(ManualClock(START), retention=retention)

    async def connect(self) -> Twin:
        """A worker's connection, as after a start."""
        if self.client is None:
            return memory_twin(self.server)
        transport = ValkeyTransport(self.client, retention=self.retention)
        await transport.prepare()
        decisions = ValkeyDecide(self.client, retention=self.retention)
        timers = ValkeyTimers(self.client)
        return Twin(transport, decisions, ValkeyDesk(self.client), ValkeyAlertStore(self.client), timers)


def arrival(visit: str = "V1", **fields: Any) -> Event:
    return ed(Kind.ED_ARRIVAL, "M1", visit=visit, **fields)


def part(of: Event, listener: str = "M1", subject: str = "", **fields: Any) -> Matched:
    name = MemberId(listener)
    values = {"relation": Relation.SELF, "role": Role.PATIENT, **fields}
    return Matched(event=replace(of, mentions=()), listener=name, subject=subject or name, **values)


def parts_of(entry: LogEntry, *parts: Matched, **fields: Any) -> Recognised:
    return Recognised(event=entry.event, position=entry.position, parts=parts, **fields)


def ended(entry: LogEntry, disposition: Disposition = NO_MATCH, **fields: Any) -> Recognised:
    return Recognised(event=entry.event, position=entry.position, dispositions=(("", disposition),), **fields)


async def taken(twin: Twin, *events: Event) -> list[LogEntry]:
    """Accept events and read them."""
    assert set(await twin.transport.accept(events, START)) == {Taken.ACCEPTED}
    return list(await twin.transport.read_events(100, NO_WAIT))


async def matched(twin: Twin, *parts: Matched) -> list[MatchedEntry]:
    """One event with these parts, as the decide hop reads them, in the order of `parts`."""
    (entry,) = await taken(twin, parts[0].event)
    await twin.transport.forward([parts_of(entry, *parts)])
    found = await twin.decisions.read_matched(100, NO_WAIT)
    return sorted(found, key=lambda each: [one.part for one in parts].index(each.matched.part))


async def books(twin: Twin) -> dict[str, Any]:
    """The books, which balance at every step."""
    counts = await twin.transport.counts()
    assert counts.balanced
    return {
        "accepted": sum(counts.accepted.values()),
        "duplicate": sum(counts.duplicate.values()),
        "in_flight": counts.in_flight,
        "disposed": {why: number for feed in counts.disposed.values() for why, number in feed.items() if number},
    }


def commit_of(state: PersonState, told: Event, **fields: Any) -> Commit:
    one = part(told, state.member_id)
    entry = entry_of(told, subject=state.member_id, relation=Relation.SELF, role=Role.PATIENT)
    after = PersonState(state.member_id, state.version + 1, (*state.history, entry))
    return Commit(one.part, told.event_id, ALERT, before=state, after=after, **fields)


def change_of(name: str = "a") -> AlertChange:
    return build.changes(build.firing(name))[0]
