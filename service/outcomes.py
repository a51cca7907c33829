"""What was done about alerts enters the person's history: acknowledged, contact recorded, closed with an outcome.

Followed from the alerts' time lines and not from the API's calls, so whoever records it and whatever crashes, each act
becomes one programme event (domain.md 11) through the same durable intake, with an id that follows from the alert and
the act. Rules may read these events; none of the shipped ones fires on them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from alerts.model import Alert, Happening, TimelineEntry
from alerts.ports import AlertFilter, AlertStore, cursor_of, milliseconds
from domain.attributes import ProgrammeAttributes
from domain.clock import Clock
from domain.events import Event, Mention, Provenance
from domain.identity import Identity
from domain.ids import AlertId, event_id, shard_of
from domain.kinds import Feed, Kind, Role
from streams.feeds.outcome import ParseResult
from streams.messages import OWN_CHANNEL, ItemReceipt

KINDS: Mapping[Happening, Kind] = {
    Happening.ACCEPTED: Kind.ALERT_ACKNOWLEDGED,
    Happening.CONTACTED: Kind.CONTACT_RECORDED,
    Happening.CLOSED: Kind.ALERT_CLOSED,
}
"""Which acts are told, as which kind."""
SOURCE = "reachpoint"
"""The source system of what we tell ourselves."""
FOLLOW_EVERY = timedelta(seconds=2)
LOOK_BACK_EVERY = timedelta(seconds=30)
_OVERLAP_MS, _BRIEF_MS = 90_000, 2_000
"""A change may become visible a minute after a younger one: so far back, and over the time since the last such look, it
looks again every `LOOK_BACK_EVERY`; the turns in between look back briefly, because under load thousands of alerts
change in a minute."""
_PAGE = 200

Submit = Callable[[list[tuple[ParseResult, bytes]]], Awaitable[list[ItemReceipt]]]


class OutcomeMarks(Protocol):
    """How far the time lines were told: per alert, and a place in the order of change to go on from."""

    async def place(self) -> int:
        """Milliseconds of the last change that was looked at; 0 at first."""
        ...

    async def told(self, alerts: Sequence[tuple[int, AlertId]]) -> list[int]:
        """How many entries of each alert's time line were looked at; each with its shard."""
        ...

    async def mark(self, told: Sequence[tuple[int, AlertId, int]], place: int) -> None:
        """Keep how far these were told (shard, alert, entries), and the place."""
        ...


def events_of(alert: Alert, first: int, now: datetime) -> tuple[Event, ...]:
    """The events of the time line from entry `first` on, received `now`."""
    return tuple(
        _event(alert, place, entry, now)
        for place, entry in enumerate(alert.timeline)
        if place >= first and entry.what in KINDS
    )


def _event(alert: Alert, place: int, entry: TimelineEntry, now: datetime) -> Event:
    kind, version = KINDS[entry.what], str(place)
    return Event(
        event_id=event_id(
            feed=Feed.PROGRAMME.value,
            source_system=SOURCE,
            source_key=alert.alert_id,
            kind=kind.value,
            version=version,
        ),
        kind=kind,
        feed=Feed.PROGRAMME,
        source_system=SOURCE,
        source_key=alert.alert_id,
        version=version,
        occurred_at=entry.at,
        received_at=now,
        mentions=(Mention("1", Role.CLIENT, Identity(), alert.member_id),),
        attributes=ProgrammeAttributes(
            navigator_id=entry.by or None,
            outcome=entry.note if entry.what is Happening.CLOSED else None,
            alert=alert.reference,
            rules=_rules_at(alert, entry.at),
            priority=_priority_at(alert, entry.at),
        ),
        provenance=Provenance(channel=OWN_CHANNEL, source="alerts"),
    )


def _rules_at(alert: Alert, moment: datetime) -> tuple[str, ...]:
    """The rules that had brought the alert about by then, whatever became of them since: the same said twice is the
    same."""
    return tuple(sorted({record.trigger.rule_id for record in alert.triggers if record.added_at <= moment}))


def _priority_at(alert: Alert, moment: datetime) -> str | None:
    found = [record.trigger.priority for record in alert.triggers if record.added_at <= moment]
    return min(found, key=lambda priority: priority.rank).value.lower() if found else None


class OutcomeFollower:
    """Tells what people did about alerts, at least once, in order; what is told again is known already."""

    def __init__(self, alerts: AlertStore, marks: OutcomeMarks, submit: Submit, clock: Clock) -> None:
        self._alerts = alerts
        self._marks = marks
        self._submit = submit
        self._clock = clock
        self._revision = -1
        self._looked_back: datetime | None = None
        self._unsure = False  # whether the last look was a brief one

    async def turn(self) -> int:
        """Tell what is new; how many events. Raises StoreUnavailable: then it is told the next time."""
        revision, now = await self._alerts.revision(), self._clock.now()
        far = self._looked_back is None or not timedelta(0) <= now - self._looked_back < LOOK_BACK_EVERY
        if revision == self._revision and not (far and self._unsure):
            return 0
        told, place = 0, await self._marks.place()
        cursor = cursor_of((max(0, place - (_OVERLAP_MS if far else _BRIEF_MS)), "")) if place else ""
        while True:
            page = await self._alerts.page(AlertFilter(), cursor=cursor, limit=_PAGE)
            told += await self._tell(page.alerts, place)
            cursor = page.cursor
            if not page.more:
                break
        self._revision, self._unsure = revision, not far
        if far:
            self._looked_back = now
        return told

    async def _tell(self, alerts: Sequence[Alert], place: int) -> int:
        if not alerts:
            return 0
        known = await self._marks.told([(shard_of(alert.member_id), alert.alert_id) for alert in alerts])
        grown = [(alert, first) for alert, first in zip(alerts, known, strict=True) if len(alert.timeline) > first]
        now = self._clock.now()
        events = [event for alert, first in grown for event in events_of(alert, first, now)]
        if events:
            await self._submit([(event, b"") for event in events])
        last = max(place, *(milliseconds(alert.updated_at) for alert in alerts))
        marks = [(shard_of(alert.member_id), alert.alert_id, len(alert.timeline)) for alert, _ in grown]
        await self._marks.mark(marks, last)
        return len(events)
