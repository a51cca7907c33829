"""When something was first known, and how late that was (rules.md section 2, ADR 0017).

A record is as late as the time from its happening to its coming. What came too late is history for all that is heard
after it; for what was known before it, it is as if it had not come.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from triggers.guarding import decide
from triggers.history import HistoryEntry
from triggers.moments import moment_of
from triggers.occurrences import fold_occurrence
from triggers.patterns import EventPattern
from triggers.sheets import Sheet, Sighting
from triggers.verdicts import FiringDecision


def lateness_of(entry: HistoryEntry) -> timedelta:
    """How late a record came: received minus happened. Of what a link brought that was learnt after it happened, how
    late the link was told."""
    linked = entry.linked
    if linked is None or entry.received_at > linked.received_at:
        return entry.received_at - entry.occurred_at
    return linked.received_at - max(linked.at, entry.occurred_at)


def first_known(
    pattern: EventPattern, tolerance: timedelta, sheet: Sheet, sighting: Sighting
) -> tuple[datetime, timedelta | None]:
    """The earliest time of receipt at which what had come in already made the pattern true at this moment, and how late
    that was (None: as late as the time from the moment to then).

    What came too late, and after the moment itself was told, counts only where nothing else made it true.
    """
    entry = sighting.moment.entry
    known = sighting.moment.occurrence.entries[: sighting.place + 1]
    if all(other.received_at <= entry.received_at for other in known):
        return entry.received_at, None
    late = [
        other for other in known
        if other.received_at > entry.received_at and lateness_of(other) > tolerance
    ]  # fmt: skip
    if late:
        brought = {id(other) for other in late}
        in_time = _first_true(pattern, sheet, sighting, [other for other in known if id(other) not in brought])
        if in_time is not None:
            return in_time, None
    learnt = _first_true(pattern, sheet, sighting, known)
    if learnt is None:
        learnt = max(other.received_at for other in known)
    return learnt, min(map(lateness_of, late), default=None)


def _first_true(
    pattern: EventPattern, sheet: Sheet, sighting: Sighting, entries: Sequence[HistoryEntry]
) -> datetime | None:
    """The earliest time of receipt, from the moment's own on, by which these entries made the pattern true at it."""
    moment = sighting.moment
    own = moment.entry.received_at
    for when in sorted({own, *(other.received_at for other in entries if other.received_at > own)}):
        partial = fold_occurrence([other for other in entries if other.received_at <= when], sheet.reference)
        if partial is None or moment.subject not in partial.relations:
            continue
        told = partial.told[-1]
        if moment.subject not in told.roles:
            continue
        earlier = moment_of(told, partial, moment.subject, sheet.person, sheet.reference)
        if pattern.holds(earlier) and decide(pattern, earlier, ()) is FiringDecision.FIRED:
            return when
    return None
