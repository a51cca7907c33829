"""Matching beside the service: a cohort and events from files of any kind, a model, and every pair scored.

Nothing is stored and nobody is told. Feeds' own files (envelope NDJSON, HL7, cohort CSV and NDJSON) are read as live
ones are; any other table by its mapping (cohort.tables). What is wrong with a file is told by line, never by value.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import msgspec

from cohort.csv_columns import Fault
from cohort.importing import FileFormat, read_members
from cohort.index import CohortIndex
from cohort.matching import match_event, score_all
from cohort.model import MatchModel, default_model
from cohort.policy import MatchPolicy
from cohort.tables import PeopleTable, TableRecord, open_people, open_table
from cohort.tables_mapping import Side, TableMapping, load_mapping
from domain.events import Event, Mention
from domain.ids import EventId, MemberId
from domain.kinds import Feed, Kind
from domain.matches import Match, MatchDecision, MatchReason
from domain.people import CohortMember, MemberStatus
from service.feeding import read_file
from service.wiring import Policies
from streams.feeds.outcome import Rejected

_TABLE_MENTION = "1"
_FORBIDDEN = frozenset(
    {MatchReason.VETO_NHS, MatchReason.VETO_PNC_CRO, MatchReason.VETO_UNKNOWN, MatchReason.VETO_DECEASED}
)
"""What no weight makes up for."""


@dataclass(frozen=True, slots=True)
class Files:
    """The two sides: files, and how their columns are to be read. `feed` is whose envelope the events are."""

    cohort: Path
    events: Path
    mapping: TableMapping | None = None
    events_mapping: TableMapping | None = None
    feed: Feed = Feed.POLICE

    @property
    def one_table(self) -> bool:
        """Whether a table is matched with itself: then no record is compared with itself."""
        return self.cohort.samefile(self.events)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What else of a table's columns is wanted: `kept` for groups, and what an imported model compares as written.

    `as_written` are the model's columns, in lower case; empty for a model of ours.
    """

    kept: tuple[str, ...] = ()
    as_written: tuple[str, ...] = ()

    def also(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The columns of a table that the model names."""
        return tuple(each for each in columns if each.casefold() in self.as_written)


@dataclass(frozen=True, slots=True)
class Cohort:
    """The watched side. `kept` are the cells asked for, by member."""

    members: Sequence[CohortMember] = ()
    faults: Sequence[Fault] = ()
    notices: Sequence[str] = ()
    kept: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    columns: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event with the cells asked for; `name` is what its source calls it."""

    event: Event
    name: str
    kept: Mapping[str, str]


def read_mapping(path: Path | None) -> TableMapping | None:
    """The mapping at `path`, None where there is none. Raises ConfigError with all its faults."""
    return None if path is None else load_mapping(path.read_text(encoding="utf-8-sig"))


def read_cohort(files: Files, wanted: Wanted = Wanted()) -> Cohort:
    """Everybody of the cohort's file; with a fault, nobody."""
    path = files.cohort
    live = _live_cohort(path, files.mapping)
    if live is not None:
        with path.open("rb") as stream:
            found = read_members(stream, live)
        return Cohort(found.records, found.faults)
    table = _people(path, files.mapping, Side.COHORT, wanted)
    if table.faults:
        return Cohort(faults=table.faults)
    members, faults, kept = [], [], {}
    for row in table.records(wanted.kept):
        if isinstance(row, Fault):
            faults.append(row)
            continue
        members.append(CohortMember(MemberId(row.record_id), MemberStatus.AT_RISK, row.identity))
        if row.kept:
            kept[row.record_id] = row.kept
    return Cohort(() if faults else members, faults, table.notices, kept, table.columns)


def _live_cohort(path: Path, mapping: TableMapping | None) -> FileFormat | None:
    """The cohort's own format, if the file is in it: it says each person's status, and the mapping names none of it."""
    opened = open_table(path)
    names = set(opened.columns)
    if mapping is not None and names.intersection(mapping.columns):
        return None
    if path.suffix.lower() in {".parquet", ".pq"}:
        return None
    if {"member_id", "status"} <= names:
        return FileFormat.CSV if path.suffix.lower() not in {".ndjson", ".jsonl", ".json"} else FileFormat.NDJSON
    return None


class EventSource:
    """The other side, row by row and as often as wanted."""

    def __init__(self, files: Files, policies: Policies, now: datetime, wanted: Wanted = Wanted()) -> None:
        self._files = files
        self._policies = policies
        self._now = now
        self._wanted = wanted
        self._table = None if self._is_live() else _people(files.events, self._mapping(), Side.EVENTS, wanted)
        self.faults: Sequence[Fault] = self._table.faults if self._table else ()
        self.notices: Sequence[str] = self._table.notices if self._table else ()
        self.columns: Sequence[str] = self._table.columns if self._table else ()

    @property
    def is_table(self) -> bool:
        """Whether the events are rows of a table, so that their ids are the table's own."""
        return self._table is not None

    def _mapping(self) -> TableMapping | None:
        return self._files.events_mapping or self._files.mapping

    def _is_live(self) -> bool:
        path = self._files.events
        if path.suffix.lower() == ".hl7":
            return True
        if path.suffix.lower() in {".parquet", ".pq", ".csv", ".tsv", ".txt"} or self._files.events_mapping is not None:
            return False
        return _looks_like_envelope(path, self._files.mapping)

    def rows(self) -> Iterator[EventRow | Fault]:
        """Every event; what cannot be read is a fault with its line or record number."""
        if self._table is not None:
            for row in self._table.records(self._wanted.kept):
                yield row if isinstance(row, Fault) else EventRow(self._event(row), row.record_id, row.kept)
            return
        path = self._files.events
        feed = Feed.ED if path.suffix.lower() == ".hl7" else self._files.feed
        with path.open("rb") as stream:
            for result, _ in read_file(feed, stream, path.name, policies=self._policies, now=self._now):
                if isinstance(result, Event):
                    yield EventRow(result, result.source_key, {})
                elif isinstance(result, Rejected):
                    yield Fault(result.where.record or 0, "", f"is refused: {result.reason.value}: {result.detail}")

    def _event(self, row: TableRecord) -> Event:
        """A row is an event about one person; kind and time are nobody's business here."""
        return Event(
            event_id=EventId(row.record_id),
            kind=Kind.PERSON_LINKED,
            feed=self._files.feed,
            source_system="table",
            source_key=row.record_id,
            occurred_at=self._now,
            received_at=self._now,
            mentions=(Mention(_TABLE_MENTION, None, row.identity),),
        )


def _people(path: Path, mapping: TableMapping | None, side: Side, wanted: Wanted) -> PeopleTable:
    also = wanted.also(open_table(path).columns) if wanted.as_written else ()
    return open_people(path, mapping, side=side, as_written=bool(wanted.as_written), also=also)


def _looks_like_envelope(path: Path, mapping: TableMapping | None) -> bool:
    """Whether the first line has what every record of a feed has, and no column that is mapped.

    A line that is no JSON object is for the feed to tell about, unless there is a mapping.
    """
    with path.open("rb") as stream:
        for line in stream:
            if line.strip():
                try:
                    record = msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"))
                except (msgspec.MsgspecError, UnicodeError, RecursionError):
                    return mapping is None
                if not isinstance(record, dict):
                    return mapping is None
                mapped = mapping is not None and any(column in record for column in mapping.columns)
                return not mapped and bool({"kind", "source_key", "occurred_at"} & record.keys())
    return mapping is None


_REMEMBERED = 100_000
"""Members kept unpacked, at some 3 kB each: a table asks for the same ones again and again."""


@dataclass(frozen=True, slots=True)
class Linker:
    """A cohort, a model and a policy, ready to score events. `threshold` decides where it is given.

    With the shipped model decisions are the live service's. A model of one's own has its prior in the weight, so a
    pair at or above `threshold` (0 unless told otherwise: more likely than not) is a MATCH; hard vetoes stand.
    """

    index: CohortIndex
    model: MatchModel
    policy: MatchPolicy
    threshold: float | None
    skip_own: bool = False

    def pairs(self, event: Event) -> list[Match]:
        """Every candidate pair of the event, heaviest first."""
        found = score_all(event, self.index, self.policy, self.model)
        if self.skip_own:
            found = tuple(match for match in found if str(match.member_id) != str(match.event_id))
        if self.threshold is not None:
            found = tuple(decided(match, self.threshold) for match in found)
        elif not self.skip_own:
            found = self._as_live(event, found)
        return sorted(found, key=lambda match: -match.match_weight)

    def _as_live(self, event: Event, found: tuple[Match, ...]) -> tuple[Match, ...]:
        """The pairs as the service settles them: how far the next member is behind counts there, as do relatives."""
        live = match_event(event, self.index, self.policy, self.model)
        settled = {(match.mention, match.member_id): match for match in live}
        return tuple(settled.get((match.mention, match.member_id), match) for match in found)


def decided(match: Match, threshold: float) -> Match:
    """The match decided by its weight alone, hard vetoes apart."""
    if match.reason in _FORBIDDEN:
        return match
    if match.match_weight < threshold and match.reason is MatchReason.TOO_LIGHT:
        return match  # nearly always, and as it should be
    if match.match_weight >= threshold:
        return replace(match, decision=MatchDecision.MATCH, reason=MatchReason.WEIGHT)
    return replace(match, decision=MatchDecision.NONE, reason=MatchReason.TOO_LIGHT)


def make_linker(
    members: Iterable[CohortMember],
    policy: MatchPolicy,
    model: MatchModel | None,
    *,
    threshold: float | None,
    skip_own: bool = False,
) -> Linker:
    """A linker over `members`; `model` is the shipped one where None."""
    used = model or policy.model or default_model()
    if model is not None:
        policy = replace(policy, prevalence=None)
        threshold = 0.0 if threshold is None else threshold
    index = CohortIndex.build(members, 1, used.keys)
    index.remembers = _REMEMBERED
    return Linker(index, used, policy, threshold, skip_own)


def columns_of(files: Files) -> dict[str, str]:
    """What a model that names columns means: column -> our field or `extra.<name>`, as the mappings say.

    A column that is not mapped is an extra by its own name: it is compared as it is written.
    """
    turned: dict[str, str] = {}
    for path, mapping in ((files.events, files.events_mapping), (files.cohort, files.mapping)):
        if path.suffix.lower() != ".hl7":
            turned |= {column: f"extra.{column}" for column in open_table(path).columns if column not in turned}
        if mapping is not None:
            for names, prefix in ((mapping.fields, ""), (mapping.extra, "extra.")):
                turned |= {column: prefix + name for name, columns in names.items() for column in columns}
    return turned


def distinct(paths: Collection[Path | None], to: Path) -> bool:
    """Whether `to` is none of the inputs."""
    return not to.exists() or not any(path is not None and path.exists() and to.samefile(path) for path in paths)
