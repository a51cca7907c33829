"""Keeping up with the cohort: the current index and navigators, refreshed from the store a few times per second."""

import asyncio
import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from cohort.index import CohortChanges, CohortIndex
from cohort.ports import CohortStore
from domain.ids import NavigatorId
from domain.people import CohortMember, Navigator

_REBUILD_SHARE = 5
"""Above a fifth of the cohort changed at once (an import), building afresh is cheaper than applying."""
_FROZEN_FROM = 10_000
"""Members from which an index is worth hiding from the collector."""


class CohortFollower:
    """Holds the newest index it has seen. Readers take `index` once per event and keep it for that event."""

    def __init__(self, store: CohortStore) -> None:
        self._store = store
        self.index = CohortIndex.build((), 0)
        self.navigators: Mapping[NavigatorId, Navigator] = {}

    async def refresh(self) -> bool:
        """Take over what changed in the store; answers whether anything did. Raises StoreUnavailable.

        Only one call at a time. A store that went back (restored from a backup) is read anew.
        """
        with _collector_held():
            return await self._refresh()

    async def _refresh(self) -> bool:
        changes = await self._store.changes_since(self.index.version)
        if changes.version == self.index.version:
            return False
        if changes.version < self.index.version:
            changes = await self._store.changes_since(0)
            self.index = await _built(changes.members, changes.version)
        elif len(changes.members) * _REBUILD_SHARE > len(self.index):
            everybody = changes.members if not self.index.version else await self._store.members()
            self.index = await _built(everybody, changes.version)
        else:
            self.index = self.index.apply(CohortChanges(changes.members, changes.removed), changes.version)
        if changes.navigators is not None:
            self.navigators = {navigator.navigator_id: navigator for navigator in changes.navigators}
        return True


async def _built(members: Sequence[CohortMember], version: int) -> CohortIndex:
    """The index, built in a thread, so that events and heartbeats go on meanwhile with the old one."""
    index = await asyncio.to_thread(CohortIndex.build, members, version)
    if len(members) >= _FROZEN_FROM:
        gc.freeze()
    return index


@contextmanager
def _collector_held() -> Iterator[None]:
    """Keeps the cyclic collector away while a cohort is read and built; a large one is set aside (`gc.freeze`) before
    it runs again. Walking those millions of values takes a second in which nobody is served (limits.md 3.3), and they
    have no cycles, so they still go when unused.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
