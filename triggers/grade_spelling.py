"""Grades of intelligence as authors of rule tests write them: 3x5x2, and the older 5x5x5 mapped down (domain.md 3)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from domain.attributes import Grade, Handling

_GRADE = re.compile(r"([A-E1-3])[\s/.,-]*([A-E1-5])(?:[\s/.,-]*(P|C|BLOCK|[1-5]))?")


@dataclass(frozen=True, slots=True)
class _Scale:
    """What each part of a grade may be, and what it means; `said` is that in words."""

    parts: tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]
    said: tuple[str, str, str]


_SCALE = _Scale(
    ({"1": 1, "2": 2, "3": 3}, {letter: letter for letter in "ABCDE"}, {word: word for word in ("P", "C", "BLOCK")}),
    ("1, 2 or 3 (A to E in a grade 5x5x5)", "A, B, C, D or E", "P or C (BLOCK: never to partners)"),
)
_OLDER = _Scale(
    (
        {"A": 1, "B": 1, "C": 2, "E": 2, "D": 3},
        {"1": "A", "2": "A", "3": "B", "4": "D", "5": "E"},
        {"1": "C", "2": "P", "3": "C", "4": "BLOCK", "5": "BLOCK"},
    ),
    ("A to E", "1 to 5 where the source is a letter", "1 to 5 where the source is a letter"),
)
"""5x5x5 mapped down (domain.md 3.2)."""
_PARTS = ("source", "assessment", "handling")


def grade_parts(value: object) -> Mapping[str, Any]:
    """A 3x5x2 grade as a mapping of its parts: '1BP', '1/B/P' or the mapping itself, letters in any case; a letter as
    source means 5x5x5. A malformed part is left out: the gatekeeper takes it for the most cautious (domain.md 3.3).
    Raises ValueError for a mapping with a name that is no part of a grade."""
    told = _told(value)
    scale = _scale_of(told)
    read = {name: known.get(part) for name, part, known in zip(_PARTS, told, scale.parts, strict=True)}
    return {name: part for name, part in read.items() if part is not None}


def malformed(value: object) -> Iterator[str]:
    """What of a grade is none, each with what there is. A part that is left out is no slip."""
    if not isinstance(value, Mapping) and str(value).strip() and not any(_told(value)):
        yield "it is no grade such as 1BP (source 1 to 3, assessment A to E, handling P or C)"
        return
    told = _told(value)
    scale = _scale_of(told)
    for name, part, known, said in zip(_PARTS, told, scale.parts, scale.said, strict=True):
        if part and part not in known and (name, part) != ("handling", Handling.NONE.value):
            yield f"'{name}' of a grade is {said}, not '{part[:20]}'"


def _told(value: object) -> tuple[str, str, str]:
    """Its three parts as written, in capitals; '' for what is left out, and for all of what is no grade."""
    if isinstance(value, Mapping):
        told = {{"information": "assessment"}.get(str(name), str(name)): part for name, part in value.items()}
        if wrong := told.keys() - {field.name for field in fields(Grade)}:
            raise ValueError(f"'{min(wrong)}' is not a part of a grade; it has source, assessment and handling")
        parts = [told.get(name) for name in _PARTS]
    else:
        found = _GRADE.fullmatch(str(value).strip().upper())
        parts = list(found.groups()) if found else [None, None, None]
    source, assessment, handling = ("" if part is None else str(part).strip().upper() for part in parts)
    return source, assessment, handling


def _scale_of(told: tuple[str, str, str]) -> _Scale:
    return _OLDER if told[0].isalpha() else _SCALE
