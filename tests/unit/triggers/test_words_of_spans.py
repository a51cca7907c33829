"""Words of a span that is none of the rule's are told as a remark; words of one that is, and all others, are not."""

from dataclasses import replace

import pytest

from tests.unit.triggers.book import NOW
from triggers.faults import Remark, RuleFileError
from triggers.lifecycle_contents import checkup, shipped_contents
from triggers.lifecycle_values import RuleText
from triggers.loading import SHIPPED, load_rules, shipped_rules
from triggers.remarks import of_words

RULES = """rule_set: trial
version: 1
owner: somebody
rules:
  - id: TRIAL_ONE
    version: 1
    owner: somebody
    why: {why}
    sources: [a page]
    when: {{count: {{of: {{event: {{kinds: [ed.*], where: {{intent: assault}}}}}}, at_least: 2, within: {within}}}}}
    then: {{priority: P2, contact_within: 6h, headline: {headline}, message_key: trial.one, suggestion: {suggestion}}}
"""
PLAIN = "Something happened"


def said(within: str = "180d", **texts: str) -> tuple[Remark, ...]:
    words = {"why": "To see it work.", "headline": PLAIN, "suggestion": "Go and see them.", **texts}
    return load_rules(RULES.format(within=within, **words)).remarks


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_rules_say_what_they_do(name: str) -> None:
    assert [told for rule in shipped_rules(name).rules for told in of_words(rule)] == []


AGREE = [
    ("365d", "Hurt twice within a year"),
    ("180d", "Hurt twice within six months"),
    ("180d", "Hurt twice within half a year"),
    ("180d", "Hurt twice in 180 days"),
    ("14d", "Hurt twice within a fortnight"),
    ("14d", "Hurt twice within two weeks"),
    ("72h", "Hurt twice within 3 days"),
    ("180d", "Hurt twice; go within six hours"),
    ("180d", "Hurt twice within days"),
    ("180d", "Hurt in 2024 and 3 times since"),
    ("180d", "A 16 year old was hurt"),
    ("180d", "A 17-year-old was hurt; two 15 year olds too"),
    ("180d", "Hurt when aged 16 years or at 15 years of age"),
    ("180d", "Go in a day or two"),
    ("180d", "Quiet in the last weeks"),
    ("180d", "Hurt twice in the last six months"),
    ("7d", "Hurt twice in the last week"),
    ("180d", "Hurt twice in six months"),
]


@pytest.mark.parametrize(("within", "headline"), AGREE)
def test_words_that_agree_and_words_that_tell_no_span_are_left_alone(within: str, headline: str) -> None:
    assert said(within, headline=headline) == ()


@pytest.mark.parametrize(
    "words",
    [
        "Hurt twice within a year",
        "Hurt twice in 365 days",
        "Hurt in a 30-day time",
        "Quiet for two months",
        "Hurt twice in the last week",
        "Hurt twice over the past year",
        "Hurt twice in the last three months",
    ],
)
@pytest.mark.parametrize(
    ("place", "path", "line"),
    [("headline", ("then", "headline"), 11), ("why", ("why",), 8), ("suggestion", ("then", "suggestion"), 11)],
)
def test_words_that_agree_with_no_span_are_told_with_what_the_rule_has(
    words: str, place: str, path: tuple[str, ...], line: int
) -> None:
    (remark,) = said(**{place: words})
    assert (remark.rule, remark.path, remark.line) == ("TRIAL_ONE", path, line)
    assert remark.message.startswith("it says '")
    assert remark.message.endswith("(it looks at 180 days); is it still right?")


def test_in_so_long_is_a_span_where_it_is_said_aloud() -> None:
    assert [len(said(**{place: "Hurt twice in two months"})) for place in ("headline", "suggestion")] == [1, 1]


def test_a_reason_may_tell_what_a_study_found() -> None:
    assert said(why="A third came back in two years.") == ()
    assert len(said(why="A third came back in the last two years.")) == 1


def test_a_fault_elsewhere_hides_no_remark() -> None:
    sound = RULES.format(within="180d", why="So it is.", headline="Hurt twice within a year", suggestion="Go.")
    other = sound.partition("rules:\n")[2].replace("TRIAL_ONE", "TRIAL_TWO")
    with pytest.raises(RuleFileError) as refused:
        load_rules(sound + other.replace("assault", "asault"))
    assert [remark.rule for remark in refused.value.remarks] == ["TRIAL_ONE"]


def test_of_a_rule_whose_own_span_cannot_be_read_nothing_is_said_yet() -> None:
    with pytest.raises(RuleFileError) as refused:
        load_rules(RULES.format(within="36Sd", why="So.", headline="Hurt twice within a year", suggestion="Go."))
    assert refused.value.remarks == ()


def test_a_remark_keeps_a_version_from_nothing() -> None:
    shipped = shipped_contents()
    old = next(each for each in shipped.rules if each.name == "tipt").text
    shorter = RuleText("tipt", old.replace("at_least: 2, within: 365d", "at_least: 2, within: 180d"))
    found = checkup(replace(shipped, rules=(shorter,)), NOW)
    assert found.faults == ()
    places = [remark.partition(": it says")[0].partition(", ") for remark in found.remarks]
    assert [where for _line, _, where in places] == ["ED_REPEAT_ASSAULT, why", "ED_REPEAT_ASSAULT, then.headline"]
    assert all(line.startswith("tipt: line ") for line, _, _where in places)
