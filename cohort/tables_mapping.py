"""The mapping file of a table of people: which of its columns is which field of an identity (design.md section 7).

YAML, `{given_names: <column>, ..., extra: {<name>: <column>}}`; `extra.<name>: <column>` says the same. All faults of a
file are told at once. A table whose columns carry our own field names needs no mapping. docs/matching.md explains it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import yaml

from cohort.csv_columns import MEMBER_COLUMNS
from domain.errors import ConfigError


class Side(StrEnum):
    """Which of the two tables it is; a mapping for both says `member_id` for one and `event_id` for the other."""

    COHORT = "cohort"
    EVENTS = "events"


FIELDS = (
    "given_names", "family_name", "full_name", "aliases", "date_of_birth", "sex", "nhs_number", "pnc_id", "cro", "upn",
    "crn", "nominal_ids", "addresses", "postcodes", "phones", "emails",
)  # fmt: skip
"""What an identity may be told by."""
_ALSO = {
    "given_name": "given_names", "forename": "given_names", "forenames": "given_names", "first_name": "given_names",
    "surname": "family_name", "last_name": "family_name", "family_names": "family_name", "name": "full_name",
    "alias": "aliases", "dob": "date_of_birth", "dates_of_birth": "date_of_birth", "gender": "sex", "nhs": "nhs_number",
    "pnc": "pnc_id", "cro_number": "cro", "nominal_id": "nominal_ids", "address": "addresses", "postcode": "postcodes",
    "phone": "phones", "email": "emails",
}  # fmt: skip
"""Other words for the same fields: nobody should fail on a plural."""
_IDS = {Side.COHORT: ("member_id", "id", "event_id"), Side.EVENTS: ("event_id", "id", "member_id")}
_USUAL_IDS = ("id", "rec_id", "unique_id", "record_id", "uid", "person_id", "row_id", "")
"""Last, a column without a name: row names as pandas and R write them."""
_OF_THE_PROGRAMME = frozenset(MEMBER_COLUMNS) - {*FIELDS, "member_id"}
"""Fields of a cohort that say nothing about who somebody is: they may be mapped, and are not read."""
_DATE_PARTS = ("year", "month", "day")
_SETTINGS = ("extra", "blank", "split", "date_order")
_BLANK = ("", "NA", "N/A", "#N/A", "<NA>", "NULL", "null", "NaN", "nan", "None", "\\N")
_MOST_EXTRAS = 100
_LONGEST = 200
_MOST_BYTES = 1 << 20


class DateOrder(StrEnum):
    """How 03/04/2009 is read."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@dataclass(frozen=True, slots=True)
class TableMapping:
    """Columns by field, by extra and for the record's id; `births` are three columns of year, month and day.

    `blank` are cells that say nothing; `split` stands between several values of one cell.
    """

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    births: tuple[str, ...] = ()
    blank: frozenset[str] = frozenset(_BLANK)
    split: str = ";"
    date_order: DateOrder = DateOrder.DAY_FIRST

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, each once, the record's id apart."""
        named = [column for group in (self.fields, self.extra) for columns in group.values() for column in columns]
        return tuple(dict.fromkeys([*named, *self.births]))

    def fitted(self, there: Sequence[str]) -> "TableMapping":
        """The same mapping in a table's own spelling, where its columns differ in capitals only."""
        spelt: dict[str, str] = {}
        for column in there:
            spelt.setdefault(column.casefold(), column)
        known = set(there)

        def own(column: str) -> str:
            return column if column in known else spelt.get(column.casefold(), column)

        return replace(
            self,
            fields={name: tuple(map(own, columns)) for name, columns in self.fields.items()},
            extra={name: tuple(map(own, columns)) for name, columns in self.extra.items()},
            ids={name: own(column) for name, column in self.ids.items()},
            births=tuple(map(own, self.births)),
        )

    def id_column(self, side: Side, there: Sequence[str]) -> str | None:
        """The column of the record's id; None where the table has none, then its row number is the id."""
        wanted = [self.ids[name] for name in _IDS[side] if name in self.ids]
        return next((column for column in (*wanted, _IDS[side][0], *_USUAL_IDS) if column in there), None)


def load_mapping(text: str) -> TableMapping:
    """The mapping in a YAML text. Raises ConfigError with all its faults, in words and without values of any table."""
    if len(text) > _MOST_BYTES:
        raise ConfigError("The mapping file is larger than a mapping can be.")
    try:
        raw = yaml.load(text, Loader=_Texts)  # noqa: S506 (a loader of texts only: it builds no objects)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(f"The mapping file is not YAML{f' (line {mark.line + 1})' if mark else ''}.") from None
    if not isinstance(raw, dict) or not raw:
        raise ConfigError("The mapping file must hold lines such as 'given_names: <column>'.")
    return _Reading(raw).mapping()


class _Texts(yaml.SafeLoader):
    """Every scalar is text: a column named No or 1 is called that."""


_Texts.yaml_implicit_resolvers = {}


