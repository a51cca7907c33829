"""CSV through a mapping: the shipped samples, bad rows apart from their neighbours, and all faults of a mapping at once."""

import io
import random
from pathlib import Path

import pytest

from domain.attributes import CrimeAttributes, Handling, IntelAttributes
from domain.errors import ConfigError
from domain.events import Event
from domain.identity import NameKind, Scheme
from domain.kinds import Feed, Kind, Role
from streams.feeds.column_mapping import TableMapping, parse_mapping, shipped_mapping, shipped_names
from streams.feeds.outcome import Ignored, ParseResult, Rejected, RejectReason
from streams.feeds.records import read_ndjson
from streams.feeds.tables import read_table
from tests.trials import trials
from tests.unit.streams.feeds.records.said import NOW

SAMPLES = Path(__file__).parents[5] / "fixtures" / "samples"
R = RejectReason

MAPPING = """
feed: police
source_system: RMS
split: ";"
blank: ["N/K"]
dates: ["%d/%m/%Y %H:%M", "%d/%m/%Y"]
kind: crime.recorded
columns:
  source_key: Ref
  occurred_at: "{Day} {Time}"
  role: Role
  given_names: Forenames
  family_name: Surname
  aliases: Aliases
  date_of_birth: DOB
  nominal_ids: Nominals
  postcodes: Postcodes
  attributes.ho_code: Code
  attributes.flags: Flags
values:
  role: {SUS: suspect, VIC: victim, "*": witness}
  attributes.flags: {K: knife, DA: domestic_abuse}
"""
HEADER = b"Ref,Day,Time,Role,Forenames,Surname,Aliases,DOB,Nominals,Postcodes,Code,Flags,Narrative\n"
ROW = (
    b'1,14/11/2026,20:50,SUS,Ari Ben,Testone,"Ace Fixture;TESTTWO, Al",04/02/2009,N1;NICHE:N2,ZZ99 3VZ,8N,K;DA,canary\n'
)


def mapping(text: str = MAPPING) -> TableMapping:
    return parse_mapping(text, name="test")


def read(body: bytes, by: TableMapping | None = None) -> list[ParseResult]:
    return list(read_table(io.BytesIO(body), by or mapping(), received_at=NOW, source="export.csv"))


def only(found: list[ParseResult]) -> Event:
    assert len(found) == 1
    assert isinstance(found[0], Event), found
    return found[0]


def rejection(found: list[ParseResult]) -> Rejected:
    bad = [one for one in found if isinstance(one, Rejected)]
    assert len(bad) == 1, found
    return bad[0]


def test_a_column_of_the_senders_own_is_an_extra() -> None:
    by = mapping(MAPPING.replace("  given_names: Forenames\n", "  given_names: Forenames\n  extra.state: Narrative\n"))
    assert only(read(HEADER + ROW, by)).mentions[0].identity.extra == (("state", ("canary",)),)


def test_a_row_becomes_the_event_that_the_mapping_says() -> None:
    event = only(read(HEADER + ROW))
    person = event.mentions[0]
    assert (event.kind, event.source_key, event.occurred_at.isoformat()) == (
        Kind.CRIME_RECORDED,
        "1",
        "2026-11-14T20:50:00+00:00",
    )
    assert person.role is Role.SUSPECT
    assert [(name.given, name.family, name.kind) for name in person.identity.names] == [
        (("Ari", "Ben"), "Testone", NameKind.USUAL),
        (("Ace",), "Fixture", NameKind.ALIAS),
        (("Al",), "TESTTWO", NameKind.ALIAS),
    ]
    assert [(one.scheme, one.system, one.value) for one in person.identity.identifiers] == [
        (Scheme.NOMINAL, "RMS", "N1"),
        (Scheme.NOMINAL, "NICHE", "N2"),
    ]
    assert isinstance(event.attributes, CrimeAttributes)
    assert (event.attributes.ho_code, event.attributes.flags) == ("8N", ("knife", "domestic_abuse"))


def test_summer_times_without_an_offset_are_londons() -> None:
    assert only(read(HEADER + ROW.replace(b"14/11/2026", b"14/07/2026"))).occurred_at.hour == 19


