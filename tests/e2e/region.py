"""Several machines on one: an API and workers of the distributed engine as processes, a real Kafka, a Valkey of our own.

Each process has a data directory of its own, as if on another machine; they share the broker and the store. The far
ends live in the test's process.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
from aiokafka.admin import AIOKafkaAdminClient
from redis.asyncio import Redis

from api.keys import AccessRole, Grant, key_from, new_secret
from api.valkey import ValkeyKeyStore
from cohort.valkey import ValkeyCohortStore
from domain.kinds import Feed
from domain.people import CohortMember, Navigator
from fixtures.endpoints import NotifyEndpoint, SmtpInbox
from streams.kafka_policy import KafkaPolicy
from streams.ports import LedgerCounts
from streams.server import EmbeddedServer, connect
from streams.valkey import ValkeyTransport
from tests.e2e.house import begun
from tests.e2e.service_process import Doors
from tests.e2e.warm import Life
from tests.kafka.broker import Cluster
from tests.kafka.server import policy_on

T = TypeVar("T")
_READY_WITHIN_S = 60.0
_SESSION_S = 6


@dataclass(slots=True)
class Region:
    """What runs, and doors to it. Processes have names: `api`, `w1`, `w2` ..."""

    folder: Path
    cluster: Cluster
    policy: KafkaPolicy
    server: EmbeddedServer
    smtp: SmtpInbox
    sms: NotifyEndpoint
    warm: bool = False  # whether all processes start warm (see tests/e2e/warm.py)
    processes: dict[str, "subprocess.Popen[bytes] | Life"] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start a process: the API for 'api', else a worker. One of a name that was there before starts warm."""
        words = ("api" if name == "api" else "worker", "--engine", "distributed")
        words += ("--config", str(self.folder / "reachpoint.toml"), "--data", str(self.folder / name))
        file = self.folder / f"{name}.log"
        if name in self.processes or self.warm:
            self.processes[name] = begun(*words, log=file)
            return
        with file.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-c", "from service.cli import main; main()", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self, name: str) -> str:
        """What a process has said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def send(self, name: str, number: signal.Signals) -> None:
        """A signal to a process and its children; SIGKILL waits until it is gone."""
        process = self.processes[name]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        if number is signal.SIGKILL:
            process.wait()

    def joined(self, name: str) -> None:
        """Return once the worker's present process has joined the group."""
        said = f'"pid": {self.processes[name].pid}'
        ends = time.monotonic() + _READY_WITHIN_S
        while not any('"kafka_joined"' in line and said in line for line in self.log(name).splitlines()):
            assert self.processes[name].poll() is None, self.log(name)[-3000:]
            assert time.monotonic() < ends, f"{name} did not join:\n{self.log(name)[-3000:]}"
            time.sleep(0.1)

    def kill_store(self) -> None:
        """SIGKILL to the store."""
        assert self.server.pid
        os.kill(self.server.pid, signal.SIGKILL)
        asyncio.run(self.server.stop())

    def bring_store_back(self) -> None:
        """The store again, with what it had on disk."""
        asyncio.run(self.server.start())

    def send_store(self, number: signal.Signals) -> None:
        """SIGSTOP or SIGCONT to the store."""
        assert self.server.pid
        os.kill(self.server.pid, number)

    def stop(self, name: str) -> int:
        """End a process in an orderly way; its exit status."""
        self.send(name, signal.SIGTERM)
        return self.processes[name].wait(60)

    def api_url(self) -> str:
        """Where the API is, once it says that it is ready."""
        return self.doors().api

    def doors(self) -> Doors:
        """Where the API and the HL7 listener are, once they are ready."""
        ends = time.monotonic() + _READY_WITHIN_S
        process = self.processes["api"]
        while time.monotonic() < ends:
            assert process.poll() is None, self.log("api")[-3000:]
            with contextlib.suppress(OSError, ValueError, httpx.HTTPError):
                found: dict[str, Any] = json.loads((self.folder / "api" / "addresses.json").read_text())
                if found["pid"] == process.pid and httpx.get(f"{found['api']}/v1/ready", timeout=2).is_success:
                    return Doors(found["api"], found["mllp_port"])
            time.sleep(0.05)
        raise AssertionError(f"the API did not become ready:\n{self.log('api')[-3000:]}")

    def bring(self, members: Sequence[CohortMember], navigators: Sequence[Navigator]) -> None:
        """Put people into the store."""

        async def put(client: Redis) -> None:
            store = ValkeyCohortStore(client)
            await store.put_navigators(list(navigators), replace=False)
            await store.put_members(list(members), replace=False, now=datetime.now(UTC))

        self.ask(put)

    def key(self, feed: Feed) -> str:
        """A key with which a feed may send."""
        secret = new_secret()
        grant = Grant(role=AccessRole.FEED, name=f"feed {feed.value}", feed=feed)
        self.ask(lambda client: ValkeyKeyStore(client).create(key_from(secret, grant, datetime.now(UTC))))
        return secret

    @contextlib.asynccontextmanager
    async def store(self) -> AsyncIterator[Redis]:
        """A client of the store, for looking only."""
        client = connect(self.server.socket)
        try:
            yield client
        finally:
            await client.aclose()

    def ask(self, question: Callable[[Redis], Awaitable[T]]) -> T:
        """Ask the store itself."""

        async def work() -> T:
            async with self.store() as client:
                return await question(client)

        return asyncio.run(work())

    def books(self) -> LedgerCounts:
        """The ledger's totals."""
        return self.ask(lambda client: ValkeyTransport(client).counts())

    def settle(self, accepted: int, *, within: float = 90.0) -> LedgerCounts:
        """The books, once so many events are in them and all of them have ended."""
        ends = time.monotonic() + within
        while True:
            books = self.books()
            if sum(books.accepted.values()) >= accepted and not books.in_flight:
                return books
            said = "\n".join(self.log(name)[-1500:] for name in self.processes)
            assert time.monotonic() < ends, f"{books}\n{said}"
            time.sleep(0.1)


