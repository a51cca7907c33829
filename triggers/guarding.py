"""What stands against a moment at which a pattern holds: guards that no rule can switch off, and the gate.

Nobody under ten is read as a suspect; intelligence waits for its gatekeeper (rules.md sections 3 and 4).
"""

from domain.kinds import SUSPECT_ROLES, Role
from triggers.gate import Gate
from triggers.moments import Moment
from triggers.patterns import EventPattern, Subject
from triggers.verdicts import FiringDecision

SUSPECT_FAMILIES = frozenset({"custody", "arrest"})
"""Families that read the person as a suspect whatever the condition says."""

SEARCHED = frozenset({Role.SEARCHED})
"""Whoever is searched is taken for somebody who carries something."""


def decide(pattern: EventPattern, moment: Moment, corrections: tuple[Moment, ...]) -> FiringDecision | None:
    """FIRED or the guard that stands against it, where the pattern holds; None where it does not stand corrections.

    It rests on the moment from which it stood without a break: what was taken away and came again begins anew.
    """
    asked = not corrections and pattern.still is pattern.where
    if not asked and not all(pattern.still_holds(each) for each in corrections or (moment,)):
        return None
    if moment.under_ten() and only_as_suspect(pattern, moment):
        return FiringDecision.UNDER_TEN
    if moment.occurrence.family == "intel":
        gates = {each.gate().gate for each in (moment, *corrections)}
        if Gate.BLOCK in gates:
            return FiringDecision.BLOCKED_BY_ORIGINATOR
        if Gate.HOLD in gates:
            return FiringDecision.HELD_FOR_GATEKEEPER
    return FiringDecision.FIRED


def only_as_suspect(pattern: EventPattern, moment: Moment) -> bool:
    """Whether the pattern reads them as a suspect: by its kind, by asking for it, or because in this record they are
    nothing else, whatever it asks. Where it is about a home, a suspect in it is one who lives there."""
    if pattern.suspect_side or moment.occurrence.family in SUSPECT_FAMILIES:
        return True
    if pattern.subject is Subject.SELF and moment.roles and moment.roles <= SUSPECT_ROLES | SEARCHED:
        return True
    return not moment.roles.isdisjoint(SUSPECT_ROLES) and not pattern.holds(moment.without_suspect_roles())
