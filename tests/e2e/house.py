"""The whole house for a test: real far ends, `reachpoint run` as a process of its own, and every door to it.

A test says what a feed sends and what people must get; this knows ports, keys and processes. Nothing of it reaches
into the service: what a test learns, it learns through a door, the command line or the store.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
from redis.asyncio import Redis

from api.keys import AccessRole, Grant, key_from, new_secret
from api.valkey import ValkeyKeyStore
from cohort.valkey import ValkeyCohortStore
from domain.ids import EventId, NavigatorId
from domain.kinds import Feed
from domain.people import CohortMember, Navigator
from fixtures.endpoints import NotifyEndpoint, SmtpInbox
from fixtures.writers import members_ndjson
from streams.ports import LedgerCounts
from streams.server import connect, socket_path
from streams.valkey import ValkeyTransport
from tests.e2e.warm import Done, Launcher, Life

READY_WITHIN_S = 60.0
SETTLED_FOR_S = 0.4
"""After the last event is decided, a message leaves at once; whatever comes later than this is no message of it."""
FOLLOW_S = 1.0
"""What is promised: the index follows an import within a second."""
SERVER_SENT = "application/x-ndjson"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Said:
    """One message as somebody got it: channel, to whom, and all its words."""

    channel: str
    to: str
    words: str

    @property
    def reference(self) -> str:
        """The reference it carries, '' if none."""
        found = re.search(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b", self.words)
        return found[0] if found else ""


_launcher = Launcher()


def begun(*words: str, log: Path) -> Life:
    """A service that begins warm, in a session of its own."""
    return _launcher.start(words, log)


def reachpoint(*words: str, stdin: bytes = b"", cwd: Path | None = None) -> Done:
    """Run the command line as a stranger would, as a process of its own."""
    return _launcher.run(words, stdin, cwd)


@dataclass(slots=True)
class House:
    """A running service with everything around it."""

    folder: Path
    config: Path
    smtp: SmtpInbox
    sms: NotifyEndpoint
    process: "subprocess.Popen[bytes]"
    api_url: str
    mllp_port: int
    _keys: dict[tuple[str, str], str] = field(default_factory=dict)
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60.0))
    _heard: tuple[int, int] = (0, 0)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def log(self) -> str:
        """Everything that the service wrote to its log."""
        return (self.folder / "service.log").read_text(errors="replace")

    def command(self, *words: str, stdin: bytes = b"") -> Done:
        """A command beside the service."""
        return reachpoint(*words, "--config", str(self.config), stdin=stdin)

    def import_people(self, members: Iterable[CohortMember]) -> None:
        """Take watched people in through the command line."""
        file = self.folder / "cohort.ndjson"
        file.write_bytes(b"".join(members_ndjson(members)))
        done = self.command("cohort", "import", str(file), "--json")
        assert done.status == 0, done.err

    def bring(self, members: Iterable[CohortMember], navigators: Iterable[Navigator]) -> None:
        """Put people into the store, and wait as long as the service may take to follow."""
        everybody, staff = list(members), list(navigators)

        async def put(client: Redis) -> None:
            store = ValkeyCohortStore(client)
            await store.put_navigators(staff, replace=False)
            await store.put_members(everybody, replace=False, now=datetime.now(UTC))

        self.ask(put)
        time.sleep(FOLLOW_S)

    def key(self, role: str, bound: str = "") -> str:
        """A key of that role, made once; `bound` is the feed or the navigator."""
        if (role, bound) not in self._keys:
            grant = Grant(
                role=AccessRole(role),
                name=f"{role} {bound}".strip(),
                feed=Feed(bound) if role == "feed" else None,
                navigator_id=NavigatorId(bound) if role == "navigator" else None,
            )
            secret = new_secret()
            key = key_from(secret, grant, datetime.now(UTC))
            self.ask(lambda client: ValkeyKeyStore(client).create(key))
            self._keys[role, bound] = secret
        return self._keys[role, bound]

    def get(self, path: str, key: str = "") -> httpx.Response:
        """GET from the API."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return self._http.get(self.api_url + path, headers=headers)

    def post(
        self, path: str, key: str, content: bytes | Iterable[bytes], content_type: str = "application/json"
    ) -> httpx.Response:
        """POST to the API."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": content_type}
        return self._http.post(self.api_url + path, content=content, headers=headers)

    def send(
        self, feed: Feed, *records: Mapping[str, Any] | bytes, content_type: str = SERVER_SENT
    ) -> list[dict[str, Any]]:
        """Records of a feed over HTTP; one answer each."""
        lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
        key = self.key("feed", feed.value)
        response = self.post(f"/v1/feeds/{feed.value}/events", key, b"\n".join(lines), content_type)
        assert response.status_code == 200, response.text
        items: list[dict[str, Any]] = response.json()["items"]
        return items

    def ingest(self, feed: str, content: bytes, name: str, *more: str) -> Done:
        """Records from a file."""
        file = self.folder / name
        file.write_bytes(content)
        return self.command("ingest", feed, str(file), *more, "--json")

    def line(self) -> "MllpLine":
        """A connection to the HL7 listener."""
        return MllpLine(socket.create_connection(("127.0.0.1", self.mllp_port), timeout=30))

    def mllp(self, *messages: bytes) -> list[str]:
        """Send HL7 messages over one connection; the acknowledgement codes."""
        with contextlib.closing(self.line()) as line:
            return [line.ask(message).code for message in messages]

    def heard(self) -> list[Said]:
        """All messages since `forget_messages`, in no order."""
        texts, mails = self.sms.texts[self._heard[0] :], self.smtp.mails[self._heard[1] :]
        said = [Said("sms", text.to, text.body) for text in texts]
        return said + [Said("email", mail.to[0], f"{mail.subject}\n{mail.body}") for mail in mails]

    def forget_messages(self) -> None:
        """What came so far is known."""
        self._heard = (len(self.sms.texts), len(self.smtp.mails))

    def wait_for(self, count: int, *, within: float = 5.0) -> list[Said]:
        """The messages once there are `count` of them and all is decided; nothing else may come meanwhile."""
        began = time.monotonic()
        while len(self.heard()) < count and time.monotonic() - began < within:
            time.sleep(0.02)
        self.settle()
        return self.heard()

    def settle(self, *, within: float = 30.0) -> LedgerCounts:
        """Wait until every accepted event has ended and what it set off has left; the books then."""
        deadline = time.monotonic() + within
        while (books := self.books()).in_flight:
            assert time.monotonic() < deadline, f"{books.in_flight} events do not end"
            time.sleep(0.05)
        time.sleep(SETTLED_FOR_S)
        return books

    def books(self) -> LedgerCounts:
        """The ledger's totals."""
        return self.ask(lambda client: ValkeyTransport(client).counts())

    def endings(self, events: Iterable[EventId]) -> list[str]:
        """How each of these events ended; '' where it did not."""

        async def look(client: Redis) -> list[str]:
            transport = ValkeyTransport(client)
            return [str(await transport.disposition(event) or "") for event in events]

        return self.ask(look)

    def ask(self, question: Callable[[Redis], Awaitable[T]]) -> T:
        """Ask the store itself."""

        async def work() -> T:
            client = connect(socket_path(self.data))
            try:
                return await question(client)
            finally:
                await client.aclose()

        return asyncio.run(work())

    def alive(self) -> bool:
        """Whether the service process runs and says that it is ready."""
        return self.process.poll() is None and self.get("/v1/ready").is_success

    def cpu_seconds(self) -> float:
        """Processor time of the service so far; unlike the clock it does not care who else uses the machine."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mib(self, *, fresh: bool = False) -> float:
        """The most memory it held since the last `fresh` reading, in MiB."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        if fresh:
            Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        assert found is not None
        return int(found[1]) / 1024

    def end(self) -> None:
        """Stop the service in an orderly way."""
        self._http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)


