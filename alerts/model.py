"""An alert and the messages about it, as values.

An alert gathers what one person's rules fired on within half an hour; a delivery is one message to one recipient on
one channel. Neither holds a name, a number to call or a text: addresses are looked up and words are made when it is
sent. How an alert may change is in `lifecycle.py`; who is told in `routing.py` and `planning.py`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.ids import AlertId, DeliveryId, MemberId, NavigatorId
from domain.triggers import Priority, Sensitivity, TriggerFired


class AlertState(StrEnum):
    """Where an alert stands (design.md section 6)."""

    RAISED = "raised"
    NOTIFIED = "notified"
    ACCEPTED = "accepted"
    CONTACTED = "contacted"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    MERGED = "merged"


OPEN_STATES = frozenset({AlertState.RAISED, AlertState.NOTIFIED, AlertState.ACCEPTED, AlertState.CONTACTED})
"""States in which somebody still has something to do; new firings may join only these."""


class Outcome(StrEnum):
    """What came of an alert (domain.md section 8)."""

    VISITED = "visited"
    SPOKE = "spoke"
    ENGAGED = "engaged"
    DECLINED = "declined"
    NOT_FOUND = "not_found"
    WRONG_PERSON = "wrong_person"
    NOT_NEEDED = "not_needed"


class TriggerState(StrEnum):
    """Whether a firing still carries its alert."""

    LIVE = "live"
    WITHDRAWN = "withdrawn"  # its ground was taken away
    SUPERSEDED = "superseded"  # another firing of the same rule stands in its place


class Happening(StrEnum):
    """What the time line tells."""

    RAISED = "raised"
    JOINED = "joined"
    BROKE_THROUGH = "broke_through"
    MOVED = "moved"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"
    NOTIFIED = "notified"
    NOT_DELIVERED = "not_delivered"
    ACCEPTED = "accepted"
    CONTACTED = "contacted"
    CLOSED = "closed"
    EXPIRED = "expired"
    MERGED = "merged"  # into another alert: this one ends
    ABSORBED = "absorbed"  # another alert was merged into this one
    DIGESTED = "digested"  # the flood breaker kept its messages for the supervisor's digest


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened to an alert. `by` is a navigator or '' for the system; `note` is ours only."""

    at: datetime
    what: Happening
    by: str = ""
    note: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TriggerRecord:
    """A firing inside an alert. `added_at` is processing time; the firing's own `fired_at` is event time."""

    trigger: TriggerFired
    added_at: datetime
    state: TriggerState = TriggerState.LIVE


@dataclass(frozen=True, slots=True)
class Clocks:
    """By when somebody must have been told, must have accepted and must have tried to make contact."""

    notify_by: datetime
    acknowledge_by: datetime
    contact_by: datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """A call to one navigator to go to one person now. `version` counts changes; 0 has never been stored.

    `member_id` is the watched person, `navigator_id` whoever the alert is with. `priority` is the highest live one.
    `last_queued_at` is when a message was last ordered, `last_notified_at` when a provider last took one.
    """

    alert_id: AlertId
    reference: str
    member_id: MemberId
    navigator_id: NavigatorId | None
    programme: str
    area: str
    sensitivity: Sensitivity
    priority: Priority
    state: AlertState
    triggers: tuple[TriggerRecord, ...]
    clocks: Clocks
    raised_at: datetime
    updated_at: datetime
    version: int = 0
    outcome: Outcome | None = None
    last_queued_at: datetime | None = None
    last_notified_at: datetime | None = None
    repeats: int = 0  # how many rounds of messages after the first one
    timeline: tuple[TimelineEntry, ...] = ()
    merged_into: AlertId | None = None
    digested_at: datetime | None = None  # since when its messages wait in the supervisor's digest; None: they do not

    @property
    def live(self) -> tuple[TriggerFired, ...]:
        """The firings that still carry the alert."""
        return tuple(record.trigger for record in self.triggers if record.state is TriggerState.LIVE)

    @property
    def is_open(self) -> bool:
        """Whether somebody still has something to do."""
        return self.state in OPEN_STATES

    @property
    def message_pending(self) -> bool:
        """Whether a message was ordered that no provider has taken yet: it will show the state at that moment."""
        if self.last_queued_at is None:
            return False
        return self.last_notified_at is None or self.last_notified_at < self.last_queued_at

    @property
    def expires_at(self) -> datetime | None:
        """When the last live firing loses its meaning; None if one of them never does."""
        ends: list[datetime] = []
        for trigger in self.live:
            if trigger.expires_after is None:
                return None
            ends.append(trigger.fired_at + trigger.expires_after)
        return max(ends, default=None)


