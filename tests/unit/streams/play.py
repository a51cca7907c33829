"""Both hops played on a small cohort: events in, run until quiet, look at alerts, books and people.

The real Recogniser and Decider on either twin of the transport. Members are named by member id, so that these tests
are about the flow and not about recognition; where recognition matters, identities of the reserved ranges are given.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from redis.asyncio import Redis

from alerts.model import Alert, Delivery
from alerts.ports import AlertStore
from alerts.routing import Directory
from alerts.valkey import ValkeyAlertStore
from cohort.index import CohortIndex
from cohort.policy import MatchPolicy
from domain.attributes import ATTRIBUTES_BY_KIND, EdAttributes
from domain.clock import ManualClock
from domain.events import Event, Mention, Provenance
from domain.identity import DateOfBirth, Identity, Name
from domain.ids import MemberId, NavigatorId, event_id, shard_of
from domain.kinds import Feed, Kind, Role, natural_role
from domain.people import CohortMember, MemberStatus, Navigator
from domain.triggers import TriggerFired
from streams.decide import A_MOMENT, DecidePolicy, World
from streams.embedded import Decider, Observers, Recogniser
from streams.memory import MemoryTransport
from streams.memory_server import MemoryServer
from streams.planner import Planner
from streams.ports import DecideLog, Desk
from streams.retention import Retention
from streams.timer_ports import TimerLog
from streams.timers import TimerPolicy, Timers
from streams.timers_memory import MemoryTimers
from streams.timers_valkey import ValkeyTimers
from streams.valkey import ValkeyTransport
from streams.valkey_decide import ValkeyDecide
from streams.valkey_desk import ValkeyDesk
from triggers.loading import shipped_rules
from triggers.rules import RuleSet

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NO_WAIT = timedelta(0)
AT_ONCE = TimerPolicy(grace=timedelta(0))
"""Timers ring at the instant: where tests set the clock, nothing is on its way into the store."""
SECRET = b"a secret for tests only"


@dataclass(slots=True)
class Twin:
    """One worker's connection to a store: the ports of the transport, and the alerts beside them."""

    transport: Any  # Intake, RecogniseLog and Ledger
    decisions: DecideLog
    desk: Desk
    alerts: AlertStore
    timers: TimerLog
    server: MemoryServer | None = None


def memory_twin(server: MemoryServer) -> Twin:
    """A worker's connection to a store in memory."""
    transport = MemoryTransport(server)
    return Twin(transport, transport, transport, server.alerts, MemoryTimers(server), server)


def valkey_twin(client: Redis) -> Twin:
    """A worker's connection to a real Valkey."""
    return Twin(
        ValkeyTransport(client),
        ValkeyDecide(client),
        ValkeyDesk(client),
        ValkeyAlertStore(client),
        ValkeyTimers(client),
    )


@cache
def tipt() -> RuleSet:
    """The shipped rules, loaded once."""
    return shipped_rules("tipt")


def navigator(name: str = "N1", **fields: Any) -> Navigator:
    """A navigator with addresses of the reserved ranges."""
    values = {"phone": f"+447700900{sum(map(ord, name)) % 1000:03d}", "email": f"{name.lower()}@example.com", **fields}
    return Navigator(NavigatorId(name), **values)


def member(name: str, *, status: MemberStatus = MemberStatus.AT_RISK, born: int = 2009, **fields: Any) -> CohortMember:
    """A watched person with navigator N1, born on the 4th of May."""
    identity = Identity(
        names=(Name((f"Given{name}",), f"Family{name}"),), dates_of_birth=(DateOfBirth(date(born, 5, 4)),)
    )
    values: dict[str, Any] = {"identity": identity, "navigator_id": NavigatorId("N1"), "area": "Coventry", **fields}
    return CohortMember(MemberId(name), status, **values)


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    """So many hours."""
    return timedelta(hours=count)


def event(
    kind: Kind,
    *who: str | tuple[str, Role],
    at: timedelta = timedelta(0),
    received: timedelta | None = None,
    key: str = "",
    version: str = "1",
    system: str = "",
    live: bool = True,
    mentions: Sequence[Mention] = (),
    feed: Feed | None = None,
    attributes: dict[str, Any] | None = None,
    clear: bool = True,
    **fields: Any,
) -> Event:
    """An event about members named by id (with a role where it is not the natural one), so long after START.

    `clear` gives each mention a full name and date of birth, so that it says who it is about.
    """
    said = Identity(names=(Name(("Some",), "Body"),), dates_of_birth=(DateOfBirth(date(2009, 5, 4)),))
    named = [(one, natural_role(kind)) if isinstance(one, str) else one for one in who]
    feed = feed or kind.feed or Feed.POLICE
    system = system or f"sys-{feed.value}"
    key = key or f"{kind.value}@{at}"
    return Event(
        event_id=event_id(feed=feed.value, source_system=system, source_key=key, kind=kind.value, version=version),
        kind=kind,
        feed=feed,
        source_system=system,
        source_key=key,
        version=version,
        occurred_at=START + at,
        received_at=START + (at if received is None else received),
        mentions=(
            *(
                Mention(str(place), role, said if clear else Identity(), name)
                for place, (name, role) in enumerate(named, start=1)
            ),
            *mentions,
        ),
        attributes=ATTRIBUTES_BY_KIND[kind](**(attributes or {})),
        provenance=Provenance(live=live),
        **fields,
    )


