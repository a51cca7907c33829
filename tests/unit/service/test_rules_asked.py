"""The same file is judged alike wherever it is asked about: checked, tested, explained, submitted, backtested."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.errors import NotFound, RuleError
from service.backtest_rules import chosen_rules
from service.rule_tests import Bench, summary
from service.rulebook import ensure_book
from service.rules_asked import Asked, lists_in, read_wanted, together, wanted
from tests.unit.triggers.book import contents
from triggers.lifecycle_contents import checkup, replacing, shipped_contents
from triggers.lifecycle_reading import read_contents
from triggers.lifecycle_values import Contents, RuleText
from triggers.loading import shipped_rules
from triggers.memory import MemoryRuleBook

NOW = datetime(2026, 3, 2, tzinfo=UTC)
AFTER = """
rule_set: extra
version: 1
owner: Tester
about: a rule that rests on one of another file
rules:
  - id: {id}
    version: 1
    owner: Tester
    why: rests on the live rule beside it
    sources: [a page]
    when: {when}
    then: {{priority: P2, contact_within: 24h, headline: Something more, message_key: joined.burst}}
"""
FIRED = "{fired: {rule: ED_WEAPON_ASSAULT}}"
OF_A_LIST = "{event: {kinds: [crime.*], where: {flags: {in: hot_list}}}}"
TEST = """
name: one rule rests on another
rules: [{rules}]
cohort: [{{member_id: M1, status: at_risk, date_of_birth: 2008-03-03}}]
timeline:
  - {{at: 0h, kind: ed.arrival, member: M1, attributes: {{visit_key: V1, intent: assault, mechanism: sharp}}}}
expect:
  - {{at: 0h, member: M1, rule: ED_WEAPON_ASSAULT}}
  - {{at: 0h, member: M1, rule: AFTER_WEAPON}}
