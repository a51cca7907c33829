"""A word of a rule test that nothing knows and that is nearly one that something knows is most likely a slip."""

from dataclasses import replace

import pytest

from tests.unit.triggers.book import NOW
from triggers.lifecycle_contents import checkup, shipped_contents
from triggers.lifecycle_values import RuleText
from triggers.loading import shipped_rules
from triggers.rules import RuleSet
from triggers.scenario_words import remarks_by
from triggers.scenarios import read_scenario

TIPT = shipped_rules()
TEST = """name: slip
rules: tipt
cohort:
  - {{member_id: M1{member}}}
timeline:
  - {{at: 1h, kind: {kind}, member: M1{entry}}}
expect: []
"""


def remarks(kind: str, entry: str = "", member: str = "", rules: RuleSet = TIPT) -> list[str]:
    found = remarks_by(read_scenario(TEST.format(kind=kind, entry=entry, member=member)), rules)
    return [str(remark) for remark in found]


def said(kind: str, attributes: str) -> tuple[str, str]:
    return kind, f", attributes: {{{attributes}}}"


@pytest.mark.parametrize(
    ("entry", "where", "told"),
    [
        (said("intel.submitted", "themes: [gang, wepon]"), "themes", "nothing that we know says 'wepon'; did you mean"),
        (said("intel.submitted", "theme: wepon"), "theme", "report themes: nothing that we know says 'wepon'"),
        (
            said("stopsearch.recorded", "found: [knif]"),
            "found",
            "what the search found: nothing that we know says 'knif'; did you mean 'knife'?",
        ),
        (said("stopsearch.recorded", "found: kitchen knif"), "found", "'kitchen knif'; did you mean 'knife'?"),
        (
            said("ed.departed", "disposition: abscond"),
            "disposition",
            "how the visit ended: nothing that we know says 'abscond'; did you mean 'absconded'?",
        ),
        (
            said("crime.recorded", "ho_code: N8"),
            "ho_code",
            "'N8' has not the form of a Home Office code, such as 8N, 10D, 4.10 or 008/01; did you mean '8N'?",
        ),
        (said("crime.recorded", "offence: 1OD"), "offence", "did you mean '10D'?"),
        (said("crime.recorded", "ho_code: 8-N"), "ho_code", "did you mean '8N'?"),
        (said("custody.arrived", "offences: [10D, 10DD]"), "offences", "'10DD' has not the form"),
        (said("arrest.made", "offences: stabbing"), "offences", "such as 8N, 10D, 4.10 or 008/01"),
        (
            ("crime.recorded", ", place: {force_area: West Midlnds}"),
            "force_area",
            "force or area: nothing that we know says 'West Midlnds'; did you mean 'west_midlands'?",
        ),
        (said("arrest.made", "force_area: West Midlnds"), "attributes.force_area", "did you mean 'west_midlands'?"),
        (said("missing.found", "found_place: {force_area: West Midlnds}"), "found_place", "did you mean"),
    ],
)
def test_a_word_that_is_nearly_known_is_told(entry: tuple[str, str], where: str, told: str) -> None:
    (remark,) = remarks(*entry)
    place, _, message = remark.partition(": ")
    assert place.startswith("line 6, slip, timeline.0.") and place.endswith(where) and told in message


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (said("intel.submitted", "themes: [Threat to life, drugs, burglary, weather]"), "themes of one's own"),
        (said("stopsearch.recorded", "found: [lock knife, cannabis, cash, phone, nothing, stolen property]"), "finds"),
        (said("stopsearch.recorded", "found: []"), "nothing found"),
        (said("ed.departed", "disposition: Left before treatment"), "in other letters"),
        (said("ed.departed", "disposition: transferred"), "a word of one's own"),
        (said("crime.recorded", "ho_code: 10E"), "a code in no list: many are"),
        (said("crime.recorded", "ho_code: 195/94"), "class and subclass"),
        (said("crime.recorded", "ho_code: '00801'"), "run together"),
        (said("crime.recorded", "ho_code: 8g"), "one of 2010"),
        (said("crime.recorded", "ho_code: 4.10, flags: [domestc]"), "flags are open by design"),
        (("crime.recorded", ", place: {force_area: east-midlands}"), "it begins otherwise"),
        (("crime.recorded", ", place: {force_area: West Mercia}"), "another force"),
        (("crime.recorded", ", place: {lat: 52.1, lon: -1.5}"), "no force"),
    ],
)
def test_a_word_of_ones_own_is_left_alone(entry: tuple[str, str], why: str) -> None:
    assert remarks(*entry) == [], why


def test_the_places_of_the_cohort_are_known_and_looked_at() -> None:
    here = ", place: {force_area: stafordshire}"
    assert remarks("crime.recorded", here) == []
    (remark,) = remarks("crime.recorded", here, ", force_area: Staffordshire")
    assert "nothing that we know says 'stafordshire'; did you mean 'staffordshire'?" in remark
    (remark,) = remarks("crime.recorded", member=", area: Coventri")
    assert "line 4, slip, cohort.0.area: force or area: nothing that we know says 'Coventri'; did you mean" in remark


def test_what_is_known_is_what_the_rules_and_lists_of_the_test_say() -> None:
    own = replace(TIPT.reference, lists={**TIPT.reference.lists, "our_codes": frozenset({"assault"})})
    entry = said("crime.recorded", "ho_code: assault")
    assert remarks(*entry) and remarks(*entry, rules=replace(TIPT, reference=own)) == []
    assert remarks(*said("stopsearch.recorded", "found: [knif]"), rules=shipped_rules("programme")) == []


def test_the_checkup_of_a_version_tells_them() -> None:
    kind, entry = said("stopsearch.recorded", "found: [knif]")
    test = RuleText("t.yaml", TEST.format(kind=kind, entry=entry, member=""))
    found = checkup(replace(shipped_contents(), tests=(test,)), NOW)
    assert (found.passed, found.failed) == (1, ())
    assert found.remarks == (
        "t.yaml: line 6, slip, timeline.0.attributes.found: what the search found: nothing that we know says 'knif'; "
        "did you mean 'knife'?",
    )
