"""Does it matter? Every candidate firing of every rule over a person's whole history, with what becomes of each.

A pure function of the history as a set, in event time: order of arrival, doubling and splitting change nothing.
`kept` holds an answer ready for the person's next event, which then costs only what it touches.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import EventId, FiringId, MemberId, RuleId
from domain.people import CohortMember
from triggers.changes import Changes, compare
from triggers.history import History
from triggers.keeping import Kept, Step, kept
from triggers.rules import RuleSet
from triggers.verdicts import FiringDecision, Verdict

__all__ = ["Changes", "Due", "FiringDecision", "Kept", "Step", "Verdict", "compare", "due", "evaluate", "kept"]


def evaluate(
    rules: RuleSet, member: CohortMember, history: History, now: datetime | None = None
) -> tuple[Verdict, ...]:
    """All candidates of `rules` for `member` with their verdicts, by fired_at, rule and anchor.

    Deterministic: the same set of entries gives the same verdicts and the same firing ids, whatever their order.
    Absences that were due by `now` are among them; without `now` nobody keeps time, and there are none.
    """
    return kept(rules, member, history, now).verdicts


@dataclass(frozen=True, slots=True)
class Due:
    """What a rule will fire at `at` if nothing more is heard; `anchor` is the event that it has waited since."""

    at: datetime
    rule_id: RuleId
    member_id: MemberId
    anchor: EventId
    firing_id: FiringId
    step: str = ""


def due(rules: RuleSet, member: CohortMember, history: History, now: datetime | None = None) -> tuple[Due, ...]:
    """Every wait that has not ended by `now`, by the time at which it will: what a timer is to be set for.

    A timer that rings asks again (`evaluate` with its time as `now`): what was heard meanwhile decides.
    """
    return tuple(
        Due(one.learnt_at, one.rule_id, one.member_id, one.anchor, one.firing_id, one.trigger.step)
        for one in kept(rules, member, history, now).pending
    )
