"""From a live run through the archive's files to a backtest: the same firings, ids, times and withdrawals, on either
store, with waits that end by the clock, a person whose record changes, and a crash while files are written."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from redis.asyncio import Redis

from domain.ids import MemberId
from domain.people import MemberStatus
from service.backtest_replay import replay
from service.backtest_source import people_of, plan_of, reading
from streams.archive import Archived, ArchiveLog
from streams.archive_memory import MemoryArchiveLog
from streams.archive_parquet import ParquetArchive
from streams.archive_valkey import ValkeyArchiveLog
from streams.archiver import Archiver
from tests.unit.service.archived import POLICY, by_person, told_live
from tests.unit.streams.lives import COHORT, STORIES, Chapter, told
from tests.unit.streams.play import Play, hours, valkey_twin


def log_of(play: Play, client: Redis | None) -> ArchiveLog:
    if client is not None:
        return ValkeyArchiveLog(client)
    assert play.twin.server is not None
    return MemoryArchiveLog(play.twin.server)


def a_life(seed: int) -> list[Chapter]:
    rng, stories = Random(seed), sorted(STORIES)
    return [
        Chapter(rng.choice(stories), rng.randint(1, 4), rng.randint(1, 4), rng.randint(0, 40), rng.randrange(2**16))
        for _ in range(14)
    ]


@pytest.mark.parametrize("seed", range(2))
async def test_a_backtest_of_what_was_archived_is_the_live_run(client: Redis | None, tmp_path: Path, seed: int) -> None:
    play = await Play(COHORT, valkey_twin(client) if client else None).prepare()
    files = ParquetArchive(tmp_path / "archive")
    files.prepare()
    events = told(a_life(seed))
    for place, each in enumerate([*events, *events[::4]]):
        await play.give_in_time(each)
        if place == len(events) // 2:
            known = play.index.member(MemberId("M1"))
            assert known is not None
            play.change(replace(known, status=MemberStatus.NON_ENGAGER))
    await play.until(play.clock.now() + hours(24 * 120))
    waiting = log_of(play, client)
    records = [each.what for each in await waiting.read_archive(100_000) if isinstance(each.what, Archived)]
    files.write(records[:20], ())  # a crash behind this: written, and not forgotten yet
    await Archiver(waiting, files, play.clock).turn()
    assert await waiting.archive_waiting() == 0
    plan = plan_of(files, POLICY.until - hours(24 * 365), POLICY.until)
    with reading(plan) as connection:
        found = {
            person.member_id: replay(person.pasts, play.world.rules, POLICY)
            for chunk in plan.chunks
            for person in people_of(connection, plan, chunk, POLICY.until)
        }
    assert set(found) == set(by_person(records))
    assert any(life.firings for life in found.values())
    for member, own in by_person(records).items():
        again = found[member].firings
        live = told_live(own)
        late = {each for each in again if again[each].at > play.clock.now()}  # the clock goes on in a backtest
        assert {each: seen.state.value for each, seen in again.items() if each not in late} == live
        times = {each.firing_id: each.fired_at for one in own for each in one.firings}
        assert all(again[each].firing.fired_at == times[each] for each in live)
