"""A backup is whole, taken beside the running service, and comes back on one machine or in a store for many."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from redis.asyncio import Redis

from domain.kinds import Feed
from streams import keys
from streams.server import EmbeddedServer, connect
from streams.valkey import ValkeyTransport
from tests.e2e.house import House, open_house, reachpoint
from tests.e2e.people import ago, mention, navigator, record, watched

pytestmark = pytest.mark.server

PEOPLE = [watched(number, "N1") for number in range(1, 6)]


class Backup(NamedTuple):
    """A house in which things have happened, a backup of it, and what its store held at that moment."""

    house: House
    folder: Path
    contents: dict[str, Any]


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backup]:
    """A house in which things have happened, and a backup of it."""
    with open_house(tmp_path_factory.mktemp("backup")) as house:
        house.bring(PEOPLE, [navigator("N1", 101)])
        for number, person in enumerate(PEOPLE):
            said = mention(person, "victim")
            house.send(
                Feed.POLICE,
                record("crime.recorded", f"B-{number}", ago(minutes=9), said, attributes={"ho_code": "34B"}),
            )
        house.wait_for(2 * len(PEOPLE), within=20)
        yield _backup_of(house)


def _backup_of(house: House) -> Backup:
    """A backup during which nothing changed: loops of every few seconds go on after the last message."""
    for number in range(30):
        before, folder = asyncio.run(_contents(house.data)), house.folder / f"copy{number}"
        done = house.command("backup", str(folder), "--json")
        assert done.status == 0, done.err
        if asyncio.run(_contents(house.data)) == before:
            return Backup(house, folder, before)
        time.sleep(1)
    raise AssertionError("the store does not come to rest")


def test_a_backup_says_what_it_holds_and_is_for_its_owner_alone(backed_up: Backup) -> None:
    house, folder, _ = backed_up
    told = json.loads((folder / "manifest.json").read_text())
    assert told["accepted"] == len(PEOPLE)
    assert {"store.rdb", "reference.secret"} <= told["files"].keys()
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.glob("*.*"))
    assert not (house.data / "dump.rdb").exists(), "nothing of it stays behind in the data directory"


def test_restored_it_is_the_same_store_and_tells_nobody_anything_again(backed_up: Backup, tmp_path: Path) -> None:
    house, folder, before = backed_up
    done = reachpoint("restore", str(folder), "--data", str(tmp_path / "data"), "--json", cwd=tmp_path)
    assert done.status == 0, done.err

    async def look() -> dict[str, Any]:
        server = EmbeddedServer(tmp_path / "data")
        await server.start()
        try:
            return await _contents(tmp_path / "data")
        finally:
            await server.stop()

    assert asyncio.run(look()) == before
    assert (tmp_path / "data" / "reference.secret").read_bytes() == (house.data / "reference.secret").read_bytes()


def test_into_a_store_for_many_machines_nothing_is_missing_and_what_waited_is_sent_again(
    backed_up: Backup, tmp_path: Path
) -> None:
    _, folder, before = backed_up
    config = tmp_path / "reachpoint.toml"

    async def start() -> EmbeddedServer:
        server = EmbeddedServer(tmp_path / "own")
        await server.start()
        return server

    server = asyncio.run(start())
    try:
        config.write_text(
            f'engine = "distributed"\n[store]\nredis_url = "unix://{server.socket}"\n[kafka]\nbootstrap = "unused:9092"\n'
        )
        words = ("restore", str(folder), "--config", str(config), "--data", str(tmp_path / "w1"), "--json")
        done = reachpoint(*words, cwd=tmp_path)
        assert done.status == 0, done.err
        after = asyncio.run(_contents(tmp_path / "own"))
        assert {name: value for name, value in after.items() if name != keys.REOPENED} == before
        again = reachpoint(*words, cwd=tmp_path)
        assert again.status == 2
        assert "is not empty" in again.err
    finally:
        asyncio.run(server.stop())


def test_a_damaged_backup_is_refused_before_anything_is_written(backed_up: Backup, tmp_path: Path) -> None:
    folder = backed_up.folder
    copy = tmp_path / "damaged"
    copy.mkdir()
    for file in folder.glob("*.*"):
        (copy / file.name).write_bytes(file.read_bytes())
    whole = (copy / "store.rdb").read_bytes()
    (copy / "store.rdb").write_bytes(whole[:-20] + bytes(20))
    done = reachpoint("restore", str(copy), "--data", str(tmp_path / "data"), cwd=tmp_path)
    assert done.status == 2
    assert "damaged; missing or changed: store.rdb" in done.err
    assert not (tmp_path / "data").exists()


def test_a_folder_or_data_directory_in_use_is_left_alone(backed_up: Backup) -> None:
    house, folder, _ = backed_up
    again = house.command("backup", str(folder))
    assert again.status == 2
    assert "is not empty" in again.err
    onto = house.command("restore", str(folder))
    assert onto.status == 2
    assert "holds data already" in onto.err


async def _contents(data_dir: Path) -> dict[str, Any]:
    """Everything in the store of a data directory, apart from what only a running service says of itself."""
    client = connect(EmbeddedServer(data_dir).socket)
    try:
        assert (await ValkeyTransport(client).counts()).balanced
        return {
            name.decode(): await _value(client, name)
            async for name in client.scan_iter()
            if name.decode() not in {keys.FOLLOWED, keys.WORKER}
        }
    finally:
        await client.aclose()


async def _value(client: Redis, name: bytes) -> Any:
    kind: Any = await client.type(name)
    read: Any = {
        b"string": lambda: client.get(name),
        b"hash": lambda: client.hgetall(name),
        b"set": lambda: client.smembers(name),
        b"zset": lambda: client.zrange(name, 0, -1, withscores=True),
        b"list": lambda: client.lrange(name, 0, -1),
        b"stream": lambda: client.xrange(name),
    }[kind]
    return kind, await read()
