"""What a backtest reads of its files is what was written there: only less of it, and the same connection for all."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from domain.kinds import Kind, Role
from domain.matches import Relation
from service.backtest_source import people_of, plan_of, reading
from streams import codec
from streams.archive import Archived, ArchivedFiring, FiringStep, facts_of
from streams.archive_parquet import ParquetArchive
from streams.archive_replay import past_of
from tests.unit.service.archived import by_person
from tests.unit.streams.play import START, ed, member
from triggers.history import HistoryEntry, entry_of

ENDS = START + timedelta(days=30)


def visit(key: str) -> HistoryEntry:
    return entry_of(ed(Kind.ED_ARRIVAL, visit=key), subject="M1", relation=Relation.SELF, role=Role.PATIENT)


def record(name: str, order: int, **other: object) -> Archived:
    plain = Archived(name, member("M1").member_id, order, START, "no_rule", "rules@1", facts_of(member("M1")))
    return replace(plain, **other)  # type: ignore[arg-type]


FIRED = ArchivedFiring(FiringStep.FIRED, "f", "T1", "P3", START + timedelta(hours=20))
RECORDS = (
    record("plain", 1, entry=visit("V1")),
    record("fired at once", 2, entry=visit("V2"), firings=(FIRED,)),
    record("by the clock", 3, firings=(FIRED,), decided_at=START + timedelta(hours=21, microseconds=7)),
    record("with more", 4, entry=visit("V3"), extra=(visit("V4"), visit("V5")), decided_at=START + timedelta(days=1)),
    record("ruled", 5, entry=visit("V6"), ruling="takes_back", decided_at=START + timedelta(days=2)),
    record('found, "quoted" \\', 6, entry=visit("V7"), found=True, decided_at=START + timedelta(days=3)),
    record("as somebody else", 7, entry=visit("V8"), facts=facts_of(replace(member("M1"), area="Coventry"))),
)


def test_each_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    others = [replace(each, member_id=member("M2").member_id, facts=facts_of(member("M2"))) for each in RECORDS]
    everybody = [*RECORDS, *(replace(each, record_id=f"{each.record_id} of M2") for each in others)]
    archive = ParquetArchive(tmp_path / "archive")
    archive.write(everybody, ())
    plan = plan_of(archive, START, ENDS)
    with reading(plan) as connection:
        for _ in range(2):  # one connection serves for many questions
            read = {
                person.member_id: list(person.pasts)
                for chunk in plan.chunks
                for person in people_of(connection, plan, chunk, ENDS)
            }
            assert read == {
                name: list(past_of(codec.decode_records(codec.encode(own))))
                for name, own in by_person(everybody).items()
            }
    by_name = {past.record_id: past for past in read[member("M1").member_id]}
    assert by_name["by the clock"].due == FIRED.fired_at and by_name["by the clock"].entry is None
    assert by_name["fired at once"].due is None
    assert [entry.occurrence for entry in by_name["with more"].extra] == [
        visit("V4").occurrence,
        visit("V5").occurrence,
    ]
    assert by_name["ruled"].ruling == "takes_back" and by_name['found, "quoted" \\'].found
    assert by_name["as somebody else"].member.area == "Coventry"
