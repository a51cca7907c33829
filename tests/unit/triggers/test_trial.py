"""What a rule test compares, and where two readings of the pages are both right."""

import pytest

from triggers.language import span_of
from triggers.loading import shipped_rules
from triggers.scenario_reader import DEFAULT_START
from triggers.scenarios import read_scenario, span_from
from triggers.trial import Result, run_scenario

RULES = shipped_rules()

HELD_THEN_HEARD = """
name: the crime that spoke is cancelled and the one that was held takes its place
cohort: [{member_id: M1}]
timeline:
  - {at: 0h, kind: crime.recorded, source_key: A, member: M1, role: victim, attributes: {ho_code: 8N}}
  - {at: 2h, kind: crime.recorded, source_key: B, member: M1, role: victim, attributes: {ho_code: 8N}}
  - {at: 3h, kind: crime.cancelled, source_key: A, member: M1}
expect:
"""
FIRST = "  - {at: 0h, member: M1, rule: VIOLENCE_VICTIM}\n"
SECOND = "  - {at: 2h, member: M1, rule: VIOLENCE_VICTIM}\n"


def _result(expectation: str) -> Result:
    return run_scenario(read_scenario(HELD_THEN_HEARD + expectation), RULES)


@pytest.mark.parametrize(
    ("reading", "expectation"),
    [
        ("the alert lives on, with another ground", f"{SECOND}corrections: []\n"),
        ("the first was withdrawn and stays listed", f"{FIRST}{SECOND}corrections:\n{FIRST}"),
        ("the corrections are not compared", FIRST + SECOND),
    ],
)
def test_a_firing_whose_alert_lives_on_may_be_listed_and_need_not_be(reading: str, expectation: str) -> None:
    assert _result(expectation).passed, reading


@pytest.mark.parametrize(
    ("why", "expectation"),
    [
        ("the one that stands must be there", f"{FIRST}corrections:\n{FIRST}"),
        ("it may be listed once only", FIRST + FIRST + SECOND),
        ("and corrected once only", f"{SECOND}corrections:\n{FIRST}{FIRST}"),
    ],
)
def test_but_nothing_else_is_let_through(why: str, expectation: str) -> None:
    assert not _result(expectation).passed, why


@pytest.mark.parametrize("priority", ["P2", "p2", "2"])
def test_words_are_compared_without_their_case(priority: str) -> None:
    line = SECOND.replace("VICTIM}", f"VICTIM, priority: {priority}, late: false}}")
    assert _result(line).passed


def test_a_field_that_no_firing_has_is_told() -> None:
    with pytest.raises(Exception, match="'urgency' is nothing a firing has; there are at, member, rule, priority"):
        _result(SECOND.replace("VICTIM}", "VICTIM, urgency: P2}"))


@pytest.mark.parametrize(("step", "holds"), [("20h", True), ("1200m", True), ("24h", False), ("1", True), ("2", False)])
def test_a_step_may_be_any_span_that_is_as_long(step: str, holds: bool) -> None:
    text = f"""
name: no visit
cohort: [{{member_id: M1, status: referred}}]
timeline:
  - {{at: 0h, kind: referral.received, member: M1}}
  - {{at: 20h, kind: appointment.kept, member: M1}}
expect:
  - {{at: 20h, member: M1, rule: T1, step: {step}}}
"""
    assert run_scenario(read_scenario(text), shipped_rules("programme")).passed is holds


@pytest.mark.parametrize(
    ("stated", "holds", "why"),
    [
        ("contact_within: 24h", True, "a span"),
        ("contact_within: 1d", True, "a span that is as long"),
        ("contact_within: 1h", False, "another"),
        ("channels: [email, sms]", True, "in any order"),
        ("channels: sms;email", True, "as a cell"),
        ("channels: [sms]", False, "not all of them"),
        ("sensitivity: standard", True, "a word"),
        ("sensitivity: health", False, "another word"),
    ],
)
def test_whatever_a_firing_has_may_be_stated(stated: str, holds: bool, why: str) -> None:
    result = _result(SECOND.replace("VICTIM}", f"VICTIM, {stated}}}"))
    assert result.passed is holds, why
    if not holds:
        name = stated.partition(":")[0]
        assert f", {name} " in result.difference.partition("there came")[2], "what it really is, is told"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("  - {at: 2h, member: M1, rule: VIOLENCE_VICTM}\n", "no rule of this test is called VIOLENCE_VICTM"),
        ("  - {at: 2h, member: M9, rule: VIOLENCE_VICTIM}\n", "nobody of this test's cohort is called M9"),
    ],
)
def test_a_slip_of_the_pen_is_told_as_one(line: str, said: str) -> None:
    assert said in _result(line).difference


