"""What an analyst's word does, whichever store is behind it: both hops, the review desk, and the books after each step."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from alerts.model import AlertState
from domain.events import Event, Mention
from domain.identity import DateOfBirth, Identity, Name
from domain.kinds import Kind, Role
from streams.reviews import Review, Step
from tests.contract.reviewing import (
    ANNE,
    BOB,
    COHORT,
    DIFFERENT,
    HEARD,
    KIT,
    LUX,
    M1,
    M2,
    SAME,
    STABBED,
    UNSURE,
    Desk,
    arrival,
    mention,
    person,
)
from tests.unit.streams.play import NO_WAIT, START, ed, event, hours, minutes


class TestConfirming:
    async def test_the_event_alerts_with_its_own_time_and_ends_in_the_books_as_an_alert(self, desk: Desk) -> None:
        told = arrival()
        await desk.give(told)
        assert await desk.live() == []
        assert await desk.play.ended(told) == "review"
        desk.clock.advance(minutes(20))
        await desk.decide(await desk.only(), SAME)
        assert STABBED in await desk.live("M1")
        (firing,) = [each for each in await desk.play.standing("M1") if each.rule_id == "ED_WEAPON_ASSAULT"]
        assert firing.fired_at == told.occurred_at
        assert not firing.late, "twenty minutes are not late"
        assert await desk.play.ended(told) == "alert"
        assert await desk.disposed() == {"alert": 1}
        assert await desk.waiting() == []

    async def test_whoever_is_close_hears_of_it_as_if_it_had_been_certain_at_once(self, desk: Desk) -> None:
        certain = Desk(None)
        await certain.give(ed(Kind.ED_ARRIVAL, "M1", visit="V1", intent="assault", mechanism="sharp"))
        await desk.give(arrival())
        await desk.decide(await desk.only(), SAME)
        assert await desk.live() == await certain.live() != []

    async def test_decided_after_hours_it_is_marked_as_late(self, desk: Desk) -> None:
        await desk.give(arrival())
        desk.clock.advance(hours(5))
        await desk.decide(await desk.only(), SAME)
        (firing,) = [each for each in await desk.play.standing("M1") if each.rule_id == "ED_WEAPON_ASSAULT"]
        assert firing.late
        assert firing.fired_at == START

    async def test_later_amendments_that_name_nobody_reach_the_member(self, desk: Desk) -> None:
        await desk.give(arrival(intent=None, mechanism=None))
        await desk.decide(await desk.only(), SAME)
        assert await desk.live("M1") == []
        await desk.give(ed(Kind.ED_UPDATED, visit="V1", at=minutes(10), intent="assault", mechanism="sharp"))
        assert STABBED in await desk.live("M1")

    async def test_amendments_that_came_before_the_decision_follow_it(self, desk: Desk) -> None:
        await desk.give(
            arrival(intent=None, mechanism=None),
            ed(Kind.ED_UPDATED, visit="V1", at=minutes(10), intent="assault", mechanism="sharp"),
        )
        assert await desk.live() == []
        await desk.decide(await desk.only(), SAME)
        assert STABBED in await desk.live("M1")

    async def test_a_visit_cancelled_meanwhile_alerts_nobody(self, desk: Desk) -> None:
        await desk.give(arrival(), ed(Kind.ED_CANCELLED, visit="V1", at=minutes(10)))
        await desk.decide(await desk.only(), SAME)
        assert await desk.live() == []
        assert await desk.play.alerts() == []

    async def test_two_in_doubt_in_one_event_are_decided_one_by_one(self, desk: Desk) -> None:
        crime = event(
            Kind.CRIME_RECORDED,
            key="99/1",
            mentions=(mention(KIT, "1", Role.VICTIM), mention(LUX, "2", Role.SUSPECT)),
            attributes={"ho_code": "5D", "weapon": "knife"},
        )
        await desk.give(crime)
        first, second = sorted(await desk.waiting(), key=lambda each: each.candidates)
        await desk.decide(first, SAME, M1)
        assert {who for who, _ in await desk.live("M1", "M2")} == {"M1"}
        assert await desk.play.ended(crime) == "alert"
        await desk.decide(second, DIFFERENT, M2)
        assert await desk.play.ended(crime) == "alert"
        await desk.undo(first)
        assert await desk.live() == []
        assert await desk.play.ended(crime) == "review"
        assert await desk.disposed() == {"review": 1}

    async def test_somebody_who_left_meanwhile_gets_nothing_and_the_books_say_so(self, desk: Desk) -> None:
        told = arrival()
        await desk.give(told)
        desk.play.change(without=["M1"])
        await desk.decide(await desk.only(), SAME)
        assert await desk.play.alerts("M1") == []
        assert await desk.play.ended(told) == "suppressed:not_watched"


class TestTheSameWordsAgain:
    async def test_what_is_said_again_by_the_same_source_needs_nobody(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        await desk.decide(await desk.only(), SAME)
        spaced = Identity(names=(Name(("KIT ",), "kettlewell"),), dates_of_birth=KIT.dates_of_birth)
        again = arrival("V2", spaced, at=hours(30))
        await desk.give(again)
        assert await desk.waiting() == []
        assert await desk.play.ended(again) == "alert"

    @pytest.mark.parametrize(
        ("why", "changed"),
        [
            ("another source speaks", {"system": "PAS-2"}),
            ("the source says something else", {"who": replace(KIT, postcodes=("WV1 1AA",))}),
            ("the source does not know who it is", {"who": replace(KIT, unknown=True)}),
        ],
    )
    async def test_other_words_are_asked_anew_or_never_match(
        self, desk: Desk, why: str, changed: dict[str, Any]
    ) -> None:
        await desk.give(arrival("V1"))
        await desk.decide(await desk.only(), SAME)
        other = arrival("V2", at=hours(30), **changed)
        await desk.give(other)
        expected = "no_match" if changed.get("who", KIT).unknown else "review"
        assert await desk.play.ended(other) == expected, why

    async def test_what_waits_with_the_same_words_is_decided_with_it(self, desk: Desk) -> None:
        events = [arrival(f"V{number}", at=hours(number)) for number in range(3)]
        await desk.give(*events)
        first, *others = await desk.waiting()
        also = await desk.decide(first, SAME)
        assert set(also) == {each.item.review_id for each in others}
        assert await desk.waiting() == []
        assert [await desk.play.ended(each) for each in events] == ["alert"] * 3
        (step,) = (await desk.found(others[0])).case.steps
        assert (step.by, step.through) == ("anne", first.item.review_id)

    async def test_a_rejected_one_is_no_candidate_any_more(self, desk: Desk) -> None:
        one, waits = arrival("V1"), arrival("V2", at=hours(1))
        await desk.give(one, waits)
        first, _ = await desk.waiting()
        await desk.decide(first, DIFFERENT)
        later = arrival("V3", at=hours(2))
        await desk.give(later)
        assert await desk.waiting() == []
        assert await desk.disposed() == {"no_match:reviewed_different": 3}
        assert await desk.live() == []

    async def test_the_programme_names_its_own_client_whatever_was_decided(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        await desk.decide(await desk.only(), DIFFERENT)
        named = ed(
            Kind.ED_ARRIVAL, visit="V2", at=hours(1), intent="assault", mechanism="sharp",
            mentions=(Mention("1", Role.PATIENT, KIT, M1),),
        )  # fmt: skip
        await desk.give(named)
        assert STABBED in await desk.live("M1")

    async def test_a_decision_falls_with_who_the_member_was(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        await desk.decide(await desk.only(), SAME)
        desk.play.change(replace(COHORT[0], identity=replace(KIT, dates_of_birth=(DateOfBirth(date(2009, 5, 5)),))))
        other = arrival("V2", at=hours(30))
        await desk.give(other)
        assert await desk.play.ended(other) == "review"

    async def test_a_confirmed_member_may_move_house(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        await desk.decide(await desk.only(), SAME)
        desk.play.change(replace(COHORT[0], identity=replace(KIT, postcodes=("WV1 1AA",), phones=("07700900001",))))
        other = arrival("V2", at=hours(30))
        await desk.give(other)
        assert await desk.play.ended(other) == "alert"

    async def test_a_rejection_falls_with_whatever_is_learnt_of_the_member(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        await desk.decide(await desk.only(), DIFFERENT)
        desk.play.change(replace(COHORT[0], identity=replace(KIT, phones=("07700900001",))))
        other = arrival("V2", at=hours(30))
        await desk.give(other)
        assert await desk.play.ended(other) == "review"

    async def test_who_leaves_is_forgotten_and_who_comes_back_the_same_is_known(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        await desk.decide(await desk.only(), SAME)
        desk.play.change(without=["M1"])
        away = arrival("V2", at=hours(1))
        await desk.give(away)
        assert await desk.play.ended(away) == "no_match"
        desk.play.change(COHORT[0])
        back = arrival("V3", at=hours(30))
        await desk.give(back)
        assert await desk.play.ended(back) == "alert"


class TestUnsure:
    async def test_it_waits_on_behind_the_others(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        await desk.give(arrival("V2", LUX, at=minutes(1)))
        first, second = await desk.waiting()
        desk.clock.advance(minutes(5))
        await desk.decide(first, UNSURE)
        assert [each.item for each in await desk.waiting()] == [second.item, first.item]
        assert await desk.live() == []
        await desk.decide(await desk.found(first), SAME)
        assert STABBED in await desk.live("M1")


class TestUndoing:
    async def test_the_member_loses_it_the_alert_is_withdrawn_and_the_item_waits_again(self, desk: Desk) -> None:
        told = arrival()
        await desk.give(told)
        review = await desk.only()
        await desk.decide(review, SAME)
        await desk.undo(review)
        assert await desk.live() == []
        assert {alert.state for alert in await desk.play.alerts()} == {AlertState.WITHDRAWN}
        again = await desk.only()
        assert [(step.what, step.by) for step in again.case.steps] == [(Step.SAME, "anne"), (Step.UNDONE, "bob")]
        assert await desk.play.ended(told) == "review"
        assert await desk.disposed() == {"review": 1}

    async def test_it_may_be_confirmed_again_and_undone_again(self, desk: Desk) -> None:
        told = arrival()
        await desk.give(told)
        review = await desk.only()
        for _ in range(2):
            await desk.decide(await desk.found(review), SAME)
            assert STABBED in await desk.live("M1")
            assert await desk.play.ended(told) == "alert"
            await desk.undo(review)
            assert await desk.live() == []
            assert await desk.play.ended(told) == "review"

    async def test_amendments_of_the_visit_reach_nobody_any_more(self, desk: Desk) -> None:
        await desk.give(arrival(intent=None, mechanism=None))
        review = await desk.only()
        await desk.decide(review, SAME)
        await desk.give(ed(Kind.ED_UPDATED, visit="V1", at=minutes(5), intent="assault", mechanism="sharp"))
        assert await desk.live() != []
        await desk.undo(review)
        assert await desk.live() == []
        later = ed(Kind.ED_CODED, visit="V1", at=minutes(50), codes=("icd10:X99",))
        await desk.give(later)
        assert await desk.live() == []
        assert await desk.play.ended(later) == "no_match"

    async def test_an_amendment_on_its_way_meanwhile_weighs_nothing(self, desk: Desk) -> None:
        """It was recognised on the link that the undo takes away."""
        await desk.give(arrival(intent=None, mechanism=None))
        review = await desk.only()
        await desk.decide(review, SAME)
        transport, held = desk.play.twin.transport, []
        forward: Callable[..., Any] = transport.forward

        async def holding(results: Any) -> None:
            held.append(results)

        transport.forward = holding
        await desk.play.accept(ed(Kind.ED_UPDATED, visit="V1", at=minutes(5), intent="assault", mechanism="sharp"))
        await desk.play.recogniser.run_once(NO_WAIT)
        await desk.desk.undo(review.item.review_id, M1, "no", by=BOB, version=2)
        transport.forward = forward
        await forward(held[0])
        await desk.quiet()
        assert [part.listener for result in held[0] for part in result.parts] != []
        assert await desk.live() == []

    async def test_what_a_source_says_beyond_doubt_stays(self, desk: Desk) -> None:
        doubtful = arrival("V1")
        await desk.give(doubtful)
        review = await desk.only()
        await desk.decide(review, SAME)
        certain = ed(
            Kind.ED_UPDATED, "M1", visit="V1", at=minutes(9), intent="assault", mechanism="sharp", key="certain"
        )
        await desk.give(certain)
        await desk.undo(review)
        assert STABBED in await desk.live("M1"), "the visit is theirs by the second message alone"
        await desk.give(ed(Kind.ED_CANCELLED, visit="V1", at=minutes(20)))
        assert await desk.live("M1") == [], "and its amendments still reach them"

    async def test_a_source_that_names_them_afterwards_is_heard_whenever_it_happened(self, desk: Desk) -> None:
        await desk.give(arrival("V1", at=minutes(30)))
        review = await desk.only()
        await desk.decide(review, SAME)
        await desk.undo(review)
        before = ed(Kind.ED_ARRIVAL, "M1", visit="V1", intent="assault", mechanism="sharp", key="sure",
                    received=minutes(40))  # fmt: skip
        await desk.give(before)
        assert STABBED in await desk.live("M1")

    async def test_what_followed_from_it_is_undone_with_it(self, desk: Desk) -> None:
        one, waits = arrival("V1"), arrival("V2", at=hours(1))
        await desk.give(one, waits)
        review, other = await desk.waiting()
        await desk.decide(review, SAME)
        applied = arrival("V3", at=hours(30))
        await desk.give(applied)
        assert await desk.play.ended(applied) == "alert"
        also = await desk.undo(review)
        assert len(set(also)) == 2
        assert other.item.review_id in also
        assert await desk.live() == []
        assert len(await desk.waiting()) == 3
        assert await desk.disposed() == {"review": 3}

    async def test_an_undone_rejection_brings_back_what_it_had_hidden(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        review = await desk.only()
        await desk.decide(review, DIFFERENT)
        hidden = arrival("V2", at=hours(1))
        await desk.give(hidden)
        assert await desk.play.ended(hidden) == "no_match:reviewed_different"
        await desk.undo(review)
        assert await desk.play.ended(hidden) == "review"
        await desk.decide(await desk.found(review), SAME)
        assert await desk.play.ended(hidden) == "alert"
        assert STABBED in await desk.live("M1")

    async def test_the_next_event_is_asked_again(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        review = await desk.only()
        await desk.decide(review, SAME)
        await desk.undo(review)
        later = arrival("V2", at=hours(30))
        await desk.give(later)
        assert await desk.play.ended(later) == "review"

    async def test_undone_before_it_was_even_decided_upon_by_the_rules(self, desk: Desk) -> None:
        told = arrival()
        await desk.give(told)
        review = await desk.only()
        await desk.desk.decide(review.item.review_id, M1, SAME, "yes", by=ANNE, version=1)
        await desk.desk.undo(review.item.review_id, M1, "no", by=ANNE, version=2)
        await desk.quiet()
        assert await desk.live() == []
        assert await desk.play.ended(told) == "review"


class TestAVisitThatSeemsToMove:
    """An ED message names clearly somebody whom we do not know, on a visit that is a watched person's."""

    @staticmethod
    async def moved(desk: Desk) -> tuple[Event, Review]:
        stranger = person("Nobodyof", "Ours", 11)
        await desk.give(ed(Kind.ED_ARRIVAL, "M1", visit="V1", intent="assault", mechanism="sharp"))
        told = ed(Kind.ED_UPDATED, visit="V1", at=minutes(20), mentions=(mention(stranger),), acuity=3)
        await desk.give(told)
        return told, await desk.only()

    async def test_it_is_still_theirs(self, desk: Desk) -> None:
        _, review = await self.moved(desk)
        assert review.item.why == "identity_changed"
        assert review.candidates == (M1,)
        await desk.decide(review, SAME)
        assert STABBED in await desk.live("M1")
        assert await desk.waiting() == []

    async def test_it_is_somebody_elses_they_lose_it_and_get_it_back_when_that_is_undone(self, desk: Desk) -> None:
        _, review = await self.moved(desk)
        assert STABBED in await desk.live("M1")
        await desk.decide(review, DIFFERENT)
        assert await desk.live() == []
        await desk.undo(review)
        assert STABBED in await desk.live("M1")
        assert HEARD in await desk.live("M3") or await desk.live("M3") == []
        assert len(await desk.waiting()) == 1
        await desk.decide(await desk.found(review), DIFFERENT)
        assert await desk.live() == []

    async def test_the_next_message_with_these_words_is_not_asked_about(self, desk: Desk) -> None:
        told, review = await self.moved(desk)
        await desk.decide(review, SAME)
        await desk.give(replace(told, event_id=arrival("VX").event_id, occurred_at=START + minutes(40)))
        assert await desk.waiting() == []
        assert STABBED in await desk.live("M1")

    async def test_confirmed_for_somebody_else_of_ours_it_passes_to_them_and_back(self, desk: Desk) -> None:
        await desk.give(ed(Kind.ED_ARRIVAL, "M1", visit="V1", intent="assault", mechanism="sharp"))
        await desk.give(ed(Kind.ED_UPDATED, visit="V1", at=minutes(20), mentions=(mention(LUX),), acuity=3))
        review = next(each for each in await desk.waiting() if each.item.matches)
        await desk.decide(review, SAME, M2)
        assert {who for who, _ in await desk.live("M1", "M2")} == {"M2"}
        await desk.undo(review)
        assert {who for who, _ in await desk.live("M1", "M2")} == {"M1"}
        await desk.decide(await desk.found(review), SAME, M2)
        assert {who for who, _ in await desk.live("M1", "M2")} == {"M2"}


async def test_a_revision_tells_that_something_changed(desk: Desk) -> None:
    await desk.give(arrival())
    before = await desk.store.revision()
    assert await desk.store.depth() == 1
    await desk.decide(await desk.only(), UNSURE)
    assert await desk.store.revision() > before
    await desk.decide(await desk.only(), DIFFERENT)
    assert await desk.store.steps() == {"unsure": 1, "different": 1}
    assert await desk.store.depth() == 0