class Channel(StrEnum):
    """How a message travels."""

    SMS = "sms"
    EMAIL = "email"


class Purpose(StrEnum):
    """Why a message is sent; each has its own words in `rendering.py`."""

    ALERT = "alert"
    UPDATE = "update"
    CORRECTION = "correction"
    WITHDRAWAL = "withdrawal"
    GATEKEEPER = "gatekeeper"  # intelligence is held and waits for a decision
    REVIEW = "review"  # an uncertain match waits for a decision
    SUPERVISOR_NOTICE = "supervisor_notice"  # nobody could be told: somebody must be found
    SNOOZE_OVER = "snooze_over"  # a snooze has ended: what it held back is listed
    SNOOZE_MADE = "snooze_made"  # a navigator quieted a rule for somebody, or P1 waits for a second person
    FLOOD = "flood"  # a rule or a navigator floods: alerts are held in the digest
    RULE_WATCH = "rule_watch"  # a rule fires far less, or far more, than it was forecast to
    RULES = "rules"  # a rule was switched off, a version taken back, or the live one cannot be read
    RULE_FAULT = "rule_fault"  # a rule cannot be judged for some people; the others go on
    SET_ASIDE = "set_aside"  # events failed as a whole, by a fault of ours: nobody was told


class DeliveryStatus(StrEnum):
    """How far a message got."""

    QUEUED = "queued"
    HANDED = "handed"  # claimed and being sent; after a crash it may or may not have left
    ACCEPTED = "accepted"  # the provider took it
    DELIVERED = "delivered"  # the provider says that it reached the handset
    FAILED = "failed"
    UNKNOWN = "unknown"  # no answer in time: it may have left, and is tried again
    CANCELLED = "cancelled"  # no longer true, and nobody had been told


class FailureReason(StrEnum):
    """Why the last attempt did not succeed: a metric label and a word for the operator."""

    NONE = ""
    BAD_ADDRESS = "bad_address"  # the provider will never take this number or address
    NO_ADDRESS = "no_address"  # the recipient has none for this channel any more
    BAD_REQUEST = "bad_request"  # the provider refuses what we ask, whoever it is for
    NOT_ALLOWED = "not_allowed"  # key or permission: somebody must mend the settings
    RATE_LIMITED = "rate_limited"
    PROVIDER_DOWN = "provider_down"
    TIMED_OUT = "timed_out"
    GAVE_UP = "gave_up"  # the hand-over window ended
    OVERTAKEN = "overtaken"  # a newer message says it all
    NOT_TRUE_ANY_MORE = "not_true_any_more"  # the alert was withdrawn before anybody was told


TOLD_STATUSES = frozenset(
    {DeliveryStatus.HANDED, DeliveryStatus.ACCEPTED, DeliveryStatus.DELIVERED, DeliveryStatus.UNKNOWN}
)
"""Statuses after which the recipient has, or may have, read the message."""

WAITING_STATUSES = frozenset({DeliveryStatus.QUEUED, DeliveryStatus.HANDED, DeliveryStatus.UNKNOWN})
"""Statuses of rows that the outbox still holds."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one recipient on one channel. Holds no address and no text.

    `attempts` counts claims, `repeats` those that ended without an answer and so may have reached the phone. `fence`
    grows with each claim: whoever holds an older one changes nothing. `shard` is that of the
    member (`domain.ids.shard_of`).
    """

    delivery_id: DeliveryId
    alert_id: AlertId  # '' where the message is about no alert
    reference: str
    shard: int
    recipient_id: NavigatorId
    channel: Channel
    purpose: Purpose
    attempt_group: int
    idempotency_key: str
    due_at: datetime
    created_at: datetime
    status: DeliveryStatus = DeliveryStatus.QUEUED
    reason: FailureReason = FailureReason.NONE
    attempts: int = 0
    repeats: int = 0
    fence: int = 0
    version: int = 0
    handed_at: datetime | None = None  # when the provider took it
    provider_id: str = ""
    caused_at: datetime | None = None  # when the event that it is about was accepted
    urgent: bool = False  # about a P1: goes before others that are due

    @property
    def told(self) -> bool:
        """Whether the recipient has, or may have, read it: also a row that waits again after an unknown answer."""
        return self.status in TOLD_STATUSES or self.repeats > 0
