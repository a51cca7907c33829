"""The embedded store keeps its promises about settings, ownership and damage."""

import asyncio
import os
import signal
import stat
from pathlib import Path

import pytest

from domain.errors import ConfigError, StoreError
from streams.aof import find_damage, repair
from streams.server import EmbeddedServer, check_durability, connect, socket_path


async def test_it_listens_on_a_private_socket_and_on_no_port(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "data")
    await server.start()
    try:
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
        client = connect(server.socket)
        assert (await client.config_get("port"))["port"] == "0"
        await client.aclose()
    finally:
        await server.stop()
    assert server.pid is None


async def test_an_unsafe_server_is_refused_with_every_fault_named(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "data")
    await server.start()
    client = connect(server.socket)
    try:
        await check_durability(client)
        await client.config_set("appendfsync", "everysec")
        await client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(ConfigError, match=r"maxmemory-policy is 'allkeys-lru'") as caught:
            await check_durability(client)
        assert "appendfsync is 'everysec'" in str(caught.value)
    finally:
        await client.aclose()
        await server.stop()


async def test_two_services_cannot_share_a_data_directory(tmp_path: Path) -> None:
    first = EmbeddedServer(tmp_path / "data")
    await first.start()
    try:
        with pytest.raises(StoreError, match="already runs"):
            await EmbeddedServer(tmp_path / "data").start()
    finally:
        await first.stop()


async def test_a_server_left_behind_by_a_killed_parent_is_taken_over(tmp_path: Path) -> None:
    orphan = EmbeddedServer(tmp_path / "data")
    await orphan.start()
    client = connect(orphan.socket)
    await client.set("kept", "yes")
    await client.aclose()
    assert orphan._turn._lock is not None
    orphan._turn._lock.close()  # what the kernel does when the parent dies

    heir = EmbeddedServer(tmp_path / "data")
    await heir.start()
    assert heir.pid == orphan.pid
    client = connect(heir.socket)
    assert await client.get("kept") == b"yes"
    await client.aclose()
    assert orphan._process is not None
    stopping = asyncio.create_task(heir.stop())
    await asyncio.to_thread(orphan._process.wait, 10)
    await stopping


async def test_a_long_path_still_gets_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    assert len(os.fsencode(socket_path(deep))) < 107


async def test_a_damaged_log_is_named_and_can_be_cut_at_the_last_whole_command(tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = EmbeddedServer(data)
    await server.start()
    client = connect(server.socket)
    for number in range(100):
        await client.set(f"key-{number}", "value")
    await client.aclose()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await server.stop()

    (log,) = (data / "appendonlydir").glob("*.incr.aof")
    content = bytearray(log.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    log.write_bytes(content)

    with pytest.raises(StoreError, match=r"damaged at byte .*doctor --repair"):
        await EmbeddedServer(data).start()

    damage = find_damage(data / "appendonlydir")
    assert damage is not None
    assert repair(damage).exists()
    server = EmbeddedServer(data)
    await server.start()
    client = connect(server.socket)
    assert await client.get("key-0") == b"value"
    assert 0 < await client.dbsize() < 100
    await client.aclose()
    await server.stop()