def ed(kind: Kind, *who: str | tuple[str, Role], visit: str, at: timedelta = timedelta(0), **fields: Any) -> Event:
    """An ED message about a visit; unknown words go into its attributes."""
    own = {name: fields.pop(name) for name in list(fields) if name in EdAttributes.__dataclass_fields__}
    fields.setdefault("key", f"{visit}-{kind.value}-{at}")
    return event(kind, *who, at=at, attributes={"visit_key": visit, **own}, **fields)


class Play:
    """A cohort, rules and both hops on one twin. `give` accepts events and runs until nothing moves."""

    def __init__(
        self,
        members: Iterable[CohortMember],
        twin: Twin | None = None,
        *,
        rules: RuleSet | None = None,
        navigators: Sequence[Navigator] = (),
        observers: Observers | None = None,
        retention: Retention | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        self.clock = clock or ManualClock(START)
        self.twin = twin or memory_twin(MemoryServer(self.clock, retention=retention))
        self.index = CohortIndex.build(members)
        self.everybody = {each.member_id for each in self.index.members()}
        directory = Directory({each.navigator_id: each for each in navigators or (navigator(),)})
        self.world = World(
            rules=rules or tipt(), directory=directory, policy=DecidePolicy(secret=SECRET), rules_mark="rules@1"
        )
        self.observers = observers or Observers()
        self.connect(self.twin)

    def connect(self, twin: Twin) -> None:
        """A worker as it starts, on a connection of its own."""
        self.twin = twin
        self.recogniser = Recogniser(twin.transport, lambda: self.index, MatchPolicy(), self.clock, self.observers)
        self.decider = Decider(twin.decisions, lambda: self.index, self.current_world, self.clock, self.observers)
        self.planner = Planner(twin.timers, self._changed, lambda: self.index, self.current_world, self.clock)
        self.timers = Timers(
            twin.timers, lambda: self.index, self.current_world, self.clock, decider=self.decider, policy=AT_ONCE
        )

    def current_world(self) -> World:
        """What decisions are made by at this moment."""
        since = self.planner.since(self.world.rules_mark, self.index.version)
        return replace(self.world, waits_since=since)

    async def _changed(self, _version: int) -> Sequence[MemberId]:
        return sorted(self.everybody)

    async def prepare(self) -> "Play":
        """Make what the store needs first; from now on time counts."""
        if isinstance(self.twin.transport, ValkeyTransport):
            await self.twin.transport.prepare()
        await self.planner.begin()
        return self

    async def accept(self, *events: Event) -> list[int]:
        """Make events durable; the clock goes on to when they are received."""
        if events:
            self.clock.set(max(self.clock.now(), *(each.received_at for each in events)))
        return list(await self.twin.transport.accept(events, self.clock.now()))

    async def run(self) -> None:
        """Both hops until nothing moves."""
        while await self.recogniser.run_once(NO_WAIT) or await self.decider.run_once(NO_WAIT):
            pass

    async def give(self, *events: Event) -> None:
        """Accept events together and let them through; the books must balance after it, with nothing under way."""
        await self.accept(*events)
        await self.run()
        counts = await self.twin.transport.counts()
        assert counts.balanced
        assert counts.in_flight == 0

    async def keep_time(self) -> None:
        """Everything due by now comes about; due times are worked out first where rules or people changed."""
        await self.planner.run_once()
        while self.planner.under_way:
            await self.planner.run_once()
        while await self.timers.run_once():
            pass

    async def until(self, moment: datetime) -> None:
        """Time goes on to `moment`, and what is due by then comes about."""
        self.clock.set(moment)
        await self.keep_time()

    async def give_in_time(self, *events: Event) -> None:
        """As `give`, after everything has come about that is due before the events are received."""
        for each in events:
            await self.until(max(self.clock.now(), each.received_at - A_MOMENT))
            await self.give(each)

    async def alerts(self, *members: str) -> list[Alert]:
        """The alerts of these people, or of everybody, by when they were raised."""
        wanted = members or tuple(each.member_id for each in self.index.members())
        found = await self.twin.alerts.of_members([MemberId(each) for each in wanted])
        return sorted(
            (alert for own in found.values() for alert in own), key=lambda each: (each.raised_at, each.alert_id)
        )

    async def rows(self, alert: Alert) -> tuple[Delivery, ...]:
        """The messages about an alert."""
        return await self.twin.alerts.deliveries_of(alert.alert_id, shard_of(alert.member_id))

    async def live(self, *members: str) -> list[tuple[str, str]]:
        """(member, rule) of every firing that stands, sorted."""
        return sorted((firing.member_id, firing.rule_id) for firing in await self.standing(*members))

    async def standing(self, *members: str) -> list[TriggerFired]:
        """The firings that stand, of alerts that have not been merged into others."""
        return [firing for alert in await self.alerts(*members) if alert.merged_into is None for firing in alert.live]

    async def ended(self, one: Event) -> str:
        """How an event ended: its disposition, without an alert's id."""
        found = await self.twin.transport.disposition(one.event_id)
        assert found is not None, f"{one.kind} is still under way"
        return found.ending.value if found.ending.value == "alert" else str(found)

    def change(self, *members: CohortMember, without: Sequence[str] = ()) -> None:
        """Other people from now on."""
        kept = {each.member_id: each for each in self.index.members()} | {each.member_id: each for each in members}
        self.everybody |= kept.keys()
        people = (each for name, each in kept.items() if name not in without)
        self.index = CohortIndex.build(people, self.index.version + 1)

    def use(self, **changes: Any) -> None:
        """Another world from now on (rules, directory, policy)."""
        self.world = replace(self.world, **changes)
