"""A backtest as a supervisor gets it: counted once, alike however it is shared, and careful with whom it shows."""

import json
import re
import time as time_module
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import msgspec
import pytest

from domain.errors import ConfigError
from domain.ids import MemberId
from domain.triggers import Priority
from fixtures.year import YEAR_BEGINS, YearSpec
from service.backtest import Backtest, Chosen, Report, Row, run
from service.backtest_capacity import Capacity, missed_clocks
from service.backtest_cohort import groups_from
from service.backtest_history import archived_from, cohort_of
from service.backtest_page import page
from service.backtest_report import assumptions, group_rates, headline, told
from service.backtest_source import export_to, plan_of
from service.backtest_tally import Call, Side, Window, shift_of, week_of
from service.backtest_told import read_backtest, sealed
from streams.archive import AlertOutcome
from streams.archive_parquet import ParquetArchive
from tests.backtest_bench import archive_year
from triggers.lifecycle_seal import is_sealed
from triggers.loading import shipped_rules
from triggers.rules import RuleSet

SPEC = YearSpec(people=45, events=12.0, navigators=5)
ENDS = YEAR_BEGINS + timedelta(days=380)
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> ParquetArchive:
    return archive_year(tmp_path_factory.mktemp("year") / "archive", SPEC)


@pytest.fixture(scope="module")
def tipt() -> RuleSet:
    return shipped_rules("tipt")


Judged = tuple[Report, list[Row]]


def fewer(rules: RuleSet, *without: str) -> RuleSet:
    return replace(rules, rules=tuple(rule for rule in rules.rules if rule.rule_id not in without))


def ask(
    rules: RuleSet, *, against: RuleSet | None = None, since: datetime = YEAR_BEGINS, until: datetime = ENDS
) -> Backtest:
    other = Chosen(against, "other", "the others") if against else None
    return Backtest(Chosen(rules, "digest", "these"), Window(since, until), other, rows=True)


@pytest.fixture(scope="module")
def whole(year: ParquetArchive, tipt: RuleSet) -> Judged:
    return judged(year, ask(tipt))


def judged(archive: ParquetArchive, asked: Backtest, *, processes: int = 1) -> Judged:
    rows: list[Row] = []
    report = run(asked, plan_of(archive, asked.window.since, asked.window.until), processes=processes, keep=rows.extend)
    return report, sorted(rows, key=lambda row: (row.side, row.firing_id))


