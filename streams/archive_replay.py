"""From archived records back to what a person's history was, decision by decision: the same functions as live.

Most people's records only ever add entries, and then nothing is compared; the first record that takes something away
(a decision of a human, a merge, an occurrence that turns out to be somebody else's) goes the long way, as live.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.kinds import Kind
from domain.matches import Relation
from domain.people import CohortMember
from streams import codec
from streams.bequeathing import effective
from streams.messages import Ruling, RulingKind
from streams.rulings import next_history
from triggers.history import History, HistoryEntry, with_entries


@dataclass(slots=True)
class Past:
    """One decision as it is judged again. `member` is who the person was then; `entry` None is the clock's, and then
    `due` is when what it brought was due."""

    record_id: str
    decided_at: datetime
    member: CohortMember
    entry: HistoryEntry | None
    extra: tuple[HistoryEntry, ...] = ()
    ruling: str = ""
    found: bool = False
    due: datetime | None = None


def past_of(stored: Iterable[Any]) -> Iterator[Past]:
    """Records of one person, from `codec.decode_records`, in order; each of them once."""
    seen: set[str] = set()
    raw, member = b"", None
    for one in stored:
        if one.record_id in seen:
            continue
        seen.add(one.record_id)
        facts = bytes(one.facts)
        if member is None or facts != raw:
            raw, member = facts, codec.decode_facts(facts).member
        yield Past(
            one.record_id,
            one.decided_at,
            member,
            codec.entry_of_stored(one.entry) if one.entry is not None else None,
            tuple(codec.entry_of_stored(each) for each in one.extra) if one.extra else (),
            one.ruling,
            one.found,
            None if one.entry is not None else codec.first_fired(one.firings),
        )


@dataclass(slots=True)
class Grown:
    """What a decision did to the history. `base` is set where it is to be begun again from there, before `added`."""

    added: Sequence[HistoryEntry]
    removed: Sequence[HistoryEntry] = ()
    base: History | None = None


class Growing:
    """A person's history while it grows. `kept_for` is how long entries are kept (live: `DecidePolicy.history_for`)."""

    __slots__ = ("_entries", "_first", "_history", "_kept_for", "_known")

    def __init__(self, kept_for: timedelta) -> None:
        self._kept_for = kept_for
        self._entries: list[HistoryEntry] = []  # in order of arrival, while nothing was taken away
        self._known: set[tuple[str, str, str | None]] = set()
        self._first: datetime | None = None
        self._history: History | None = None  # set once something was

    def take(self, past: Past) -> Grown | None:
        """The next decision; None where it changes nothing that rules read."""
        if past.entry is None:
            return None
        oldest = past.decided_at - self._kept_for
        told = (past.entry, *past.extra)
        if self._history is None and not past.ruling and all(map(_only_adds, told)):
            return self._add(told, oldest)
        return self._compare(past, oldest)

    def _add(self, told: Sequence[HistoryEntry], oldest: datetime) -> Grown | None:
        base = None
        if self._first is not None and self._first < oldest:
            base = self._forget(oldest)
        added = []
        for entry in told:
            name = (entry.event_id, entry.subject, entry.role)
            if name not in self._known and entry.occurred_at >= oldest:
                self._known.add(name)
                self._entries.append(entry)
                added.append(entry)
                if self._first is None or entry.occurred_at < self._first:
                    self._first = entry.occurred_at
        return Grown(added, (), base) if added or base is not None else None

    def _forget(self, oldest: datetime) -> History:
        self._entries = [entry for entry in self._entries if entry.occurred_at >= oldest]
        self._known = {(entry.event_id, entry.subject, entry.role) for entry in self._entries}
        self._first = min((entry.occurred_at for entry in self._entries), default=None)
        return with_entries((), self._entries)

    def _compare(self, past: Past, oldest: datetime) -> Grown | None:
        assert past.entry is not None
        stored = with_entries((), self._entries) if self._history is None else self._history
        ruling = Ruling("", RulingKind(past.ruling)) if past.ruling else None
        known, touched = next_history(stored, past.entry, past.extra, ruling)
        before = tuple(entry for entry in stored if entry.occurred_at >= oldest)
        after = tuple(entry for entry in known if entry.occurred_at >= oldest)
        if not touched:
            return None
        first, self._history = self._history is None, after
        was, now = effective(before), effective(after)
        shorter = len(before) != len(stored)
        held, holding = frozenset(map(id, was)), frozenset(map(id, now))
        added = [entry for entry in now if id(entry) not in held]
        removed = [entry for entry in was if id(entry) not in holding]
        return Grown(added, removed, was if shorter or first else None)


def _only_adds(entry: HistoryEntry) -> bool:
    """Whether `streams.bequeathing.effective` leaves a history of such entries as it is."""
    return entry.relation is not Relation.LOST and entry.kind is not Kind.ED_MERGED and entry.linked is None
