"""What the API answers about snoozes, breakers and the rule watch; see shapes.py for the manners of these values."""

from dataclasses import dataclass
from datetime import datetime

from alerts.held_back import HeldState, HeldWhy
from alerts.snooze import SnoozeState
from api.quiet_ports import BreakerView, RuleFaultView, RuleWatchView
from api.shapes import FeedState
from domain.triggers import Priority


@dataclass(frozen=True, slots=True)
class SnoozeShown:
    """One rule quiet for one person. `quiets_p1`: two people said so; `awaits_second`: one has asked for it."""

    snooze_id: str
    version: int
    rule_id: str
    member_id: str
    state: SnoozeState
    starts_at: datetime
    ends_at: datetime
    reason: str
    by: str
    role: str
    quiets_p1: bool
    awaits_second: bool
    second: str = ""
    over_at: datetime | None = None
    lifted_by: str = ""
    lift_reason: str = ""


@dataclass(frozen=True, slots=True)
class HeldBackShown:
    """A firing that was told to nobody. Where this key may not see more it is `withheld`: rule and words are empty."""

    firing_id: str
    member_id: str
    why: HeldWhy
    state: HeldState
    priority: Priority
    fired_at: datetime
    at: datetime
    changed_at: datetime | None
    snooze_id: str
    withheld: bool
    rule_id: str = ""
    headline: str = ""


@dataclass(frozen=True, slots=True)
class SnoozeList:
    """Snoozes by their end."""

    as_of: datetime
    snoozes: tuple[SnoozeShown, ...]


@dataclass(frozen=True, slots=True)
class SnoozeDetail:
    """One snooze with what it has held back."""

    as_of: datetime
    snooze: SnoozeShown
    held_back: tuple[HeldBackShown, ...]


@dataclass(frozen=True, slots=True)
class HeldBackList:
    """What fired and was told to nobody."""

    as_of: datetime
    held_back: tuple[HeldBackShown, ...]


@dataclass(frozen=True, slots=True)
class BreakerList:
    """The breakers of rules and navigators, open ones first."""

    as_of: datetime
    breakers: tuple[BreakerView, ...]


@dataclass(frozen=True, slots=True)
class BreakerDetail:
    """One breaker after it was closed."""

    as_of: datetime
    breaker: BreakerView


@dataclass(frozen=True, slots=True)
class RuleWatchList:
    """Rules against their forecasts, alarms first; and what could not be judged in the last day (`faults`)."""

    as_of: datetime
    feeds: tuple[FeedState, ...]
    rules: tuple[RuleWatchView, ...]
    faults: tuple[RuleFaultView, ...] = ()
