"""What the evaluator answers: every candidate firing with its decision, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.ids import FiringId
from domain.people import Standing
from domain.triggers import TriggerFired


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """One candidate and what became of it. `cooled_by` names the firing that keeps a cooling one quiet."""

    trigger: TriggerFired
    decision: FiringDecision
    learnt_at: datetime
    occurrence: str
    cooled_by: FiringId | None = None

    @property
    def fired(self) -> bool:
        """Whether it fired."""
        return self.decision is FiringDecision.FIRED
