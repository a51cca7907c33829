"""What the API needs of snoozes, breakers and the rule watch; values of the alerts room as far as it has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from alerts.breaker import FloodKey, FloodKind
from alerts.held_back import HeldBack
from alerts.snooze import Maker, Snooze
from domain.ids import MemberId, NavigatorId, RuleId


@dataclass(frozen=True, slots=True)
class BreakerView:
    """The breaker of a rule or navigator. `came` counts rounds of messages of the last hour against `limit`, `planned`
    those for the next planned digest; `held` are those that wait in the supervisors' digest, `held_p1` of them P1."""

    kind: FloodKind
    name: str
    open: bool
    limit: int
    came: int
    planned: int
    held: int
    held_p1: int
    last_held_at: datetime | None
    closed_at: datetime | None  # by a supervisor, if ever


class WatchVerdict(StrEnum):
    """How a rule stands to its forecast."""

    AS_FORECAST = "as_forecast"
    QUIET = "quiet"
    FLOODING = "flooding"
    TOO_NEW = "too_new"  # neither published with a backtest nor live for long enough


@dataclass(frozen=True, slots=True)
class RuleWatchView:
    """One rule, all rules of one feed (`feed:ed`) or all (`all`) against the forecast. `per_week` is what is expected,
    from a `backtest` or the rule's own `history`; `last_week` what came; `chance` how likely that, or more extreme."""

    name: str
    verdict: WatchVerdict
    per_week: float | None
    source: str
    last_day: int
    last_week: int
    chance: float | None
    window_days: int | None
    last_fired_at: datetime | None
    alarmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RuleFaultView:
    """A rule that could not be judged for some people, in words and with its cause; without a `rule`, events that
    failed as a whole. `last_at` is when it was last met."""

    rule: str
    version: int
    cause: str
    last_at: datetime
    words: str


class QuietDesk(Protocol):
    """Snoozes, breakers and the rule watch behind the front door."""

    def of_member(self, member_id: MemberId) -> Sequence[Snooze]:
        """What is quiet for a person now, from memory."""
        ...

    def is_theirs(self, navigator_id: NavigatorId, member_id: MemberId) -> bool:
        """Whether a navigator is the person's own, or their cover."""
        ...

    async def snoozes(self, ending_after: datetime) -> Sequence[Snooze]:
        """Those made to end after a moment, by end."""
        ...

    async def snooze(self, snooze_id: str) -> Snooze | None:
        """One of them."""
        ...

    async def held_back_of(self, member_id: MemberId) -> Sequence[HeldBack]:
        """What fired for a person and was told to nobody, in order of when."""
        ...

    async def held_back(self, limit: int) -> Sequence[HeldBack]:
        """The latest of everybody's, newest first."""
        ...

    async def make(
        self,
        rule_id: RuleId,
        member_id: MemberId,
        *,
        by: Maker,
        reason: str,
        until: date | None,
        span: timedelta | None,
        asks_p1: bool,
    ) -> Snooze:
        """A new snooze. Raises NotFound, NotAllowed."""
        ...

    async def confirm(self, snooze_id: str, *, by: Maker) -> Snooze:
        """A second person says that P1 is to be quiet too. Raises NotFound, NotAllowed."""
        ...

    async def lift(self, snooze_id: str, *, by: Maker, reason: str) -> Snooze:
        """End it now. Raises NotFound, NotAllowed."""
        ...

    async def breakers(self) -> Sequence[BreakerView]:
        """Every rule and navigator that has had messages lately, open ones first."""
        ...

    async def close_breaker(self, key: FloodKey, *, by: Maker, reason: str) -> BreakerView:
        """Count anew from now. Raises NotFound for one that has had no messages."""
        ...

    async def rule_faults(self) -> Sequence[RuleFaultView]:
        """What could not be judged in the last day, by a fault of ours; whole events first."""
        ...

    async def rule_watch(self) -> Sequence[RuleWatchView]:
        """Every live rule and group of rules against its forecast, alarms first."""
        ...
