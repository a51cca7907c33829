"""Intelligence grades: 3x5x2 as sent, legacy 5x5x5 mapped down with the original kept (domain.md 3.1, 3.2).

A grade is never a reason to refuse a report: a part that is absent or malformed becomes None, and the gatekeeper's rule
(triggers) treats it as the most cautious case. Nothing here decides what may be shared.
"""

import re
from collections.abc import Mapping

from domain.attributes import Grade, Handling

_ASSESSMENTS = frozenset("ABCDE")
_HANDLING_3X5X2 = {"P": Handling.P, "C": Handling.C, "BLOCK": Handling.BLOCK}

# domain.md 3.2, "proposed down-mapping"; handling 1 is for law enforcement only, 4 and 5 never leave the originator
_SOURCE_5X5X5 = {"A": 1, "B": 1, "C": 2, "E": 2, "D": 3}
_ASSESSMENT_5X5X5 = {"1": "A", "2": "A", "3": "B", "4": "D", "5": "E"}
_HANDLING_5X5X5 = {
    "1": Handling.C,
    "2": Handling.P,
    "3": Handling.C,
    "4": Handling.BLOCK,
    "5": Handling.BLOCK,
}
_WRITTEN = re.compile(r"^([A-Z0-9])[\s/.,-]*([A-Z0-9])(?:[\s/.,-]*([A-Z0-9]|BLOCK))?$")
_SAFE_ORIGINAL = re.compile(r"^[A-Z0-9](?:[ /.,-]{0,2}[A-Z0-9]){0,3}$")  # a grade as written, never words

_MOST_CAUTIOUS_LAST = (Handling.NONE, Handling.P, Handling.C, Handling.BLOCK)


def parse_grade(value: object) -> Grade:
    """The grade said by `value`: text such as "1BP", "1/B/P" or "B24", or a mapping of its parts.

    A mapping has `source`, `assessment` (or `information`) and `handling`, and may carry `original`. A letter as source
    means 5x5x5. Anything else gives a grade without parts; nothing is ever raised.
    """
    if isinstance(value, str):
        return _grade_of_text(value)
    if isinstance(value, Mapping):
        parts = (value.get("source"), value.get("assessment", value.get("information")), value.get("handling"))
        return _grade_of_parts(*(_part(part) for part in parts), original=_part(value.get("original")))
    return Grade()


def most_cautious(one: Handling, other: Handling) -> Handling:
    """The stricter of two handlings: BLOCK before C before P before not given."""
    return max(one, other, key=_MOST_CAUTIOUS_LAST.index)


def _grade_of_text(text: str) -> Grade:
    written = text.strip().upper()
    found = _WRITTEN.match(written)
    if found is None:
        return Grade(original=_kept(written))
    return _grade_of_parts(found[1], found[2], found[3] or "", original=written if found[1].isalpha() else "")


def _grade_of_parts(source: str, assessment: str, handling: str, *, original: str) -> Grade:
    if source.isalpha():
        return Grade(
            source=_SOURCE_5X5X5.get(source),
            assessment=_ASSESSMENT_5X5X5.get(assessment),
            handling=_HANDLING_5X5X5.get(handling, Handling.NONE),
            original=_kept(original or f"{source}{assessment}{handling}"),
        )
    return Grade(
        source=int(source) if source in {"1", "2", "3"} else None,
        assessment=assessment if assessment in _ASSESSMENTS else None,
        handling=_HANDLING_3X5X2.get(handling, Handling.NONE),
        original=_kept(original),
    )


def _part(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip().upper() if not isinstance(value, int) or 0 <= value <= 9 else ""


def _kept(original: str) -> str:
    return original if _SAFE_ORIGINAL.match(original) else ""
