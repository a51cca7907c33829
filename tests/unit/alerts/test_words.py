"""What may leave the house: length, characters, and nothing else than the rules of messages allow."""

import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.clocks import ClockPolicy, clocks_for, due_at, next_digest, working_day
from alerts.model import Channel, Clocks, Delivery, Purpose
from alerts.reference import ALPHABET, normalise_reference, reference_of
from alerts.rendering import SMS_LIMIT, WordingPolicy, render, septets
from domain.errors import ConfigError
from domain.triggers import Priority
from tests.unit.alerts.build import SECRET, START, at, delivery, raised

WORDING = WordingPolicy("https://reachpoint.example.com", "01632 960001")
CLOCKS = clocks_for(Priority.P1, START, ClockPolicy())
FORBIDDEN = re.compile(
    r"victim|suspect|police|hospital|ward|crime|assault|stab|injur|intel|custody|arrest|missing|nhs|weapon|watch|cohort|"
    r"member|navigator|young|family|rule|incident|health|crisis",
    re.IGNORECASE,
)


@pytest.mark.parametrize("repeats", [0, 1, 42, 10**6])
@pytest.mark.parametrize("priority", list(Priority))
@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_text_is_one_segment_says_the_reference_and_where_to_log_in_and_nothing_forbidden(
    purpose: Purpose, priority: Priority, repeats: int
) -> None:
    row = replace(delivery(raised(), purpose=purpose), repeats=repeats)
    text = render(row, row.reference, priority, CLOCKS, WORDING).body
    assert (septets(text) or 999) <= SMS_LIMIT
    assert row.reference in text
    assert f"{WORDING.base_url}/a/{row.reference}" in text
    assert "Log in" in text
    assert WORDING.call_back in text
    assert ("repeat" in text) == (repeats > 0)
    assert not FORBIDDEN.search(text)


@pytest.mark.parametrize("priority", list(Priority))
@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_mail_is_as_discreet_and_says_by_when(purpose: Purpose, priority: Priority) -> None:
    row = replace(delivery(raised(), Channel.EMAIL, purpose=purpose), repeats=2)
    message = render(row, row.reference, priority, CLOCKS, WORDING)
    for text in (message.subject, message.body):
        assert row.reference in text
        assert re.search("repeat 2", text, re.IGNORECASE)
        assert not FORBIDDEN.search(text)
        assert text.isascii()
    assert "\n" not in message.subject
    assert purpose is not Purpose.ALERT or "09:15 Mon" in message.body


def test_times_are_those_of_a_london_wall_clock() -> None:
    summer = datetime(2026, 7, 1, 20, 0, tzinfo=UTC)
    clocks = Clocks(summer, summer, summer)
    assert "21:00 Wed" in render(delivery(raised()), "BCDF-GHJK", Priority.P1, clocks, WORDING).body


def test_a_delivery_has_no_room_for_a_person() -> None:
    names = {field.name for field in fields(Delivery)}
    assert not names & {"to", "phone", "email", "address", "body", "text", "name", "member_id"}


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ({"base_url": "https://" + "a" * 90 + ".example.com"}, "a link that leaves no room"),
        ({"service_name": "Reachpoint ✓"}, "a character that makes it Unicode"),
        ({"call_back": "01632 960001 or 01632 960002 or 01632 960003 or 01632 960004"}, "too many numbers"),
    ],
)
def test_words_that_would_not_fit_are_refused_at_the_start(policy: dict[str, str], why: str) -> None:
    values = {"base_url": WORDING.base_url, "call_back": WORDING.call_back} | policy
    with pytest.raises(ConfigError):
        WordingPolicy(**values)


@pytest.mark.parametrize(
    ("text", "length"), [("abc", 3), ("a~b", 4), ("€", 2), ("[]", 4), ("é", 1), ("✓", None), ("ç", None)]
)
def test_septets(text: str, length: int | None) -> None:
    assert septets(text) == length


