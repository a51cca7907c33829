"""Whose turn it is on a data directory: one service for as long as it runs, or one command after another.

A lock file sees to it, and says who holds it, so that whoever must wait knows what for: a command ends soon, a service
does not.
"""

import asyncio
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from domain.errors import StoreError

PATIENCE_S = 20.0
"""So long a turn is waited for: many commands one after another, each of which starts the store and ends it again."""

_LOOK_EVERY_S = 0.05
_SERVICE, _COMMAND = "service", "command"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who took the turn last: a service or a command, and its process."""

    service: bool
    pid: int

    def __str__(self) -> str:
        """'A service of Reachpoint (process 12)'."""
        return f"{'A service' if self.service else 'A command'} of Reachpoint (process {self.pid})"


class TurnTaken(StoreError):
    """Somebody else has the turn on a data directory, and does not end soon; `holder` says who, where that is known."""

    def __init__(self, data_dir: Path, holder: Holder | None) -> None:
        self.holder = holder
        if holder is not None and holder.service:
            super().__init__(f"{holder} already runs on the data directory {data_dir}.")
        else:
            super().__init__(
                f"{holder or 'Another Reachpoint'} is at work on the data directory {data_dir}, and did not end within "
                f"{PATIENCE_S:g} seconds. Try again when it has ended."
            )


class Turn:
    """One turn on a data directory: taken, and left again. The system leaves it for whoever is killed."""

    def __init__(self, data_dir: Path, *, service: bool) -> None:
        self.data_dir = data_dir
        self._word = f"{_SERVICE if service else _COMMAND} {os.getpid()}"
        self._lock: IO[str] | None = None

    async def take(self) -> None:
        """Wait for the turn. Raises TurnTaken at once where a service runs, and after PATIENCE_S in any case."""
        lock = _file(self.data_dir).open("a")
        try:
            await self._wait_for(lock)
            _say(lock, self._word)
        except BaseException:
            lock.close()
            raise
        self._lock = lock

    async def _wait_for(self, lock: IO[str]) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                holder = holder_of(self.data_dir)
                if clock() > deadline or (holder is not None and holder.service):
                    raise TurnTaken(self.data_dir, holder) from None
            except OSError as error:
                raise StoreError(f"The data directory {self.data_dir} cannot be locked ({error.strerror}).") from error
            await asyncio.sleep(_LOOK_EVERY_S)

    def leave(self) -> None:
        """End the turn, if it was taken."""
        if self._lock is not None:
            _say(self._lock, "")
            self._lock.close()
            self._lock = None


def holder_of(data_dir: Path) -> Holder | None:
    """Who has the turn, as they said when they took it; None where nobody did, they are no more, or said nothing (a
    release before this one)."""
    try:
        word, _, pid = _file(data_dir).read_text("ascii", errors="replace").partition(" ")
    except OSError:
        return None
    if word not in (_SERVICE, _COMMAND) or not pid.isdecimal() or not is_alive(int(pid)):
        return None
    return Holder(word == _SERVICE, int(pid))


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it has not ended already."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _zombie(pid)


def _zombie(pid: int) -> bool:
    """Whether a process has ended and only its parent has not noticed yet (Linux; elsewhere never known)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def _file(data_dir: Path) -> Path:
    return data_dir / "reachpoint.lock"


def _say(lock: IO[str], word: str) -> None:
    """Write who holds it, in the place of what stood there."""
    lock.truncate(0)
    lock.write(word)
    lock.flush()
