"""The archive's files: nothing lost, nothing doubled, nothing kept too long, and a person erased without a byte left."""

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from domain.clock import ManualClock
from domain.errors import ConfigError, StoreUnavailable
from domain.ids import MemberId, NavigatorId
from domain.kinds import Kind, Role
from domain.matches import Relation
from streams import codec
from streams.archive import AlertOutcome, Archived, facts_of
from streams.archive_memory import MemoryArchiveLog
from streams.archive_parquet import ParquetArchive, Table, select
from streams.archiver import WRITE_EVERY, Archiver, erase_member
from streams.memory_server import MemoryServer
from tests.unit.streams.play import START, Play, ed, member
from triggers.history import entry_of


def record(name: str = "M1", number: int = 1, at: datetime = START, *, subject: str = "") -> Archived:
    """A decision about `name`, on an event about `subject`."""
    told = ed(Kind.ED_ARRIVAL, visit=f"{name}-{number}", intent="assault")
    entry = entry_of(
        told,
        subject=subject or name,
        relation=Relation.ASSOCIATE if subject else Relation.SELF,
        role=Role.PATIENT,
    )
    entry = replace(entry, occurred_at=at, received_at=at)
    facts = facts_of(member(name))
    return Archived(f"r-{name}-{number}", MemberId(name), number, at, "no_rule", "tipt@1", facts, entry)


def alert(version: int, state: str, at: datetime = START) -> AlertOutcome:
    return AlertOutcome(
        "a1", version, "AAAA-BBBB", MemberId("M1"), NavigatorId("N1"), "Coventry", "P1", state, "", ("R",), ("f1",),
        at, at, at,
    )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> ParquetArchive:
    made = ParquetArchive(tmp_path / "archive")
    made.prepare()
    return made


def rows(files: ParquetArchive, what: str = "*", table: Table = Table.DECISIONS) -> list[tuple[object, ...]]:
    """As an operator reads them, with DuckDB alone."""
    with duckdb.connect() as connection:
        return connection.execute(select(what, files.files(table))).fetchall()


def test_files_and_folders_are_their_owners_only(files: ParquetArchive) -> None:
    files.write([record()], [alert(1, "raised")])
    for path in files.folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_row_lies_in_the_month_in_which_it_was_decided(files: ParquetArchive) -> None:
    files.write([record(number=1), record(number=2, at=datetime(2026, 4, 1, tzinfo=UTC))], [])
    assert [file.parent.name for file in files.files(Table.DECISIONS)] == ["2026-03", "2026-04"]


def test_what_a_crash_left_half_written_is_dropped_and_not_read(files: ParquetArchive) -> None:
    files.write([record()], [])
    (files.files(Table.DECISIONS)[0].parent / "0123.tmp").write_bytes(b"PAR1 half")
    ParquetArchive(files.folder).prepare()
    assert [path.suffix for path in files.folder.rglob("*.*") if path.is_file() and path.name != ".lock"] == [
        ".parquet"
    ]


def test_a_damaged_file_is_told_and_left_alone_while_the_others_are_read(files: ParquetArchive) -> None:
    files.write([record(number=1)], [])
    files.write([record(number=2)], [])
    harmed = files.files(Table.DECISIONS)[0]
    harmed.write_bytes(harmed.read_bytes()[:200])
    again = ParquetArchive(files.folder)
    assert again.damaged() == [harmed]
    assert (again.holding().decisions, len(again.holding().damaged)) == (1, 1)
    again.merge()
    assert harmed.exists()


def test_a_crash_between_writing_and_forgetting_leaves_rows_twice_and_merging_leaves_them_once(
    files: ParquetArchive,
) -> None:
    for _ in range(9):
        files.write([record(number=1), record(number=2)], [alert(1, "raised"), alert(2, "closed")])
        files.write([record(number=3)], [])
    assert files.holding().decisions == 27
    assert files.merge() == 18
    assert files.holding().decisions == 3
    assert len(files.files(Table.DECISIONS)) == 1


def test_of_an_alert_the_newest_version_stays(files: ParquetArchive) -> None:
    for version in range(1, 18):
        files.write([], [alert(version, "raised" if version < 17 else "closed")])
    files.merge()
    assert rows(files, "version, state", Table.ALERTS) == [(17, "closed")]


