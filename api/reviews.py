"""The review queue: what waits, one item with both sides, an analyst's decision, and its undoing."""

from typing import Annotated

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from api.answers import answer, conditional, version_seen
from api.bodies import Judging, Undoing, read_command
from api.deps import ApiDependencies
from api.gate import Caller, caller_of
from api.policy import ApiPolicy
from api.problems import Fault, ProblemKind, Refused
from api.review_ports import ReviewFilter, ReviewOrder, ReviewRuled
from api.review_shapes import ReviewDecided, ReviewDetail, ReviewList
from api.standing import Standing
from domain.ids import MemberId
from domain.kinds import Feed
from domain.reviews import ReviewState

Who = Annotated[Caller, Depends(caller_of)]


class ReviewDoors:
    """The endpoints of the review queue."""

    def __init__(self, deps: ApiDependencies, policy: ApiPolicy, standing: Standing) -> None:
        self._deps = deps
        self._policy = policy
        self._standing = standing

    async def page(
        self,
        request: Request,
        *,
        state: Annotated[ReviewState, Query()] = ReviewState.WAITING,
        feed: Annotated[Feed | None, Query(description="Of this feed.")] = None,
        kind: Annotated[str, Query(description="Of this kind of event.", max_length=100)] = "",
        why: Annotated[str, Query(description="In doubt for this reason.", max_length=100)] = "",
        member: Annotated[str, Query(description="With this candidate.", max_length=200)] = "",
        order: Annotated[
            ReviewOrder, Query(description="`oldest`: as they came, unsure ones behind. `priority`: P1 first.")
        ] = ReviewOrder.OLDEST,
        cursor: Annotated[str, Query(description="From the page before.", max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Response:
        """Doubtful matches with their evidence, by ids. Identities are shown by the item itself, which is logged."""
        wanted = ReviewFilter(state, feed, kind, why, member, order, cursor, limit)
        try:
            found = await self._deps.reviews.page(wanted)
        except ValueError:
            raise Refused(ProblemKind.INVALID, faults=(Fault("query.cursor", "a cursor of ours"),)) from None
        view = ReviewList(
            as_of=self._deps.clock.now(),
            feeds=await self._standing.now(),
            waiting=found.waiting,
            reviews=found.reviews,
            cursor=found.cursor,
            more=found.more,
        )
        return conditional(request, view, personal=True)

    async def one(self, request: Request, review_id: str, caller: Who) -> Response:
        """One doubtful match with both sides and the waterfall of evidence. Every look is kept in the audit log."""
        found = await self._deps.reviews.open(review_id, by=caller.by, role=caller.role.value)
        view = ReviewDetail(
            as_of=self._deps.clock.now(),
            review=found.review,
            said=found.said,
            role=found.role,
            sides=found.sides,
            steps=found.steps,
        )
        return conditional(request, view, personal=True, version=found.review.version)

    async def decide(self, request: Request, review_id: str, caller: Who) -> Response:
        """Say of one candidate that it is the same person, a different one, or that you are unsure.

        `same` lets the event go to the rules with its own time, `different` rejects it; both are applied to whatever
        the same source says in the same words, now and later. `unsure` puts it behind the others.
        """
        said = await read_command(request, Judging, within=self._policy.body_within)
        ruled = await self._deps.reviews.decide(
            review_id,
            MemberId(said.member_id),
            said.verdict,
            reason=said.reason.strip(),
            by=caller.by,
            role=caller.role.value,
            version=version_seen(request, said.version),
        )
        return self._answer(ruled)

    async def undo(self, request: Request, review_id: str, caller: Who) -> Response:
        """Withdraw a decision and all that it let through: alerts that rest on it are corrected, the item waits again.

        Without `member_id` the last decision that stands is undone. Both steps stay in the history.
        """
        said = await read_command(request, Undoing, within=self._policy.body_within)
        ruled = await self._deps.reviews.undo(
            review_id,
            MemberId(said.member_id) if said.member_id else None,
            reason=said.reason.strip(),
            by=caller.by,
            role=caller.role.value,
            version=version_seen(request, said.version),
        )
        return self._answer(ruled)

    def _answer(self, ruled: ReviewRuled) -> Response:
        return answer(ReviewDecided(self._deps.clock.now(), ruled.changed, ruled.review, ruled.also))
