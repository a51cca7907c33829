"""What a backtest of some rules alone says of itself, and what it may not be taken for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from domain.errors import ConfigError, NotFound
from domain.ids import RuleId
from fixtures.year import YEAR_BEGINS, YearSpec
from service.backtest import Backtest, Chosen, Report, Row, only, run
from service.backtest_page import page
from service.backtest_report import assumptions, headline, told
from service.backtest_rules import judged_alone
from service.backtest_source import plan_of
from service.backtest_tally import Side, Window
from service.backtest_told import read_backtest, sealed
from service.commands import backtest as command
from streams.archive_parquet import ParquetArchive
from tests.backtest_bench import archive_year
from tests.unit.triggers.book import POLICY, Trial, good
from triggers.alone import Alone
from triggers.lifecycle import backtest, check
from triggers.lifecycle_seal import is_sealed
from triggers.lifecycle_values import Refusal, Refused
from triggers.loading import shipped_rules
from triggers.rules import RuleSet, rule_set

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SECRET = b"a secret for tests only"
ENDS = YEAR_BEGINS + timedelta(days=380)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> ParquetArchive:
    return archive_year(tmp_path_factory.mktemp("only") / "archive", YearSpec(people=40, events=20.0, navigators=5))


def asked(rules: RuleSet, against: RuleSet | None = None) -> Backtest:
    other = Chosen(against, "d2", "live") if against else None
    return Backtest(Chosen(rules, "d1", "tipt.yaml"), Window(YEAR_BEGINS, ENDS), other, rows=True)


def alone(of: Backtest, *names: str) -> Backtest:
    return only(of, judged_alone(names, of))


def judged(archive: ParquetArchive, of: Backtest) -> tuple[Report, list[Row]]:
    rows: list[Row] = []
    return run(of, plan_of(archive, YEAR_BEGINS, ENDS), processes=1, keep=rows.extend), rows


def changed(rules: RuleSet, name: str) -> RuleSet:
    return rule_set(
        rules.name,
        rules.version,
        [replace(each, tolerance=timedelta(hours=1)) if each.rule_id == name else each for each in rules.rules],
        rules.reference,
    )


def test_rules_alone_are_told_as_such_in_text_json_and_page(
    year: ParquetArchive, capsys: pytest.CaptureFixture[str]
) -> None:
    report, rows = judged(year, alone(asked(shipped_rules("tipt")), "ED_ASSAULT", "ED_REPEAT_ASSAULT"))
    result = told(report, NOW)
    words = (
        "Only ED_ASSAULT and ED_REPEAT_ASSAULT were judged, and ED_WEAPON_ASSAULT, about which they ask. Firings, "
        "alerts and clocks are of these rules alone: what other rules say of the same people is not in them, and so "
        "this is no forecast for publishing."
    )
    assert headline(report)[0] == words and words in page(report, result)
    assert result["only"] == {
        "rules": ("ED_ASSAULT", "ED_REPEAT_ASSAULT"),
        "asked_about": ("ED_WEAPON_ASSAULT",),
        "means": words,
    }
    command._tell(report)
    assert words in " ".join(capsys.readouterr().out.split())
    assert any("were passed over" in each for each in assumptions(report))
    both = {"ED_ASSAULT", "ED_REPEAT_ASSAULT"}
    assert result["figures"].keys() <= both and {each["rule"] for each in result["sides"]["rules"]["by_rule"]} <= both
    assert {row.rule for row in rows} <= both and rows
    assert {call.rule for call in report.tally.sides[Side.RULES].calls} <= both


def test_everybody_is_counted_of_whom_anything_was_heard(year: ParquetArchive) -> None:
    whole = judged(year, asked(shipped_rules("tipt")))[0]
    part = judged(year, alone(asked(shipped_rules("tipt")), "INTEL_CORROBORATED"))[0]
    assert (part.tally.people, part.tally.events) == (whole.tally.people, whole.tally.events)
    assert part.tally.groups == whole.tally.groups
    assert told(whole, NOW)["only"] is None and not any("Only" in each for each in headline(whole))


def test_a_rule_alone_has_one_rules_words(year: ParquetArchive) -> None:
    said = headline(judged(year, alone(asked(shipped_rules("tipt")), "MISSING_CHILD"))[0])[0]
    assert said.startswith("Only MISSING_CHILD was judged. Firings, alerts and clocks are of this rule alone")


def test_changed_are_the_rules_that_differ_and_those_that_ask_about_them(year: ParquetArchive) -> None:
    tipt = shipped_rules("tipt")
    of = asked(changed(tipt, "ED_WEAPON_ASSAULT"), tipt)
    assert judged_alone(["changed"], of) == Alone(("ED_ASSAULT", "ED_LEFT_EARLY", "ED_WEAPON_ASSAULT"))
    of = asked(changed(tipt, "ED_ASSAULT"), tipt)
    assert judged_alone(["changed"], of) == Alone(("ED_ASSAULT",), ("ED_WEAPON_ASSAULT",))
    fewer = rule_set("tipt", 1, [rule for rule in tipt.rules if rule.rule_id != "MISSING_CHILD"], tipt.reference)
    more = rule_set("tipt", 1, [*fewer.rules, replace(tipt.rules[0], rule_id=RuleId("NEW"))], tipt.reference)
    assert judged_alone(["changed"], asked(more, tipt)).rules == ("MISSING_CHILD", "NEW")
    other_lists = replace(tipt, reference=replace(tipt.reference, version=99))
    assert len(judged_alone(["changed"], asked(other_lists, tipt)).rules) == len(tipt.rules)


def test_a_comparison_of_changed_rules_tells_the_difference_that_the_whole_tells(year: ParquetArchive) -> None:
    tipt = shipped_rules("tipt")
    stricter = rule_set(
        "tipt",
        1,
        [replace(rule, who=tipt.rules[0].who) for rule in tipt.rules if rule.rule_id != "CUSTODY_ARREST"],
        tipt.reference,
    )
    of = asked(changed(stricter, "VIOLENCE_VICTIM"), tipt)
    whole, part = judged(year, of)[0].tally, judged(year, alone(of, "changed"))[0].tally
    assert (part.added, part.removed) == (whole.added, whole.removed)
    assert whole.removed["CUSTODY_ARREST"]


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [
        (["ED_REPEAT_ASAULT"], NotFound, "There is no rule 'ED_REPEAT_ASAULT' in tipt.yaml; did you mean 'ED_REPEAT_ASSAULT'?"),
        (["ed_repeat_assault"], NotFound, "did you mean 'ED_REPEAT_ASSAULT'?"),
        (["chnged"], NotFound, "did you mean 'changed'?"),
        (["MISSING_CHILD", "X"], NotFound, "There is no rule 'X' in tipt.yaml."),
        (["changed"], ConfigError, "--only changed needs --against"),
    ],
)  # fmt: skip
def test_a_name_that_no_side_knows_is_told_with_what_may_be_meant(
    names: list[str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as refused:
        judged_alone(names, asked(shipped_rules("tipt")))
    assert words in str(refused.value)


def test_where_nothing_differs_there_is_nothing_to_judge() -> None:
    tipt = shipped_rules("tipt")
    with pytest.raises(ConfigError, match=r"No rule of tipt.yaml differs from live"):
        judged_alone(["changed"], asked(tipt, tipt))
    gone = rule_set("tipt", 1, tipt.rules[1:], tipt.reference)
    assert judged_alone([tipt.rules[0].rule_id], asked(gone, tipt)).rules == (tipt.rules[0].rule_id,)


EDITS: list[Callable[[dict[str, object]], object]] = [
    lambda told: None,
    lambda told: told.pop("only"),
    lambda told: told.pop("seal"),
]


@pytest.mark.parametrize("edit", EDITS)
def test_a_part_is_no_forecast_of_a_version(year: ParquetArchive, edit: Callable[[dict[str, object]], object]) -> None:
    trial = Trial()
    number = trial.draft()
    trial.do(check(trial.book, number, good(), trial.act()))
    digest = trial.book.standings[number].digest
    of = replace(asked(shipped_rules("tipt")), rules=Chosen(shipped_rules("tipt"), digest, "tipt.yaml"))
    result = sealed(told(judged(year, alone(of, "MISSING_CHILD"))[0], NOW), SECRET)
    edit(result)
    refused = backtest(trial.book, number, read_backtest(msgspec.json.encode(result)), trial.act(), POLICY)
    assert isinstance(refused, Refused) and refused.reason is Refusal.BACKTEST_OF_A_PART
    assert "judged some of the rules alone (--only)" in refused.words and "without --only" in refused.words


def test_a_part_that_is_made_to_look_whole_has_a_broken_seal(year: ParquetArchive) -> None:
    result = sealed(told(judged(year, alone(asked(shipped_rules("tipt")), "MISSING_CHILD"))[0], NOW), SECRET)
    assert is_sealed(read_backtest(msgspec.json.encode(result)), SECRET)
    assert result["rules_digest"] == "part of d1"
    edited = {**result, "only": None, "rules_digest": "d1"}
    assert not is_sealed(read_backtest(msgspec.json.encode(edited)), SECRET)
