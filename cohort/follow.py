"""Keeping up with the cohort: the current index and navigators, refreshed from the store a few times per second."""

import asyncio
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from cohort.blocking import Combination
from cohort.index import CohortChanges, CohortIndex
from cohort.ports import CohortStore
from domain.ids import NavigatorId
from domain.people import CohortMember, Navigator

_REBUILD_SHARE = 5
"""Above a fifth of the cohort changed at once (an import), building afresh is cheaper than applying."""


class CohortFollower:
    """Holds the newest index it has seen. Readers take `index` once per event and keep it for that event."""

    def __init__(self, store: CohortStore, keys: Sequence[Combination] = ()) -> None:
        """`keys` are what a match model asks the index for (`MatchPolicy.keys`)."""
        self._store = store
        self._keys = tuple(keys)
        self.index = CohortIndex.build((), 0, self._keys)
        self.navigators: Mapping[NavigatorId, Navigator] = {}
        self._merging: asyncio.Task[CohortIndex] | None = None
        self._meanwhile: list[tuple[CohortChanges, int]] = []

    async def refresh(self) -> bool:
        """Take over what changed in the store; answers whether anything did. Raises StoreUnavailable.

        Only one call at a time. A store that went back (restored from a backup) is read anew.
        """
        with _collector_held():
            return await self._refresh()

    async def _refresh(self) -> bool:
        self._take_merged()
        changes = await self._store.changes_since(self.index.version)
        if changes.version == self.index.version:
            return False
        if changes.version < self.index.version:
            changes = await self._store.changes_since(0)
            await self._build(changes.members, changes.version)
        elif len(changes.members) * _REBUILD_SHARE > len(self.index):
            everybody = changes.members if not self.index.version else await self._store.members()
            await self._build(everybody, changes.version)
        else:
            self._apply(CohortChanges(changes.members, changes.removed), changes.version)
        if changes.navigators is not None:
            self.navigators = {navigator.navigator_id: navigator for navigator in changes.navigators}
        return True

    async def _build(self, members: Iterable[CohortMember], version: int) -> None:
        """The index anew, in a thread, so that events and heartbeats go on meanwhile with the old one."""
        if self._merging is not None:
            await asyncio.wait([self._merging])
            self._merging = None
        self.index = await asyncio.to_thread(CohortIndex.build, members, version, self._keys)

    def _apply(self, changes: CohortChanges, version: int) -> None:
        """The index after `changes`, at once; what has changed is merged into its base in a thread now and then."""
        self.index = self.index.apply(changes, version)
        if self._merging is None:
            if self.index.wants_merging:
                self._meanwhile = []
                self._merging = asyncio.create_task(asyncio.to_thread(self.index.merged))
            return
        self._meanwhile.append((changes, version))

    def _take_merged(self) -> None:
        """The merged index, as soon as it stands, with what came meanwhile."""
        if self._merging is None or not self._merging.done():
            return
        merged, self._merging = self._merging.result(), None
        for missed, version in self._meanwhile:
            merged = merged.apply(missed, version)
        self.index = merged


@contextmanager
def _collector_held() -> Iterator[None]:
    """Keeps the cyclic collector away while a cohort is read and built: walking those millions of values takes a second
    in which nobody is served (limits.md 3.3). The index itself holds no objects to walk over.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