def test_a_column_that_is_not_mapped_is_never_read() -> None:
    assert "canary" not in repr(read(HEADER + ROW))
    rejected = rejection(read(HEADER + ROW.replace(b"04/02/2009", b"31/02/2009")))
    assert "canary" not in rejected.detail


def test_blank_and_placeholder_cells_are_not_values() -> None:
    event = only(read(HEADER + b"1,14/11/2026,,SUS,N/K,n/k,,,,,,,\n"))
    assert event.mentions[0].identity.names == ()
    assert event.occurred_at.hour == 0  # a day without its time


@pytest.mark.parametrize(
    ("row", "reason", "field", "why"),
    [
        (ROW.replace(b"14/11/2026", b"31/02/2026"), R.BAD_DATE, "Day + Time", "no such day"),
        (ROW.replace(b"14/11/2026", b"14/11/2027"), R.FUTURE_DATE, "Day + Time", "in the future"),
        (ROW.replace(b"04/02/2009", b"Feb 09"), R.BAD_DATE, "DOB", "a date in no agreed format"),
        (ROW.replace(b"1,14", b",14", 1), R.MISSING_FIELD, "Ref", "no reference"),
        (ROW.replace(b"SUS", b""), R.MISSING_FIELD, "Role", "no role"),
        (ROW.replace(b"K;DA", b"K;ZZ"), R.BAD_VALUE, "Flags", "a flag that the table does not know"),
        (ROW.replace(b"Testone", b"Test\x00one"), R.BAD_VALUE, "Surname", "a NUL in a cell"),
        (ROW.replace(b"Testone", b"Test\xffone"), R.BAD_ENCODING, "", "not UTF-8"),
        (ROW.replace(b",canary", b""), R.NOT_PARSEABLE, "", "a column too few"),
        (ROW.replace(b"canary", b"a,b"), R.NOT_PARSEABLE, "", "a column too many"),
        (ROW.replace(b"canary", b"," * 1_000_000), R.NOT_PARSEABLE, "", "a million columns"),
        (ROW.replace(b"canary", b"x" * 2_000_000), R.TOO_LARGE, "", "a line of two megabytes"),
        (ROW.replace(b"canary", b"x" * 200_000), R.TOO_LARGE, "", "a cell of 200 kB"),
        (ROW.replace(b"Testone", b'"Testone'), R.NOT_PARSEABLE, "", "a quote that is never closed"),
        (ROW.replace(b"Testone", b'"Test"one'), R.NOT_PARSEABLE, "", "text after a closing quote"),
        (ROW.replace(b"Testone", b"T" * 300), R.BAD_VALUE, "Surname", "a name without end"),
    ],
)
def test_a_bad_row_is_refused_by_line_and_column_and_its_neighbours_survive(
    row: bytes, reason: RejectReason, field: str, why: str
) -> None:
    found = read(HEADER + ROW + row + ROW.replace(b"1,", b"2,", 1) + ROW.replace(b"1,", b"3,", 1))
    assert [one.source_key for one in found if isinstance(one, Event)] == ["1", "2", "3"], why
    rejected = rejection(found)
    assert (rejected.reason, rejected.where.record) == (reason, 3), (why, rejected.detail)
    assert rejected.where.field == field, why
    assert not [canary for canary in ("Testone", "ZZ99", "canary") if canary in rejected.detail]


def test_a_refused_row_is_a_table_by_itself_and_can_be_read_again() -> None:
    rejected = rejection(read(HEADER + ROW + ROW.replace(b"04/02/2009", b"31/02/2009")))
    assert rejected.content_type == "csv:test"
    mended = rejected.raw.replace(b"31/02/2009", b"28/02/2009")
    assert only(read(mended)).mentions[0].identity.dates_of_birth[0].value.isoformat() == "2009-02-28"


def test_a_quoted_cell_may_span_lines() -> None:
    assert only(read(HEADER + ROW.replace(b"canary", b'"one\ntwo\n\nthree"'))).source_key == "1"


def test_a_file_that_ends_too_early() -> None:
    found = read(HEADER + ROW + ROW[:40])
    assert isinstance(found[0], Event)
    assert rejection(found).reason is R.TRUNCATED
    assert isinstance(read(HEADER + ROW.rstrip(b"\n"))[0], Event), "a last line without a line end is whole"


