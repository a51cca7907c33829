"""Look-back on either twin: who joins or changes is found in what passed by, once, marked late, and the books balance."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from domain.identity import Identity
from domain.ids import HouseholdId, MemberId
from domain.kinds import Feed, Kind
from domain.people import MemberStatus, WatchAuthority
from streams.lookback_engine import PAGE
from streams.lookback_ports import Progress
from tests.unit.streams.looking_back import PHONED, Looking, identity, stabbing, told, visit, watched
from tests.unit.streams.play import NO_WAIT, START, hours, minutes


class TestJoining:
    async def test_who_joins_after_the_event_is_found_in_it_and_it_is_marked_late(self, house: Looking) -> None:
        happened = stabbing()
        await house.play.give(happened)
        assert await house.play.ended(happened) == "no_match"
        house.later(minutes(2))
        await house.look_for(watched("M1"))
        (firing,) = await house.play.standing("M1")
        assert (firing.rule_id, firing.late, firing.fired_at) == ("ED_WEAPON_ASSAULT", True, happened.occurred_at)
        (alert,) = await house.play.alerts("M1")
        assert alert.timeline[0].note == "ED_WEAPON_ASSAULT, learnt late"
        assert await house.play.rows(alert), "the navigator is told"

    async def test_the_ledger_shows_the_later_finding_and_balances(self, house: Looking) -> None:
        happened, other = stabbing(), stabbing("M2", "V2")
        await house.play.give(happened, other)
        assert await house.disposed() == {"no_match": 2}
        await house.join(watched("M1"))
        await house.pages()
        counts = await house.play.twin.transport.counts()
        assert counts.balanced
        assert counts.in_flight == 1, "until the newcomer's part is in, the event is under way again"
        await house.play.run()
        assert await house.disposed() == {"no_match": 1, "alert": 1}
        assert await house.play.ended(happened) == "alert"

    async def test_the_clock_that_people_feel_starts_when_it_was_found(self, house: Looking) -> None:
        await house.play.give(stabbing())
        house.later(hours(5))
        await house.look_for(watched("M1"))
        (alert,) = await house.play.alerts("M1")
        assert {row.caused_at for row in await house.play.rows(alert)} == {START + hours(5)}

    async def test_looking_again_finds_nothing_new(self, house: Looking) -> None:
        await house.play.give(stabbing())
        await house.look_for(watched("M1"))
        state = await house.play.twin.decisions.person(MemberId("M1"))  # type: ignore[attr-defined]
        books = await house.disposed()
        await house.look_for(watched("M1", identity=PHONED))
        assert await house.play.twin.decisions.person(MemberId("M1")) == state  # type: ignore[attr-defined]
        assert await house.disposed() == books
        assert len(await house.play.alerts("M1")) == 1

    async def test_a_live_event_that_went_to_the_member_is_not_sent_again(self, house: Looking) -> None:
        await house.look_for(watched("M1"))
        await house.play.give(stabbing())
        await house.join(watched("M1", identity=PHONED))
        await house.pages()
        assert (await house.play.twin.transport.counts()).in_flight == 0
        (firing,) = await house.play.standing("M1")
        assert not firing.late

    async def test_who_left_again_is_not_looked_for(self, house: Looking) -> None:
        happened = stabbing()
        await house.play.give(happened)
        await house.join(watched("M1"))
        await house.join(without=["M1"])
        await house.look()
        assert await house.play.ended(happened) == "no_match"

    async def test_who_leaves_between_the_finding_and_the_decision_is_not_told_of(self, house: Looking) -> None:
        happened = stabbing()
        await house.play.give(happened)
        await house.join(watched("M1"))
        await house.pages()
        await house.join(without=["M1"])
        await house.look()
        assert await house.play.ended(happened) == "suppressed:not_watched"

    async def test_two_changes_of_one_member_find_each_event_once(self, house: Looking) -> None:
        await house.play.give(stabbing())
        await house.join(watched("M1"))
        await house.lookback.run_once()
        await house.look_for(watched("M1", identity=PHONED))
        (firing,) = await house.play.standing("M1")
        assert firing.rule_id == "ED_WEAPON_ASSAULT"
        assert (await house.store.progress()) == Progress(version=2)

    async def test_what_no_event_is_asked_by_sends_nobody_through_the_log(self, house: Looking) -> None:
        await house.join(watched("M1"))
        await house.play.give(stabbing("M2"))
        await house.look()
        seen = len(house.seen)
        await house.look_for(watched("M1", area="Elsewhere", navigator_id=None, safe_contact="by letter"))
        assert len(house.seen) == seen
        assert await house.store.progress() == Progress(version=2)

    async def test_a_test_message_is_never_found(self, house: Looking) -> None:
        happened = stabbing(live=False)
        await house.play.give(happened)
        await house.look_for(watched("M1"))
        assert await house.play.ended(happened) == "suppressed:test_message"

    async def test_a_store_that_was_never_looked_back_on_is_taken_as_it_is(self, made: Looking) -> None:
        await made.join(watched("M1"))
        await made.prepare()
        assert not made.lookback.waiting
        assert await made.store.progress() == Progress(version=1)

    async def test_who_joins_while_the_service_is_down_is_found_after_the_start(self, house: Looking) -> None:
        await house.play.give(stabbing())
        await house.join(watched("M1"))
        house.connect()
        await house.look()
        assert await house.play.live("M1") == [("M1", "ED_WEAPON_ASSAULT")]


class TestChanges:
    async def test_an_identity_that_becomes_known_finds_what_it_could_not(self, house: Looking) -> None:
        poor = Identity(names=identity("M1").names)
        await house.look_for(watched("M1", identity=poor))
        happened = stabbing(replace(identity("M1"), names=()))
        await house.play.give(happened)
        assert await house.play.ended(happened) == "no_match"
        await house.look_for(watched("M1"))
        assert await house.play.ended(happened) == "alert"

    async def test_an_associate_learnt_later_hears_of_the_harm(self, house: Looking) -> None:
        await house.look_for(watched("M1"), watched("M2"))
        await house.play.give(stabbing())
        assert await house.play.live("M2") == []
        house.later(minutes(3))
        await house.look_for(watched("M2", associates=(MemberId("M1"),)))
        (firing,) = await house.play.standing("M2")
        assert (firing.rule_id, firing.late) == ("ASSOCIATE_HARMED", True)
        (own,) = await house.play.standing("M1")
        assert not own.late, "what was known in time stays as it was told"

    async def test_an_associate_who_joins_is_told_about_to_those_who_listed_them(self, house: Looking) -> None:
        await house.look_for(watched("M2", associates=(MemberId("M1"),)))
        await house.play.give(stabbing())
        await house.look_for(watched("M1"))
        assert await house.play.live() == [("M1", "ED_WEAPON_ASSAULT"), ("M2", "ASSOCIATE_HARMED")]

    async def test_a_household_learnt_later_hears_of_what_happens_at_home(self, house: Looking) -> None:
        await house.look_for(watched("M1"))
        happened = told(Kind.DA_INCIDENT, attributes={"household_key": "HH1"})
        await house.play.give(happened)
        await house.look_for(watched("M1", household_id=HouseholdId("HH1")))
        (firing,) = await house.play.standing("M1")
        assert (firing.rule_id, firing.late) == ("DA_IN_HOUSEHOLD", True)

    async def test_a_feed_allowed_later_is_found(self, house: Looking) -> None:
        await house.look_for(watched("M1", allowed_feeds=(Feed.POLICE,)))
        happened = stabbing()
        await house.play.give(happened)
        assert await house.play.ended(happened) == "suppressed:feed_not_allowed"
        await house.look_for(watched("M1"))
        assert await house.play.ended(happened) == "alert"


class TestTime:
    async def test_what_happened_longer_ago_than_the_tolerance_is_only_remembered(self, house: Looking) -> None:
        happened = stabbing()
        await house.play.give(happened)
        house.later(hours(49))
        await house.look_for(watched("M1"))
        assert await house.play.ended(happened) == "suppressed:too_late"
        state = await house.play.twin.decisions.person(MemberId("M1"))  # type: ignore[attr-defined]
        assert [entry.kind for entry in state.history] == [Kind.ED_ARRIVAL]
        assert state.history[0].received_at == START + hours(49)

    async def test_the_completing_event_must_lie_within_the_watch_authority(self, house: Looking) -> None:
        happened = stabbing()
        await house.play.give(happened)
        house.later(hours(20))
        await house.look_for(watched("M1", watch=WatchAuthority(starts=date(2026, 3, 3))))
        assert await house.play.ended(happened) == "suppressed:watch_not_started"
        state = await house.play.twin.decisions.person(MemberId("M1"))  # type: ignore[attr-defined]
        assert len(state.history) == 1, "but it counts as history"

    async def test_what_happened_before_the_watch_counts_for_what_completes_within_it(self, house: Looking) -> None:
        one = visit(Kind.ED_ARRIVAL, "M1", "V1", intent="assault", mechanism="blunt_object")
        other = visit(Kind.ED_ARRIVAL, "M1", "V2", at=hours(20), intent="assault", mechanism="blunt_object")
        await house.play.give(one, other)
        await house.look_for(watched("M1", watch=WatchAuthority(starts=date(2026, 3, 3))))
        assert await house.play.live("M1") == [("M1", "ED_ASSAULT"), ("M1", "ED_REPEAT_ASSAULT")]

    @pytest.mark.parametrize(
        ("fields", "ending"),
        [
            ({"watch": WatchAuthority(ends=date(2026, 3, 1))}, "suppressed:watch_ended"),
            ({"allowed_feeds": (Feed.POLICE,)}, "suppressed:feed_not_allowed"),
        ],
        ids=["the authority had ended", "the feed is not allowed"],
    )
    async def test_what_may_not_be_kept_is_not_kept(self, house: Looking, fields: dict[str, Any], ending: str) -> None:
        happened = stabbing()
        await house.play.give(happened)
        await house.look_for(watched("M1", **fields))
        assert await house.play.ended(happened) == ending
        state = await house.play.twin.decisions.person(MemberId("M1"))  # type: ignore[attr-defined]
        assert state.history == ()

    async def test_who_is_closed_is_not_found(self, house: Looking) -> None:
        happened = stabbing()
        await house.play.give(happened)
        await house.look_for(watched("M1", status=MemberStatus.CLOSED))
        assert await house.play.ended(happened) == "no_match"


class TestTheLog:
    async def test_what_is_trimmed_while_it_is_read_is_simply_gone(self, house: Looking) -> None:
        await house.play.give(*(stabbing("M1", f"V{number}") for number in range(1, 4)))
        await house.join(watched("M1"))
        await house.lookback.run_once()  # the pass has begun
        await house.play.twin.transport.trim(START + timedelta(days=36_500))
        await house.look()
        state = await house.play.twin.decisions.person(MemberId("M1"))  # type: ignore[attr-defined]
        assert len(state.history) == 1, "the last one read stays in the log as the mark"

    async def test_a_log_longer_than_a_page_is_read_to_its_end(self, house: Looking) -> None:
        whole = PAGE * 2
        happened = [
            stabbing("M1" if number in {0, whole - 1} else None, f"V{number}", at=minutes(number / 100))
            for number in range(whole)
        ]
        await house.play.give(*happened)
        await house.look_for(watched("M1"))
        state = await house.play.twin.decisions.person(MemberId("M1"))  # type: ignore[attr-defined]
        assert len(state.history) == 2
        lefts = [progress.left for progress, _, _ in house.seen]
        assert lefts == sorted(lefts, reverse=True)
        assert (lefts[0], lefts[-1]) == (whole, 0)
        assert sum(parts for _, parts, _ in house.seen) == 2

    async def test_an_event_that_recognition_has_not_finished_with_is_waited_for(self, house: Looking) -> None:
        first, second = stabbing("M1", "V1"), stabbing("M1", "V2", at=minutes(1))
        await house.play.give(first)
        await house.play.accept(second)
        await house.play.twin.transport.read_events(10, NO_WAIT)  # read, and then the recogniser stumbles
        await house.join(watched("M1"))
        for _ in range(5):
            await house.lookback.run_once()
        progress = await house.store.progress()
        assert progress is not None and progress.under_way
        assert (await house.play.twin.transport.counts()).in_flight == 2
        house.play.twin.transport.rewind()
        await house.play.run()
        await house.look()
        firings = await house.play.standing("M1")
        assaults = {firing.fired_at: firing.late for firing in firings if firing.rule_id == "ED_WEAPON_ASSAULT"}
        assert assaults == {START: True, START + minutes(1): False}, "the second was in time"

    async def test_events_accepted_after_the_change_are_left_to_live_recognition(self, house: Looking) -> None:
        await house.play.give(stabbing("M2"))
        await house.join(watched("M1"))
        await house.lookback.run_once()
        await house.play.give(stabbing("M1", "V2", at=minutes(1)))
        await house.look()
        (firing,) = await house.play.standing("M1")
        assert not firing.late


class TestProgress:
    async def test_progress_comes_back_as_it_was_kept(self, house: Looking) -> None:
        kept = Progress(3, 5, "17-1", "99-0", 1200, 4, 2)
        await house.store.keep_progress(kept)
        assert await house.store.progress() == kept

    async def test_reviews_are_found_by_id(self, house: Looking) -> None:
        assert await house.store.reviews_of([]) == []
        assert await house.store.reviews_of(["unknown"]) == [None]
