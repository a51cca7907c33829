"""Two who decide at once, and a store that fails in the middle of a decision: it is done whole, once, or not at all."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.errors import Conflict, NotAllowed, NotFound, StoreUnavailable
from domain.kinds import Kind
from domain.reviews import ReviewVerdict
from streams.ports import CaseCommit
from streams.review_desk import ReviewDesk
from tests.contract.reviewing import ANNE, BOB, DIFFERENT, M1, M2, SAME, STABBED, UNSURE, Desk, arrival
from tests.unit.streams.play import ed, hours, minutes


class TestTwoAtOnce:
    async def test_who_saw_an_older_version_is_told(self, desk: Desk) -> None:
        await desk.give(arrival())
        review = await desk.only()
        await desk.decide(review, UNSURE, by=BOB)
        with pytest.raises(Conflict):
            await desk.decide(review, SAME)
        assert await desk.live() == []

    async def test_of_two_at_the_same_moment_one_wins_and_one_is_told(self, desk: Desk) -> None:
        await desk.give(arrival())
        review = await desk.only()
        held: list[CaseCommit] = []

        class Overtaken:
            """A store on which somebody else is a moment faster."""

            def __getattr__(self, name: str) -> Any:
                return getattr(desk.store, name)

            async def change(self, commit: CaseCommit) -> bool:
                held.append(commit)
                await desk.desk.decide(review.item.review_id, M1, DIFFERENT, "no", by=BOB, version=1)
                done: bool = await desk.store.change(commit)
                return done

        with pytest.raises(Conflict):
            await desk.at(Overtaken()).decide(review.item.review_id, M1, SAME, "yes", by=ANNE, version=1)
        await desk.quiet()
        assert held
        assert await desk.live() == []
        assert (await desk.found(review)).case.standing(M1) is DIFFERENT

    async def test_the_same_said_twice_changes_nothing(self, desk: Desk) -> None:
        await desk.give(arrival())
        review = await desk.only()
        await desk.decide(review, SAME)
        alerts = await desk.play.alerts()
        await desk.decide(review, SAME, by=BOB)
        assert await desk.play.alerts() == alerts
        assert (await desk.found(review)).case.version == 2

    @pytest.mark.parametrize(
        ("why", "first", "then"),
        [
            ("a confirmation is undone before it is turned", SAME, DIFFERENT),
            ("a rejection too", DIFFERENT, SAME),
            ("nor can one become unsure without undoing", SAME, UNSURE),
        ],
    )
    async def test_what_was_decided_is_not_decided_over(
        self, desk: Desk, why: str, first: ReviewVerdict, then: ReviewVerdict
    ) -> None:
        await desk.give(arrival())
        review = await desk.only()
        await desk.decide(review, first)
        with pytest.raises(NotAllowed):
            await desk.decide(await desk.found(review), then)
        assert (await desk.found(review)).case.standing(M1) is first, why

    async def test_a_stranger_is_no_candidate_and_an_unknown_item_is_none(self, desk: Desk) -> None:
        await desk.give(arrival())
        with pytest.raises(NotFound):
            await desk.decide(await desk.only(), SAME, M2)
        with pytest.raises(NotFound):
            await desk.desk.look_at("nothing", ANNE)
        with pytest.raises(NotAllowed):
            await desk.undo(await desk.only())


class TestCrashes:
    @pytest.mark.parametrize("applied", [False, True], ids=["before it was written", "after it, the reply lost"])
    @pytest.mark.parametrize("act", ["decide", "undo"])
    async def test_a_step_that_broke_off_is_repeated_without_harm(self, desk: Desk, act: str, applied: bool) -> None:
        told = arrival()
        await desk.give(told, ed(Kind.ED_UPDATED, visit="V1", at=minutes(10), acuity=2))
        review = await desk.only()
        if act == "undo":
            await desk.decide(review, SAME)

        class Breaking:
            """A store whose server is killed at the step."""

            def __getattr__(self, name: str) -> Any:
                return getattr(desk.store, name)

            async def change(self, commit: CaseCommit) -> bool:
                if applied:
                    await desk.store.change(commit)
                raise StoreUnavailable

        def step(on: ReviewDesk, version: int) -> Any:
            name = review.item.review_id
            if act == "decide":
                return on.decide(name, M1, SAME, "yes", by=ANNE, version=version)
            return on.undo(name, M1, "no", by=ANNE, version=version)

        before = (await desk.found(review)).case.version
        with pytest.raises(StoreUnavailable):
            await step(desk.at(Breaking()), before)
        try:
            await step(desk.desk, before)
        except Conflict:  # the undo had been written: whoever loads it again sees that
            assert applied
            assert act == "undo"
        await desk.quiet()
        assert (await desk.found(review)).case.version == before + 1
        assert await desk.play.ended(told) == ("alert" if act == "decide" else "review")
        assert (STABBED in await desk.live("M1")) is (act == "decide")
        assert len(await desk.play.alerts("M1")) == 1

    async def test_forwarding_again_after_the_decision_does_not_make_it_wait_again(self, desk: Desk) -> None:
        await desk.play.accept(arrival())
        forwarded: list[Any] = []
        transport = desk.play.twin.transport
        forward: Callable[..., Any] = transport.forward

        async def keeping(results: Any) -> None:
            forwarded.append(results)
            await forward(results)

        transport.forward = keeping
        await desk.play.run()
        await desk.decide(await desk.only(), SAME)
        await forward(forwarded[0])
        await desk.quiet()
        assert await desk.waiting() == []

    async def test_what_a_crash_left_undecided_or_standing_is_found_by_tidying(self, desk: Desk) -> None:
        await desk.give(arrival("V1"), arrival("V2", at=hours(1)))
        first, _ = await desk.waiting()

        class OneStep:
            """A store whose service dies after one step."""

            steps = 0

            def __getattr__(self, name: str) -> Any:
                return getattr(desk.store, name)

            async def change(self, commit: CaseCommit) -> bool:
                self.steps += 1
                if self.steps > 1:
                    raise StoreUnavailable
                done: bool = await desk.store.change(commit)
                return done

        with pytest.raises(StoreUnavailable):
            await desk.at(OneStep()).decide(first.item.review_id, M1, SAME, "yes", by=ANNE, version=1)
        await desk.quiet()
        assert len(await desk.waiting()) == 1
        assert await desk.desk.tidy() == (0, 1)
        await desk.quiet()
        assert await desk.waiting() == []
        assert await desk.disposed() == {"alert": 2}
        assert await desk.desk.tidy() == (0, 0)
