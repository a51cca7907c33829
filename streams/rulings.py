"""What one part does to a listener's history: it adds entries, or, by a human's decision, takes them out again. Pure.

What is taken back leaves a mark behind where nothing else says that the occurrence is this person's: then amendments
which reach them on links, now or from a worker that had not heard of it, weigh nothing either. The mark goes when the
decision is taken again, or when a source says that it is them after all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from domain.ids import EventId
from domain.matches import Relation
from streams.linking import AMENDING
from streams.messages import Ruling, RulingKind
from triggers.history import History, HistoryEntry, has_entry, with_entries
from triggers.linked import without_errors

_UNDONE = "undone:"
"""How the event id of a mark begins; no event has such an id."""

Touched = tuple[HistoryEntry, ...]


def next_history(
    history: History, entry: HistoryEntry, extra: Iterable[HistoryEntry], ruling: Ruling | None
) -> tuple[History, Touched]:
    """The history after a part, and the entries that came or went; none if the part says nothing new."""
    entries = (entry, *extra)
    history = without_errors(history)  # heard through an error, it may still be heard of through another link
    if ruling is None:
        marks = any(known.event_id.startswith(_UNDONE) for known in history)
        if not (marks and _is_ground(entry) and not has_entry(history, entry)):
            added = tuple(each for each in entries if not has_entry(history, each))
            return (with_entries(history, added) if added else history), added
        after = _with(_without_marks(history, entry), entries)
    elif ruling.does is RulingKind.LETS_IN:
        after = _let_in(history, entries)
    else:
        after = _taken_back(history, entry, everything=ruling.does is RulingKind.TAKES_ALL_BACK)
    return after, _difference(history, after)


def _with(history: History, entries: Iterable[HistoryEntry]) -> History:
    return with_entries(history, [each for each in entries if not has_entry(history, each)])


def _difference(before: History, after: History) -> Touched:
    known, kept = ({_name(each) for each in side} for side in (before, after))
    come = tuple(each for each in after if _name(each) not in known)
    return come + tuple(each for each in before if _name(each) not in kept)


def _name(entry: HistoryEntry) -> tuple[object, ...]:
    return (entry.event_id, entry.subject, entry.role, entry.relation)


def _let_in(history: History, entries: Sequence[HistoryEntry]) -> History:
    """The decision and what it contradicts cannot both stand: being lost, and being somebody's by the same event."""
    entry = entries[0]
    losing = entry.relation is Relation.LOST
    kept = history if losing else _without_marks(history, entry)
    agreeing = tuple(
        known
        for known in kept
        if not (_same(known, entry) and known.role is None and (known.relation is Relation.LOST) is not losing)
    )
    return _with(agreeing, entries)


def _taken_back(history: History, entry: HistoryEntry, *, everything: bool) -> History:
    kept = tuple(known for known in history if not _is_let_in(known, entry))
    theirs = [known for known in kept if _of_occurrence(known, entry) and known.relation is not Relation.LOST]
    if not everything and any(_is_ground(known) for known in theirs):
        return kept
    if len(kept) == len(history) and not theirs:
        return history
    mark = replace(entry, event_id=EventId(_UNDONE + entry.event_id), relation=Relation.LOST, role=None)
    return _with(kept, (mark,))


def _is_let_in(known: HistoryEntry, entry: HistoryEntry) -> bool:
    """Whether it is the entry that the decision had made."""
    by_itself = known.relation not in (Relation.LOST, Relation.OCCURRENCE)
    return _same(known, entry) and known.role == entry.role and by_itself


def _without_marks(history: History, entry: HistoryEntry) -> History:
    """Without the marks on the entry's occurrence: it is this person's after all."""
    return tuple(
        known for known in history if not (known.event_id.startswith(_UNDONE) and _of_occurrence(known, entry))
    )


def _is_ground(entry: HistoryEntry) -> bool:
    """Whether an entry says by itself whose its occurrence is: it names them, or opens it."""
    if entry.relation in (Relation.LOST, Relation.OCCURRENCE):
        return False
    return entry.relation is Relation.SELF or entry.role is not None or entry.kind not in AMENDING


def _of_occurrence(known: HistoryEntry, entry: HistoryEntry) -> bool:
    return known.occurrence == entry.occurrence and known.subject == entry.subject


def _same(known: HistoryEntry, entry: HistoryEntry) -> bool:
    return known.event_id == entry.event_id and known.subject == entry.subject