def test_nothing_is_kept_longer_than_it_may_be(files: ParquetArchive) -> None:
    moments = [START, START + timedelta(days=1), START + timedelta(days=60)]
    files.write([record(number=n, at=at) for n, at in enumerate(moments)], [alert(1, "closed")])
    files.purge(START + timedelta(days=1))
    assert sorted(rows(files, "decided_at")) == [(at.replace(tzinfo=None),) for at in moments[1:]]
    assert files.files(Table.ALERTS) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("M1", "a plain id"),
        ("WM-001", "with a dash"),
        ("x.y*z", "what a pattern would take for more"),
        ('q"o', "a quote"),
    ],
)
async def test_of_an_erased_member_no_byte_is_left_and_the_others_stay(
    files: ParquetArchive, name: str, why: str
) -> None:
    other = f"{name}2"
    server = MemoryServer(ManualClock(START))
    files.write(
        [record(name), record("B", 1, subject=name), record(other)],
        [replace(alert(1, "raised"), member_id=MemberId(name))],
    )
    server.to_archive.append(record(name, 2))  # still waits in the store
    await erase_member(MemoryArchiveLog(server), files, MemberId(name))
    told = str(rows(files)) + (str(rows(files, table=Table.ALERTS)) if files.files(Table.ALERTS) else "")
    assert sorted(rows(files, "member_id")) == sorted([("B",), (other,)])
    assert told.replace(other, "").replace(codec.encode(other).decode()[1:-1], "").count(name) == 0, why
    assert not server.to_archive


async def test_what_waits_is_written_once_a_minute_and_then_forgotten(files: ParquetArchive) -> None:
    clock, server = ManualClock(START), MemoryServer(ManualClock(START))
    states = []
    archiver = Archiver(MemoryArchiveLog(server), files, clock, observer=states.append)
    await archiver.turn()
    server.to_archive += [record(number=1)]
    assert await archiver.turn() == 0
    clock.advance(WRITE_EVERY)
    assert await archiver.turn() == 1
    assert not server.to_archive
    assert (states[-1].waiting, states[-1].holding.decisions) == (0, 1)


async def test_where_the_archive_is_off_what_waits_is_forgotten(files: ParquetArchive) -> None:
    server = MemoryServer(ManualClock(START))
    server.to_archive += [record()]
    assert await Archiver(MemoryArchiveLog(server), None, ManualClock(START)).turn() == 1
    assert (server.to_archive, files.files(Table.DECISIONS)) == ([], [])


async def test_a_full_disk_loses_nothing(files: ParquetArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    server = MemoryServer(ManualClock(START))
    server.to_archive += [record()]

    def full(*_: object) -> int:
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr("streams.archive_parquet._rows_into", full)
    assert await Archiver(MemoryArchiveLog(server), files, ManualClock(START)).turn() == 0
    assert len(server.to_archive) == 1
    assert not list(files.folder.rglob("*.tmp"))


async def test_while_somebody_reads_nothing_is_changed_and_the_archiver_tries_again(files: ParquetArchive) -> None:
    server = MemoryServer(ManualClock(START))
    server.to_archive += [record()]
    with ParquetArchive(files.folder).locked(shared=True):
        assert await Archiver(MemoryArchiveLog(server), files, ManualClock(START)).turn() == 0
    assert len(server.to_archive) == 1


def test_a_folder_that_would_be_a_pattern_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        ParquetArchive(tmp_path / "a*" / "archive").prepare()


def test_a_record_comes_back_as_it_was() -> None:
    one = replace(record(), extra=(record("M2").entry,))  # type: ignore[arg-type]
    assert codec.decode_archived(codec.encode(one)) == one


class TestAFaultOfTheFiles:
    """What waits stays in the store, the turn ends in peace, and the next one that can goes on."""

    async def waiting(self) -> MemoryArchiveLog:
        play = Play([member("M1")])
        await play.prepare()
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V1", intent="assault"))
        assert play.twin.server is not None
        return MemoryArchiveLog(play.twin.server)

    async def test_a_folder_that_cannot_be_used(self, tmp_path: Path) -> None:
        (tmp_path / "archive").write_text("in the way")
        log, clock = await self.waiting(), ManualClock(START)
        archiver = Archiver(log, ParquetArchive(tmp_path / "archive"), clock)
        before = await log.archive_waiting()
        assert await archiver.turn() == 0
        assert await log.archive_waiting() == before > 0
        (tmp_path / "archive").unlink()
        clock.advance(WRITE_EVERY)
        assert await archiver.turn() == before

    async def test_a_file_whose_rows_cannot_be_read(self, files: ParquetArchive) -> None:
        files.write([record()], [])
        (file,) = files.files(Table.DECISIONS)
        whole = bytearray(file.read_bytes())
        rows_end = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")  # what tells of them follows, and is whole
        whole[4:rows_end] = b"\xff" * (rows_end - 4)
        file.write_bytes(whole)
        log, clock = await self.waiting(), ManualClock(START)
        archiver = Archiver(log, files, clock)
        for _ in range(3):
            await archiver.turn()
            clock.advance(WRITE_EVERY)
        assert await log.archive_waiting() == 0
