"""The intelligence gatekeeper (domain.md 3.3, rules.md INTEL_*): may a report alert by itself?

Pure: a grade and a handling code in, a decision with its reason out. Disclosure fails closed: what is absent or
malformed is treated as handling C, assessment E. A blocked report is never released by sanitising, only by regrading.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.attributes import Grade, Handling

PASSING_SOURCES = frozenset({1, 2})
"""3x5x2 source evaluations that may alert by themselves: reliable, untested."""

PASSING_ASSESSMENTS = frozenset({"A", "B", "C"})
"""3x5x2 assessments that may alert by themselves: known directly, corroborated, known indirectly."""


class Gate(StrEnum):
    """What may be done with a report."""

    PASS = "pass"  # noqa: S105 - not a password
    HOLD = "hold"
    BLOCK = "block"


class GateReason(StrEnum):
    """Why the gate decided as it did; kept in the ledger, never shown to a partner."""

    GRADED_TO_SHARE = "graded_to_share"
    RELEASED = "released"
    HANDLING_CONDITIONS = "handling_conditions"
    NO_HANDLING = "no_handling"
    SOURCE_NOT_RELIABLE = "source_not_reliable"
    ASSESSMENT_TOO_WEAK = "assessment_too_weak"
    NO_GRADE = "no_grade"
    ORIGINATOR_ONLY = "originator_only"


@dataclass(frozen=True, slots=True)
class GateDecision:
    """The decision and its reason."""

    gate: Gate
    reason: GateReason


def gate(grade: Grade, handling: Handling, *, released: bool = False) -> GateDecision:
    """Whether a report of this grade may alert by itself, waits for the gatekeeper, or never leaves.

    `handling` is the envelope's; the stricter of it and the grade's own counts. `released` is true once the
    gatekeeper has sanitised the report.
    """
    codes = {grade.handling, handling}
    if Handling.BLOCK in codes:
        return GateDecision(Gate.BLOCK, GateReason.ORIGINATOR_ONLY)
    if released:
        return GateDecision(Gate.PASS, GateReason.RELEASED)
    return _graded(grade, codes)


def may_release(grade: Grade, handling: Handling) -> bool:
    """Whether a sanitising that comes with this grade and handling releases the report: it does unless it says itself
    that the report is one that waits (handling C, source 3, assessment D or E). What it leaves out forbids nothing.
    """
    if Handling.C in (grade.handling, handling):
        return False
    return grade.source in (None, *PASSING_SOURCES) and grade.assessment in (None, *PASSING_ASSESSMENTS)


def _graded(grade: Grade, codes: set[Handling]) -> GateDecision:
    if grade.source is None and grade.assessment is None:
        return GateDecision(Gate.HOLD, GateReason.NO_GRADE)
    if Handling.C in codes:
        return GateDecision(Gate.HOLD, GateReason.HANDLING_CONDITIONS)
    if Handling.P not in codes:
        return GateDecision(Gate.HOLD, GateReason.NO_HANDLING)
    if grade.source not in PASSING_SOURCES:
        return GateDecision(Gate.HOLD, GateReason.SOURCE_NOT_RELIABLE)
    if grade.assessment not in PASSING_ASSESSMENTS:
        return GateDecision(Gate.HOLD, GateReason.ASSESSMENT_TOO_WEAK)
    return GateDecision(Gate.PASS, GateReason.GRADED_TO_SHARE)
