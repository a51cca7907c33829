"""The cohort store in memory: the twin of `valkey.py` for tests, backtests and simulation."""

from collections.abc import Callable, Sequence
from datetime import datetime

from cohort.ports import StoreChanges
from cohort.writing import MemberWrite, plan_members, plan_removal, plan_revision
from domain.ids import MemberId, NavigatorId
from domain.people import CohortMember, Navigator


class MemoryCohortStore:
    """Keeps the cohort in dictionaries; forgets it with the process."""

    def __init__(self) -> None:
        self._version = 0
        self._members: dict[MemberId, CohortMember] = {}
        self._changed_at: dict[MemberId, int] = {}
        self._sought_since: dict[MemberId, int] = {}
        self._navigators: dict[NavigatorId, Navigator] = {}
        self._navigators_changed_at = 0

    async def put_members(self, members: Sequence[CohortMember], *, replace: bool, now: datetime) -> int:
        """Write all of `members`; `replace` also removes everybody else."""
        return self._write(plan_members(self._members, members, replace=replace, now=now))

    async def remove_members(self, member_ids: Sequence[MemberId]) -> int:
        """Remove members for good."""
        return self._write(plan_removal(self._members, member_ids))

    async def revise(self, member_id: MemberId, change: Callable[[CohortMember], CohortMember]) -> bool:
        """Write what `change` makes of one member; whether that is anything new."""
        write = plan_revision(self._members, member_id, change)
        if write.put:
            self._write(write)
        return bool(write.put)

    def _write(self, write: MemberWrite) -> int:
        self._version += 1
        for member in write.put:
            self._members[member.member_id] = member
            self._changed_at[member.member_id] = self._version
        self._sought_since.update(dict.fromkeys(write.sought, self._version))
        for member_id in write.remove:
            self._sought_since.pop(member_id, None)
            del self._members[member_id]
            self._changed_at[member_id] = self._version
        return self._version

    async def members(self) -> list[CohortMember]:
        """Everybody, by member id."""
        return [self._members[member_id] for member_id in sorted(self._members)]

    async def changes_since(self, version: int) -> StoreChanges:
        """What was written after `version`."""
        changed = sorted(member_id for member_id, at in self._changed_at.items() if at > version)
        return StoreChanges(
            version=self._version,
            members=tuple(self._members[member_id] for member_id in changed if member_id in self._members),
            removed=tuple(member_id for member_id in changed if member_id not in self._members),
            navigators=tuple(await self.navigators()) if self._navigators_changed_at > version else None,
        )

    async def changed_ids(self, version: int) -> tuple[MemberId, ...]:
        """Who was written or removed after `version`."""
        return tuple(sorted(member_id for member_id, at in self._changed_at.items() if at > version))

    async def sought_ids(self, version: int) -> tuple[MemberId, ...]:
        """Who must be looked for in what passed by, by what changed after `version`."""
        return tuple(sorted(member_id for member_id, at in self._sought_since.items() if at > version))

    async def put_navigators(self, navigators: Sequence[Navigator], *, replace: bool) -> int:
        """Write all of `navigators`; `replace` also removes the others."""
        self._version += 1
        self._navigators_changed_at = self._version
        if replace:
            self._navigators.clear()
        self._navigators.update((navigator.navigator_id, navigator) for navigator in navigators)
        return self._version

    async def navigators(self) -> list[Navigator]:
        """Every navigator, by id."""
        return [self._navigators[navigator_id] for navigator_id in sorted(self._navigators)]
