"""What else look-back finds and asks on either twin: amendments, those close to them, and doubtful matches."""

from dataclasses import replace

import pytest

from domain.events import Event
from domain.ids import MemberId
from domain.kinds import Kind, Role
from domain.reviews import ReviewVerdict
from streams.reviews import Reviewer
from tests.unit.streams.looking_back import PHONED, Looking, identity, saying, stabbing, told, visit, watched
from tests.unit.streams.play import hours, minutes


def doubtful() -> Event:
    """A crime against one of twins, told so that a human must look."""
    twin = replace(identity("M1"), identifiers=(), multiple_birth=True)
    return told(Kind.CRIME_RECORDED, saying(twin, Role.VICTIM), attributes={"ho_code": "5D"})


class TestAmendments:
    @pytest.mark.parametrize("names", [None, "M1"], ids=["names nobody", "names the patient"])
    @pytest.mark.parametrize("before", [False, True], ids=["after the arrival", "before the arrival"])
    async def test_a_visit_that_was_cancelled_since_alerts_nobody(
        self, house: Looking, names: str | None, before: bool
    ) -> None:
        arrival, cancelled = stabbing(), visit(Kind.ED_CANCELLED, names, at=minutes(5))
        for one in (cancelled, arrival) if before else (arrival, cancelled):
            await house.play.give(one)
        await house.look_for(watched("M1"))
        assert await house.play.alerts() == []
        assert await house.play.ended(arrival) == "no_rule"
        assert await house.play.ended(cancelled) == "no_rule"

    async def test_what_was_coded_by_a_message_that_names_nobody_counts(self, house: Looking) -> None:
        arrival = visit(Kind.ED_ARRIVAL, "M1")
        coded = visit(Kind.ED_CODED, None, at=hours(1), intent="assault", mechanism="sharp")
        await house.play.give(arrival, coded)
        await house.look_for(watched("M1"))
        assert await house.play.live("M1") == [("M1", "ED_WEAPON_ASSAULT")]

    async def test_an_associate_learnt_later_does_not_hear_of_what_was_cancelled(self, house: Looking) -> None:
        await house.look_for(watched("M1"), watched("M2"))
        await house.play.give(stabbing())
        await house.play.give(visit(Kind.ED_CANCELLED, None, at=minutes(5)))
        await house.look_for(watched("M2", associates=(MemberId("M1"),)))
        assert await house.play.alerts("M2") == []

    async def test_later_live_messages_reach_whoever_was_found(self, house: Looking) -> None:
        await house.play.give(stabbing())
        await house.look_for(watched("M1"))
        cancelled = visit(Kind.ED_CANCELLED, None, at=minutes(9))
        await house.play.give(cancelled)
        assert await house.play.live("M1") == []
        assert await house.play.ended(cancelled) == "withdrawn"

    async def test_a_patient_who_turned_out_to_be_a_stranger_is_asked_about(self, house: Looking) -> None:
        await house.play.give(stabbing())
        await house.play.give(visit(Kind.ED_UPDATED, "M3", at=minutes(9)))
        await house.look_for(watched("M1"))
        assert [review.why for review in await house.play.twin.desk.reviews(10)] == ["identity_changed"]


