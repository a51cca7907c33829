"""The loop that carries what was decided from the store's streams into the archive's files.

Read, write, fsync, only then forget: a crash leaves a record in the stream, in a file or in both, never in neither.
Where the archive is off, what waits is forgotten at once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from domain.clock import Clock
from domain.errors import StoreUnavailable
from domain.ids import MemberId
from streams.archive import KEPT_FOR, AlertOutcome, Archived, ArchiveLog, Holding

if TYPE_CHECKING:  # DuckDB is loaded only where files are written
    from streams.archive_parquet import ParquetArchive

log = structlog.get_logger("reachpoint.archive")

WRITE_EVERY = timedelta(seconds=60)
"""How long a record waits at most before it is written to a file; it is durable in the store meanwhile."""
WRITE_AT = 4_000  # records: so many are written at once, and before the time
PURGE_EVERY = timedelta(hours=24)
_PATIENCE, _PAUSE = timedelta(minutes=2), timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """What the metrics tell."""

    waiting: int
    holding: Holding


class Archiver:
    """Carries records to files; `files` None means that nothing is to be kept."""

    def __init__(
        self,
        waiting: ArchiveLog,
        files: "ParquetArchive | None",
        clock: Clock,
        *,
        kept_for: timedelta = KEPT_FOR,
        observer: Callable[[ArchiveState], None] = lambda _: None,
    ) -> None:
        self._log = waiting
        self._files = files
        self._clock = clock
        self._kept_for = kept_for
        self._observer = observer
        self._written: datetime | None = None
        self._purged: datetime | None = None

    async def turn(self) -> int:
        """Write what waits if it is time to. Returns how many records left the store."""
        now, waiting = self._clock.now(), await self._log.archive_waiting()
        if self._files is None:
            return await self._forget() if waiting else 0
        since = WRITE_EVERY if self._written is None else now - self._written
        done = 0
        if waiting >= WRITE_AT or since >= WRITE_EVERY:
            try:
                done = await self.drain()
                await self._keep_tidy(now)
                holding = await asyncio.to_thread(self._files.holding)
            except StoreUnavailable as error:
                log.warning("the archive waits", action="archive_waits", waiting=waiting, error=str(error))
            except Exception as error:  # a full disk, a harmed file: what waits is durable in the store
                log.error("the archive failed", action="archive_failed", waiting=waiting, error=type(error).__name__)
            else:
                self._observer(ArchiveState(await self._log.archive_waiting(), holding))
            self._written = now
        return done

    async def drain(self) -> int:
        """Write all that waits now. Returns how many records. Raises StoreUnavailable where files are in use."""
        files = self._files
        if files is None:
            return await self._forget()
        with files.locked(wait=False):
            return await _drained(self._log, files)

    async def _forget(self) -> int:
        done = 0
        while found := await self._log.read_archive(WRITE_AT):
            await self._log.settle_archive(found)
            done += len(found)
        return done

    async def _keep_tidy(self, now: datetime) -> None:
        files = self._files
        if files is None:
            return
        with files.locked(wait=False):
            await asyncio.to_thread(files.merge)
            if self._purged is None or now - self._purged >= PURGE_EVERY:
                dropped = await asyncio.to_thread(files.purge, now - self._kept_for)
                self._purged = now
                if dropped:
                    log.info("old records of the archive were dropped", action="archive_purged", files=dropped)


async def _drained(waiting: ArchiveLog, files: "ParquetArchive") -> int:
    done = 0
    while found := await waiting.read_archive(WRITE_AT):
        decisions = [each.what for each in found if isinstance(each.what, Archived)]
        alerts = [each.what for each in found if isinstance(each.what, AlertOutcome)]
        await asyncio.to_thread(files.write, decisions, alerts)
        await waiting.settle_archive(found)
        done += len(found)
    return done


async def erase_member(waiting: ArchiveLog, files: "ParquetArchive", member: MemberId) -> int:
    """Erase a member from the archive: from what waits and from every file. Returns how many files were written anew.

    Waits while somebody reads or writes the files; raises StoreUnavailable after two minutes.
    """
    left = int(_PATIENCE / _PAUSE)
    while True:
        try:
            with files.locked(wait=False):
                await _drained(waiting, files)
                return await asyncio.to_thread(files.erase, member)
        except StoreUnavailable:
            left -= 1
            if left <= 0:
                raise
        await asyncio.sleep(_PAUSE.total_seconds())
