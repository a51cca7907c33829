"""Commands at once on a stopped private store take turns; they use the store of a service that runs; a service waits for
a command and refuses only beside another service."""

import asyncio
import os
from pathlib import Path

import pytest

from domain.errors import StoreError
from service.settings import Settings
from service.wiring import is_running, open_store, reach_store
from streams import turns
from streams.turns import Turn, TurnTaken, holder_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


async def test_many_commands_at_once_take_turns_and_none_loses_its_store(settings: Settings) -> None:
    async def command() -> int:
        async with reach_store(settings) as client:
            before = int(await client.get("turns") or 0)
            await asyncio.sleep(0.1)  # another that shared the store would have read the same
            await client.set("turns", before + 1)
            return before

    assert sorted(await asyncio.gather(*(command() for _ in range(5)))) == list(range(5))
    assert holder_of(settings.data_dir) is None


async def test_commands_use_the_store_of_a_service_and_leave_it_running(settings: Settings) -> None:
    async with open_store(settings) as own:
        async with reach_store(settings) as one, reach_store(settings) as other:
            await one.set("said", "yes")
            assert await other.get("said") == await own.get("said") == b"yes"
        assert await own.ping()
        assert await is_running(settings)


async def test_a_second_service_is_refused_at_once_and_the_first_is_named(settings: Settings) -> None:
    async with open_store(settings):
        with pytest.raises(StoreError, match=rf"A service of Reachpoint \(process {os.getpid()}\) already runs on"):
            async with asyncio.timeout(2), open_store(settings):
                pass


async def test_a_service_waits_for_a_command_that_is_no_service(settings: Settings) -> None:
    entered = asyncio.Event()

    async def command() -> None:
        async with reach_store(settings) as client:
            entered.set()
            assert not await is_running(settings)
            await asyncio.sleep(0.3)
            await client.set("said", "yes")

    short = asyncio.create_task(command())
    await entered.wait()
    async with open_store(settings) as client:
        assert short.done() and await client.get("said") == b"yes"
    await short


async def test_beside_a_long_command_others_share_and_a_service_says_what_is_in_its_way(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 0.2)
    async with reach_store(settings) as long, reach_store(settings) as other:
        await other.set("said", "yes")
        assert await long.get("said") == b"yes"
        with pytest.raises(TurnTaken, match=r"A command of Reachpoint \(process \d+\) is at work .* within 0\.2 sec"):
            async with open_store(settings):
                pass


async def test_a_command_beside_a_service_that_just_ended_gets_the_turn(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True)
    ending = Turn(settings.data_dir, service=True)  # its store is stopped already
    await ending.take()

    async def command() -> bool:
        async with asyncio.timeout(10), reach_store(settings) as client:
            return bool(await client.ping())

    waits = asyncio.create_task(command())
    await asyncio.sleep(0.2)
    ending.leave()
    assert await waits


async def test_a_part_of_a_service_shares_no_store_of_a_command(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 0.2)
    async with reach_store(settings) as long:
        with pytest.raises(TurnTaken, match=r"A command of Reachpoint \(process \d+\) is at work"):
            async with asyncio.timeout(5), reach_store(settings, service=True):
                pass
        assert await long.ping()


async def test_a_part_of_a_service_waits_for_a_short_command_and_then_has_its_own_store(settings: Settings) -> None:
    entered, done = asyncio.Event(), asyncio.Event()

    async def command() -> None:
        async with reach_store(settings):
            entered.set()
            await asyncio.sleep(0.3)
        done.set()

    short = asyncio.create_task(command())
    await entered.wait()
    async with reach_store(settings, service=True) as client:
        assert done.is_set() and await client.ping() and await is_running(settings)
    await short


async def test_parts_of_a_service_share_one_store(settings: Settings) -> None:
    async with reach_store(settings, service=True) as one, reach_store(settings, service=True) as other:
        await other.set("said", "yes")
        assert await one.get("said") == b"yes"


async def test_a_killed_holder_leaves_its_turn(tmp_path: Path) -> None:
    (tmp_path / "reachpoint.lock").write_text("service 999999999")  # no process has such a number
    assert holder_of(tmp_path) is None
    turn = Turn(tmp_path, service=False)
    await turn.take()
    holder = holder_of(tmp_path)
    assert holder is not None and not holder.service and holder.pid == os.getpid()
    turn.leave()
    assert holder_of(tmp_path) is None


async def test_a_holder_of_an_earlier_release_says_nothing_and_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 0.2)
    earlier = Turn(tmp_path, service=True)
    await earlier.take()
    (tmp_path / "reachpoint.lock").write_text("")
    with pytest.raises(TurnTaken, match="Another Reachpoint is at work"):
        await Turn(tmp_path, service=False).take()
    earlier.leave()
