"""`reachpoint run` as a process that a test may kill: in a session of its own, its Valkey in the same process group.

The far ends (SMTP and SMS servers) live in the test's process, so that what they took survives every kill. Nothing
here is a double: the command line, the private store, sockets and files are the real ones.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from redis.asyncio import Redis

from fixtures.endpoints import NotifyEndpoint, SmtpInbox
from service.settings import Settings, read_settings
from streams.server import connect, socket_path
from tests.e2e.house import begun, reachpoint
from tests.e2e.warm import Life

_COMMAND = (sys.executable, "-c", "from service.cli import main; main()")
_READY_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Doors:
    """Where one life of the service listens. Ports are new in every life."""

    api: str
    mllp_port: int


@dataclass(slots=True)
class ServiceProcess:
    """One data directory and the lives of the service on it, one at a time."""

    folder: Path
    smtp: SmtpInbox
    sms: NotifyEndpoint
    secret: Path
    lives: int = 0
    _process: "subprocess.Popen[bytes] | Life | None" = None
    _groups: set[int] = field(default_factory=set)

    @property
    def config(self) -> Path:
        return self.folder / "reachpoint.toml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> str:
        return (self.folder / "service.log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def store_pid(self) -> int:
        """The store's process id as it says itself; 0 while it has not yet."""
        return int((self.data / "valkey.pid").read_text() or 0)

    @property
    def settings(self) -> Settings:
        return read_settings(self.config)

    @property
    def children(self) -> set[int]:
        """The processes that the present life has started."""
        return {int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()}

    def prepare(self) -> None:
        """Write the configuration that an operator would write, with any free ports."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(
            "\n".join(
                (
                    f"data_dir = {json.dumps(str(self.data))}",
                    "[api]\nport = 0",
                    "[mllp]\nport = 0",
                    "[alerts]",
                    f"sms_url = {json.dumps(self.sms.url)}",
                    f"email_url = {json.dumps(self.smtp.url)}",
                    f"reference_secret_file = {json.dumps(str(self.secret))}",
                    *(f"flood_{what}_per_hour = 1000000" for what in ("rule", "navigator", "urgent")),
                    '[log]\nformat = "json"\n',
                )
            )
        )

    def command(self, *words: str) -> dict[str, object]:
        """Run a `reachpoint` command on this data directory and read its JSON."""
        done = reachpoint(*words, "--config", str(self.config), "--json")
        assert done.status != 2, done.err
        found: dict[str, object] = done.json
        return found

    def spawn(self) -> None:
        """Begin a life, without waiting for it: the first as an operator does, later ones without all the imports."""
        words, file = ("run", "--config", str(self.config)), self.folder / "service.log"
        if self.lives:
            self._process = begun(*words, log=file)
        else:
            with file.open("ab") as log:
                self._process = subprocess.Popen(
                    [*_COMMAND, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
        self._groups.add(self._process.pid)
        self.lives += 1

    async def start(self) -> Doors:
        """Begin a life and wait until it says that it is ready."""
        self.spawn()
        return await self.ready()

    async def ready(self) -> Doors:
        """The doors of the present life, once it is ready."""
        deadline = time.monotonic() + _READY_WITHIN_S
        async with httpx.AsyncClient(timeout=2.0) as client:
            while time.monotonic() < deadline:
                assert self.running, f"the service ended while starting: {self.log[-800:]}"
                with contextlib.suppress(OSError, ValueError, httpx.HTTPError):
                    found = json.loads((self.data / "addresses.json").read_text())
                    if found["pid"] == self.pid and (await client.get(f"{found['api']}/v1/ready")).is_success:
                        return Doors(found["api"], found["mllp_port"])
                await asyncio.sleep(0.02)
        raise AssertionError(f"not ready within {_READY_WITHIN_S} s: {self.log[-800:]}")

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill9(self) -> None:
        """SIGKILL to the whole process group, and to a store that an earlier life left in another one."""
        for group in sorted(self._groups):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self._groups.clear()
        self._reap()

    def kill_python(self) -> None:
        """SIGKILL to the Python process alone: its Valkey lives on."""
        os.kill(self.pid, signal.SIGKILL)
        self._reap()

    def kill_store(self) -> int:
        """SIGKILL to the Valkey alone; its process id."""
        pid = self.store_pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait(self, seconds: float) -> int | None:
        """The exit status if the process ends by itself within that time, else None."""
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> int:
        """End the present life in an orderly way; the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def close(self) -> None:
        """Leave no process behind, whatever happened."""
        self.kill9()

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait(10)

    @contextlib.asynccontextmanager
    async def store(self) -> AsyncIterator[Redis]:
        """A client of the store of the present life, for looking only."""
        client = connect(socket_path(self.data))
        try:
            yield client
        finally:
            await client.aclose()


@contextlib.contextmanager
def far_ends() -> Iterator[tuple[SmtpInbox, NotifyEndpoint]]:
    """A real mail server and a real SMS endpoint, in the test's own process."""
    with SmtpInbox() as smtp, NotifyEndpoint() as sms:
        yield smtp, sms


def alive(pid: int) -> bool:
    """Whether a process runs (one that has ended and waits for its parent does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
