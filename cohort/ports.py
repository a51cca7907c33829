"""What this room needs from outside: a place where the cohort and the navigators are kept, with a version.

Every write raises the version by one and is atomic; a reader asks what changed since the version it holds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.ids import MemberId
from domain.people import CohortMember, Navigator


@dataclass(frozen=True, slots=True)
class StoreChanges:
    """What happened between two versions. `navigators` is None where they did not change; else it is all of them.

    A change may be told twice, never left out: applying it again changes nothing.
    """

    version: int
    members: tuple[CohortMember, ...] = ()
    removed: tuple[MemberId, ...] = ()
    navigators: tuple[Navigator, ...] | None = None


class CohortStore(Protocol):
    """Keeps the watched people and the navigators."""

    async def put_members(self, members: Sequence[CohortMember], *, replace: bool, now: datetime) -> int:
        """Write all of `members` or none; `replace` also removes everybody else. Answers the new version.

        A member first seen gets `joined_at` = `now` unless it is given; one already known keeps theirs.
        Raises StoreUnavailable, Conflict.
        """

    async def remove_members(self, member_ids: Sequence[MemberId]) -> int:
        """Remove members for good. Answers the new version. Raises StoreUnavailable, Conflict."""

    async def revise(self, member_id: MemberId, change: Callable[[CohortMember], CohortMember]) -> bool:
        """Write what `change` makes of one member; whether that is anything new. It may be asked more than once, and
        answers by the member alone. Raises StoreUnavailable, Conflict."""

    async def members(self) -> list[CohortMember]:
        """Everybody, by member id. Raises StoreUnavailable."""

    async def changes_since(self, version: int) -> StoreChanges:
        """What was written after `version`; 0 gives everything. Raises StoreUnavailable."""

    async def changed_ids(self, version: int) -> tuple[MemberId, ...]:
        """Who was written or removed after `version`, by id: the names alone; 0 gives everybody there ever was."""

    async def sought_ids(self, version: int) -> tuple[MemberId, ...]:
        """Who joined after `version`, or changed so that events of before may be theirs (writing.is_sought), by id:
        the names alone, cheap for a large cohort too. Who was removed is looked for no more."""

    async def put_navigators(self, navigators: Sequence[Navigator], *, replace: bool) -> int:
        """Write all of `navigators` or none; `replace` also removes the others. Answers the new version."""

    async def navigators(self) -> list[Navigator]:
        """Every navigator, by id. Raises StoreUnavailable."""
