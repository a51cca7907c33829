"""The gatekeeper's rule (domain.md 3.3): what alerts by itself, what waits, what never leaves."""

import pytest

from domain.attributes import Grade, Handling
from triggers.gate import Gate, GateReason, gate

P, C, BLOCK, NONE = Handling.P, Handling.C, Handling.BLOCK, Handling.NONE


@pytest.mark.parametrize(
    ("grade", "handling", "released", "expected", "reason"),
    [
        pytest.param(Grade(1, "A", P), NONE, False, Gate.PASS, GateReason.GRADED_TO_SHARE, id="best grade"),
        pytest.param(Grade(2, "C", P), NONE, False, Gate.PASS, GateReason.GRADED_TO_SHARE, id="weakest that passes"),
        pytest.param(
            Grade(2, "C", NONE), P, False, Gate.PASS, GateReason.GRADED_TO_SHARE, id="handling on the envelope"
        ),
        pytest.param(Grade(3, "A", P), NONE, False, Gate.HOLD, GateReason.SOURCE_NOT_RELIABLE, id="source 3"),
        pytest.param(Grade(None, "A", P), NONE, False, Gate.HOLD, GateReason.SOURCE_NOT_RELIABLE, id="no source"),
        pytest.param(Grade(1, "D", P), NONE, False, Gate.HOLD, GateReason.ASSESSMENT_TOO_WEAK, id="assessment D"),
        pytest.param(Grade(1, "E", P), NONE, False, Gate.HOLD, GateReason.ASSESSMENT_TOO_WEAK, id="assessment E"),
        pytest.param(Grade(1, "a", P), NONE, False, Gate.HOLD, GateReason.ASSESSMENT_TOO_WEAK, id="malformed letter"),
        pytest.param(
            Grade(1, "A", C), P, False, Gate.HOLD, GateReason.HANDLING_CONDITIONS, id="the stricter handling counts"
        ),
        pytest.param(Grade(1, "A", NONE), NONE, False, Gate.HOLD, GateReason.NO_HANDLING, id="no handling"),
        pytest.param(Grade(), NONE, False, Gate.HOLD, GateReason.NO_GRADE, id="no grade at all"),
        pytest.param(Grade(), P, False, Gate.HOLD, GateReason.NO_GRADE, id="handling without a grade"),
        pytest.param(Grade(3, "E", C), C, True, Gate.PASS, GateReason.RELEASED, id="released by the gatekeeper"),
        pytest.param(
            Grade(1, "A", BLOCK), P, True, Gate.BLOCK, GateReason.ORIGINATOR_ONLY, id="blocked, though sanitised"
        ),
        pytest.param(
            Grade(1, "A", P), BLOCK, False, Gate.BLOCK, GateReason.ORIGINATOR_ONLY, id="blocked on the envelope"
        ),
    ],
)
def test_the_gate(grade: Grade, handling: Handling, released: bool, expected: Gate, reason: GateReason) -> None:
    decision = gate(grade, handling, released=released)
    assert (decision.gate, decision.reason) == (expected, reason)