@pytest.mark.parametrize(
    ("body", "reason", "why"),
    [
        (b"", R.EMPTY, "nothing"),
        (b"Ref,Day\n1,2\n", R.MAPPING, "columns are missing"),
        (HEADER.replace(b"Narrative", b"Ref"), R.MAPPING, "a column twice"),
        (b"," * 900_000 + b"\n", R.MAPPING, "a header of 900,000 columns"),
        (b"," * 3_000_000 + b"\n", R.TOO_LARGE, "a header of 3,000,000 columns"),
        ((HEADER + ROW).decode().encode("utf-16"), R.BAD_ENCODING, "another encoding"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_as_a_whole(body: bytes, reason: RejectReason, why: str) -> None:
    found = read(body)
    assert len(found) == 1
    assert rejection(found).reason is reason, why


def test_a_byte_order_mark_quotes_and_windows_line_ends_are_fine() -> None:
    body = b"\xef\xbb\xbf" + (HEADER + ROW).replace(b"\n", b"\r\n").replace(b"Ref,", b'"Ref",')
    assert only(read(body)).source_key == "1"


def test_the_encoding_is_the_mappings() -> None:
    by = mapping(MAPPING.replace("feed: police", "feed: police\nencoding: cp1252"))
    assert only(read(HEADER + ROW.replace(b"Testone", b"T\xe9st"), by)).mentions[0].identity.names[0].family == "Tést"


def test_rows_that_call_for_no_event_are_refused_or_ignored_as_the_mapping_says() -> None:
    conditional = MAPPING.replace("kind: crime.recorded", "events: [{kind: crime.recorded, when: {Code: [10D]}}]")
    assert rejection(read(HEADER + ROW, mapping(conditional))).reason is R.MAPPING
    found = read(HEADER + ROW, mapping(conditional + "otherwise: ignore\n"))
    assert isinstance(found[0], Ignored)


def test_random_mutations_of_a_table_never_raise_and_the_first_row_survives() -> None:
    chance = random.Random("tables")
    odd = [b"\x00", b"\xff", b'"', b",", b"\n", b"\r", b'""', b";", b"{", b"\xef\xbb\xbf"]
    for _ in range(trials(5_000)):
        body = bytearray(ROW)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(body))
            body[at : at + chance.randint(0, 10)] = chance.choice([*odd, bytes([chance.randrange(256)]), b""])
            body = body or bytearray(b"x")
        found = read(HEADER + ROW + bytes(body) + b"\n" + ROW + ROW)
        events = [one for one in found if isinstance(one, Event) and one.source_key == "1"]
        assert isinstance(found[0], Event)
        assert len(events) >= 2  # the row before, and at least the last of those after


# --- samples --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "feed"),
    [("police", Feed.POLICE), ("intelligence", Feed.INTEL), ("programme", Feed.PROGRAMME)],
)
def test_every_record_of_the_ndjson_samples_is_taken(name: str, feed: Feed) -> None:
    body = (SAMPLES / f"{name}.ndjson").read_bytes()
    found = list(read_ndjson([body], feed=feed, received_at=NOW))
    assert len(found) >= 5
    assert all(isinstance(one, Event) for one in found), found
    assert len({one.event_id for one in found if isinstance(one, Event)}) == len(found)


def test_the_crime_sample_gives_its_events() -> None:
    found = list(
        read_table(io.BytesIO((SAMPLES / "rms_crime.csv").read_bytes()), shipped_mapping("rms_crime"), received_at=NOW)
    )
    events = [one for one in found if isinstance(one, Event)]
    assert len(events) == len(found) == len({event.event_id for event in events})
    kinds = [event.kind for event in events]
    for kind in (Kind.CRIME_UPDATED, Kind.CRIME_CANCELLED, Kind.CRIME_ROLE_REMOVED, Kind.ARREST_MADE):
        assert kinds.count(kind) == 1
    recoded = next(event for event in events if event.kind is Kind.CRIME_UPDATED)
    assert isinstance(recoded.attributes, CrimeAttributes)
    assert (recoded.attributes.ho_code, recoded.attributes.ho_code_raw) == ("8N", "008/01")


def test_the_legacy_intelligence_sample_is_mapped_down() -> None:
    body = (SAMPLES / "intelligence_5x5x5.csv").read_bytes()
    found = list(read_table(io.BytesIO(body), shipped_mapping("intel_5x5x5"), received_at=NOW))
    grades = [
        one.attributes.grade for one in found if isinstance(one, Event) and isinstance(one.attributes, IntelAttributes)
    ]
    assert len(grades) == len(found)
    assert (grades[0].source, grades[0].assessment, grades[0].handling, grades[0].original) == (
        1,
        "A",
        Handling.P,
        "B12",
    )


def test_reading_an_export_twice_gives_the_same_events() -> None:
    def once() -> list[ParseResult]:
        body = (SAMPLES / "rms_crime.csv").read_bytes()
        return list(read_table(io.BytesIO(body), shipped_mapping("rms_crime"), received_at=NOW))

    assert once() == once()


# --- mapping files --------------------------------------------------------------------------------------------------


def test_all_shipped_mappings_load() -> None:
    assert {"rms_crime", "rms_custody", "missing", "stopsearch", "intel_3x5x2", "intel_5x5x5"} <= set(shipped_names())
    for name in shipped_names():
        assert shipped_mapping(name).columns


def test_no_shipped_intelligence_mapping_reads_text() -> None:
    for name in ("intel_3x5x2", "intel_5x5x5"):
        for column in shipped_mapping(name).columns:
            assert not {"text", "narrative", "provenance", "title", "summary"} & set(column.lower().split())


def test_a_mapping_that_is_not_shipped() -> None:
    with pytest.raises(ConfigError, match="rms_crime"):
        shipped_mapping("../../etc/passwd")


def test_all_faults_of_a_mapping_are_told_at_once() -> None:
    text = MAPPING.replace("  source_key: Ref\n", "").replace("family_name:", "famly_name:")
    text = (
        text.replace("SUS: suspect", "SUS: king")
        .replace("%d/%m/%Y]", "%d/%m/%y]")
        .replace('"%d/%m/%Y"]', '"%d/%m/%y"]')
    )
    text = text.replace("attributes.flags: {K", "place.lsoa: {X: y}\n  attributes.flags: {K").replace(
        "{Day} {Time}", "{Day} {Time"
    )
    with pytest.raises(ConfigError) as caught:
        mapping(text)
    for part in ("source_key", "famly_name", "'king'", "years in full", "values.place.lsoa", "braces"):
        assert part in str(caught.value), part


@pytest.mark.parametrize(
    ("text", "part", "why"),
    [
        ("feed: [", "not YAML", "not YAML"),
        ("7", "valid dictionary", "not a mapping"),
        ("feed: mars\nsource_system: X\nkind: crime.recorded", "feed", "a feed nobody knows"),
        (MAPPING.replace("kind: crime.recorded", "kind: crime.imagined"), "not a kind", "an unknown kind"),
        (
            MAPPING.replace("kind: crime.recorded", "kind: visit.made"),
            "not a kind of the police feed",
            "another feed's kind",
        ),
        (MAPPING.replace("kind: crime.recorded", ""), "kind: is missing", "no kind"),
        (MAPPING + "encoding: ebcdic\n", "encoding", "an encoding nobody asked for"),
        (MAPPING + "delimiter: '||'\n", "delimiter", "two characters"),
        (MAPPING + "colour: blue\n", "colour", "an unknown key"),
        (
            MAPPING.replace("  role: Role\n", "").replace('  role: {SUS: suspect, VIC: victim, "*": witness}\n', ""),
            "role",
            "crimes need a role",
        ),
        (MAPPING.replace("attributes.ho_code", "attributes.risk"), "attributes.risk", "another kind's attribute"),
        (MAPPING.replace("attributes.ho_code: Code", "attributes: Code"), "'attributes'", "an object is not a field"),
        (MAPPING.replace("attributes.ho_code: Code", "mentions: Code"), "'mentions'", "nor is a list of objects"),
        (MAPPING + "constants: {role: victim}\n", "both a column and a constant", "filled twice"),
    ],
)
def test_a_bad_mapping_is_refused_in_the_operators_words(text: str, part: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        mapping(text)
    assert part in str(caught.value), why
