"""Two values of one column, as a level: text, code, number or date. Pure, symmetric, memoised; no weights in here.

What a table calls a column says little about how it goes wrong, so a model names one of these kinds per column
(domain.md 5.2: Splink's bands). The values are comparable forms (`plain_text`), never as they were written.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from math import isfinite

from rapidfuzz.distance import OSA, JaroWinkler

from cohort.names import fold

MEMO = 262_144


class Kind(StrEnum):
    """How the values of a column are compared."""

    TEXT = "text"
    CODE = "code"
    NUMBER = "number"
    DATE = "date"


TEXT_LEVELS = ("exact", "close", "near", "part_of", "similar", "different")
CODE_LEVELS = ("exact", "one_edit", "two_edits", "different")
NUMBER_LEVELS = ("exact", "within_1_percent", "within_10_percent", "different")
DATE_LEVELS = (
    "exact", "swapped", "one_edit", "two_edits", "same_year_month", "same_day_month", "same_year", "within_5_years",
    "different",
)  # fmt: skip
CLOSE, NEAR, SIMILAR = 0.92, 0.88, 0.70


@lru_cache(maxsize=MEMO)
def plain_text(written: str) -> str:
    """`written` in upper-case ASCII (where its script has any), punctuation out, single spaces; '' for nothing."""
    folded = fold(written)
    if not folded.strip() and written.strip():
        folded = written.casefold()
    return " ".join("".join(char if char.isalnum() else " " for char in folded).split())


@lru_cache(maxsize=MEMO)
def compact(written: str) -> str:
    """The letters and digits of a code, upper-case."""
    return plain_text(written).replace(" ", "")


@lru_cache(maxsize=MEMO)
def date_digits(written: str) -> str:
    """yyyymmdd of a date written year first, else its letters and digits: still comparable by edits."""
    digits = compact(written)
    return digits[:8] if len(digits) > 8 and digits.isdigit() else digits


def text_level(one: str, other: str) -> str:
    """Of TEXT_LEVELS: Jaro-Winkler from .92, .88 and .70, and the words of one among those of the other."""
    if one == other:
        return "exact"
    return _text_level(one, other) if one < other else _text_level(other, one)


@lru_cache(maxsize=MEMO)
def _text_level(one: str, other: str) -> str:
    alike = JaroWinkler.similarity(one, other)
    spaced = " " in one or " " in other
    if spaced:  # a blank too many or too few is one slip, not another word
        alike = max(alike, JaroWinkler.similarity(one.replace(" ", ""), other.replace(" ", "")))
    if alike >= CLOSE:
        return "close"
    if alike >= NEAR:
        return "near"
    if spaced and _contained(one, other):
        return "part_of"
    return "similar" if alike >= SIMILAR else "different"


def _contained(one: str, other: str) -> bool:
    first, second = frozenset(one.split()), frozenset(other.split())
    return first <= second or second <= first


def code_level(one: str, other: str) -> str:
    """Of CODE_LEVELS, by edits with neighbours exchanged counting once."""
    if one == other:
        return "exact"
    return _code_level(one, other) if one < other else _code_level(other, one)


@lru_cache(maxsize=MEMO)
def _code_level(one: str, other: str) -> str:
    edits = OSA.distance(one, other, score_cutoff=2)
    if edits > 2 or edits >= max(len(one), len(other)):  # nothing of a code of two letters is left after two edits
        return "different"
    return "one_edit" if edits == 1 else "two_edits"


@lru_cache(maxsize=MEMO)
def number_level(one: str, other: str) -> str:
    """Of NUMBER_LEVELS, by relative difference; what is no number is compared as text, the same or different."""
    if one == other:
        return "exact"
    try:
        first, second = float(one), float(other)
    except ValueError:
        return "different"
    if not (isfinite(first) and isfinite(second)):
        return "different"
    if first == second:
        return "exact"
    apart = abs(first - second) / max(abs(first), abs(second))
    if apart <= 0.01:
        return "within_1_percent"
    return "within_10_percent" if apart <= 0.1 else "different"


def date_level(one: str, other: str) -> str:
    """Of DATE_LEVELS, for dates of eight digits; others by their edits."""
    if one == other:
        return "exact"
    return _date_level(one, other) if one < other else _date_level(other, one)


@lru_cache(maxsize=MEMO)
def _date_level(one: str, other: str) -> str:
    whole = len(one) == 8 == len(other)
    if whole and one[:4] == other[:4] and one[4:6] == other[6:] and one[6:] == other[4:6]:
        return "swapped"
    edits = OSA.distance(one, other, score_cutoff=2)
    if edits <= 2:
        return "one_edit" if edits == 1 else "two_edits"
    if not whole:
        return "different"
    if one[:6] == other[:6]:
        return "same_year_month"
    if one[4:] == other[4:]:
        return "same_day_month"
    if one[:4] == other[:4]:
        return "same_year"
    near = one.isdigit() and other.isdigit() and abs(int(one) - int(other)) < 50_000
    return "within_5_years" if near else "different"


def plain_number(written: str) -> str:
    """A number as it is compared: without blanks and thousands separators."""
    return written.replace(" ", "").replace(",", "").strip()


KINDS: dict[Kind, tuple[Callable[[str], str], Callable[[str, str], str], tuple[str, ...]]] = {
    Kind.TEXT: (plain_text, text_level, TEXT_LEVELS),
    Kind.CODE: (compact, code_level, CODE_LEVELS),
    Kind.NUMBER: (plain_number, number_level, NUMBER_LEVELS),
    Kind.DATE: (date_digits, date_level, DATE_LEVELS),
}
"""Per kind: how a value is made comparable, how two are compared, and the levels, strongest first."""
