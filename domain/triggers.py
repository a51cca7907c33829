"""What a rule says when it fires: the words that the rules' room and the alerts' room share."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.ids import EventId, FiringId, MemberId, RuleId


class Priority(StrEnum):
    """P1 reachable now or serious harm likely; P2 strong change; P3 pattern worth a planned visit (domain.md 9)."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"

    @property
    def rank(self) -> int:
        """1 is the most urgent."""
        return int(self.value[1])

    def outranks(self, other: "Priority") -> bool:
        """True if this one is more urgent than `other`."""
        return self.rank < other.rank


class Sensitivity(StrEnum):
    """Who may be told at all: everybody on the case, health-approved contacts only, or nobody before a gatekeeper."""

    STANDARD = "standard"
    HEALTH = "health"
    INTEL = "intel"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that made a rule true, in words a navigator may say aloud behind the login.

    `text` names no source, grade or informant; `event_id` lets the record show the rest to whoever may see it.
    """

    text: str
    event_id: EventId
    kind: str
    feed: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `alerts` alerts of one rule for one person within `within` (event time); a more urgent one comes."""

    alerts: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class TriggerFired:
    """A rule fired for a member. The same history always gives the same firing, with the same id.

    `fired_at` is event time: of the contributing event that completed the pattern. `ground` is the cooling key (the
    visit, the custody, the person harmed ... or ''). `expires_after` counts from `fired_at`.
    """

    firing_id: FiringId
    rule_id: RuleId
    rule_version: int
    member_id: MemberId
    priority: Priority
    fired_at: datetime
    anchor: EventId
    ground: str
    contributing: tuple[EventId, ...]
    reasons: tuple[Reason, ...]
    headline: str
    message_key: str
    sensitivity: Sensitivity = Sensitivity.STANDARD
    channels: tuple[str, ...] = ("sms", "email")
    contact_within: timedelta | None = None
    expires_after: timedelta | None = None
    late: bool = False
    suggestion: str = ""
    review: str = ""  # e.g. "disengagement": what the same firing also opens
    step: str = ""  # which of a rule's absences, where there are several: "20h"
    cap: Cap | None = None  # how many alerts of this rule the person may have
    lists: str = ""  # the reference lists it was judged by, with their version: "reachpoint@2"
    rule_set: str = ""  # the version of the rules that was live when it was decided: "rules@7"
