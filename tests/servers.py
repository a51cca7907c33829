"""Real servers for the tests: a Valkey of the product's own making, started once per run on a private socket."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from streams.server import EmbeddedServer, connect


@pytest.fixture(scope="session")
def valkey_socket() -> Iterator[Path]:
    """The socket of a real Valkey with the product's own settings, one for the whole run."""
    with tempfile.TemporaryDirectory(prefix="rp-test-") as folder:
        server = EmbeddedServer(Path(folder))
        asyncio.run(server.start())
        yield server.socket
        asyncio.run(server.stop())


@pytest_asyncio.fixture
async def valkey(valkey_socket: Path) -> AsyncIterator[Redis]:
    """A client of the run's Valkey, emptied before each test."""
    client = connect(valkey_socket)
    await client.flushall()
    yield client
    await client.aclose()
