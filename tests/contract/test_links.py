"""Links that are learnt, on either twin: both hear of what happened before, once, by the history of the other and not by
the log of events; the books balance; a link that was an error is corrected."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.events import Event
from domain.ids import HouseholdId, MemberId
from domain.kinds import Feed, Kind, Role
from domain.triggers import Priority, TriggerFired
from streams.audit import Operation
from tests.unit.streams.looking_back import Looking, saying, told, watched
from tests.unit.streams.play import START, event, hours, minutes

BEFORE = START - timedelta(days=400)


@pytest.fixture
async def house(made: Looking) -> Looking:
    await made.prepare()
    await made.join(standing("M1"), standing("M2"), standing("M3"))
    await made.look()
    return made


def standing(name: str, **fields: Any) -> Any:
    return watched(name, joined_at=BEFORE, **fields)


def harm(name: str = "M1", *, at: timedelta = timedelta(0), **fields: Any) -> Event:
    fields = {"attributes": {"ho_code": "5D"}, **fields}
    return told(Kind.CRIME_RECORDED, saying(name, Role.VICTIM), at=at, **fields)


def link(one: str, other: str, *, at: timedelta, **fields: Any) -> Event:
    return event(Kind.ASSOCIATION_ADDED, one, at=at, attributes={"other_member": other}, **fields)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def brief(firings: list[TriggerFired]) -> list[tuple[str, Priority, datetime]]:
    return [(firing.rule_id, firing.priority, firing.fired_at) for firing in firings]


async def heard(house: Looking, name: str) -> list[tuple[str, Priority, datetime]]:
    found = brief(await house.play.standing(name))
    return [one for one in found if one[0] == "ASSOCIATE_HARMED"]


class TestByAnEvent:
    @pytest.mark.parametrize(
        ("after", "priority"),
        [
            (timedelta(0), Priority.P1),
            (days(14), Priority.P1),
            (days(14) + minutes(1), Priority.P3),
            (days(15), Priority.P3),
            (days(125), Priority.P3),
            (days(126), None),
        ],
    )
    async def test_harm_is_told_when_the_link_is_learnt(
        self, house: Looking, after: timedelta, priority: Priority | None
    ) -> None:
        await house.play.give(harm())
        await house.play.give(link("M1", "M2", at=after))
        await house.follow()
        expected = [("ASSOCIATE_HARMED", priority, START + after)] if priority else []
        assert await heard(house, "M2") == expected
        assert await heard(house, "M1") == []

    async def test_whoever_the_event_names_both_hear_and_nobody_else(self, house: Looking) -> None:
        await house.play.give(harm("M1"), harm("M2", at=hours(1)), harm("M3", at=hours(2)))
        await house.play.give(link("M2", "M1", at=days(20)))
        await house.follow()
        assert await house.play.live() == [
            ("M1", "ASSOCIATE_HARMED"),
            ("M1", "VIOLENCE_VICTIM"),
            ("M2", "ASSOCIATE_HARMED"),
            ("M2", "VIOLENCE_VICTIM"),
            ("M3", "VIOLENCE_VICTIM"),
        ]

    async def test_the_books_show_that_the_harm_was_told_of_after_all(self, house: Looking) -> None:
        happened, learnt = harm(), link("M1", "M2", at=days(2))
        await house.play.give(happened)
        await house.play.give(learnt)
        await house.follower.refresh()
        house.play.index = house.follower.index
        await house.pages()
        counts = await house.play.twin.transport.counts()
        assert counts.balanced
        assert counts.in_flight == 1, "the harm is under way again"
        await house.follow()
        assert await house.play.ended(happened) == "alert"
        assert await house.play.ended(learnt) == "no_rule", "the link itself alerts nobody"

    async def test_what_happens_after_the_link_is_heard_at_once(self, house: Looking) -> None:
        await house.play.give(link("M1", "M2", at=days(1)))
        await house.follow()
        await house.play.give(harm(at=days(30)))
        assert await heard(house, "M2") == [("ASSOCIATE_HARMED", Priority.P1, START + days(30))]
        (firing,) = await house.play.standing("M2")
        assert not firing.late

    async def test_what_came_in_while_nobody_followed_the_link_yet_is_heard_too(self, house: Looking) -> None:
        await house.play.give(link("M1", "M2", at=days(1)), harm(at=days(1) + minutes(1)))
        assert await heard(house, "M2") == []
        await house.follow()
        assert await heard(house, "M2") == [("ASSOCIATE_HARMED", Priority.P1, START + days(1) + minutes(1))]

    async def test_the_link_told_again_changes_nothing(self, house: Looking) -> None:
        await house.play.give(harm())
        await house.play.give(link("M1", "M2", at=days(20)))
        await house.follow()
        state = await house.play.twin.decisions.person(MemberId("M2"))  # type: ignore[attr-defined]
        await house.play.give(link("M2", "M1", at=days(21), key="again"))
        await house.follow()
        after = await house.play.twin.decisions.person(MemberId("M2"))  # type: ignore[attr-defined]
        harms = [entry for entry in after.history if entry.feed is not Feed.PROGRAMME]
        assert harms == [entry for entry in state.history if entry.feed is not Feed.PROGRAMME]
        assert await heard(house, "M2") == [("ASSOCIATE_HARMED", Priority.P3, START + days(20))]

    async def test_an_import_that_does_not_know_of_the_link_leaves_it(self, house: Looking) -> None:
        await house.play.give(link("M1", "M2", at=days(1)))
        await house.follow()
        await house.join(standing("M1"), standing("M2"), standing("M3"))
        await house.play.give(harm(at=days(2)))
        assert await heard(house, "M2") == [("ASSOCIATE_HARMED", Priority.P1, START + days(2))]

    async def test_it_is_audited_once_with_both(self, house: Looking) -> None:
        await house.play.give(link("M1", "M2", at=days(1)))
        (entry,) = house.audit.entries
        assert (entry.operation, entry.what) == (Operation.COMBINATION, "link_learnt")
        assert entry.subjects == (MemberId("M1"), MemberId("M2"))

    async def test_words_name_nobody_and_say_since_when_we_know(self, house: Looking) -> None:
        await house.play.give(harm())
        await house.play.give(link("M1", "M2", at=days(20)))
        await house.follow()
        (firing,) = await house.play.standing("M2")
        assert firing.headline == (
            "Somebody close to them was seriously hurt before, and we have learnt of the link only now"
        )
        (reason,) = firing.reasons
        assert reason.text == (
            "Somebody close was harmed in an incident that police recorded, Mon 2 March 2026, 09:00; "
            "we learnt of the link on Sun 22 March 2026, 09:00"
        )
        assert firing.late


class TestTakenBack:
    async def test_a_link_that_was_an_error_takes_what_it_told_with_it(self, house: Looking) -> None:
        wrong = link("M1", "M2", at=days(1), key="A1")
        await house.play.give(harm())
        await house.play.give(wrong)
        await house.follow()
        assert await heard(house, "M2")
        await house.play.give(
            event(Kind.RECORD_RETRACTED, "M1", at=days(2), feed=Feed.PROGRAMME, retracts=wrong.event_id)
        )
        await house.follow()
        assert await heard(house, "M2") == []
        await house.play.give(harm(at=days(30)))
        assert await heard(house, "M2") == [], "they are no longer close"
        assert [entry.what for entry in house.audit.entries] == ["link_learnt", "link_taken_back"]

    async def test_taken_back_before_it_came_it_never_stood(self, house: Looking) -> None:
        wrong = link("M1", "M2", at=days(1), key="A1")
        await house.play.give(harm())
        await house.play.give(
            event(Kind.RECORD_RETRACTED, at=days(1), feed=Feed.PROGRAMME, retracts=wrong.event_id, key="A1")
        )
        await house.play.give(wrong)
        await house.follow()
        assert await heard(house, "M2") == []
        assert house.audit.entries == []

    async def test_together_in_one_batch_it_stands_no_longer(self, house: Looking) -> None:
        wrong = link("M1", "M2", at=days(1), key="A1")
        back = event(Kind.RECORD_RETRACTED, "M1", at=days(1) + minutes(1), feed=Feed.PROGRAMME, key="A1")
        await house.play.give(harm())
        await house.play.give(wrong, back)
        await house.follow()
        assert await heard(house, "M2") == []
        assert [member.ties for member in await house.cohort.members()] == [(), (), ()]

    async def test_what_another_system_says_takes_no_link_back(self, house: Looking) -> None:
        right = link("M1", "M2", at=days(1), key="A1")
        await house.play.give(right)
        await house.play.give(
            event(Kind.RECORD_RETRACTED, "M1", at=days(2), feed=Feed.PROGRAMME, retracts=right.event_id, system="other")
        )
        await house.follow()
        await house.play.give(harm(at=days(30)))
        assert await heard(house, "M2")


class TestByTheCohort:
    async def test_a_new_associate_hears_of_what_is_no_longer_in_the_log(self, house: Looking) -> None:
        await house.play.give(harm())
        house.later(days(20))
        await house.play.twin.transport.trim(house.play.clock.now())
        await house.look_for(standing("M2", associates=(MemberId("M1"),)))
        assert await heard(house, "M2") == [("ASSOCIATE_HARMED", Priority.P3, START + days(20))]

    async def test_two_who_move_together_hear_of_each_other(self, house: Looking) -> None:
        await house.join(standing("M1", household_id=HouseholdId("H1")))
        await house.play.give(harm())
        house.later(days(3))
        await house.look_for(standing("M2", household_id=HouseholdId("H1")))
        assert await heard(house, "M2") == [("ASSOCIATE_HARMED", Priority.P1, START + days(3))]

    async def test_who_joins_hears_of_what_happened_to_those_close(self, house: Looking) -> None:
        await house.play.give(harm())
        house.later(days(20))
        await house.look_for(watched("M4", associates=(MemberId("M1"),)))
        assert await heard(house, "M4") == [("ASSOCIATE_HARMED", Priority.P3, START + days(20))]

    async def test_a_link_that_stood_at_the_time_is_not_told_again(self, house: Looking) -> None:
        await house.join(standing("M2", associates=(MemberId("M1"),)))
        await house.play.give(harm())
        house.later(days(20))
        await house.join(standing("M1", household_id=HouseholdId("H1")))
        await house.look_for(standing("M2", household_id=HouseholdId("H1"), associates=(MemberId("M1"),)))
        assert await heard(house, "M2") == [("ASSOCIATE_HARMED", Priority.P1, START)]

    async def test_a_link_that_is_removed_leaves_what_it_told(self, house: Looking) -> None:
        await house.join(standing("M2", associates=(MemberId("M1"),)))
        await house.play.give(harm())
        await house.look_for(standing("M2"))
        assert await heard(house, "M2") == [("ASSOCIATE_HARMED", Priority.P1, START)]
        await house.play.give(harm(at=days(20)))
        assert await heard(house, "M2") == [("ASSOCIATE_HARMED", Priority.P1, START)]

    async def test_feeds_are_respected_on_both_sides(self, house: Looking) -> None:
        await house.join(standing("M3", allowed_feeds=(Feed.ED, Feed.PROGRAMME)))
        await house.play.give(harm("M1"), harm("M3"))
        await house.join(standing("M2", associates=(MemberId("M3"),)))
        await house.look_for(standing("M3", allowed_feeds=(Feed.ED, Feed.PROGRAMME), associates=(MemberId("M1"),)))
        state = await house.play.twin.decisions.person(MemberId("M3"))  # type: ignore[attr-defined]
        assert [entry for entry in state.history if entry.feed is Feed.POLICE] == []
        assert await heard(house, "M2") == []

    async def test_visits_cancelled_meanwhile_alert_nobody_in_passing(self, house: Looking) -> None:
        happened = harm(key="C1")
        await house.play.give(happened, told(Kind.CRIME_CANCELLED, at=hours(1), key="C1"))
        await house.play.give(link("M1", "M2", at=days(3)))
        await house.follow()
        assert await house.play.alerts("M2") == []

    async def test_what_happened_at_home_before_they_shared_it_is_not_told(self, house: Looking) -> None:
        await house.play.give(told(Kind.DA_INCIDENT, saying("M1", Role.VICTIM)))
        await house.play.give(link("M1", "M2", at=hours(5)))
        await house.follow()
        assert await house.play.live("M2") == []

    async def test_who_joins_a_home_may_have_lived_there(self, house: Looking) -> None:
        """They are told late of what happened at home just before, and of harm as of when they joined."""
        await house.join(standing("M1", household_id=HouseholdId("H1")))
        await house.play.give(told(Kind.DA_INCIDENT, saying("M1", Role.VICTIM)))
        await house.play.give(harm(at=hours(1)))
        house.later(hours(5))
        await house.look_for(watched("M4", household_id=HouseholdId("H1")))
        found = {(one.rule_id, one.fired_at, one.late) for one in await house.play.standing("M4")}
        assert found == {("DA_IN_HOUSEHOLD", START, True), ("ASSOCIATE_HARMED", START + hours(6), True)}
