"""Brokers as processes on loopback: started, stopped, killed and frozen by the tests that need it.

Each broker is a controller too. Ports are chosen when the cluster is made and stay, so that a broker that comes back
is found where it was.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.kafka.jars import jars

_HEAP = "-Xmx384m"
_STARTS_WITHIN_S = 60.0
_LOG4J = """log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %c %m%n
"""


@dataclass(slots=True)
class Broker:
    """One broker: its folder, its two ports and its process while it runs."""

    node: int
    folder: Path
    port: int
    controller_port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process is there (it may be frozen)."""
        return self.process is not None and self.process.poll() is None

    @property
    def log(self) -> str:
        """What it has said so far."""
        return (self.folder / "broker.log").read_text(errors="replace")


@dataclass(slots=True)
class Cluster:
    """`size` brokers that know each other. `settings` are added to each broker's server.properties."""

    folder: Path
    size: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    brokers: list[Broker] = field(default_factory=list)

    @property
    def bootstrap(self) -> str:
        """Where clients begin: every broker's address."""
        return ",".join(f"127.0.0.1:{broker.port}" for broker in self.brokers)

    def start(self) -> None:
        """Make the brokers' folders and start them all. Returns when each answers; raises with its log if not."""
        ports = free_ports(2 * self.size)
        self.brokers = [
            Broker(node, self.folder / f"broker{node}", ports[2 * node - 2], ports[2 * node - 1])
            for node in range(1, self.size + 1)
        ]
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "a")
        formatting = [self._format(broker, cluster) for broker in self.brokers]
        for broker, process in zip(self.brokers, formatting, strict=True):
            said, _ = process.communicate()
            if process.returncode:
                raise RuntimeError(f"broker {broker.node} could not be formatted:\n{said.decode(errors='replace')}")
        for broker in self.brokers:
            self.launch(broker)
        for broker in self.brokers:
            self.wait_for(broker)

    def launch(self, broker: Broker) -> None:
        """Start one broker's process, without waiting for it to answer."""
        with (broker.folder / "broker.log").open("ab") as log:
            broker.process = subprocess.Popen(
                java("kafka.Kafka", broker.folder / "server.properties", log4j=broker.folder / "log4j.properties"),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_for(self, broker: Broker, within_s: float = _STARTS_WITHIN_S) -> None:
        """Return when the broker's port answers; raise with its log if its process ends or time runs out."""
        ends = time.monotonic() + within_s
        while time.monotonic() < ends:
            if not broker.running:
                raise RuntimeError(f"broker {broker.node} ended:\n{broker.log[-4000:]}")
            with socket.socket() as probe:
                probe.settimeout(0.5)
                if probe.connect_ex(("127.0.0.1", broker.port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError(f"broker {broker.node} did not answer within {within_s:.0f} s:\n{broker.log[-4000:]}")

    def kill(self, broker: Broker) -> None:
        """SIGKILL: no goodbye to anybody."""
        self._signal(broker, signal.SIGKILL)
        if broker.process:
            broker.process.wait()

    def freeze(self, broker: Broker) -> None:
        """SIGSTOP: connections stay open and nobody answers."""
        self._signal(broker, signal.SIGSTOP)

    def thaw(self, broker: Broker) -> None:
        """SIGCONT."""
        self._signal(broker, signal.SIGCONT)

    def stop(self) -> None:
        """End all brokers; nothing of them is kept for later, so they are not asked politely."""
        for broker in self.brokers:
            if broker.running:
                self.kill(broker)

    def _signal(self, broker: Broker, number: signal.Signals) -> None:
        if broker.process and broker.running:
            os.killpg(broker.process.pid, number)

    def _format(self, broker: Broker, cluster: str) -> subprocess.Popen[bytes]:
        broker.folder.mkdir(parents=True)
        (broker.folder / "log4j.properties").write_text(_LOG4J)
        lines = {**self._properties(broker), **self.settings}
        config = broker.folder / "server.properties"
        config.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        return subprocess.Popen(
            [*java("kafka.tools.StorageTool"), "format", "-t", cluster, "-c", str(config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def _properties(self, broker: Broker) -> dict[str, str]:
        voters = ",".join(f"{each.node}@127.0.0.1:{each.controller_port}" for each in self.brokers)
        copies = str(min(3, self.size))
        return {
            "process.roles": "broker,controller",
            "node.id": str(broker.node),
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{broker.port},CONTROLLER://127.0.0.1:{broker.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker.port}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(broker.folder / "data"),
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": str(min(2, self.size)),
            "group.initial.rebalance.delay.ms": "0",
            "auto.create.topics.enable": "false",  # a topic that nobody planned is a fault
            "controlled.shutdown.enable": "false",
        }


def started(size: int = 1, settings: Mapping[str, str] | None = None) -> Cluster:
    """A running cluster in a folder of its own; `discard` it when done."""
    cluster = Cluster(Path(tempfile.mkdtemp(prefix="rp-kafka-")), size, settings or {})
    try:
        cluster.start()
    except BaseException:
        discard(cluster)
        raise
    return cluster


def discard(cluster: Cluster) -> None:
    """Stop the cluster and remove its folder."""
    cluster.stop()
    shutil.rmtree(cluster.folder, ignore_errors=True)


def java(main: str, *args: Path, log4j: Path | None = None) -> list[str]:
    """The command that runs a class of Kafka's jars."""
    options = [f"-Dlog4j.configuration=file:{log4j}"] if log4j else []
    return [
        "java",
        _HEAP,
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UnlockDiagnosticVMOptions",
        "-XX:-BytecodeVerificationRemote",  # jars whose hashes Maven knows: a quarter of a broker's start
        *options,
        "-cp",
        f"{jars()}/*",
        main,
        *map(str, args),
    ]


def free_ports(number: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    probes = [socket.socket() for _ in range(number)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
