"""The mapping file of a CSV feed: which column of an export becomes which field of the envelope (design.md section 7).

Loading validates the whole file against the border schema and tells all its faults at once (ConfigError). All scalars
of the YAML are read as text, so that a table for "No" or "1" means what it says. docs/feeds.md explains the format.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Literal

import msgspec
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import ConfigError
from domain.kinds import Feed, Kind, natural_role
from streams.feeds.border_values import border_hook
from streams.feeds.explain import Fault
from streams.feeds.outcome import RejectReason
from streams.feeds.shapes import is_enum, member
from streams.feeds.table_fields import Target, target_of

_SHIPPED = Path(__file__).parent / "mappings"
_REQUIRED = ("source_key", "occurred_at")
_FORMAT_PARTS = re.compile(r"%(.)")
_ALLOWED_PARTS = frozenset("YmdHMSfzbBp I".replace(" ", ""))

Condition = Literal["given", "blank"] | list[str]


class _KindFrom(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    column: str
    values: dict[str, str]


class _EventIn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    kind: str | _KindFrom
    when: dict[str, Condition] = Field(default_factory=dict)
    unless: dict[str, Condition] = Field(default_factory=dict)
    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str] = Field(default_factory=dict)


class _FileIn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    feed: Feed
    source_system: str = Field(min_length=1, max_length=200)
    about: str = ""
    encoding: Literal["utf-8", "cp1252", "iso-8859-1"] = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    split: str = Field(default=";", min_length=1, max_length=1)
    blank: list[str] = Field(default_factory=list)
    dates: list[str] = Field(default_factory=list)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str] = Field(default_factory=dict)
    kind: str | _KindFrom | None = None
    events: list[_EventIn] = Field(default_factory=list)
    otherwise: Literal["refuse", "ignore"] = "refuse"


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a field's text comes from: columns and the text between them, or a constant (no columns).

    `parts` alternates literal text and column names, as string.Formatter gives them.
    """

    parts: tuple[tuple[str, str | None], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read, in order."""
        return tuple(column for _, column in self.parts if column is not None)

    @property
    def name(self) -> str:
        """What a refusal calls it."""
        return " + ".join(self.columns)


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """One field: its place in the envelope, its cell, and its value table (upper-case text to value)."""

    target: Target
    cell: Cell
    values: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class EventMapping:
    """One event that a row may give. `kinds` maps upper-case text of `kind_column` ('' where it is constant)."""

    kind_column: str
    kinds: dict[str, Kind]
    when: dict[str, Condition]
    unless: dict[str, Condition]
    fields: tuple[FieldMapping, ...]


@dataclass(frozen=True, slots=True)
class TableMapping:
    """A loaded mapping. `blank` are upper-case texts that mean nothing was given; `dates` strptime formats."""

    name: str
    feed: Feed
    source_system: str
    encoding: str
    delimiter: str
    split: str
    blank: frozenset[str]
    dates: tuple[str, ...]
    events: tuple[EventMapping, ...]
    ignore_others: bool

    @property
    def columns(self) -> frozenset[str]:
        """Every column that must be in the header."""
        found: set[str] = set()
        for event in self.events:
            found |= {event.kind_column} - {""} | set(event.when) | set(event.unless)
            for field in event.fields:
                found |= set(field.cell.columns)
        return frozenset(found)


def folded_cell(text: str) -> str:
    """A cell's text as value tables and conditions compare it: upper case, single blanks."""
    return " ".join(text.split()).upper()


def shipped_mapping(name: str) -> TableMapping:
    """A mapping that comes with the product (`rms_crime`, `intel_5x5x5` ...); ConfigError where there is none."""
    if name not in shipped_names():
        raise ConfigError(f"no mapping of that name is shipped; there are: {', '.join(shipped_names())}")
    return load_mapping(_SHIPPED / f"{name}.yaml")


def shipped_names() -> list[str]:
    """Names of the shipped mappings."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def load_mapping(path: Path) -> TableMapping:
    """The mapping in a file, named after it. Raises ConfigError with every fault of the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"the mapping file {path.name} cannot be read: {type(error).__name__}") from None
    return parse_mapping(text, name=path.stem)


def parse_mapping(text: str, *, name: str) -> TableMapping:
    """The mapping in a YAML text. Raises ConfigError with every fault, one a line."""
    try:
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  (BaseLoader makes text only)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(f"mapping {name}: not YAML{f' at line {mark.line + 1}' if mark else ''}") from None
    try:
        file = _FileIn.model_validate(document)
    except ValidationError as error:
        lines = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        raise _faulty(name, lines) from None
    return _Loading(file, name).mapping()


def _faulty(name: str, faults: Iterable[str]) -> ConfigError:
    lines = list(dict.fromkeys(faults))
    return ConfigError(f"mapping {name} has {len(lines)} fault(s):\n" + "\n".join(f"- {line}" for line in lines))


