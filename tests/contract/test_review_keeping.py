"""How long reviews are kept, what the audit log tells of them, and who may look."""

from datetime import timedelta

import pytest

from domain.errors import NotAllowed
from domain.reviews import ReviewState
from streams.audit import Operation
from tests.contract.reviewing import ANNE, DIFFERENT, LUX, M1, M2, SAME, UNSURE, Desk, arrival
from tests.unit.streams.play import hours, minutes


class TestExpiry:
    async def test_what_nobody_decided_ends_with_its_event_and_forgets_it(self, desk: Desk) -> None:
        told = arrival()
        await desk.give(told)
        review = await desk.only()
        desk.clock.advance(timedelta(hours=71))
        assert await desk.desk.tidy() == (0, 0)
        desk.clock.advance(hours(1))
        assert await desk.desk.tidy() == (1, 0)
        assert await desk.waiting() == []
        over = await desk.found(review)
        assert over.state is ReviewState.EXPIRED
        assert over.item.event.mentions == ()
        assert await desk.play.ended(told) == "suppressed:review_expired"
        assert await desk.disposed() == {"suppressed:review_expired": 1}
        with pytest.raises(NotAllowed):
            await desk.decide(over, SAME)
        assert await desk.desk.tidy() == (0, 0)

    async def test_it_says_so_in_the_list_of_what_is_over(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        await desk.give(arrival("V2", LUX, at=minutes(1)))
        first, second = await desk.waiting()
        desk.clock.advance(hours(1))
        await desk.decide(second, DIFFERENT, M2)
        desk.clock.advance(hours(80))
        await desk.desk.tidy()
        over = await desk.store.closed(10)
        assert [(each.item.review_id, each.state) for each in over] == [
            (first.item.review_id, ReviewState.EXPIRED),
            (second.item.review_id, ReviewState.DECIDED),
        ]


class TestAudit:
    async def test_every_look_and_step_is_kept_with_who_and_why_and_ids_only(self, desk: Desk) -> None:
        await desk.give(arrival())
        review = await desk.only()
        await desk.desk.look_at(review.item.review_id, ANNE)
        await desk.decide(review, UNSURE)
        await desk.decide(await desk.found(review), SAME)
        await desk.undo(review)
        lines = await desk.store.read()
        assert [(line.entry.who, line.entry.role, line.entry.operation, line.entry.what) for line in lines] == [
            ("anne", "analyst", Operation.CONSULTATION, "review_shown"),
            ("anne", "analyst", Operation.ALTERATION, "review_unsure"),
            ("anne", "analyst", Operation.COMBINATION, "review_same"),
            ("bob", "supervisor", Operation.ALTERATION, "review_undone"),
        ]
        assert {line.entry.subjects for line in lines} == {(M1,)}
        assert {line.entry.about for line in lines} == {f"review:{review.item.review_id}"}
        assert lines[-1].entry.reason == "a mistake"
        assert not any("kettlewell" in repr(line).casefold() for line in lines)
        assert await desk.store.read(after=lines[1].position) == lines[2:]

    async def test_what_was_decided_by_a_word_of_before_is_kept_too(self, desk: Desk) -> None:
        await desk.give(arrival("V1"))
        review = await desk.only()
        await desk.decide(review, SAME)
        await desk.give(arrival("V2", at=hours(30)))
        last = (await desk.store.read())[-1].entry
        assert (last.who, last.what, last.subjects) == ("reachpoint", "review_applied_same", (M1,))
        assert review.item.review_id in last.reason
