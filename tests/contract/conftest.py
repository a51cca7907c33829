"""Strategy: every promise is tried on both twins. `client` is None for the one in memory, else a real Valkey's client; the
others are what stands on it: a review desk, the two hops, a house with look-back."""

import pytest
from redis.asyncio import Redis

from streams.retention import Retention
from tests.contract.hops import Store
from tests.contract.reviewing import Desk
from tests.unit.streams.looking_back import Looking
from tests.unit.streams.play import Twin


@pytest.fixture(params=["memory", pytest.param("valkey", marks=pytest.mark.server)])
def client(request: pytest.FixtureRequest) -> Redis | None:
    """The store behind a twin: None is memory."""
    found: Redis | None = request.getfixturevalue("valkey") if request.param == "valkey" else None
    return found


@pytest.fixture
async def desk(client: Redis | None) -> Desk:
    """A review desk with both hops beside it."""
    made = Desk(client)
    await made.play.prepare()
    return made


@pytest.fixture
def store(client: Redis | None) -> Store:
    """A store to connect workers to."""
    return Store(client, Retention())


@pytest.fixture
async def twin(store: Store) -> Twin:
    """A worker's connection to it."""
    return await store.connect()


@pytest.fixture
def made(client: Redis | None) -> Looking:
    """A house with look-back before its first start."""
    return Looking(client=client)


@pytest.fixture
async def house(made: Looking) -> Looking:
    """A house with look-back."""
    return await made.prepare()
