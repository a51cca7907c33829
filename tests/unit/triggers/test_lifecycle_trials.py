"""The rule tests of a version are run by the rules that each names, as `reachpoint rules test` runs them."""

from dataclasses import replace

from tests.unit.triggers.book import NOW
from triggers.lifecycle_contents import checkup, replacing, shipped_contents
from triggers.lifecycle_values import Contents, RuleText

BOTH = """rule_set: both
version: 1
owner: somebody
rules:
  - id: ANY_VISIT
    version: 1
    owner: somebody
    why: To see which rules a test is run by.
    sources: [a page]
    when: {event: {kinds: [ed.*], where: {intent: assault}}}
    then: {priority: P3, headline: Attended hospital, message_key: both.visit}
"""
HURT = """name: hurt
{rules}
cohort: [{{member_id: M1, status: non_engager, date_of_birth: 2009-05-04}}]
timeline: [{{at: 0h, kind: ed.arrival, member: M1, attributes: {{intent: assault, mechanism: blunt_object}}}}]
expect: [{expect}]
"""
OF_TIPT = "{at: 0h, member: M1, rule: ED_ASSAULT}"
OF_BOTH = "{at: 0h, member: M1, rule: ANY_VISIT}"


def failures(rules: str, *expect: str, contents: Contents | None = None) -> tuple[str, ...]:
    """What is wrong with the one test of a version of tipt and of another set."""
    version = contents or replacing(shipped_contents(("tipt",)), RuleText("both", BOTH))
    test = RuleText("t.yaml", HURT.format(rules=rules, expect=", ".join(expect)))
    found = checkup(replace(version, tests=(test,)), NOW)
    assert found.faults == () and found.passed == (not found.failed)
    return found.failed


def test_a_test_expects_what_the_sets_that_it_names_fire_and_nothing_else() -> None:
    assert failures("rules: tipt", OF_TIPT) == ()
    assert failures("rules: [both]", OF_BOTH) == ()
    assert failures("rules: [tipt, both]", OF_TIPT, OF_BOTH) == ()
    (missing,) = failures("rules: tipt", OF_TIPT, OF_BOTH)
    assert missing.startswith("t.yaml: hurt\nmissing:")


def test_a_test_that_names_none_is_run_by_the_whole_version() -> None:
    assert failures("about: all of it", OF_TIPT, OF_BOTH) == ()
    assert failures("about: all of it", OF_TIPT) != ()


def test_a_set_that_the_version_does_not_hold_is_the_shipped_one() -> None:
    alone = Contents((RuleText("both", BOTH),), shipped_contents(()).reference)
    assert failures("rules: tipt", OF_TIPT, contents=alone) == ()
    assert failures("rules: [tipt, both]", OF_TIPT, OF_BOTH, contents=alone) == ()


def test_a_set_of_the_version_stands_in_the_place_of_the_shipped_one_of_its_name() -> None:
    other = Contents((RuleText("tipt", BOTH.replace("both", "tipt", 1)),), shipped_contents(()).reference)
    assert failures("rules: tipt", OF_BOTH, contents=other) == ()


def test_a_file_is_the_set_of_its_name_and_one_that_the_version_knows_by_no_name_is_all_of_it() -> None:
    assert failures("rules: drafts/both.yaml", OF_BOTH) == ()
    assert failures("rules: [drafts/new.yaml]", OF_TIPT, OF_BOTH) == ()


def test_what_is_no_rule_set_is_told() -> None:
    (unknown,) = failures("rules: tpit", OF_TIPT)
    assert unknown == (
        "t.yaml: hurt\nits rules cannot be used: there is no rule set 'tpit' in this version, nor is one shipped; did "
        "you mean 'tipt'?"
    )
    assert "there are: both, programme, tipt" in failures("rules: wibble", OF_TIPT)[0]
    assert "'tipt' is named more than once" in failures("rules: [tipt, tipt]", OF_TIPT)[0]


def test_a_set_that_rests_on_another_of_the_version_is_tried_with_all_of_it() -> None:
    leaning = BOTH.replace("event: {kinds: [ed.*], where: {intent: assault}}", "fired: {rule: ED_ASSAULT}")
    version = replacing(shipped_contents(("tipt",)), RuleText("both", leaning))
    assert failures("rules: both", OF_TIPT, OF_BOTH, contents=version) == ()
    assert failures("rules: both", OF_BOTH, contents=version) != ()
