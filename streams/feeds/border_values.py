"""Values of the border that JSON has no type for: times, births, sex, markings and grades, each with its reader.

Every reader takes what json decoding gives and either returns its value or raises BorderFault, whose message never has
the value. msgspec calls them through `border_hook`.
"""

from datetime import UTC, date, datetime
from typing import Any

from domain.attributes import Grade
from domain.clock import from_london
from domain.events import Marking
from domain.identity import DateOfBirth, DobQuality, Sex, never_compared
from streams.feeds.intel_grades import parse_grade
from streams.feeds.outcome import RejectReason
from streams.making import maker

FIRST_YEAR = 1990  # nothing older is an event of a programme that watches young people
FIRST_BIRTH_YEAR = 1900
_MOMENT_LENGTH = (16, 35)  # 2026-11-14T21:30 up to microseconds and offset
_PLAIN_DAY_LENGTH = 10


class BorderFault(ValueError):
    """A value that cannot be taken, with its reason. The message names no value."""

    def __init__(self, reason: RejectReason, problem: str) -> None:
        super().__init__(problem)
        self.reason = reason


class Moment:
    """A point in time: ISO 8601 with an offset, or local London time without one. Kept as aware UTC in `at`."""

    __slots__ = ("at",)

    def __init__(self, at: datetime) -> None:
        self.at = at


class Birth:
    """A date of birth: "2009-05-04", or {"value": "2009-05-04", "quality": "estimated"}."""

    __slots__ = ("said",)

    def __init__(self, said: DateOfBirth) -> None:
        self.said = said


