"""Cohort and navigator files in and out: NDJSON of the domain values, or CSV with the columns of `csv_columns.py`.

All faults of a file are told at once, with line, column and what is wrong in plain words, never with the value itself;
a file with a fault gives no records at all. Check digits, impossible dates and doubled ids are faults; a navigator or
associate that nobody knows is a warning.
"""

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, BinaryIO, Generic, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from cohort.csv_columns import MEMBER_COLUMNS, NAVIGATOR_COLUMNS, Columns, Fault, member_table, navigator_table
from cohort.identifiers import canonical
from cohort.normalise import phone, postcode
from domain.identity import never_compared
from domain.ids import MemberId, NavigatorId
from domain.people import CohortMember, Navigator, WatchAuthority

Value = TypeVar("Value", CohortMember, Navigator)
_EARLIEST_BIRTH = date(1900, 1, 1)


class FileFormat(StrEnum):
    """What a cohort or navigator file is written in."""

    CSV = "csv"
    NDJSON = "ndjson"


@dataclass(frozen=True, slots=True)
class Imported(Generic[Value]):
    """What a file holds. `records` is empty if there is any fault; warnings do not stop an import."""

    records: tuple[Value, ...]
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()


_Parsed = tuple[list[tuple[int, Value]], list[Fault]]


def read_members(
    stream: BinaryIO, file_format: FileFormat, *, navigators: Collection[NavigatorId] | None = None
) -> Imported[CohortMember]:
    """The watched people in a file. `navigators`, where given, are the known ids; others are warned of."""
    parsed, faults = _read(stream, file_format, CohortMember, member_table)
    columns = MEMBER_COLUMNS if file_format is FileFormat.CSV else _MEMBER_PATHS
    warnings: list[Fault] = []
    for line, member in parsed:
        faults += _member_faults(line, member, columns)
        warnings += _member_warnings(line, member, columns)
    faults += _doubled([(line, member.member_id) for line, member in parsed], columns["member_id"])
    known = {member.member_id for _, member in parsed}
    warnings += _unknown_associates(parsed, known, columns)
    if navigators is not None:
        warnings += _unknown_navigators(parsed, navigators, columns)
    return _imported(parsed, faults, warnings)


def read_navigators(stream: BinaryIO, file_format: FileFormat) -> Imported[Navigator]:
    """The navigators in a file. A phone that cannot be one is a fault: an alert would go nowhere."""
    parsed, faults = _read(stream, file_format, Navigator, navigator_table)
    columns = NAVIGATOR_COLUMNS
    known = {navigator.navigator_id for _, navigator in parsed}
    warnings = []
    for line, navigator in parsed:
        if not navigator.navigator_id.strip():
            faults.append(Fault(line, columns["navigator_id"], "is empty"))
        if navigator.phone and phone(navigator.phone) is None:
            faults.append(Fault(line, columns["phone"], "is not a phone number"))
        if navigator.email and "@" not in navigator.email:
            faults.append(Fault(line, columns["email"], "is not an e-mail address"))
        if navigator.cover_id is not None and navigator.cover_id not in known:
            warnings.append(Fault(line, columns["cover_id"], "names a navigator who is not in this file"))
    faults += _doubled([(line, navigator.navigator_id) for line, navigator in parsed], columns["navigator_id"])
    tidy = [(line, dataclasses.replace(nav, phone=phone(nav.phone) or nav.phone)) for line, nav in parsed]
    return _imported(tidy, faults, warnings)


def write_members(members: Sequence[CohortMember], stream: BinaryIO, file_format: FileFormat) -> None:
    """Write the format that `read_members` reads. NDJSON keeps everything, CSV what its columns hold."""
    _write(members, stream, file_format, CohortMember, member_table)


def write_navigators(navigators: Sequence[Navigator], stream: BinaryIO, file_format: FileFormat) -> None:
    """Write the format that `read_navigators` reads."""
    _write(navigators, stream, file_format, Navigator, navigator_table)


def _imported(parsed: list[tuple[int, Value]], faults: list[Fault], warnings: list[Fault]) -> Imported[Value]:
    records = () if faults else tuple(value for _, value in parsed)
    return Imported(records, tuple(sorted(faults)), tuple(sorted(warnings)))


