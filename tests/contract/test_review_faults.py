"""What goes wrong around a decision: races with live recognition, faults in one item, undos that meet newer decisions."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import StoreUnavailable
from domain.events import Mention
from domain.identity import Identity, Name
from domain.kinds import Kind, Role
from domain.reviews import ReviewState, ReviewVerdict
from streams.ports import CaseCommit
from tests.contract.reviewing import (
    ANNE,
    COHORT,
    DIFFERENT,
    KIT,
    M1,
    SAME,
    STABBED,
    Desk,
    arrival,
    person,
)
from tests.unit.streams.play import ed, event, hours, member, minutes


class Broken:
    """A store that behaves as told for some commits; everything else goes to the real one."""

    def __init__(self, desk: Desk, fault: Exception, *, after: int = 0, review_id: str = "") -> None:
        self._desk, self._fault, self._left, self._review_id = desk, fault, after, review_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk.store, name)

    async def change(self, commit: CaseCommit) -> bool:
        if self._review_id in ("", commit.after.item.review_id):
            if self._left == 0:
                raise self._fault
            self._left -= 1
        done: bool = await self._desk.store.change(commit)
        return done


class TestTidying:
    async def test_an_item_with_a_fault_of_ours_does_not_keep_the_others_from_ending(self, desk: Desk) -> None:
        await desk.give(arrival("V1"), arrival("V2", at=minutes(1)))
        first, second = await desk.waiting()
        desk.clock.advance(timedelta(hours=80))
        broken = Broken(desk, ValueError("a fault"), review_id=first.item.review_id)
        assert await desk.at(broken).tidy() == (1, 0)
        assert (await desk.found(second)).state is ReviewState.EXPIRED
        assert (await desk.found(first)).state is ReviewState.WAITING

    async def test_a_store_that_does_not_answer_is_told(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        desk.clock.advance(timedelta(hours=80))
        with pytest.raises(StoreUnavailable):
            await desk.at(Broken(desk, StoreUnavailable())).tidy()


class TestBesideLiveRecognition:
    async def test_an_amendment_under_way_while_somebody_confirms_follows_within_a_minute(self, desk: Desk) -> None:
        await desk.give(arrival())
        review = await desk.only()
        transport = desk.play.twin.transport
        forward = transport.forward

        async def deciding_first(results: Any) -> None:
            transport.forward = forward
            await desk.desk.decide(review.item.review_id, M1, SAME, "yes", by=ANNE, version=1)
            await forward(results)

        transport.forward = deciding_first
        await desk.play.accept(ed(Kind.ED_CANCELLED, visit="V1", at=minutes(1)))
        await desk.quiet()
        await desk.desk.tidy()
        await desk.quiet()
        assert await desk.live() == [], "the visit was cancelled"
        desk.clock.advance(minutes(10))
        await desk.desk.tidy()
        await desk.quiet()
        assert await desk.live() == []

    async def test_a_decision_undone_while_its_words_come_again_lets_nothing_stand(self, desk: Desk) -> None:
        await desk.give(arrival())
        review = await desk.only()
        await desk.decide(review, SAME)
        transport = desk.play.twin.transport
        forward = transport.forward

        async def undone_first(results: Any) -> None:
            transport.forward = forward
            await desk.desk.undo(review.item.review_id, None, "no", by=ANNE, version=2)
            await desk.desk.decide(review.item.review_id, M1, DIFFERENT, "no", by=ANNE, version=3)
            await forward(results)

        transport.forward = undone_first
        await desk.play.accept(arrival("V2", at=hours(1)))
        await desk.quiet()
        await desk.desk.tidy()
        await desk.quiet()
        assert await desk.live() == []
        assert await desk.desk.tidy() == (0, 0)


class TestUndoing:
    async def test_it_finds_all_that_it_was_applied_to_however_much_was_decided_since(self, desk: Desk) -> None:
        await desk.give(arrival())
        review = await desk.only()
        await desk.decide(review, SAME)
        await desk.give(arrival("V2", at=hours(1)))

        class Long:
            """A list of what is over that is longer than anybody reads."""

            def __getattr__(self, name: str) -> Any:
                return getattr(desk.store, name)

            async def closed(self, limit: int) -> list[Any]:
                return []

        now = await desk.found(review)
        await desk.at(Long()).undo(review.item.review_id, None, "no", by=ANNE, version=now.case.version)
        await desk.quiet()
        assert await desk.live() == []
        assert len(await desk.waiting()) == 2

    async def test_what_a_crash_left_of_it_does_not_stand_when_it_is_decided_otherwise(self, desk: Desk) -> None:
        await desk.give(arrival("V1", at=hours(2)))
        review = await desk.only()
        await desk.decide(review, SAME)
        await desk.give(arrival("V2", at=hours(1), received=hours(3)))
        assert (await desk.live("M1")).count(STABBED) == 2
        with pytest.raises(StoreUnavailable):
            await desk.at(Broken(desk, StoreUnavailable(), after=1)).undo(
                review.item.review_id, None, "no", by=ANNE, version=2
            )
        await desk.decide(await desk.found(review), DIFFERENT)
        await desk.desk.tidy()
        await desk.quiet()
        assert await desk.live() == []
        await desk.desk.tidy()
        await desk.give(arrival("V3", at=hours(4)))
        assert await desk.waiting() == [], "what was said last counts, here and later"

    async def test_an_old_decision_undone_leaves_a_newer_one_on_the_same_words(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        old = await desk.only()
        await desk.decide(old, SAME)
        desk.play.change(replace(COHORT[0], identity=person("Kettlewell", "Kitt")))
        await desk.give(arrival("V2", at=hours(1)))
        await desk.decide(await desk.only(), SAME)
        await desk.undo(old)
        await desk.desk.tidy()
        await desk.give(arrival("V3", at=hours(2)))
        assert [each.item.event.source_key for each in await desk.waiting()] == [old.item.event.source_key]


class TestWordsThatTellNobodyApart:
    @pytest.mark.parametrize("said", [SAME, DIFFERENT])
    async def test_a_bare_name_is_asked_about_each_time(self, desk: Desk, said: ReviewVerdict) -> None:
        desk.play.change(member("M1", identity=Identity(names=KIT.names)))
        bare = Identity(names=(Name(("Kit",), "Kettlewell"),))
        await desk.give(arrival("V1", bare), arrival("V2", bare, at=hours(1)))
        first, second = await desk.waiting()
        await desk.decide(first, said)
        await desk.desk.tidy()
        await desk.give(arrival("V3", bare, at=hours(2)))
        assert len(await desk.waiting()) == 2
        assert (await desk.found(second)).case.version == 1


async def test_who_is_certain_in_an_event_is_not_asked_about_for_another_mention_of_it(desk: Desk) -> None:
    twice = event(
        Kind.CRIME_RECORDED,
        ("M1", Role.SUSPECT),
        mentions=(Mention("x", Role.SUSPECT, KIT),),
        attributes={"ho_code": "10D"},
    )
    await desk.give(twice)
    assert await desk.waiting() == []


async def test_an_event_whose_waiting_amendment_alerts_in_the_end_says_so_in_the_books(desk: Desk) -> None:
    coded = ed(Kind.ED_UPDATED, visit="V1", at=minutes(10), intent="assault", mechanism="sharp")
    await desk.give(coded)
    assert await desk.play.ended(coded) == "no_match"
    await desk.give(ed(Kind.ED_ARRIVAL, "M1", visit="V1", received=minutes(20)))
    assert STABBED in await desk.live("M1")
    assert await desk.play.ended(coded) == "alert"
    assert await desk.disposed() == {"alert": 1, "no_rule": 1}


async def test_the_same_where_a_human_confirms(desk: Desk) -> None:
    coded = ed(Kind.ED_UPDATED, visit="V1", at=minutes(10), intent="assault", mechanism="sharp")
    await desk.give(arrival(intent=None, mechanism=None), coded)
    assert await desk.play.ended(coded) == "no_match"
    await desk.decide(await desk.only(), SAME)
    assert await desk.play.ended(coded) == "alert"
