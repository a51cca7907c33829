"""Engine A: both hops in one process, over the transport on a private Valkey. It carries, loads, saves and retries.

Whatever goes wrong with one event is kept in quarantine with a trace id and the stream goes on; a store that does not
answer is tried again with a pause, and nothing is marked done meanwhile.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from cohort.index import CohortIndex
from cohort.matching import match_event
from cohort.policy import MatchPolicy
from domain.clock import Clock
from domain.errors import Conflict, StoreError
from domain.events import Event
from domain.ids import digest
from domain.matches import Match
from streams import codec
from streams.associations import LinkKeeper, link_words
from streams.bequeathing import handed_over
from streams.decide import World, changes_nothing, decide
from streams.feeds.outcome import RejectReason, Where
from streams.knowledge import BatchKnowledge
from streams.messages import Disposition, Ending, QuarantineItem
from streams.ports import Commit, DecideLog, LogEntry, MatchedEntry, Recognised, RecogniseLog
from streams.recognise import recognise
from streams.topology import DECIDE, RECOGNISE
from triggers.remembering import KeptPeople
from triggers.sparing import cause_of

log = structlog.get_logger("reachpoint.engine")

_PAUSE = timedelta(milliseconds=200)  # after the store failed; doubles up to the next
_LONGEST_PAUSE = timedelta(seconds=5)
_FAULTS = 10  # a loop that fails so often in a row will not mend itself
_CONFLICTS = 20  # a person changed under us this often in a row: something is wrong, not busy


@dataclass(frozen=True, slots=True)
class Observers:
    """Who is told what the engine did: metrics and logs. Called after it is durable; must not raise."""

    recognised: Callable[[Sequence[Recognised]], None] = lambda _: None
    decided: Callable[[Commit, Event], None] = lambda _commit, _event: None


class Recogniser:
    """The first hop."""

    def __init__(
        self,
        transport: RecogniseLog,
        index: Callable[[], CohortIndex],
        policy: MatchPolicy,
        clock: Clock,
        observers: Observers,
        *,
        links: LinkKeeper | None = None,
    ) -> None:
        self._transport = transport
        self._index = index
        self._policy = policy
        self._clock = clock
        self._observers = observers
        self._links = links

    async def run_once(self, wait: timedelta = RECOGNISE.wait) -> int:
        """Recognise the next batch, if any. Returns how many events it moved on.

        Whatever it raises, nothing is marked done and the batch comes again.
        """
        try:
            return await self._run_batch(wait)
        except Exception:
            self._transport.rewind()
            raise

    async def _run_batch(self, wait: timedelta) -> int:
        entries = await self._transport.read_events(RECOGNISE.batch, wait)
        return await self.take(entries) if entries else 0

    async def take(self, entries: Sequence[LogEntry]) -> int:
        """Recognise these entries and move past them: for whoever reads them from elsewhere."""
        now, index = self._clock.now(), self._index()
        matched = [self._match(entry, index, now) for entry in entries]
        known = BatchKnowledge(self._transport)
        pairs = list(zip(entries, matched, strict=True))
        await known.prepare((entry.event, found) for entry, found in pairs if not isinstance(found, QuarantineItem))
        results = []
        for entry, matches in pairs:
            if isinstance(matches, QuarantineItem):
                results.append(await self._set_aside(entry, matches, now))
                continue
            try:
                judged = known.reviewed(entry.event, matches, index)
                bearing = await known.of(entry.event, judged)
                result = recognise(entry, judged, bearing, index, now)
                if self._links is not None:
                    await self._links.keep(link_words(result, bearing.parked), result.event, index, now)
            except StoreError:
                raise  # not the event's fault
            except Exception as error:  # one of the three doors: an event that we cannot handle must not stop the rest
                result = await self._set_aside(entry, failed(entry.event, error, now), now)
            known.learn(result)
            results.append(result)
        self._transport.rests_on(*known.rests_on(), index.version)
        await self._transport.forward(results)
        self._observers.recognised(results)
        return len(results)

    def _match(self, entry: LogEntry, index: CohortIndex, now: datetime) -> Sequence[Match] | QuarantineItem:
        try:
            return match_event(entry.event, index, self._policy)
        except Exception as error:  # as above
            return failed(entry.event, error, now)

    async def _set_aside(self, entry: LogEntry, item: QuarantineItem, now: datetime) -> Recognised:
        await self._transport.keep(item, now)
        disposition = Disposition(Ending.QUARANTINED, item.reason.value)
        return Recognised(event=entry.event, position=entry.position, dispositions=(("", disposition),))


class Decider:
    """The second hop."""

    def __init__(
        self,
        transport: DecideLog,
        index: Callable[[], CohortIndex],
        world: Callable[[], World],
        clock: Clock,
        observers: Observers,
    ) -> None:
        self._transport = transport
        self._index = index
        self._world = world
        self._clock = clock
        self._observers = observers
        self.remembered = KeptPeople()

    async def run_once(self, wait: timedelta = DECIDE.wait) -> int:
        """Decide the next batch, if any, in order. Returns how many messages it moved past.

        Whatever it raises, what was decided stands and the batch comes again.
        """
        try:
            return await self._run_batch(wait)
        except Exception:
            self._transport.rewind()
            raise

    async def _run_batch(self, wait: timedelta) -> int:
        entries = await self._transport.read_matched(DECIDE.batch, wait)
        return await self.take(entries)

    async def take(self, entries: Sequence[MatchedEntry]) -> int:
        """Decide these entries in order and move past them: for whoever reads them from elsewhere."""
        for start in range(0, len(entries), DECIDE.batch):  # a read brings so many of every shard; a crash redoes few
            part = entries[start : start + DECIDE.batch]
            await self._transport.settle([(entry, await self._decide(entry)) for entry in part])
        return len(entries)

    async def _decide(self, entry: MatchedEntry) -> Disposition:
        try:
            return await self._commit(entry)
        except StoreError:
            raise  # not the event's fault: try again later, nothing is lost
        except Exception as error:  # one of the three doors
            now = self._clock.now()
            item = failed(entry.matched.event, error, now, part=entry.matched.part)
            item = dataclasses.replace(item, raw=codec.encode(entry.matched), content_type="matched")
            await self._transport.keep(item, now)
            return Disposition(Ending.QUARANTINED, item.reason.value)

    async def _commit(self, entry: MatchedEntry) -> Disposition:
        matched = entry.matched
        for _ in range(_CONFLICTS):
            person = await self._transport.load(matched)
            if person.decided is not None:
                await self._transport.hand_over(handed_over(matched, person.state))
                return person.decided
            now = self._clock.now()
            member = self._index().member(matched.listener)
            if member is None:
                self.remembered.forget(matched.listener)
            commit = decide(matched, person, member, self._world(), now, remembered=self.remembered)
            if not changes_nothing(commit) and not await self._transport.commit(commit):
                continue
            await self._transport.hand_over(commit.handed)
            if commit.unjudged:
                tell_unjudged(commit)
            self._observers.decided(commit, matched.as_learnt)
            return commit.disposition
        raise Conflict("A person's state changed under every attempt to decide.")


def tell_unjudged(commit: Commit) -> None:
    """Log which rules could not be judged; the others have decided."""
    log.error(
        "rules could not be judged; the others decided",
        action="rules_not_judged",
        event_id=commit.event_id,
        rules=",".join(f"{fault.rule_id}@{fault.version}" for fault in commit.unjudged),
        causes=",".join(sorted({fault.cause for fault in commit.unjudged})),
    )


def failed(event: Event, error: Exception, now: datetime, *, part: str = "") -> QuarantineItem:
    """The quarantine item of an event that we could not handle. The detail names the fault, never the content."""
    trace = digest("trace", event.event_id, part, type(error).__name__)[:12]
    log.error(
        "an event could not be handled and was set aside",
        action="event_set_aside",
        event_id=event.event_id,
        kind=event.kind.value,
        error=type(error).__name__,
        where=_where(error),
        trace=trace,
    )
    return QuarantineItem(
        item_id=digest("failed", event.event_id, part),
        reason=RejectReason.PROCESSING_FAILED,
        detail=f"{cause_of(error)}, trace {trace}",
        feed=event.feed,
        where=Where(),
        raw=codec.encode(event),
        channel=event.provenance.channel,
        source=event.provenance.source,
        content_type="event",
        first_at=now,
        last_at=now,
        event_id=event.event_id,
    )


def _where(error: Exception) -> str:
    """File and line of the deepest frame: says where, shows no value."""
    return cause_of(error).partition(" at ")[2]


async def keep_running(
    name: str, turn: Callable[[], Awaitable[int]], stop: asyncio.Event, *, vital: bool = True
) -> None:
    """Run `turn` again and again until `stop`; when it fails, pause a little longer each time and go on.

    A store that does not answer is waited for as long as it takes. A fault of ours that no event is to blame for is
    tried again too, because a service that has ended sends nobody; if it stays, the loop ends with it and the service
    says so. Not so where the loop is not `vital`: alerts come without it, and it never takes the others down.
    """
    pause, faults = _PAUSE, 0
    while not stop.is_set():
        try:
            await turn()
            pause, faults = _PAUSE, 0
            continue
        except StoreError as error:
            log.warning("the store did not take it; trying again", action="store_retry", loop=name, error=str(error))
        except Exception as error:  # one of the three doors
            faults += 1
            log.error("a loop failed", action="loop_failed", loop=name, error=type(error).__name__, where=_where(error))
            if vital and faults == _FAULTS:
                raise
        await _rest(pause, stop)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _rest(span: timedelta, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), span.total_seconds())
    except TimeoutError:
        return
