"""The cohort store's contract, kept by both twins; and the follower that lives on it."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from cohort.follow import CohortFollower
from cohort.index import CohortIndex
from cohort.memory import MemoryCohortStore
from cohort.ports import CohortStore
from cohort.ties import tied
from cohort.valkey import ValkeyCohortStore
from domain.errors import StoreError, StoreUnavailable
from domain.ids import MemberId, NavigatorId
from domain.matches import LinkLearnt
from domain.people import MemberStatus, Navigator, Tie
from tests.unit.cohort.people import cohort

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
MEMBERS = cohort(6, seed=51)
JOINED = [dataclasses.replace(member, joined_at=NOW) for member in MEMBERS]


@pytest.fixture(params=["memory", pytest.param("valkey", marks=pytest.mark.server)])
def store(request: pytest.FixtureRequest) -> CohortStore:
    if request.param == "memory":
        return MemoryCohortStore()
    return ValkeyCohortStore(request.getfixturevalue("valkey"))


async def test_what_was_put_is_there_and_joined_then(store: CohortStore) -> None:
    assert await store.put_members(MEMBERS[::-1], replace=False, now=NOW) == 1
    assert await store.members() == JOINED


async def test_who_was_known_keeps_the_day_they_joined(store: CohortStore) -> None:
    await store.put_members(MEMBERS[:2], replace=False, now=NOW)
    await store.put_members(MEMBERS, replace=False, now=LATER)
    assert [member.joined_at for member in await store.members()] == [NOW] * 2 + [LATER] * 4


async def test_changes_tell_what_moved_and_nothing_else(store: CohortStore) -> None:
    first = await store.put_members(MEMBERS, replace=False, now=NOW)
    moved = dataclasses.replace(MEMBERS[0], status=MemberStatus.CLOSED)
    second = await store.put_members([moved, MEMBERS[1]], replace=False, now=LATER)
    third = await store.remove_members([MEMBERS[2].member_id, MemberId("nobody")])
    changes = await store.changes_since(first)
    assert (first, second, third, changes.version) == (1, 2, 3, 3)
    assert changes.members == (dataclasses.replace(moved, joined_at=NOW),)
    assert changes.removed == (MEMBERS[2].member_id,)
    assert changes.navigators is None
    assert (await store.changes_since(third)).members == ()


async def test_who_must_be_looked_for_is_told_by_name(store: CohortStore) -> None:
    first = await store.put_members(MEMBERS, replace=False, now=NOW)
    assert await store.sought_ids(0) == tuple(member.member_id for member in MEMBERS)
    assert await store.changed_ids(0) == tuple(member.member_id for member in MEMBERS)
    one = MEMBERS[1]
    await store.put_members([dataclasses.replace(one, area="elsewhere", navigator_id=None)], replace=False, now=LATER)
    assert await store.changed_ids(first) == (one.member_id,)
    assert await store.sought_ids(first) == (), "where they are looked after is nothing that events are asked by"
    moved = dataclasses.replace(one, identity=dataclasses.replace(one.identity, postcodes=("ZZ99 9ZZ",)))
    last = await store.put_members([moved], replace=False, now=LATER)
    assert await store.sought_ids(first) == (one.member_id,)
    assert await store.sought_ids(last) == ()
    await store.remove_members([one.member_id])
    assert await store.sought_ids(first) == ()
    assert await store.changed_ids(last) == (one.member_id,), "who was removed is told too"


async def test_replace_removes_everybody_else(store: CohortStore) -> None:
    await store.put_members(MEMBERS, replace=False, now=NOW)
    version = await store.put_members(MEMBERS[:1], replace=True, now=LATER)
    assert await store.members() == JOINED[:1]
    changes = await store.changes_since(version - 1)
    assert changes.removed == tuple(member.member_id for member in MEMBERS[1:])
    await store.put_members(MEMBERS[1:2], replace=False, now=LATER)
    assert (await store.changes_since(version)).members == (dataclasses.replace(MEMBERS[1], joined_at=LATER),)


async def test_navigators_are_kept_and_told_when_they_change(store: CohortStore) -> None:
    one, two = (Navigator(NavigatorId(name), "Somebody", "+447700900002") for name in ("N1", "N2"))
    version = await store.put_navigators([two, one], replace=False)
    assert await store.navigators() == [one, two]
    assert (await store.changes_since(0)).navigators == (one, two)
    assert (await store.changes_since(version)).navigators is None
    await store.put_navigators([two], replace=True)
    assert (await store.changes_since(version)).navigators == (two,)


async def test_an_empty_store_and_an_empty_write_are_no_trouble(store: CohortStore) -> None:
    assert await store.members() == []
    assert (await store.changes_since(0)).version == 0
    assert await store.put_members([], replace=True, now=NOW) == 1
    assert await store.put_navigators([], replace=True) == 2
    assert (await store.changes_since(1)).navigators == ()


async def test_writers_at_the_same_time_lose_nothing(store: CohortStore) -> None:
    versions = await asyncio.gather(*(store.put_members([member], replace=False, now=NOW) for member in MEMBERS))
    assert sorted(versions) == [1, 2, 3, 4, 5, 6]
    assert await store.members() == JOINED


async def test_a_follower_ends_where_a_fresh_index_would(store: CohortStore) -> None:
    follower = CohortFollower(store)
    assert not await follower.refresh()
    await store.put_members(MEMBERS, replace=False, now=NOW)
    await store.put_navigators([Navigator(NavigatorId("N1"))], replace=False)
    assert await follower.refresh()
    assert not await follower.refresh()
    held = follower.index
    await store.put_members([dataclasses.replace(MEMBERS[0], identity=MEMBERS[1].identity)], replace=False, now=LATER)
    await store.remove_members([MEMBERS[5].member_id])
    assert await follower.refresh()
    afresh = CohortIndex.build(await store.members(), 4)
    assert (follower.index.version, follower.index.stats) == (4, afresh.stats)
    assert follower.index.members() == afresh.members()
    assert len(held) == 6, "who holds the older index is not disturbed"
    assert list(follower.navigators) == ["N1"]


async def test_events_go_on_while_a_large_cohort_is_taken_over() -> None:
    store = MemoryCohortStore()
    await store.put_members(cohort(3_000), replace=True, now=NOW)
    follower = CohortFollower(store)
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.005)
            beats += 1

    beating = asyncio.create_task(beat())
    assert await follower.refresh()
    beating.cancel()
    assert beats >= 3, "the loop stood still while the index was built"
    assert len(follower.index) == 3_000


async def test_a_store_that_went_back_is_read_anew() -> None:
    newer, older = MemoryCohortStore(), MemoryCohortStore()
    for _ in range(3):
        await newer.put_members(MEMBERS, replace=False, now=NOW)
    await older.put_members(MEMBERS[:2], replace=False, now=NOW)
    follower = CohortFollower(newer)
    await follower.refresh()
    follower._store = older  # a restored backup under the same address
    assert await follower.refresh()
    assert len(follower.index) == 2


@pytest.mark.server
async def test_a_value_that_cannot_be_read_is_an_error_without_the_value(valkey: Redis) -> None:
    await valkey.hset("{cohort}:members", "M1", b'{"member_id": "Zanzibarian"}')
    with pytest.raises(StoreError) as caught:
        await ValkeyCohortStore(valkey).members()
    assert "Zanzibarian" not in str(caught.value)


async def test_a_store_that_is_not_there_says_so(tmp_path: Path) -> None:
    client = Redis(unix_socket_path=str(tmp_path / "nobody.sock"))
    with pytest.raises(StoreUnavailable):
        await ValkeyCohortStore(client).members()
    await client.aclose()


async def test_one_member_is_revised_once(store: CohortStore) -> None:
    await store.put_members(MEMBERS, replace=False, now=NOW)
    one, other = MEMBERS[0].member_id, MEMBERS[1].member_id
    tie = Tie(other, LinkLearnt(LATER, LATER, "e1"), "system", "record")
    assert await store.revise(one, lambda member: tied(member, tie))
    assert not await store.revise(one, lambda member: tied(member, tie)), "told again, it is nothing new"
    assert not await store.revise(MemberId("nobody"), lambda member: tied(member, tie))
    changes = await store.changes_since(1)
    assert (changes.version, [member.ties for member in changes.members]) == (2, [(tie,)])
    assert await store.sought_ids(1) == (one,)


async def test_an_import_leaves_a_link_that_was_told(store: CohortStore) -> None:
    await store.put_members(MEMBERS, replace=True, now=NOW)
    tie = Tie(MEMBERS[1].member_id, LinkLearnt(LATER, LATER, "e1"), "system", "record")
    await store.revise(MEMBERS[0].member_id, lambda member: tied(member, tie))
    await store.put_members(MEMBERS, replace=True, now=LATER)
    (first, *others) = await store.members()
    assert first.ties == (tie,)
    assert [member.ties for member in others] == [()] * 5
