"""What the alerts' room needs from outside: a place for alerts and their messages, and a queue of what must be sent.

`memory.py` and `valkey.py` keep the same promises; one contract suite runs on both.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from alerts.model import Alert, AlertState, Channel, Delivery
from alerts.planning import Row
from alerts.routing import Directory
from domain.ids import AlertId, MemberId, NavigatorId, RuleId
from domain.triggers import Priority


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts; an empty part means any. `changed_since` is inclusive, by `updated_at`, to the millisecond."""

    states: frozenset[AlertState] = frozenset()
    priorities: frozenset[Priority] = frozenset()
    areas: frozenset[str] = frozenset()
    navigator_id: NavigatorId | None = None
    rule_id: RuleId | None = None
    changed_since: datetime | None = None
    digested: bool = False  # only open ones whose messages wait in the supervisors' digest

    def takes(self, alert: Alert) -> bool:
        """Whether the alert passes, `changed_since` apart, which the store's index answers."""
        return (
            (not self.states or alert.state in self.states)
            and (not self.priorities or alert.priority in self.priorities)
            and (not self.areas or alert.area in self.areas)
            and (self.navigator_id is None or alert.navigator_id == self.navigator_id)
            and (not self.digested or (alert.is_open and alert.digested_at is not None))
            and (self.rule_id is None or any(each.trigger.rule_id == self.rule_id for each in alert.triggers))
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Some alerts in order of change. `cursor` continues after the last one (and later, for what changes next);
    `more` says that there is more now."""

    alerts: tuple[Alert, ...]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class CountKey:
    """What alerts are counted by."""

    state: AlertState
    priority: Priority
    area: str


class AlertStore(Protocol):
    """Alerts and the messages about them. A change is saved whole or not at all."""

    async def get(self, alert_id: AlertId, shard: int) -> Alert | None:
        """The alert, or None."""
        ...

    async def of_members(self, members: Collection[MemberId]) -> Mapping[MemberId, tuple[Alert, ...]]:
        """All alerts of each of these people, ended ones too, by id; people without any are left out."""
        ...

    async def by_reference(self, reference: str) -> Alert | None:
        """The alert with that reference (XXXX-XXXX), or None; the newest if a reference was ever given twice."""
        ...

    async def page(self, wanted: AlertFilter, *, cursor: str = "", limit: int = 50, newest_first: bool = False) -> Page:
        """Alerts in order of `updated_at`, then id. Raises ValueError for a cursor that is none of ours.

        Oldest change first, an alert that changes while one pages comes again at the end and none is left out;
        newest first, none comes twice.
        """
        ...

    async def counts(self) -> Mapping[CountKey, int]:
        """How many alerts there are by state, priority and area; no zeros."""
        ...

    async def revision(self) -> int:
        """A number that grows with every change of any alert: what an ETag is made of."""
        ...

    async def save(self, alert: Alert, previous: Alert | None, rows: Sequence[Row] = ()) -> Alert:
        """Save a change of an alert with the rows that go with it, in one commit; returns it with its new version.

        Raises Conflict if the alert or a row is no longer what `previous` says (None: it must not exist).
        """
        ...

    async def deliveries_of(self, alert_id: AlertId, shard: int) -> tuple[Delivery, ...]:
        """All messages about an alert, by age, then id."""
        ...


class Outbox(Protocol):
    """The rows that wait to be sent. A claim is a lease with a fence: a later claim makes an earlier one powerless."""

    async def claim(
        self,
        now: datetime,
        *,
        channel: Channel,
        limit: int,
        lease: timedelta,
        shards: Collection[int] | None = None,
    ) -> list[Delivery]:
        """At most `limit` rows that are due, each with a grown fence and one more attempt: urgent ones first (see
        `outbox.shares`), and the longest due first among their like.

        They come again when the lease ends, unless recorded; one that had been claimed and never recorded comes with
        one more repeat, because it may have left. `shards` are those to look in; None means all.
        """
        ...

    async def record(
        self, delivery: Delivery, fence: int, *, alert: Alert | None = None, previous: Alert | None = None
    ) -> bool:
        """Write what became of a claimed row, with the change of its alert, if any, in one commit.

        False if the fence is no longer the row's: somebody else has it, nothing was written. Raises Conflict if the
        alert is no longer `previous`.
        """
        ...

    async def release(self, now: datetime) -> int:
        """Make every claimed row due at once: for a worker that starts alone, whose predecessor died while sending.

        They go out as repeats, because they may have left. Returns how many.
        """
        ...

    async def order(self, rows: Sequence[Row]) -> int:
        """Put new rows that belong to no alert into the queue; one that is known already is left as it is.

        Returns how many were new: the same rows ordered twice ring once.
        """
        ...

    async def pending(self) -> Mapping[Channel, int]:
        """How many rows wait, by channel, those being sent included."""
        ...

    async def next_due(self, channel: Channel, shards: Collection[int] | None = None) -> datetime | None:
        """When the next row of a channel falls due or its lease ends; None if none waits."""
        ...


class DirectorySource(Protocol):
    """Where the present directory comes from."""

    def directory(self) -> Directory:
        """The navigators as they are now."""
        ...


def position_of(alert: Alert) -> tuple[int, str]:
    """Where an alert stands in the order of change: milliseconds since 1970 of `updated_at`, then its id."""
    return (milliseconds(alert.updated_at), alert.alert_id)


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, rounded down."""
    return int(moment.timestamp() * 1000)


def cursor_of(position: tuple[int, str]) -> str:
    """A position as a cursor."""
    return f"{position[0]}_{position[1]}"


def position_from(cursor: str) -> tuple[int, str] | None:
    """The position a cursor names; None for ''. Raises ValueError if it is none of ours."""
    if not cursor:
        return None
    score, separator, identity = cursor.partition("_")
    if not separator or not score.isascii() or not score.isdigit() or len(score) > 16:
        raise ValueError("not a cursor of ours")
    return int(score), identity
