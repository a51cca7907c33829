"""What the API answers, as values: the one source of both the JSON and the OpenAPI document.

`as_of` is always the first field: an ETag is made of all that follows it (`answers.py`). A field is None or empty where
the caller's role does not see it; `sight` says how much that was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alerts.model import AlertState, Channel, DeliveryStatus, FailureReason, Happening, Outcome, Purpose, TriggerState
from api.ports import HeldView, ItemAnswer, MemberView, QuarantineView
from api.sight import Sight
from domain.kinds import Feed
from domain.triggers import Priority, Sensitivity


class FeedLight(StrEnum):
    """How a feed stands. Only `live` may be shown in green."""

    LIVE = "live"
    BLIND = "blind"  # silent for longer than it ever should be: what happens there is not seen
    NEVER = "never"  # nothing ever came


@dataclass(frozen=True, slots=True)
class FeedState:
    """Whether we see what a feed sees. `blind_since`: when a blind feed last spoke."""

    feed: Feed
    state: FeedLight
    blind_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class SnoozedRule:
    """A rule that is quiet for the person an alert is about (`/v1/snoozes/{snooze_id}`)."""

    snooze_id: str
    rule_id: str
    ends_at: datetime
    quiets_p1: bool


@dataclass(frozen=True, slots=True)
class AlertSummary:
    """An alert in a list. `version` is what commands are given back; times are UTC."""

    reference: str
    version: int
    state: AlertState
    priority: Priority
    sensitivity: Sensitivity
    area: str
    programme: str
    rules: tuple[str, ...]
    raised_at: datetime
    updated_at: datetime
    notify_by: datetime
    acknowledge_by: datetime
    contact_by: datetime
    expires_at: datetime | None
    outcome: Outcome | None
    repeats: int
    sight: Sight
    member_id: str | None = None
    navigator_id: str | None = None
    headline: str = ""
    digested: bool = False  # too many came: its messages wait in the supervisors' digest
    snoozed: tuple[SnoozedRule, ...] = ()  # what is quiet for this person now


@dataclass(frozen=True, slots=True)
class AlertsPage:
    """Alerts in order of change. Go on with `cursor`; `more` says that there is more now."""

    as_of: datetime
    feeds: tuple[FeedState, ...]
    alerts: tuple[AlertSummary, ...]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class ReasonShown:
    """One thing that made a rule true, in plain words. What rests on intelligence is `withheld` but for the words."""

    text: str
    occurred_at: datetime
    withheld: bool
    kind: str = ""
    feed: str = ""
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class TriggerShown:
    """A firing of a rule: which version of which rule, why, and whether it still carries the alert.

    `rule_set` is the version of the rules that was live when it was decided (`rules@7`, see `/v1/rules/versions`).
    """

    rule_id: str
    rule_version: int
    priority: Priority
    state: TriggerState
    fired_at: datetime
    added_at: datetime
    late: bool
    headline: str = ""
    suggestion: str = ""
    reasons: tuple[ReasonShown, ...] = ()
    rule_set: str = ""


@dataclass(frozen=True, slots=True)
class TimelineShown:
    """One thing that happened to the alert; `by` is a navigator or empty for the service itself."""

    at: datetime
    what: Happening
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryShown:
    """A message about the alert, without address or text."""

    channel: Channel
    purpose: Purpose
    status: DeliveryStatus
    reason: FailureReason
    attempts: int
    created_at: datetime
    handed_at: datetime | None
    recipient_id: str = ""


@dataclass(frozen=True, slots=True)
class AlertDetail:
    """One alert with why it was raised, what happened since, and who was told. `member` for whoever has to go there."""

    as_of: datetime
    feeds: tuple[FeedState, ...]
    alert: AlertSummary
    triggers: tuple[TriggerShown, ...]
    timeline: tuple[TimelineShown, ...]
    deliveries: tuple[DeliveryShown, ...]
    member: MemberView | None = None


@dataclass(frozen=True, slots=True)
class CountShown:
    """How many alerts share state, priority and area."""

    state: AlertState
    priority: Priority
    area: str
    count: int


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """Alerts counted; the three totals count every alert once each. `revision` grows with every change of any alert."""

    as_of: datetime
    feeds: tuple[FeedState, ...]
    revision: int
    open: int
    by_state: Mapping[AlertState, int]
    by_priority: Mapping[Priority, int]
    by_area: Mapping[str, int]
    counts: tuple[CountShown, ...]


@dataclass(frozen=True, slots=True)
class FeedShown:
    """A feed: when it last spoke and what became of what it sent. Refusals are counted by reason."""

    feed: Feed
    state: FeedLight
    blind_since: datetime | None
    last_received: datetime | None
    accepted: int
    duplicate: int
    quarantined: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FeedsList:
    """All feeds, or the caller's own."""

    as_of: datetime
    feeds: tuple[FeedShown, ...]


@dataclass(frozen=True, slots=True)
class LedgerShown:
    """accepted = disposed + in flight: `balanced` says whether it holds. Endings are counted by disposition."""

    as_of: datetime
    feeds: tuple[FeedState, ...]
    balanced: bool
    in_flight: int
    accepted: Mapping[str, int]
    duplicate: Mapping[str, int]
    quarantined: Mapping[str, Mapping[str, int]]
    ignored: Mapping[str, Mapping[str, int]]
    disposed: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class EventEnding:
    """How one accepted event ended, as the ledger holds it: `no_match`, `suppressed:cooling`, `alert:<id>` ..."""

    as_of: datetime
    event_id: str
    disposition: str


@dataclass(frozen=True, slots=True)
class Receipts:
    """What became of a request's items, in order. All of it is durable: nothing of it need be sent again."""

    as_of: datetime
    feed: Feed
    accepted: int
    duplicate: int
    quarantined: int
    ignored: int
    items: tuple[ItemAnswer, ...]


@dataclass(frozen=True, slots=True)
class QuarantineList:
    """Records that could not be taken, newest first."""

    as_of: datetime
    feeds: tuple[FeedState, ...]
    items: tuple[QuarantineView, ...]


@dataclass(frozen=True, slots=True)
class QuarantineDetail:
    """One record that could not be taken."""

    as_of: datetime
    item: QuarantineView


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a record that was taken again."""

    as_of: datetime
    item_id: str
    items: tuple[ItemAnswer, ...]


@dataclass(frozen=True, slots=True)
class HeldList:
    """Intelligence that waits, or waited, for the police gatekeeper; newest first."""

    as_of: datetime
    feeds: tuple[FeedState, ...]
    held: tuple[HeldView, ...]


@dataclass(frozen=True, slots=True)
class HeldDetail:
    """One held item after a decision."""

    as_of: datetime
    held: HeldView


@dataclass(frozen=True, slots=True)
class Alive:
    """The process answers."""

    as_of: datetime
    status: str = "alive"


@dataclass(frozen=True, slots=True)
class ReadyShown:
    """Whether work is taken."""

    as_of: datetime
    ready: bool
    waiting_for: tuple[str, ...] = ()