LOWERED = """
name: a crime is recorded as one code and re-coded as another
cohort: [{{member_id: M1, date_of_birth: 2005-05-04}}]
timeline:
  - {{at: 0h, kind: crime.recorded, source_key: A, member: M1, role: suspect, attributes: {{ho_code: {first}}}}}
  - {{at: 0h, received: 2h, kind: crime.updated, source_key: A, member: M1, attributes: {{ho_code: {then}}}}}
expect:
"""
AS_P1 = "  - {at: 0h, member: M1, rule: VIOLENT_SUSPECT, priority: P1}\n"
AS_P2 = "  - {at: 0h, member: M1, rule: VIOLENT_SUSPECT, priority: P2}\n"


@pytest.mark.parametrize("expectation", [AS_P1, AS_P2, AS_P1 + AS_P2])
def test_a_firing_that_was_made_less_urgent_may_be_stated_as_it_was_told(expectation: str) -> None:
    assert run_scenario(read_scenario(LOWERED.format(first="5D", then="8N") + expectation), RULES).passed


def test_one_that_became_more_urgent_is_stated_as_that() -> None:
    raised = LOWERED.format(first="8N", then="5D")
    assert not run_scenario(read_scenario(raised + AS_P2), RULES).passed
    assert run_scenario(read_scenario(raised + AS_P1 + AS_P2), RULES).passed


@pytest.mark.parametrize(
    ("at", "expect", "told", "why"),
    [
        ("24h", "48h", "at 24h, P2", "as the entry is written, not as 1d"),
        ("1d", "24h", "at 24h, P2", "an expectation's words before an entry's"),
        ("0", "1h", "at 0, P2", "a bare nothing too"),
        ("2026-03-04T10:00:00Z", "1h", "at 2026-03-04T10:00:00Z, P2", "a moment of the calendar"),
        ("1h", "207h", "at 207h, priority", "what is missing as it is written"),
    ],
)
def test_a_moment_is_told_as_its_author_wrote_it(at: str, expect: str, told: str, why: str) -> None:
    text = f"""
name: told
cohort: [{{member_id: M1}}]
timeline:
  - {{at: {at}, kind: crime.recorded, member: M1, role: victim, attributes: {{ho_code: 8N}}}}
expect:
  - {{at: {expect}, member: M1, rule: VIOLENCE_VICTIM, priority: P1}}
"""
    assert told in run_scenario(read_scenario(text), RULES).difference, why


@pytest.mark.parametrize(
    ("span", "told"),
    [
        ("0h", "0h"),
        ("45m", "45m"),
        ("90m", "1h 30m"),
        ("24h", "1d"),
        ("2400m", "40h"),
        ("48h", "2d"),
        ("49h", "2d 1h"),
        ("207h", "8d 15h"),
        ("3700m", "2d 13h 40m"),
        ("365d", "365d"),
        ("-3h", "-3h"),
        ("0.5m", "0.5m"),
    ],
)
def test_what_nobody_wrote_is_told_in_the_units_that_are_read_most_easily(span: str, told: str) -> None:
    assert span_from(DEFAULT_START, DEFAULT_START + span_of(span)) == told


def test_what_a_firing_has_is_told_in_the_same_units() -> None:
    wrong = _result(SECOND.replace("VICTIM}", "VICTIM, contact_within: 1h}")).difference
    assert "(there came: VIOLENCE_VICTIM for M1 at 2h, P2, contact_within 1d)" in wrong
    right = _result(SECOND.replace("VICTIM}", "VICTIM, contact_within: 24h, priority: P1}")).difference
    assert "contact_within 24h)" in right, "as the test states it, where that is as long"


