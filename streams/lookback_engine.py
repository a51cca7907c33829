"""Look-back at work: page by page through the retained events, beside live recognition and never in its way.

One pass serves every change up to the cohort's version at its start; what changes meanwhile is the next pass's.
Progress is kept with each page's findings in one step, so that whoever dies in the middle goes on from there.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from cohort.index import CohortIndex
from cohort.matching import match_event, score_all
from cohort.policy import MatchPolicy
from domain.clock import Clock
from domain.errors import Conflict, StoreError
from domain.events import Event
from domain.ids import MemberId
from domain.matches import Match
from streams.associations_telling import Telling
from streams.embedded import Recogniser
from streams.knowledge import BatchKnowledge
from streams.linking import AMENDING
from streams.lookback import (
    Sought,
    as_for_newcomers,
    candidate_policy,
    competed,
    found_for,
    is_amended,
    is_candidate,
    not_rejected,
    settled,
    sought,
    unasked,
)
from streams.lookback_ports import ChangedMembers, LookBackLog, Progress
from streams.ports import LogEntry, Recognised, RecogniseLog
from streams.recognise import recognise
from streams.topology import RECOGNISE

log = structlog.get_logger("reachpoint.lookback")

Found = tuple[Event, Sequence[Match]]
"""A candidate and its matches in the whole cohort."""
PAGE = 64
"""Events of one page: some 5 to 15 milliseconds, the longest that a live event waits for look-back."""
NEAR_PAGE, NAMES_PAGE = 12, 256
"""Histories read at once to tell people of each other (a long one takes a millisecond), and people looked at for that
(whoever is close to nobody takes some 30 microseconds)."""
_KEEP_EVERY = 16
"""Pages without a finding after which the progress is kept all the same: each time costs a write to the disk."""
_REST_BUSY, _REST_IDLE = 3, 1
"""Look-back rests so many times as long as its last page took: it takes a quarter of the time at most while live events
come, and half of it while none do."""
_SHORT = timedelta(milliseconds=100)
"""Rests below this are slept through here: the store ends a wait of a few milliseconds only at its next tick, of which
it has ten a second."""
_AFTER_FAULT = timedelta(seconds=5)
_BY_THREAD_FROM = 500
"""Members sought from which their index is built in a thread, so that events and heartbeats go on meanwhile."""


@dataclass(frozen=True, slots=True)
class LookBackObserver:
    """Who is told how it goes, after it is durable: (progress, parts sent by this page, reviews asked by it)."""

    moved: Callable[[Progress, int, int], None] = lambda _progress, _parts, _reviews: None


class LookBack:
    """Looks through the retained events for whoever joined or changed. One at a time, beside one recogniser."""

    def __init__(
        self,
        store: LookBackLog,
        transport: RecogniseLog,
        *,
        cohort: ChangedMembers,
        index: Callable[[], CohortIndex],
        policy: MatchPolicy,
        clock: Clock,
        observer: LookBackObserver = LookBackObserver(),
    ) -> None:
        self._store = store
        self._transport = transport
        self._cohort = cohort
        self._index = index
        self._policy = policy
        self._clock = clock
        self._observer = observer
        self._progress: Progress | None = None
        self._unkept = 0  # pages since the progress was kept
        self._people: tuple[int, Sought] | None = None  # of the pass with this target

    @property
    def waiting(self) -> bool:
        """Whether there is something to look at."""
        progress = self._progress
        return progress is None or progress.under_way or progress.version != self._index().version

    async def begin(self) -> None:
        """Find out where it is. A store that was never looked back on is taken as it is: call it before recognising."""
        if self._progress is None:
            found = await self._store.progress()
            if found is None:
                found = Progress(version=self._index().version)
                await self._store.reach(found.version)  # from now on nobody recognises for fewer people
                await self._store.keep_progress(found)
            self._progress = found

    async def run_once(self) -> int:
        """One page, or the start of a pass. Returns how many events it looked at.

        Whatever it raises, nothing is marked done and the page comes again.
        """
        await self.begin()
        progress = self._progress
        assert progress is not None
        behind = self._index().version < progress.target  # whoever began this pass knew more people than we do yet
        if behind or not progress.under_way:
            if behind or progress.version != self._index().version:
                await self._start(progress)
            return 0
        people = await self._sought(progress)
        if progress.telling:
            return await self._tell(progress, people)
        page = await self._store.page(progress.cursor, progress.until, PAGE)
        found, faults = await self._found(page.entries, people, progress)
        reviews = sum(len(result.reviews) for result in found)
        left = max(0, progress.left - len(page.entries))
        moved = replace(progress, cursor=page.seen, left=left, reviews=progress.reviews + reviews)
        if not page.more:
            moved = Progress(version=progress.target)
        self._unkept += 1
        sent = 0
        if found or not page.more or self._unkept >= _KEEP_EVERY:
            try:
                sent = await self._store.hand_on(found, moved, self._clock.now())
            except Conflict:  # whoever recognises beside us learnt something that bears on this page
                return 0
            self._unkept = 0
        self._move_on(progress, moved, sent, reviews)
        return len(page.entries) - faults

    async def _start(self, progress: Progress) -> None:
        """Begin a pass for all that changed up to the index that recognition works with now."""
        target, reach = self._index().version, await self._store.reach(self._index().version)
        begun = Progress(progress.version, target, until=reach.until, left=reach.events, telling=True)
        if target < progress.version or not (await self._sought(begun)).members:
            begun = Progress(version=target)  # a cohort restored from a backup, or nobody to look for
        await self._store.keep_progress(begun)
        self._progress = begun
        if not begun.under_way:
            self._people = None
        else:
            members = len((await self._sought(begun)).members)
            log.info("looking back for people who joined or changed", action="lookback_started",
                     version=target, members=members, events=reach.events)  # fmt: skip
            self._observer.moved(begun, 0, 0)

    async def _sought(self, progress: Progress) -> Sought:
        if self._people is None or self._people[0] != progress.target:
            changed, index = await self._cohort.sought_ids(progress.version), self._index()
            if len(changed) < _BY_THREAD_FROM:
                people = sought(changed, index)
            else:
                people = await asyncio.to_thread(sought, changed, index)
            self._people = (progress.target, people)
        return self._people[1]

    async def _tell(self, progress: Progress, people: Sought) -> int:
        """Tell some of those sought, and those close to them, of each other (associations_telling)."""
        now, index = self._clock.now(), self._index()
        names, near = _next_to_tell(people, progress.told, index)
        states = dict(zip(near, await self._store.people(near), strict=True)) if near else {}
        parts = list(Telling(index, states, now).parts(names)) if near else []
        moved = replace(progress, told=names[-1]) if names else replace(progress, telling=False, told="")
        found = [Recognised(event=part.event, position="", parts=(part,)) for part in parts]
        self._unkept += 1
        sent = 0
        if found or not names or self._unkept >= _KEEP_EVERY:
            sent = await self._store.hand_on(found, moved, now)
            self._unkept = 0
        self._move_on(progress, moved, sent, 0)
        return 0

    def _move_on(self, before: Progress, moved: Progress, sent: int, reviews: int) -> None:
        self._progress = replace(moved, found=before.found + sent) if moved.under_way else moved
        self._observer.moved(moved, sent, reviews)
        if not moved.under_way:
            self._people = None
            log.info("looked back for everybody who joined or changed", action="lookback_done",
                     version=moved.version, found=before.found + sent, reviews=before.reviews + reviews)  # fmt: skip

    async def _found(
        self, entries: Sequence[LogEntry], people: Sought, progress: Progress
    ) -> tuple[list[Recognised], int]:
        """What the events of a page mean for those sought; and how many could not be looked at by a fault of ours."""
        now, index, known = self._clock.now(), self._index(), BatchKnowledge(self._transport)
        chosen, faults = self._chosen(entries, people, index)
        await known.prepare((event, matches) for event, matches in chosen.values())
        amending = {entry.position: entry.event for entry in entries if entry.event.kind in AMENDING}
        results: list[Recognised] = []
        follows = False
        for entry in entries:
            if not follows and (progress.found or results):  # from the first finding on, what amends it matters
                await known.prepare((event, ()) for event in amending.values())
                follows = True
            if entry.position not in chosen and not (follows and entry.position in amending):
                continue
            try:
                result = await self._one(
                    entry, chosen.get(entry.position), people=people, known=known, index=index, now=now
                )
            except StoreError:
                raise
            except Exception as error:  # an event that we cannot handle must not keep the others from being found
                faults += 1
                _passed_over(entry.event, error)
                continue
            if result is not None and (result.parts or result.reviews):
                known.learn(result)
                results.append(result)
        self._store.rests_on(*known.rests_on())
        return await self._unasked(results, people), faults

    def _chosen(self, entries: Sequence[LogEntry], people: Sought, index: CohortIndex) -> tuple[dict[str, Found], int]:
        policy = candidate_policy(self._policy, members=len(index))
        chosen: dict[str, Found] = {}
        faults = 0
        for entry in entries:
            try:
                if is_candidate(entry.event, people, policy):
                    chosen[entry.position] = (entry.event, match_event(entry.event, index, self._policy))
            except Exception as error:  # as above
                faults += 1
                _passed_over(entry.event, error)
        return chosen, faults

    async def _one(
        self,
        entry: LogEntry,
        chosen: Found | None,
        *,
        people: Sought,
        known: BatchKnowledge,
        index: CohortIndex,
        now: datetime,
    ) -> Recognised | None:
        event, policy = entry.event, self._policy
        bearing = await known.of(event, chosen[1] if chosen else ())
        if chosen is None and not is_amended(event, bearing, people):
            return None
        matches = chosen[1] if chosen else match_event(event, index, policy)
        matches = not_rejected(matches, known.reviewed(event, matches, index))
        if competed(matches, people):
            pairs = score_all(event, index, policy)
            rivals = not_rejected(pairs, known.reviewed(event, pairs, index))
            matches = settled(event, matches, rivals, bearing, people)
        return found_for(recognise(entry, matches, as_for_newcomers(bearing), index, now), people, now)

    async def _unasked(self, results: Sequence[Recognised], people: Sought) -> list[Recognised]:
        ids = list(dict.fromkeys(review.review_id for result in results for review in result.reviews))
        existing = dict(zip(ids, await self._store.reviews_of(ids), strict=True)) if ids else {}
        asked = [replace(one, reviews=unasked(one.reviews, existing, people)) for one in results]
        return [one for one in asked if one.parts or one.reviews]


def _next_to_tell(people: Sought, told: str, index: CohortIndex) -> tuple[list[MemberId], list[MemberId]]:
    """The next of those sought, in order, and everybody whose history that takes."""
    names: list[MemberId] = []
    near: dict[MemberId, None] = {}
    for name in people.after(told):
        names.append(name)
        linked = index.linked(name)
        if linked:
            near.update(dict.fromkeys((name, *(other for other, _ in linked))))
        if len(near) >= NEAR_PAGE or len(names) >= NAMES_PAGE:
            break
    return names, list(near)


def _passed_over(event: Event, error: Exception) -> None:
    log.error("an event could not be looked back on", action="lookback_event_failed", event_id=event.event_id,
              kind=event.kind.value, error=type(error).__name__)  # fmt: skip


class FirstHop:
    """Live recognition, and look-back in its pauses: one after the other, so that neither overtakes the other's links.

    A live event waits for one page at most, and look-back takes at most a quarter of the time while they come.
    """

    def __init__(self, recogniser: Recogniser, lookback: LookBack) -> None:
        self._recogniser = recogniser
        self._lookback = lookback
        self._rest_until = 0.0

    async def run_once(self, wait: timedelta = RECOGNISE.wait) -> int:
        """The next batch of live events, if any, and a page of look-back, if it is its turn. Returns how many live
        events it moved on."""
        time = asyncio.get_running_loop().time
        await self._lookback.begin()
        pause = max(timedelta(0), timedelta(seconds=self._rest_until - time()))
        if self._lookback.waiting and pause < _SHORT:
            moved = await self._recogniser.run_once(timedelta(0))
            if not moved:
                await asyncio.sleep(pause.total_seconds())
        else:
            moved = await self._recogniser.run_once(min(wait, pause) if self._lookback.waiting else wait)
        began = time()
        if self._lookback.waiting and began >= self._rest_until:
            try:
                await self._lookback.run_once()
                self._rest_until = time() + (_REST_BUSY if moved else _REST_IDLE) * (time() - began)
            except Exception as error:  # live events come first: they go on whatever look-back meets
                self._rest_until = time() + _AFTER_FAULT.total_seconds()
                log.error("looking back failed; trying again", action="lookback_failed", error=type(error).__name__)
        return moved
