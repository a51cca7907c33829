"""Planning: everybody's next due time is worked out again where rules or people changed, in pages between live events.

One pass serves what is in force at its start; what changes meanwhile is the next pass's. How far it has come is kept,
so that whoever dies in the middle goes on from there. Doing a page again changes nothing.
"""

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from cohort.index import CohortIndex
from domain.clock import Clock
from domain.errors import StoreError
from domain.identity import Identity
from domain.ids import MemberId
from domain.people import CohortMember
from streams.decide import World
from streams.messages import PersonState
from streams.ports import Person
from streams.ringing import next_due
from streams.timer_ports import Marks, Outlook, Planned, Planning, TimerLog

log = structlog.get_logger("reachpoint.timers")

PAGE = 32
"""People of one page: some 20 milliseconds, the longest that a live event waits for planning."""
_KEEP_EVERY = 32
"""Pages after which the progress is kept: each time costs a write to the disk."""
SEEN_EVERY = timedelta(seconds=30)
"""How often it is kept that what is done is still in force."""
_ATTEMPTS = 3
_FOLLOW_FROM = 20
_MOST_ALIKE = 10_000

ChangedSince = Callable[[int], Awaitable[Sequence[MemberId]]]
"""Who was written or removed after a version of the cohort, by id; after 0, everybody."""


