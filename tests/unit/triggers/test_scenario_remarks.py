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
        "line 8, hurt, timeline.1.member: 'M11' is nobody's member_id in the cohort, and nobody's associate: this entry "
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
        "line 8, hurt, timeline.1.received: it is received before it happens; is 'at' or 'received' wrong?"
    ]
    assert remarks(entry.replace("2h", "5h")) == []


def test_the_checkup_of_a_version_tells_them_and_the_test_passes() -> None:
    test = RuleText("t.yaml", TEST.format(more="", entry=of("M11")))
    found = checkup(replace(shipped_contents(), tests=(test,)), NOW)
    assert (found.passed, found.failed) == (1, ())
    (remark,) = found.remarks
    assert remark.startswith("t.yaml: line 8, hurt, timeline.1.member: 'M11'")


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
    assert all("line 8, hurt, timeline.1.attributes.group: no 'ho_code' is given" in one for one in found)
