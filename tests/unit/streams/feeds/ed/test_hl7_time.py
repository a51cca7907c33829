"""HL7 time stamps of every precision and zone."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.hl7_time import read_day, read_moment


@pytest.mark.parametrize(
    ("text", "utc", "exact", "why"),
    [
        ("20260214213000", datetime(2026, 2, 14, 21, 30, tzinfo=UTC), True, "winter: London is UTC"),
        ("202607142130", datetime(2026, 7, 14, 20, 30, tzinfo=UTC), True, "summer: an hour ahead"),
        ("20260714213000.1234+0100", datetime(2026, 7, 14, 20, 30, 0, 123400, tzinfo=UTC), True, "fraction and offset"),
        ("20260714213000-0500", datetime(2026, 7, 15, 2, 30, tzinfo=UTC), True, "west"),
        ("2026071421", datetime(2026, 7, 14, 20, 0, tzinfo=UTC), False, "an hour only"),
        ("20260714", datetime(2026, 7, 13, 23, 0, tzinfo=UTC), False, "a day only: its London midnight"),
        ("20261025013000", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), True, "happens twice: the first is taken"),
        ("20260214215960", datetime(2026, 2, 14, 21, 59, 59, tzinfo=UTC), True, "leap second"),
    ],
)
def test_moments(text: str, utc: datetime, exact: bool, why: str) -> None:
    moment = read_moment(text)
    assert moment is not None, why
    assert (moment.value, moment.exact) == (utc, exact), why


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026", "202607", "20261301", "20260230", "202602142560", "2026021424", "0000000000"),
        *("18000101", "99991231", "20260214213000+9900", "20260214213000+01", "2026-02-14", "20260214213000Z"),
        *("２０２６０２１４", " 20260214"),
    ],
)
def test_no_moments(text: str) -> None:
    assert read_moment(text) is None


@pytest.mark.parametrize(
    ("text", "day", "full"),
    [
        ("20090204", date(2009, 2, 4), True),
        ("200902042330", date(2009, 2, 4), True),
        ("200902", date(2009, 2, 1), False),
        ("2009", date(2009, 1, 1), False),
    ],
)
def test_days(text: str, day: date, full: bool) -> None:
    assert read_day(text) == (day, full)


@given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)))
def test_a_written_time_with_offset_is_read_back(moment: datetime) -> None:
    read = read_moment(moment.strftime("%Y%m%d%H%M%S+0000"))
    assert read is not None and read.value == moment.replace(microsecond=0, tzinfo=UTC)


@given(st.text(max_size=30) | st.from_regex(r"\d{0,16}(\.\d{0,5})?([+-]\d{4})?", fullmatch=True))
def test_no_text_makes_it_fail(text: str) -> None:
    moment = read_moment(text)
    assert moment is None or moment.value.tzinfo is UTC
    read_day(text)
