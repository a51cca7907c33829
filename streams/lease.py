"""One worker per store: a lease that is renewed while the worker lives and ends by itself when it dies.

The embedded engine has a single worker, so that a person has one owner. On a private store the lock on the data
directory sees to it; on a store that others can reach, this does.
"""

import asyncio
import contextlib
import secrets
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from domain.errors import ConfigError, StoreError
from streams import keys
from streams.valkey import unavailable_as_ours

_FOR = timedelta(seconds=6)
_RENEW_EVERY = timedelta(seconds=2)

_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Leader:
    """The right to do what one worker of several does for all (look-back, trimming, expiry): whoever has it keeps it
    by asking, and it ends by itself when they die. It only spares work: what it guards is safe to be done twice."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._token = secrets.token_hex(16)
        self._renew = client.register_script(_RENEW)

    async def leads(self) -> bool:
        """Whether we lead now; takes the lead where nobody has it. Ask at least every two seconds."""
        span = int(_FOR.total_seconds() * 1000)
        async with unavailable_as_ours():
            if await self._client.set(keys.LEADER, self._token, nx=True, px=span):
                return True
            kept: Any = await self._renew(keys=[keys.LEADER], args=[self._token, span])
        return bool(int(kept))


class WorkerLease:
    """The right to be the worker of a store."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._token = secrets.token_hex(16)
        self._renew = client.register_script(_RENEW)
        self._release = client.register_script(_RELEASE)

    async def take(self) -> None:
        """Become the worker. Waits for the lease of a dead one to end; ConfigError if a living one holds it."""
        deadline = asyncio.get_running_loop().time() + _FOR.total_seconds() + 1
        while True:
            async with unavailable_as_ours():
                taken: Any = await self._client.set(keys.WORKER, self._token, nx=True, px=_FOR)
            if taken:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise ConfigError("Another worker runs on this store; the embedded engine has one. Stop it first.")
            await asyncio.sleep(0.2)

    async def keep(self, stop: asyncio.Event) -> None:
        """Renew until `stop`, then let go. Raises StoreError once the lease is somebody else's: stop working then."""
        while not stop.is_set():
            async with unavailable_as_ours():
                kept: Any = await self._renew(keys=[keys.WORKER], args=[self._token, int(_FOR.total_seconds() * 1000)])
            if not int(kept):
                raise StoreError("The worker's lease was lost to another worker.")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _RENEW_EVERY.total_seconds())
        with contextlib.suppress(StoreError):
            async with unavailable_as_ours():
                await self._release(keys=[keys.WORKER], args=[self._token])