class Planner:
    """Works out due times again. One at a time, beside one decider, whose world it tells from when it counts."""

    def __init__(
        self,
        store: TimerLog,
        changed: ChangedSince,
        index: Callable[[], CohortIndex],
        world: Callable[[], World],
        clock: Clock,
    ) -> None:
        self._store = store
        self._changed = changed
        self._index = index
        self._world = world
        self._clock = clock
        self._planning: Planning | None = None
        self._people: Sequence[MemberId] | None = None  # of the pass under way
        self._kept_at: datetime | None = None
        self._unkept = 0
        self._followed = 0  # how often since this one planned itself
        self._alike: dict[object, datetime | None] = {}
        self._alike_of: object = None

    @property
    def under_way(self) -> bool:
        """Whether a pass is."""
        return self._planning is not None and self._planning.target is not None

    @property
    def left(self) -> int:
        """How many people of the pass under way are still to be planned."""
        if self._people is None or self._planning is None:
            return 0
        return len(self._people) - bisect_right(self._people, MemberId(self._planning.cursor))

    def since(self, rules_mark: str, version: int) -> datetime | None:
        """Before which nothing was waited for by these rules and people; None before `begin`.

        Where they are in force and not even noticed yet, it is when the ones before were last seen in force.
        """
        planning = self._planning
        if planning is None:
            return None
        known = planning.target is not None or planning.done == Marks(rules_mark, version)
        return min(planning.since if known else planning.seen, self._clock.now())

    async def begin(self) -> None:
        """Find out how far planning has come. On a store that was never planned, time begins now."""
        if self._planning is None:
            found = await self._store.planning()
            if found is None:
                now = self._clock.now()
                found = Planning(done=Marks(), since=now, seen=now)
                await self._store.keep_planning(found)
            self._planning = found

    async def follow(self) -> None:
        """Of several workers one plans; the others look here how far it has come, so that they too know since when.

        Call it a few times a second; while this one plans itself, it does nothing.
        """
        self._followed += 1
        if self._planning is None or self._followed < _FOLLOW_FROM:
            return
        found = await self._store.planning()
        if found is not None and self._followed >= _FOLLOW_FROM:
            self._planning, self._people = found, None

    async def run_once(self) -> int:
        """A page, or the start of a pass. Returns how many people it planned.

        Whatever it raises, nothing is marked done and the page comes again.
        """
        await self.begin()
        self._followed = 0
        planning = self._planning
        assert planning is not None
        now, marks = self._clock.now(), Marks(self._world().rules_mark, self._index().version)
        if marks == (planning.target or planning.done):
            planning = self._planning = replace(planning, seen=now)
        if planning.target is None:
            if marks != planning.done:
                await self._start(planning, marks)
            elif self._kept_at is None or now - self._kept_at >= SEEN_EVERY or now < self._kept_at:
                await self._keep(planning)
            return 0
        return await self._page(planning, planning.target)

    async def _keep(self, planning: Planning) -> None:
        await self._store.keep_planning(planning)
        self._planning, self._kept_at, self._unkept = planning, self._clock.now(), 0

    async def _start(self, planning: Planning, marks: Marks) -> None:
        """Begin a pass: for everybody where the rules changed, else for those whose records did."""
        since, now = planning.seen, self._clock.now()
        live = self._world().rules_since
        if live is not None and marks.rules != planning.done.rules and marks.version == planning.done.version:
            since = max(since, min(live, now))
        self._people = None
        await self._keep(Planning(planning.done, since=since, seen=now, target=marks))
        log.info("working out anew what people wait for", action="planning_started", version=marks.version)

    async def _page(self, planning: Planning, target: Marks) -> int:
        if self._people is None:
            everybody = target.rules != planning.done.rules or target.version < planning.done.version
            self._people = sorted(await self._changed(0 if everybody else planning.done.version))
        start = bisect_right(self._people, MemberId(planning.cursor)) if planning.cursor else 0
        names = self._people[start : start + PAGE]
        await self._plan(names)
        self._unkept += 1
        if start + PAGE >= len(self._people):
            self._people = None
            await self._keep(Planning(target, since=planning.since, seen=planning.seen))
            log.info("what people wait for is worked out", action="planning_done", version=target.version)
        else:
            moved = self._planning = replace(planning, cursor=names[-1])
            if self._unkept >= _KEEP_EVERY:
                await self._keep(moved)
        return len(names)

    async def _plan(self, names: Sequence[MemberId]) -> None:
        """Work out due times; who changes meanwhile is looked at again, and then left to whoever changed them."""
        for _ in range(_ATTEMPTS):
            if not names:
                return
            outlooks = await self._store.outlooks(names)
            planned = [one for outlook in outlooks if (one := self._planned(outlook)) is not None]
            names = await self._store.plan(planned)

    def _planned(self, outlook: Outlook) -> Planned | None:
        """The next due time of one person; None where nothing is stored and nothing waits."""
        state, world = outlook.state, self._world()
        member = self._index().member(state.member_id)
        try:
            if state.version or outlook.due is not None or member is None:
                due = next_due(Person(state, due=outlook.due), member, world, self._clock.now())
            else:
                due = self._alike_due(member, world)
        except StoreError:
            raise
        except Exception as error:  # one person whom we cannot handle must not keep the others from being planned
            log.error("a person's waits could not be worked out", action="plan_failed", error=type(error).__name__)
            now = self._clock.now()  # due at once: the timers try again and again, until it can be told
            due = now if outlook.due is None else min(outlook.due, now)
        if not state.version and due == outlook.due:
            return None
        return Planned(state.member_id, state.version, due)

    def _alike_due(self, member: CohortMember, world: World) -> datetime | None:
        """Of people of whom nothing is known but their record, those whose records say the same wait for the same."""
        own = (id(world.rules), world.waits_since)
        if own != self._alike_of or len(self._alike) > _MOST_ALIKE:
            self._alike, self._alike_of = {}, own
        record = _as_rules_see_it(member)
        if record not in self._alike:
            self._alike[record] = next_due(Person(_nobody(member)), member, world, self._clock.now())
        return self._alike[record]


def _nobody(member: CohortMember) -> PersonState:
    return PersonState(member_id=member.member_id)


def _as_rules_see_it(member: CohortMember) -> CohortMember:
    """The record without what no rule reads where nothing has happened: who it is, and who belongs to them."""
    return replace(
        member,
        member_id=MemberId(""),
        identity=Identity(dates_of_birth=member.identity.dates_of_birth),
        household_id=None,
        associates=(),
        navigator_id=None,
        cover_id=None,
        safe_contact="",
        staff_safety="",
    )
