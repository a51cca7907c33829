"""Finds when the person came into a state, or when their watch began: from the member's record and programme events.

What the record alone says (the start of the watch) has no event of its own; it is given one here, with an id made from
the record, so that waits can be counted from it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from domain.attributes import Handling, ProgrammeAttributes
from domain.clock import LONDON
from domain.ids import EventId, OccurrenceKey, digest
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from domain.people import CohortMember
from triggers.finding import NO_DIFFERENCE, Difference, Found
from triggers.history import HistoryEntry
from triggers.hits import Hit
from triggers.indexing import HistoryIndex, Keys
from triggers.moments import Moment, moment_of
from triggers.occurrences import Occurrence
from triggers.patterns import EntersPattern

_A_MOMENT = timedelta(microseconds=1)
"""A change at the very instant at which the watch begins is an entry of its own, not twice one."""


@dataclass(frozen=True, slots=True)
class EntersFinder:
    """Finds each moment at which the person comes into one of the states, from another of them too; a state that is
    said again is no change."""

    pattern: EntersPattern
    parts: tuple[int, ...] = ()

    def empty(self) -> Found:
        """Not yet looked."""
        return Found({})

    def look(self, found: Found, _changed: Keys, index: HistoryIndex) -> Difference:
        """What is different, where who they were has changed."""
        now: dict[OccurrenceKey, tuple[Hit, ...]] = {}
        for entry in self._entering(index):
            now[entry.occurrence] = (*now.get(entry.occurrence, ()), _hit(entry, index))
        keys = {*found.hits, *now}
        return {key: (found.hits.get(key, ()), now.get(key, ())) for key in keys} if keys else NO_DIFFERENCE

    def _entering(self, index: HistoryIndex) -> Iterable[HistoryEntry]:
        """The entries at which they came in, the record's own first."""
        start = record_entry(index.member)
        if start is not None and self._in_states(index.person.as_of(start.occurred_at - _A_MOMENT)):
            yield start
        if self.pattern.by_record:
            return
        before = index.member
        for entry, after in index.person.changes:
            changed = bool(self.pattern.statuses) and after.status is not before.status
            if (changed or entry.kind is Kind.WATCH_STARTED) and self._in_states(after):
                yield entry
            before = after

    def _in_states(self, member: CohortMember) -> bool:
        return not self.pattern.statuses or member.status.value in self.pattern.statuses


def record_entry(member: CohortMember) -> HistoryEntry | None:
    """The start of the watch as the member's record has it; None where it names no start."""
    watch = member.watch
    at = _midnight(watch.starts) if watch.starts is not None else member.joined_at
    if at is None:
        return None
    said = ProgrammeAttributes(
        status=member.status.value, review_date=_midnight(watch.review_on) if watch.review_on else None
    )
    return HistoryEntry(
        event_id=EventId(digest("record", member.member_id, at.isoformat())),
        kind=Kind.WATCH_STARTED,
        feed=Feed.PROGRAMME,
        source_system="record",
        source_key=member.member_id,
        occurrence=OccurrenceKey(f"programme|watch|record|{member.member_id}"),
        occurred_at=at,
        received_at=at,
        recorded_at=None,
        version="1",
        sequence=None,
        subject=member.member_id,
        relation=Relation.SELF,
        role=Role.CLIENT,
        place=None,
        attributes=said,
        handling=Handling.NONE,
    )


def _midnight(day: date) -> datetime:
    from_london = datetime(day.year, day.month, day.day, tzinfo=LONDON)
    return from_london.astimezone(UTC)


def _hit(entry: HistoryEntry, index: HistoryIndex) -> Hit:
    occurrence = Occurrence(entry.occurrence, (entry,), index.reference)
    moment: Moment = moment_of(occurrence.told[0], occurrence, entry.subject, index.person, index.reference)
    return Hit(moment, entry.received_at)
