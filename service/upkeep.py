"""What a running service does every few seconds beside its work: the books into the metrics, bells, tidying, trimming.

One worker does it for all. A fault in what only informs people is told and tried again; it keeps nothing else waiting.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from domain.errors import StoreError
from service.expiry import EXPIRE_EVERY, expire_due
from service.fault_bells import FaultBells
from service.reviews import RUNG_FOR, bell
from service.rule_watch_desk import LOOK_EVERY
from service.rulebook_bells import RuleBells
from streams.topology import STUCK_AFTER

if TYPE_CHECKING:
    from service.runtime import Service

log = structlog.get_logger("reachpoint.service")

TRIM_EVERY = timedelta(seconds=60)
TIDY_EVERY = timedelta(seconds=60)


class Upkeep:
    """The upkeep of one service; `turn` does what is due."""

    def __init__(self, service: "Service") -> None:
        now = service.clock.now()
        self._service = service
        self._rule_bells = RuleBells(service.outbox)
        self._fault_bells = FaultBells(service.outbox, service.quiet.tallies)
        self._rung: set[str] = set()  # what the last bell was; the store knows too, this saves asking it
        self._trimmed = self._expired = now
        self._tidied_at = now - TIDY_EVERY  # at once: a crash may have left something
        self._watched = now - LOOK_EVERY

    async def turn(self) -> None:
        """Everything that is due now. Raises StoreError where the store does not answer."""
        service = self._service
        await self._observe()
        await self._ring_for_faults()
        await self._ring_for_reviews()
        if await service.quiet.ring(service.world()):
            service.dispatcher.wake()
        await self._ring_for_rules()
        now = service.clock.now()
        if now - self._tidied_at >= TIDY_EVERY:
            self._tidied_at = now
            await self._tidy_reviews()
        if now - self._trimmed >= TRIM_EVERY:
            await service.transport.trim(now)
            await service.quiet.tallies.tidy(now)
            self._trimmed = now
        if now - self._expired >= EXPIRE_EVERY:
            await expire_due(service.alerts, now)
            self._expired = now
        if now - self._watched >= LOOK_EVERY:
            self._watched = now
            if await service.quiet.watch(service.world()):
                service.dispatcher.wake()

    async def _tidy_reviews(self) -> None:
        """End what waited too long, finish what a crash left half decided, and say how old the queue is.

        A fault in it is told and tried again in a minute: live events, trimming and expiry do not wait for it.
        """
        try:
            await self._tidied()
        except StoreError:
            raise
        except Exception as error:
            log.error("reviews could not be tidied", action="reviews_tidy_failed", error=type(error).__name__)

    async def _tidied(self) -> None:
        expired, followed = await self._service.review_desk.tidy()
        if expired or followed:
            log.info("reviews were tidied", action="reviews_tidied", expired=expired, followed=followed)
        oldest = await self._service.review_desk.oldest()
        age = (self._service.clock.now() - oldest).total_seconds() if oldest else 0.0
        self._service.metrics.reviews_oldest.set(max(0.0, age))

    async def _ring_for_reviews(self) -> None:
        latest = await self._service.desk.reviews(RUNG_FOR)
        newest = max(latest, key=lambda item: item.created_at, default=None)
        rows = bell(newest, self._service.world(), self._service.clock.now())
        if rows and rows[0].delivery.delivery_id not in self._rung:
            if await self._service.outbox.order(rows):
                log.info("somebody is told that a match waits for review", action="review_bell", rows=len(rows))
                self._service.dispatcher.wake()
            self._rung = {row.delivery.delivery_id for row in rows}

    async def _ring_for_faults(self) -> None:
        """Supervisors hear of rules that cannot be judged, and of events that were set aside by a fault of ours.

        A fault in it is told and tried again, as below.
        """
        try:
            told = await self._fault_bells.ring(self._service.world(), self._service.clock.now())
        except StoreError:
            raise
        except Exception as error:
            log.error("the bells of faults failed", action="fault_bell_failed", error=type(error).__name__)
            return
        self._service.metrics.on_faults(self._fault_bells.seen)
        for fault in told:
            log.warning("supervisors are told of a fault", action="fault_bell", rule=fault.rule_id, cause=fault.cause)
        if told:
            self._service.dispatcher.wake()

    async def _ring_for_rules(self) -> None:
        """Supervisors hear of a rule switched off, of a version taken back, and of rules that cannot be read.

        A fault in it is told and tried again: trimming and expiry do not wait for it.
        """
        try:
            await self._rung_for_rules()
        except StoreError:
            raise
        except Exception as error:
            log.error("the rule book's bells failed", action="rules_bell_failed", error=type(error).__name__)

    async def _rung_for_rules(self) -> None:
        now, followed = self._service.clock.now(), self._service.rule_keeping.follower
        if await self._rule_bells.ring(followed.head, followed.trouble, self._service.world(), now):
            log.info("supervisors are told of the rule book's brakes", action="rules_bell")
            self._service.dispatcher.wake()
        live = followed.live
        self._service.metrics.on_rules(live.number or 0, followed.head.killed(now), trouble=bool(followed.trouble))

    async def _observe(self) -> None:
        """Put the books into the metrics; raise the operator's alarm for events that do not end."""
        books = await self._service.transport.counts()
        stuck = await self._service.transport.stuck(self._service.clock.now() - STUCK_AFTER, 100)
        self._service.metrics.in_flight.set(books.in_flight)
        self._service.metrics.balanced.set(1 if books.balanced else 0)
        self._service.metrics.stuck.set(len(stuck))
        self._service.metrics.members.set(len(self._service.cohort.index))
        self._service.metrics.cohort_version.set(self._service.cohort.index.version)
        self._service.metrics.intake_waiting.set(self._service.intake.depth)
        self._service.metrics.reviews_waiting.set(await self._service.reviews.depth())
        self._service.metrics.on_waiting(
            await self._service.timer_log.waiting(), self._service.planner.left, self._service.clock.now()
        )
        for outcome, number in (await self._service.reviews.steps()).items():
            self._service.metrics.reviews_steps.labels(outcome).set(number)
        for feed, moment in books.last_received.items():
            self._service.metrics.last_received.labels(feed).set(moment.timestamp())
        if self._service.kafka:
            await self._service.kafka.tell_waiting()
        for channel, waiting in (await self._service.outbox.pending()).items():
            self._service.metrics.outbox.labels(channel.value).set(waiting)
        if stuck:
            log.error("events do not end", action="events_stuck", count=len(stuck), first=stuck[0])
            self._service.transport.rewind()
            self._service.decisions.rewind()
        if not books.balanced:
            log.error("the books do not balance", action="ledger_unbalanced", in_flight=books.in_flight)
