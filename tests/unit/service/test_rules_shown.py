"""The rule book on a terminal, in the days and words of whoever asked."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.commands.rules_shown import print_shadow, print_standing
from tests.unit.triggers.book import Trial, forecast, good
from triggers.shadowing import ShadowCount, ShadowReport


def test_a_backtest_is_shown_with_the_london_days_that_were_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    trial = Trial()
    number = trial.draft()
    standing = trial.book.standings[number]
    june, july = (datetime(2025, month, day, 23, tzinfo=UTC) for month, day in ((5, 31), (6, 30)))
    told = replace(forecast(standing.digest), since=june, until=july)
    print_standing(replace(standing, check=good(), backtest=told), ())
    shown = capsys.readouterr().out
    assert "12 firings from 01 Jun 2025 to 01 Jul 2025" in shown and "made" not in shown
    print_standing(replace(standing, check=good(), backtest=replace(told, vouched=False)), ())
    assert "not made by this service, or changed since" in capsys.readouterr().out
    print_standing(replace(standing, check=good(), backtest=replace(told, vouched=None)), ())
    assert "That backtest was made by an earlier release, which put no seal on it;" in capsys.readouterr().out


def test_a_remark_is_shown_with_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    trial = Trial()
    number = trial.draft()
    standing = trial.book.standings[number]
    print_standing(replace(standing, check=replace(good(), remarks=("trial: line 9, TRIAL_ONE: look",))), ())
    shown = capsys.readouterr().out
    assert "  Look at these again; they keep the version from nothing:\n    trial: line 9, TRIAL_ONE: look\n" in shown


SHADOWS = [
    (ShadowReport(7), "Version 7 runs in shadow; no event has come since.", "before any event"),
    (ShadowReport(7, missed=3), "no event has come since, 3 missed.", "only missed ones"),
    (ShadowReport(7, 5, beside=(6,)), "Version 7 in shadow beside 6: 5 events", "beside a version"),
    (ShadowReport(7, 5, beside=(0, 6)), "beside the shipped rules and 6: 5 events", "beside what is no version"),
    (ShadowReport(7, by_rule={"T1": ShadowCount(both=1)}), "beside the live rules: 0 events", "by the clock alone"),
]


@pytest.mark.parametrize(("report", "said", "why"), SHADOWS, ids=[row[2] for row in SHADOWS])
def test_the_shadow_says_what_it_stands_beside(
    report: ShadowReport, said: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_shadow(report)
    shown = capsys.readouterr().out
    assert said in shown, why
    assert "nothing" not in shown