def test_how_the_work_is_shared_changes_nothing(
    year: ParquetArchive, tipt: RuleSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.backtest_source.ROWS_AT_ONCE", 100)
    asked = ask(tipt, against=fewer(tipt, "CUSTODY_ARREST"))
    one, rows = judged(year, asked)
    two, others = judged(year, asked, processes=2)
    assert len(one.plan.chunks) > 3
    assert rows == others
    assert told(one, NOW) == told(two, NOW)


def test_time_asked_about_in_parts_is_the_whole(year: ParquetArchive, tipt: RuleSet, whole: Judged) -> None:
    middle = YEAR_BEGINS + timedelta(days=200)  # in the middle of windows of 365 days
    before = judged(year, ask(tipt, until=middle))[1]
    after = judged(year, ask(tipt, since=middle))[1]
    assert {row.firing_id for row in before} | {row.firing_id for row in after} == {row.firing_id for row in whole[1]}
    assert all(row.told_at >= middle for row in after)
    assert {row.rule for row in after} & {"ED_REPEAT_ASSAULT", "REPEAT_MISSING", "VICTIM_TO_SUSPECT"}


def test_rules_against_themselves_differ_in_nothing(year: ParquetArchive, tipt: RuleSet) -> None:
    tally = judged(year, ask(tipt, against=tipt))[0].tally
    assert (tally.added, tally.removed, tally.calls_added, tally.calls_removed, tally.examples, tally.urgency) == (
        {}, {}, 0, 0, [], {},
    )  # fmt: skip
    assert tally.sides[Side.RULES] == tally.sides[Side.AGAINST]


def test_alerts_that_stay_with_another_priority_are_told_everywhere(year: ParquetArchive, tipt: RuleSet) -> None:
    """CUSTODY_ARREST at P3 instead of what it is: nobody is called more or less often, but less urgently."""
    lowered = tuple(
        replace(rule, then=replace(rule.then, priority=Priority.P3, priorities=()))
        if rule.rule_id == "CUSTODY_ARREST"
        else rule
        for rule in tipt.rules
    )
    report, rows = judged(year, ask(replace(tipt, rules=lowered), against=tipt))
    result = told(report, NOW)
    difference = result["difference"]
    assert difference["alerts_less_urgent"] > 2 and difference["alerts_more_urgent"] == 0
    assert "P3" in {each["now"] for each in difference["priorities_changed"]}
    assert sum(each["alerts"] for each in difference["priorities_changed"]) == difference["alerts_less_urgent"]
    said = f"{difference['alerts_less_urgent']} would be less urgent and 0 more urgent"
    assert said in " ".join(headline(report)) and said in page(report, result)
    mine = [row for row in rows if row.side == "rules" and row.other_alert_priority]
    moved = {row.firing_id for row in mine if row.alert_priority > row.other_alert_priority}
    assert len(moved) >= difference["alerts_less_urgent"]
    backwards = judged(year, ask(tipt, against=replace(tipt, rules=lowered)))[0]
    assert told(backwards, NOW)["difference"]["alerts_more_urgent"] == difference["alerts_less_urgent"]


def test_a_rule_taken_away_is_told_with_examples_and_never_more_than_asked(year: ParquetArchive, tipt: RuleSet) -> None:
    asked = ask(fewer(tipt, "CUSTODY_ARREST"), against=tipt)
    tally = judged(year, replace(asked, window=replace(asked.window, examples=2)))[0].tally
    assert tally.removed["CUSTODY_ARREST"] > 2
    assert [(one.what, one.rule) for one in tally.examples if one.rule == "CUSTODY_ARREST"] == [
        ("removed", "CUSTODY_ARREST")
    ] * 2
    assert all(one.words and one.kinds for one in tally.examples)


def test_what_came_of_the_real_alerts_is_told_of_those_that_would_be_lost(
    tmp_path: Path, tipt: RuleSet, whole: Judged
) -> None:
    custody = [row for row in whole[1] if row.rule == "CUSTODY_ARREST" and row.state == "stands"]
    archive = archive_year(tmp_path / "archive", SPEC)
    archive.write([], [_closed(row, "engaged") for row in custody])
    tally = judged(archive, ask(fewer(tipt, "CUSTODY_ARREST"), against=tipt))[0].tally
    assert tally.lost_outcomes["engaged"] > 0
    assert tally.lost_outcomes["engaged"] + tally.kept_outcomes["engaged"] <= len(custody)
    assert {one.outcome for one in tally.examples if one.rule == "CUSTODY_ARREST"} == {"engaged"}


def _closed(row: Row, outcome: str) -> AlertOutcome:
    at = row.fired_at
    return AlertOutcome(
        f"a-{row.firing_id}", 3, "AAAA-BBBB", MemberId(row.member_id), None, row.area, row.priority, "closed", outcome,
        (row.rule,), (row.firing_id,), at, at, at,
    )  # fmt: skip


def test_a_feed_that_came_too_late_is_in_the_ledger_of_missed_moments(whole: Judged) -> None:
    tally = whole[0].tally
    assert tally.sides[Side.RULES].too_late
    assert all(one.told_at - one.fired_at > timedelta(hours=48) for one in tally.late if one.rule != "INTEL_THREAT")
    assert {one.feed for one in tally.late} <= {"police", "ed", "intel"}


def test_the_zone_of_the_machine_changes_nothing(
    year: ParquetArchive, tipt: RuleSet, whole: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Kathmandu")
        time_module.tzset()
        assert judged(year, ask(tipt))[1] == whole[1]
    time_module.tzset()


def test_no_history_is_told_as_none(tmp_path: Path, tipt: RuleSet) -> None:
    empty = ParquetArchive(tmp_path / "archive")
    empty.prepare()
    report, rows = judged(empty, ask(tipt))
    assert (report.plan.in_time, report.plan.whole) == (0, None)
    assert (report.plan.rows, rows, report.tally.people) == (0, [], 0)
    assert "nobody would be called" in " ".join(headline(report))
    assert "<h1>" in page(report, told(report, NOW))


def test_a_time_after_all_history_has_none_in_it_though_there_is_a_past(year: ParquetArchive) -> None:
    begins = ENDS + timedelta(days=30)
    plan = plan_of(year, begins, begins + timedelta(days=1))
    assert (plan.in_time, plan.rows > 0) == (0, True)
    before = plan_of(year, YEAR_BEGINS - timedelta(days=9), YEAR_BEGINS - timedelta(days=8))
    assert (before.rows, before.in_time, before.first, before.whole) == (0, 0, None, plan.whole)
    assert plan_of(year, YEAR_BEGINS, ENDS).in_time == plan_of(year, YEAR_BEGINS, ENDS).rows


def test_what_was_exported_and_read_again_says_the_same(
    tmp_path: Path, year: ParquetArchive, tipt: RuleSet, whole: Judged
) -> None:
    file = tmp_path / "history.ndjson"
    with file.open("wb") as stream:
        count = export_to(year, stream)
    again = archived_from(file, {}, tmp_path / "again")
    assert count == plan_of(year, YEAR_BEGINS, ENDS).rows
    assert judged(again, ask(tipt))[1] == whole[1]


def test_a_history_in_the_envelopes_words_needs_only_the_cohort(tmp_path: Path, tipt: RuleSet) -> None:
    (tmp_path / "cohort.csv").write_text(
        "member_id,status,date_of_birth,navigator_id,area\nM1,at_risk,2009-05-04,N1,Coventry\n"
    )
    said = {
        "member_id": "M1", "kind": "ed.arrival", "source_key": "V1", "occurred_at": "2025-03-02T09:00:00Z",
        "attributes": {"visit_key": "V1", "intent": "assault", "mechanism": "sharp"},
    }  # fmt: skip
    nobody = {**said, "member_id": "M9"}
    (tmp_path / "h.ndjson").write_text("\n".join(json.dumps(each) for each in (said, nobody, said)))
    people = cohort_of(tmp_path / "cohort.csv")
    archive = archived_from(tmp_path / "h.ndjson", people, tmp_path / "archive")
    report, rows = judged(archive, ask(tipt))
    assert sorted((row.rule, row.member_id, row.navigator) for row in rows) == [
        ("ED_LEFT_EARLY", "M1", "N1"),  # twelve hours without a word of leaving
        ("ED_WEAPON_ASSAULT", "M1", "N1"),
    ]
    assert report.tally.people == 1
    alerts = report.tally.sides[Side.RULES].alerts
    assert f"{alerts:.1f} alerts a week" in " ".join(headline(report)), "half a day of history is no week of such days"
    assert any("of the 1.0 weeks from the first" in said for said in assumptions(report))


def _line(**said: object) -> str:
    right = {"member_id": "M1", "kind": "ed.arrival", "source_key": "V", "occurred_at": "2025-03-02T09:00:00Z"}
    return json.dumps({**right, **said})


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("{", "it is not one JSON object in braces"),
        ("[1]", "it is not one JSON object in braces"),
        ('{"kind": "ed.arrival"}', "member_id is missing: it says in whose"),
        ('{"member_id": "M1"}', "kind is missing: it says what happened, like ed.arrival"),
        ('{"member_id": "M1", "kind": "party"}', "kind is none of our words; there are ed.arrival, ed.updated,"),
        ('{"member_id": "M1", "kind": "ed.arivl"}', r"kind is none of our words; did you mean ed.arrival\?"),
        ('{"member_id": "M1", "kind": 7}', "kind is none of our words"),
        ('{"member_id": "M1", "kind": "ed.arrival"}', "source_key is missing"),
        ('{"member_id": "M1", "kind": "ed.arrival", "source_key": "V"}', "occurred_at is missing: it says when"),
        (_line(received_at="2025-03-02 at nine"), "received_at is not a moment; write it like 2025-03-02T09:00:00Z"),
        (_line(recorded_at=[7]), "recorded_at is not a moment; write it like"),
        (_line(role="Victum"), r"role is none of our words; did you mean victim\?"),
        (_line(relation=7), "relation is none of our words; there are self, "),
        (_line(handling="Q"), "handling is none of our words; there are P, C, BLOCK, NONE"),
        (_line(attributes={"intent": "asault"}), r"attributes.intent is none of our words; did you mean assault\?"),
        (_line(attributes={"visit_key": 7}), "attributes.visit_key must be text in quotation marks"),
        (_line(attributes=["V1"]), "attributes must be an object in braces"),
        (_line(place={"lat": "north", "lon": 1.5}), "place.lat must be a number"),
        ('{"member_id": "M1", "kind": "ed.arrival", "source_key": "V", "occurred_at": "2025-03-02T09:00:00"}', "occurred_at does not name its zone; write it like 2025-03-02T09:00:00Z"),
        ('{"member_id": "M1", "kind": "ed.arrival", "source_key": "V", "occurred_at": "soon"}', "occurred_at is not a moment"),
    ],
)  # fmt: skip
def test_a_faulty_line_is_told_with_its_number_and_without_its_content(tmp_path: Path, line: str, word: str) -> None:
    (tmp_path / "cohort.csv").write_text("member_id,status\nM1,at_risk\n")
    (tmp_path / "h.ndjson").write_text(f"\n{line}\n")
    with pytest.raises(ConfigError, match=rf"line 2: {word}") as refused:
        archived_from(tmp_path / "h.ndjson", cohort_of(tmp_path / "cohort.csv"), tmp_path / "archive")
    assert not re.search(r"\$|`|Expected|Victum|asault|arivl|soon|at nine|party", str(refused.value))


