"""What survives a crash, in memory: streams with their readers' unfinished entries, the ledger, links, people, alerts.

It stands for the Valkey server in tests and simulation; the adapters of `memory.py` talk to it as the real ones talk to
the real one. Nothing here awaits, so each call is one atomic step. Keys expire by its clock. `fail` is called before
and after each effect: whatever it raises is what the caller sees (lost before, or applied and the reply lost).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from alerts.breaker import FloodKey, Sent
from alerts.held_back import HeldBack
from alerts.memory import MemoryAlertStore
from alerts.snooze import Snooze
from domain.clock import Clock
from domain.events import Event
from domain.ids import SHARDS, EventId, FiringId, MemberId, shard_of
from domain.kinds import Feed
from domain.reviews import ReviewState
from streams.applying import entry_of_application
from streams.archive import Archived
from streams.audit import AuditEntry
from streams.lookback_ports import Progress
from streams.messages import (
    Disposition,
    HeldIntel,
    Matched,
    ParkedAmendment,
    PersonState,
    QuarantineItem,
    ReviewItem,
    most_telling,
)
from streams.ports import LedgerCounts
from streams.remembering import Remembered
from streams.retention import Retention
from streams.reviews import Review, ReviewCase
from streams.tallies import HourOfRule
from streams.timer_ports import Planning

K = TypeVar("K")
V = TypeVar("V")
_PARKED_PER_KEY = 20
BEFORE = "before"
"""The part of an event that stands for how it had ended."""
Place = tuple[int, int]
"""A place in a stream: milliseconds and a number within them."""


def no_fault(_: str) -> None:
    """The hook that never fails."""


def milliseconds(moment: datetime) -> datetime:
    """A moment as the store keeps it: whole milliseconds."""
    return datetime.fromtimestamp(int(moment.timestamp() * 1000) / 1000, UTC)


def rounded_up(moment: datetime) -> datetime:
    """A due time as the store keeps it: whole milliseconds, never earlier."""
    over = moment.microsecond % 1000
    return moment if not over else moment + timedelta(microseconds=1000 - over)


class Expiring(Generic[K, V]):
    """A dictionary whose keys end by themselves."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[K, tuple[V, datetime]] = {}

    def get(self, key: K) -> V | None:
        """The value, or None if it was never put or has ended."""
        found = self._kept.get(key)
        if found is None:
            return None
        if found[1] <= self._clock.now():
            del self._kept[key]
            return None
        return found[0]

    def put(self, key: K, value: V, span: timedelta) -> None:
        """Keep a value for `span` from now."""
        self._kept[key] = (value, self._clock.now() + span)

    def change(self, key: K, value: V) -> None:
        """Another value, which ends when the one before would have."""
        self._kept[key] = (value, self._kept[key][1])

    def drop(self, key: K) -> None:
        """Forget a value, if there is one."""
        self._kept.pop(key, None)

    def names(self) -> tuple[K, ...]:
        """The keys that were put, ended or not."""
        return tuple(self._kept)

    def ends(self, key: K) -> datetime | None:
        """When it ends; None if it is not kept."""
        return self._kept[key][1] if self.get(key) is not None else None


class Stream(Generic[V]):
    """A log with one group of readers: what was read and not acknowledged is kept by reader."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: Place = (0, 0)
        self._delivered: Place = (0, 0)
        self.entries: dict[Place, V] = {}
        self.pending: dict[Place, str] = {}

    def add(self, value: V) -> None:
        """Put an entry at the end."""
        now = int(self._clock.now().timestamp() * 1000)
        self._last = (now, 0) if now > self._last[0] else (self._last[0], self._last[1] + 1)
        self.entries[self._last] = value

    def fresh(self, worker: str, limit: int) -> list[tuple[Place, V]]:
        """The next entries that nobody has read; they are the worker's until acknowledged."""
        found = [place for place in self.entries if place > self._delivered][:limit]
        for place in found:
            self.pending[place] = worker
            self._delivered = place
        return [(place, self.entries[place]) for place in found]

    def unfinished(self, worker: str, after: Place, limit: int) -> list[tuple[Place, V]]:
        """What the worker read before and did not acknowledge, from behind a place."""
        mine = sorted(place for place, owner in self.pending.items() if owner == worker and place > after)
        return [(place, self.entries[place]) for place in mine[:limit]]

    def acknowledge(self, place: Place) -> None:
        """It is done with."""
        self.pending.pop(place, None)

    @property
    def delivered(self) -> Place:
        """The last place that was read."""
        return self._delivered

    def trim(self, keep_from: Place | None, most: int) -> int:
        """Drop entries before `keep_from` (None: all) and those above `most`, never one unread or unacknowledged."""
        lowest = min(self.pending, default=self._delivered)
        until = lowest if keep_from is None else keep_from
        if most and len(self.entries) > most:
            until = max(until, list(self.entries)[len(self.entries) - most - 1])
        gone = [place for place in self.entries if place < min(until, lowest)]
        for place in gone:
            del self.entries[place]
        return len(gone)


