"""What waits to be archived, in memory: the twin of `archive_valkey.py`."""

from collections.abc import Sequence

from domain.ids import shard_of
from streams.archive import AlertOutcome, Archived, Waiting, outcome_of
from streams.memory_server import MemoryServer


class MemoryArchiveLog:
    """ArchiveLog on one MemoryServer."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    async def archive_waiting(self) -> int:
        """See archive.ArchiveLog."""
        return len(self._server.to_archive) + len(self._server.alerts.to_archive)

    async def read_archive(self, limit: int) -> list[Waiting]:
        """See archive.ArchiveLog. Alerts first, so that a small limit starves neither."""
        alerts = [outcome_of(alert) for alert in self._server.alerts.to_archive[: (limit + 1) // 2]]
        decided = self._server.to_archive[: limit - len(alerts)]
        found: tuple[Archived | AlertOutcome, ...] = (*alerts, *decided)
        return [Waiting(shard_of(each.member_id), str(place), each) for place, each in enumerate(found)]

    async def settle_archive(self, written: Sequence[Waiting]) -> None:
        """See archive.ArchiveLog. What was settled before is not there any more."""
        done = {_name(entry.what) for entry in written}
        server = self._server
        server.to_archive = [each for each in server.to_archive if _name(each) not in done]
        server.alerts.to_archive = [each for each in server.alerts.to_archive if _name(outcome_of(each)) not in done]


def _name(what: Archived | AlertOutcome) -> tuple[str, int]:
    return (what.record_id, what.order) if isinstance(what, Archived) else (what.alert_id, what.version)
