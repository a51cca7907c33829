"""The words in which differences between two versions of the rules are told: a sentence or a name for each field.

What the tables have no words for is told by the name of the field, so that nothing can change unseen.
"""

from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from typing import Any, get_args

from domain.triggers import Cap
from triggers.conditions import ALWAYS, Unless
from triggers.explain import condition_words, pattern_words, span_words
from triggers.months import Months
from triggers.patterns import Pattern
from triggers.reference import Area, CodeFamily

PATTERNS = get_args(Pattern)
_MOST_WORDS = 12
"""Of a longer list of words only so many are told, and how many more there are."""

SAYS: dict[tuple[str, str], str] = {
    ("CountPattern", "within"): "looks back {new} instead of {old}",
    ("CountPattern", "at_least"): "asks for {new} or more instead of {old}",
    ("CountPattern", "min_feeds"): "asks for at least {new} feeds that tell it instead of {old}",
    ("CountPattern", "distinct"): "counts different ones by {new} instead of {old}",
    ("SequencePattern", "within"): "lets {new} pass between the two instead of {old}",
    ("AllOf", "within"): "all within {new} instead of {old}",
    ("StepsPattern", "within"): "lets {new} pass from the first step to the last instead of {old}",
    ("FirstPattern", "within"): "asks for the first in {new} instead of {old}",
    ("ChangePattern", "recent"): "looks at the last {new} instead of {old}",
    ("ChangePattern", "usual"): "takes as usual {new} instead of {old}",
    ("ChangePattern", "times"): "asks for {new} times as many as usual instead of {old}",
    ("FiredPattern", "rule"): "is about firings of {new} instead of {old}",
    ("AbsencePattern", "within"): "waits {new} instead of {old}",
    ("QuietPattern", "lasting"): "asks for {new} of quiet instead of {old}",
    ("AccumulatedPattern", "at_least"): "asks for {new} categories instead of {old}",
    ("EventPattern", "subject"): "is about {new} instead of {old}",
    ("EventPattern", "suspect_side"): "reads it as the person's own offending: {new} instead of {old}",
    ("Then", "priority"): "is {new} instead of {old}",
    ("Then", "contact_within"): "asks for contact within {new} instead of {old}",
    ("Then", "sensitivity"): "may be told to {new} instead of {old}",
    ("Then", "expires_after"): "loses its meaning after {new} instead of {old}",
    ("Then", "cap"): "raises {new} for one person instead of {old}",
    ("Cap", "alerts"): "raises at most {new} alerts for one person instead of {old}",
    ("Cap", "within"): "counts the alerts of one person over {new} instead of {old}",
    ("Then", "headline"): "the page says '{new}' instead of '{old}'",
    ("Then", "suggestion"): "suggests '{new}' instead of '{old}'",
    ("Then", "rises"): "fires again when its priority rises: {new} instead of {old}",
    ("Cooling", "within"): "stays quiet for {new} after it fired instead of {old}",
    ("Cooling", "ground"): "stays quiet about the same {new} instead of the same {old}",
    ("Cooling", "per_priority"): "each priority stays quiet by itself: {new} instead of {old}",
    ("Rule", "tolerance"): "still fires for what comes up to {new} late instead of {old}",
    ("Rule", "late_after"): "is marked late after {new} instead of {old}",
    ("Rule", "version"): "is version {new} instead of {old}",
    ("Rule", "owner"): "belongs to {new} instead of {old}",
    ("Rule", "why"): "gives as its reason '{new}' instead of '{old}'",
}

_LABELS: dict[tuple[str, str], str] = {
    ("AnyOf", "parts"): "ways in which it comes true",
    ("AllOf", "parts"): "all of which must come together",
    ("AllOf", "none_of"): "none of which may come",
    ("StepsPattern", "steps"): "steps",
    ("RecallPattern", "lookups"): "what it looks up of the past",
    ("Merging", "two_feeds_when"): "takes what two feeds tell for one if both are",
    ("EventPattern", "kinds"): "events that it listens to",
    ("EventPattern", "where"): "asks of the event",
    ("EventPattern", "still"): "asks that after corrections there still be",
    ("EntersPattern", "statuses"): "states that one comes into",
    ("AccumulatedPattern", "categories"): "category",
    ("AccumulatedPattern", "where"): "asks of all evidence",
    ("Then", "priorities"): "priority",
    ("Then", "headlines"): "headline",
    ("Then", "reviews"): "also opens",
    ("Then", "channels"): "channels",
    ("Rule", "who"): "for whom",
    ("Rule", "sources"): "sources",
    ("Rule", "yields_to"): "gives way to",
}


def label_of(owner: str, name: str) -> str:
    """What a field of a class is called, where it has no sentence of its own."""
    return _LABELS.get((owner, name), name.replace("_", " "))


def value_told(value: Any) -> str:
    """A value of a field in words; 'no limit' for None."""
    if value is None:
        return "no limit"
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, (timedelta, Months)):
        return span_words(value)
    if isinstance(value, PATTERNS):
        return pattern_words(value)
    if isinstance(value, (frozenset, tuple, list)):
        return _some(sorted(map(text_told, value))) or "nothing"
    return text_told(value) or "nothing"


def text_told(value: Any) -> str:
    """One thing of a list, or any other single value, in words."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Cap):
        return f"at most {value.alerts} alert{'s' if value.alerts > 1 else ''} in {span_words(value.within)}"
    if isinstance(value, CodeFamily):
        said = ", ".join(each.value for each in (value.intent, value.mechanism) if each)
        run = value.first if value.first == value.last else f"{value.first} to {value.last}"
        return f"{value.system} {run} ({said})"
    if isinstance(value, Area):
        return f"force {value.force}" + (f" at {value.lat}, {value.lon}" if value.lat is not None else "")
    if isinstance(value, PATTERNS):
        return pattern_words(value)
    return str(value)


def part_told(part: Any) -> str:
    """A pattern that something is made of, or what else stands there, in words."""
    if isinstance(part, PATTERNS):
        return pattern_words(part)
    return "nothing" if part is None else str(getattr(part, "name", type(part).__name__)).replace("_", " ")


def condition_told(condition: Any) -> str:
    """A condition in words; 'anything' where nothing is asked."""
    if condition is None or condition == ALWAYS:
        return "anything"
    return f"unless {condition_words(condition.part)}" if isinstance(condition, Unless) else condition_words(condition)


def words_changed(label: str, was: frozenset[Any], now: frozenset[Any]) -> Iterator[str]:
    """Which words of a list are new, and which are gone."""
    come, gone = sorted(map(text_told, now - was)), sorted(map(text_told, was - now))
    if come:
        yield f"{label}: now also {_some(come)}"
    if gone:
        yield f"{label}: no longer {_some(gone)}"


def _some(words: list[str]) -> str:
    more = len(words) - _MOST_WORDS
    return ", ".join(words[:_MOST_WORDS]) + (f" and {more} more" if more > 0 else "")
