"""A rule test as a value: who is watched, what happens when, and what must come of it (rules.md section 1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.ids import MemberId
from domain.people import CohortMember
from triggers.faults import Remark
from triggers.reading import Path
from triggers.timelines import Step


@dataclass(frozen=True, slots=True)
class Expectation:
    """A firing or correction that must be there. `more` holds the fields that are compared because they are stated."""

    at: datetime
    member: MemberId
    rule: str
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """A word of an open vocabulary, as the test has it: of which fact, and where it stands. Whether anything knows it
    is asked when the test runs (scenario_words.py)."""

    fact: str
    word: str
    path: Path
    line: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """One rule test. `steps` are in order of arrival; `corrections` is None where the file does not state them;
    `remarks` are on what looks like a slip in it; it runs all the same. `written` is how its author wrote a moment."""

    name: str
    rules: tuple[str, ...]
    start: datetime
    cohort: tuple[CohortMember, ...]
    steps: tuple[Step, ...]
    expect: tuple[Expectation, ...]
    corrections: tuple[Expectation, ...] | None = None
    remarks: tuple[Remark, ...] = field(default=(), repr=False, compare=False)
    said: tuple[Said, ...] = field(default=(), repr=False, compare=False)
    written: Mapping[datetime, str] = field(default_factory=dict, repr=False, compare=False)

    def when(self, at: datetime) -> str:
        """A moment as the author wrote it in this test, else as a span from its start."""
        return self.written.get(at) or span_from(self.start, at)


def span_from(start: datetime, at: datetime) -> str:
    """An instant as a span from `start`: '9d', '40h', '8d 15h'; what lies before it is told with a minus."""
    return f"-{shortest(start - at)}" if at < start else shortest(at - start)


_HOURS_ALONE = timedelta(hours=48)
"""Up to here nobody counts hours in days."""


def shortest(span: timedelta) -> str:
    """A span (0 or more) in the units in which it is read most easily: whole days, else whole hours up to two days,
    else days, hours and minutes, those that it has."""
    minutes = span / timedelta(minutes=1)
    if minutes and minutes % 1440 == 0:
        return f"{minutes / 1440:g}d"
    if minutes % 60 == 0 and span <= _HOURS_ALONE:
        return f"{minutes / 60:g}h"
    days, rest = divmod(minutes, 1440) if span > _HOURS_ALONE else (0, minutes)
    parts = ((days, "d"), (rest // 60, "h"), (rest % 60, "m"))
    return " ".join(f"{count:g}{unit}" for count, unit in parts if count)
