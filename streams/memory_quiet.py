"""Snoozes and the closing of breakers in memory (quiet_ports): the twin of `valkey_quiet.py`, on the same server."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from alerts.breaker import FloodKey
from alerts.snooze import Snooze
from streams.audit import AuditEntry
from streams.memory_server import MemoryServer, milliseconds


class MemoryQuiet:
    """SnoozeStore and BreakerStore on one MemoryServer."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    async def revision(self) -> int:
        """See SnoozeStore."""
        return self._server.snoozes_revision

    async def snoozes(self, ending_after: datetime) -> list[Snooze]:
        """See SnoozeStore."""
        found = self._server.snoozes.values()
        return sorted((one for one in found if milliseconds(one.ends_at) > milliseconds(ending_after)), key=_by_end)

    async def untold(self, now: datetime, limit: int = 100) -> list[Snooze]:
        """See SnoozeStore."""
        found = self._server.snoozes.values()
        over = [one for one in found if one.told_at is None and milliseconds(one.over_at) <= milliseconds(now)]
        return sorted(over, key=lambda one: (milliseconds(one.over_at), one.snooze_id))[:limit]

    async def find(self, snooze_id: str) -> Snooze | None:
        """See SnoozeStore."""
        return self._server.snoozes.get(snooze_id)

    async def change(self, after: Snooze, before: Snooze | None, audit: Sequence[AuditEntry]) -> bool:
        """See SnoozeStore."""
        with self._server.effect("change_snooze"):
            known = self._server.snoozes.get(after.snooze_id)
            if (known.version if known else 0) != (before.version if before else 0):
                return False
            self._server.snoozes[after.snooze_id] = after
            self._server.snoozes_revision += 1
            self._server.audit.extend(audit)
            return True

    async def closed(self) -> Mapping[FloodKey, datetime]:
        """See BreakerStore."""
        return dict(self._server.breakers_closed)

    async def close(self, key: FloodKey, at: datetime, audit: Sequence[AuditEntry]) -> None:
        """See BreakerStore."""
        with self._server.effect("close_breaker"):
            self._server.breakers_closed[key] = milliseconds(at)
            self._server.audit.extend(audit)

    async def rung(self) -> Mapping[FloodKey, datetime]:
        """See BreakerStore."""
        return dict(self._server.breakers_rung)

    async def ring(self, key: FloodKey, at: datetime, before: datetime | None) -> bool:
        """See BreakerStore."""
        with self._server.effect("ring_breaker"):
            known = self._server.breakers_rung.get(key)
            if known != (milliseconds(before) if before else None):
                return False
            self._server.breakers_rung[key] = milliseconds(at)
            return True


def _by_end(snooze: Snooze) -> tuple[datetime, str]:
    return (milliseconds(snooze.ends_at), snooze.snooze_id)
