"""What the API answers about rules, and what it is told of those in force. As everywhere, `as_of` comes first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.triggers import Priority
from triggers.lifecycle_values import Backtested, Checkup, Kill, Standing, State, Step
from triggers.rules import RuleSet
from triggers.shadowing import ShadowCount, ShadowFiring


@dataclass(frozen=True, slots=True)
class RulesNow:
    """The rules that decide at this moment. `number` is None where they are pinned to a file, or none was published;
    `trouble` says why they are not what the rule book wants."""

    rules: RuleSet = field(repr=False)
    mark: str
    number: int | None
    since: datetime | None
    trouble: str = ""
    pinned: bool = False


class RulesInForce(Protocol):
    """What decides just now."""

    def now(self) -> RulesNow:
        """The rules as this process has them."""
        ...


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule in force, in one plain sentence made from what it really checks."""

    rule_id: str
    version: int
    priority: Priority
    sentence: str
    owner: str
    why: str


@dataclass(frozen=True, slots=True)
class KillView:
    """A rule that is switched off, until when, by whom and why; `confirmed_by` is the second person, if any."""

    rule_id: str
    by: str
    at: datetime
    reason: str
    until: datetime
    confirmed_by: str


@dataclass(frozen=True, slots=True)
class RulesShown:
    """The rules in force. `mark` is how records name them; alerts carry it."""

    as_of: datetime
    live: int | None
    mark: str
    since: datetime | None
    pinned: bool
    trouble: str
    shadow: int | None
    rules: tuple[RuleView, ...]
    switched_off: tuple[KillView, ...]


@dataclass(frozen=True, slots=True)
class VersionView:
    """Where a version stands. `version` is the revision that commands are given back to, `missing` what it still lacks
    before it may go live."""

    number: int
    state: State
    version: int
    digest: str
    author: str
    submitted_by: str
    note: str
    made_at: datetime
    based_on: int | None
    approved_by: str
    live_since: datetime | None
    live_until: datetime | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionList:
    """Versions, the newest first. `total` counts all there are."""

    as_of: datetime
    live: int | None
    shadow: int | None
    versions: tuple[VersionView, ...]
    total: int


@dataclass(frozen=True, slots=True)
class FileView:
    """A file as written."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class VersionDetail:
    """One version with its texts and everything that happened to it."""

    as_of: datetime
    standing: VersionView
    check: Checkup | None
    backtest: Backtested | None
    steps: tuple[Step, ...]
    rules: tuple[FileView, ...]
    reference: str
    tests: tuple[FileView, ...]


@dataclass(frozen=True, slots=True)
class VersionMoved:
    """Where a version stands after a command."""

    as_of: datetime
    standing: VersionView
    check: Checkup | None
    backtest: Backtested | None


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """One difference in words. `rule_id` is empty where it is about a reference list."""

    rule_id: str
    says: str


@dataclass(frozen=True, slots=True)
class VersionsCompared:
    """What version `number` says differently from `against`; `faults` where one of them cannot be read."""

    as_of: datetime
    number: int
    against: int
    differences: tuple[DifferenceView, ...]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShadowShown:
    """What the version in shadow says beside the live one: by rule, and the latest firings that differ.

    Examples name members by id, and only to who may see them.
    """

    as_of: datetime
    number: int | None
    beside: tuple[int, ...]
    events: int
    missed: int
    by_rule: Mapping[str, ShadowCount]
    examples: tuple[ShadowFiring, ...]


@dataclass(frozen=True, slots=True)
class SwitchShown:
    """A rule after it was switched off or on. `off` is None if it is on."""

    as_of: datetime
    rule_id: str
    off: KillView | None


def version_view(standing: Standing, missing: tuple[str, ...] = ()) -> VersionView:
    """A standing in the API's words."""
    return VersionView(
        number=standing.number,
        state=standing.state,
        version=standing.revision,
        digest=standing.digest,
        author=standing.author,
        submitted_by=standing.submitted_by,
        note=standing.note,
        made_at=standing.made_at,
        based_on=standing.based_on,
        approved_by=standing.approved_by,
        live_since=standing.live_since,
        live_until=standing.live_until,
        missing=missing,
    )


def kill_view(kill: Kill) -> KillView:
    """A switched-off rule in the API's words."""
    return KillView(kill.rule, kill.by, kill.at, kill.reason, kill.until, kill.confirmed_by)