def test_rates_by_group_keep_small_numbers_to_themselves(whole: Judged) -> None:
    rows = group_rates(whole[0], Side.RULES)
    assert {row["kind"] for row in rows} == {"age band", "area", "status"}
    for row in rows:
        assert row["people"] is None or row["people"] >= 5
        assert row["people_with_alerts"] in (None, 0) or row["people_with_alerts"] >= 5
    assert any(row["alerts_per_100_people"] for row in rows)


def test_sex_and_ethnicity_are_told_only_where_the_cohort_file_has_them(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        "member_id,status,date_of_birth,sex,ethnicity\nM1,at_risk,2009-05-04,male,A1\nM2,at_risk,,,\n"
    )
    found = groups_from(tmp_path / "c.csv", datetime(2026, 5, 4, tzinfo=UTC))
    assert found[MemberId("M1")] == {
        "age band": "16-17",
        "area": "unknown",
        "status": "at_risk",
        "sex": "male",
        "ethnicity": "A1",
    }
    assert set(found[MemberId("M2")]) == {"age band", "area", "status"}


@pytest.mark.parametrize("column", ["ethnicity", " Ethnic_Group "])
@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_cohort_file_with_ethnicity_serves_a_history_of_ones_own_too(tmp_path: Path, column: str, form: str) -> None:
    file = tmp_path / f"cohort.{form}"
    if form == "csv":
        file.write_text(
            f'member_id,{column},status,date_of_birth\n\nM1,"A, or\nB",at_risk,2009-05-04\nM2,A1,at_risk,\n'
        )
    else:
        person = {"member_id": "M1", "status": "at_risk", "identity": {"dates_of_birth": []}}
        file.write_text(f"{json.dumps({**person, column: 'A1'})}\n{json.dumps({**person, 'member_id': 'M2'})}\n")
    assert set(cohort_of(file)) == {"M1", "M2"}
    assert "ethnicity" in groups_from(file, NOW)[MemberId("M1")]


