"""Waits of calendar months: when they end, how they are written, and what is said of them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from triggers.cost import cost_of
from triggers.differences import differences
from triggers.explain import rule_sentence
from triggers.faults import RuleFileError
from triggers.loading import load_rules
from triggers.months import MOST_MONTHS, Months
from triggers.remarks import of_words
from triggers.rules import RuleSet
from triggers.schema import rules_schema

ENDS = [
    (12, "2026-03-02T09:00", "2027-03-02T09:00", "a year of 365 days"),
    (12, "2027-03-02T09:00", "2028-03-02T09:00", "a year with a 29 February: 366 days"),
    (12, "2028-02-29T09:00", "2029-02-28T09:00", "no such day: the last of the month"),
    (12, "2027-02-28T09:00", "2028-02-28T09:00", "the same day, though it is not the last of the month"),
    (1, "2026-01-31T09:00", "2026-02-28T09:00", "no such day: the last of the month"),
    (1, "2026-12-31T09:00", "2027-01-31T09:00", "over the end of the year"),
    (6, "2026-03-02T09:00", "2026-09-02T08:00", "the same hour in London, in summer"),
    (6, "2026-08-31T23:30", "2027-03-01T00:30", "the London day, which was 1 September"),
    (12, "2026-03-28T01:30", "2027-03-28T01:30", "an hour that London leaves out is taken as if it did not"),
    (23, "2026-03-02T09:00", "2028-02-02T09:00", "the longest"),
]


@pytest.mark.parametrize(("number", "since", "end", "why"), ENDS, ids=[row[3] for row in ENDS])
def test_they_end_on_the_same_london_day_and_hour(number: int, since: str, end: str, why: str) -> None:
    began = datetime.fromisoformat(since).replace(tzinfo=UTC)
    ended = Months(number).after(began)
    assert ended == datetime.fromisoformat(end).replace(tzinfo=UTC), why
    assert ended.tzinfo is UTC
    assert ended - began <= Months(number).longest
    assert abs(ended - began - Months(number).about) < timedelta(days=3)


def test_none_is_longer_than_history_is_kept() -> None:
    assert Months(MOST_MONTHS).longest <= timedelta(days=730)


def _data(within: str, headline: str = "Nobody has been to see them") -> dict[str, Any]:
    went: dict[str, Any] = {"event": {"kinds": ["visit.made"]}}
    rule = {
        "id": "NOT_SEEN",
        "version": 1,
        "owner": "somebody",
        "why": "To see it wait.",
        "sources": ["a page"],
        "when": {"absence": {"after": went, "within": within, "unless": went}},
        "then": {"priority": "P3", "headline": headline, "message_key": "trial.not_seen"},
    }
    return {"rule_set": "trial", "version": 1, "owner": "somebody", "rules": [rule]}


def _rules(within: str, headline: str = "Nobody has been to see them") -> RuleSet:
    return load_rules(json.dumps(_data(within, headline)))


def test_they_are_said_in_months() -> None:
    six, twelve = _rules("6mo"), _rules("12 mo")
    assert "within 6 months, nothing of" in rule_sentence(six.rules[0])
    assert [str(one) for one in differences(six, twelve)] == ["NOT_SEEN: waits 12 months instead of 6 months."]
    assert [str(one) for one in differences(_rules("365d"), twelve)] == [
        "NOT_SEEN: waits 12 months instead of 365 days."
    ]
    assert cost_of(twelve.rules[0]).reach == timedelta(days=372)


def test_words_that_tell_of_another_span_are_remarked_on() -> None:
    assert list(of_words(_rules("12mo", "Not seen for a year").rules[0])) == []
    ((told, path),) = of_words(_rules("6mo", "Not seen for a year").rules[0])
    assert (told, path) == (
        "it says 'for a year', and nothing in the rule is that long (it looks at 6 months); is it still right?",
        ("then", "headline"),
    )


REFUSED = [
    ("0mo", "must be between 1mo and 23mo"),
    ("24mo", "must be between 1mo and 23mo"),
    ("1.5mo", "a span is a number with m, h or d"),
    ("12 months", "a span is a number with m, h or d"),
    ("-1mo", "a span is a number with m, h or d"),
]


@pytest.mark.parametrize(("within", "message"), REFUSED)
def test_what_is_no_number_of_months_is_refused(within: str, message: str) -> None:
    with pytest.raises(RuleFileError, match=message):
        _rules(within)


def test_only_a_wait_is_told_in_months() -> None:
    data = _data("12mo")
    data["rules"][0]["when"] = {"count": {"of": {"event": {"kinds": ["ed.*"]}}, "at_least": 2, "within": "12mo"}}
    with pytest.raises(RuleFileError, match="months are known to the wait of an absence alone"):
        load_rules(json.dumps(data))
    assert list(Draft202012Validator(rules_schema()).iter_errors(data))


@pytest.mark.parametrize(("within", "good"), [("12mo", True), ("12 mo", True), ("365d", True), ("1.5mo", False)])
def test_the_schema_for_editors_knows_them(within: str, good: bool) -> None:
    assert (list(Draft202012Validator(rules_schema()).iter_errors(_data(within))) == []) is good
