"""A rule test as a value: who is watched, what happens when, and what must come of it (rules.md section 1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.ids import MemberId
from domain.people import CohortMember
from triggers.faults import Remark
from triggers.timelines import Step


@dataclass(frozen=True, slots=True)
class Expectation:
    """A firing or correction that must be there. `more` holds the fields that are compared because they are stated."""

    at: datetime
    member: MemberId
    rule: str
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One rule test. `steps` are in order of arrival; `corrections` is None where the file does not state them;
    `remarks` are on what looks like a slip in it; it runs all the same."""

    name: str
    rules: tuple[str, ...]
    start: datetime
    cohort: tuple[CohortMember, ...]
    steps: tuple[Step, ...]
    expect: tuple[Expectation, ...]
    corrections: tuple[Expectation, ...] | None = None
    remarks: tuple[Remark, ...] = field(default=(), repr=False, compare=False)


def span_from(start: datetime, at: datetime) -> str:
    """An instant as a span from `start`, as a scenario would write it."""
    minutes = (at - start) / timedelta(minutes=1)
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes % size == 0:
            return f"{minutes / size:g}{unit}"
    return f"{minutes:g}m"
