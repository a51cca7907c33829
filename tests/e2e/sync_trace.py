"""What of Valkey's append-only log had reached the disk at each moment, learnt from its system calls with strace.

Only bytes that an fsync or fdatasync covered count as kept: a power cut may take everything after them. One trace file
per thread (`-ff`), because with `everysec` another thread does the syncing.
"""

import bisect
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_CALL = re.compile(r"^(\d+\.\d+) (\w+)\((\d+)<([^>]*)>.* = (-?\d+)(?: \([^)]*\))? <(\d+\.\d+)>$")
_STRACE = ("strace", "-ff", "-ttt", "-T", "-y", "-s", "0", "-e", "trace=write,writev,pwrite64,fdatasync,fsync")
_ATTACH_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class SyncTrace:
    """When (seconds since 1970) how many bytes of the log were safe: both ascending, of the same length."""

    moments: tuple[float, ...]
    synced: tuple[int, ...]
    writes: tuple[int, ...]  # the lengths that the log had after each write, ascending
    syncs: int

    def kept(self, moment: float) -> int:
        """How many bytes a power cut at that moment leaves at least."""
        place = bisect.bisect_right(self.moments, moment)
        return self.synced[place - 1] if place else self.synced[0]

    def torn(self, kept: int) -> int:
        """The end of the write behind the kept bytes: a cut may also leave a part of it. `kept` if there is none."""
        place = bisect.bisect_right(self.writes, kept)
        return self.writes[place] if place < len(self.writes) else kept


class Tracer:
    """strace on a running server. Raises AssertionError with strace's own words if it cannot attach."""

    def __init__(self, pid: int, log: Path, folder: Path) -> None:
        self._log = log
        self._out = folder / "trace"
        self._initial = log.stat().st_size
        said = folder / "strace.log"
        with said.open("wb") as words:
            self._process = subprocess.Popen(
                [*_STRACE, "-o", str(self._out), "-p", str(pid)],
                stderr=words,
            )
        deadline = time.monotonic() + _ATTACH_WITHIN_S
        while f"TracerPid:\t{self._process.pid}" not in Path(f"/proc/{pid}/status").read_text():
            assert self._process.poll() is None and time.monotonic() < deadline, said.read_text()
            time.sleep(0.01)

    def finish(self) -> SyncTrace:
        """Detach, and what was seen."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(10)
        return _read(sorted(self._out.parent.glob(f"{self._out.name}.*")), self._log, self._initial)


def _read(files: list[Path], log: Path, initial: int) -> SyncTrace:
    grown: list[tuple[float, int]] = []  # when a write ended, and how long the log was then
    synced: list[tuple[float, float]] = []  # when a sync began and ended
    calls = sorted(
        (float(found[1]), found[2], float(found[6]), int(found[5]))
        for file in files
        for line in file.read_text().splitlines()
        if (found := _CALL.match(line)) and Path(found[4]).name == log.name and int(found[5]) >= 0
    )
    size = initial
    for began, name, took, answer in calls:
        if name in {"fdatasync", "fsync"}:
            synced.append((began, began + took))
        else:
            size += answer
            grown.append((began + took, size))
    assert grown and size == log.stat().st_size, f"the trace accounts for {size} of {log.stat().st_size} bytes"
    ends = [moment for moment, _ in grown]
    moments, lengths = [0.0], [initial]
    for began, ended in sorted(synced, key=lambda sync: sync[1]):
        place = bisect.bisect_right(ends, began)
        covered = grown[place - 1][1] if place else initial
        moments.append(ended)
        lengths.append(max(lengths[-1], covered))
    return SyncTrace(tuple(moments), tuple(lengths), tuple(length for _, length in grown), len(synced))
