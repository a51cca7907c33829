"""A store of the product's own making that is killed (kill -9) in the middle of something and comes back."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from domain.errors import StoreError
from streams.server import EmbeddedServer, connect


@contextlib.asynccontextmanager
async def living_store(folder: Path) -> AsyncIterator[Redis]:
    """The store of this folder, until the end of the block: what was durable there before is there again."""
    server = EmbeddedServer(folder)
    await server.start()
    client = connect(server.socket)
    try:
        yield client
    finally:
        await client.aclose()
        await server.stop()


async def killed_amid(folder: Path, work: Coroutine[Any, Any, Any], after_s: float) -> bool:
    """Kill the store of this folder so many seconds into the work; whether the work was answered all the same.

    Nothing of the store answers afterwards: leave its `living_store` and enter another one.
    """
    task = asyncio.create_task(work)
    await asyncio.sleep(after_s)
    os.kill(int((folder / "valkey.pid").read_text()), signal.SIGKILL)
    try:
        await task
    except StoreError:
        return False
    return True
