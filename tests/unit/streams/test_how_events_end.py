"""In which word each event ends: the ledger's, the metric's and the auditor's; and what is kept of it."""

from datetime import timedelta

import pytest

from alerts.model import Purpose
from domain.events import Event
from domain.ids import MemberId
from domain.kinds import Feed, Kind, Role
from domain.people import CohortMember, MemberStatus
from tests.unit.streams.deciding import DAY, STABBED, played, watched
from tests.unit.streams.play import ed, event, hours, member, navigator


@pytest.mark.parametrize(
    ("who", "told", "ending", "reason"),
    [
        (member("M1"), ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED), "alert", "it fired"),
        (member("M1"), ed(Kind.ED_ARRIVAL, "M1", visit="V"), "no_rule", "nothing of interest"),
        (member("M1"), ed(Kind.ED_ARRIVAL, visit="V", **STABBED), "no_match", "nobody named"),
        (
            member("M1"),
            ed(Kind.ED_ARRIVAL, "M1", visit="V", live=False, **STABBED),
            "suppressed:test_message",
            "MSH-11 is not P",
        ),
        (
            watched(starts=DAY + timedelta(days=1)),
            ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED),
            "suppressed:watch_not_started",
            "recorded, but tells nobody",
        ),
        (
            watched(ends=DAY - timedelta(days=1)),
            ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED),
            "suppressed:watch_ended",
            "the authority has ended",
        ),
        (
            watched(review_on=DAY - timedelta(days=1)),
            ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED),
            "alert",
            "nobody has reviewed it, and that is no reason to miss it",
        ),
        (
            member("M1", allowed_feeds=(Feed.POLICE,)),
            ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED),
            "suppressed:feed_not_allowed",
            "no hospital for this one",
        ),
        (
            member("M1", status=MemberStatus.CLOSED),
            ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED),
            "suppressed:not_watched",
            "the case is closed",
        ),
        (
            member("M1"),
            ed(Kind.ED_ARRIVAL, "M1", visit="V", received=hours(49), **STABBED),
            "suppressed:too_late",
            "more than 48 h late",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_an_event_ends_in_one_word(who: CohortMember, told: Event, ending: str, reason: str) -> None:
    play = await played(who)
    await play.give(told)
    assert await play.ended(told) == ending
    assert bool(await play.alerts()) is (ending == "alert")


@pytest.mark.parametrize(
    ("who", "kept"),
    [
        (watched(starts=DAY + timedelta(days=1)), True),
        (watched(review_on=DAY - timedelta(days=1)), True),
        (watched(ends=DAY - timedelta(days=1)), False),
        (member("M1", allowed_feeds=(Feed.POLICE,)), False),
        (member("M1", status=MemberStatus.DECEASED), False),
    ],
    ids=["not begun", "review overdue", "ended", "feed not allowed", "deceased"],
)
async def test_what_may_not_be_kept_is_not_kept(who: CohortMember, kept: bool) -> None:
    play = await played(who)
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED), ed(Kind.ED_UPDATED, visit="V", at=hours(1)))
    person = await play.twin.transport.person(MemberId("M1"))
    assert bool(person.history) is kept


async def test_the_ending_of_an_event_about_several_people_is_the_most_telling() -> None:
    play = await played(member("M1"), member("M2", status=MemberStatus.CLOSED))
    told = event(Kind.CRIME_RECORDED, ("M2", Role.VICTIM), ("M1", Role.VICTIM), attributes={"ho_code": "5D"})
    await play.give(told)
    assert await play.ended(told) == "alert"


async def test_somebody_removed_while_the_event_was_on_its_way_is_not_watched() -> None:
    play = await played()
    told = ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED)
    await play.accept(told)
    await play.recogniser.run_once(timedelta(0))
    play.change(without=["M1"])
    await play.run()
    assert await play.ended(told) == "suppressed:not_watched"


async def test_a_crisis_that_nobody_may_be_told_of_is_kept_and_the_supervisor_hears_that_somebody_must_be_found() -> (
    None
):
    play = await played(navigators=[navigator("N1"), navigator("S1", supervisor=True)])
    told = ed(Kind.ED_ARRIVAL, "M1", visit="V", intent="self_harm")
    await play.give(told)
    assert await play.ended(told) == "suppressed:no_health_approved_contact"
    (alert,) = await play.alerts()
    assert {(row.recipient_id, row.purpose) for row in await play.rows(alert)} == {("S1", Purpose.SUPERVISOR_NOTICE)}