def text(place: Place) -> str:
    """A place as the ports write it."""
    return f"{place[0]}-{place[1]}"


def place_of(position: str) -> Place:
    """The place that a position names."""
    first, _, second = position.partition("-")
    return int(first), int(second or 0)


@dataclass(slots=True)
class EventRow:
    """One accepted event in the books: not `recognised` yet, or its `parts` as far as they are in, or its `ending`."""

    digest: str
    recognised: bool = False
    ending: Disposition | None = None
    parts: dict[str, Disposition | None] = field(default_factory=dict)
    reviewed: set[str] = field(default_factory=set)  # reviews that were decided: their parts speak
    withdrawn: set[str] = field(default_factory=set)  # parts that were taken back

    @property
    def under_way(self) -> bool:
        """Whether it waits for its parts."""
        return self.recognised and self.ending is None


class MemoryServer:
    """The whole store. Adapters come and go (workers crash); this stays."""

    def __init__(
        self, clock: Clock, *, retention: Retention | None = None, fail: Callable[[str], None] = no_fault
    ) -> None:
        self.clock = clock
        self.retention = retention or Retention()
        self.fail = fail
        self.events: Stream[Event] = Stream(clock)
        self.matched: list[Stream[Matched]] = [Stream(clock) for _ in range(SHARDS)]
        self.rows: Expiring[EventId, EventRow] = Expiring(clock)
        self.in_flight: dict[EventId, datetime] = {}
        self.totals: Counter[tuple[str, str, str]] = Counter()
        self.last: dict[str, datetime] = {}
        self.links: Expiring[str, frozenset[str]] = Expiring(clock)
        self.parked: Expiring[str, tuple[ParkedAmendment, ...]] = Expiring(clock)
        self.looked_back: dict[str, Progress] = {}
        self.reviews: dict[str, ReviewItem] = {}
        self.cases: dict[str, ReviewCase] = {}
        self.reviews_revision = 0
        self.review_steps: Counter[str] = Counter()
        self.said: Expiring[tuple[str, MemberId], Remembered] = Expiring(clock)
        self.audit: list[AuditEntry] = []
        self.items: Expiring[str, QuarantineItem] = Expiring(clock)
        self.item_order: dict[str, datetime] = {}
        self.people: dict[MemberId, PersonState] = {}
        self.due: dict[MemberId, datetime] = {}
        self.planning: Planning | None = None
        self.decided: Expiring[tuple[MemberId, EventId, str], Disposition] = Expiring(clock)
        self.held: dict[str, HeldIntel] = {}
        self.held_back: dict[tuple[MemberId, FiringId], HeldBack] = {}
        self.sent: list[Sent] = []
        self.firings: Counter[HourOfRule] = Counter()
        self.faults: dict[str, datetime] = {}  # SeenFault.name -> when last
        self.snoozes: dict[str, Snooze] = {}
        self.snoozes_revision = 0
        self.breakers_closed: dict[FloodKey, datetime] = {}
        self.breakers_rung: dict[FloodKey, datetime] = {}
        self.alerts = MemoryAlertStore()
        self.to_archive: list[Archived] = []

    @contextmanager
    def effect(self, name: str) -> Iterator[None]:
        """One call from outside: it may be lost before, or applied and its reply lost."""
        self.fail(f"before {name}")
        yield
        self.fail(f"after {name}")

    def count(self, what: str, feed: Feed, why: str = "", by: int = 1) -> None:
        """Enter something in the books."""
        self.totals[(what, feed.value, why)] += by

    def enter(self, event_id: EventId, feed: Feed, part: str, disposition: Disposition) -> None:
        """One part of an event has ended; the event ends with the last of those that are awaited."""
        row = self.rows.get(event_id)
        if row is None or not row.under_way:
            return
        if part not in row.withdrawn:
            row.parts[part] = disposition
        self.end_if_all_in(row, event_id, feed)

    def end_if_all_in(self, row: EventRow, event_id: EventId, feed: Feed) -> None:
        """End an event under way whose parts are all in."""
        entered = [known for known in row.parts.values() if known is not None]
        if entered and len(entered) == len(row.parts):
            self.end(row, event_id, feed, most_telling(entered))

    def join(self, part: Matched) -> None:
        """A part more of an event: it ends with this one too. One that had ended is under way again (lua/books.lua)."""
        row = self.rows.get(part.event.event_id)
        if row is None or not row.recognised:
            return
        if row.under_way:
            row.parts.setdefault(part.part, None)
            return
        self.reopen(row, part.event, self.clock.now())
        row.parts[part.part] = None

    def reopen(self, row: EventRow, event: Event, now: datetime) -> None:
        """An event that had ended is under way again; what it ended as counts beside what is new."""
        if row.ending is None:
            return
        if not row.parts and not row.reviewed:
            row.parts = {BEFORE: row.ending}
        self.uncount(event.feed, row.ending)
        row.ending = None
        self.in_flight[event.event_id] = milliseconds(now)

    def end(self, row: EventRow, event_id: EventId, feed: Feed, disposition: Disposition) -> None:
        """An event has ended."""
        row.ending = disposition
        if not row.reviewed and not any(name.startswith("review|") for name in row.parts):
            row.parts = {}
        self.in_flight.pop(event_id, None)
        self.count("disposed", feed, _without_alert_id(disposition))

    def send(self, part: Matched) -> None:
        """Put a part into the stream of its listener's shard."""
        self.matched[shard_of(part.listener)].add(part)

    def link(self, links: Iterable[tuple[str, str]]) -> None:
        """Remember link values under their keys."""
        for key, value in links:
            self.links.put(key, (self.links.get(key) or frozenset()) | {value}, self.retention.links)

    def park(self, waiting: ParkedAmendment) -> None:
        """Keep an amendment under each of its keys, the newest twenty of each."""
        for key in waiting.keys:
            others = tuple(known for known in self.parked.get(key) or () if known != waiting)
            self.parked.put(key, (*others, waiting)[-_PARKED_PER_KEY:], self.retention.parked)

    def said_of(self, name: str) -> dict[MemberId, Remembered]:
        """What was decided on one mention identity, by member."""
        members = [member for mention, member in self.said.names() if mention == name]
        return {member: said for member in members if (said := self.said.get((name, member)))}

    def apply(self, review: Review, row: EventRow) -> None:
        """Keep a review that a decision of before has settled."""
        name = review.item.review_id
        if name in self.reviews:
            return
        self.reviews[name], self.cases[name] = review.item, review.case
        self.audit.append(entry_of_application(review))
        row.reviewed.add(f"review|{name}")

    def waiting_reviews(self) -> list[Review]:
        """What waits for a human, in the order of the queue."""
        found = [Review(item, self.cases.get(name, ReviewCase(name))) for name, item in self.reviews.items()]
        waiting = [review for review in found if review.state is ReviewState.WAITING]
        return sorted(waiting, key=lambda review: (milliseconds(review.place), review.item.review_id))

    def wait_until(self, member: MemberId, due: datetime | None) -> None:
        """Keep when a person's next wait ends."""
        if due is None:
            self.due.pop(member, None)
        else:
            self.due[member] = rounded_up(due)

    def uncount(self, feed: Feed, disposition: Disposition) -> None:
        """An event that had ended so is under way again, or ends otherwise."""
        self.count("disposed", feed, _without_alert_id(disposition), by=-1)

    def ledger(self) -> LedgerCounts:
        """The books as they are."""
        return LedgerCounts.of(self.totals, len(self.in_flight), dict(self.last))


def _without_alert_id(disposition: Disposition) -> str:
    return disposition.ending.value if disposition.ending.value == "alert" else str(disposition)