"""


def _written(folder: Path, when: str = FIRED, rule: str = "AFTER_WEAPON") -> Path:
    file = folder / "fx.yaml"
    file.write_text(AFTER.format(when=when, id=rule))
    return file


def _asked(which: str, reference: str | None = None) -> Asked:
    return read_wanted(asyncio.run(wanted(which, None, reference)))


@pytest.mark.parametrize(
    ("when", "rule", "lists", "sound", "why"),
    [
        (FIRED, "AFTER_WEAPON", False, True, "a rule that asks about one of another file"),
        (FIRED.replace("WEAPON", "WEAPN"), "AFTER_WEAPON", False, False, "a rule that asks about none that there is"),
        (FIRED, "ED_ASSAULT", False, False, "an id that another file has too"),
        ("{fired: {rule: ED_SELF_HARM_CRISIS}}", "AFTER_WEAPON", False, False, "what is for health-approved contacts"),
        ("{first: {of: {fired: {rule: QUIET_PERIOD}}}}", "AFTER_WEAPON", False, False, "built on a rule that waits"),
        (OF_A_LIST, "AFTER_WEAPON", True, True, "a list of its own reference lists"),
        (OF_A_LIST, "AFTER_WEAPON", False, False, "a list that the live ones have not"),
    ],
)
def test_checking_submitting_and_backtesting_agree(
    tmp_path: Path, when: str, rule: str, lists: bool, sound: bool, why: str
) -> None:
    file = _written(tmp_path, when, rule)
    own = shipped_contents().reference.replace("lists:\n", "lists:\n  hot_list: [street_robbery]\n", 1)
    (tmp_path / "ref.yaml").write_text(own)
    reference = lists_in(tmp_path / "ref.yaml" if lists else None)
    live = shipped_contents()

    checked = _asked(str(file), reference)
    submitted = checkup(replacing(live, RuleText("fx", file.read_text()), reference=reference), NOW)
    assert (not checked.faults) is (not submitted.faults) is sound, (why, checked.faults)
    told = [fault if fault.startswith("tipt: ") else f"extra: {fault}" for fault in checked.faults]
    assert told == list(submitted.faults)
    assert [f"extra: {remark}" for remark in checked.remarks] == list(submitted.remarks)
    if sound:
        assert asyncio.run(chosen_rules(str(file), None, reference)).rules.rule(rule) is not None
        assert checked.own is not None and [str(each.rule_id) for each in checked.own.rules] == [rule]
    else:
        with pytest.raises(RuleError):
            asyncio.run(chosen_rules(str(file), None, reference))


SLIP = "{event: {kinds: [stopsearch.recorded], where: {found: {in: [nife]}}}}"
OVER_A_YEAR = "{count: {of: {event: {kinds: [crime.*]}}, at_least: 2, within: 365d}}"


@pytest.mark.parametrize(
    ("when", "headline", "sound", "slips", "why"),
    [
        (SLIP, "Something more", True, ["did you mean 'knife'?"], "a word that nothing says"),
        (OVER_A_YEAR, "Twice within 30 days", True, ["it says '30 days'"], "words of another span"),
        (SLIP, "Twice within 30 days", True, ["did you mean 'knife'?", "it says '30 days'"], "both, by line"),
        (SLIP.replace("found", "fund"), "Something more", False, [], "a fault"),
        (OVER_A_YEAR, "Something more", True, [], "neither"),
    ],
)
def test_checking_and_submitting_remark_on_the_same(
    tmp_path: Path, when: str, headline: str, sound: bool, slips: list[str], why: str
) -> None:
    file = _written(tmp_path, when)
    file.write_text(file.read_text().replace("Something more", headline))
    live = shipped_contents()
    checked = _asked(str(file))
    submitted = checkup(replacing(live, RuleText("fx", file.read_text())), NOW)
    assert (not checked.faults) is sound, (why, checked.faults)
    assert [f"extra: {remark}" for remark in checked.remarks] == list(submitted.remarks), why
    assert len(checked.remarks) == len(slips) and all(map(str.__contains__, checked.remarks, slips)), checked.remarks
    assert all(remark.startswith("line 1") and ", AFTER_WEAPON, " in remark for remark in checked.remarks)


def test_a_backtest_by_other_lists_is_of_other_rules(tmp_path: Path) -> None:
    file = str(_written(tmp_path))
    live = asyncio.run(chosen_rules(file, None))
    other = asyncio.run(chosen_rules(file, None, shipped_contents().reference + "# another\n"))
    assert live.digest != other.digest


def _book() -> MemoryRuleBook:
    """A rule book whose live version is not the shipped one."""
    book = MemoryRuleBook()
    asyncio.run(ensure_book(book, NOW, shipped=contents(7)))
    return book


@pytest.mark.parametrize(
    ("which", "told", "ids"),
    [
        ("live", "live", ["TRIAL_ONE"]),
        ("1", "version 1", ["TRIAL_ONE"]),
        ("rules@1", "version 1", ["TRIAL_ONE"]),
        ("tipt", "tipt", [str(rule.rule_id) for rule in shipped_rules("tipt").rules]),
    ],
)
def test_every_command_knows_every_name_and_takes_lists_with_it(which: str, told: str, ids: list[str]) -> None:
    book, theirs = _book(), contents(7).reference if told != "tipt" else shipped_contents().reference
    found = asyncio.run(wanted(which, book))
    read = read_wanted(found)
    assert found.name == told and read.own is not None and [str(rule.rule_id) for rule in read.own.rules] == ids
    version = next(line for line in theirs.splitlines() if line.startswith("version:"))
    own = theirs.replace(version, "version: 12345", 1)
    chosen = asyncio.run(chosen_rules(which, book, own))
    assert chosen.rules.reference.version == 12345
    assert chosen.digest == replace(found.contents, reference=own).digest != found.digest
    assert found.digest == asyncio.run(chosen_rules(which, book)).digest == found.contents.digest


@pytest.mark.parametrize("which", ["imagined", "2", "rules@2", "extra@1"])
def test_a_name_that_stands_for_nothing_is_told(which: str) -> None:
    with pytest.raises(NotFound):
        asyncio.run(wanted(which, _book()))


def test_sets_that_a_test_names_are_read_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "t.yaml"
    file.write_text(TEST.format(rules="tipt, fx.yaml"))
    alone = tmp_path / "alone.yaml"
    alone.write_text(TEST.format(rules="fx.yaml"))
    rows = list(Bench(together(("tipt",)), together).rows([file, alone]))
    assert [row.passed for row in rows] == [True, False]
    assert not rows[1].ran and "there is no rule 'ED_WEAPON_ASSAULT'" in rows[1].difference
    assert summary(rows) == "1 passed, 0 failed, 1 could not be run"


def test_files_of_one_base_name_are_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, rule in (("a", "FIRST_RULE"), ("b", "OTHER_RULE")):
        (tmp_path / folder).mkdir()
        _written(tmp_path / folder, rule=rule)
    both = together(("tipt", "a/fx.yaml", "b/fx.yaml"))
    assert {"FIRST_RULE", "OTHER_RULE"} <= {str(rule.rule_id) for rule in both.rules}
    with pytest.raises(RuleError, match=r"^'a/fx.yaml' is named more than once$"):
        together(("tipt", "a/fx.yaml", "a/fx.yaml"))
    (tmp_path / "b" / "fx.yaml").write_text((tmp_path / "a" / "fx.yaml").read_text())
    with pytest.raises(RuleError) as told:
        together(("tipt", "a/fx.yaml", "b/fx.yaml"))
    assert str(told.value).splitlines() == [
        "b/fx.yaml: line 7, FIRST_RULE, id: there is a rule of this id in a/fx.yaml too (line 7)"
    ]


def test_what_holds_no_test_says_so(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "blank.yaml").write_text("# nothing yet\n")
    (tmp_path / "lost.yaml").write_text(TEST.format(rules="imagined"))
    bench = Bench(together(("tipt",)), together)
    rows = list(bench.rows([tmp_path / "folder", tmp_path / "blank.yaml", tmp_path / "lost.yaml"]))
    assert [row.difference for row in rows] == [
        "the folder holds no file of rule tests (.yaml)",
        "the file holds no rule test",
        "its rules cannot be used: there is no shipped rule set 'imagined'; there are: tipt, programme",
    ]
    assert not any(row.ran or row.passed for row in rows)
    with pytest.raises(OSError, match="nowhere"):
        list(bench.rows([tmp_path / "nowhere.yaml"]))


def test_remarks_on_a_test_come_with_it_and_hinder_nothing(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    stray = "- {at: 1h, received: 0h, kind: ed.arrival, member: M77, attributes: {disposition: abscond}}"
    file.write_text(f"name: nobody\ncohort: [{{member_id: M1}}]\ntimeline:\n  {stray}\nexpect: []\n")
    (row,) = Bench(together(("tipt",)), together).rows([file])
    assert row.passed and summary([row]) == "1 passed, 0 failed"
    assert [remark.partition(":")[0] for remark in row.remarks] == [
        "line 4, nobody, timeline.0.member",
        "line 4, nobody, timeline.0.received",
        "line 4, nobody, timeline.0.attributes.disposition",
    ]


def test_rules_that_are_not_there_are_told() -> None:
    with pytest.raises(NotFound):
        _asked("imagined")
    with pytest.raises(NotFound, match=r"rule file nowhere\.yaml"):
        _asked("/nowhere.yaml")


def test_rules_of_two_files_may_not_ask_in_a_circle() -> None:
    head = AFTER.replace("rule_set: extra", "rule_set: {name}")
    files = tuple(
        RuleText(name, head.format(name=name, id=own, when=f"{{fired: {{rule: {other}}}}}"))
        for name, own, other in (("one", "FIRST_RULE", "OTHER_RULE"), ("two", "OTHER_RULE", "FIRST_RULE"))
    )
    read = read_contents(Contents(files, shipped_contents().reference))
    assert [str(fault) for fault in read.faults] == [
        "one: line 7, FIRST_RULE: asks, in a circle, whether it has fired itself",
        "two: line 7, OTHER_RULE: asks, in a circle, whether it has fired itself",
    ]


def test_an_id_of_two_files_is_told_once_with_both_lines(tmp_path: Path) -> None:
    found = _asked(str(_written(tmp_path, rule="ED_ASSAULT")))
    (told,) = found.faults
    assert told.startswith("line 7, ED_ASSAULT, id: there is a rule of this id in tipt too (line ")


def test_a_misspelt_rule_set_line_is_told_and_not_drowned(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(shipped_contents(("tipt",)).rules[0].text.replace("rule_set: tipt", "rule_sett: tipt"))
    faults = _asked(str(file)).faults
    assert len(faults) == 2 and any("did you mean 'rule_set'?" in fault for fault in faults)


def test_a_fault_across_files_has_its_line(tmp_path: Path) -> None:
    (told,) = _asked(str(_written(tmp_path, "{fired: {rule: ED_SELF_HARM_CRISIS}}"))).faults
    assert told.startswith("line 13, AFTER_WEAPON, then.sensitivity: ED_SELF_HARM_CRISIS may be known to")
