"""Spans of calendar months, by the London day: what people mean by "a year without a review".

They are no spans of hours: from 2 March to 2 March is 365 days or 366. So only waits that begin at a moment know them.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.clock import LONDON

MOST_MONTHS = 23
"""No wait is longer than history is kept (domain.md 7.3: 730 days), whichever months they are."""

_MONTHS = re.compile(r"\d{1,4}\s*mo")


@dataclass(frozen=True, slots=True)
class Months:
    """So many calendar months, 1 to 23."""

    number: int

    def after(self, at: datetime) -> datetime:
        """The same London day and hour so many months later; the last day of a month that has no such day, so that a
        year from 29 February ends on 28 February. In the zone of `at`."""
        local = at.astimezone(LONDON)
        year, month = divmod(local.year * 12 + local.month - 1 + self.number, 12)
        day = min(local.day, monthrange(year, month + 1)[1])
        return local.replace(year=year, month=month + 1, day=day).astimezone(at.tzinfo)

    @property
    def about(self) -> timedelta:
        """How long they are, give or take two days."""
        return timedelta(days=self.number * 365.25 / 12)

    @property
    def longest(self) -> timedelta:
        """They are never longer."""
        return timedelta(days=self.number * 31)


Span = timedelta | Months
"""How long somebody waits."""


def is_months(text: object) -> bool:
    """Whether it is written as months: '12mo'."""
    return isinstance(text, Months) or (isinstance(text, str) and _MONTHS.fullmatch(text.strip()) is not None)


def months_of(text: object) -> Months:
    """'12mo' as months. Raises ValueError for none, and for more than there may be."""
    number = text.number if isinstance(text, Months) else int(str(text).strip().removesuffix("mo"))
    if not 0 < number <= MOST_MONTHS:
        raise ValueError(f"must be between 1mo and {MOST_MONTHS}mo")
    return Months(number)


def end_of(since: datetime, span: Span) -> datetime:
    """When a wait that began then ends."""
    return span.after(since) if isinstance(span, Months) else since + span