def _read(
    stream: BinaryIO, file_format: FileFormat, kind: type[Value], table: Callable[[], Columns[Value]]
) -> _Parsed[Value]:
    try:
        text = stream.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return [], [Fault(line, "", "is not UTF-8 text")]
    return _read_csv(text, table()) if file_format is FileFormat.CSV else _read_ndjson(text, kind)


def _read_csv(text: str, columns: Columns[Value]) -> _Parsed[Value]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    parsed: list[tuple[int, Value]] = []
    faults: list[Fault] = []
    try:
        faults += columns.header_faults(reader.fieldnames or ())
        for row in () if faults else reader:
            value, row_faults = columns.read(reader.line_num, row)
            faults += row_faults
            if value is not None:
                parsed.append((reader.line_num, value))
    except csv.Error:
        faults.append(Fault(reader.line_num, "", "is not a CSV line: a quotation mark is missing or misplaced"))
    return parsed, faults


def _read_ndjson(text: str, kind: type[Value]) -> _Parsed[Value]:
    parsed: list[tuple[int, Value]] = []
    faults: list[Fault] = []
    for line, raw in enumerate(text.split("\n"), start=1):
        if not raw.strip():
            continue
        value, line_faults = _from_json(line, raw, kind)
        faults += line_faults
        if value is not None:
            parsed.append((line, value))
    return parsed, faults


@lru_cache(maxsize=1)
def _adapters() -> Mapping[Any, TypeAdapter[Any]]:
    return {kind: TypeAdapter(kind) for kind in (CohortMember, Navigator)}


def _from_json(line: int, raw: str, kind: type[Value]) -> tuple[Value | None, list[Fault]]:
    value: Value | None = None
    faults = []
    try:
        value = _adapters()[kind].validate_json(_pairs_of_extra(raw), strict=True)
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False, include_context=False):
            path = ".".join(map(str, fault["loc"]))
            if fault["type"] == "json_invalid":
                return None, [Fault(line, path, "is not JSON")]
            faults.append(Fault(line, path, _plain(fault["type"], fault["msg"])))
    faults += [Fault(line, path, "is not a field of the format") for path in _unknown_fields(json.loads(raw), kind, "")]
    return (None if faults else value), faults


def _pairs_of_extra(raw: str) -> str:
    """`extra` may be written as `{name: value or [values]}` too, as a feed sends it; the domain has sorted pairs."""
    if '"extra"' not in raw:
        return raw
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    identity = record.get("identity") if isinstance(record, dict) else None
    if not isinstance(identity, dict) or not isinstance(said := identity.get("extra"), dict):
        return raw
    identity["extra"] = [[name, [value] if isinstance(value, str) else value] for name, value in sorted(said.items())]
    return json.dumps(record)


_PLAIN_WORDS = {"missing": "is missing", "date_type": "is not a date", "date_from_datetime_parsing": "is not a date"}


def _plain(kind: str, message: str) -> str:
    """pydantic's words, which for these types hold what is expected and never what was given."""
    if kind.startswith("date"):
        return "is not a date (YYYY-MM-DD)"
    if kind in ("enum", "string_type", "bool_type", "tuple_type", "dataclass_type"):
        return message[:1].lower() + message[1:].replace("input should be", "should be")
    return _PLAIN_WORDS.get(kind, "cannot be read")


def _unknown_fields(raw: object, kind: object, path: str) -> Iterator[str]:
    """Paths of JSON keys that the domain value does not have; a misspelt key must not be lost in silence."""
    if isinstance(raw, list):
        inner = next((arg for arg in get_args(kind) if arg is not Ellipsis), None)
        for number, item in enumerate(raw):
            yield from _unknown_fields(item, inner, f"{path}{number}.")
    elif isinstance(raw, dict) and isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        for key, item in raw.items():
            if key not in hints:
                yield path + (key if key.isidentifier() else "a key")
            else:
                yield from _unknown_fields(item, hints[key], f"{path}{key}.")


@lru_cache(maxsize=16)
def _hints(kind: type[Any]) -> Mapping[str, Any]:
    return get_type_hints(kind)


