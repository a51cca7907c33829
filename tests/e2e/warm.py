"""Commands as processes of their own, without each paying for the interpreter and the imports again.

A launcher that has imported everything forks for each command: own process, own working directory, own standard
streams, own exit status, and what is not caught ends in a trace on its standard error, as with a fresh interpreter.
`reachpoint run` and one test of the installed script start cold.
"""

import json
import os
import subprocess
import sys
import threading
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
    """Fork for each request on standard input; answer its exit status and peak memory. Ends when the test run closes the line."""
    _import_everything()
    for request in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(request))
        _, status, usage = os.wait4(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {usage.ru_maxrss}\n")
        sys.stdout.flush()


def _import_everything() -> None:
    import api.valkey  # noqa: F401
    import cohort.matching  # noqa: F401
    import service.cli
    import service.feeding
    import service.wiring  # noqa: F401
    import streams.valkey_desk  # noqa: F401
    import triggers.trial  # noqa: F401


def _become(request: dict[str, Any]) -> NoReturn:
    place = Path(request["streams"])
    for descriptor, name, flags in ((0, "in", os.O_RDONLY), (1, "out", os.O_WRONLY), (2, "err", os.O_WRONLY)):
        opened = os.open(place / name, flags | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
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