@contextlib.contextmanager
def open_region(
    folder: Path,
    cluster: Cluster,
    *,
    workers: int = 2,
    secret: Path | None = None,
    settings: str = "",
    warm: bool = False,
) -> Iterator[Region]:
    """Start the store, the far ends, the API and so many workers (`warm`: without all the imports); stop everything at
    the end.

    `secret` is what references are made with, where a run is to be compared with another.
    """
    with contextlib.ExitStack() as stack:
        smtp = stack.enter_context(SmtpInbox())
        sms = stack.enter_context(NotifyEndpoint())
        store = EmbeddedServer(folder / "store")
        asyncio.run(store.start())
        stack.callback(lambda: asyncio.run(store.stop()))
        region = Region(folder, cluster, policy_on(cluster), store, smtp, sms, warm)
        _write_settings(region, secret, settings)
        stack.callback(lambda: [region.send(name, signal.SIGKILL) for name in region.processes])
        for name in ("api", *(f"w{number}" for number in range(1, workers + 1))):
            region.start(name)
        yield region


async def members_of(policy: KafkaPolicy) -> int:
    """How many workers the broker counts in the group now."""
    admin = AIOKafkaAdminClient(**policy.client_options())
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([f"{policy.prefix}-worker"])
        (group,) = answer.to_object()["groups"]
        return len(group["members"])
    finally:
        await admin.close()


def _write_settings(region: Region, secret: Path | None, more: str) -> None:
    policy = region.policy
    lines = [
        'engine = "distributed"',
        f'[store]\nredis_url = "unix://{region.server.socket}"',
        f'[kafka]\nbootstrap = "{policy.bootstrap}"\nprefix = "{policy.prefix}"\npartitions = {policy.partitions}',
        f"copies = {policy.copies}\ncopies_in_sync = {policy.copies_in_sync}\nsession_s = {_SESSION_S}",
        "[api]\nport = 0",
        "[mllp]\nport = 0",
        "[alerts]",
        f"sms_url = {json.dumps(region.sms.url)}",
        f"email_url = {json.dumps(region.smtp.url)}",
        f"reference_secret_file = {json.dumps(str(secret or _fresh_secret(region.folder)))}",
        *(f"flood_{what}_per_hour = 1000000" for what in ("rule", "navigator", "urgent")),
        '[log]\nformat = "json"',
        more,
    ]
    config = region.folder / "reachpoint.toml"
    config.write_text("\n".join(lines) + "\n")
    config.chmod(0o600)


def _fresh_secret(folder: Path) -> Path:
    file = folder / "reference.secret"
    file.write_bytes(secrets.token_bytes(32))
    return file
