"""Time as an argument. Only the edges (engines, API, listeners) hold a Clock; the pure rooms are given `now`."""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
"""Local naive times of every feed are in this zone (domain.md section 12)."""


class Clock(Protocol):
    """The only door to the wall clock."""

    def now(self) -> datetime:
        """The present, aware, UTC."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present, aware, UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until told; for tests, backtests and simulation."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The moment it was last set to."""
        return self._now

    def advance(self, span: timedelta) -> None:
        """Move forward by `span`."""
        self._now += span

    def set(self, moment: datetime) -> None:
        """Jump to `moment`."""
        self._now = moment


def london_day(at: datetime) -> date:
    """The London day of an instant. London is at most two hours ahead of UTC, so nearly always it is the UTC day."""
    return at.date() if at.tzinfo is UTC and at.hour < _MAY_BE_TOMORROW else at.astimezone(LONDON).date()


_MAY_BE_TOMORROW = 22
"""From this hour of UTC on it may be the next day in London (double summer time, last in 1947)."""


def from_london(naive: datetime) -> datetime:
    """A local naive London time as aware UTC.

    01:00-02:00 on the last Sunday of October happens twice; the first (summer time) reading is taken, because an
    earlier event time can only make an alert come sooner. A time that the March change skips is read in winter time.
    """
    return naive.replace(tzinfo=LONDON, fold=0).astimezone(UTC)
