"""A flood through both hops: who is told, who waits in the digest, that all are recorded; and the bells for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.breaker import FloodKey, FloodKind, FloodPolicy
from alerts.clocks import ClockPolicy
from alerts.model import Channel, Delivery, Purpose
from alerts.routing import Directory
from alerts.snooze import Maker, Snoozes
from domain.attributes import Grade, Handling
from domain.errors import StoreUnavailable
from domain.ids import MemberId, NavigatorId, RuleId
from domain.kinds import Kind
from domain.people import Navigator
from service.quiet_views import breaker_views
from service.quieting import QuietBells, Quieting, over_rows
from streams.embedded import Observers
from streams.flood_keeper import FloodKeeper
from streams.memory_quiet import MemoryQuiet
from streams.memory_server import MemoryServer
from streams.memory_tallies import MemoryTallies
from streams.ports import Commit
from streams.snooze_desk import SnoozeDesk
from tests.unit.streams.play import Play, ed, event, member, navigator

POLICY = FloodPolicy(per_rule=1_000, per_navigator=5, urgent_per_navigator=8)
EVERYBODY = 30
ASSAULT = {"intent": "assault", "mechanism": "body_part"}
STABBED = {"intent": "assault", "mechanism": "sharp"}


class Flooded:
    """A navigator with many people, a supervisor, and the breaker in the world."""

    def __init__(self, policy: FloodPolicy = POLICY, more: tuple[Navigator, ...] = ()) -> None:
        people = [member(f"M{number}") for number in range(EVERYBODY)]
        self.play = Play(
            people,
            navigators=[navigator("N1"), navigator("S1", supervisor=True), *more],
            observers=Observers(decided=self.decided),
        )
        assert self.play.twin.server is not None
        self.server: MemoryServer = self.play.twin.server
        self.quiet, self.tallies = MemoryQuiet(self.server), MemoryTallies(self.server)
        self.policy = policy
        self.begin()
        self.desk = SnoozeDesk(self.quiet, member=self.play.index.member, is_live=lambda _: True, clock=self.play.clock)
        self.bells = QuietBells(
            self.server.alerts,
            self.quiet,
            self.desk,
            breakers=self.quiet,
            tallies=self.tallies,
            ring_every=policy.ring_every,
        )

    def begin(self) -> None:
        """A worker as it starts: it knows nothing yet."""
        self.keeper = FloodKeeper(self.tallies, self.quiet, self.policy, ClockPolicy())
        self.quieting = Quieting(self.quiet, self.keeper)

    def decided(self, commit: Commit, _event: object) -> None:
        self.keeper.note(commit)
        self.play.world = self.quieting.world(self.play.world)

    async def refresh(self) -> None:
        await self.quieting.refresh(self.play.clock.now())
        self.play.world = self.quieting.world(self.play.world)

    async def flood(self, first: int, last: int, **attributes: str) -> None:
        """One visit for each of these people, a second apart."""
        await self.refresh()
        for number in range(first, last):
            self.play.clock.advance(timedelta(seconds=1))
            at = self.play.clock.now() - self.play.clock_start
            await self.play.give(
                ed(Kind.ED_ARRIVAL, f"M{number}", visit=f"V{number}-{at}", at=at, **(attributes or ASSAULT))
            )

    async def rows(self, purpose: Purpose = Purpose.ALERT, who: str = "N1") -> list[Delivery]:
        """The SMS that were ordered for somebody."""
        found = self.server.alerts._rows.values()
        return [
            row for row in found if row.recipient_id == who and row.channel is Channel.SMS and row.purpose is purpose
        ]

    async def ring(self) -> int:
        await self.refresh()
        return await self.bells.ring(self.play.world, self.quieting.snoozes, self.play.clock.now())


async def test_supervisors_who_must_find_somebody_are_not_flooded_either(flooded: Flooded) -> None:
    """Nobody can be told of any of them: the notices stop at the cap, the alerts wait in the digest."""
    people = flooded.play.world.directory.navigators
    alone = {name: replace(each, available=each.supervisor) for name, each in people.items()}
    flooded.play.world = replace(flooded.play.world, directory=Directory(alone))
    await flooded.flood(0, EVERYBODY)
    assert len(await flooded.rows(Purpose.SUPERVISOR_NOTICE, "S1")) == POLICY.per_navigator
    assert len(await flooded.play.alerts()) == EVERYBODY
    held = [alert for alert in await flooded.play.alerts() if alert.digested_at is not None]
    assert len(held) == EVERYBODY - POLICY.per_navigator


async def test_a_gatekeepers_phone_has_a_cap_too_and_every_report_waits_for_them() -> None:
    flooded = made(navigator("G1", gatekeeper=True))
    await flooded.refresh()
    for number in range(EVERYBODY):
        flooded.play.clock.advance(timedelta(seconds=1))
        report = event(
            Kind.INTEL_SUBMITTED,
            f"M{number}",
            at=flooded.play.clock.now() - flooded.play.clock_start,  # type: ignore[attr-defined]
            key=f"IR{number}",
            attributes={"grade": Grade(1, "A", Handling.C), "origin_unit": "NORTH", "themes": ("weapon",)},
            handling=Handling.C,
        )
        await flooded.play.give(report)
    assert len(await flooded.play.twin.desk.held(1_000)) == EVERYBODY
    assert len(await flooded.rows(Purpose.GATEKEEPER, "G1")) == POLICY.urgent_per_navigator
    assert await flooded.ring() == 2  # the supervisor hears of it


def made(*more: Navigator) -> Flooded:
    found = Flooded(more=more)
    found.play.clock_start = found.play.clock.now()  # type: ignore[attr-defined]
    return found


@pytest.fixture
def flooded() -> Flooded:
    return made()


@pytest.mark.parametrize(("attributes", "most"), [(ASSAULT, 5), (STABBED, 8)], ids=["P2", "P1"])
async def test_a_rule_that_matches_everyone_floods_nobody_and_drops_nothing(
    flooded: Flooded, attributes: dict[str, str], most: int
) -> None:
    plain = Play(flooded.play.index.members(), navigators=[navigator("N1")])
    await flooded.flood(0, EVERYBODY, **attributes)
    for number in range(EVERYBODY):
        await plain.give(ed(Kind.ED_ARRIVAL, f"M{number}", visit=f"V{number}", **attributes))
    assert await flooded.play.live() == await plain.live()  # alerts recorded = those of a world without breaker
    assert len(await flooded.rows()) == most
    digested = [alert for alert in await flooded.play.alerts() if alert.digested_at is not None]
    assert len(digested) == EVERYBODY - most
    assert await flooded.ring() == 2  # the supervisor, by SMS and mail, the next time upkeep comes by
    assert [row.urgent for row in await flooded.rows(Purpose.FLOOD, "S1")] == [attributes is STABBED]


async def test_the_bell_rings_at_once_and_then_at_most_every_quarter_of_an_hour(flooded: Flooded) -> None:
    await flooded.flood(0, 6)
    assert await flooded.ring() == 2
    await flooded.flood(6, 8)
    assert await flooded.ring() == 0
    flooded.play.clock.advance(timedelta(minutes=15))
    assert await flooded.ring() == 2  # for what came since
    flooded.play.clock.advance(timedelta(minutes=15))
    assert await flooded.ring() == 0  # nothing more came
    assert len(await flooded.rows(Purpose.FLOOD, "S1")) == 2


async def test_the_first_p1_that_must_wait_rings_at_once_whatever_rang_before(flooded: Flooded) -> None:
    """Nobody else hears of it: its navigator's phone is full."""
    await flooded.flood(0, 6)
    assert await flooded.ring() == 2
    await flooded.flood(6, 12, **STABBED)
    assert await flooded.ring() == 2
    assert sorted(row.urgent for row in await flooded.rows(Purpose.FLOOD, "S1")) == [False, True]
    await flooded.flood(12, 14, **STABBED)
    assert await flooded.ring() == 0  # they know that such wait


