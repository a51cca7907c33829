"""What the evaluator answers: every candidate firing with its decision, and why."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from domain.ids import EventId, FiringId, RuleId
from domain.people import Standing
from domain.triggers import Priority, TriggerFired


class FiringDecision(StrEnum):
    """Whether a candidate fired, and if not, why not. The words are ledger entries and metric labels."""

    FIRED = "fired"
    COOLING = "cooling"
    TOO_LATE = "too_late"
    HELD_FOR_GATEKEEPER = "held_for_gatekeeper"
    BLOCKED_BY_ORIGINATOR = "blocked_by_originator"
    UNDER_TEN = "under_ten"
    WATCH_NOT_STARTED = "watch_not_started"
    WATCH_ENDED = "watch_ended"
    REVIEW_OVERDUE = "review_overdue"
    NOT_WATCHED = "not_watched"
    FEED_NOT_ALLOWED = "feed_not_allowed"


DECISION_BY_STANDING: dict[Standing, FiringDecision] = {
    Standing.NOT_BEGUN: FiringDecision.WATCH_NOT_STARTED,
    Standing.ENDED: FiringDecision.WATCH_ENDED,
    Standing.REVIEW_OVERDUE: FiringDecision.REVIEW_OVERDUE,
    Standing.NOT_WATCHED: FiringDecision.NOT_WATCHED,
    Standing.FEED_NOT_ALLOWED: FiringDecision.FEED_NOT_ALLOWED,
}
"""What a standing other than in date means for a candidate."""


class Verdict:
    """One candidate and what became of it. `cooled_by` names the firing that keeps a cooling one quiet.

    `trigger`, with its reasons in words, is made when it is first asked for: most candidates of a long history are
    old ones that nobody will read again.
    """

    __slots__ = (
        "_make",
        "_trigger",
        "anchor",
        "cooled_by",
        "decision",
        "fired_at",
        "firing_id",
        "ground",
        "learnt_at",
        "occurrence",
        "priority",
        "rule_id",
    )

    def __init__(
        self,
        *,
        firing_id: FiringId,
        rule_id: RuleId,
        ground: str,
        anchor: EventId,
        fired_at: datetime,
        learnt_at: datetime,
        occurrence: str,
        priority: Priority,
        decision: FiringDecision,
        make: Callable[[], TriggerFired],
        cooled_by: FiringId | None = None,
    ) -> None:
        self.firing_id = firing_id
        self.rule_id = rule_id
        self.ground = ground
        self.anchor = anchor
        self.fired_at = fired_at
        self.learnt_at = learnt_at
        self.occurrence = occurrence
        self.priority = priority
        self.decision = decision
        self.cooled_by = cooled_by
        self._make = make
        self._trigger: TriggerFired | None = None

    @property
    def trigger(self) -> TriggerFired:
        """The firing itself (for one that did not fire: what it would have been)."""
        if self._trigger is None:
            self._trigger = self._make()
        return self._trigger

    @property
    def fired(self) -> bool:
        """Whether it fired."""
        return self.decision is FiringDecision.FIRED

    def __repr__(self) -> str:
        return f"Verdict({self.rule_id}, {self.decision}, {self.priority}, {self.fired_at.isoformat()})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Verdict):
            return NotImplemented
        return (self.trigger, self.decision, self.learnt_at, self.cooled_by) == (
            other.trigger,
            other.decision,
            other.learnt_at,
            other.cooled_by,
        )

    def __hash__(self) -> int:
        return hash((self.firing_id, self.decision))
