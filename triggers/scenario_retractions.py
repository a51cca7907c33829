"""What takes nothing back in a rule test, though its author means it to: it names nothing, or what another said."""

from collections.abc import Iterator, Sequence

from domain.events import Event
from triggers.fault_words import shown
from triggers.faults import did_you_mean
from triggers.reading import Path
from triggers.scenario_timeline import Listed
from triggers.timelines import named_by_retracts


def take_nothing_back(placed: Sequence[tuple[Path, Listed]]) -> Iterator[tuple[str, Path]]:
    """A remark on each `retracts` that takes nothing back, and its path."""
    entries = [entry for _, entry in placed]
    named = named_by_retracts([entry.step for entry in entries], [entry.called for entry in entries])
    for place, (path, entry) in enumerate(placed):
        event, other = entry.step.event, named[place]
        if event.retracts is None:
            continue
        why = _nobody(str(event.retracts), entries, place) if other is None else _of_another(event, other)
        if why:
            yield why, (*path, "retracts")


def _nobody(word: str, entries: Sequence[Listed], place: int) -> str:
    """That there is no such event, and what may be meant."""
    told = f"no entry above has {shown(word)} as its source_key or event_id, so this takes nothing back"
    if any(entry.step.event.source_key == word for entry in entries[place + 1 :]):
        return f"{told}; list what it takes back before it"
    above = [entry.step.event.source_key for entry in entries[:place]]
    return told + did_you_mean(word, [*above, *(entry.called for entry in entries if entry.called)])


def _of_another(event: Event, other: Event) -> str:
    """That another said it, and who would have to take it back; '' where it is theirs to take back."""
    if event.event_id == other.event_id:
        return "it names itself, so this takes nothing back"
    if event.feed is not other.feed:
        right = f"'feed: {other.feed}'" if event.kind.feed is None else f"a record.retracted with 'feed: {other.feed}'"
        return (
            f"{shown(event.retracts)} is an event of the feed {other.feed}, and this is one of {event.feed}; nobody "
            f"takes back what another feed said, so this takes nothing back; {right} would"
        )
    if event.source_system != other.source_system:
        return (
            f"{shown(event.retracts)} was told by another system, so this takes nothing back; "
            f"'source_system: {other.source_system}' would"
        )
    return ""
