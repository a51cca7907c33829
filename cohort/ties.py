"""Links between members that were learnt while they were watched: what a write does to them. Pure.

A link of the cohort's own list, or a shared household, remembers since when it is there. A link that an event told is
kept beside the list, so that an import which does not know of it does not undo it; only taking that event back does.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from domain.matches import LinkLearnt
from domain.people import CohortMember, Tie


def link_words(here: CohortMember, there: CohortMember) -> list[LinkLearnt | None]:
    """Everything that says that two members are close: when it was learnt, or None where it always stood."""
    found: list[LinkLearnt | None] = []
    if here.household_id and here.household_id == there.household_id:
        moved = [at for at in (here.home_learnt, there.home_learnt) if at is not None]
        found.append(LinkLearnt(max(moved), max(moved)) if moved else None)
    for one, other in ((here, there), (there, here)):
        ties = [tie for tie in one.ties if tie.other == other.member_id]
        found += [tie.learnt for tie in ties]
        if other.member_id in one.associates and not any(not tie.told for tie in ties):
            found.append(None)
    return found


def with_times(member: CohortMember, known: CohortMember | None, now: datetime) -> CohortMember:
    """A member as it is written over `known`: the ties stay, and what is new in the list or the home is learnt now."""
    if known is None:
        return member
    told = tuple(tie for tie in known.ties if tie.told)
    listed = {tie.other: tie for tie in known.ties if not tie.told}
    learnt = LinkLearnt(now, now)
    times = tuple(
        listed.get(other) or Tie(other, learnt)
        for other in sorted(set(member.associates))
        if other in listed or other not in known.associates
    )
    home = known.home_learnt if member.household_id == known.household_id else now
    return replace(member, ties=(*told, *times), home_learnt=home if member.household_id else None)


def tied(member: CohortMember, tie: Tie) -> CohortMember:
    """The member with a link that an event told; the same member where that event has told it already."""
    if any(known.learnt.by == tie.learnt.by for known in member.ties):
        return member
    return replace(member, ties=(*member.ties, tie))


@dataclass(frozen=True, slots=True)
class Taker:
    """A retraction: of one event by its id, or, where it names none, of all that its system said before under `record`.
    Nobody takes back what another system said."""

    event_id: str
    system: str
    record: str
    at: datetime

    def takes(self, tie: Tie) -> bool:
        """Whether it takes this link back."""
        if not tie.told or tie.system != self.system:
            return False
        if self.event_id:
            return tie.learnt.by == self.event_id
        return tie.record == self.record and tie.learnt.at <= self.at


def untied(member: CohortMember, taker: Taker) -> CohortMember:
    """The member without the links that a retraction takes back; the same member where there are none."""
    left = tuple(tie for tie in member.ties if not taker.takes(tie))
    return member if len(left) == len(member.ties) else replace(member, ties=left)
