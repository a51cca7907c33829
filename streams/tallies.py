"""What decisions leave beside a person: firings told to nobody, rounds of messages, how often each rule fired, and
which could not be judged.

Written in the same atomic step as the decision, by shard; read by the breaker, the rule watch, the API.
`memory_tallies` and `valkey_tallies` are the twins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from alerts.breaker import Sent
from alerts.held_back import HeldBack
from domain.ids import MemberId, RuleId
from streams.messages import QuarantineItem

SENT_FOR = timedelta(hours=24)
"""How long rounds of messages are kept: the breaker counts an hour, the digest lists a day."""
HELD_BACK_FOR = timedelta(days=730)
"""How long records of what was told to nobody are kept: as long as alerts (domain.md 7.3)."""
FIRINGS_FOR = timedelta(days=120)
"""How long firings are counted back: a forecast from a rule's own past looks at no more than twelve weeks."""


FAULTS_FOR = timedelta(days=30)
"""How long it is kept that something could not be judged."""


@dataclass(frozen=True, slots=True)
class SeenFault:
    """A rule that could not be judged for somebody, and when last; without a rule: whole events were set aside, or
    waits not judged. `cause` names the fault and its place in our code, never a value."""

    cause: str
    last_at: datetime
    rule_id: RuleId = RuleId("")
    version: int = 0

    @property
    def name(self) -> str:
        """Rule, version and cause: what a bell is rung for."""
        return f"{self.rule_id}|{self.version}|{self.cause}"

    @staticmethod
    def named(name: str, last_at: datetime) -> "SeenFault":
        """The inverse of `name`."""
        rule, version, cause = name.split("|", 2)
        return SeenFault(cause, last_at, RuleId(rule), int(version))


def cause_kept(item: QuarantineItem) -> str:
    """The fault that an item was set aside for, without its trace, which is each event's own."""
    return item.detail.partition(", trace ")[0]


@dataclass(frozen=True, slots=True)
class HourOfRule:
    """One rule in one hour (its beginning, UTC)."""

    rule_id: RuleId
    hour: datetime


Firings = Mapping[HourOfRule, int]


class Tallies(Protocol):
    """What was left beside the people."""

    async def sent_since(self, moment: datetime) -> list[Sent]:
        """Rounds of messages decided at `moment` or later (to the millisecond), in order of when."""
        ...

    async def held_back_of(self, member: MemberId) -> list[HeldBack]:
        """All that fired for a person and was told to nobody, in order of when."""
        ...

    async def held_back(self, limit: int) -> list[HeldBack]:
        """The latest of everybody's, newest first."""
        ...

    async def firings(self, days: Sequence[date]) -> Firings:
        """How often each rule fired in each hour of these days (UTC); hours without any are left out."""
        ...

    async def faults(self, since: datetime) -> list[SeenFault]:
        """What could not be judged at `since` or later, by our own fault: once for each rule, version and cause."""
        ...

    async def note_fault(self, cause: str, at: datetime) -> None:
        """Keep that something could not be judged at all, by whatever rule."""
        ...

    async def tidy(self, now: datetime) -> int:
        """Forget rounds that nobody counts any more, records that are too old, and faults; how many of the two."""
        ...


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour of a moment, UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def days_between(first: datetime, last: datetime) -> tuple[date, ...]:
    """The UTC days from that of `first` to that of `last`."""
    start, end = first.astimezone(UTC).date(), last.astimezone(UTC).date()
    return tuple(start + timedelta(days=count) for count in range((end - start).days + 1))
