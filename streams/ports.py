"""What the engines need from outside. `memory.py` is the twin for tests and simulation, `valkey.py` the real thing.

Every method that changes something is one atomic step, safe to repeat: a reply that was lost can be asked for again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from alerts.breaker import Sent
from alerts.held_back import HeldBack
from alerts.model import Alert, Delivery
from alerts.planning import Row
from domain.events import Event
from domain.ids import EventId, MemberId, RuleId
from domain.kinds import Feed
from streams.archive import Archived
from streams.audit import AuditEntry
from streams.messages import (
    Disposition,
    HeldIntel,
    Matched,
    ParkedAmendment,
    PersonState,
    QuarantineItem,
    ReviewItem,
)
from streams.remembering import Remembered, Said
from streams.reviews import Review, ReviewCase
from triggers.sparing import RuleFault


class Taken:
    """What `accept` answers for one event."""

    ACCEPTED = 0
    DUPLICATE = 1
    CONFLICT = 2  # the same id with other content


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An accepted event at its place in the log."""

    position: str
    event: Event


@dataclass(frozen=True, slots=True)
class MatchedEntry:
    """A matched message at its place in its shard's stream."""

    shard: int
    position: str
    matched: Matched


@dataclass(frozen=True, slots=True)
class Recognised:
    """What recognition concluded about one event: an immediate disposition, or parts for the people concerned.

    `dispositions` are parts that end here (`review`, `no_match` ...); `parts` go on to decide. At least one of both.
    `links` are (link key, link value) to remember; `parked` is kept for those who are linked later; `revived` are parts
    of amendments that had been waiting for this event: they join their own event in the ledger if it is still open.
    `applied` are reviews that a decision of before has settled already: kept, so that undoing it undoes them too.
    """

    event: Event
    position: str
    dispositions: tuple[tuple[str, Disposition], ...] = ()
    parts: tuple[Matched, ...] = ()
    revived: tuple[Matched, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    reviews: tuple[ReviewItem, ...] = ()
    parked: ParkedAmendment | None = None
    applied: tuple[Review, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """A person's state with the alerts that may still change."""

    state: PersonState
    alerts: tuple[Alert, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    decided: Disposition | None = None  # this part was committed before; only its settling was lost
    held_back: tuple[HeldBack, ...] = ()  # what fired for them and was told to nobody
    due: datetime | None = None  # when the next of their waits ends, rounded up to a millisecond; None: nothing waits


NO_EVENT = EventId("")
"""What a commit of the clock's is about."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that one decision changes, written in one atomic step or not at all.

    Of what the clock alone brought about, `event_id` is NO_EVENT and the ledger has no part.
    """

    part: str
    event_id: EventId
    disposition: Disposition
    before: PersonState
    after: PersonState
    alerts: tuple[tuple[Alert, Alert | None], ...] = ()  # each as it is now, and as it was loaded
    rows: tuple[Row, ...] = ()
    held: tuple[HeldIntel, ...] = ()
    handed: tuple[Matched, ...] = ()  # entries that go to somebody else's worker once this is written
    archived: Archived | None = None  # what is kept of it for looking back; None where the archive is off
    held_back: tuple[HeldBack, ...] = ()  # what fired and is told to nobody, or what became of such a record
    sent: tuple[Sent, ...] = ()  # rounds of messages, ordered or held: what the breaker counts
    fired: tuple[RuleId, ...] = ()  # of each new firing, told or not: what a rule's forecast is held against
    decided_at: datetime | None = None
    due: datetime | None = None  # when the next of the person's waits ends; None: nothing waits
    unjudged: tuple[RuleFault, ...] = ()  # rules that could not be judged: the others decided

    @property
    def by_clock(self) -> bool:
        """Whether no event made it, but time."""
        return self.event_id == NO_EVENT


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """accepted = disposed + in flight, by feed. `disposed` is keyed by disposition without alert ids."""

    accepted: Mapping[str, int] = field(default_factory=dict)
    duplicate: Mapping[str, int] = field(default_factory=dict)
    quarantined: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    ignored: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    disposed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    in_flight: int = 0
    last_received: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def of(
        cls, totals: Mapping[tuple[str, str, str], int], in_flight: int, last_received: Mapping[str, datetime]
    ) -> "LedgerCounts":
        """The books from totals by what is counted, feed and reason; '' where it is counted without reasons."""
        flat: dict[str, dict[str, int]] = {"accepted": {}, "duplicate": {}}
        deep: dict[str, dict[str, dict[str, int]]] = {"quarantined": {}, "ignored": {}, "disposed": {}}
        for (what, feed, why), number in totals.items():
            if what in deep:
                deep[what].setdefault(feed, {})[why] = number
            else:
                flat[what][feed] = number
        return cls(
            accepted=flat["accepted"],
            duplicate=flat["duplicate"],
            quarantined=deep["quarantined"],
            ignored=deep["ignored"],
            disposed=deep["disposed"],
            in_flight=in_flight,
            last_received=last_received,
        )

    @property
    def balanced(self) -> bool:
        """Whether every accepted event is either disposed of or in flight."""
        disposed = sum(sum(feed.values()) for feed in self.disposed.values())
        return sum(self.accepted.values()) == disposed + self.in_flight


class Intake(Protocol):
    """Where accepted events become durable."""

    async def accept(self, events: Sequence[Event], now: datetime) -> list[int]:
        """Make events durable; one `Taken` value each, in order. Raises StoreUnavailable: then nothing is promised."""

    async def quarantine(self, items: Sequence[QuarantineItem], now: datetime) -> list[str]:
        """Keep rejected records; the same bytes rejected again raise a count. Returns the item ids."""

    async def ignore(self, ignored: Sequence[tuple[Feed, str]], now: datetime) -> None:
        """Count what was valid but none of our business."""


class RecogniseLog(Protocol):
    """The events stream, as recognition reads it."""

    async def read_events(self, limit: int, wait: timedelta) -> list[LogEntry]:
        """Events in order of acceptance; those that a dead reader left unfinished come first."""

    def rewind(self) -> None:
        """Read again, first, what was read and not moved on: the store failed in between."""

    async def linked(self, keys: Sequence[str]) -> list[frozenset[str]]:
        """The link values remembered under each key."""

    async def recall(self, keys: Sequence[str], mentions: Sequence[str]) -> tuple[list[frozenset[str]], list[Said]]:
        """The link values under each key, and what humans decided on each mention identity: in one round trip."""

    async def parked(self, keys: Sequence[str]) -> list[list[ParkedAmendment]]:
        """The amendments that wait under each link key."""

    async def keep(self, item: QuarantineItem, now: datetime) -> None:
        """Keep the content of something that failed by a fault of ours, for a replay; it is in the ledger already."""

    def rests_on(self, links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]], version: int) -> None:
        """Say what the next `forward` rests on: BatchKnowledge.rests_on, and the version of the cohort. Where several
        workers recognise, it raises Conflict if another one changed the first meanwhile, and StoreError if look-back
        has begun for a later version; nothing is moved then."""

    async def forward(self, results: Sequence[Recognised]) -> None:
        """Send parts on, remember links, reviews and parked ones, end what ends here, and move past the events."""


class DecideLog(Protocol):
    """The matched streams and the people's state, as deciding reads and writes them."""

    async def read_matched(self, limit: int, wait: timedelta) -> list[MatchedEntry]:
        """Matched messages, in order within each shard; unfinished ones of a dead reader first."""

    def rewind(self) -> None:
        """Read again, first, what was read and not settled: the store failed in between."""

    async def load(self, matched: Matched) -> Person:
        """The listener's state and alerts, and whether this part was already decided."""

    async def commit(self, commit: Commit) -> bool:
        """Write a decision; False if somebody else changed the person or an alert meanwhile: load and decide again."""

    async def hand_over(self, handed: Sequence[Matched]) -> None:
        """Send parts on: entries to their new owners, or what somebody had missed. The event they come with does not
        end before they are decided; if it had ended, it is under way again. Safe to repeat."""

    async def settle(self, entries: Sequence[tuple[MatchedEntry, Disposition]]) -> None:
        """Enter the parts in the ledger, end events whose parts are all in, and move past the messages."""

    async def keep(self, item: QuarantineItem, now: datetime) -> None:
        """Keep the content of something that failed by a fault of ours, for a replay; it is in the ledger already."""


class Ledger(Protocol):
    """What the books say."""

    async def counts(self) -> LedgerCounts:
        """The totals since the store was made."""

    async def disposition(self, event_id: EventId) -> Disposition | None:
        """How an event ended; None while in flight or when unknown."""

    async def stuck(self, older_than: datetime, limit: int) -> list[EventId]:
        """Accepted events that are in flight since before `older_than`."""


@dataclass(frozen=True, slots=True)
class CaseCommit:
    """Everything that one step of a review changes, written in one atomic step or not at all.

    `ending` is what the review now says in its event's books; None where the parts it sent on speak for it. `parts`
    join the event in the books, `withdrawn` (names of parts) leave them; `revived` are parts of other events. `others`
    are the event's other reviews that wait. `links` are remembered, `unlinked` forgotten. `said` is what is remembered
    of a mention identity: fingerprint, member, and the decision or None where it is forgotten.
    """

    before: ReviewCase
    after: Review
    now: datetime
    ending: Disposition | None
    others: tuple[str, ...] = ()
    parts: tuple[Matched, ...] = ()
    withdrawn: tuple[str, ...] = ()
    revived: tuple[Matched, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    unlinked: tuple[tuple[str, str], ...] = ()
    parked: ParkedAmendment | None = None
    said: tuple[str, MemberId, Remembered | None] | None = None
    audit: tuple[AuditEntry, ...] = ()


class ReviewStore(Protocol):
    """The doubtful matches, those that wait and those that were decided, and their one atomic step."""

    async def revision(self) -> int:
        """A number that grows whenever any review changes."""

    async def depth(self) -> int:
        """How many wait. Cheap."""

    async def steps(self) -> Mapping[str, int]:
        """How many steps of each sort were taken since the store was made (reviews.Step)."""

    async def waiting(self) -> list[Review]:
        """What waits, in the order of the queue; at most the first 5,000."""

    async def closed(self, limit: int) -> list[Review]:
        """What was decided or has expired and is still kept, the latest first."""

    async def decided_through(self, review_id: str) -> list[Review]:
        """Where the decisions on one review were applied, or undone, through it; as far as they are still kept."""

    async def find(self, review_id: str) -> Review | None:
        """One of them; None if it is unknown or no longer kept."""

    async def change(self, commit: CaseCommit) -> bool:
        """Write a step; False if somebody else took one meanwhile: load and decide again. Repeating it changes
        nothing."""


class Desk(Protocol):
    """What waits for people: quarantine, reviews, held intelligence."""

    async def quarantined(self, limit: int, state: str = "open") -> list[QuarantineItem]:
        """Newest first."""

    async def quarantine_item(self, item_id: str) -> QuarantineItem | None:
        """One item with its bytes."""

    async def mark_replayed(self, item_id: str, event_id: EventId | None) -> None:
        """The item was taken after all."""

    async def reviews(self, limit: int) -> list[ReviewItem]:
        """Doubtful matches, newest first."""

    async def held(self, limit: int) -> list[HeldIntel]:
        """Held intelligence, newest first."""

    async def held_item(self, held_id: str) -> HeldIntel | None:
        """One held item."""

    async def decide_held(self, item: HeldIntel) -> None:
        """Keep the gatekeeper's decision."""
