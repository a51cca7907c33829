"""Household, friends and everybody in a record: each navigator is told of their own."""

from domain.ids import HouseholdId, MemberId, NavigatorId
from domain.kinds import Kind, Role
from tests.unit.streams.deciding import STABBED, played
from tests.unit.streams.play import ed, event, hours, member, navigator


async def test_household_and_friends_are_told_and_each_navigator_of_their_own() -> None:
    play = await played(
        member("M1", household_id=HouseholdId("H1")),
        member("M2", household_id=HouseholdId("H1")),
        member("M3", associates=(MemberId("M1"),), navigator_id=NavigatorId("N2")),
        navigators=[navigator("N1"), navigator("N2")],
    )
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
    live = await play.live()
    assert ("M1", "ED_WEAPON_ASSAULT") in live
    assert ("M3", "ASSOCIATE_HARMED") in live
    (alert,) = await play.alerts("M3")
    assert {row.recipient_id for row in await play.rows(alert)} == {"N2"}


async def test_abuse_at_home_reaches_the_household_without_a_name_and_its_retraction_too() -> None:
    play = await played(
        member("M1", household_id=HouseholdId("H1")), member("M2", household_id=HouseholdId("H1")), member("M3")
    )
    told = event(Kind.DA_INCIDENT, key="D1", attributes={"household_key": "H1"})
    await play.give(told)
    assert await play.live() == [("M1", "DA_IN_HOUSEHOLD"), ("M2", "DA_IN_HOUSEHOLD")]
    await play.give(event(Kind.RECORD_RETRACTED, key="X", at=hours(1), retracts=told.event_id))
    assert await play.live() == []


async def test_two_members_in_one_record_are_each_told_of_in_their_own_role() -> None:
    play = await played(member("M1"), member("M2"))
    await play.give(event(Kind.CRIME_RECORDED, ("M1", Role.VICTIM), ("M2", Role.SUSPECT), attributes={"ho_code": "5D"}))
    assert await play.live() == [("M1", "VIOLENCE_VICTIM"), ("M2", "VIOLENT_SUSPECT")]