@given(st.text(min_size=1))
def test_a_reference_is_speakable_and_the_same_each_time(key: str) -> None:
    reference = reference_of(key, SECRET)
    assert re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", reference)
    assert reference_of(key, SECRET) == reference
    assert normalise_reference(reference.lower().replace("-", " ")) == reference


def test_a_reference_once_told_is_the_same_in_every_release() -> None:
    """Somebody has it on a piece of paper."""
    assert reference_of("39d83bddf22c6386955ab6d7bd41cc2b", b"0123456789abcdef") == "ZDT2-XR6D"


def test_a_reference_cannot_be_made_without_the_secret() -> None:
    assert reference_of("a", SECRET) != reference_of("a", SECRET + b"!")
    with pytest.raises(ConfigError):
        reference_of("a", b"short")
    assert not set("AEIOU01L") & set(ALPHABET)


@pytest.mark.parametrize("typed", ["", "ABCD-EFGH", "BCDF-GHJ", "BCDF-GHJKM", "BCDF GHJ0"])
def test_what_cannot_be_a_reference_is_none(typed: str) -> None:
    assert normalise_reference(typed) == ""


DIGESTS = [
    (datetime(2026, 3, 2, 6, 0, tzinfo=UTC), datetime(2026, 3, 2, 7, 30, tzinfo=UTC), "before the first"),
    (datetime(2026, 3, 2, 7, 30, tzinfo=UTC), datetime(2026, 3, 2, 7, 30, tzinfo=UTC), "at the first"),
    (datetime(2026, 3, 2, 7, 31, tzinfo=UTC), datetime(2026, 3, 2, 16, 0, tzinfo=UTC), "between"),
    (datetime(2026, 3, 2, 23, 0, tzinfo=UTC), datetime(2026, 3, 3, 7, 30, tzinfo=UTC), "after the last"),
    (
        datetime(2026, 3, 28, 23, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 6, 30, tzinfo=UTC),
        "the night summer time begins",
    ),
    (datetime(2026, 10, 24, 23, 0, tzinfo=UTC), datetime(2026, 10, 25, 7, 30, tzinfo=UTC), "the night it ends"),
    (datetime(2026, 7, 1, 23, 30, tzinfo=UTC), datetime(2026, 7, 2, 6, 30, tzinfo=UTC), "after London's midnight"),
]


@pytest.mark.parametrize(("now", "expected", "why"), DIGESTS, ids=[row[2] for row in DIGESTS])
def test_digests_keep_london_time(now: datetime, expected: datetime, why: str) -> None:
    assert next_digest(now, ClockPolicy()) == expected, why


def test_only_planned_visits_wait_for_the_digest() -> None:
    assert due_at(Priority.P1, START, ClockPolicy()) == START
    assert due_at(Priority.P2, START, ClockPolicy()) == START
    assert due_at(Priority.P3, START, ClockPolicy()) == at(7 * 60)


def test_clocks_of_each_priority() -> None:
    policy = ClockPolicy()
    assert clocks_for(Priority.P1, START, policy) == Clocks(at(1), at(15), at(60))
    assert clocks_for(Priority.P2, START, policy) == Clocks(at(5), at(60), at(24 * 60))
    planned = clocks_for(Priority.P3, START, policy, timedelta(hours=1))
    assert planned.contact_by == datetime(2026, 3, 9, 17, 0, tzinfo=UTC)  # five working days after a Monday


def test_working_days_leave_out_weekends_and_holidays() -> None:
    friday = datetime(2026, 4, 2, 12, 0, tzinfo=UTC)  # Maundy Thursday
    easter = ClockPolicy(holidays=frozenset({datetime(2026, 4, 3).date(), datetime(2026, 4, 6).date()}))
    assert working_day(friday, 1, easter) == datetime(2026, 4, 7, 16, 0, tzinfo=UTC)
