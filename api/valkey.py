"""The key store in Valkey or Redis. One slot, tag `{keys}`; each hash has one field per key, named by the key's hash:

`{keys}:all` JSON as created, `{keys}:revoked` and `{keys}:used` ISO times; `{keys}:ids` key id -> hash. What changes
lies apart from what does not, so that noting a use can never undo a revocation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from redis.exceptions import RedisError

from api.keys import ApiKey
from domain.errors import Conflict, StoreUnavailable

if TYPE_CHECKING:
    from redis.asyncio import Redis

ALL = "{keys}:all"
REVOKED = "{keys}:revoked"
USED = "{keys}:used"
IDS = "{keys}:ids"

_CREATE = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 or redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[1])
return 1
"""
_decoder = msgspec.json.Decoder(ApiKey)


class ValkeyKeyStore:
    """Keys on one Valkey. `client` answers bytes and is owned by the caller."""

    def __init__(self, client: "Redis") -> None:
        self._client = client

    async def create(self, key: ApiKey) -> None:
        """See KeyStore."""
        with _unavailable_as_ours():
            made: Any = await self._client.eval(
                _CREATE, 2, ALL, IDS, key.key_hash, key.key_id, msgspec.json.encode(key)
            )
        if not made:
            raise Conflict

    async def keys(self) -> list[ApiKey]:
        """See KeyStore."""
        with _unavailable_as_ours():
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.hgetall(ALL)
                pipe.hgetall(REVOKED)
                pipe.hgetall(USED)
                found, revoked, used = await pipe.execute()
        known = [_restored(raw, revoked.get(name), used.get(name)) for name, raw in found.items()]
        return sorted(known, key=lambda key: (key.created_at, key.key_id))

    async def revoke(self, key_id: str, now: datetime) -> bool:
        """See KeyStore."""
        with _unavailable_as_ours():
            found: Any = await self._client.hget(IDS, key_id)
            if found is None:
                return False
            await self._client.hsetnx(REVOKED, found, now.isoformat())
        return True

    async def find(self, key_hash: str) -> ApiKey | None:
        """See KeyStore. One round trip."""
        with _unavailable_as_ours():
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.hget(ALL, key_hash)
                pipe.hget(REVOKED, key_hash)
                pipe.hget(USED, key_hash)
                raw, revoked, used = await pipe.execute()
        return _restored(raw, revoked, used) if raw else None

    async def touch(self, key_hash: str, now: datetime) -> None:
        """See KeyStore. Keys are never removed, so a use can be noted without looking."""
        with _unavailable_as_ours():
            await self._client.hset(USED, key_hash, now.isoformat())


def _restored(raw: bytes, revoked: bytes | None, used: bytes | None) -> ApiKey:
    return replace(
        _decoder.decode(raw),
        revoked_at=datetime.fromisoformat(revoked.decode()) if revoked else None,
        last_used_at=datetime.fromisoformat(used.decode()) if used else None,
    )


@contextmanager
def _unavailable_as_ours() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as fault:
        raise StoreUnavailable(f"The store did not answer ({type(fault).__name__}).") from fault
