"""Records as a sender would write them, for these tests: reserved identities only (domain.md sections 4 and 12)."""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from domain.events import Event
from domain.kinds import Feed, Kind, natural_role
from streams.feeds.envelope import parse_record
from streams.feeds.outcome import Rejected
from streams.feeds.record_policy import RecordPolicy

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

PERSON = {
    "names": [{"given": ["Ari", "Ben"], "family": "Testone"}, {"given": ["Ace"], "kind": "street"}],
    "dates_of_birth": [{"value": "2009-02-04", "quality": "estimated"}],
    "sex": "male",
    "identifiers": [
        {"scheme": "nhs", "value": "9990000018", "verified": True},
        {"scheme": "nominal", "value": "NOM-1"},
    ],
    "postcodes": ["ZZ99 3VZ"],
    "addresses": ["1 Sample Street, Sampleton"],
    "phones": ["07700 900123"],
    "emails": ["ari@example.com"],
}

# every text of PERSON that a message to anybody outside must not hold
CANARIES = ("Ari", "Testone", "2009-02-04", "9990000018", "NOM-1", "ZZ99", "Sampleton", "900123", "ari@example")


def record(kind: str = "crime.recorded", **changes: Any) -> dict[str, Any]:
    """A sound record; a change to None takes the field out."""
    sound: dict[str, Any] = {
        "kind": kind,
        "source_system": "RMS",
        "source_key": "99/10001/26",
        "occurred_at": "2026-11-14T20:50:00Z",
        "mentions": [{"ref": "1", "role": (natural_role(Kind(kind)) or "suspect"), "identity": PERSON}],
    } | changes
    return {key: value for key, value in sound.items() if value is not None}


def parsed(said: Any, feed: Feed = Feed.POLICE, **policy: Any) -> Event | Rejected:
    raw = said if isinstance(said, bytes) else json.dumps(said).encode()
    return parse_record(raw, feed=feed, received_at=NOW, policy=RecordPolicy(**policy))


def event(said: Any, feed: Feed = Feed.POLICE, **policy: Any) -> Event:
    result = parsed(said, feed, **policy)
    assert isinstance(result, Event), result
    return result


def refused(said: Any, feed: Feed = Feed.POLICE, **policy: Any) -> Rejected:
    result = parsed(said, feed, **policy)
    assert isinstance(result, Rejected), result
    return result


def as_record(said: Event) -> bytes:
    """The event as a record, every field written: what an export of ours looks like."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime | date):
            return value.isoformat()
        if isinstance(value, dict):
            return {key: plain(entry) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [plain(entry) for entry in value]
        return value

    return json.dumps(plain(asdict(said))).encode()