class _Reading:
    """One mapping file while it is read: collects what is wrong."""

    def __init__(self, raw: Mapping[object, object]) -> None:
        self._raw = {str(key).strip(): value for key, value in raw.items()}
        self._faults: list[str] = []

    def mapping(self) -> TableMapping:
        fields: dict[str, tuple[str, ...]] = {}
        extra: dict[str, tuple[str, ...]] = {}
        ids: dict[str, str] = {}
        births: tuple[str, ...] = ()
        for key, value in self._raw.items():
            name = _ALSO.get(key, key)
            if key in _SETTINGS or key in _OF_THE_PROGRAMME:
                continue
            if key in _IDS[Side.COHORT]:
                ids[key] = (self._columns(key, value) or ("",))[0]
            elif name == "date_of_birth" and isinstance(value, dict):
                births = self._date_parts(value)
            elif name in FIELDS:
                if name in fields:
                    self._faults.append(f"{_told(name)} is said twice")
                fields[name] = self._columns(key, value)
            elif key.startswith("extra."):
                self._add_extra(extra, key.removeprefix("extra."), value)
            else:
                self._faults.append(f"{_told(key)} is no field; there are {', '.join(FIELDS)}, extra.<name>, id")
        for name, value in self._extras():
            self._add_extra(extra, name, value)
        settings = self._settings()
        if not fields and not extra and not births:
            self._faults.append("no field of a person is mapped")
        if self._faults:
            raise ConfigError("The mapping file cannot be used: " + "; ".join(dict.fromkeys(self._faults)) + ".")
        return TableMapping(fields, extra, ids, births, **settings)

    def _columns(self, key: str, value: object) -> tuple[str, ...]:
        listed = value if isinstance(value, list) else [value]
        names = [each.strip() for each in listed if isinstance(each, str) and each.strip()]
        if len(names) != len(listed) or not names or any(len(name) > _LONGEST for name in names):
            self._faults.append(f"{_told(key)} needs the name of a column, or a list of names")
        return tuple(names)

    def _date_parts(self, value: Mapping[object, object]) -> tuple[str, ...]:
        if sorted(map(str, value)) != sorted(_DATE_PARTS):
            self._faults.append("date_of_birth in parts needs year, month and day")
            return ()
        return tuple((self._columns(f"date_of_birth.{part}", value[part]) or ("",))[0] for part in _DATE_PARTS)

    def _extras(self) -> Iterable[tuple[str, object]]:
        said = self._raw.get("extra") or {}
        if isinstance(said, list) and all(isinstance(each, str) for each in said):
            return [(each, each) for each in said]
        if not isinstance(said, dict):
            self._faults.append("extra needs lines of '<name>: <column>'")
            return []
        return [(str(name), column) for name, column in said.items()]

    def _add_extra(self, extra: dict[str, tuple[str, ...]], name: str, value: object) -> None:
        name = name.strip()
        if not name or len(name) > _LONGEST:
            self._faults.append("an extra needs a name of at most 200 letters")
        elif name in extra:
            self._faults.append(f"{_told(f'extra.{name}')} is said twice")
        elif len(extra) >= _MOST_EXTRAS:
            self._faults.append(f"there are more than {_MOST_EXTRAS} extras")
        else:
            extra[name] = self._columns(f"extra.{name}", value)

    def _settings(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "blank" in self._raw:
            said = self._raw["blank"]
            if isinstance(said, list) and all(isinstance(each, str) for each in said):
                found["blank"] = frozenset({"", *said})
            else:
                self._faults.append("blank needs a list of cells that say nothing")
        if "split" in self._raw:
            found["split"] = self._raw["split"]
            if not isinstance(found["split"], str) or len(found["split"]) > 1:
                self._faults.append("split needs one character, or '' where a cell holds one value only")
        if "date_order" in self._raw:
            said = self._raw["date_order"]
            if isinstance(said, str) and said in set(DateOrder):
                found["date_order"] = DateOrder(said)
            else:
                self._faults.append(f"date_order is none of {', '.join(DateOrder)}")
        return found


def _told(name: str) -> str:
    """A key of the mapping file as it may be told: what does not look like a name is not repeated."""
    return f"'{name}'" if name.replace("_", "").replace(".", "").isalnum() and len(name) <= _LONGEST else "a key"


def own_names(columns: Sequence[str]) -> TableMapping:
    """The mapping of a table without one: columns that carry our field names, and `extra.<name>`; the rest is left."""
    fields: dict[str, tuple[str, ...]] = {}
    extra: dict[str, tuple[str, ...]] = {}
    for column in columns:
        name = _ALSO.get(column, column)
        if name in FIELDS and name not in fields:
            fields[name] = (column,)
        elif column.startswith("extra.") and len(extra) < _MOST_EXTRAS:
            extra[column.removeprefix("extra.")] = (column,)
    if not fields and not extra:
        raise ConfigError(
            "None of the table's columns carries a field name of ours: say with --mapping which column is what."
        )
    return TableMapping(fields, extra)
