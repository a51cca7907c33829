"""The values of a rule test: moments, days, words, numbers and mappings of fields, each fault told with its line.

A fault stops nothing: what cannot be read has a stand-in, what is misspelt is read as what was probably meant, so that
the rest of the test tells its faults too. A test with a fault never runs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from enum import StrEnum
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from domain.attributes import NONE_STATED, STATED_LISTS, Grade
from domain.clock import from_london
from triggers.fault_words import shown
from triggers.faults import MOST_FAULTS, Fault, Remark
from triggers.language import span_of
from triggers.reading import Document, Path
from triggers.reference import folded_word

YEARS = range(1900, 2200)
"""A test that lies further away would leave the calendar with its first window."""
DEFAULT_START = datetime(2026, 3, 2, 9, tzinfo=UTC)

Word = TypeVar("Word", bound=StrEnum)
_TRUTHS = {"true": True, "yes": True, "y": True, "false": False, "no": False, "n": False}


@dataclass(slots=True)
class Reader:
    """Reads plain data of one test into values. `faults` are those found so far, `start` is when the test begins,
    `remarks` are on what looks like a slip, `written` is how its author first wrote a moment."""

    document: Document
    test: str
    start: datetime = DEFAULT_START
    faults: list[Fault] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    written: dict[datetime, str] = field(default_factory=dict)

    def tell(self, message: str, path: Path) -> None:
        """Note a fault; of a test with more than MOST_FAULTS the first are enough."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(self.test, path, self.document.line(path), message))

    def remark(self, message: str, path: Path) -> None:
        """Note what looks like a slip; the test runs all the same."""
        if len(self.remarks) < MOST_FAULTS:
            self.remarks.append(Remark(self.test, path, self.document.line(path), message))

    def known(
        self, written: Mapping[str, Any], names: Collection[str], path: Path, what: str = "not a field here"
    ) -> dict[str, Any]:
        """What has a name that may stand here; the others are told, and what is misspelt is read as meant."""
        read = {name: value for name, value in written.items() if name in names}
        for name in written:
            if name not in names:
                meant = nearest(name, names)
                self.tell(f"{shown(name)} is {what}{meant_or_all(meant, names)}", (*path, name))
                if meant:
                    read.setdefault(meant, written[name])
        return read

    def entries(self, data: Mapping[str, Any], name: str) -> list[tuple[Path, dict[str, Any]]]:
        """The entries of a list, each with its path."""
        written = data.get(name) or []
        if not isinstance(written, list):
            self.tell(f"'{name}' is a list of entries", (name,))
            return []
        for place, entry in enumerate(written):
            if not isinstance(entry, dict):
                self.tell(f"an entry is a block of names and values, not {shown(entry)}", (name, place))
        return [((name, place), entry) for place, entry in enumerate(written) if isinstance(entry, dict)]

    def needs(self, entry: Mapping[str, Any], names: Collection[str], what: str, path: Path) -> None:
        """Tell each name that the entry lacks."""
        for name in names:
            if name not in entry:
                self.tell(f"{what} needs '{name}'", path)

    def moment(self, value: object, path: Path, *, spans: bool = True) -> datetime:
        """An instant, or a span from the start. Local naive times, and days, are London's (design.md section 6)."""
        try:
            at = self._instant(value, spans=spans)
        except (ValueError, OverflowError):
            wanted = "neither a span such as 9d nor a date and time" if spans else "not a date and time"
            self.tell(f"{shown(value)} is {wanted}", path)
            return self.start
        if at.year not in YEARS:
            self.tell(f"the year {at.year} is no year of a rule test ({YEARS[0]} to {YEARS[-1]})", path)
            return self.start
        return at

    def moment_as_written(self, value: object, path: Path) -> datetime:
        """The same, and how it was written is kept: a difference tells it in these words."""
        at = self.moment(value, path)
        told = value.isoformat().replace("+00:00", "Z") if isinstance(value, date) else str(value).strip()
        self.written.setdefault(at, told)
        return at

    def _instant(self, value: object, *, spans: bool) -> datetime:
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else from_london(value)
        if isinstance(value, date):
            return from_london(datetime.combine(value, time()))
        if value == 0 and spans and not isinstance(value, bool):
            return self.start
        text = str(value).strip()
        if spans and text[-1:] in ("m", "h", "d"):
            return self.start + span_of(text)
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else from_london(at)

    def day(self, value: object, path: Path) -> date:
        """A day of the calendar; a time of day is remarked on, for only the day counts."""
        if isinstance(value, datetime):
            self.remark(f"only the day counts here, {value.date()}; the time of day says nothing", path)
            return value.date()
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.tell(f"{shown(value)} is not a date such as 2009-05-04", path)
            return self.start.date()

    def word(self, enum: type[Word], value: object, path: Path) -> Word | None:
        """The word of `enum`, in any case and with any signs between; None, or what was probably meant, where it is
        none of them."""
        spelt = {folded_word(one.value): one for one in enum}
        found = spelt.get(folded_word(str(value))) if isinstance(value, str) else None
        if found is not None:
            return found
        words = [one.value for one in enum]
        meant = nearest(value, words) if isinstance(value, str) else ""
        what = next((f"'{part}' is" for part in reversed(path) if isinstance(part, str)), "this is")
        self.tell(f"{what} {shown(value)}, which it cannot be{meant_or_all(meant, words)}", path)
        return enum(meant) if meant else None

    def number(self, value: object, path: Path) -> int | None:
        """A whole number."""
        try:
            return None if value is None else int(str(value))
        except ValueError:
            self.tell(f"{shown(value)} is not a whole number", path)
            return None

    def value(self, kind: Any, written: Any, path: Path) -> Any:
        """A frozen value of `kind` from a mapping of its fields."""
        if not isinstance(written, Mapping):
            self.tell("a mapping of fields is needed here", path)
            return kind()
        hints = get_type_hints(kind)
        given = self.known(written, [each.name for each in fields(kind)], path)
        read = {name: self._coerced(hints[name], value, (*path, name)) for name, value in given.items()}
        emptied = (name for name, value in given.items() if value == [] and name in STATED_LISTS)
        read |= dict.fromkeys(emptied, NONE_STATED)
        return kind(**{name: value for name, value in read.items() if value is not None})

    def _coerced(self, hint: Any, value: Any, path: Path) -> Any:
        if value is None:
            return None
        if get_origin(hint) in (Union, UnionType):
            inner = next(part for part in get_args(hint) if part is not type(None))
            return self._coerced(inner, value, path)
        if get_origin(hint) is tuple:
            return tuple(str(one) for one in (value if isinstance(value, list) else [value]) if one is not None)
        if hint is Grade:
            return self.value(Grade, value, path)
        if hint is datetime:
            return self.moment(value, path)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            return self.word(hint, value, path)
        if hint in (int, float, bool):
            return self._plain(hint, value, path)
        return str(value)

    def _plain(self, hint: type, value: Any, path: Path) -> Any:
        """A number or a truth, also written as text; None where it is neither."""
        if hint is bool:
            truth = value if isinstance(value, bool) else _TRUTHS.get(str(value).strip().lower())
            if truth is None:
                self.tell(f"{shown(value)} is neither true nor false", path)
            return truth
        try:
            return hint(str(value)) if not isinstance(value, bool) else hint("none")
        except ValueError:
            self.tell(f"{shown(value)} is not a number", path)
            return None


def nearest(word: str, known: Collection[str]) -> str:
    """What was probably meant; '' where nothing known is near."""
    spelt = {folded_word(one): one for one in known}
    near = get_close_matches(folded_word(word[:60]), spelt, n=1, cutoff=0.7)
    return spelt[near[0]] if near else ""


def meant_or_all(meant: str, known: Collection[str]) -> str:
    """'; did you mean ...?', else all that there are."""
    return f"; did you mean '{meant}'?" if meant else f"; there are {', '.join(known)}"


def several(value: object) -> list[str]:
    """A list, or a cell with ';' between values."""
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [str(one) for one in value]
    return [part.strip() for part in str(value).split(";") if part.strip()]
