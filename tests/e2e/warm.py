"""Commands as processes of their own, without each paying for the interpreter and the imports again.

A launcher that has imported everything forks for each command: own process, own working directory, own standard
streams, own exit status, and what is not caught ends in a trace on its standard error, as with a fresh interpreter.
Services that a test kills again and again begin their later lives so too. First lives, the service of a house and one
test of the installed script start cold.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True)
class Done:
    """What a command answered."""

    status: int
    out: str
    err: str
    peak_mib: float = 0.0  # the most memory it held

    @property
    def json(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)


class Life:
    """A service that the launcher started, in a session of its own: as much of `subprocess.Popen` as tests need."""

    def __init__(self, launcher: "Launcher", pid: int) -> None:
        self.pid = pid
        self._launcher = launcher
        self._status: int | None = None

    def poll(self) -> int | None:
        """Its exit status, negative for the signal that ended it; None while it runs."""
        if self._status is None:
            self._status = self._launcher.status_of(self.pid)
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status once it has one. Raises subprocess.TimeoutExpired."""
        ends = time.monotonic() + (timeout if timeout is not None else 1e9)
        while (status := self.poll()) is None:
            if time.monotonic() > ends:
                raise subprocess.TimeoutExpired("reachpoint", timeout or 0.0)
            time.sleep(0.01)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """To the process alone."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Launcher:
    """The warm process; started with the first command, ended with the test run."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def run(self, words: Sequence[str], stdin: bytes, cwd: Path | None) -> Done:
        """One command, from start to end."""
        with TemporaryDirectory(prefix="rp-cmd-") as folder:
            place = Path(folder)
            (place / "in").write_bytes(stdin)
            status, peak = self._ask({"words": list(words), "streams": folder, "cwd": str(cwd or Path.cwd())})
            out, err = ((place / name).read_text("utf-8", "replace") for name in ("out", "err"))
        return Done(status, out, err, peak / 1024)

    def start(self, words: Sequence[str], log: Path) -> Life:
        """Begin a service that writes to `log`; who asked ends it."""
        log.touch()  # it may be read before the process has opened it
        pid, _ = self._ask({"words": list(words), "log": str(log)})
        return Life(self, pid)

    def status_of(self, pid: int) -> int | None:
        """The exit status of a service that was started here, None while it runs."""
        status, ended = self._ask({"status_of": pid})
        return status if ended else None

    def _ask(self, request: dict[str, Any]) -> tuple[int, int]:
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.e2e.warm"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            line, answers = self._process.stdin, self._process.stdout
            assert line is not None and answers is not None
            line.write(json.dumps(request) + "\n")
            line.flush()
            status, peak = answers.readline().split()
            return int(status), int(peak)


def _serve() -> None:
    """Answer each request on standard input with two numbers. Ends when the test run closes the line."""
    _import_everything()
    for line in sys.stdin:
        request = json.loads(line)
        one, other = _status(request["status_of"]) if "status_of" in request else _forked(request)
        sys.stdout.write(f"{one} {other}\n")
        sys.stdout.flush()


def _forked(request: dict[str, Any]) -> tuple[int, int]:
    """Exit status and peak memory of a command; of a service that goes on, its process id and 0."""
    service = "log" in request
    if service:
        _import_services()
    child = os.fork()
    if child == 0:
        _become(request)
    if service:
        return child, 0
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss


def _status(pid: int) -> tuple[int, int]:
    """Exit status and whether it has ended."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return (os.waitstatus_to_exitcode(status), 1) if ended else (0, 0)


def _import_everything() -> None:
    import api.valkey  # noqa: F401
    import cohort.matching
    import cohort.tables
    import cohort.training  # noqa: F401
    import service.cli
    import service.commands.matching_explain
    import service.commands.matching_train
    import service.evaluation_page
    import service.feeding
    import service.offline
    import service.rulebook_keeping
    import service.wiring  # noqa: F401
    import streams.valkey_desk  # noqa: F401
    import triggers.trial  # noqa: F401


def _import_services() -> None:
    import alerts.senders.process_sender  # noqa: F401
    import service.http
    import service.metrics
    import service.runtime
    import service.worker_door  # noqa: F401
    import streams.archive_parquet  # noqa: F401


def _streams(request: dict[str, Any]) -> tuple[Path, Path, Path]:
    """The files that stand for standard input, output and error."""
    if "log" in request:
        return Path(os.devnull), Path(request["log"]), Path(request["log"])
    place = Path(request["streams"])
    return place / "in", place / "out", place / "err"


def _become(request: dict[str, Any]) -> NoReturn:
    for descriptor, (file, flags) in enumerate(
        zip(_streams(request), (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)
    ):
        opened = os.open(file, flags | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    if "log" in request:
        os.setsid()
    else:
        os.chdir(request["cwd"])
    sys.argv = ["reachpoint", *request["words"]]
    status = 1
    try:
        from service.cli import main

        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _serve()
