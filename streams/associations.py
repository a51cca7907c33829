"""Links between watched people as events tell of them. Pure, but for the port to where links are kept.

An `association.added` makes a link where the cohort is kept, beside the members' own lists (cohort.ties), so that
everybody who reads the cohort knows it; taking that event back undoes it. What the two then hear of each other is
`associations_telling.py`'s.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cohort.index import CohortIndex
from cohort.ties import Taker, tied, untied
from domain.attributes import ProgrammeAttributes
from domain.events import Event
from domain.ids import MemberId
from domain.kinds import TAKES_BACK, Feed, Kind
from domain.matches import JOINED, LinkLearnt, Relation
from domain.people import CohortMember, Tie
from streams.audit import AuditEntry, AuditLog, Operation
from streams.linking import source_link
from streams.messages import ParkedAmendment
from streams.ports import Recognised


def other_of(event: Event) -> MemberId | None:
    """The member with whom an event says that its client is linked."""
    said = event.attributes
    if event.kind is not Kind.ASSOCIATION_ADDED or not isinstance(said, ProgrammeAttributes):
        return None
    return MemberId(said.other_member) if said.other_member else None


def heard_through(listener: MemberId, subject: MemberId, event: Event, index: CohortIndex) -> LinkLearnt | None:
    """The link through which the listener hears of an event about the subject, where it was learnt later or by an
    event; None where it stood. Whoever joined after we had the event learnt of it then."""
    learnt = index.learnt(listener, subject)
    member = index.member(listener)
    if member is not None and member.joined_at is not None and member.joined_at > event.received_at:
        joined = LinkLearnt(member.joined_at, member.joined_at, JOINED)
        learnt = joined if learnt is None or learnt.at < joined.at else learnt
    return learnt if learnt is not None and (learnt.by or learnt.at > event.occurred_at) else None


@dataclass(frozen=True, slots=True)
class LinkWord:
    """What an event says of a member's links: a tie, or what takes ties back."""

    member_id: MemberId
    says: Tie | Taker

    def __call__(self, member: CohortMember) -> CohortMember:
        """The member after it; the same member where that was known."""
        return tied(member, self.says) if isinstance(self.says, Tie) else untied(member, self.says)


def link_words(result: Recognised, waiting: Sequence[ParkedAmendment]) -> tuple[LinkWord, ...]:
    """What a recognised event says of links; `waiting` are the amendments that came before it."""
    event = result.event
    if event.feed is not Feed.PROGRAMME:
        return ()
    if event.kind in TAKES_BACK:
        taker = taker_of(event)
        return tuple(LinkWord(name, taker) for name in dict.fromkeys(part.listener for part in result.parts))
    other = other_of(event)
    if other is None:
        return ()
    tie = Tie(
        other, LinkLearnt(event.occurred_at, event.received_at, event.event_id), event.source_system, source_link(event)
    )
    if any(each.event.kind in TAKES_BACK and taker_of(each.event).takes(tie) for each in waiting):
        return ()
    clients = (part.listener for part in result.parts if part.relation is Relation.SELF)
    return tuple(LinkWord(name, tie) for name in dict.fromkeys(clients) if name != other)


def taker_of(event: Event) -> Taker:
    """A retraction as it bears on links."""
    return Taker(event.retracts or "", event.source_system, source_link(event), event.occurred_at)


class LinkStore(Protocol):
    """Where links are kept: the cohort store (cohort.ports.CohortStore), as far as the first hop writes it."""

    async def revise(self, member_id: MemberId, change: Callable[[CohortMember], CohortMember]) -> bool:
        """Write what `change` makes of one member; whether that is anything new. Safe to repeat."""


class LinkKeeper:
    """Writes what events say of links, each with its entry in the audit log. Repeated after a crash it writes the same;
    then, at most, an entry stands there twice."""

    def __init__(self, store: LinkStore, audit: AuditLog) -> None:
        self._store = store
        self._audit = audit
        self._written: dict[MemberId, list[LinkWord]] = {}  # what the index may not show yet

    async def keep(self, words: Sequence[LinkWord], event: Event, index: CohortIndex, now: datetime) -> None:
        """Write these words of one event. Raises StoreError: then the event must come again."""
        for word in words:
            member = self._as_written(word.member_id, index)
            if member is None or word(member) == member:
                continue
            await self._audit.write((_entry(word, event, now),))
            await self._store.revise(word.member_id, word)
            self._written.setdefault(word.member_id, []).append(word)

    def _as_written(self, member_id: MemberId, index: CohortIndex) -> CohortMember | None:
        """A member as the store has them by now: the index follows a moment later."""
        known = member = index.member(member_id)
        for word in self._written.get(member_id, ()):
            member = word(member) if member is not None else None
        if member == known:
            self._written.pop(member_id, None)
        return member


def _entry(word: LinkWord, event: Event, now: datetime) -> AuditEntry:
    linked = isinstance(word.says, Tie)
    return AuditEntry(
        at=now,
        who="reachpoint",
        role="service",
        operation=Operation.COMBINATION if linked else Operation.ALTERATION,
        what="link_learnt" if linked else "link_taken_back",
        about=f"event:{event.event_id}",
        subjects=(word.member_id, word.says.other) if isinstance(word.says, Tie) else (word.member_id,),
    )
