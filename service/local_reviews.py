"""The review desk without a running service of one's own: for the command line, on the store that it reaches.

It reads the watched people for each command: a few seconds for a hundred thousand of them.
"""

from redis.asyncio import Redis

from api.review_ports import ReviewFile, ReviewFilter, ReviewPage, ReviewRuled
from cohort.index import CohortIndex
from cohort.valkey import ValkeyCohortStore
from domain.clock import SystemClock
from domain.errors import NotFound
from domain.ids import MemberId
from domain.reviews import ReviewState, ReviewVerdict
from service.reviewing import page_of, review_file, review_view
from service.wiring import Policies
from streams.review_desk import ReviewDesk, Ruled
from streams.reviews import Review, Reviewer
from streams.valkey import ValkeyTransport
from streams.valkey_decide import ValkeyDecide
from streams.valkey_reviews import ValkeyReviews

_MOST = 10_000


class LocalReviews:
    """Reviews (api.review_ports) on a store."""

    def __init__(self, client: Redis, policies: Policies) -> None:
        self._cohort = ValkeyCohortStore(client)
        self._policies = policies
        self._index = CohortIndex.build(())
        self._store = ValkeyReviews(client, retention=policies.retention)
        self._desk = ReviewDesk(
            self._store,
            self._store,
            log=ValkeyTransport(client, retention=policies.retention),
            people=ValkeyDecide(client, retention=policies.retention),
            index=lambda: self._index,
            clock=SystemClock(),
            retention=policies.retention,
        )

    async def whole_id(self, start: str) -> str:
        """The id that begins so. Raises NotFound if there is none, or more than one."""
        if await self._store.find(start) is not None:
            return start
        known = [*await self._store.waiting(), *await self._store.closed(_MOST)]
        found = {review.item.review_id for review in known if review.item.review_id.startswith(start)}
        if len(found) != 1:
            raise NotFound("No review begins so, or more than one does.")
        return found.pop()

    async def version(self, review_id: str) -> int:
        """The version as it is now. Raises NotFound."""
        return (await self._found(review_id)).case.version

    async def page(self, wanted: ReviewFilter) -> ReviewPage:
        """Some of the queue, or of what is over."""
        waiting = await self._store.waiting()
        closed = [] if wanted.state is ReviewState.WAITING else await self._store.closed(_MOST)
        reviews = [each for each in (*waiting, *closed) if each.state is wanted.state]
        return page_of([review_view(each, self._policies.rules) for each in reviews], wanted, waiting=len(waiting))

    async def open(self, review_id: str, *, by: str, role: str) -> ReviewFile:
        """One review with both sides; the look is kept first. Raises NotFound."""
        review = await self._desk.look_at(review_id, Reviewer(by, role))
        await self._know_people()
        return review_file(review, self._policies.rules, self._index, self._policies.match)

    async def decide(
        self,
        review_id: str,
        member_id: MemberId,
        verdict: ReviewVerdict,
        *,
        reason: str,
        by: str,
        role: str,
        version: int,
    ) -> ReviewRuled:
        """Decide on one candidate. Raises NotFound, NotAllowed, Conflict."""
        await self._know_people()
        who = Reviewer(by, role)
        return self._ruled(await self._desk.decide(review_id, member_id, verdict, reason, by=who, version=version))

    async def undo(
        self, review_id: str, member_id: MemberId | None, *, reason: str, by: str, role: str, version: int
    ) -> ReviewRuled:
        """Withdraw what a decision let through. Raises NotFound, NotAllowed, Conflict."""
        await self._know_people()
        return self._ruled(await self._desk.undo(review_id, member_id, reason, by=Reviewer(by, role), version=version))

    async def _found(self, review_id: str) -> Review:
        review = await self._store.find(review_id)
        if review is None:
            raise NotFound("There is no such review.")
        return review

    def _ruled(self, ruled: Ruled) -> ReviewRuled:
        return ReviewRuled(review_view(ruled.review, self._policies.rules), ruled.changed, ruled.also)

    async def _know_people(self) -> None:
        """Everybody: a decision also reaches those who are close to whoever an occurrence is linked to."""
        self._index = CohortIndex.build(await self._cohort.members())
