"""What authors of rule tests may write, and what is refused with words that say what would be right."""

from typing import Any

import pytest
import yaml

from domain.errors import RuleError
from domain.kinds import Kind
from streams.feeds.intel_grades import parse_grade
from streams.feeds.offences import offence_tables
from triggers.grade_spelling import grade_parts
from triggers.loading import load_reference, shipped_reference
from triggers.scenarios import read_scenario
from triggers.spelling import GROUPS_TOLD_ALONE, OFFENCE_SUBCLASSES, OFFENCES_SUPERSEDED, offence_code


def _said(kind: str, attributes: dict[str, Any], **line: Any) -> Any:
    text = yaml.safe_dump(
        {
            "name": "one",
            "cohort": [{"member_id": "M1"}],
            "timeline": [{"at": 0, "kind": kind, "member": "M1", "attributes": attributes, **line}],
        }
    )
    return read_scenario(text).steps[0].event


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("8N", "8N"),
        (" 8n ", "8N"),
        ("008/01", "8N"),
        ("105/01", "105A"),
        ("004/01", "4.1"),
        (4.1, "4.1"),
        ("4.10", "4.10"),
        (81, "81"),
        ("010D", "10D"),
        ("8F", "8N"),
        ("999X", "999X"),
    ],
)
def test_an_offence_is_its_group_code_however_spelt(written: object, code: str) -> None:
    assert offence_code(written) == code


def test_the_offence_spellings_are_those_of_the_border() -> None:
    table = offence_tables()[0]
    assert table.subclasses == OFFENCE_SUBCLASSES
    assert table.superseded == OFFENCES_SUPERSEDED
    assert table.told_alone == GROUPS_TOLD_ALONE
    for code in table.groups:
        for spelt in (code, code.lower(), f"0{code}", f"{code}/01" if code.isdigit() else code):
            assert offence_code(spelt) == table.code_of(spelt), spelt


def test_lists_of_a_force_from_before_groups_were_read_know_them_too() -> None:
    old = "reference: force\nversion: 1\nowner: us\nlists: {graves: [A1, A2], some: [A1]}\noffence_groups: {robbery: [A1, A2]}\n"
    reference = load_reference(old)
    assert reference.words("graves") == {"A1", "A2", "ROBBERY"}
    assert reference.words("some") == {"A1"}
    assert reference.groups_of(["ROBBERY"]) == {"robbery"}


def test_a_group_told_alone_is_on_the_lists_that_have_all_of_its_codes_and_on_no_other() -> None:
    reference, groups = shipped_reference(), offence_tables()[0].groups
    for group in GROUPS_TOLD_ALONE:
        codes = {code for code, names in groups.items() if group in names}
        assert reference.groups_of([group.upper()]) == {group}
        for name, words in reference.lists.items():
            assert (group.upper() in words) is (codes <= words), (group, name)


@pytest.mark.parametrize(
    ("kind", "attributes", "name", "value"),
    [
        ("ed.coded", {"code_system": "ICD-10", "code": "X99.4"}, "codes", ("icd10:X99.4",)),
        ("ed.coded", {"codes": ["X99", "276853009"]}, "codes", ("icd10:X99", "snomed:276853009")),
        ("ed.coded", {"codes": ["icd10:x99"]}, "codes", ("icd10:X99",)),
        ("ed.coded", {"code": {"system": "SNOMED CT", "code": 276853009}}, "codes", ("snomed:276853009",)),
        ("ed.arrival", {"intent": 276853009}, "codes", ("snomed:276853009",)),
        ("ed.arrival", {"intent": "Self-harm"}, "intent", "self_harm"),
        ("ed.arrival", {"mechanism": "blunt object"}, "mechanism", "blunt_object"),
        ("ed.arrival", {"chief_complaint": "suicidal"}, "codes", ("snomed:6471006",)),
        ("ed.coded", {"class": "assault", "coded_at": "2026-03-02T10:00:00Z"}, "code_class", "assault"),
        ("missing.reported", {"risk": "Very Low"}, "risk", "very_low"),
        ("missing.returned", {"duration": "6.5h"}, "duration_hours", 6.5),
        ("missing.reported", {"risk": "absent"}, "risk", "very_low"),
        ("crime.recorded", {"ho_code": 2, "group": "Violence with injury"}, "ho_code", "2"),
        ("crime.recorded", {"Group": "Homicide"}, "ho_code", "HOMICIDE"),
        ("crime.recorded", {"group": "Public order"}, "ho_code", None),
        ("crime.updated", {"group": "Homicide"}, "ho_code", None),
        ("crime.recorded", {"domestic_abuse": True}, "flags", ("domestic_abuse",)),
        ("custody.arrived", {"offences": ["10d", 92]}, "offences", ("10D", "92")),
        ("exploitation.flagged", {"flags": ["county lines"]}, "county_lines", True),
        ("nrm.referred", {"county_lines": "yes"}, "county_lines", True),
        ("intel.submitted", {"theme": "weapon"}, "themes", ("weapon",)),
        ("association.added", {"associate": "M2", "weight": 9.5}, "other_member", "M2"),
        ("da.incident", {"household_id": "H1"}, "household_key", "H1"),
    ],
)
def test_an_attribute_is_understood_as_its_author_meant_it(
    kind: str, attributes: dict[str, Any], name: str, value: object
) -> None:
    assert getattr(_said(kind, attributes).attributes, name) == value