def test_faults_of_a_cohort_file_with_ethnicity_keep_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text('member_id,ethnicity,status\n\nM1,"A\nB",at_risk\nM2,A,imagined\nM3,A,at_risk,more\n')
    with pytest.raises(ConfigError, match=r"line 5.*line 6"):
        cohort_of(file)
    file.write_text("member_id,ethnicity,religion,status\nM1,A,B,at_risk\n")
    with pytest.raises(ConfigError, match="religion"):
        cohort_of(file)


def _calls(*starts: tuple[float, float, str]) -> Iterator[Call]:
    for at, by, priority in starts:
        yield Call("N1", NOW + timedelta(hours=at), NOW + timedelta(hours=by), priority, "R")


@pytest.mark.parametrize(
    ("calls", "capacity", "missed", "why"),
    [
        ([(10, 11, "P1")], Capacity(), 0, "one call is made at once"),
        ([(10, 11, "P1"), (10, 10.5, "P1")], Capacity(), 0, "the one whose clock ends first goes first"),
        ([(10, 11, "P1"), (10, 10.9, "P1"), (10, 11, "P1")], Capacity(), 1, "the third begins after two hours"),
        ([(10, 11.5, "P2"), (10, 11, "P1")], Capacity(), 0, "the more urgent first, the other still in time"),
        ([(2, 3, "P1")], Capacity(), 1, "nobody works before seven"),
        ([(2, 3, "P1")], Capacity(begins=time(0), ends=time(0)), 0, "around the clock somebody does"),
        ([(2, 3, "P1")], Capacity(begins=time(22), ends=time(6)), 0, "a night shift works over midnight"),
        ([(23.5, 24.5, "P1")], Capacity(), 1, "after eleven it waits for the morning"),
    ],
)
def test_clocks_are_missed_as_the_model_says(
    calls: list[tuple[float, float, str]], capacity: Capacity, missed: int, why: str
) -> None:
    assert missed_clocks(_calls(*calls), capacity).missed == missed, why


