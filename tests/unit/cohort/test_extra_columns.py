"""Extra columns in the live formats: what a table says beyond an identity's fields goes in, and comes out of an export."""

import io
import json
from datetime import UTC, datetime

import pytest

from cohort.importing import FileFormat, read_members, write_members
from domain.events import Event
from domain.identity import Identity, Name
from domain.ids import MemberId
from domain.kinds import Feed
from domain.people import CohortMember, MemberStatus
from streams.feeds.envelope import parse_record

CSV = "member_id,status,given_names,extra.state,extra.suburb\nM1,at_risk,Ari,nsw,Fictown;Samplebury\nM2,at_risk,Bel,,\n"


def read(text: str, form: FileFormat = FileFormat.CSV) -> tuple[CohortMember, ...]:
    found = read_members(io.BytesIO(text.encode()), form)
    assert not found.faults, found.faults
    return found.records


def test_csv_columns_that_begin_with_extra_are_kept_as_written_in_order_of_name() -> None:
    one, two = read(CSV)
    assert one.identity.extra == (("state", ("nsw",)), ("suburb", ("Fictown", "Samplebury")))
    assert two.identity.extra == ()


@pytest.mark.parametrize("form", list(FileFormat))
def test_an_export_is_read_back_the_same(form: FileFormat) -> None:
    members = (*read(CSV), CohortMember(MemberId("M3"), MemberStatus.AT_RISK, Identity((Name(("Cai",)),))))
    written = io.BytesIO()
    write_members(members, written, form)
    assert read(written.getvalue().decode(), form) == members


def test_ndjson_takes_an_object_as_a_feed_sends_it() -> None:
    line = json.dumps({"member_id": "M1", "status": "at_risk", "identity": {"extra": {"b": ["1", "2"], "a": "x"}}})
    assert read(line, FileFormat.NDJSON)[0].identity.extra == (("a", ("x",)), ("b", ("1", "2")))


CSV_FAULTS = [
    ("extra.", "an extra without a name"),
    ("extra.ethnicity", "what nobody is recognised by"),
    ("extra.state,extra.state", "one that is there twice"),
    (",".join(f"extra.{number}" for number in range(101)), "more than a file may have"),
]


@pytest.mark.parametrize(("columns", "why"), CSV_FAULTS)
def test_csv_faults(columns: str, why: str) -> None:
    found = read_members(io.BytesIO(f"member_id,status,{columns}\n".encode()), FileFormat.CSV)
    assert found.faults, why


def test_a_value_that_is_too_long_is_a_fault_that_does_not_hold_it() -> None:
    text = f"member_id,status,extra.note\nM1,at_risk,{'Zq' * 300}\n"
    found = read_members(io.BytesIO(text.encode()), FileFormat.CSV)
    assert [fault.column for fault in found.faults] == ["extra.note"] and "Zq" not in str(found.faults)


def parsed(extra: object) -> object:
    mention = {"role": "suspect", "identity": {"names": ["Ari Testone"], "extra": extra}}
    record = {"kind": "crime.recorded", "source_system": "rms", "source_key": "1", "mentions": [mention]}
    raw = json.dumps({**record, "occurred_at": "2026-01-01T00:00:00Z"}).encode()
    return parse_record(raw, feed=Feed.POLICE, received_at=datetime(2026, 1, 2, tzinfo=UTC))


def test_an_envelope_says_extras_as_an_object_of_values_or_lists() -> None:
    event = parsed({"suburb": ["Fictown", " "], "state": " nsw ", "empty": ""})
    assert isinstance(event, Event)
    assert event.mentions[0].identity.extra == (("state", ("nsw",)), ("suburb", ("Fictown",)))


REFUSED = [
    (5, "no object"),
    (["Zq"], "a list"),
    ({"Religion": "Zq"}, "what nobody is recognised by"),
    ({"a": 5}, "a number"),
    ({"a": {"b": "Zq"}}, "nested"),
    ({"a": "Zq" * 300}, "too long"),
    ({"a": ["Zq"] * 51}, "too many values"),
    ({str(number): "Zq" for number in range(101)}, "too many extras"),
]


@pytest.mark.parametrize(("extra", "why"), REFUSED)
def test_an_envelope_with_other_extras_is_refused_without_telling_the_value(extra: object, why: str) -> None:
    refused = parsed(extra)
    assert not isinstance(refused, Event), why
    assert "Zq" not in str(refused) and "extra" in str(getattr(refused, "detail", "")), refused
