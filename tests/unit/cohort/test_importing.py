"""Cohort files: what is read, what is refused and how it is told, and that what is written can be read again."""

import dataclasses
import io
import json

import pytest

from cohort.importing import FileFormat, read_members, read_navigators, write_members, write_navigators
from domain.identity import NameKind, Scheme, Sex
from domain.ids import NavigatorId
from domain.kinds import Feed
from domain.people import Navigator
from tests.unit.cohort.people import cohort

HEADER = (
    "given_names,family_name,aliases,date_of_birth,sex,nhs_number,pnc_id,cro,nominal_ids,addresses,postcodes,phones,"
    "emails,member_id,status,programme,area,navigator_id,household_id,associates,watch_reason,lawful_basis,"
    "authorised_by,starts,review_on,ends"
)
ROW = (
    'Mohammed;Amir,Khan,Biggz;Ali Kay,2008-07-23,m,999 000 0018,2099/0000001G,123456/99L,RMS-X:N1;YJS:7,"12 High St",'
    "WV1 1AA,07700 900001,a@example.com,M1,at_risk,CIRV,Coventry,N1,H1,,knife crime,s47,DI X,2026-01-01,2026-07-01,"
)


def _csv(*rows: str, header: str = HEADER) -> io.BytesIO:
    return io.BytesIO("\n".join((header, *rows)).encode() + b"\n")


def test_a_csv_row_becomes_a_member() -> None:
    imported = read_members(_csv(ROW), FileFormat.CSV)
    assert imported.faults == ()
    (member,) = imported.records
    identity = member.identity
    assert [(name.given, name.family, name.kind) for name in identity.names] == [
        (("Mohammed", "Amir"), "Khan", NameKind.USUAL),
        (("Biggz",), "", NameKind.ALIAS),
        (("Ali",), "Kay", NameKind.ALIAS),
    ]
    assert identity.sex is Sex.MALE
    assert [(i.scheme, i.system, i.value) for i in identity.identifiers][-2:] == [
        (Scheme.NOMINAL, "RMS-X", "N1"),
        (Scheme.NOMINAL, "YJS", "7"),
    ]
    assert (member.watch.reason, member.watch.ends, member.navigator_id) == ("knife crime", None, "N1")
    assert member.allowed_feeds == tuple(Feed)


def test_a_file_from_excel_is_read_with_its_byte_order_mark_and_british_dates() -> None:
    raw = b"\xef\xbb\xbf" + _csv(ROW.replace("2008-07-23", "23/07/2008")).getvalue().replace(b"\n", b"\r\n")
    assert read_members(io.BytesIO(raw), FileFormat.CSV).records[0].identity.dates_of_birth[0].value.year == 2008


def test_all_faults_are_told_at_once_and_nothing_is_half_imported() -> None:
    rows = (
        ROW,
        ROW.replace("999 000 0018", "999 000 0019").replace(",M1,", ",M2,"),
        ROW.replace("2008-07-23", "2008-13-45").replace(",at_risk,", ",sleeping,"),
        ROW,
        ROW.replace("RMS-X:N1", "N1").replace("2026-07-01", "2025-07-01").replace(",M1,", ",M5,"),
        "too,few,cells",
    )
    imported = read_members(_csv(*rows), FileFormat.CSV)
    assert imported.records == ()
    told = [(fault.line, fault.column) for fault in imported.faults]
    assert told == [
        (3, "nhs_number"), (4, "date_of_birth"), (4, "status"), (5, "member_id"), (6, "nominal_ids"), (7, ""),
    ]  # fmt: skip
    assert "line 5: member_id is the same as on line 2" in map(str, imported.faults)


@pytest.mark.parametrize(
    ("change", "column", "why"),
    [
        (("2099/0000001G", "2099/0000001A"), "pnc_id", "check letter"),
        (("123456/99L", "123456/99M"), "cro", "check letter"),
        (("2026-07-01", "2025-07-01"), "review_on", "review before the start"),
        (("2008-07-23", "1808-07-23"), "date_of_birth", "nobody is that old"),
        (("2008-07-23", "2028-07-23"), "date_of_birth", "born after the watch starts"),
        ((",m,", ",maybe,"), "sex", "not a word we know"),
        ((",M1,", ",,"), "member_id", "nobody without an id"),
    ],
)
def test_what_is_wrong_with_a_row(change: tuple[str, str], column: str, why: str) -> None:
    imported = read_members(_csv(ROW.replace(*change)), FileFormat.CSV)
    assert [fault.column for fault in imported.faults] == [column], why


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (HEADER.replace("member_id,", ""), "member_id is a required column"),
        (HEADER.replace("cro,", "crow,"), "crow is not a column"),
        (HEADER + ",cro", "cro is there twice"),
        ("", "has no column names"),
    ],
)
def test_what_is_wrong_with_a_header(header: str, problem: str) -> None:
    imported = read_members(_csv(ROW, header=header), FileFormat.CSV)
    assert imported.records == ()
    assert any(problem in str(fault) for fault in imported.faults)


