"""The key store in memory: the twin of `valkey.py` for tests and simulation."""

from dataclasses import replace
from datetime import datetime

from api.keys import ApiKey
from domain.errors import Conflict


class MemoryKeyStore:
    """Keys in a dictionary, by hash."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    async def create(self, key: ApiKey) -> None:
        """See KeyStore."""
        if key.key_hash in self._keys or any(known.key_id == key.key_id for known in self._keys.values()):
            raise Conflict
        self._keys[key.key_hash] = key

    async def keys(self) -> list[ApiKey]:
        """See KeyStore."""
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.key_id))

    async def revoke(self, key_id: str, now: datetime) -> bool:
        """See KeyStore."""
        found = next((key for key in self._keys.values() if key.key_id == key_id), None)
        if found is None:
            return False
        if found.revoked_at is None:
            self._keys[found.key_hash] = replace(found, revoked_at=now)
        return True

    async def find(self, key_hash: str) -> ApiKey | None:
        """See KeyStore."""
        return self._keys.get(key_hash)

    async def touch(self, key_hash: str, now: datetime) -> None:
        """See KeyStore."""
        found = self._keys.get(key_hash)
        if found is not None:
            self._keys[key_hash] = replace(found, last_used_at=now)
