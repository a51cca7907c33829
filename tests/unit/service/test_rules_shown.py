"""The rule book on a terminal, in the days and words of whoever asked."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.commands.rules_shown import print_standing
from tests.unit.triggers.book import Trial, forecast, good


def test_a_backtest_is_shown_with_the_london_days_that_were_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    trial = Trial()
    number = trial.draft()
    standing = trial.book.standings[number]
    june, july = (datetime(2025, month, day, 23, tzinfo=UTC) for month, day in ((5, 31), (6, 30)))
    told = replace(forecast(standing.digest), since=june, until=july)
    print_standing(replace(standing, check=good(), backtest=told), ())
    assert "12 firings from 01 Jun 2025 to 01 Jul 2025" in capsys.readouterr().out


def test_a_remark_is_shown_with_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    trial = Trial()
    number = trial.draft()
    standing = trial.book.standings[number]
    print_standing(replace(standing, check=replace(good(), remarks=("TRIAL_ONE: look",))), ())
    assert "Remark: TRIAL_ONE: look" in capsys.readouterr().out
