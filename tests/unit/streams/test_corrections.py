"""What is taken back is withdrawn from whoever heard it, whatever came first, and told anew where it stands again."""

from dataclasses import replace
from datetime import timedelta

from alerts.model import AlertState, Delivery, Purpose
from domain.ids import MemberId
from domain.kinds import Feed, Kind, Role
from streams.decide import A_CHILDHOOD
from tests.unit.streams.deciding import DAY, STABBED, played, watched
from tests.unit.streams.play import START, Play, ed, event, hours, member, minutes


async def purposes(play: Play, who: str = "M1") -> list[Purpose]:
    """Why each message about somebody was or will be sent."""
    return sorted([row.purpose for alert in await play.alerts(who) for row in await play.rows(alert)])


async def hand_over_all(play: Play) -> None:
    """A provider takes every message that waits."""
    for alert in await play.alerts():
        for row in await play.rows(alert):
            taken = await play.twin.alerts.claim(  # type: ignore[attr-defined]
                play.clock.now() + timedelta(days=7), channel=row.channel, limit=1, lease=timedelta(0)
            )
            for each in taken:
                handed: Delivery = replace(each, status="accepted")
                await play.twin.alerts.record(handed, each.fence)  # type: ignore[attr-defined]


async def test_a_visit_cancelled_by_its_number_alone_withdraws_the_alert() -> None:
    play = await played()
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
    cancelled = ed(Kind.ED_CANCELLED, visit="V", at=hours(1))
    await play.give(cancelled)
    assert await play.ended(cancelled) == "withdrawn"
    (alert,) = await play.alerts()
    assert (alert.state, alert.live) == (AlertState.WITHDRAWN, ())


async def test_what_was_taken_away_and_comes_again_is_told_anew_at_its_coming_back() -> None:
    play = await played()
    suspect = ("M1", Role.SUSPECT)
    kinds = (Kind.CRIME_RECORDED, Kind.CRIME_UPDATED, Kind.CRIME_UPDATED)
    for day, (kind, code) in enumerate(zip(kinds, ("8N", "105A", "8N"), strict=True)):
        await play.give(event(kind, suspect, at=hours(24 * day), key="K", version=code, attributes={"ho_code": code}))
        if code == "105A":
            assert await play.live() == []
    first, again = await play.alerts()
    assert (first.state, again.state) == (AlertState.WITHDRAWN, AlertState.RAISED)
    assert [firing.fired_at for firing in again.live] == [START + hours(48)]
    assert {row.purpose for row in await play.rows(again)} == {Purpose.ALERT}


async def test_a_cancellation_that_comes_first_lets_nothing_be_raised() -> None:
    play = await played()
    early, told = ed(Kind.ED_CANCELLED, visit="V", at=hours(1)), ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED)
    await play.give(early)
    assert await play.ended(early) == "no_match"
    await play.give(told)
    assert await play.live() == []
    assert await play.ended(early) == "withdrawn", "it reached somebody after all"


async def test_a_crime_cancelled_is_taken_back_from_everybody_it_had_reached() -> None:
    play = await played(member("M1"), member("M2", associates=(MemberId("M1"),)))
    said = {"ho_code": "5D", "weapon": "knife"}
    await play.give(event(Kind.CRIME_RECORDED, ("M1", Role.VICTIM), key="R1", attributes=said))
    assert await play.live() == [("M1", "VIOLENCE_VICTIM"), ("M2", "ASSOCIATE_HARMED")]
    await play.give(event(Kind.CRIME_CANCELLED, key="R1", at=hours(5)))
    assert await play.live() == []


async def test_whoever_was_told_is_told_of_the_correction() -> None:
    play = await played()
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
    await hand_over_all(play)
    await play.give(ed(Kind.ED_CANCELLED, visit="V", at=hours(1)))
    assert await purposes(play) == [Purpose.ALERT, Purpose.ALERT, Purpose.WITHDRAWAL, Purpose.WITHDRAWAL]


async def test_a_correction_after_the_watch_ended_still_corrects() -> None:
    play = await played(watched(ends=DAY))
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
    await play.give(ed(Kind.ED_CANCELLED, "M1", visit="V", at=hours(48)))
    assert await play.live() == []


async def test_what_was_merged_away_and_taken_back_is_told_when_it_stands_again() -> None:
    """Something between two alerts joins them; then the younger one's ground goes, and comes back."""
    play = await played()
    younger = ed(Kind.ED_ARRIVAL, "M1", visit="B", at=minutes(50), **STABBED)
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="A", **STABBED))
    await play.give(younger)
    await play.give(event(Kind.CUSTODY_ARRIVED, "M1", at=minutes(25), attributes={"custody_id": "C"}))
    assert [alert.state for alert in await play.alerts() if alert.merged_into] == [AlertState.MERGED]
    before = await play.live()
    back = event(Kind.RECORD_RETRACTED, key="X", at=minutes(55), feed=Feed.ED, retracts=younger.event_id)
    await play.give(back)
    assert len(await play.live()) < len(before)
    await play.give(event(Kind.RECORD_RETRACTED, key="Y", at=minutes(60), feed=Feed.ED, retracts=back.event_id))
    assert await play.live() == before


async def test_a_watch_for_years_takes_nothing_back_when_it_forgets() -> None:
    play = await played()
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
    years = A_CHILDHOOD + timedelta(days=1)
    later = event(Kind.CUSTODY_ARRIVED, "M1", at=years, attributes={"custody_id": "C"})
    await play.give(later, ed(Kind.ED_ARRIVAL, "M1", visit="W", at=years, **STABBED))
    assert [rule for _, rule in await play.live()].count("ED_WEAPON_ASSAULT") == 2
    assert all(alert.state is AlertState.RAISED for alert in await play.alerts())
    person = await play.twin.transport.person(MemberId("M1"))
    assert {entry.occurred_at for entry in person.history} == {START + years}