class Extras:
    """What a table says beyond a person's fields: {"state": "nsw", "suburb": ["Fictown"]}; or pairs, as we write it."""

    __slots__ = ("said",)

    def __init__(self, said: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        self.said = said


class SexWord:
    """Sex as words or as the codes of PID-8 (1, 2, 9, 0; legacy M, F, U, N)."""

    __slots__ = ("said",)

    def __init__(self, said: Sex) -> None:
        self.said = said


class MarkingWord:
    """OFFICIAL or OFFICIAL-SENSITIVE in any usual spelling; everything else is too high for this service."""

    __slots__ = ("said",)

    def __init__(self, said: Marking) -> None:
        self.said = said


class GradeWord:
    """A 3x5x2 or 5x5x5 grade; never refused (intel_grades.py)."""

    __slots__ = ("said",)

    def __init__(self, said: Grade) -> None:
        self.said = said


def border_hook(kind: type, value: object) -> object:
    """Reads the types above that msgspec does not know; raises BorderFault. Given to every decoder as `dec_hook`."""
    return _READERS[kind](value)


def read_moment(value: object) -> Moment:
    """ISO 8601 text as Moment; a date alone, an impossible one, or a year before 1990 is `bad_date`."""
    if type(value) is str and len(value) == 20 and value[4] == value[7] == "-" and value[10] == "T":
        try:  # nearly always: to the second, in UTC
            at = datetime.fromisoformat(value)
        except ValueError:
            raise BorderFault(RejectReason.BAD_DATE, "no such time") from None
        if at.tzinfo is UTC and at.year >= FIRST_YEAR:
            return Moment(at)
    text = _text(value, RejectReason.BAD_DATE, "expected a time such as 2026-11-14T21:30:00Z")
    shortest, longest = _MOMENT_LENGTH
    if not shortest <= len(text) <= longest or text[10] not in "T " or not _has_day_first(text):
        raise BorderFault(RejectReason.BAD_DATE, "not a time such as 2026-11-14T21:30:00Z")
    try:
        at = datetime.fromisoformat(text)
        at = from_london(at) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BorderFault(RejectReason.BAD_DATE, "no such time") from None
    if at.year < FIRST_YEAR:
        raise BorderFault(RejectReason.BAD_DATE, f"before {FIRST_YEAR}")
    return Moment(at)


def read_day(value: object) -> date:
    """ISO 8601 date (year, month, day) of a birth; impossible or before 1900 is `bad_date`."""
    text = _text(value, RejectReason.BAD_DATE, "expected a date such as 2009-05-04")
    try:
        if len(text) != _PLAIN_DAY_LENGTH or not _has_day_first(text):
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        raise BorderFault(RejectReason.BAD_DATE, "not a date such as 2009-05-04") from None
    if day.year < FIRST_BIRTH_YEAR:
        raise BorderFault(RejectReason.BAD_DATE, f"before {FIRST_BIRTH_YEAR}")
    return day


def _has_day_first(text: str) -> bool:
    """Year-month-day with hyphens; Python would also read week dates and the form without hyphens."""
    return text[4] == "-" and text[7] == "-"


def _text(value: object, reason: RejectReason, problem: str) -> str:
    if not isinstance(value, str):
        raise BorderFault(reason, problem)
    return value.strip()


_make_birth = maker(DateOfBirth)


def _read_birth(value: object) -> Birth:
    if not isinstance(value, dict):
        return Birth(_make_birth(read_day(value)))
    if unknown := value.keys() - _BIRTH_KEYS:
        raise BorderFault(RejectReason.UNKNOWN_FIELD, f"{len(unknown)} unknown field(s); only value and quality")
    if "value" not in value:
        raise BorderFault(RejectReason.MISSING_FIELD, "value is missing")
    said = value.get("quality") or DobQuality.STATED
    quality = _QUALITIES.get(said) if isinstance(said, str) else None
    if quality is None:
        allowed = ", ".join(DobQuality)
        raise BorderFault(RejectReason.BAD_VALUE, f"quality is not one of: {allowed}")
    return Birth(_make_birth(read_day(value["value"]), quality))


_BIRTH_KEYS = frozenset({"value", "quality"})
_QUALITIES: dict[str, DobQuality] = {quality.value: quality for quality in DobQuality}


_MOST_EXTRAS = 100
_MOST_VALUES = 50
_LONGEST_NAME, _LONGEST_VALUE = 200, 500


def _read_extras(value: object) -> Extras:
    pairs = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(pairs, list) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise BorderFault(RejectReason.BAD_VALUE, "expected an object of names and values")
    if len(pairs) > _MOST_EXTRAS:
        raise BorderFault(RejectReason.TOO_MANY_REPEATS, f"{len(pairs)} names, at most {_MOST_EXTRAS}")
    if any(isinstance(name, str) and never_compared(name) for name, _ in pairs):
        raise BorderFault(RejectReason.UNKNOWN_FIELD, "ethnicity, religion and immigration status are never taken")
    found: dict[str, tuple[str, ...]] = {}
    for name, said in pairs:
        values = said if isinstance(said, list | tuple) else [said]
        if not isinstance(name, str) or not all(isinstance(each, str) for each in values):
            raise BorderFault(RejectReason.BAD_VALUE, "holds something other than texts and lists of texts")
        if (
            len(values) > _MOST_VALUES
            or len(name) > _LONGEST_NAME
            or any(len(each) > _LONGEST_VALUE for each in values)
        ):
            raise BorderFault(RejectReason.BAD_VALUE, "holds a name or value that is too long, or too many values")
        kept = tuple([text for each in values if (text := " ".join(each.split()))])
        if kept and name.strip():
            found[name.strip()] = kept
    return Extras(tuple(sorted(found.items())))


_SEX_WORDS = {
    **{sex.value: sex for sex in Sex},
    "1": Sex.MALE,
    "m": Sex.MALE,
    "2": Sex.FEMALE,
    "f": Sex.FEMALE,
    "9": Sex.NOT_SPECIFIED,
    "n": Sex.NOT_SPECIFIED,
    "0": Sex.UNKNOWN,
    "u": Sex.UNKNOWN,
    "": Sex.UNKNOWN,
}


def _read_sex(value: object) -> SexWord:
    said = _SEX_WORDS.get(str(value).strip().lower()) if isinstance(value, str | int) else None
    if said is None:
        raise BorderFault(RejectReason.BAD_VALUE, "not one of: male, female, not_specified, unknown, 1, 2, 9, 0")
    return SexWord(said)


def _read_marking(value: object) -> MarkingWord:
    words = "-".join(value.upper().replace("-", " ").split()) if isinstance(value, str) else ""
    if words not in set(Marking):
        raise BorderFault(RejectReason.MARKING_TOO_HIGH, "only OFFICIAL and OFFICIAL-SENSITIVE are taken here")
    return MarkingWord(Marking(words))


_READERS: dict[type, Any] = {
    Moment: read_moment,
    Birth: _read_birth,
    Extras: _read_extras,
    SexWord: _read_sex,
    MarkingWord: _read_marking,
    GradeWord: lambda value: GradeWord(parse_grade(value)),
}