DISPLACED = """
name: an earlier find is heard of later, and takes the alert over
cohort: [{member_id: M1}]
timeline:
  - {at: 10h, kind: crime.recorded, member: M1, role: suspect, attributes: {ho_code: 10D}}
  - {at: 0h, received: 20h, kind: crime.recorded, member: M1, role: suspect, attributes: {ho_code: 10D}}
expect:
  - {at: 0h, member: M1, rule: WEAPON_CARRYING}
corrections:
"""


@pytest.mark.parametrize(
    ("corrections", "passes", "why"),
    [
        ("  []", True, "the alert lives on: it may be left out"),
        ("  - {at: 10h, member: M1, rule: WEAPON_CARRYING}", True, "by the firing that was displaced"),
        ("  - {at: 20h, member: M1, rule: WEAPON_CARRYING}", True, "by when that was heard"),
        ("  - {at: 0h, member: M1, rule: WEAPON_CARRYING}", False, "the firing of that time stands"),
        ("  - {at: 5h, member: M1, rule: WEAPON_CARRYING}", False, "nothing happened then"),
        ("  - {at: 10h, member: M1, rule: VIOLENT_SUSPECT}", False, "another rule"),
    ],
)
def test_a_correction_that_nothing_caused_fails(corrections: str, passes: bool, why: str) -> None:
    result = run_scenario(read_scenario(DISPLACED + corrections), RULES)
    assert result.passed is passes, why
    if not passes:
        assert result.difference.startswith("missing:    correction of "), why


def test_the_one_that_stands_and_the_one_that_came_are_told() -> None:
    standing = "  - {at: 0h, member: M1, rule: WEAPON_CARRYING}"
    assert run_scenario(read_scenario(DISPLACED + standing), RULES).difference == (
        "missing:    correction of WEAPON_CARRYING for M1 at 0h (that firing stands) (there came: correction of "
        "WEAPON_CARRYING for M1 at 10h, P1)"
    )


@pytest.mark.parametrize("corrections", ["corrections: []\n", "corrections:\n" + AS_P1])
@pytest.mark.parametrize("expectation", [AS_P1, AS_P2, AS_P1 + AS_P2])
def test_a_firing_made_less_urgent_was_corrected_and_stands(expectation: str, corrections: str) -> None:
    text = LOWERED.format(first="5D", then="8N") + expectation + corrections
    assert run_scenario(read_scenario(text), RULES).passed


AGAIN = """
name: a find is taken back, and that was an error
cohort: [{{member_id: M1}}]
timeline:
  - {{at: 0h, kind: stopsearch.recorded, member: M1, source_key: K, attributes: {{found: [knife]}}}}
  - {{at: 2h, kind: record.retracted, member: M1, source_key: R, retracts: K}}
  - {{at: {at}, kind: record.retracted, member: M1, source_key: Z, retracts: {what}}}
{expect}
"""
FOUND = "  - {at: 0h, member: M1, rule: WEAPON_CARRYING}\n"
AGAIN_FIRES = [
    "unexpected: WEAPON_CARRYING for M1 at 0h, P1, taken back and standing again",
    "unexpected: correction of WEAPON_CARRYING for M1 at 0h, P1, standing again",
]
TAKEN_BACK = [
    "unexpected: WEAPON_CARRYING for M1 at 0h, P1, taken back",
    "unexpected: correction of WEAPON_CARRYING for M1 at 0h, P1",
]


@pytest.mark.parametrize(("what", "told"), [("R", AGAIN_FIRES), ("K", TAKEN_BACK)])
def test_what_became_of_a_firing_is_told(what: str, told: list[str]) -> None:
    nothing = AGAIN.format(at="3h", what=what, expect="expect: []\ncorrections: []")
    assert run_scenario(read_scenario(nothing), RULES).difference.splitlines() == told
    both = AGAIN.format(at="3h", what=what, expect=f"expect:\n{FOUND}corrections:\n{FOUND}")
    assert run_scenario(read_scenario(both), RULES).passed, "which of the two it is changes nothing that passes"