@dataclass(frozen=True, slots=True)
class Ack:
    """An acknowledgement: its code, the control id it answers, and its words."""

    code: str
    answers: str
    words: str
    whole: bytes


class MllpLine:
    """One MLLP connection, as a hospital's sender holds it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._held = b""

    def write(self, raw: bytes) -> None:
        """Bytes as they are, framed or not."""
        self._connection.sendall(raw)

    def ask(self, message: bytes) -> Ack:
        """One framed message and its answer."""
        self.write(b"\x0b" + message + b"\x1c\r")
        return self.answer()

    def answer(self) -> Ack:
        """The next answer."""
        while b"\x1c\r" not in self._held:
            found = self._connection.recv(65536)
            if not found:
                raise ConnectionError("the listener hung up")
            self._held += found
        whole, _, self._held = self._held.partition(b"\x1c\r")
        mark = whole.lstrip(b"\x0b")[3:4]  # an answer is written with the separators of the message it answers
        segment = next(part for part in whole.split(b"\r") if part.startswith(b"MSA"))
        msa = [field.decode("utf-8", "replace") for field in segment.split(mark)]
        return Ack(msa[1], msa[2] if len(msa) > 2 else "", msa[3] if len(msa) > 3 else "", whole)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextlib.contextmanager
def open_house(
    folder: Path,
    *,
    level: str = "info",
    settings: str = "",
    through: Callable[[int], int] = lambda port: port,
    per_navigator: int = 1_000_000,
) -> Iterator[House]:
    """Start the far ends and the service; stop everything at the end. A navigator gets `per_navigator` messages an
    hour, and as many P1; by default months of events may come within seconds, and each message is counted.

    `settings` are further lines of the configuration file. `through` puts something between the service and a far end:
    it is given the far end's port and answers the port to send to.
    """
    with contextlib.ExitStack() as stack:
        smtp = stack.enter_context(SmtpInbox())
        sms = stack.enter_context(NotifyEndpoint())
        config = folder / "reachpoint.toml"
        sms_port = int(sms.base_url.rsplit(":", 1)[1])
        urls = {
            "sms_url": sms.url.replace(f":{sms_port}", f":{through(sms_port)}"),
            "email_url": smtp.url.replace(f":{smtp.port}", f":{through(smtp.port)}"),
        }
        config.write_text(_config(folder, urls, level, settings, per_navigator))
        config.chmod(0o600)
        log = stack.enter_context((folder / "service.log").open("ab"))
        process = subprocess.Popen(
            [sys.executable, "-c", "from service.cli import main; main()", "run", "--config", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        stack.callback(_make_sure_it_ended, process)
        told = _ready(folder, process)
        house = House(folder, config, smtp, sms, process, str(told["api"]), int(told["mllp_port"]))
        stack.callback(house.end)
        yield house


def _config(folder: Path, urls: Mapping[str, str], level: str, settings: str, per_navigator: int) -> str:
    lines = [
        f"data_dir = {json.dumps(str(folder / 'data'))}",
        "[api]\nport = 0",
        "[mllp]\nport = 0",
        "[alerts]",
        *(f"{name} = {json.dumps(url)}" for name, url in urls.items()),
        "flood_rule_per_hour = 1000000",
        f"flood_navigator_per_hour = {per_navigator}\nflood_urgent_per_hour = {per_navigator}",
        f'[log]\nformat = "json"\nlevel = "{level}"',
        settings,
        "",
    ]
    return "\n".join(lines)


def _ready(folder: Path, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        assert process.poll() is None, (folder / "service.log").read_text(errors="replace")[-2000:]
        with contextlib.suppress(OSError, ValueError, httpx.HTTPError):
            found: dict[str, Any] = json.loads((folder / "data" / "addresses.json").read_text())
            if found.get("pid") == process.pid and httpx.get(f"{found['api']}/v1/ready", timeout=2).is_success:
                return found
        time.sleep(0.05)
    raise AssertionError("the service did not become ready")


def _make_sure_it_ended(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
