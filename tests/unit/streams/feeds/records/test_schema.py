"""The published JSON Schema says what the border takes: sound records pass both, misshapen ones neither."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from domain.events import Event
from domain.kinds import Feed, Kind
from streams.feeds.schema import record_schema
from tests.unit.streams.feeds.records.said import parsed, record
from tests.unit.streams.feeds.records.test_docs import blocks

SCHEMA = record_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
_NEEDED: dict[Kind, dict[str, Any]] = {
    Kind.STATUS_CHANGED: {"attributes": {"status": "active"}},
    Kind.RECORD_RETRACTED: {"retracts": {"source_key": "99/10001/26", "kind": "crime.recorded"}},
}
"""What some kinds cannot be said without."""


def _faults(said: Any) -> list[str]:
    return [fault.message for fault in VALIDATOR.iter_errors(said)]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_example_of_the_page_is_valid() -> None:
    envelope, families = blocks("json")
    for said in [json.loads(envelope)] + [json.loads(line) for line in families.splitlines()]:
        assert _faults(said) == []


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_a_sound_record_of_every_kind_is_valid(kind: Kind) -> None:
    said = record(kind.value, **_NEEDED.get(kind, {}))
    assert isinstance(parsed(said, kind.feed or Feed.POLICE), Event)
    assert _faults(said) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kind": None}, "no kind"),
        ({"kind": "crime.imagined"}, "a kind that there is not"),
        ({"source_key": None}, "no key"),
        ({"source_key": 7}, "a key that is a number"),
        ({"surprise": 1}, "a field that nobody knows"),
        ({"mentions": [{"role": "bystander"}]}, "a role that there is not"),
        ({"attributes": {"visit_key": "V1"}}, "an attribute of another kind"),
        ({"attributes": {"flags": "knife"}}, "a word where a list belongs"),
        ({"place": {"lat": 95}}, "beyond the pole"),
        ({"sequence": -1}, "below nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_border_refuses_by_its_shape_the_schema_refuses(changes: dict[str, Any], why: str) -> None:
    said = {key: value for key, value in (record() | changes).items() if value is not None}
    assert not isinstance(parsed(said), Event), why
    assert _faults(said), why
