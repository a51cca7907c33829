"""From the cells of one row to an identity. Nothing a table says is thrown away because it is not in the UK's form.

A date that is none, a sex in other words: kept as plain text, under the field's name in `Identity.extra`, where it is
compared as text. Postcodes, phones and identifiers of any form stay where they are; `prepare` judges their form.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from cohort.csv_columns import SEX_WORDS, alias_of
from cohort.tables_files import Value
from cohort.tables_mapping import DateOrder, TableMapping
from domain.identity import DateOfBirth, Identifier, Identity, Name, Scheme, Sex, never_compared

_SCHEMES = {"nhs_number": Scheme.NHS, "pnc_id": Scheme.PNC, "cro": Scheme.CRO, "upn": Scheme.UPN, "crn": Scheme.CRN}
_MOST_VALUES = 50
_LONGEST = 500
"""Letters of one value that are compared; a longer one is no name, address or number."""


class RowReader:
    """Reads rows by one mapping. With `as_written`, every mapped column is also kept under its own name, untouched."""

    def __init__(self, mapping: TableMapping, *, as_written: bool = False, also: Iterable[str] = ()) -> None:
        self._mapping = mapping
        raw = dict.fromkeys([*(mapping.columns if as_written else ()), *also])
        self._raw = tuple(column for column in raw if not never_compared(column))
        self._extra = {name: columns for name, columns in mapping.extra.items() if not _forbidden(name, columns)}
        self._month_first = mapping.date_order is DateOrder.MONTH_FIRST

    def identity(self, row: Mapping[str, Value]) -> Identity:
        """Who the row says that somebody is; cells that say nothing leave their field empty."""
        extra: dict[str, tuple[str, ...]] = {}
        births, texts = self._births(row)
        if texts:
            extra["date_of_birth"] = texts
        sex, word = self._sex(row)
        if word:
            extra["sex"] = (word,)
        for name, columns in self._extra.items():
            values = self._values(row, columns)
            if values:
                extra[name] = values
        for column in self._raw:
            written = self._written(row, column)
            if written:
                extra[column] = written
        many = self._many
        return Identity(
            names=self._names(row),
            dates_of_birth=births,
            sex=sex,
            identifiers=self._identifiers(row),
            postcodes=many(row, "postcodes"),
            addresses=self._addresses(row),
            phones=many(row, "phones"),
            emails=many(row, "emails"),
            extra=tuple(sorted(extra.items())),
        )

    def _written(self, row: Mapping[str, Value], column: str) -> tuple[str, ...]:
        cell = row.get(column, "")
        cells = (cell,) if isinstance(cell, str) else cell
        return tuple(text[:_LONGEST] for text in cells[:_MOST_VALUES] if text not in self._mapping.blank)

    def _values(self, row: Mapping[str, Value], columns: Iterable[str]) -> tuple[str, ...]:
        """The values of some columns, in order, cells split, blank ones left out."""
        blank, split = self._mapping.blank, self._mapping.split
        found: list[str] = []
        for column in columns:
            cell = row.get(column, "")
            for text in (cell,) if isinstance(cell, str) else cell:
                parts = text.split(split) if split and split in text else (text,)
                found += [part.strip()[:_LONGEST] for part in parts if part.strip() not in blank]
        return tuple(found[:_MOST_VALUES])

    def _many(self, row: Mapping[str, Value], field: str) -> tuple[str, ...]:
        return self._values(row, self._mapping.fields.get(field, ()))

    def _one(self, row: Mapping[str, Value], field: str) -> str:
        """Several columns or values of a field that has one value are one text."""
        return " ".join(self._many(row, field))

    def _names(self, row: Mapping[str, Value]) -> tuple[Name, ...]:
        given, family = self._many(row, "given_names"), self._one(row, "family_name")
        usual = [Name(given, family)] if given or family else []
        whole = [_name_of_text(text) for text in self._many(row, "full_name")]
        return (*usual, *whole, *map(alias_of, self._many(row, "aliases")))

    def _addresses(self, row: Mapping[str, Value]) -> tuple[str, ...]:
        """Several columns are the lines of one address; several values of one cell are several addresses."""
        columns = self._mapping.fields.get("addresses", ())
        if len(columns) < 2:
            return self._values(row, columns)
        lines = [" ".join(self._values(row, (column,))) for column in columns]
        return (", ".join(line for line in lines if line),) if any(lines) else ()

    def _identifiers(self, row: Mapping[str, Value]) -> tuple[Identifier, ...]:
        found = [Identifier(scheme, value) for name, scheme in _SCHEMES.items() for value in self._many(row, name)]
        for text in self._many(row, "nominal_ids"):
            system, colon, value = text.partition(":")
            found.append(Identifier(Scheme.NOMINAL, *((value.strip(), system.strip()) if colon else (text, ""))))
        return tuple(found)

    def _births(self, row: Mapping[str, Value]) -> tuple[tuple[DateOfBirth, ...], tuple[str, ...]]:
        texts = self._many(row, "date_of_birth")
        if self._mapping.births:
            parts = [" ".join(self._values(row, (column,))) for column in self._mapping.births]
            texts = (*texts, "-".join(part.zfill(2) for part in parts)) if all(parts) else texts
        days, plain = [], []
        for text in texts:
            day = day_of(text, month_first=self._month_first)
            if day is None:
                plain.append(text)
            else:
                days.append(DateOfBirth(day))
        return tuple(days), tuple(plain)

    def _sex(self, row: Mapping[str, Value]) -> tuple[Sex, str]:
        text = self._one(row, "sex")
        found = SEX_WORDS.get(text.lower())
        return (found, "") if found is not None else (Sex.UNKNOWN, text)


def left_out(mapping: TableMapping) -> bool:
    """Whether the mapping names what is never compared, whatever it is mapped for."""
    return any(_forbidden(name, columns) for name, columns in mapping.extra.items())


def _forbidden(name: str, columns: Iterable[str]) -> bool:
    return any(map(never_compared, (name, *columns)))


def day_of(text: str, *, month_first: bool = False) -> date | None:
    """A day written as ISO (a time behind it is left out), yyyymmdd or dd/mm/yyyy; None for anything else.

    `month_first` reads 03/04/2009 as the fourth of March.
    """
    if len(text) > 10 and text[10] in "T ":
        text = text[:10]
    if len(text) == 8 and text.isascii() and text.isdigit():
        return _day(text[:4], text[4:6], text[6:])
    for mark in "-/.":
        parts = text.split(mark)
        if len(parts) == 3:
            if len(parts[0]) == 4:
                return _day(*parts)
            first, second, year = parts
            return (_day(year, first, second) if month_first else _day(year, second, first)) if len(year) == 4 else None
    return None


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day)) if (year + month + day).isdigit() else None
    except ValueError:
        return None


def _name_of_text(text: str) -> Name:
    """A name in one text: family name before a comma, else the last of several words; one word is a given name."""
    if "," in text:
        family, _, given = text.partition(",")
        return Name(tuple(given.split()), family.strip())
    words = text.split()
    return Name(tuple(words[:-1] or words), words[-1] if len(words) > 1 else "")
