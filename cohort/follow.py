"""Keeping up with the cohort: the current index and navigators, refreshed from the store a few times per second."""

from collections.abc import Mapping

from cohort.index import CohortChanges, CohortIndex
from cohort.ports import CohortStore
from domain.ids import NavigatorId
from domain.people import Navigator

_REBUILD_SHARE = 5
"""Above a fifth of the cohort changed at once (an import), building afresh is cheaper than applying."""


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
        changes = await self._store.changes_since(self.index.version)
        if changes.version == self.index.version:
            return False
        if changes.version < self.index.version:
            changes = await self._store.changes_since(0)
            self.index = CohortIndex.build(changes.members, changes.version)
        elif len(changes.members) * _REBUILD_SHARE > len(self.index):
            self.index = CohortIndex.build(await self._store.members(), changes.version)
        else:
            self.index = self.index.apply(CohortChanges(changes.members, changes.removed), changes.version)
        if changes.navigators is not None:
            self.navigators = {navigator.navigator_id: navigator for navigator in changes.navigators}
        return True
