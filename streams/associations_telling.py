"""Who has still to hear what because a link was learnt: from the histories of both, not from the short log of events.

Pure. Nobody needs to know which link is new: what a listener knows already is not told again, and what came in after
the link was learnt is for the live way and for look-back. So it can be asked of anybody at any time, and repeated.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cohort.index import CohortIndex
from domain.events import Event, Provenance
from domain.ids import MemberId
from domain.matches import JOINED, LinkLearnt, Relation
from streams.bequeathing import effective
from streams.messages import Matched, PersonState
from triggers.history import HistoryEntry, has_entry
from triggers.linked import told_to, without_errors

PROMPT = timedelta(hours=72)
"""A link is told of as from when it was learnt if that is no longer ago; else as from now, so that rules find it late:
look-back reaches no further either (retention of events, domain.md 7.3)."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Some members, the states of them and of those close to them, and the moment."""

    index: CohortIndex
    people: Mapping[MemberId, PersonState]
    now: datetime

    def parts(self, members: Iterable[MemberId]) -> Iterator[Matched]:
        """What each of these and those close to them have still to hear of each other: one part for each two."""
        done: set[tuple[MemberId, MemberId]] = set()
        for one in members:
            for other, relation in self.index.linked(one):
                for listener, subject in ((one, other), (other, one)):
                    if (listener, subject) not in done:
                        done.add((listener, subject))
                        yield from self._told(listener, subject, relation)

    def _told(self, listener: MemberId, subject: MemberId, relation: Relation) -> Iterator[Matched]:
        here, there = self.index.member(listener), self.index.member(subject)
        learnt = _learnt(listener, subject, self.index)
        if learnt is None or here is None or there is None:
            return
        heard = learnt if self.now - learnt.received_at <= PROMPT else replace(learnt, received_at=self.now)
        own = effective(self.people[subject].history)
        before = [entry for entry in own if entry.received_at <= learnt.received_at]
        known = without_errors(self.people[listener].history)
        news = [entry for entry in told_to(here, there, before, relation, heard) if not has_entry(known, entry)]
        if news:
            yield _part(news, listener, heard)


def _learnt(listener: MemberId, subject: MemberId, index: CohortIndex) -> LinkLearnt | None:
    """When the listener's link with the subject was learnt: no sooner than the listener joined; None: it stood."""
    learnt, member = index.learnt(listener, subject), index.member(listener)
    if member is None or member.joined_at is None or (learnt is not None and learnt.at >= member.joined_at):
        return learnt
    return LinkLearnt(member.joined_at, member.joined_at, JOINED)


def _part(news: list[HistoryEntry], listener: MemberId, learnt: LinkLearnt) -> Matched:
    """All of it in one part, so that what was taken back meanwhile alerts nobody in passing."""
    last = news[-1]
    return Matched(
        event=_event_of(last),
        listener=listener,
        subject=last.subject,
        relation=last.relation,
        role=last.role,
        extra=tuple(news[:-1]),
        handed_by=last.subject,
        linked=learnt,
    )


def _event_of(entry: HistoryEntry) -> Event:
    """The event of an entry, as far as a history keeps it: without identities."""
    return Event(
        event_id=entry.event_id,
        kind=entry.kind,
        feed=entry.feed,
        source_system=entry.source_system,
        source_key=entry.source_key,
        occurred_at=entry.occurred_at,
        received_at=entry.received_at,
        recorded_at=entry.recorded_at,
        version=entry.version,
        sequence=entry.sequence,
        place=entry.place,
        attributes=entry.attributes,
        handling=entry.handling,
        retracts=entry.retracts,
        provenance=Provenance(channel="link"),
    )
