"""Nobody under ten is read as a suspect, whatever a rule asks: the guard is ours, and no rule can leave it out."""

from typing import Any

import pytest
import yaml

from triggers.loading import load_rules
from triggers.scenarios import read_scenario
from triggers.trial import run_scenario

CRIME: dict[str, Any] = {"event": {"kinds": ["crime.*"]}}
PATTERNS = {
    "any crime": CRIME,
    "by the offence": {"event": {"kinds": ["crime.*"], "where": {"offence": "10D"}}},
    "by the role": {"event": {"kinds": ["crime.*"], "where": {"role": "suspect"}}},
    "by what they are not": {"event": {"kinds": ["crime.*"], "where": {"not": {"role": "victim"}}}},
    "anything of the police": {"event": {"kinds": ["crime.*", "custody.*", "arrest.made"]}},
    "a count": {"count": {"of": CRIME, "at_least": 1, "within": "5d"}},
    "the first ever": {"first": {"of": CRIME}},
    "all of": {"all_of": {"of": [CRIME], "none_of": [{"event": {"kinds": ["visit.made"]}}], "within": "5d"}},
    "any of": {"any_of": [CRIME, {"event": {"kinds": ["missing.reported"]}}]},
    "custody": {"event": {"kinds": ["custody.arrived"]}},
    "an arrest": {"event": {"kinds": ["arrest.made"]}},
    "a search that found a knife": {"event": {"kinds": ["stopsearch.recorded"], "where": {"found": "knife"}}},
}
RECORDED = {
    "custody": ("custody.arrived", "arrested", {"custody_id": "C"}),
    "an arrest": ("arrest.made", "arrested", {"offences": ["10D"]}),
    "a search that found a knife": ("stopsearch.recorded", "searched", {"found": ["knife"]}),
}
SUSPECTED = ("crime.recorded", "suspect", {"ho_code": "10D"})


def fired(when: dict[str, Any], born: str, *told: tuple[str, str, dict[str, Any]]) -> list[str]:
    """What a rule that asks `when` says of somebody born on a day, who is in these records."""
    rule = {
        "id": "TRIAL", "version": 1, "owner": "somebody", "why": "To see whether it fires.", "sources": ["a page"],
        "when": when, "then": {"priority": "P2", "headline": "Something happened", "message_key": "a.trial"},
    }  # fmt: skip
    rules = load_rules(yaml.safe_dump({"rule_set": "trial", "version": 1, "owner": "somebody", "rules": [rule]}))
    timeline = [
        {"at": f"{hour}h", "kind": kind, "member": "M1", "role": role, "source_key": "K", "attributes": said}
        for hour, (kind, role, said) in enumerate(told)
    ]
    member = {"member_id": "M1", "status": "at_risk", "date_of_birth": born}
    story = {"start": "2026-03-02T09:00:00Z", "cohort": [member], "timeline": timeline, "expect": []}
    return [str(one.rule_id) for one in run_scenario(read_scenario(yaml.safe_dump(story)), rules).firings]


@pytest.mark.parametrize("about", PATTERNS)
def test_who_is_nine_is_never_read_as_a_suspect(about: str) -> None:
    told = RECORDED.get(about, SUSPECTED)
    assert fired(PATTERNS[about], "2016-03-03", told) == [], "ten tomorrow"
    assert fired(PATTERNS[about], "2016-03-02", told) == ["TRIAL"], "ten today"


@pytest.mark.parametrize("role", ["victim", "witness", "named"])
def test_who_is_nine_and_something_else_in_it_is_heard_of(role: str) -> None:
    assert fired(CRIME, "2016-03-03", ("crime.recorded", role, {"ho_code": "10D"})) == ["TRIAL"]
    both = (SUSPECTED, ("crime.role_added", role, {}))
    assert fired(CRIME, "2016-03-03", *both) == ["TRIAL"], "and a suspect besides"


@pytest.mark.parametrize("role", ["victim", "witness", "named"])
def test_who_is_nine_and_only_near_a_search_is_heard_of(role: str) -> None:
    found = ("stopsearch.recorded", role, {"found": ["knife"]})
    asked: dict[str, Any] = {"kinds": ["stopsearch.recorded"], "where": {"found": "knife"}}
    assert fired({"event": asked}, "2016-03-03", found) == ["TRIAL"]
    assert fired({"event": {**asked, "subject": "household"}}, "2016-03-03", found) == ["TRIAL"]


def test_a_home_is_heard_of_though_a_child_of_it_is_the_suspect() -> None:
    at_home = {"event": {"kinds": ["crime.*"], "subject": "household", "where": {"flags": "domestic_abuse"}}}
    told = ("crime.recorded", "suspect", {"ho_code": "8N", "flags": ["domestic_abuse"]})
    assert fired(at_home, "2016-03-03", told) == ["TRIAL"]
