"""The columns of the archive's files, and the rows that records make. docs/backtest.md tells them to people.

Times are UTC without a zone, so that any tool reads them alike. `entry`, `extra`, `facts` and `firings` are JSON as
our codec writes it; the columns beside them repeat what an analyst asks for.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from domain.identity import DateOfBirth, DobQuality
from streams.archive import AlertOutcome, Archived, Facts
from triggers.history import HistoryEntry

DECISION_COLUMNS: dict[str, str] = {
    "record_id": "VARCHAR",
    "member_id": "VARCHAR",
    "seq": "BIGINT",
    "decided_at": "TIMESTAMP",
    "disposition": "VARCHAR",
    "rules": "VARCHAR",
    "event_id": "VARCHAR",
    "kind": "VARCHAR",
    "feed": "VARCHAR",
    "source_system": "VARCHAR",
    "occurrence": "VARCHAR",
    "occurred_at": "TIMESTAMP",
    "received_at": "TIMESTAMP",
    "subject": "VARCHAR",
    "relation": "VARCHAR",
    "role": "VARCHAR",
    "status": "VARCHAR",
    "programme": "VARCHAR",
    "area": "VARCHAR",
    "navigator_id": "VARCHAR",
    "date_of_birth": "DATE",
    "ruling": "VARCHAR",
    "found": "BOOLEAN",
    "firings": "VARCHAR",
    "facts": "VARCHAR",
    "entry": "VARCHAR",
    "extra": "VARCHAR",
}
ALERT_COLUMNS: dict[str, str] = {
    "alert_id": "VARCHAR",
    "version": "BIGINT",
    "reference": "VARCHAR",
    "member_id": "VARCHAR",
    "navigator_id": "VARCHAR",
    "area": "VARCHAR",
    "priority": "VARCHAR",
    "state": "VARCHAR",
    "outcome": "VARCHAR",
    "rules": "VARCHAR[]",
    "firings": "VARCHAR[]",
    "raised_at": "TIMESTAMP",
    "contact_by": "TIMESTAMP",
    "updated_at": "TIMESTAMP",
    "notified_at": "TIMESTAMP",
    "accepted_at": "TIMESTAMP",
    "contacted_at": "TIMESTAMP",
    "closed_at": "TIMESTAMP",
}


def decision_row(record: Archived) -> dict[str, object]:
    """The row of a decision."""
    entry, facts = record.entry, record.facts
    row: dict[str, object] = {
        "record_id": record.record_id,
        "member_id": record.member_id,
        "seq": record.order,
        "decided_at": _time(record.decided_at),
        "disposition": record.disposition,
        "rules": record.rules,
        "status": facts.status.value,
        "programme": facts.programme,
        "area": facts.area,
        "navigator_id": facts.navigator_id,
        "date_of_birth": born(facts.dates_of_birth),
        "ruling": record.ruling,
        "found": record.found,
        "firings": _json(record.firings),
        "facts": _json(_short(facts)),
        "entry": None,
        "extra": _json([short_entry(each) for each in record.extra]),
    }
    return row | (_entry_cells(entry) if entry else {})


def _entry_cells(entry: HistoryEntry) -> dict[str, object]:
    return {
        "event_id": entry.event_id,
        "kind": entry.kind.value,
        "feed": entry.feed.value,
        "source_system": entry.source_system,
        "occurrence": entry.occurrence,
        "occurred_at": _time(entry.occurred_at),
        "received_at": _time(entry.received_at),
        "subject": entry.subject,
        "relation": entry.relation.value,
        "role": entry.role.value if entry.role else None,
        "entry": _json(short_entry(entry)),
    }


def alert_row(alert: AlertOutcome) -> dict[str, object]:
    """The row of an alert."""
    cells = {name: getattr(alert, name) for name in ALERT_COLUMNS}
    return {name: _time(cell) if isinstance(cell, datetime) else cell for name, cell in cells.items()}


def born(dates: Iterable[DateOfBirth]) -> date | None:
    """The date of birth that age is reckoned by (triggers.standing): a stated one before others, then the earliest."""
    known = [dob for dob in dates if dob.quality is not DobQuality.DEFAULT]
    return min(known, key=lambda dob: (dob.quality is not DobQuality.STATED, dob.value)).value if known else None


def short_entry(entry: HistoryEntry) -> dict[str, Any]:
    """An entry as JSON values, without what its attributes and place leave unsaid."""
    said: dict[str, Any] = msgspec.to_builtins(entry)
    said["attributes"] = {name: value for name, value in said["attributes"].items() if value not in (None, [], "")}
    if said["place"] is not None:
        said["place"] = {name: value for name, value in said["place"].items() if value is not None}
    return said


def _short(facts: Facts) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(facts)
    return {name: value for name, value in said.items() if value not in (None, "")}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()