async def test_a_bell_rung_by_a_clock_that_was_wrong_silences_nothing(flooded: Flooded) -> None:
    now = flooded.play.clock.now()
    await flooded.quiet.ring(FloodKey(FloodKind.NAVIGATOR, "N1"), now + timedelta(days=3650), None)
    await flooded.flood(0, 6)
    assert await flooded.ring() == 2
    assert await flooded.ring() == 0


async def test_two_workers_and_a_crash_between_ring_once(flooded: Flooded) -> None:
    await flooded.flood(0, 6)
    await flooded.refresh()
    other = QuietBells(
        flooded.server.alerts,
        flooded.quiet,
        flooded.desk,
        breakers=flooded.quiet,
        tallies=flooded.tallies,
        ring_every=POLICY.ring_every,
    )
    now = flooded.play.clock.now()
    flooded.server.fail = _failing("before ring_breaker")
    with pytest.raises(RuntimeError):
        await other.ring(flooded.play.world, Snoozes(), now)
    flooded.server.fail = lambda _: None
    assert await flooded.ring() == 0  # ordered already: the same message
    assert len(await flooded.rows(Purpose.FLOOD, "S1")) == 1


def _failing(where: str):  # type: ignore[no-untyped-def]
    def fail(name: str) -> None:
        if name == where:
            raise RuntimeError(name)

    return fail


async def test_a_restart_forgets_no_flood_and_a_calm_hour_ends_it(flooded: Flooded) -> None:
    await flooded.flood(0, 6)
    flooded.begin()
    await flooded.flood(6, 8)
    assert len(await flooded.rows()) == 5
    flooded.play.clock.advance(timedelta(hours=1))
    await flooded.flood(8, 10)
    assert len(await flooded.rows()) == 7


