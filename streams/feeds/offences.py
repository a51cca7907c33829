"""Home Office offence codes: many spellings, one group code (domain.md 2.2). The table is data in data/offences.yaml.

An unknown code is kept as sent, cleaned of blanks: it reaches the history and the reader, and meets no rule.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

_SHIPPED = Path(__file__).parent / "data" / "offences.yaml"
_PLAIN = re.compile(r"^0*(\d{1,3}[A-Z]?|\d{1,3}\.\d{1,2})$")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_CLASS_AND_SUBCLASS = re.compile(r"^0*(\d{1,3})/0*(\d{1,2})$")


@dataclass(frozen=True, slots=True)
class OffenceTable:
    """The codes in force from `starts` on. `groups` holds the group names of each code, `told_alone` names the groups
    that may stand in the place of a code."""

    starts: date
    groups: dict[str, frozenset[str]]
    subclasses: dict[str, str]
    superseded: dict[str, str]
    told_alone: frozenset[str]

    def code_of(self, raw: str) -> str:
        """The group code that `raw` spells; else `raw` in capitals without blanks."""
        cleaned = "".join(raw.split()).upper()
        if plain := _PLAIN.match(cleaned):
            code = plain[1]
            return self.superseded.get(code, code)
        if parts := _CLASS_AND_SUBCLASS.match(cleaned):
            return self._of_subclass(parts[1], parts[2]) or cleaned
        return cleaned

    def _of_subclass(self, offence_class: str, subclass: str) -> str | None:
        if (dotted := f"{offence_class}.{subclass}") in self.groups:
            return dotted
        if (listed := self.subclasses.get(f"{offence_class}/{subclass}")) is not None:
            return listed
        return offence_class if offence_class in self.groups else None


@lru_cache(maxsize=1)
def offence_tables() -> tuple[OffenceTable, ...]:
    """The shipped tables, newest first; read once."""
    document = yaml.safe_load(_SHIPPED.read_text(encoding="utf-8"))
    tables = [_table(entry) for entry in document["tables"]]
    return tuple(sorted(tables, key=lambda table: table.starts, reverse=True))


@lru_cache(maxsize=8192)
def normalise_offence(raw: str, on: date) -> str:
    """The group code for `raw` on the day of the occurrence; an unknown code comes back cleaned, never refused."""
    return _in_force(on).code_of(raw)


def code_for_group(told: str, on: date) -> str | None:
    """What stands in the place of a code where a crime is told by its group alone ('Homicide'): the group's name in
    capitals; None for a group that leaves open what rules ask for, and for no group at all."""
    name = _NOT_WORD.sub("_", told.lower()).strip("_")
    return name.upper() if name in _in_force(on).told_alone else None


def groups_of(code: str, on: date | None = None) -> frozenset[str]:
    """The group names (homicide, weapons ...) of a normalised code, by default in the newest table; may be empty."""
    table = offence_tables()[0] if on is None else _in_force(on)
    return table.groups.get(code, frozenset())


def _in_force(on: date) -> OffenceTable:
    tables = offence_tables()
    return next((table for table in tables if table.starts <= on), tables[-1])


def _table(entry: dict[str, Any]) -> OffenceTable:
    groups: dict[str, frozenset[str]] = {}
    for group, codes in entry["groups"].items():
        for code in codes:
            groups[code] = groups.get(code, frozenset()) | {group}
    return OffenceTable(
        starts=entry["from"],
        groups=groups,
        subclasses=entry["subclasses"],
        superseded=entry["superseded"],
        told_alone=frozenset(entry["told_alone"]),
    )