_MEMBER_PATHS = {
    **{name: name for name in MEMBER_COLUMNS},
    "nhs_number": "identity.identifiers",
    "pnc_id": "identity.identifiers",
    "cro": "identity.identifiers",
    "date_of_birth": "identity.dates_of_birth",
    "postcodes": "identity.postcodes",
    "phones": "identity.phones",
    "starts": "watch.starts",
    "ends": "watch.ends",
    "review_on": "watch.review_on",
}
_IDENTIFIER_COLUMNS = {"nhs": "nhs_number", "pnc": "pnc_id", "cro": "cro", "nominal": "nominal_ids"}


def _member_faults(line: int, member: CohortMember, columns: Mapping[str, str]) -> list[Fault]:
    faults = []
    if not member.member_id.strip():
        faults.append(Fault(line, columns["member_id"], "is empty"))
    for identifier in member.identity.identifiers:
        if canonical(identifier.scheme, identifier.value) is None:
            column = columns.get(_IDENTIFIER_COLUMNS.get(identifier.scheme.value, ""), "identity.identifiers")
            problem = f"is not a valid {identifier.scheme.value.upper()} number: its form or check digit is wrong"
            faults.append(Fault(line, column, problem))
    if any(never_compared(name) for name, _ in member.identity.extra):
        faults.append(Fault(line, "identity.extra", "names what is never taken: ethnicity, religion, immigration"))
    if any(born.value < _EARLIEST_BIRTH for born in member.identity.dates_of_birth):
        faults.append(Fault(line, columns["date_of_birth"], "is before 1900"))
    if member.watch.starts and any(born.value > member.watch.starts for born in member.identity.dates_of_birth):
        faults.append(Fault(line, columns["date_of_birth"], "is after the watch starts"))
    return faults + _watch_faults(line, member.watch, columns)


def _watch_faults(line: int, watch: WatchAuthority, columns: Mapping[str, str]) -> list[Fault]:
    if watch.starts is None:
        return []
    later = (("ends", watch.ends), ("review_on", watch.review_on))
    return [
        Fault(line, columns[name], "is before the watch starts")
        for name, day in later
        if day is not None and day < watch.starts
    ]


def _member_warnings(line: int, member: CohortMember, columns: Mapping[str, str]) -> list[Fault]:
    identity = member.identity
    warnings = []
    if any(postcode(code) is None for code in identity.postcodes):
        warnings.append(Fault(line, columns["postcodes"], "holds one that is no UK postcode; it will not be compared"))
    if any(phone(number) is None for number in identity.phones):
        warnings.append(Fault(line, columns["phones"], "holds one that is no phone number; it will not be compared"))
    if not identity.names and not identity.identifiers:
        warnings.append(Fault(line, "", "has neither name nor identifier; nothing will be recognised"))
    return warnings


def _doubled(ids: list[tuple[int, str]], column: str) -> list[Fault]:
    first: dict[str, int] = {}
    return [
        Fault(line, column, f"is the same as on line {first[name]}")
        for line, name in ids
        if first.setdefault(name, line) != line
    ]


def _unknown_associates(
    parsed: list[tuple[int, CohortMember]], known: Collection[MemberId], columns: Mapping[str, str]
) -> list[Fault]:
    return [
        Fault(line, columns["associates"], "names somebody who is not in this file")
        for line, member in parsed
        if any(associate not in known for associate in member.associates)
    ]


def _unknown_navigators(
    parsed: list[tuple[int, CohortMember]], navigators: Collection[NavigatorId], columns: Mapping[str, str]
) -> list[Fault]:
    return [
        Fault(line, columns[name], "names a navigator who is not known")
        for line, member in parsed
        for name, navigator in (("navigator_id", member.navigator_id), ("cover_id", member.cover_id))
        if navigator is not None and navigator not in navigators
    ]


def _write(
    values: Sequence[Value],
    stream: BinaryIO,
    file_format: FileFormat,
    kind: type[Value],
    table: Callable[[], Columns[Value]],
) -> None:
    if file_format is FileFormat.NDJSON:
        adapter = _adapters()[kind]
        for value in values:
            stream.write(adapter.dump_json(value) + b"\n")
        return
    stream.write(_as_csv(values, table()).encode())


def _as_csv(values: Sequence[Value], columns: Columns[Value]) -> str:
    """Every row with the columns of the format, then those of its own that any row has."""
    rows = [columns.write(value) for value in values]
    free: set[str] = {name for row in rows for name in row} - set(columns.names)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*columns.names, *sorted(free)], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