async def test_a_supervisor_closes_it_and_counting_begins_anew(flooded: Flooded) -> None:
    await flooded.flood(0, 8)
    key = FloodKey(FloodKind.NAVIGATOR, "N1")
    (shown,) = [
        one
        for one in breaker_views(flooded.keeper.flood, flooded.server.sent, flooded.keeper.closed)
        if one.kind is FloodKind.NAVIGATOR
    ]
    assert (shown.name, shown.open, shown.came, shown.held, shown.limit) == ("N1", True, 8, 3, 5)
    await flooded.quiet.close(key, flooded.play.clock.now(), [])
    await flooded.keeper.refresh(flooded.play.clock.now())
    await flooded.flood(8, 10)
    assert len(await flooded.rows()) == 7


async def test_what_another_worker_ordered_counts_after_the_next_refresh(flooded: Flooded) -> None:
    other = FloodKeeper(flooded.tallies, flooded.quiet, POLICY, ClockPolicy())
    await other.refresh(flooded.play.clock.now())
    await flooded.flood(0, 5)
    assert not other.flood.is_open(FloodKey(FloodKind.NAVIGATOR, "N1"))
    await other.refresh(flooded.play.clock.now())
    assert other.flood == flooded.keeper.flood
    assert other.flood.is_open(FloodKey(FloodKind.NAVIGATOR, "N1"))


async def test_a_held_alert_that_grows_in_a_calm_hour_is_told(flooded: Flooded) -> None:
    await flooded.flood(0, 6)
    (held,) = [alert for alert in await flooded.play.alerts() if alert.digested_at is not None]
    flooded.play.clock.advance(timedelta(minutes=61))
    await flooded.refresh()
    at = held.live[0].fired_at - flooded.play.clock_start  # type: ignore[attr-defined]
    now = flooded.play.clock.now() - flooded.play.clock_start  # type: ignore[attr-defined]
    custody = event(
        Kind.CUSTODY_ARRIVED,
        str(held.member_id),
        at=at + timedelta(minutes=5),
        received=now,
        attributes={"custody_id": "C1"},
    )
    await flooded.play.give(custody)
    (after,) = await flooded.play.alerts(held.member_id)
    assert after.digested_at is None and len(after.live) == 2
    assert len(await flooded.rows(Purpose.UPDATE)) == 1


class TestSnoozeBells:
    """Who hears of a snooze, and once."""

    SUPERVISOR = Maker("S1", "supervisor", NavigatorId("S1"))
    NAVIGATOR = Maker("N1", "navigator", NavigatorId("N1"))

    async def make(self, flooded: Flooded, by: Maker, **fields: object) -> str:
        made = await flooded.desk.make(
            RuleId("ED_ASSAULT"),
            MemberId("M1"),
            by=by,
            reason="in hospital",
            span=timedelta(hours=2),
            **fields,  # type: ignore[arg-type]
        )
        return made.snooze_id

    async def test_supervisors_hear_of_a_navigators_snooze_and_the_maker_of_its_end(self, flooded: Flooded) -> None:
        await self.make(flooded, self.NAVIGATOR)
        assert await flooded.ring() == 2 and await flooded.ring() == 0
        assert len(await flooded.rows(Purpose.SNOOZE_MADE, "S1")) == 1
        flooded.play.clock.advance(timedelta(hours=2))
        assert await flooded.ring() == 2 and await flooded.ring() == 0
        assert len(await flooded.rows(Purpose.SNOOZE_OVER, "N1")) == 1
        assert [entry.what for entry in flooded.server.audit] == ["snooze_made", "snooze_over"]

    async def test_a_bell_that_the_store_did_not_take_rings_when_it_does(
        self, flooded: Flooded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await self.make(flooded, self.NAVIGATOR)

        async def away(*_: object) -> int:
            raise StoreUnavailable

        monkeypatch.setattr(flooded.server.alerts, "order", away)
        with pytest.raises(StoreUnavailable):
            await flooded.ring()
        monkeypatch.undo()
        assert await flooded.ring() == 2

    async def test_whoever_lifts_their_own_is_not_told_of_it_and_another_is(self, flooded: Flooded) -> None:
        identity = await self.make(flooded, self.NAVIGATOR)
        own = await flooded.desk.lift(identity, by=self.NAVIGATOR, reason="home")
        assert over_rows(own, flooded.play.world, flooded.play.clock.now()) == ()
        by_other = replace(own, lifted_by=self.SUPERVISOR)
        found = over_rows(by_other, flooded.play.world, flooded.play.clock.now())
        assert {row.delivery.recipient_id for row in found} == {"N1"}

    async def test_a_snooze_of_p1_rings_for_a_second_person_and_not_for_the_first(self, flooded: Flooded) -> None:
        await self.make(flooded, self.SUPERVISOR, asks_p1=True)
        assert await flooded.ring() == 0  # S1 is the only supervisor, and has asked themselves
        assert await flooded.rows(Purpose.SNOOZE_MADE, "S1") == []

    async def test_a_snooze_takes_effect_with_the_next_refresh_and_ends_by_itself(self, flooded: Flooded) -> None:
        await self.make(flooded, self.NAVIGATOR)
        await flooded.flood(1, 2)
        assert await flooded.play.alerts("M1") == []
        flooded.play.clock.advance(timedelta(hours=2))
        await flooded.flood(1, 2)
        assert len(await flooded.play.alerts("M1")) == 1