class _Loading:
    """One pass over a mapping file that has the right shape, collecting what is wrong with its meaning."""

    def __init__(self, file: _FileIn, name: str) -> None:
        self._file = file
        self._name = name
        self._faults: list[str] = []
        self._used: set[str] = set()

    def mapping(self) -> TableMapping:
        file = self._file
        self._check_dates()
        events = tuple(self._event(event, place) for place, event in self._events())
        for field in file.values.keys() - self._used:
            self._faults.append(f"values.{field}: no column or constant fills this field")
        if self._faults:
            raise _faulty(self._name, self._faults)
        return TableMapping(
            name=self._name,
            feed=file.feed,
            source_system=file.source_system,
            encoding=file.encoding,
            delimiter=file.delimiter,
            split=file.split,
            blank=frozenset(folded_cell(text) for text in file.blank) | {""},
            dates=tuple(file.dates),
            events=events,
            ignore_others=file.otherwise == "ignore",
        )

    def _events(self) -> list[tuple[str, _EventIn]]:
        if self._file.kind is not None and self._file.events:
            self._faults.append("kind: give either kind or events, not both")
        if self._file.kind is not None:
            return [("kind", _EventIn(kind=self._file.kind))]
        if not self._file.events:
            self._faults.append("kind: is missing (or give events)")
        return [(f"events.{number}", event) for number, event in enumerate(self._file.events)]

    def _event(self, event: _EventIn, place: str) -> EventMapping:
        kinds = self._kinds(event, place)
        columns = {**self._file.columns, **event.columns}
        constants = {**self._file.constants, **event.constants}
        for twice in columns.keys() & constants.keys():
            self._faults.append(f"{place}: {twice} has both a column and a constant")
        fields = [self._field(name, self._cell(text, name), kinds, place) for name, text in columns.items()]
        fields += [self._field(name, Cell(((text, None),)), kinds, place) for name, text in constants.items()]
        given = {field.target.path for field in fields if field is not None}
        self._check_required(given, kinds, place)
        return EventMapping(
            kind_column=event.kind.column if isinstance(event.kind, _KindFrom) else "",
            kinds=kinds,
            when=_folded_conditions(event.when),
            unless=_folded_conditions(event.unless),
            fields=tuple(field for field in fields if field is not None),
        )

    def _kinds(self, event: _EventIn, place: str) -> dict[str, Kind]:
        table = event.kind.values if isinstance(event.kind, _KindFrom) else {"": event.kind}
        found: dict[str, Kind] = {}
        for text, said in table.items():
            if said not in set(Kind):
                self._faults.append(f"{place}: {said!r} is not a kind")
            elif Kind(said).feed not in {None, self._file.feed}:
                self._faults.append(f"{place}: {said!r} is not a kind of the {self._file.feed} feed")
            else:
                found[folded_cell(text)] = Kind(said)
        return found

    def _cell(self, text: str, name: str) -> Cell:
        """A plain column name, or a template with column names in braces."""
        if "{" not in text:
            return Cell((("", text),))
        try:
            return Cell(tuple((literal, column) for literal, column, _, _ in Formatter().parse(text)))
        except ValueError:
            self._faults.append(f"columns.{name}: the braces of the template do not match")
            return Cell((("", None),))

    def _field(self, name: str, cell: Cell, kinds: dict[str, Kind], place: str) -> FieldMapping | None:
        self._used.add(name)
        target = target_of(name, kinds.values())
        if target is None:
            known = ", ".join(sorted(set(kinds.values()))) or "this event"
            self._faults.append(f"{place}: {name!r} is not a field of {known}")
            return None
        table = self._file.values.get(name)
        if table is not None:
            self._check_values(name, table, target)
            table = {folded_cell(text): value for text, value in table.items()}
        return FieldMapping(target, cell, table)

    def _check_values(self, name: str, table: dict[str, str], target: Target) -> None:
        words = member(target.shape, is_enum)
        for text, value in table.items():
            if value == "" or (words is not None and value in {str(word.value) for word in words}):
                continue
            if words is not None:
                self._faults.append(
                    f"values.{name}: {text!r} leads to {value!r}, which is not one of the field's words"
                )
            elif target.category == "text":
                self._check_text_value(name, text, value, target)

    def _check_text_value(self, name: str, text: str, value: str, target: Target) -> None:
        try:
            msgspec.convert(value, target.shape, dec_hook=border_hook)
        except msgspec.ValidationError:
            self._faults.append(f"values.{name}: {text!r} leads to {value!r}, which the field cannot hold")

    def _check_required(self, given: set[str], kinds: dict[str, Kind], place: str) -> None:
        for required in _REQUIRED:
            if required not in given:
                self._faults.append(f"{place}: no column for {required}")
        people = {path for path in given if path.startswith("mentions[")}
        roles = {path for path in given if path == "role" or path.endswith("].role")}
        if people and not roles and any(natural_role(kind) is None for kind in kinds.values()):
            self._faults.append(f"{place}: no column for role, which crimes need")

    def _check_dates(self) -> None:
        for text in self._file.dates:
            parts = _FORMAT_PARTS.findall(text)
            if not parts or any(part not in _ALLOWED_PARTS for part in parts):
                self._faults.append(f"dates: {text!r} may only use %Y %m %b %B %d %H %I %p %M %S %f %z (years in full)")
            elif not {"Y", "d"} <= set(parts):
                self._faults.append(f"dates: {text!r} must tell day, month and year")


def _folded_conditions(conditions: dict[str, Condition]) -> dict[str, Condition]:
    return {
        column: wanted if isinstance(wanted, str) else [folded_cell(text) for text in wanted]
        for column, wanted in conditions.items()
    }


def mapping_fault(problem: str) -> Fault:
    """A table that does not fit its mapping, as a fault of the whole table."""
    return Fault("", RejectReason.MAPPING, problem)
