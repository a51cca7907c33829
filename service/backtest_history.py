"""Any NDJSON as history: one matched event to a line, put into archive files of its own, so that one way reads both.

A line is either what `reachpoint archive export` writes, or the envelope's fields with `member_id` (whose history it
enters); docs/backtest.md shows both. Who the people are says the cohort file.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cohort.importing import FileFormat, read_members
from domain.attributes import ATTRIBUTES_BY_KIND
from domain.errors import ConfigError, FeedError
from domain.events import Event, Place
from domain.ids import MemberId, digest, event_id
from domain.kinds import Feed, Kind, Role, natural_role
from domain.matches import Relation
from domain.people import CohortMember
from service.backtest_cohort import without_groups
from service.backtest_faults import check_moments, word_of, words_of, wrong
from streams import codec
from streams.archive import Archived, facts_of
from streams.archive_parquet import ParquetArchive
from triggers.history import entry_of

_AT_ONCE = 20_000
_MOST_FAULTS = 20
_Part = TypeVar("_Part")
_NO_OBJECT = "it is not one JSON object in braces, as the page docs/backtest.md shows them"
_ENVELOPE = ("occurred_at", "received_at", "recorded_at")


def cohort_of(file: Path) -> dict[MemberId, CohortMember]:
    """The people of a cohort file by id, without their ethnicity. Raises ConfigError with its faults."""
    form = FileFormat.CSV if file.suffix.lower() == ".csv" else FileFormat.NDJSON
    with without_groups(file) as stream:
        found = read_members(stream, form)
    if found.faults:
        told = "; ".join(str(fault) for fault in found.faults[:_MOST_FAULTS])
        raise ConfigError(f"The cohort file has faults: {told}")
    return {member.member_id: member for member in found.records}


def archived_from(file: Path, people: Mapping[MemberId, CohortMember], folder: Path) -> ParquetArchive:
    """The history of an NDJSON file as an archive in `folder`. Raises ConfigError with the faulty lines; of people whom
    the cohort file does not know nothing is taken."""
    archive, waiting = ParquetArchive(folder), list[Archived]()
    archive.prepare()
    for record in _records(file, people):
        waiting.append(record)
        if len(waiting) >= _AT_ONCE:
            archive.write(waiting, ())
            waiting.clear()
    archive.write(waiting, ())
    archive.merge()
    return archive


def _records(file: Path, people: Mapping[MemberId, CohortMember]) -> Iterator[Archived]:
    orders: Counter[str] = Counter()
    faults: list[str] = []
    with file.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                record = _record(line, people, orders)
            except (FeedError, msgspec.MsgspecError, ValueError) as error:
                faults.append(f"line {number}: {_words(error)}")
                if len(faults) >= _MOST_FAULTS:
                    break
                continue
            if record is not None and not faults:
                yield record
    if faults:
        raise ConfigError(f"The history {file.name} has faults: {'; '.join(faults)}")


def _words(error: Exception) -> str:
    """What is wrong, without the value that is."""
    if isinstance(error, FeedError):
        return str(error)
    if isinstance(error, msgspec.ValidationError):
        return words_of(error, owner=Event)
    return _NO_OBJECT


def _record(line: bytes, people: Mapping[MemberId, CohortMember], orders: Counter[str]) -> Archived | None:
    said = msgspec.json.decode(line)
    if not isinstance(said, dict):
        raise FeedError(_NO_OBJECT)
    if "record_id" in said and "facts" in said:
        return codec.decode_archived(line)
    listener = said.get("member_id")
    if not isinstance(listener, str) or not listener:
        raise wrong("member_id", "is missing: it says in whose history this stands")
    member = people.get(MemberId(listener))
    if member is None:
        return None
    orders[listener] += 1
    event = _event(said)
    subject = said.get("subject") or listener
    own = Relation.SELF if subject == listener else Relation.ASSOCIATE
    role = word_of(Role, said["role"], "role") if said.get("role") else natural_role(event.kind)
    relation = word_of(Relation, said["relation"], "relation") if said.get("relation") else own
    entry = entry_of(event, subject=str(subject), relation=relation, role=role)
    return Archived(
        record_id=digest("history", event.event_id, listener, str(subject), role.value if role else ""),
        member_id=member.member_id,
        order=orders[listener],
        decided_at=event.received_at,
        disposition="",
        rules="",
        facts=facts_of(member),
        entry=entry,
    )


def _event(said: dict[str, Any]) -> Event:
    if not said.get("kind"):
        raise wrong("kind", "is missing: it says what happened, like ed.arrival")
    kind = word_of(Kind, said["kind"], "kind")
    feed = kind.feed or (word_of(Feed, said["feed"], "feed") if said.get("feed") else None)
    if feed is None:
        raise wrong("feed", "is missing: for this kind it says who told it")
    key = str(said.get("source_key") or said.get("event_id") or "")
    if not key:
        raise wrong("source_key", "is missing: it is the sender's own number of the record")
    if not said.get("occurred_at"):
        raise wrong("occurred_at", "is missing: it says when it happened")
    check_moments(said, _ENVELOPE)
    system, version = str(said.get("source_system") or feed), str(said.get("version") or "1")
    own = event_id(feed=str(feed), source_system=system, source_key=key, kind=kind.value, version=version)
    values: dict[str, Any] = {
        "event_id": said.get("event_id") or own,
        "kind": kind.value,
        "feed": str(feed),
        "source_system": system,
        "source_key": key,
        "version": version,
        "occurred_at": said["occurred_at"],
        "received_at": said.get("received_at") or said["occurred_at"],
        "recorded_at": said.get("recorded_at"),
        "sequence": said.get("sequence"),
        "handling": said.get("handling") or "NONE",
        "retracts": said.get("retracts"),
        "attributes": {},
    }
    event = codec.decode_event(msgspec.json.encode(values))
    attributes = _part(said.get("attributes") or {}, ATTRIBUTES_BY_KIND[kind], "attributes")
    place = _part(said["place"], Place, "place") if said.get("place") else None
    return replace(event, attributes=attributes, place=place)


def _part(value: object, kind: type[_Part], field: str) -> _Part:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise FeedError(words_of(error, field, kind)) from None
