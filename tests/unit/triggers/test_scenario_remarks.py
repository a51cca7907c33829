"""What looks like a slip in a rule test is remarked on, with its line; the test is run all the same, and may pass."""

from dataclasses import replace

import pytest

from tests.unit.triggers.book import NOW
from triggers.lifecycle_contents import checkup, shipped_contents
from triggers.lifecycle_values import RuleText
from triggers.scenarios import read_scenario

TEST = """name: hurt
rules: tipt
cohort:
  - {{member_id: M1, household_id: H1, associates: [A1], date_of_birth: 2009-05-04}}
  - {{member_id: A1}}
{more}
timeline:
  - {{at: 0h, kind: crime.recorded, member: M1, role: witness, source_key: C1, attributes: {{ho_code: 10D}}}}
  - {entry}
expect: []
"""
NOTHING = "{at: 1h, kind: crime.recorded, member: M1, role: witness, attributes: {ho_code: 10D}}"


def remarks(entry: str = NOTHING, more: str = "") -> list[str]:
    return [str(remark) for remark in read_scenario(TEST.format(more=more, entry=entry)).remarks]


def of(member: str, kind: str = "ed.arrival", more: str = "") -> str:
    return f"{{at: 1h, kind: {kind}, member: {member}{more}}}"


def test_an_entry_about_nobody_of_the_cohort_is_told_with_who_may_be_meant() -> None:
    assert remarks(of("M11")) == [
        "line 9, hurt, timeline.1.member: 'M11' is nobody's member_id in the cohort, and nobody's associate: this entry "
        "says nothing; did you mean 'M1'?"
    ]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (of("M1"), "a line of the cohort"),
        (of("A1"), "an associate of one"),
        (of("X9", "da.incident", ", attributes: {household_key: H1}"), "in the home of one"),
        (of("X9", "crime.updated", ", role: suspect, source_key: C1"), "a crime in which one is"),
        (of("X9", "crime.recorded", ", role: suspect, source_key: C1"), "a crime in which one is too"),
        (of("X9", "record.retracted", ", feed: police, retracts: C1"), "what takes another entry back"),
        ("{at: 1h, kind: da.incident, attributes: {household_key: H1}}", "an entry that names nobody"),
    ],
)
def test_who_concerns_somebody_of_the_cohort_is_left_alone(entry: str, why: str) -> None:
    assert remarks(entry) == [], why


def test_a_line_of_the_cohort_that_another_replaces_is_told() -> None:
    again = "  - {member_id: M1, status: disengaged}"
    assert remarks(more=again) == [
        "line 4, hurt, cohort.0.member_id: 'M1' has a line below too; only the last one counts"
    ]
    assert remarks(more="  - {member_id: M2}") == []


def test_what_is_received_before_it_happens_is_told() -> None:
    entry = "{at: 5h, received: 2h, kind: ed.arrival, member: M1}"
    assert remarks(entry) == [
        "line 9, hurt, timeline.1.received: it is received before it happens; is 'at' or 'received' wrong?"
    ]
    assert remarks(entry.replace("2h", "5h")) == []


def test_the_checkup_of_a_version_tells_them_and_the_test_passes() -> None:
    test = RuleText("t.yaml", TEST.format(more="", entry=of("M11")))
    found = checkup(replace(shipped_contents(), tests=(test,)), NOW)
    assert (found.passed, found.failed) == (1, ())
    (remark,) = found.remarks
    assert remark.startswith("t.yaml: line 9, hurt, timeline.1.member: 'M11'")


def said(kind: str, attributes: str, more: str = "") -> str:
    return f"{{at: 1h, kind: {kind}, member: M1{more}, attributes: {{{attributes}}}}}"


