"""What a write to the cohort store amounts to: worked out from what is there, before anything is written.

Pure, and the same for every adapter. Writing what is already there is no change, so an import repeated daily moves
only what moved.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cohort.ties import with_times
from domain.ids import MemberId
from domain.people import CohortMember, MemberStatus


@dataclass(frozen=True, slots=True)
class MemberWrite:
    """Members to write and ids to remove. `sought` are those written about whom events of before may mean something
    now that they did not mean then (`is_sought`)."""

    put: tuple[CohortMember, ...]
    remove: tuple[MemberId, ...]
    sought: tuple[MemberId, ...] = ()


def plan_members(
    known: Mapping[MemberId, CohortMember], incoming: Sequence[CohortMember], *, replace: bool, now: datetime
) -> MemberWrite:
    """What putting `incoming` changes, given what is `known`; of several with one id the last stands."""
    wanted = {member.member_id: _joined(member, known.get(member.member_id), now) for member in incoming}
    put = tuple(member for member in wanted.values() if known.get(member.member_id) != member)
    remove = tuple(sorted(known.keys() - wanted.keys())) if replace else ()
    sought = (member.member_id for member in put if is_sought(known.get(member.member_id), member))
    return MemberWrite(put, remove, tuple(sought))


def is_sought(before: CohortMember | None, after: CohortMember) -> bool:
    """Whether events that passed by may be this member's by what changed: who they are, who is close to them, whether
    they are watched, from when and for which feeds. A new navigator or a longer note is no such change."""
    return before is None or _what_events_are_asked_by(before) != _what_events_are_asked_by(after)


def _what_events_are_asked_by(member: CohortMember) -> tuple[object, ...]:
    watched = member.status not in (MemberStatus.CLOSED, MemberStatus.DECEASED)
    dates = (member.watch.starts, member.watch.review_on, member.watch.ends)
    close = (member.household_id, member.lists)
    return (member.identity, close, watched, dates, frozenset(member.allowed_feeds))


def _joined(member: CohortMember, known: CohortMember | None, now: datetime) -> CohortMember:
    member = with_times(member, known, now)
    if member.joined_at is not None:
        return member
    return dataclasses.replace(member, joined_at=known.joined_at if known is not None else now)


def plan_revision(
    known: Mapping[MemberId, CohortMember], member_id: MemberId, change: Callable[[CohortMember], CohortMember]
) -> MemberWrite:
    """What changing one member changes: nothing where they are unknown, or stay as they are."""
    before = known.get(member_id)
    after = change(before) if before is not None else None
    if after is None or after == before:
        return MemberWrite((), ())
    return MemberWrite((after,), (), (member_id,) if is_sought(before, after) else ())


def plan_removal(known: Iterable[MemberId], gone: Sequence[MemberId]) -> MemberWrite:
    """What removing `gone` changes."""
    held = frozenset(known)
    return MemberWrite((), tuple(member_id for member_id in dict.fromkeys(gone) if member_id in held))
