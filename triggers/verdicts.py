"""What the evaluator answers: every candidate firing with its decision, and why."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.ids import EventId, FiringId, MemberId, OccurrenceKey, RuleId, firing_id
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
    NOT_WATCHED = "not_watched"
    FEED_NOT_ALLOWED = "feed_not_allowed"


DECISION_BY_STANDING: dict[Standing, FiringDecision] = {
    Standing.NOT_BEGUN: FiringDecision.WATCH_NOT_STARTED,
    Standing.ENDED: FiringDecision.WATCH_ENDED,
    Standing.NOT_WATCHED: FiringDecision.NOT_WATCHED,
    Standing.FEED_NOT_ALLOWED: FiringDecision.FEED_NOT_ALLOWED,
}
"""What a standing other than in date means for a candidate."""


_RANKS = {priority: priority.rank for priority in Priority}


class Verdict:
    """One candidate and what became of it. `cooled_by` names the firing that keeps a cooling one quiet.

    A value: a later decision is another verdict (`judged`). The id, and `trigger` with its reasons in words, are made
    when they are first asked for: most candidates of a long history are old ones that nobody will read again.
    """

    __slots__ = (
        "_cooler",
        "_firing_id",
        "_make",
        "_trigger",
        "anchor",
        "basis",
        "decision",
        "due",
        "fired_at",
        "ground",
        "key",
        "lateness",
        "learnt_at",
        "member_id",
        "occurrence",
        "priority",
        "rule_id",
    )

    def __init__(
        self,
        basis: Any,
        make: "Callable[[Verdict], TriggerFired]",
        *,
        rule_id: RuleId,
        member_id: MemberId,
        ground: str,
        anchor: EventId,
        fired_at: datetime,
        learnt_at: datetime,
        occurrence: OccurrenceKey,
        priority: Priority,
        decision: FiringDecision,
        cooler: "Verdict | None" = None,
        due: bool = False,
        lateness: timedelta | None = None,
    ) -> None:
        self.rule_id = rule_id
        self.member_id = member_id
        self.ground = ground
        self.anchor = anchor
        self.fired_at = fired_at
        self.learnt_at = learnt_at
        self.lateness = learnt_at - fired_at if lateness is None else lateness
        self.occurrence = occurrence
        self.priority = priority
        self.decision = decision
        self.key = (fired_at, _RANKS[priority], anchor)  # the order in which a rule's candidates are judged
        self.due = due  # whether it is the clock that makes it fire
        self.basis = basis  # what `make` makes the firing of
        self._cooler = cooler
        self._make = make
        self._firing_id: FiringId | None = None
        self._trigger: TriggerFired | None = None

    def judged(self, decision: FiringDecision, cooler: "Verdict | None" = None) -> "Verdict":
        """The same candidate with this decision; itself if that is what it has."""
        if decision is self.decision and (cooler is None or self.cooled_by == cooler.firing_id):
            return self
        made = Verdict(
            self.basis,
            self._make,
            rule_id=self.rule_id,
            member_id=self.member_id,
            ground=self.ground,
            anchor=self.anchor,
            fired_at=self.fired_at,
            learnt_at=self.learnt_at,
            occurrence=self.occurrence,
            priority=self.priority,
            decision=decision,
            cooler=cooler,
            due=self.due,
            lateness=self.lateness,
        )
        made._firing_id, made._trigger = self._firing_id, self._trigger
        return made

    @property
    def firing_id(self) -> FiringId:
        """The identity of the firing."""
        if self._firing_id is None:
            self._firing_id = firing_id(
                rule=self.rule_id, member=self.member_id, anchor=self.anchor, ground=self.ground
            )
        return self._firing_id

    @property
    def cooler(self) -> "Verdict | None":
        """The firing that keeps this one quiet; None where nothing does."""
        return self._cooler

    @property
    def cooled_by(self) -> FiringId | None:
        """The id of the firing that keeps this one quiet."""
        return None if self._cooler is None else self._cooler.firing_id

    @property
    def trigger(self) -> TriggerFired:
        """The firing itself (for one that did not fire: what it would have been)."""
        if self._trigger is None:
            self._trigger = self._make(self)
        return self._trigger

    @property
    def fired(self) -> bool:
        """Whether it fired."""
        return self.decision is FiringDecision.FIRED

    @property
    def unguarded(self) -> bool:
        """Whether no guard stands against it: it fired, or only cooling or lateness kept it quiet."""
        return self.decision in _UNGUARDED

    def seen_at(self, now: datetime | None) -> bool:
        """Whether it can have fired by `now`: an absence only once it is due and what it waits from is known, and never
        where nobody keeps time. What arrives together with that, late, is heard before the absence is judged."""
        return not self.due or (now is not None and self.learnt_at <= now)

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


_UNGUARDED = frozenset({FiringDecision.FIRED, FiringDecision.COOLING, FiringDecision.TOO_LATE})


def canonical(verdict: Verdict) -> tuple[datetime, str, str, str, str]:
    """The order of an answer: by event time, rule and anchor."""
    return (verdict.fired_at, verdict.rule_id, verdict.anchor, verdict.ground, verdict.decision)