@pytest.mark.parametrize(
    ("entry", "where", "told"),
    [
        (
            said("status.changed", "status: closd"),
            "attributes.status",
            "'closd' is no status of a member, so this changes nothing; did you mean 'closed'?",
        ),
        (
            said("status.changed", "to: gone"),
            "attributes.to",
            "'gone' is no status of a member, so this changes nothing; there are referred, visit_due",
        ),
        (
            said("association.added", "associate: A11"),
            "attributes.associate",
            "'A11' has no line in the cohort (did you mean 'A1'?): nobody is linked",
        ),
        (
            said("intel.submitted", "grade: {source: 4, assessment: B, handling: P}"),
            "attributes.grade",
            "'source' of a grade is 1, 2 or 3 (A to E in a grade 5x5x5), not '4'; graded so, the report waits",
        ),
        (
            said("intel.regraded", "grade: {source: 1, assessment: F}"),
            "attributes.grade",
            "'assessment' of a grade is A",
        ),
        (
            said("intel.submitted", "grade: {source: 1, handling: Z}"),
            "attributes.grade",
            "'handling' of a grade is P or",
        ),
        (
            said("intel.submitted", "grade: {source: B, assessment: B}"),
            "attributes.grade",
            "1 to 5 where the source is",
        ),
        (said("intel.submitted", "grade: 4BP"), "attributes.grade", "it is no grade such as 1BP"),
        (of("M1", "record.retracted", ", retracts: C2"), "retracts", "no entry above has 'C2' as its source_key or"),
        (of("M1", "record.retracted", ", retracts: CC1"), "retracts", "takes nothing back; did you mean 'C1'?"),
        (
            of("M1", "record.retracted", ", retracts: K") + "\n  - " + of("M1", more=", source_key: K"),
            "retracts",
            "no entry above has 'K' as its source_key or event_id, so this takes nothing back; list what it takes back",
        ),
        (of("M1", "record.retracted", ", retracts: E, event_id: E"), "retracts", "it names itself"),
        (
            of("M1", "record.retracted", ", retracts: C1, feed: ed"),
            "retracts",
            "'C1' is an event of the feed police, and this is one of ed; nobody takes back what another feed said, so "
            "this takes nothing back; 'feed: police' would",
        ),
        (of("M1", "ed.cancelled", ", retracts: C1"), "retracts", "a record.retracted with 'feed: police' would"),
        (
            of("M1", "crime.cancelled", ", retracts: C1, source_system: other"),
            "retracts",
            "'C1' was told by another system, so this takes nothing back; 'source_system: scenario-police' would",
        ),
    ],
)
def test_words_that_say_nothing_are_told_with_what_would_be_right(entry: str, where: str, told: str) -> None:
    (remark,) = remarks(entry)
    assert remark.startswith(f"line 9, hurt, timeline.1.{where}: ") and told in remark


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (said("status.changed", "status: Non engager"), "a status in other letters"),
        (said("association.added", "other_member: A1"), "somebody of the cohort"),
        (said("intel.submitted", "grade: 1BP"), "a grade"),
        (said("intel.submitted", "grade: {source: 2}"), "a grade of which parts are left out"),
        (said("intel.submitted", "grade: {source: 2, assessment: c, handling: NONE}"), "a handling that is not given"),
        (said("intel.submitted", "grade: B24"), "a grade of the older kind"),
        (said("intel.submitted", "grade: null"), "no grade"),
        (of("M1", "record.retracted", ", retracts: C1"), "a source_key"),
        (of("M1", "stopsearch.recorded", ", retracts: C1, attributes: {found: [knife]}"), "in the place of another"),
        (of("M1", "crime.cancelled", ", retracts: C1"), "a cancellation"),
    ],
)
def test_words_that_say_something_are_left_alone(entry: str, why: str) -> None:
    assert remarks(entry) == [], why


def test_what_takes_back_by_the_name_that_the_file_gives_is_left_alone() -> None:
    named = NOTHING.replace("member", "event_id: x, member")
    assert remarks(f"{named}\n  - {{at: 2h, kind: record.retracted, retracts: x}}") == []
    assert remarks(f"{{at: 2h, kind: record.retracted, retracts: x}}\n  - {named}") == [], "listed later too"


def test_an_associate_without_a_line_is_told() -> None:
    (remark,) = remarks(more="  - {member_id: M2, associates: [M1, A11]}")
    assert remark == (
        "line 6, hurt, cohort.2.associates: 'A11' has no line in the cohort (did you mean 'A1'?): nothing that happens "
        "to them is heard"
    )


@pytest.mark.parametrize("name", ["starts", "ends", "review_on", "date_of_birth"])
def test_a_time_of_day_where_only_the_day_counts_is_told(name: str) -> None:
    (remark,) = remarks(more=f"  - {{member_id: M2, {name}: 2026-03-05T10:00:00Z}}")
    assert remark.endswith(f"cohort.2.{name}: only the day counts here, 2026-03-05; the time of day says nothing")
    assert remarks(more=f"  - {{member_id: M2, {name}: 2026-03-05}}") == []


CRIME = "{{at: 1h, kind: {kind}, member: M1, role: suspect, source_key: {key}, attributes: {{{said}}}}}"


@pytest.mark.parametrize(
    ("kind", "key", "said", "remarked", "why"),
    [
        ("crime.recorded", "C2", "group: Violence with injury", True, "it leaves open which offence it is"),
        ("crime.recorded", "C2", "group: Homicid", True, "no group at all"),
        ("crime.updated", "C2", "group: Homicide", True, "no code was told before"),
        ("crime.recorded", "C2", "group: Homicide", False, "it stands for its code"),
        ("crime.recorded", "C2", "group: Violence with injury, code: 8N", False, "the code says more"),
        ("crime.updated", "C1", "group: Weapons", False, "the code was told before"),
    ],
)
def test_a_crime_told_by_its_group_is_remarked_on_where_no_rule_hears_of_it(
    kind: str, key: str, said: str, remarked: bool, why: str
) -> None:
    found = remarks(CRIME.format(kind=kind, key=key, said=said))
    assert bool(found) is remarked, why
    assert all("line 9, hurt, timeline.1.attributes.group: no 'ho_code' is given" in one for one in found)
