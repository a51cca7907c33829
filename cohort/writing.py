"""What a write to the cohort store amounts to: worked out from what is there, before anything is written.

Pure, and the same for every adapter. Writing what is already there is no change, so an import repeated daily moves
only what moved.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.ids import MemberId
from domain.people import CohortMember


@dataclass(frozen=True, slots=True)
class MemberWrite:
    """Members to write and ids to remove."""

    put: tuple[CohortMember, ...]
    remove: tuple[MemberId, ...]


def plan_members(
    known: Mapping[MemberId, CohortMember], incoming: Sequence[CohortMember], *, replace: bool, now: datetime
) -> MemberWrite:
    """What putting `incoming` changes, given what is `known`; of several with one id the last stands."""
    wanted = {member.member_id: _joined(member, known.get(member.member_id), now) for member in incoming}
    put = tuple(member for member in wanted.values() if known.get(member.member_id) != member)
    remove = tuple(sorted(known.keys() - wanted.keys())) if replace else ()
    return MemberWrite(put, remove)


def _joined(member: CohortMember, known: CohortMember | None, now: datetime) -> CohortMember:
    if member.joined_at is not None:
        return member
    return dataclasses.replace(member, joined_at=known.joined_at if known is not None else now)


def plan_removal(known: Iterable[MemberId], gone: Sequence[MemberId]) -> MemberWrite:
    """What removing `gone` changes."""
    held = frozenset(known)
    return MemberWrite((), tuple(member_id for member_id in dict.fromkeys(gone) if member_id in held))
