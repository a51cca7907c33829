"""What every transition of the rule book is written down with: a step on the version, a line for the audit log."""

from collections.abc import Iterable
from dataclasses import replace

from triggers.lifecycle_values import (
    MOST_WORDS,
    Act,
    Book,
    BookEntry,
    Change,
    Did,
    Head,
    Moved,
    RuleVersion,
    Standing,
    Step,
)


def bad_words(words: str) -> bool:
    """Whether a note or reason is none: empty, too long, or with characters that a terminal or a log might obey."""
    return not words.strip() or len(words) > MOST_WORDS or not words.isprintable()


def stepped(standing: Standing, did: Did, act: Act, reason: str | None = None) -> Standing:
    """The standing after one more step. `reason` is the act's own unless something else is to be kept."""
    said = act.reason if reason is None else reason
    steps = (*standing.steps, Step(did, act.at, act.by.who, act.by.role, said))
    return replace(standing, revision=standing.revision + 1, steps=steps)


def entry(did: Did, about: Standing | str, act: Act, reason: str | None = None) -> BookEntry:
    """What the audit log is told of a step on a version, or on one rule."""
    said = act.reason if reason is None else reason
    subject = f"rule:{about}" if isinstance(about, str) else f"rules:{about.number}"
    return BookEntry(act.at, act.by.who, act.by.role, did, subject, said)


def moved(
    book: Book,
    standing: Standing | None,
    *entries: BookEntry,
    others: Iterable[Standing] = (),
    version: RuleVersion | None = None,
    head: Head | None = None,
) -> Moved:
    """The step that the store must write: the next head, the standings that moved, and what the audit log is told."""
    following = replace(head or book.head, revision=book.head.revision + 1)
    standings = (*others, *((standing,) if standing else ()))
    return Moved(following, standing, Change(book.head.revision, following, standings, version, entries))