def test_unknown_navigators_and_associates_are_warnings() -> None:
    rows = (ROW.replace(",H1,,", ",H1,M7,"),)
    imported = read_members(_csv(*rows), FileFormat.CSV, navigators=(NavigatorId("N2"),))
    assert len(imported.records) == 1
    assert [warning.column for warning in imported.warnings] == ["associates", "navigator_id"]


def test_faults_never_hold_a_value() -> None:
    canary = "Zanzibarian"
    rows = (
        ROW.replace("2008-07-23", canary).replace(",m,", f",{canary},").replace("RMS-X:N1", canary),
        ROW.replace("999 000 0018", canary).replace(",M1,", ",M2,").replace("07700 900001", canary),
    )
    faults = read_members(_csv(*rows), FileFormat.CSV).faults
    bad = {"member_id": "M1", "status": canary, "identity": {"sex": canary, "dates_of_birth": [{"value": canary}]}}
    lines = "\n".join((json.dumps(bad), json.dumps({"member_id": "M2", "status": "at_risk", canary + " x": 1}), canary))
    more = read_members(io.BytesIO(lines.encode()), FileFormat.NDJSON).faults
    header = read_members(_csv(ROW, header=ROW.replace("Khan", canary)), FileFormat.CSV).faults
    assert len(faults) >= 4
    assert len(more) >= 4
    assert header
    assert canary not in repr((faults, more, header))


def test_ndjson_faults_name_line_and_path() -> None:
    lines = [
        {"member_id": "M1", "status": "at_risk"},
        {"member_id": "M2", "status": "at_risk", "identity": {"name": []}},
        {"member_id": "M3", "status": "at_risk", "identity": {"dates_of_birth": [{"value": "20090504"}]}},
        {"status": "at_risk"},
        {"member_id": "M1", "status": "at_risk"},
    ]
    raw = "\n".join([*map(json.dumps, lines), "{not json", ""]).encode()
    faults = read_members(io.BytesIO(raw), FileFormat.NDJSON).faults
    assert [(fault.line, fault.column) for fault in faults] == [
        (2, "identity.name"), (3, "identity.dates_of_birth.0.value"), (4, "member_id"), (5, "member_id"), (6, ""),
    ]  # fmt: skip


def test_what_is_not_text_is_told_with_its_line() -> None:
    (fault,) = read_members(io.BytesIO(b"member_id,status\nM1,at_risk\nM2,\xff\n"), FileFormat.CSV).faults
    assert (fault.line, fault.problem) == (3, "is not UTF-8 text")


@pytest.mark.parametrize("file_format", list(FileFormat))
def test_what_is_written_can_be_read_again(file_format: FileFormat) -> None:
    members = [
        dataclasses.replace(member, allowed_feeds=(Feed.POLICE, Feed.ED), safe_contact="after school")
        for member in cohort(50, seed=41)
    ]
    stream = io.BytesIO()
    write_members(members, stream, file_format)
    stream.seek(0)
    imported = read_members(stream, file_format)
    assert imported.faults == ()
    again = imported.records
    if file_format is FileFormat.CSV:  # a CSV cell does not say that an NHS number was traced
        members = [_untraced(member) for member in members]
        again = tuple(_untraced(member) for member in again)
    assert list(again) == members


def _untraced(member):  # type: ignore[no-untyped-def]
    identity = member.identity
    plain = sorted(
        (dataclasses.replace(identifier, verified=False) for identifier in identity.identifiers),
        key=lambda identifier: identifier.scheme,
    )
    return dataclasses.replace(member, identity=dataclasses.replace(identity, identifiers=tuple(plain)))


NAVIGATOR = Navigator(NavigatorId("N1"), "A Navigator", "+447700900002", "n@example.com", health_approved=True)


@pytest.mark.parametrize("file_format", list(FileFormat))
def test_navigators_too(file_format: FileFormat) -> None:
    stream = io.BytesIO()
    write_navigators([NAVIGATOR], stream, file_format)
    stream.seek(0)
    assert read_navigators(stream, file_format).records == (NAVIGATOR,)


def test_a_navigator_nobody_can_reach_is_a_fault_and_a_local_number_is_made_e164() -> None:
    raw = b"navigator_id,phone,email,duty\nN1,07700 900002,n@example.com,yes\n"
    assert read_navigators(io.BytesIO(raw), FileFormat.CSV).records[0].phone == "+447700900002"
    bad = raw + b"N1,12,nobody,perhaps\n"
    faults = read_navigators(io.BytesIO(bad), FileFormat.CSV).faults
    assert [fault.column for fault in faults] == ["duty"], "a row that cannot be read is not looked at further"
    worse = raw + b"N1,12,nobody,no\n"
    faults = read_navigators(io.BytesIO(worse), FileFormat.CSV).faults
    assert [fault.column for fault in faults] == ["email", "navigator_id", "phone"]
