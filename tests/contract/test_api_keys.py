"""One contract for both key stores: memory and a real Valkey."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from api.keys import AccessRole, Grant, hash_of, key_from, secret_from
from api.memory import MemoryKeyStore
from api.ports import KeyStore
from api.valkey import ValkeyKeyStore
from domain.errors import Conflict, StoreUnavailable
from domain.ids import NavigatorId
from domain.kinds import Feed
from streams.server import connect
from tests.unit.api.build import NOW

FEED_GRANT = Grant(
    AccessRole.FEED, "rms", feed=Feed.POLICE, systems=("RMS", "CAD"), expires_at=NOW + timedelta(days=90)
)
NAVIGATOR_GRANT = Grant(AccessRole.NAVIGATOR, "n1", navigator_id=NavigatorId("N1"))


@pytest_asyncio.fixture(params=["memory", "valkey"])
async def store(request: pytest.FixtureRequest, valkey_socket: Path) -> AsyncIterator[KeyStore]:
    if request.param == "memory":
        yield MemoryKeyStore()
        return
    client = connect(valkey_socket)
    await client.flushall()
    yield ValkeyKeyStore(client)
    await client.aclose()


async def test_a_key_is_found_by_its_hash_whole_and_by_nothing_else(store: KeyStore) -> None:
    key = key_from(secret_from(b"a" * 32), FEED_GRANT, NOW)
    await store.create(key)
    assert await store.find(key.key_hash) == key
    assert await store.find(hash_of("another")) is None
    assert await store.find(key.key_id) is None and await store.find("") is None


async def test_a_key_is_made_once(store: KeyStore) -> None:
    key = key_from(secret_from(b"a" * 32), FEED_GRANT, NOW)
    await store.create(key)
    with pytest.raises(Conflict):
        await store.create(key_from(secret_from(b"a" * 32), NAVIGATOR_GRANT, NOW))
    assert await store.find(key.key_hash) == key


async def test_keys_are_listed_by_age_with_what_became_of_them(store: KeyStore) -> None:
    younger = key_from(secret_from(b"y" * 32), NAVIGATOR_GRANT, NOW + timedelta(seconds=1))
    older = key_from(secret_from(b"o" * 32), FEED_GRANT, NOW)
    for key in (younger, older):
        await store.create(key)
    await store.touch(older.key_hash, NOW + timedelta(minutes=2))
    assert await store.revoke(younger.key_id, NOW + timedelta(minutes=3))
    first, second = await store.keys()
    assert (first.key_id, first.last_used_at, first.revoked_at) == (older.key_id, NOW + timedelta(minutes=2), None)
    assert (second.key_id, second.revoked_at) == (younger.key_id, NOW + timedelta(minutes=3))


async def test_the_first_revocation_stays_and_no_use_undoes_it(store: KeyStore) -> None:
    key = key_from(secret_from(b"a" * 32), FEED_GRANT, NOW)
    await store.create(key)
    assert await store.revoke(key.key_id, NOW)
    assert await store.revoke(key.key_id, NOW + timedelta(days=1))
    await store.touch(key.key_hash, NOW + timedelta(days=2))
    found = await store.find(key.key_hash)
    assert found is not None and found.revoked_at == NOW and found.last_used_at == NOW + timedelta(days=2)
    assert not await store.revoke("no such key", NOW)


async def test_a_use_of_a_key_that_is_not_there_makes_none(store: KeyStore) -> None:
    await store.touch(hash_of("nobody"), NOW)
    assert await store.keys() == [] and await store.find(hash_of("nobody")) is None


@pytest.mark.server
async def test_the_secret_is_nowhere_in_the_store_and_a_store_out_of_reach_says_so(valkey_socket: Path) -> None:
    client = connect(valkey_socket)
    await client.flushall()
    secret = secret_from(b"s" * 32)
    await ValkeyKeyStore(client).create(key_from(secret, FEED_GRANT, NOW))
    kept = [await client.hgetall(name) for name in await client.keys("*")]
    assert kept and secret.removeprefix("rp_") not in repr(kept)
    await client.aclose()
    away = connect(valkey_socket.with_name("nowhere.sock"))
    with pytest.raises(StoreUnavailable):
        await ValkeyKeyStore(away).find("x")
    await away.aclose()
