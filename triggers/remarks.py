"""Remarks on a rule file that has no faults: what reads as if a change had been made in one place and not in another.

A headline that says "within a year" over a rule that looks back 180 days is no fault, for words may tell of anything;
but whoever made it so should hear of it before a navigator says it aloud.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any

from triggers.conditions import Test
from triggers.months import Months, Span
from triggers.patterns import Merging
from triggers.phrasing import span_words
from triggers.reading import Path
from triggers.rules import Rule

_NUMBERS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORDS = {"a": 1.0, "an": 1.0, "half a": 0.5, **{word: float(place) for place, word in enumerate(_NUMBERS) if word}}
_UNITS = {
    "minute": (1 / 1440, 1 / 1440),
    "hour": (1 / 24, 1 / 24),
    "day": (1.0, 1.0),
    "week": (7.0, 7.0),
    "fortnight": (14.0, 14.0),
    "month": (28.0, 31.0),
    "year": (360.0, 366.0),
}
"""The shortest and the longest that people mean by it, in days."""
_UNIT = "|".join(_UNITS)
_OVER = r"(?:within|for|in|over|during)\s+(?:the\s+)?"
_NO_SPAN = r"(?![\s-]+(?:olds?|of\s+age)\b|\s+or\s+(?:two|so|more)\b)"
"""Behind what is an age, or said loosely."""
_SAID = re.compile(
    rf"(?<!\baged\s)\b(?P<whole>{_OVER}(?:(?:last|past)\s+)?(?P<word>{'|'.join(_WORDS)})\s+(?P<of_word>{_UNIT})s?"
    rf"|{_OVER}(?:last|past)\s+(?P<of_one>{_UNIT})"
    rf"|(?P<digits>\d+)[\s-](?P<of_digits>{_UNIT})s?)\b{_NO_SPAN}",
    re.IGNORECASE,
)
_OF_A_STUDY = re.compile(r"in\s+(?!the\b)", re.IGNORECASE)
"""A reason may rest on what others found ("a third came back in two years"): no word of what the rule looks at."""
_TOLERANCE = 1e-6


def of_words(rule: Rule) -> Iterator[tuple[str, Path]]:
    """What the rule says in words of a span that none of its own is: each remark, and its path in the rule."""
    spans = frozenset(_spans(rule))
    for path, text in _texts(rule):
        for found in _SAID.finditer(text):
            least, most = _meant(found)
            if path == ("why",) and _OF_A_STUDY.match(found["whole"]):
                continue
            if not any(least - _TOLERANCE <= span <= most + _TOLERANCE for span in spans):
                told = f"it says '{found['whole']}', and nothing in the rule is that long ({_listed(rule)})"
                yield f"{told}; is it still right?", path


def _texts(rule: Rule) -> Iterator[tuple[Path, str]]:
    """What people read of it, each with where it is written."""
    yield ("why",), rule.why
    yield ("then", "headline"), rule.then.headline
    for place, line in enumerate(rule.then.headlines):
        yield ("then", "headlines", place, "headline"), line.value
    yield ("then", "suggestion"), rule.then.suggestion


def _meant(found: re.Match[str]) -> tuple[float, float]:
    """The shortest and the longest that the words may mean, in days."""
    number = float(found["digits"]) if found["digits"] else _WORDS[(found["word"] or "one").lower()]
    least, most = _UNITS[(found["of_word"] or found["of_one"] or found["of_digits"]).lower()]
    return number * least, number * most


def _listed(rule: Rule) -> str:
    """The spans of its pattern, in words."""
    known = sorted({span for span in _inside(rule.when) if isinstance(span, (timedelta, Months))}, key=_length)
    return f"it looks at {', '.join(map(span_words, known))}" if known else "its pattern has no span"


def _spans(rule: Rule) -> Iterator[float]:
    """Every span of the rule in days; a number that a condition compares may be one, of days or hours."""
    for found in _inside(rule):
        if isinstance(found, (timedelta, Months)):
            yield _length(found) / timedelta(days=1)
        else:
            yield from (found, found / 24)


def _length(span: Span) -> timedelta:
    return span.about if isinstance(span, Months) else span


def _inside(value: Any) -> Iterator[Any]:
    """The spans in a value, and the numbers that its conditions compare with."""
    if isinstance(value, (timedelta, Months)):
        yield value
    elif isinstance(value, Merging):
        return  # when two tellings are one is no span that anybody tells
    elif isinstance(value, Test):
        if isinstance(value.value, (int, float)) and not isinstance(value.value, bool):
            yield float(value.value)
    elif is_dataclass(value) and not isinstance(value, type):
        for spec in fields(value):
            yield from _inside(getattr(value, spec.name))
    elif isinstance(value, Mapping):
        yield from _each(value.values())
    elif isinstance(value, (tuple, list, frozenset)):
        yield from _each(value)


def _each(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield from _inside(value)