def test_weeks_and_shifts_are_londons() -> None:
    summer = datetime(2026, 7, 5, 23, 30, tzinfo=UTC)  # half past midnight on Monday in London
    assert week_of(summer) == date(2026, 7, 6)
    assert shift_of(summer) == (date(2026, 7, 5), "night")
    assert shift_of(summer.replace(hour=6)) == (date(2026, 7, 5), "early")


def test_the_page_holds_no_script_fetches_nothing_and_says_what_it_rests_on(
    year: ParquetArchive, tipt: RuleSet
) -> None:
    report, _ = judged(year, ask(fewer(tipt, "CUSTODY_ARREST"), against=tipt))
    html = page(report, told(report, NOW))
    assert not re.search(r"<script|https?://|@import|url\(|\sstyle=|\son\w+=", html)
    assert "default-src 'none'; style-src 'sha256-" in html
    assert html.count("<svg") == html.count("</svg>")
    assert all(f'aria-label="{name}' in html for name in ("Alerts in each week", "Alerts by hour"))
    assert "nobody covers for anybody" in html


def test_the_rule_book_takes_the_result(whole: Judged) -> None:
    report, rows = whole
    taken = read_backtest(msgspec.json.encode(told(report, NOW)))
    assert (taken.rules_digest, taken.firings, taken.made_at) == ("digest", len(rows), NOW)
    assert sum(taken.figures.values()) == len(rows)
    assert taken.judged == report.plan.in_time > 0
    assert taken.covered is not None and timedelta(days=300) < taken.covered <= ENDS - YEAR_BEGINS
    assert is_sealed(read_backtest(msgspec.json.encode(sealed(told(report, NOW), b"secret"))), b"secret")


def test_a_result_of_an_earlier_release_does_not_say_what_it_judged(whole: Judged) -> None:
    result = told(whole[0], NOW)
    del result["history"]
    taken = read_backtest(msgspec.json.encode(result))
    assert (taken.judged, taken.covered) == (None, timedelta(0))
