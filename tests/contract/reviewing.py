"""Both hops with a review desk beside them, on either store, and the people whom its doubts are about."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from redis.asyncio import Redis

from cohort.policy import MatchPolicy
from domain.clock import ManualClock
from domain.events import Event, Mention
from domain.identity import DateOfBirth, Identity, Name
from domain.ids import HouseholdId, MemberId
from domain.kinds import Kind, Role
from domain.people import CohortMember
from domain.reviews import ReviewVerdict
from streams.embedded import Recogniser
from streams.memory_reviews import MemoryReviews
from streams.memory_server import MemoryServer
from streams.retention import Retention
from streams.review_desk import ReviewDesk
from streams.reviews import Review, Reviewer
from streams.valkey_reviews import ValkeyReviews
from tests.unit.streams.play import START, Play, ed, member, memory_twin, valkey_twin

M1, M2 = MemberId("M1"), MemberId("M2")


ANNE, BOB = Reviewer("anne", "analyst"), Reviewer("bob", "supervisor")


ALL_DOUBTFUL = MatchPolicy(match_bits=500.0, review_bits=0.0)
"""Nobody is certain who is not named by id: these tests are about decisions, not about likeness."""


SAME, DIFFERENT, UNSURE = ReviewVerdict.SAME, ReviewVerdict.DIFFERENT, ReviewVerdict.UNSURE


def person(family: str = "Kettlewell", given: str = "Kit", day: int = 4) -> Identity:
    return Identity(names=(Name((given,), family),), dates_of_birth=(DateOfBirth(date(2009, 5, day)),))


KIT, LUX = person(), person("Lockwood", "Lux", 9)


COHORT = (
    member("M1", identity=KIT, household_id=HouseholdId("H1")),
    member("M2", identity=LUX),
    member("M3", household_id=HouseholdId("H1")),
)


class Desk:
    """Both hops with a review desk beside them, on one store."""

    def __init__(self, client: Redis | None, cohort: Sequence[CohortMember] = COHORT) -> None:
        self.clock = ManualClock(START)
        self.server = MemoryServer(self.clock)
        twin = valkey_twin(client) if client else memory_twin(self.server)
        self.play = Play(cohort, twin, clock=self.clock)
        transport = self.play.twin.transport
        self.play.recogniser = Recogniser(
            transport, lambda: self.play.index, ALL_DOUBTFUL, self.clock, self.play.observers
        )
        self.store: Any = ValkeyReviews(client) if client else MemoryReviews(self.server)
        self.desk = self.at(self.store)

    def at(self, store: Any) -> ReviewDesk:
        """A desk on this store."""
        return ReviewDesk(
            store,
            self.store,
            log=self.play.twin.transport,
            people=self.play.twin.decisions,  # type: ignore[arg-type]
            index=lambda: self.play.index,
            clock=self.clock,
            retention=Retention(),
        )

    async def give(self, *events: Event) -> None:
        await self.play.give(*events)

    async def waiting(self) -> list[Review]:
        found: list[Review] = await self.store.waiting()
        return found

    async def only(self) -> Review:
        (found,) = await self.waiting()
        return found

    async def decide(
        self, review: Review, verdict: ReviewVerdict, who: MemberId = M1, by: Reviewer = ANNE
    ) -> tuple[str, ...]:
        """Decide, and let what follows run until it is quiet."""
        ruled = await self.desk.decide(
            review.item.review_id, who, verdict, "looked alike", by=by, version=review.case.version
        )
        await self.quiet()
        return ruled.also

    async def undo(self, review: Review, by: Reviewer = BOB) -> tuple[str, ...]:
        now = await self.found(review)
        ruled = await self.desk.undo(review.item.review_id, None, "a mistake", by=by, version=now.case.version)
        await self.quiet()
        return ruled.also

    async def found(self, review: Review) -> Review:
        found: Review | None = await self.store.find(review.item.review_id)
        assert found is not None
        return found

    async def quiet(self) -> None:
        counts = await self.play.twin.transport.counts()
        assert counts.balanced
        await self.play.run()
        counts = await self.play.twin.transport.counts()
        assert counts.balanced
        assert counts.in_flight == 0

    async def live(self, *members: str) -> list[tuple[str, str]]:
        return await self.play.live(*members)

    async def disposed(self) -> dict[str, int]:
        counts = await self.play.twin.transport.counts()
        return {why: number for feed in counts.disposed.values() for why, number in feed.items() if number}


def mention(who: Identity = KIT, ref: str = "1", role: Role = Role.PATIENT) -> Mention:
    return Mention(ref, role, who)


def arrival(visit: str = "V1", who: Identity = KIT, **fields: Any) -> Event:
    """Somebody stabbed comes to an ED, and may be one of ours."""
    said = {"intent": "assault", "mechanism": "sharp", "mentions": (mention(who),), **fields}
    return ed(Kind.ED_ARRIVAL, visit=visit, **said)


STABBED = ("M1", "ED_WEAPON_ASSAULT")


HEARD = ("M3", "ASSOCIATE_HARMED")
