"""Does it matter? Every candidate firing of every rule over a person's whole history, with what becomes of each.

A pure function of the history as a set, in event time: order of arrival, doubling and splitting change nothing.
`kept` holds an answer ready for the person's next event, which then costs only what it touches.
"""

from domain.people import CohortMember
from triggers.changes import Changes, compare
from triggers.history import History
from triggers.keeping import Kept, Step, kept
from triggers.rules import RuleSet
from triggers.verdicts import FiringDecision, Verdict

__all__ = ["Changes", "FiringDecision", "Kept", "Step", "Verdict", "compare", "evaluate", "kept"]


def evaluate(rules: RuleSet, member: CohortMember, history: History) -> tuple[Verdict, ...]:
    """All candidates of `rules` for `member` with their verdicts, by fired_at, rule and anchor.

    Deterministic: the same set of entries gives the same verdicts and the same firing ids, whatever their order.
    """
    return kept(rules, member, history).verdicts
