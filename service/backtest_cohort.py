"""The groups of the people in a cohort file, for rates by group: sex and ethnicity only where the file has them.

Ethnicity is read here and nowhere else, to count by it; no rule and no matching ever sees it (domain.md 5.4, 7.3).
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from domain.clock import LONDON
from domain.errors import ConfigError
from domain.ids import MemberId
from service.backtest_tally import band_at

_UNKNOWN = "unknown"
_PLAIN = {"area": "area", "status": "status", "sex": "sex", "gender": "sex"}
_ETHNICITY = frozenset({"ethnicity", "ethnic_group", "ethnic"})


def groups_from(file: Path, on: datetime) -> Mapping[MemberId, Mapping[str, str]]:
    """The groups of each member by kind, on a day. Raises ConfigError where the file cannot be read."""
    try:
        return {
            MemberId(str(row["member_id"])): _groups(row, on.astimezone(LONDON).date())
            for row in _rows(file)
            if row.get("member_id")
        }
    except (OSError, ValueError, csv.Error):
        raise ConfigError("The cohort file cannot be read as CSV with a header or as NDJSON.") from None


def without_groups(file: Path) -> BinaryIO:
    """The cohort file without what only rates are told by: the people that rules judge have no ethnicity.

    Lines keep their numbers, for faults name them; what cannot be read so far is left to whoever reads it next.
    """
    body = file.read_bytes()
    try:
        text = body.decode("utf-8-sig")
        kept = _table_without(text) if file.suffix.lower() == ".csv" else _lines_without(text)
    except (ValueError, csv.Error):
        return io.BytesIO(body)
    return io.BytesIO(kept.encode())


def _table_without(text: str) -> str:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(rows, [])
    kept = [place for place, name in enumerate(header) if not _is_ethnicity(name)]
    if len(kept) == len(header):
        return text
    made = io.StringIO(newline="")
    writer = csv.writer(made, lineterminator="\n")
    for row in (header, *rows):
        told = [row[place] for place in kept if place < len(row)] + row[len(header) :]  # too long stays too long
        made.write("\n" * (sum(cell.count("\n") for cell in row) - sum(cell.count("\n") for cell in told)))
        writer.writerow(told)
    return made.getvalue()


def _lines_without(text: str) -> str:
    return "\n".join(_line_without(line) for line in text.split("\n"))


def _line_without(line: str) -> str:
    try:
        said = json.loads(line)
    except ValueError:
        return line
    if not isinstance(said, dict) or not any(map(_is_ethnicity, said)):
        return line
    return json.dumps({name: value for name, value in said.items() if not _is_ethnicity(name)})


def _is_ethnicity(name: object) -> bool:
    return str(name).strip().lower() in _ETHNICITY


def _rows(file: Path) -> Iterator[Mapping[str, Any]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        if file.suffix.lower() == ".csv":
            yield from csv.DictReader(stream)
            return
        for line in stream:
            if line.strip():
                yield json.loads(line)


def _groups(row: Mapping[str, Any], on: date) -> dict[str, str]:
    identity = row.get("identity") or {}
    found = {"age band": band_at(_born(row, identity), on), "area": _UNKNOWN, "status": _UNKNOWN}
    for name, kind in _PLAIN.items():
        value = row.get(name) or identity.get(name)
        if value:
            found[kind] = str(value).strip().lower() if kind == "sex" else str(value).strip()
    for name, value in row.items():
        if _is_ethnicity(name) and value:
            found["ethnicity"] = str(value).strip()
    return found


def _born(row: Mapping[str, Any], identity: Mapping[str, Any]) -> date | None:
    told: Any = row.get("date_of_birth") or row.get("dates_of_birth") or identity.get("dates_of_birth")
    first = told[0] if isinstance(told, list) and told else told
    text = first.get("value") if isinstance(first, dict) else first
    try:
        return date.fromisoformat(str(text).split(";")[0].strip())
    except ValueError:
        return None
