"""HL7 time stamps (TS/DTM): any precision, with an offset or in local London time (domain.md section 12)."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from domain.clock import from_london
from streams.making import maker

_STAMP = re.compile(
    r"(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)?(\d\d)?(?:\.(\d{1,6}))?)?([+-])?(?(8)(\d\d)(\d\d))", re.ASCII
)
_SHORTEST, _LONGEST = 8, 26  # a day alone; microseconds and an offset
_YEARS = range(1900, 2200)
"""Years that a record about a living person can carry; others are typing faults and break time-zone arithmetic."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, aware UTC. `exact` is false where less than the minute was given."""

    value: datetime
    exact: bool


_make_moment = maker(Moment)


def read_moment(text: str) -> Moment | None:
    """The moment that `text` names; None for anything that is not a time stamp of at least a day.

    A day without a time is its midnight in London. A leap second is read as the second before it.
    """
    return _moment(text) if _SHORTEST <= len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _moment(text: str) -> Moment | None:
    """Memoised, because one message tells the same moment several times."""
    if len(text) == 14 and text.isascii() and text.isdigit() and text[12:] < "60":  # what nearly all senders write
        return _local_moment(text)
    found = _STAMP.fullmatch(text)
    if found is None or found[3] is None:
        return None
    year, month, day, hour, minute, second = (int(part) if part else 0 for part in found.groups()[:6])
    if year not in _YEARS:
        return None
    micros = int((found[7] or "0").ljust(6, "0"))
    try:
        naive = datetime(year, month, day, hour, minute, min(second, 59) if second <= 60 else second, micros)  # noqa: DTZ001
        value = naive.replace(tzinfo=_offset(found)).astimezone(UTC) if found[8] else from_london(naive)
    except ValueError:
        return None
    return Moment(value, exact=found[5] is not None)


def _local_moment(text: str) -> Moment | None:
    """YYYYMMDDHHMMSS in London time. Its offset from UTC changes on the hour and has been whole hours since 1847."""
    hour = _local_hour(text[:10])
    minute = int(text[10:12])
    return _make_moment(hour.replace(minute=minute, second=int(text[12:])), True) if hour and minute < 60 else None


@lru_cache(maxsize=1024)
def _local_hour(text: str) -> datetime | None:
    """YYYYMMDDHH in London time as UTC."""
    year = int(text[:4])
    if year not in _YEARS:
        return None
    try:
        return from_london(datetime(year, int(text[4:6]), int(text[6:8]), int(text[8:])))  # noqa: DTZ001
    except ValueError:
        return None


def _offset(found: re.Match[str]) -> timezone:
    """The stated offset; ValueError beyond 14 hours, which no zone has."""
    span = timedelta(hours=int(found[9]), minutes=int(found[10]))
    if span > timedelta(hours=14):
        raise ValueError
    return timezone(span if found[8] == "+" else -span)


def read_day(text: str) -> tuple[date, bool] | None:
    """The day that `text` names, and whether it was given in full; a missing month or day counts as the first.

    The day is the one written, whatever offset follows. None for anything else.
    """
    if not text:
        return None
    found = _STAMP.fullmatch(text)
    if found is None or int(found[1]) not in _YEARS:
        return None
    try:
        return date(int(found[1]), int(found[2] or 1), int(found[3] or 1)), found[3] is not None
    except ValueError:
        return None
