"""A file of rule tests tells all faults of all its tests at once, with line, test and what was meant; the sound tests
run all the same."""

import pytest

from triggers.faults import RuleFileError
from triggers.lifecycle_contents import checkup, shipped_contents
from triggers.lifecycle_values import Contents, RuleText
from triggers.loading import shipped_rules
from triggers.scenario_reader import DEFAULT_START
from triggers.scenarios import read_rule_tests, read_scenarios
from triggers.trial import run_scenario

SOUND = """
name: sound
cohort: [{member_id: M1, status: at_risk}]
timeline:
  - {at: 0h, kind: ed.arrival, member: M1, attributes: {visit_key: V1, intent: assault}}
expect:
  - {at: 0h, member: M1, rule: ED_ASSAULT}
"""
FAULTY = """
name: faulty
start: noon
cohort:
  - {member_id: M1, status: non_enager, date_of_birth: 2009-13-04, navigatr_id: N1, allowed_feeds: polise}
  - M2
timeline:
  - {at: 0 hours, kind: ed.arival, member: M9, role: patent, attributes: {visit_key: V1, intent: asault, acuity: high, site_odds: X}}
  - {at: 25h, knd: ed.departed, member: M1, place: {lat: 91, longitude: 3}}
  - {at: 25h, kind: crime.recorded, attributes: {flags: a, colour: b, shade: c}}
  - {at: 25h, member: M1}
expect:
  - {at: 24h, member: M1, rule: ABSNT, prority: P1}
  - {member: M1}
"""
TOLD = {
    3: ["'noon' is not a date and time"],
    5: [
        "'status' is 'non_enager', which it cannot be; did you mean 'non_engager'?",
        "'2009-13-04' is not a date such as 2009-05-04",
        "'navigatr_id' is not a field here; did you mean 'navigator_id'?",
        "'allowed_feeds' is 'polise', which it cannot be; did you mean 'police'?",
    ],
    6: ["an entry is a block of names and values, not 'M2'"],
    8: [
        "'0 hours' is neither a span such as 9d nor a date and time",
        "'kind' is 'ed.arival', which it cannot be; did you mean 'ed.arrival'?",
        "'role' is 'patent', which it cannot be; did you mean 'patient'?",
        "'intent' is 'asault', which it cannot be; did you mean 'assault'?",
        "'high' is not a number",
        "'site_odds' is not an attribute here; did you mean 'site_ods'?",
    ],
    9: [
        "'knd' is not a field here; did you mean 'kind'?",
        "'lat' is 91; it lies between -90 and 90",
        "'longitude' is not a field here",
    ],
    10: ["'colour' is not an attribute here", "'shade' is not an attribute here"],
    11: ["a timeline entry needs 'kind'"],
    13: ["'prority' is nothing a firing has; did you mean 'priority'?"],
    14: ["an expectation needs 'at'", "an expectation needs 'rule'"],
}


def test_all_faults_of_a_test_are_told_at_once_each_with_its_line_and_what_was_meant() -> None:
    (unread,) = read_rule_tests(FAULTY).unread
    found: dict[int, list[str]] = {}
    for fault in unread.faults:
        assert fault.rule == "faulty" and str(fault).startswith(f"line {fault.line}, faulty")
        found.setdefault(fault.line, []).append(fault.message)
    assert found.keys() == TOLD.keys()
    for line, wanted in TOLD.items():
        told = found[line]
        assert len(told) == len(wanted), told
        assert all(any(each.startswith(words) for each in told) for words in wanted), told


def test_the_sound_tests_of_a_file_still_run() -> None:
    tests = read_rule_tests(f"{SOUND}---{FAULTY}---{SOUND}")
    assert [test.name for test in tests.scenarios] == ["sound", "sound"]
    assert [unread.name for unread in tests.unread] == ["faulty"]
    assert all(run_scenario(test, shipped_rules()).passed for test in tests.scenarios)
    with pytest.raises(RuleFileError, match="has 21 faults"):
        read_scenarios(f"{SOUND}---{FAULTY}")


@pytest.mark.parametrize(
    ("spoilt", "line", "why"),
    [
        ("name: 'never closed\n", 9, "a quote that is not closed"),
        ("name: x\n\tcohort: []\n", 11, "a tab"),
        ("name: x\nname: y\n", 11, "a name given twice"),
        ("- one\n- two\n", 10, "a list"),
        ("words\n", 10, "words"),
    ],
)
def test_what_is_no_yaml_in_one_test_spoils_no_other(spoilt: str, line: int, why: str) -> None:
    tests = read_rule_tests(f"{SOUND}\n---\n{spoilt}---{SOUND}")
    assert len(tests.scenarios) == 2, why
    (unread,) = tests.unread
    (fault,) = unread.faults
    assert line <= fault.line <= line + 2, (why, fault)


def test_a_long_list_of_words_is_told_only_where_nothing_is_near() -> None:
    for kind, many in (("ed.arival", False), ("nothing.like.it", True)):
        (fault,) = read_rule_tests(f"name: x\ntimeline: [{{kind: {kind}}}]\n").faults
        assert ("crime.recorded" in fault.message) is many


def test_the_checkup_of_a_version_tells_them_and_runs_the_others() -> None:
    shipped = shipped_contents()
    contents = Contents(shipped.rules, shipped.reference, (RuleText("t.yaml", f"{SOUND}---{FAULTY}"),))
    found = checkup(contents, DEFAULT_START)
    assert found.passed == 1 and len(found.failed) == 21
    assert found.failed[0].startswith("t.yaml: line ")


def test_a_misspelt_rule_or_person_is_told_with_the_one_that_was_meant() -> None:
    (test,) = read_scenarios(SOUND.replace("rule: ED_ASSAULT", "rule: ED_ASAULT"))
    assert (
        "(no rule of this test is called ED_ASAULT; did you mean 'ED_ASSAULT'?)"
        in run_scenario(test, shipped_rules()).difference
    )
