"""What the API is shown: the engine's books, desk and people in the words of api.ports."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from api.ports import (
    BooksView,
    HeldDecision,
    HeldView,
    ItemAnswer,
    Location,
    MemberView,
    QuarantineView,
    ReadyView,
)
from domain.attributes import Handling, IntelAttributes
from domain.clock import Clock
from domain.errors import NotAllowed, NotFound, StoreError
from domain.events import Event, Provenance
from domain.identity import NameKind
from domain.ids import EventId, MemberId, NavigatorId, event_id
from domain.kinds import Feed, Kind
from service.feeding import Feeding, answer_of
from service.runtime import Service
from streams.feeds.receipts import Receipt
from streams.messages import HeldIntel, QuarantineItem
from streams.ports import LedgerCounts

_BOOKS_FOR_S = 1.0
"""Freshness is asked on every answer; the books are read at most once a second for it."""


class BooksAdapter:
    """api.ports.Books and Freshness over the transport's ledger."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._kept: tuple[float, LedgerCounts] | None = None

    async def counts(self) -> BooksView:
        """The totals, read now."""
        found = await self._service.transport.counts()
        return BooksView(
            accepted=found.accepted,
            duplicate=found.duplicate,
            quarantined=found.quarantined,
            ignored=found.ignored,
            disposed=found.disposed,
            last_received=found.last_received,
            in_flight=found.in_flight,
            balanced=found.balanced,
        )

    async def disposition(self, event_id: EventId) -> str | None:
        """How an event ended."""
        found = await self._service.transport.disposition(event_id)
        return str(found) if found else None

    async def as_of(self) -> Mapping[str, datetime]:
        """When each feed last spoke, at most a second old."""
        now = time.monotonic()
        if self._kept is None or now - self._kept[0] > _BOOKS_FOR_S:
            self._kept = (now, await self._service.transport.counts())
        return self._kept[1].last_received


class DeskAdapter:
    """api.ports.Desk over the transport's desk."""

    def __init__(self, service: Service, feeding: Feeding, clock: Clock) -> None:
        self._service = service
        self._feeding = feeding
        self._clock = clock

    async def quarantine(self, *, feed: Feed | None, state: str, limit: int) -> Sequence[QuarantineView]:
        """Newest first."""
        found = await self._service.desk.quarantined(limit if feed is None else 10_000, state)
        return [_quarantine_view(item) for item in found if feed in {None, item.feed}][:limit]

    async def quarantine_item(self, item_id: str) -> QuarantineView | None:
        """One, without its bytes."""
        item = await self._service.desk.quarantine_item(item_id)
        return _quarantine_view(item) if item else None

    async def replay(self, item_id: str) -> list[ItemAnswer]:
        """Take it again; it is marked as replayed once nothing of it is refused any more."""
        item = await self._service.desk.quarantine_item(item_id)
        if item is None:
            raise NotFound("There is no such record in quarantine.")
        receipts = await self._feeding.replay(item, self._service.transport)
        if all(receipt.kind is not Receipt.QUARANTINED for receipt in receipts):
            await self._service.desk.mark_replayed(item_id, receipts[0].event_id if receipts else None)
        return [answer_of(index, receipt) for index, receipt in enumerate(receipts)]

    async def held(self, limit: int) -> Sequence[HeldView]:
        """Newest first."""
        return [_held_view(item) for item in await self._service.desk.held(limit)]

    async def decide_held(self, held_id: str, decision: HeldDecision, reason: str, by: str) -> HeldView:
        """Release: an `intel.sanitised` event goes through the front door like any other, so that it is durable, in
        the books, and fires at the time of release (rules.md INTEL_THREAT). Refuse: only the decision is kept."""
        item = await self._service.desk.held_item(held_id)
        if item is None:
            raise NotFound("Nothing is held under this id.")
        wanted = "released" if decision is HeldDecision.RELEASE else "refused"
        if item.state == wanted:
            return _held_view(item)
        if item.state != "held":
            raise NotAllowed(f"This was {item.state} before.")
        now = self._clock.now()
        if decision is HeldDecision.RELEASE:
            await self._feeding.submit(Feed.INTEL, [(_release(item, now), b"")])
        decided = replace(item, state=wanted, decided_by=by, decided_at=now, reason=reason)
        await self._service.desk.decide_held(decided)
        return _held_view(decided)


class PeopleAdapter:
    """api.ports.PeopleView over the current index."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def member(self, member_id: MemberId) -> MemberView | None:
        """The small view that an alert's page shows."""
        member = self._service.cohort.index.member(member_id)
        if member is None:
            return None
        names = sorted(member.identity.names, key=lambda name: name.kind is not NameKind.USUAL)
        births = member.identity.dates_of_birth
        return MemberView(
            member_id=member.member_id,
            name=" ".join((*names[0].given, names[0].family)).strip() if names else "",
            date_of_birth=births[0].value if births else None,
            status=member.status.value,
            programme=member.programme,
            area=member.area,
            individual_engagement=member.individual_engagement,
            household_engagement=member.household_engagement,
            safe_contact=member.safe_contact,
            staff_safety=member.staff_safety,
        )

    def health_approved(self, navigator_id: NavigatorId) -> bool:
        """Whether this navigator may be told of a health crisis."""
        navigator = self._service.cohort.navigators.get(navigator_id)
        return navigator is not None and navigator.health_approved


class ReadinessAdapter:
    """api.ports.Readiness: the loops run and the store answers."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def check(self) -> ReadyView:
        """Whether events can be taken now. Ready and still reading the watched people: taken, told a little later."""
        waiting = []
        if not self._service.ready:
            waiting.append("the service is starting or stopping")
        try:
            await self._service.transport.counts()
        except StoreError:
            waiting.append("the store does not answer")
        able = not waiting
        if not self._service.indexed.is_set():
            waiting.append("the watched people are being read: events are taken, and recognised when that is done")
        return ReadyView(able, tuple(waiting))


def _release(item: HeldIntel, now: datetime) -> Event:
    """The gatekeeper's release as an event of the same record."""
    identity = event_id(
        feed=Feed.INTEL.value,
        source_system=item.source_system,
        source_key=item.source_key,
        kind=Kind.INTEL_SANITISED.value,
        version=f"released-{item.held_id[:12]}",
    )
    return Event(
        event_id=identity,
        kind=Kind.INTEL_SANITISED,
        feed=Feed.INTEL,
        source_system=item.source_system,
        source_key=item.source_key,
        occurred_at=now,
        received_at=now,
        version=f"released-{item.held_id[:12]}",
        attributes=IntelAttributes(),
        handling=Handling.P,
        provenance=Provenance(channel="gatekeeper", source="api"),
    )


def _quarantine_view(item: QuarantineItem) -> QuarantineView:
    return QuarantineView(
        item_id=item.item_id,
        feed=item.feed,
        reason=item.reason.value,
        detail=item.detail,
        where=Location(item.where.record, item.where.segment, item.where.field),
        channel=item.channel,
        source=item.source,
        content_type=item.content_type,
        size_bytes=len(item.raw),
        first_at=item.first_at,
        last_at=item.last_at,
        count=item.count,
        state=item.state,
        event_id=item.event_id,
    )


def _held_view(item: HeldIntel) -> HeldView:
    return HeldView(
        held_id=item.held_id,
        event_id=item.event_id,
        source_system=item.source_system,
        source_key=item.source_key,
        member_id=item.member_id,
        rules=item.rules,
        occurred_at=item.occurred_at,
        created_at=item.created_at,
        state=item.state,
        decided_by=item.decided_by,
        decided_at=item.decided_at,
        reason=item.reason,
    )
