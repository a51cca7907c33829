"""The store and the outbox in memory: the twin of `valkey.py` for tests, backtests and simulation.

One object is both, as one server is. Nothing here awaits, so each call is one atomic step.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.model import WAITING_STATUSES, Alert, Channel, Delivery, DeliveryStatus
from alerts.outbox import shares
from alerts.planning import Row
from alerts.ports import AlertFilter, CountKey, Page, cursor_of, milliseconds, position_from, position_of
from domain.errors import Conflict
from domain.ids import AlertId, DeliveryId, MemberId, shard_of


class MemoryAlertStore:
    """Both ports, kept in dictionaries."""

    def __init__(self) -> None:
        self._alerts: dict[AlertId, Alert] = {}
        self._rows: dict[DeliveryId, Delivery] = {}
        self._due: dict[DeliveryId, datetime] = {}
        self._revision = 0
        self.to_archive: list[Alert] = []  # each change of state, until it is archived

    async def get(self, alert_id: AlertId, shard: int) -> Alert | None:
        """See AlertStore."""
        found = self._alerts.get(alert_id)
        return found if found is not None and shard_of(found.member_id) == shard else None

    async def of_members(self, members: Collection[MemberId]) -> Mapping[MemberId, tuple[Alert, ...]]:
        """See AlertStore."""
        grouped: dict[MemberId, list[Alert]] = {}
        for identity in sorted(self._alerts):
            alert = self._alerts[identity]
            if alert.member_id in members:
                grouped.setdefault(alert.member_id, []).append(alert)
        return {member: tuple(alerts) for member, alerts in grouped.items()}

    async def by_reference(self, reference: str) -> Alert | None:
        """See AlertStore."""
        found = [alert for alert in self._alerts.values() if alert.reference == reference]
        return max(found, key=lambda alert: (alert.raised_at, alert.alert_id), default=None)

    async def page(self, wanted: AlertFilter, *, cursor: str = "", limit: int = 50, newest_first: bool = False) -> Page:
        """See AlertStore."""
        start = position_from(cursor)
        since = milliseconds(wanted.changed_since) if wanted.changed_since else 0
        known = sorted(self._alerts.values(), key=position_of, reverse=newest_first)
        found = [
            alert
            for alert in known
            if position_of(alert)[0] >= since
            and (start is None or (position_of(alert) < start if newest_first else position_of(alert) > start))
            and wanted.takes(alert)
        ]
        shown = tuple(found[:limit])
        return Page(shown, cursor_of(position_of(shown[-1])) if shown else cursor, more=len(found) > limit)

    async def counts(self) -> Mapping[CountKey, int]:
        """See AlertStore."""
        return Counter(CountKey(alert.state, alert.priority, alert.area) for alert in self._alerts.values())

    async def revision(self) -> int:
        """See AlertStore."""
        return self._revision

    async def save(self, alert: Alert, previous: Alert | None, rows: Sequence[Row] = ()) -> Alert:
        """See AlertStore."""
        (saved,) = self.save_all([(alert, previous)], rows)
        return saved

    def save_all(self, alerts: Sequence[tuple[Alert, Alert | None]], rows: Sequence[Row]) -> list[Alert]:
        """Several alerts of one person, each with what it was, and rows, in one step: what a decision commits.

        Raises Conflict, with nothing written, if any of them is no longer what it was.
        """
        saved = [self._next(alert, previous) for alert, previous in alerts]
        for row in rows:
            found = self._rows.get(row.delivery.delivery_id)
            if (found.version if found else 0) != (row.previous.version if row.previous else 0):
                raise Conflict
        for alert in saved:
            self._store(alert)
        for row in rows:
            self._put(row.delivery, (row.previous.version if row.previous else 0) + 1)
        return saved

    async def deliveries_of(self, alert_id: AlertId, shard: int) -> tuple[Delivery, ...]:
        """See AlertStore."""
        found = [row for row in self._rows.values() if alert_id and row.alert_id == alert_id and row.shard == shard]
        return tuple(sorted(found, key=lambda row: (row.created_at, row.delivery_id)))

    async def claim(
        self,
        now: datetime,
        *,
        channel: Channel,
        limit: int,
        lease: timedelta,
        shards: Collection[int] | None = None,
    ) -> list[Delivery]:
        """See Outbox."""
        due = [(at, row) for at, row in self._waiting(channel, shards) if milliseconds(at) <= milliseconds(now)]
        due.sort(key=lambda pair: (milliseconds(pair[0]), pair[1].delivery_id))
        urgent, others = ([row for _, row in due if row.urgent is line] for line in (True, False))
        first, rest = shares(len(urgent), len(others), limit)
        claimed: list[Delivery] = []
        for row in (*urgent[:first], *others[:rest]):
            taken = replace(
                row,
                status=DeliveryStatus.HANDED,
                attempts=row.attempts + 1,
                repeats=row.repeats + (row.status is DeliveryStatus.HANDED),
                fence=row.fence + 1,
                version=row.version + 1,
            )
            self._rows[row.delivery_id] = taken
            self._due[row.delivery_id] = now + lease
            claimed.append(taken)
        return claimed

    async def record(
        self, delivery: Delivery, fence: int, *, alert: Alert | None = None, previous: Alert | None = None
    ) -> bool:
        """See Outbox."""
        held = self._rows.get(delivery.delivery_id)
        if held is None or held.fence != fence:
            return False
        if alert is not None:
            self._store(self._next(alert, previous))
        self._put(delivery, held.version + 1)
        return True

    async def release(self, now: datetime) -> int:
        """See Outbox."""
        claimed = [identity for identity in self._due if self._rows[identity].status is DeliveryStatus.HANDED]
        for identity in claimed:
            self._due[identity] = min(self._due[identity], now)
        return len(claimed)

    async def order(self, rows: Sequence[Row]) -> int:
        """See Outbox."""
        fresh = [row.delivery for row in rows if row.delivery.delivery_id not in self._rows]
        for delivery in fresh:
            self._put(delivery, 1)
        return len(fresh)

    async def pending(self) -> Mapping[Channel, int]:
        """See Outbox."""
        return {channel: len(self._waiting(channel, None)) for channel in Channel}

    async def next_due(self, channel: Channel, shards: Collection[int] | None = None) -> datetime | None:
        """See Outbox."""
        return min((at for at, _ in self._waiting(channel, shards)), default=None)

    def _waiting(self, channel: Channel, shards: Collection[int] | None) -> list[tuple[datetime, Delivery]]:
        return [
            (at, self._rows[identity])
            for identity, at in self._due.items()
            if self._rows[identity].channel is channel and (shards is None or self._rows[identity].shard in shards)
        ]

    def _next(self, alert: Alert, previous: Alert | None) -> Alert:
        """The alert as it will be stored. Raises Conflict if what is stored is not `previous`."""
        stored, expected = self._alerts.get(alert.alert_id), previous.version if previous else 0
        if (stored.version if stored else 0) != expected:
            raise Conflict
        return replace(alert, version=expected + 1)

    def _store(self, alert: Alert) -> None:
        before = self._alerts.get(alert.alert_id)
        if before is None or before.state is not alert.state:
            self.to_archive.append(alert)
        self._alerts[alert.alert_id] = alert
        self._revision += 1

    def _put(self, delivery: Delivery, version: int) -> None:
        self._rows[delivery.delivery_id] = replace(delivery, version=version)
        if delivery.status in WAITING_STATUSES:
            self._due[delivery.delivery_id] = delivery.due_at
        else:
            self._due.pop(delivery.delivery_id, None)
