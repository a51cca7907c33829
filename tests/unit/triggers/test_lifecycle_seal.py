"""A backtest's result is known again as ours, and whatever was changed in it is seen."""

from dataclasses import replace
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest

from domain.clock import ManualClock
from tests.unit.triggers.book import ANNA, NOW, TEST, contents, forecast, text
from triggers.lifecycle_desk import RuleDesk
from triggers.lifecycle_seal import is_sealed, seal_of
from triggers.lifecycle_values import NOT_VOUCHED, Backtested, RuleText
from triggers.memory import MemoryRuleBook, MemoryShadows

SECRET = b"the store's own"


def ours() -> Backtested:
    told = forecast("digest", ED_ASSAULT=7, TRIAL_ONE=5)
    told = replace(told, vouched=False, made_at=NOW)
    return replace(told, seal=seal_of(told, SECRET))


def test_what_was_sealed_is_known_again_however_it_is_written() -> None:
    told = ours()
    assert is_sealed(told, SECRET)
    elsewhere = told.since.astimezone(timezone(timedelta(hours=1)))
    assert is_sealed(replace(told, since=elsewhere, figures=dict(reversed(told.figures.items()))), SECRET)


CHANGES: list[dict[str, Any]] = [
    {"rules_digest": "other"},
    {"since": NOW - timedelta(days=9)},
    {"until": NOW - timedelta(days=9)},
    {"made_at": None},
    {"firings": 13},
    {"figures": {"ED_ASSAULT": 700, "TRIAL_ONE": 5}},
    {"figures": {}},
    {"judged": 1},
    {"covered": timedelta(days=300)},
    {"seal": ""},
    {"seal": "\u00e9"},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: "-".join(map(str, change)))
def test_whatever_is_changed_breaks_the_seal(change: dict[str, Any]) -> None:
    assert not is_sealed(replace(ours(), **change), SECRET)


def test_another_secret_and_no_secret_vouch_for_nothing() -> None:
    told = ours()
    assert not is_sealed(told, b"another")
    assert not is_sealed(replace(told, seal=seal_of(told, b"")), b"")


@pytest.mark.parametrize(("edited", "vouched"), [({}, True), ({"firings": 99_999}, False)])
async def test_the_desk_marks_what_it_does_not_vouch_for(edited: dict[str, Any], vouched: bool) -> None:
    desk = RuleDesk(MemoryRuleBook(), MemoryShadows(), clock=ManualClock(NOW.astimezone(UTC)), secret=SECRET)
    draft = await desk.submit(text(), "a try", ANNA, reference=contents().reference, tests=(RuleText("t", TEST),))
    told = replace(forecast(draft.digest, TRIAL_ONE=5), made_at=NOW, vouched=True)  # nobody vouches for themselves
    told = replace(told, seal=seal_of(told, SECRET))
    done = await desk.backtest(draft.number, replace(told, **edited), ANNA)
    assert done.backtest is not None
    assert done.backtest.vouched is vouched
    assert (NOT_VOUCHED in done.steps[-1].reason) is not vouched
