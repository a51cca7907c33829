"""Where snoozes and the supervisors' closing of breakers are kept. `memory_quiet` and `valkey_quiet` are the twins.

Every change is one atomic step with its audit entry: nobody is quieted without a record of who did it, and why.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from alerts.breaker import FloodKey
from alerts.snooze import Snooze
from streams.audit import AuditEntry


class SnoozeStore(Protocol):
    """The snoozes, those that hold and those that are over."""

    async def revision(self) -> int:
        """A number that grows with every change of any snooze. Cheap."""
        ...

    async def snoozes(self, ending_after: datetime) -> list[Snooze]:
        """Those whose end lies behind a moment (lifted ones too, by the end they were made with), by end then id."""
        ...

    async def untold(self, now: datetime, limit: int = 100) -> list[Snooze]:
        """Those whose end has passed at `now`, or that were lifted, and whose maker was not told yet."""
        ...

    async def find(self, snooze_id: str) -> Snooze | None:
        """One of them."""
        ...

    async def change(self, after: Snooze, before: Snooze | None, audit: Sequence[AuditEntry]) -> bool:
        """Write a step; False, with nothing written, if it is no longer `before` (None: it must not exist)."""
        ...


class BreakerStore(Protocol):
    """What is kept of breakers beside the rounds themselves: who closed one when, and when its bell last rang."""

    async def closed(self) -> Mapping[FloodKey, datetime]:
        """When a supervisor last closed each breaker."""
        ...

    async def close(self, key: FloodKey, at: datetime, audit: Sequence[AuditEntry]) -> None:
        """Keep that a breaker was closed."""
        ...

    async def rung(self) -> Mapping[FloodKey, datetime]:
        """When the bell of each breaker last rang."""
        ...

    async def ring(self, key: FloodKey, at: datetime, before: datetime | None) -> bool:
        """Note that the bell rang; False if somebody else rang it since `before`."""
        ...
