"""The running service: intake, both hops, sending, upkeep and listeners, started and stopped in the right order."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from redis.asyncio import Redis

from alerts.dispatch import Dispatcher
from alerts.dispatch import Observers as DispatchObservers
from alerts.model import Channel
from alerts.routing import Directory
from alerts.senders.ports import Sender
from alerts.valkey import ValkeyAlertStore
from alerts.valkey_outbox import ValkeyOutbox
from cohort.follow import CohortFollower
from cohort.valkey import ValkeyCohortStore
from domain.clock import Clock
from domain.errors import ServiceError, StoreError
from domain.events import Event
from domain.ids import MemberId, NavigatorId
from domain.people import CohortMember, Navigator
from service.engines import close_engine, engine_of, open_engine
from service.metrics import Metrics
from service.outcomes import FOLLOW_EVERY as OUTCOMES_EVERY
from service.outcomes import OutcomeFollower
from service.outcomes_valkey import ValkeyOutcomeMarks
from service.quiet_keeping import QuietKeeping
from service.rulebook import LiveRules
from service.rulebook_keeping import RuleKeeping
from service.upkeep import Upkeep
from service.wiring import Policies
from streams.archive_valkey import ValkeyArchiveLog
from streams.archiver import Archiver
from streams.associations import LinkKeeper
from streams.decide import World
from streams.embedded import Decider, Observers, Recogniser, keep_running
from streams.feeds.mllp import MllpListener
from streams.intake import GroupCommit
from streams.lease import Leader, WorkerLease
from streams.lookback_engine import FirstHop, LookBack, LookBackObserver
from streams.planner import Planner
from streams.ports import Commit
from streams.review_desk import ReviewDesk
from streams.timers import SecondHop, TimerObserver, Timers
from streams.timers_valkey import ValkeyTimers
from streams.valkey_desk import ValkeyDesk
from streams.valkey_reviews import ValkeyReviews

if TYPE_CHECKING:
    from service.kafka_keeping import KafkaKeeping

log = structlog.get_logger("reachpoint.service")

FOLLOW_EVERY = timedelta(milliseconds=250)
"""How often the index looks for changes: well within the second that is promised."""
UPKEEP_EVERY = timedelta(seconds=5)
LEAD_EVERY = timedelta(seconds=1)
LOOK_EVERY_LANE = timedelta(seconds=2)
PUBLISH_EVERY = timedelta(milliseconds=250)


@dataclass(frozen=True, slots=True)
class Parts:
    """Which parts run in this process."""

    worker: bool = True
    listeners: bool = True
    shared: bool = False  # others can reach the store: be its only worker by a lease


class Service:
    """Everything behind the front door but the HTTP server itself, on one store."""

    def __init__(
        self,
        client: Redis,
        policies: Policies,
        senders: Mapping[Channel, Sender],
        *,
        clock: Clock,
        metrics: Metrics,
        parts: Parts = Parts(),
    ) -> None:
        self.policies = policies
        self.clock = clock
        self.metrics = metrics
        self._parts = parts
        self._client = client
        self._engine = engine_of(client, policies)
        self.transport = self._engine.transport
        self.decisions = self._engine.decisions
        self.desk = ValkeyDesk(client)
        self.reviews = ValkeyReviews(client, retention=policies.retention)
        self.review_desk = ReviewDesk(
            self.reviews,
            self.reviews,
            log=self.transport,
            people=self.decisions,
            index=lambda: self.cohort.index,
            clock=clock,
            retention=policies.retention,
        )
        self.alerts = ValkeyAlertStore(client)
        self.outbox = ValkeyOutbox(client)
        self.cohort_store = ValkeyCohortStore(client)
        self.cohort = CohortFollower(self.cohort_store, policies.match.keys)
        self.intake = GroupCommit(self._engine.door, clock)
        self.timer_log = ValkeyTimers(client, retention=policies.retention)
        self.planner = Planner(
            self.timer_log, self.cohort_store.changed_ids, lambda: self.cohort.index, self.world, clock
        )
        self.rule_keeping = RuleKeeping(client, policies, clock, member=self._member)
        self.quiet = QuietKeeping(
            client,
            policies,
            clock,
            rules=self.rule_keeping,
            member=self._member,
            outbox=self.outbox,
            metrics=metrics,
        )
        self._world: tuple[Mapping[NavigatorId, Navigator], LiveRules, World] | None = None
        self.dispatcher = Dispatcher(
            outbox=self.outbox,
            store=self.alerts,
            directory=self,
            senders=senders,
            clock=clock,
            policy=policies.dispatch,
            observers=DispatchObservers(
                on_handed=metrics.on_handed, on_attempt=metrics.on_attempt, on_trouble=self._on_trouble
            ),
        )
        self.mllp: MllpListener | None = None
        self._leader: Leader | None = None  # of several workers; None: we are the only one
        self.kafka: KafkaKeeping | None = None
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.ready = False
        self.indexed = asyncio.Event()  # set once the index of watched people stands

    def directory(self) -> Directory:
        """The navigators as they are now (alerts.ports.DirectorySource)."""
        return self.world().directory

    def _member(self, member_id: MemberId) -> CohortMember | None:
        return self.cohort.index.member(member_id)

    def world(self) -> World:
        """What decisions are made by at this moment."""
        navigators, live = self.cohort.navigators, self.rule_keeping.live
        since = self.planner.since(live.mark, self.cohort.index.version)
        known = self._world
        if known is None or known[0] is not navigators or known[1] is not live or known[2].waits_since != since:
            made = World(
                rules=live.rules,
                directory=Directory(navigators),
                policy=self.policies.decide,
                rules_mark=live.mark,
                rules_since=live.since,
                waits_since=since,
            )
            known = self._world = (navigators, live, made)
        return self.quiet.quieting.world(known[2])

    async def start(self, *, wait_for_index: bool = True) -> None:
        """Start the intake, the listeners and the loops. Events can be taken when it returns.

        What is taken is durable at once; it is recognised when the index of watched people stands. A large cohort takes
        seconds to read: without `wait_for_index` nobody who sends is kept waiting for it.
        """
        await open_engine(self._engine, self.policies)
        if self._engine.distributed:
            self._leader = Leader(self._client) if self._parts.worker else None
        elif self._parts.worker and self._parts.shared:
            lease = WorkerLease(self._client)
            await lease.take()
            self._spawn("lease", lease.keep(self._stop))
        elif self._parts.worker and await self.outbox.release(self.clock.now()):
            log.warning("messages were being sent when the service died; they go out again", action="leases_released")
        await self.quiet.refresh()  # before anything is decided: what is quiet stays so
        await self.rule_keeping.begin()  # and by which rules
        if self._parts.worker:
            await self.planner.begin()  # and since when they are in force
        self.intake.start()
        self._spawn("rules", self._follow_rules())
        self._spawn("follow", self._follow())
        if self._parts.worker:
            observers = Observers(recognised=self.metrics.on_recognised, decided=self._on_decided)
            recogniser = Recogniser(
                self.transport,
                lambda: self.cohort.index,
                self.policies.match,
                self.clock,
                observers,
                links=LinkKeeper(self.cohort_store, self.reviews),
            )
            decider = Decider(self.decisions, lambda: self.cohort.index, self.world, self.clock, observers)
            first_hop = FirstHop(recogniser, self._lookback())
            self._spawn("recognise", self._indexed(self._for_all("recognise", first_hop.run_once)))
            second_hop = SecondHop(decider, self._timers(decider), self.planner)
            self._spawn("decide", self._indexed(self._for_all("decide", second_hop.run_once)))
            if self._engine.distributed:
                self.kafka = self._kafka_keeping(recogniser, decider)
                self._keep_kafka(self.kafka)
            self._spawn("dispatch", self._indexed(self.dispatcher.run(self._stop)))
            self._spawn("upkeep", self._indexed(self._upkeep()))
            self._spawn("archive", self._archive())
            self._spawn("outcomes", self._indexed(self._tell_outcomes()))
            self._spawn("shadow", self._indexed(self._shadow()))
        if self._parts.listeners:
            self.mllp = MllpListener(
                self.policies.mllp, policy=self.policies.ed, submit=self.intake.submit_one, clock=self.clock
            )
            await self.mllp.start()
        self.ready = True
        log.info(
            "ready to take events",
            action="service_ready",
            rules=self.rule_keeping.live.mark,
            mllp_port=self.mllp.port if self.mllp else None,
        )
        if wait_for_index:
            await self.indexed.wait()

    def _kafka_keeping(self, recogniser: Recogniser, decider: Decider) -> "KafkaKeeping":
        from service.kafka_keeping import KafkaKeeping  # noqa: PLC0415 - one machine needs no Kafka client

        return KafkaKeeping(
            self._engine,
            self._client,
            self.policies,
            recogniser=recogniser,
            decider=decider,
            clock=self.clock,
            metrics=self.metrics,
        )

    def _keep_kafka(self, kafka: "KafkaKeeping") -> None:
        self._spawn("join", self._indexed(kafka.join(self._stop)))
        self._spawn("relay", self._indexed(keep_running("relay", kafka.relay, self._stop)))
        self._spawn(
            "lanes", self._indexed(keep_running("lanes", self._pausing(kafka.look, LOOK_EVERY_LANE), self._stop))
        )
        self._spawn("publish", self._for_all("publish", self._pausing(kafka.publish, PUBLISH_EVERY)))

    def _pausing(self, turn: Callable[[], Awaitable[int]], pause: timedelta) -> Callable[[], Awaitable[int]]:
        """A turn with a pause behind it."""

        async def paused() -> int:
            done = await turn()
            await self._sleep(pause)
            return done

        return paused

    def hindrances(self) -> tuple[str, ...]:
        """Why this worker does not carry events now, store and start apart; empty where it does."""
        if not self.indexed.is_set():
            return ()
        return self.kafka.hindrances() if self.kafka else ()

    async def _for_all(self, name: str, turn: Callable[[], Awaitable[int]], *, vital: bool = True) -> None:
        """A loop that one worker runs for all of them: where there are several, the one that leads."""

        async def led() -> int:
            if self._leader is not None and not await self._leader.leads():
                await self._sleep(LEAD_EVERY)
                return 0
            return await turn()

        await keep_running(name, led, self._stop, vital=vital)

    def _timers(self, decider: Decider) -> Timers:
        return Timers(
            self.timer_log,
            lambda: self.cohort.index,
            self.world,
            self.clock,
            decider=decider,
            observer=TimerObserver(self._on_rang),
        )

    def _lookback(self) -> LookBack:
        return LookBack(
            self._engine.lookback,
            self.transport,
            cohort=self.cohort_store,
            index=lambda: self.cohort.index,
            policy=self.policies.match,
            clock=self.clock,
            observer=LookBackObserver(self.metrics.on_looked_back),
        )

    async def stop(self) -> None:
        """Take nothing more in, answer what was taken, finish what is under way."""
        self.ready = False
        if self.mllp:
            await self.mllp.close()
        await self.intake.stop()
        self._stop.set()
        self.indexed.set()  # lets go of loops that still wait for it
        self.dispatcher.wake()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await close_engine(self._engine)
        log.info("stopped", action="service_stopped")

    async def failure(self) -> None:
        """Wait until a loop ends that should not; raises what ended it. The caller stops the service then."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not self._stop.is_set():
                task.result()
                raise StoreError(f"The part '{task.get_name()}' ended unexpectedly.")

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    def _on_decided(self, commit: Commit, event: Event) -> None:
        self.rule_keeping.shadow.note(commit)
        self.quiet.quieting.flood.note(commit)
        self.metrics.on_decided(commit, event, self.clock.now())
        if commit.rows:
            self.dispatcher.wake()

    def _on_rang(self, commit: Commit) -> None:
        self.quiet.quieting.flood.note(commit)
        self.metrics.on_rang(commit)
        if commit.rows:
            self.dispatcher.wake()

    def _on_trouble(self, channel: Channel, fault: Exception) -> None:
        # only our own errors are told in words: a foreign one may quote an address
        words = str(fault) if isinstance(fault, ServiceError) else type(fault).__name__
        log.warning("sending waits for the store", action="dispatch_retry", channel=channel.value, error=words)

    async def _refresh_cohort(self) -> bool:
        """Take over what changed, and say so where the import command looks."""
        changed = await self.cohort.refresh()
        if changed or not self.indexed.is_set():
            await self.transport.say_followed(self.cohort.index.version)
            self.indexed.set()
        return changed

    async def _indexed(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that must know who is watched and who can be told."""
        await self.indexed.wait()
        await work

    async def _follow(self) -> None:
        async def turn() -> int:
            await self.quiet.refresh()
            if await self._refresh_cohort():
                log.info(
                    "working with the watched people as they are now",
                    action="cohort_followed",
                    version=self.cohort.index.version,
                    members=len(self.cohort.index),
                )
            if self._engine.distributed and self._parts.worker:
                await self.planner.follow()
            await self._sleep(FOLLOW_EVERY)
            return 0

        await keep_running("follow", turn, self._stop)

    async def _follow_rules(self) -> None:
        """Beside the cohort, whose refresh may take seconds: a rule that floods is switched off at once."""

        async def turn() -> int:
            await self.rule_keeping.turn()
            await self._sleep(FOLLOW_EVERY)
            return 0

        await keep_running("rules", turn, self._stop, vital=False)

    async def _shadow(self) -> None:
        """What a version in shadow would say; live events go first, and never pay for what goes wrong here."""

        async def turn() -> int:
            done = await self.rule_keeping.shadow_turn()
            if not done:
                await self._sleep(FOLLOW_EVERY)
            return done

        await keep_running("shadow", turn, self._stop, vital=False)

    async def _upkeep(self) -> None:
        upkeep = Upkeep(self)

        async def turn() -> int:
            await upkeep.turn()
            await self._sleep(UPKEEP_EVERY)
            return 0

        await self._for_all("upkeep", turn)

    async def _tell_outcomes(self) -> None:
        """What people did about alerts becomes part of the history that rules read."""
        follower = OutcomeFollower(self.alerts, ValkeyOutcomeMarks(self._client), self.intake.submit, self.clock)

        async def turn() -> int:
            told = await follower.turn()
            await self._sleep(OUTCOMES_EVERY)
            return told

        await self._for_all("outcomes", turn, vital=False)

    async def _archive(self) -> None:
        """Carry what was decided into the archive's files; what waits at the end is written before we go."""
        from streams.archive_parquet import ParquetArchive  # noqa: PLC0415 - loads DuckDB

        policies = self.policies
        files = ParquetArchive(policies.archive) if policies.archive else None
        if files is not None:
            try:
                await asyncio.to_thread(files.prepare)
            except OSError as error:  # tried again with each writing: a disk is no reason to alert nobody
                log.error("the archive's folder cannot be used", action="archive_failed", error=type(error).__name__)
        archiver = Archiver(
            ValkeyArchiveLog(self._client),
            files,
            self.clock,
            kept_for=policies.archive_for,
            observer=self.metrics.on_archived,
        )

        async def turn() -> int:
            done = await archiver.turn()
            await self._sleep(UPKEEP_EVERY)
            return done

        await self._for_all("archive", turn, vital=False)
        if self._leader is None:  # where there are several workers, the others go on
            with contextlib.suppress(StoreError):
                await archiver.drain()

    async def _sleep(self, span: timedelta) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), span.total_seconds())