@pytest.mark.parametrize("grade", ["1BP", "1/B/P", "1bp", {"source": "1", "assessment": "b", "handling": "p"}])
def test_a_grade_is_read_whole_or_in_parts(grade: object) -> None:
    read = _said("intel.submitted", {"grade": grade}).attributes.grade
    assert (read.source, read.assessment, read.handling) == (1, "B", "P")


@pytest.mark.parametrize(
    ("grade", "read"),
    [
        ("9ZZ", (None, None, "NONE")),
        ({"source": 7, "assessment": "B", "handling": "P"}, (None, "B", "P")),
        ("B24", (1, "A", "BLOCK")),
        ({"source": "E", "assessment": 3, "handling": 2}, (2, "B", "P")),
    ],
)
def test_a_malformed_part_of_a_grade_is_none_and_a_legacy_grade_is_mapped_down(
    grade: object, read: tuple[object, ...]
) -> None:
    found = _said("intel.submitted", {"grade": grade}).attributes.grade
    assert (found.source, found.assessment, found.handling) == read


def test_grades_are_read_as_the_border_reads_them() -> None:
    for grade in (f"{a}{b}{c}" for a in "123ABCDE" for b in "ABCDE12345" for c in ("P", "C", "1", "5")):
        found, border = grade_parts(grade), parse_grade(grade)
        told = {"source": border.source, "assessment": border.assessment, "handling": border.handling.value}
        assert found == {name: part for name, part in told.items() if part not in (None, "NONE")}, grade


def test_role_and_force_area_may_stand_among_the_attributes() -> None:
    event = _said("arrest.made", {"role": "charged", "force_area": "warwickshire"})
    assert event.mentions[0].role == "charged"
    assert event.place.force_area == "warwickshire"


@pytest.mark.parametrize(
    ("kind", "attributes", "words"),
    [
        ("ed.arrival", {"intnet": "assault"}, "'intnet' is not an attribute here; did you mean 'intent'"),
        ("ed.arrival", {"intent": "asault"}, "'intent' is 'asault', which it cannot be; did you mean 'assault'?"),
        (
            "da.incident",
            {"xyz": 1},
            "'xyz' is not an attribute here; da.incident may have children_present, crime_or_non",
        ),
        (
            "record.retracted",
            {"reason": "no"},
            "'reason' cannot stand here: record.retracted takes no attributes at all",
        ),
        ("ed.coded", {"code": "stabbed"}, "neither an ICD-10 code such as X99 nor a SNOMED CT id"),
        ("intel.submitted", {"grade": {"reliability": 1}}, "is not a part of a grade"),
        ("nrm.referred", {"county_lines": "perhaps"}, "neither true nor false"),
        ("ed.arrival", {"acuity": "high"}, "is not a number"),
        ("ed.arrival", {"arrival": "yesterday"}, "neither a span such as 9d nor a date and time"),
        ("no.such", {}, "'kind' is 'no.such', which it cannot be; there are ed.arrival"),
    ],
)
def test_what_nobody_could_have_meant_is_refused_with_what_would_be_right(
    kind: str, attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(RuleError, match="line"):
        _said(kind, attributes)
    try:
        _said(kind, attributes)
    except RuleError as error:
        assert words in str(error)


def test_every_kind_can_be_told_without_attributes() -> None:
    for kind in Kind:
        assert _said(kind.value, {}).kind is kind


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("a year beyond the calendar", {"at": "99999999999d"}),
        ("a year that no window fits before", {"received": "0001-01-02T00:00:00Z"}),
        ("a latitude beyond the pole", {"place": {"lat": 1e300, "lon": 0}}),
        ("a place that is a word", {"place": "home"}),
        ("attributes that are a list", {"attributes": ["assault"]}),
        ("a kind that is a list", {"kind": ["ed.arrival"]}),
    ],
)
def test_what_cannot_be_is_refused_before_it_runs(place: str, line: dict[str, Any]) -> None:
    entry = {"at": 0, "kind": "ed.arrival", "member": "M1", **line}
    with pytest.raises(RuleError, match="line"):
        read_scenario(yaml.safe_dump({"name": place, "cohort": [{"member_id": "M1"}], "timeline": [entry]}))
