"""What the SQL functions of a Splink model compute, on plain values: likeness of strings, patterns, dates, casts.

Each function takes values that are not null. DuckDB compares the bytes of UTF-8 in its likeness functions, the other
engines compare characters; every line here was measured against the engine (tests/contract/test_splink_duckdb.py).
"""

import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from math import fsum, isnan

from rapidfuzz.distance import DamerauLevenshtein, Jaro, Levenshtein

from domain.errors import ConfigError

_BOOST_FROM = 0.7
_BOOST = 0.1
_PREFIX = 4


def jaro(one: str, other: str, *, in_bytes: bool) -> float:
    """Jaro similarity, 0..1; 0 where either is empty, as in DuckDB."""
    if not one or not other:
        return 0.0
    if in_bytes and not (one.isascii() and other.isascii()):
        return Jaro.similarity(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
    return Jaro.similarity(one, other)


def jaro_winkler(one: str, other: str, *, in_bytes: bool) -> float:
    """Jaro-Winkler similarity with the rounding of DuckDB, so that a pair on a threshold falls on the same side."""
    plain = jaro(one, other, in_bytes=in_bytes)
    if plain <= _BOOST_FROM:
        return plain
    if in_bytes and not (one.isascii() and other.isascii()):
        shared = _shared_start(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
    else:
        shared = _shared_start(one, other)
    return _multiply_add(shared * _BOOST, 1.0 - plain, plain) if shared else plain


def _shared_start(one: str | bytes, other: str | bytes) -> int:
    for place in range(min(_PREFIX, len(one), len(other))):
        if one[place] != other[place]:
            return place
    return min(_PREFIX, len(one), len(other))


_SPLIT = 134_217_729.0
"""2**27 + 1: cuts a float into two halves whose products are exact (Veltkamp, Dekker)."""


def _multiply_add(one: float, other: float, more: float) -> float:
    """one * other + more, rounded once as the processor's fused instruction does; all in 0..1."""
    product = one * other
    high = one * _SPLIT - (one * _SPLIT - one)
    low = one - high
    high2 = other * _SPLIT - (other * _SPLIT - other)
    low2 = other - high2
    lost = low * low2 - (((product - high * high2) - low * high2) - high * low2)
    return fsum((product, lost, more))


def levenshtein(one: str, other: str, *, in_bytes: bool) -> float:
    """Insertions, deletions and replacements."""
    if in_bytes and not (one.isascii() and other.isascii()):
        return float(Levenshtein.distance(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")))
    return float(Levenshtein.distance(one, other))


def damerau_levenshtein(one: str, other: str, *, in_bytes: bool) -> float:
    """Levenshtein with transpositions, unrestricted form."""
    if in_bytes and not (one.isascii() and other.isascii()):
        return float(
            DamerauLevenshtein.distance(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
        )
    return float(DamerauLevenshtein.distance(one, other))


def jaccard(one: str, other: str, *, in_bytes: bool) -> float | None:
    """Shared characters over all characters, each counted once; None where either is empty (DuckDB raises)."""
    first: frozenset[object] = frozenset(one.encode("utf-8", "surrogatepass") if in_bytes else one)
    second: frozenset[object] = frozenset(other.encode("utf-8", "surrogatepass") if in_bytes else other)
    if not first or not second:
        return None
    return len(first & second) / len(first | second)


def lower(text: str) -> str:
    """Lower case, one character for one."""
    return text.lower() if text.isascii() else "".join("i" if char == "İ" else char.lower() for char in text)


def upper(text: str) -> str:
    """Upper case, one character for one."""
    return text.upper() if text.isascii() else "".join(map(_upper, text))


def _upper(char: str) -> str:
    if char == "ß":
        return "ẞ"
    raised = char.upper()
    return raised if len(raised) == 1 else char


def substring(text: str, start: float, length: float | None) -> str:
    """SQL's: counted from 1; a start before the text eats into the length, a negative one counts from the end."""
    first = int(start)
    begin = first - 1 if first > 0 else (len(text) + first if first < 0 else -1)
    if length is None:
        return text[max(begin, 0) :]
    end = begin + int(length)
    if end < begin:
        begin, end = end, begin
    return text[max(begin, 0) : max(end, 0)]


def left(text: str, count: float) -> str:
    """The first characters; all but the last so many where negative."""
    return text[: int(count)]


def right(text: str, count: float) -> str:
    """The last characters; all but the first so many where negative."""
    number = int(count)
    if number < 0:
        return text[-number:]
    return text[len(text) - min(number, len(text)) :]


# --- patterns -------------------------------------------------------------------------------------------------------

_MOST_WAYS = 5_000
_UNBOUNDED_WAYS = 64
_LONGEST_PATTERN = 300
_ATOM = re.compile(
    r"\\[dDwWsS.\\/+*?()\[\]{}|^$@-]"  # an escaped class or sign
    r"|\[\^?(?:\\[dDwWsS.\\/+*?()\[\]{}|^$@-]|[^\]\[\\])+\]"  # a set
    r"|\((?:\?:)?|\)|\||\^|\$|\."
    r"|[^\\\[\](){}*+?|^$.]"
)
_NOT_REPEATED = frozenset({"(", "(?:", "|", "^", "$"})
_REPEAT = re.compile(r"\{(\d{1,3})(?:(,)(\d{1,3})?)?\}|[*+?]")


def pattern(text: str) -> re.Pattern[str]:
    """A regular expression of the file, as RE2 reads it. Raises ConfigError for one that could take long, or is none.

    Repeats may not be nested, and few may be open: what remains takes time that grows slowly with the text.
    """
    if len(text) > _LONGEST_PATTERN:
        raise ConfigError("the pattern is too long")
    translated: list[str] = []
    ways, place = 1, 0
    while place < len(text):
        atom = _ATOM.match(text, place)
        if atom is None:
            raise ConfigError("the pattern uses something that is not offered")
        place = atom.end()
        translated.append(r"\Z" if atom[0] == "$" else atom[0])
        repeat = _REPEAT.match(text, place)
        if repeat is None:
            continue
        if atom[0] in _NOT_REPEATED or (atom[0] == ")" and repeat[0] != "?"):
            raise ConfigError("the pattern repeats a group")
        place = repeat.end()
        translated.append(repeat[0])
        ways *= _ways(repeat)
    if ways > _MOST_WAYS:
        raise ConfigError("the pattern has too many repeats")
    try:
        return re.compile("".join(translated), re.ASCII)
    except (re.error, OverflowError, RecursionError):
        raise ConfigError("the pattern cannot be read") from None


def _ways(repeat: re.Match[str]) -> int:
    if repeat[0] == "?":
        return 2
    if repeat[0] in "*+":
        return _UNBOUNDED_WAYS
    least = int(repeat[1])
    if not repeat[2]:
        return max(least // 32, 1)
    return _UNBOUNDED_WAYS if not repeat[3] else max(int(repeat[3]) - least + 1, 1) + int(repeat[3]) // 32


@lru_cache(maxsize=65_536)
def extracted(compiled: re.Pattern[str], text: str, group: int) -> str:
    """What the first match of a pattern holds; '' where nothing matches, as `regexp_extract` answers."""
    found = compiled.search(text)
    return (found[group] or "") if found else ""


# --- numbers and dates ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def number(text: str) -> float | None:
    """A number as written; None for anything else."""
    try:
        return float(text)
    except ValueError:
        return None


def whole(value: float) -> float | None:
    """Cast of a number to an integer: halves to the even one."""
    return None if isnan(value) or abs(value) > 9e18 else float(round(value))


def single(value: float) -> float | None:
    """Cast to a 32-bit float."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return None


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A date or timestamp of SQL: no zone, and a year 0, which Python's own have not."""

    year: int
    month: int
    day: int
    second: int = 0
    """Of the day."""

    @property
    def days(self) -> int:
        """Days since 1970-01-01 in the proleptic Gregorian calendar."""
        year = self.year - (self.month <= 2)
        era, place = divmod(year, 400)
        since_march = (153 * ((self.month + 9) % 12) + 2) // 5 + self.day - 1
        return era * 146_097 + place * 365 + place // 4 - place // 100 + since_march - 719_468

    def iso(self) -> str:
        """As text: the date alone at midnight."""
        day = f"{self.year:04}-{self.month:02}-{self.day:02}"
        if not self.second:
            return day
        return f"{day} {self.second // 3600:02}:{self.second // 60 % 60:02}:{self.second % 60:02}"

    def midnight(self) -> "Moment":
        """The date alone."""
        return Moment(self.year, self.month, self.day)


_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def moment(year: int, month: int, day: int, clock: tuple[int, int, int] = (0, 0, 0)) -> Moment | None:
    """The moment; None where there is none."""
    hour, minute, second = clock
    if not 1 <= month <= 12 or hour > 23 or minute > 59 or second > 59:
        return None
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _MONTH_DAYS[month - 1] + leap:
        return None
    return Moment(year, month, day, hour * 3600 + minute * 60 + second)


_ISO = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|\+00(?::?00)?)?)?\s*"
)
_COMPACT = re.compile(r"\s*(\d{4})(\d{2})(\d{2})\s*")
_BRITISH = re.compile(r"\s*(\d{1,2})/(\d{1,2})/(\d{4})\s*")


@lru_cache(maxsize=65_536)
def written_date(text: str) -> Moment | None:
    """A date column's value as a table writes it: ISO, yyyymmdd or dd/mm/yyyy; None for what is no date."""
    british = _BRITISH.fullmatch(text)
    if british:
        return moment(int(british[3]), int(british[2]), int(british[1]))
    iso = _ISO.fullmatch(text) or _COMPACT.fullmatch(text)
    if iso is None:
        return None
    year, month, day, *clock = (int(part or 0) for part in iso.groups())
    return moment(year, month, day, (clock[0], clock[1], clock[2])) if clock else moment(year, month, day)


_FIELDS = {
    "%Y": ("year", r"(\d{1,4})"), "%y": ("short", r"(\d{1,2})"), "%m": ("month", r"(\d{1,2})"),
    "%-m": ("month", r"(\d{1,2})"), "%d": ("day", r"(\d{1,2})"), "%-d": ("day", r"(\d{1,2})"),
    "%H": ("hour", r"(\d{1,2})"), "%M": ("minute", r"(\d{1,2})"), "%S": ("second", r"(\d{1,2})"),
    "%b": ("name", r"([A-Za-z]{3})"), "%B": ("name", r"([A-Za-z]{3,9})"),
}  # fmt: skip
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_PERCENT = re.compile(r"%-?[A-Za-z%]|.", re.DOTALL)
DateFormat = tuple[re.Pattern[str], tuple[str, ...]]


def date_format(text: str) -> DateFormat:
    """A strptime format (%Y %y %m %d %H %M %S %b %B). Raises ConfigError for any other field."""
    if len(text) > 60:
        raise ConfigError("the date format is too long")
    names: list[str] = []
    parts = [r"\s*"]
    for piece in _PERCENT.findall(text):
        if piece[0] == "%" and len(piece) > 1:
            if piece not in _FIELDS or _FIELDS[piece][0] in names:
                raise ConfigError(f"the date format has {piece}")
            names.append(_FIELDS[piece][0])
            parts.append(_FIELDS[piece][1])
        else:
            parts.append(r"\s+" if piece.isspace() else re.escape(piece))
    return re.compile("".join(parts) + r"\s*", re.ASCII), tuple(names)


@lru_cache(maxsize=65_536)
def parsed_date(form: DateFormat, text: str) -> Moment | None:
    """try_strptime: the moment written in a format; None where the text is not of it."""
    found = form[0].fullmatch(text)
    if found is None:
        return None
    said = dict(zip(form[1], found.groups(), strict=True))
    month = _month(said["name"]) if "name" in said else int(said.get("month", 1))
    year = int(said["year"]) if "year" in said else _century(said.get("short", "1900"))
    clock = (int(said.get("hour", 0)), int(said.get("minute", 0)), int(said.get("second", 0)))
    return moment(year, month, int(said.get("day", 1)), clock)


def _month(name: str) -> int:
    wanted = name.lower()
    full = len(wanted) > 3
    return next((place for place, month in enumerate(_MONTHS, 1) if (month if full else month[:3]) == wanted), 0)


def _century(short: str) -> int:
    """Two digits of a year: 69 to 99 are of the last century."""
    year = int(short)
    return year if year > 99 else year + (1900 if year >= 69 else 2000)


def epoch(moment: Moment) -> float:
    """Seconds since 1970."""
    return float(moment.days * 86_400 + moment.second)


def date_difference(unit: str, first: Moment, second: Moment) -> float:
    """Boundaries of `unit` (day, month, year) between two moments, as date_diff counts them."""
    if unit == "day":
        return float(second.days - first.days)
    years = second.year - first.year
    return float(years * 12 + second.month - first.month) if unit == "month" else float(years)
