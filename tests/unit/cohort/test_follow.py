"""Following the cohort: what changed is merged into the base of the index beside the events, and nothing is lost."""

import asyncio
import dataclasses
from collections.abc import Mapping

import pytest

from cohort import index as index_module
from cohort.follow import CohortFollower
from cohort.index import CohortIndex
from cohort.ports import StoreChanges
from domain.ids import MemberId
from domain.people import CohortMember
from tests.match_stream import Stream


class _Store:
    """Just what a follower asks of a store: everybody, and what changed since a version."""

    def __init__(self, members: Mapping[MemberId, CohortMember]) -> None:
        self.history: list[Mapping[MemberId, CohortMember | None]] = [members]

    async def changes_since(self, version: int) -> StoreChanges:
        news: dict[MemberId, CohortMember | None] = {}
        for part in self.history[version:]:
            news |= part
        return StoreChanges(
            len(self.history),
            tuple(member for member in news.values() if member),
            tuple(name for name, member in news.items() if member is None),
        )

    async def members(self) -> list[CohortMember]:
        return list((await self.changes_since(0)).members)


async def test_a_cohort_that_keeps_changing_is_merged_and_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "_MERGE_FROM", 20)
    stream = Stream(3, dense=0.4)
    known: dict[MemberId, CohortMember] = {member.member_id: member for member in stream.members(400)}
    store = _Store(dict(known))
    follower = CohortFollower(store)  # type: ignore[arg-type]
    await follower.refresh()
    merged = 0
    for version in range(60):
        names = sorted(known)[version * 3 % 300 :][:3]
        changes: dict[MemberId, CohortMember | None] = {
            name: dataclasses.replace(known[name], identity=stream.person(1_000 + version)) for name in names
        }
        changes[names[-1]] = None
        store.history.append(changes)
        for name, member in changes.items():
            known.pop(name)
            if member:
                known[name] = member
        base = follower.index._base
        assert await follower.refresh()
        await asyncio.sleep(0.002)
        merged += follower.index._base is not base
        assert follower.index.version == len(store.history)
        assert follower.index.members() == sorted(known.values(), key=lambda member: member.member_id)
    assert merged > 1
    assert follower.index.stats == CohortIndex.build(known.values()).stats


async def test_a_store_that_went_back_is_read_anew_while_a_merge_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "_MERGE_FROM", 1)
    stream = Stream(4)
    store = _Store({member.member_id: member for member in stream.members(40)})
    follower = CohortFollower(store)  # type: ignore[arg-type]
    await follower.refresh()
    store.history.append(dict.fromkeys(sorted(store.history[0])[:4]))
    await follower.refresh()
    store.history.pop()
    await follower.refresh()
    assert (follower.index.version, len(follower.index)) == (1, 40)
    await follower.refresh()
    assert len(follower.index) == 40
