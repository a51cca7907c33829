"""A person's history: what is known to have happened to them or near them, ordered by event time.

A value, not a store: engines load it, the evaluator reads it, the step writes the next one. It holds no identities
and no free text. Order of arrival leaves no trace but `received_at`.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.attributes import Attributes, Handling
from domain.events import Event, Place, occurrence_key
from domain.ids import EventId, MemberId, OccurrenceKey
from domain.kinds import Feed, Kind, Role
from domain.matches import LinkLearnt, Relation

_LIFE = {kind: rank for rank, kind in enumerate(Kind)}
"""`Kind` lists the kinds of a family as they follow each other: arrival, update, departure, cancellation."""


Order = tuple[datetime, int, datetime, tuple[Any, ...]]
"""Order in event time: when, the source's sequence, when it was written down, and what settles the rest."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One event as it concerns one watched person (the listener).

    `subject` is whom it is about: the listener (relation self), a member of their household or an associate.
    Relation occurrence means that the event amends an occurrence the listener is linked to without naming them again.
    `role` is the subject's role, None where the event names none. `linked` says when the listener's link with the
    subject was learnt, where that was later than the event or an event told it; None: it stood.
    """

    event_id: EventId
    kind: Kind
    feed: Feed
    source_system: str
    source_key: str
    occurrence: OccurrenceKey
    occurred_at: datetime
    received_at: datetime
    recorded_at: datetime | None
    version: str
    sequence: int | None
    subject: str  # a member id; 'household' where nobody was named
    relation: Relation
    role: Role | None
    place: Place | None
    attributes: Attributes
    handling: Handling
    retracts: EventId | None = None
    linked: LinkLearnt | None = None

    @property
    def order(self) -> "Order":
        """Event-time order: when it happened, the source's own sequence, when it was written down; then, because many
        sources write no more than the minute, as lives and control numbers run: an arrival before its update.

        The last part is kind, then the source's own number and version (shorter ones are lower), then the id, and of
        one event whom it is about and as what, to settle it.
        """
        at, key, version = self.occurred_at, self.source_key, self.version
        within = (_LIFE[self.kind], len(key), key, len(version), version, self.event_id, self.subject, self.role or "")
        return (at, self.sequence or 0, self.recorded_at or at, within)


def entry_of(
    event: Event, *, subject: str, relation: Relation, role: Role | None, linked: LinkLearnt | None = None
) -> HistoryEntry:
    """The entry that `event` makes in a listener's history: everything but the identities."""
    return HistoryEntry(
        event_id=event.event_id,
        kind=event.kind,
        feed=event.feed,
        source_system=event.source_system,
        source_key=event.source_key,
        occurrence=occurrence_key(event),
        occurred_at=event.occurred_at,
        received_at=event.received_at,
        recorded_at=event.recorded_at,
        version=event.version,
        sequence=event.sequence,
        subject=subject,
        relation=relation,
        role=role,
        place=event.place,
        attributes=event.attributes,
        handling=event.handling,
        retracts=event.retracts,
        linked=linked,
    )


def told_on_link(entry: HistoryEntry, relation: Relation, learnt: LinkLearnt) -> HistoryEntry:
    """A member's own entry as somebody hears of it whose link with them was learnt then: not received before that."""
    received = max(entry.received_at, learnt.received_at)
    return replace(entry, relation=relation, received_at=received, linked=learnt)


History = tuple[HistoryEntry, ...]
"""Entries in `order`, one per (event id, subject, role)."""


def has_entry(history: History, entry: HistoryEntry) -> bool:
    """Whether this event is already known for this subject in this role."""
    return any(
        known.event_id == entry.event_id and known.subject == entry.subject and known.role == entry.role
        for known in history
    )


def with_entries(history: History, entries: Iterable[HistoryEntry]) -> History:
    """The history with `entries` in their places; an entry already there is left as it was first received."""
    result = list(history)
    known = {(entry.event_id, entry.subject, entry.role) for entry in history}
    for entry in entries:
        own = (entry.event_id, entry.subject, entry.role)
        if own not in known:
            known.add(own)
            result.insert(bisect_left(result, entry.order, key=lambda known: known.order), entry)
    return tuple(result)


def of_member(history: History, member: MemberId) -> History:
    """The entries that are about the member themselves (not about household or associates)."""
    return tuple(entry for entry in history if entry.subject == member)
