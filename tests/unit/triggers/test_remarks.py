"""What looks like a slip in a sound rule is remarked on, with rule, path and line, and hinders nothing."""

import pytest

from triggers.faults import Fault, Remark, RuleFileError
from triggers.loading import SHIPPED, load_rules, shipped_rules
from triggers.rules import combined


def test_a_remark_says_where_it_is_as_a_fault_does() -> None:
    remark = Remark("ED_ASSAULT", ("then", "headline"), 12, "says a year")
    assert str(remark) == "line 12, ED_ASSAULT, then.headline: says a year"
    assert str(remark) == str(Fault("ED_ASSAULT", ("then", "headline"), 12, "says a year"))


def _file(where: str, kinds: str = "ed.*", who: str = "{}") -> str:
    return f"""
rule_set: words
version: 1
owner: Tester
rules:
  - id: WORDS
    version: 1
    owner: Tester
    why: one word that may be a slip
    sources: [a page]
    who: {who}
    when: {{event: {{kinds: [{kinds}], where: {where}}}}}
    then: {{priority: P1, headline: Something happened, message_key: joined.burst, expires_after: 14d}}
"""


def _faults(text: str) -> list[str]:
    with pytest.raises(RuleFileError) as refused:
        load_rules(text)
    return [fault.message for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("where", "kinds", "told", "why"),
    [
        (
            "{theme_family: gangg}",
            "intel.*",
            "'gangg' is not a word for theme family; did you mean 'gang'?",
            "a family",
        ),
        (
            "{offence_group: violnce}",
            "crime.*",
            "'violnce' is not a word for offence group; there are drugs",
            "a group",
        ),
        ("{alert_rules: WORD}", "alert.closed", "'WORD' is not a word for rules of the alert; did you mean", "a rule"),
        ("{source: 9}", "intel.*", "'source' can never be 9; it is between 1 and 3", "a grade"),
        ("{source: {at_least: 4}}", "intel.*", "'source' can never be at least 4", "grades beyond all"),
        ("{source: {less_than: 1}}", "intel.*", "'source' can never be less than 1", "grades before all"),
        ("{age: {at_least: 30, at_most: 17}}", "ed.*", "'age' can never be at least 30 and at most 17", "bounds"),
        ("{age: {more_than: 17, less_than: 18}}", "ed.*", "more than 17 and less than 18", "no year between"),
        ("{found_km: {more_than: 5, at_most: 5}}", "missing.*", "more than 5 and at most 5", "no distance between"),
        (
            "{all: [{age: {at_least: 16}}, {all: [{age: {at_most: 12}}]}]}",
            "ed.*",
            "at least 16 and at most 12",
            "apart",
        ),
        ("{not: {age: {at_least: 30, at_most: 17}}}", "ed.*", "'age' can never be", "the opposite of never"),
        (
            "{all: [{intent: assault}, {intent: accidental}]}",
            "ed.*",
            "it cannot be assault and accidental",
            "two words",
        ),
        ("{all: [{departed: true}, {departed: false}]}", "ed.*", "cannot be true and false at once", "two truths"),
    ],
)
def test_what_can_never_be_is_a_fault(where: str, kinds: str, told: str, why: str) -> None:
    (fault,) = _faults(_file(where, kinds))
    assert told in fault, why


@pytest.mark.parametrize(
    ("where", "kinds", "why"),
    [
        ("{age: {at_least: 17, at_most: 17}}", "ed.*", "one year"),
        ("{age: {more_than: 16, less_than: 18}}", "ed.*", "one year between"),
        ("{found_km: {more_than: 5, less_than: 5.5}}", "missing.*", "a part of a kilometre"),
        ("{any: [{age: {at_least: 30}}, {age: {at_most: 17}}]}", "ed.*", "either"),
        ("{all: [{role: victim}, {role: suspect}]}", "crime.*", "two roles in one record"),
        ("{all: [{intent: {in: [assault, unknown]}}, {intent: {in: [unknown]}}]}", "ed.*", "one word in common"),
        ("{theme_family: gang, source: {at_most: 2}}", "intel.*", "what there is"),
        ("{alert_rules: WORDS}", "alert.closed", "a rule of the file"),
        ("{found: {in: weapon_words}}", "stopsearch.recorded", "a list"),
        ("{codes: 'icd10:X99'}", "ed.*", "a code of a family"),
        ("{offence: 8n}", "crime.*", "a code in small letters"),
        ("{site: rga}", "ed.*", "sites are nobody's list"),
        ("{disposal: charged}", "custody.*", "a word that is like no listed one"),
        ("{programme: mentors_in_school}", "ed.*", "a programme of somebody's own"),
        ("{flags: looked_after}", "crime.*", "a flag of a force's own"),
        ("{area: northtown}", "ed.*", "an area that no list of ours has"),
    ],
)
def test_what_may_be_is_neither_a_fault_nor_remarked_on(where: str, kinds: str, why: str) -> None:
    assert load_rules(_file(where, kinds)).remarks == (), why


@pytest.mark.parametrize(
    ("where", "kinds", "told"),
    [
        ("{offence: 8ZZ}", "crime.*", "nothing that we know says '8ZZ'"),
        ("{offence: 5A}", "crime.*", "no feed says '5A'; it is told as '5D'"),
        ("{codes: X999}", "ed.*", "no feed says 'X999'; it is told as 'icd10:X999'"),
        ("{found: nife}", "stopsearch.recorded", "nothing that we know says 'nife'; did you mean 'knife'?"),
        ("{found: {in: [knife, nife]}}", "stopsearch.recorded", "did you mean 'knife'?"),
        ("{themes: wepon}", "intel.*", "did you mean 'weapon'?"),
        ("{flags: domestic_abus}", "crime.*", "did you mean 'domestic_abuse'?"),
        ("{outcome: declind}", "visit.made", "did you mean 'declined'?"),
        ("{area: coventrie}", "ed.*", "did you mean 'coventry'?"),
        ("{programme: tpit}", "ed.*", "did you mean 'tipt'?"),
    ],
)
def test_a_word_that_nothing_says_is_remarked_on_and_hinders_nothing(where: str, kinds: str, told: str) -> None:
    found = load_rules(_file(where, kinds))
    (remark,) = found.remarks
    assert told in remark.message and (remark.rule, remark.line) == ("WORDS", 12)
    assert len(found.rules) == 1


def test_remarks_are_told_beside_faults_and_kept_when_sets_are_joined() -> None:
    who = "{individual_engagement: wibble}"
    sound = load_rules(_file("{intent: assault}", who=who))
    assert [remark.message for remark in sound.remarks] == [
        "the person's own engagement: nothing that we know says 'wibble'; there are declined, engaged, withdrawn"
    ]
    assert combined([sound, shipped_rules()]).remarks == sound.remarks
    with pytest.raises(RuleFileError) as refused:
        load_rules(_file("{intent: asault}", who=who))
    assert refused.value.remarks == sound.remarks


def test_nothing_is_remarked_on_in_what_is_shipped() -> None:
    assert not any(shipped_rules(name).remarks for name in SHIPPED)