class TestHolders:
    """What somebody else holds already is not given to a newcomer: a human is asked."""

    async def test_an_event_that_had_a_match_for_the_mention_becomes_a_review(self, house: Looking) -> None:
        await house.look_for(watched("M1", identity=replace(identity("M1"), identifiers=())))
        crime = told(Kind.CRIME_RECORDED, saying("M1", Role.VICTIM), attributes={"ho_code": "5D"})
        await house.play.give(crime)
        assert await house.play.ended(crime) == "alert"
        before = await house.disposed()
        await house.look_for(watched("M2", identity=identity("M1")))  # the same person twice in the cohort, better told
        assert await house.play.live("M2") == []
        (review,) = await house.play.twin.desk.reviews(10)
        assert {match.member_id for match in review.matches} == {"M1", "M2"}
        assert review.why == "ambiguous"
        assert await house.disposed() == before, "the more telling ending stands"
        await house.look_for(watched("M2", identity=identity("M1"), area="Elsewhere"))
        assert len(await house.play.twin.desk.reviews(10)) == 1, "asked once"

    async def test_a_visit_that_belongs_to_somebody_is_not_given_to_another(self, house: Looking) -> None:
        await house.look_for(watched("M2"))
        await house.play.give(stabbing("M1"))
        await house.play.give(visit(Kind.ED_UPDATED, "M2", at=minutes(5)))
        await house.look_for(watched("M1"))
        assert await house.play.live("M1") == []
        assert len(await house.play.twin.desk.reviews(10)) == 1

    async def test_others_in_the_same_event_are_no_rivals(self, house: Looking) -> None:
        await house.look_for(watched("M2"))
        crime = told(
            Kind.CRIME_RECORDED,
            saying("M2", Role.SUSPECT, "1"),
            saying("M1", Role.VICTIM, "2"),
            attributes={"ho_code": "5D"},
        )
        await house.play.give(crime)
        await house.look_for(watched("M1"))
        assert await house.play.live("M1") == [("M1", "VIOLENCE_VICTIM")]
        assert await house.play.twin.desk.reviews(10) == []

    async def test_a_newcomer_in_doubt_ends_the_event_as_a_review(self, house: Looking) -> None:
        crime = doubtful()
        await house.play.give(crime)
        await house.look_for(watched("M1"))
        ended = await house.play.ended(crime)
        reviews = await house.play.twin.desk.reviews(10)
        assert (ended, len(reviews)) == ("review", 1)
        assert await house.disposed() == {"review": 1}


class TestReviews:
    """What a human said, or is still to say, of what look-back finds."""

    async def test_a_confirmed_one_goes_to_the_newcomer_and_the_books_say_so(self, house: Looking) -> None:
        crime = doubtful()
        await house.play.give(crime)
        await house.look_for(watched("M1"))
        (review,) = await house.play.twin.desk.reviews(10)
        ann = Reviewer("ann", "analyst")
        await house.reviews().decide(review.review_id, MemberId("M1"), ReviewVerdict.SAME, "seen", by=ann, version=1)
        await house.play.run()
        assert await house.play.ended(crime) == "alert"
        assert await house.disposed() == {"alert": 1}
        await house.reviews().undo(review.review_id, MemberId("M1"), "mistaken", by=ann, version=2)
        await house.play.run()
        assert await house.play.live("M1") == []
        await house.look_for(watched("M1", identity=PHONED))
        assert await house.play.live("M1") == [], "what was taken back is not found again"
        assert len(await house.play.twin.desk.reviews(10)) == 1

    async def test_what_was_rejected_does_not_wait_again(self, house: Looking) -> None:
        crime = doubtful()
        await house.play.give(crime)
        await house.look_for(watched("M1"))
        (review,) = await house.play.twin.desk.reviews(10)
        ann = Reviewer("ann", "analyst")
        await house.reviews().decide(
            review.review_id, MemberId("M1"), ReviewVerdict.DIFFERENT, "seen", by=ann, version=1
        )
        await house.play.run()
        ended = await house.play.ended(crime)
        await house.look_for(watched("M1", identity=PHONED))
        assert await house.play.twin.desk.reviews(10) == []
        assert await house.play.ended(crime) == ended

    async def test_what_waits_already_for_somebody_else_is_another_question_about_the_newcomer(
        self, house: Looking
    ) -> None:
        crime = doubtful()
        await house.look_for(watched("M2", identity=replace(identity("M1"), identifiers=())))
        await house.play.give(crime)
        assert [[match.member_id for match in one.matches] for one in await house.play.twin.desk.reviews(9)] == [["M2"]]
        for area in ("Coventry", "Elsewhere"):
            await house.look_for(watched("M1", area=area))
        asked = [{match.member_id for match in one.matches} for one in await house.play.twin.desk.reviews(9)]
        assert sorted(asked, key=len) == [{"M2"}, {"M1", "M2"}]
        assert await house.disposed() == {"review": 1}
