"""The envelope of domain.md section 11 as JSON: bytes of one record in, an Event or a Rejected out.

Two passes: typed decoding by msgspec takes a good record; only a record that it refuses is decoded again and walked by
explain.py, so that its sender hears of all faults at once. No message holds a value of the record.
The order of the checks, and what a record means, are here; shapes are in border.py.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from domain.attributes import ATTRIBUTES_BY_KIND, CrimeAttributes, Handling, IntelAttributes
from domain.events import Event, Marking, Mention, Place, Provenance, Regime
from domain.ids import EventId, event_id
from domain.kinds import Feed, Kind
from streams.feeds.attributes import attributes_of
from streams.feeds.border import ATTRIBUTES_IN, PlaceIn, RecordIn, RetractsIn
from streams.feeds.border_values import border_hook
from streams.feeds.explain import Fault, RecordWalk, told
from streams.feeds.intel_grades import most_cautious
from streams.feeds.mentions import clean, mentions_of
from streams.feeds.outcome import Rejected, RejectReason, Where
from streams.feeds.record_json import ENCODER, decoded, fault_before_decoding, is_sound
from streams.feeds.record_policy import DEFAULT_POLICY, Origin, RecordPolicy, make_origin
from streams.making import maker

KEPT_OF_TOO_LARGE = 64 * 1024
"""Bytes of an oversize record that quarantine keeps."""


def parse_record(
    raw: bytes,
    *,
    feed: Feed,
    received_at: datetime,
    channel: str = "",
    source: str = "",
    position: int | None = None,
    policy: RecordPolicy = DEFAULT_POLICY,
) -> Event | Rejected:
    """The event that `raw` (one JSON object) tells, or why it cannot be taken; never raises on any bytes.

    `feed` is the endpoint the record came by. The detail of a Rejected lists every fault as "field: problem; ...".
    """
    origin = make_origin(feed, received_at, channel, source, position)
    return parse_counted(raw, origin, policy)[0]


def parse_counted(raw: bytes, origin: Origin, policy: RecordPolicy) -> tuple[Event | Rejected, int]:
    """Like `parse_record`, with the number of unknown fields that were dropped (policy.drop_unknown)."""
    event, faults, dropped = read_record(raw, origin, policy)
    return (event, dropped) if event is not None else (rejected(faults, raw, origin, policy), 0)


def rejected(faults: list[Fault], raw: bytes, origin: Origin, policy: RecordPolicy) -> Rejected:
    """One Rejected for all faults of a record; its reason is the gravest's, else the first's."""
    main = min(faults, key=_gravity)
    kept = raw if main.reason is not RejectReason.TOO_LARGE else raw[:KEPT_OF_TOO_LARGE]
    if main.reason is RejectReason.MARKING_TOO_HIGH and not policy.keep_overmarked:
        kept = b""
    return Rejected(
        reason=main.reason,
        detail=told(faults),
        feed=origin.feed,
        raw=kept,
        where=Where(record=origin.position, field=main.path),
        channel=origin.channel,
        source=origin.source,
        content_type=origin.content_type,
    )


_GRAVEST_FIRST = (RejectReason.MARKING_TOO_HIGH, RejectReason.WRONG_FEED, RejectReason.UNKNOWN_KIND)


def _gravity(fault: Fault) -> int:
    return _GRAVEST_FIRST.index(fault.reason) if fault.reason in _GRAVEST_FIRST else len(_GRAVEST_FIRST)


Reading = tuple[Event | None, list[Fault], int]
"""An event or its faults, and how many unknown fields were dropped."""


def read_record(raw: bytes, origin: Origin, policy: RecordPolicy) -> Reading:
    """Both passes over one record; for readers that word the refusal themselves (tables.py)."""
    if (early := fault_before_decoding(raw, policy)) is not None:
        return None, [early], 0
    try:
        record = _RECORD.decode(raw)
        said = _ATTRIBUTES[record.kind].decode(record.attributes) if bytes(record.attributes) else None
        if is_sound(raw):
            event, faults = _event(record, said, origin, policy)
            return event, faults, 0
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    return _explain(raw, origin, policy)


_make_event, _make_place, _make_provenance = maker(Event), maker(Place), maker(Provenance)
_RECORD = msgspec.json.Decoder(RecordIn, dec_hook=border_hook)
_FEEDS: dict[Kind, Feed | None] = {kind: kind.feed for kind in Kind}
_ATTRIBUTES: dict[Kind, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(shape | None, dec_hook=border_hook) for kind, shape in ATTRIBUTES_IN.items()
}


def _explain(raw: bytes, origin: Origin, policy: RecordPolicy) -> Reading:
    value, fault = decoded(raw, policy)
    if fault is not None:
        return None, [fault], 0
    walk = RecordWalk(origin.feed)
    kind = _kind_of(value)
    sound = walk.visit(value, RecordIn, "")
    attributes = value.get("attributes")
    if kind is not None and attributes is not None and not walk.visit(attributes, ATTRIBUTES_IN[kind], "attributes"):
        del value["attributes"]
    faults = walk.faults
    event: Event | None = None
    if sound:
        event, more = _event_of_rest(value, origin, policy)
        known = {known.path for known in faults}
        faults += [fault for fault in more if fault.path not in known]
    unknown_only = all(fault.reason is RejectReason.UNKNOWN_FIELD for fault in faults)
    if event is not None and unknown_only and (policy.drop_unknown or not faults):
        return event, [], walk.unknown
    return None, faults or [Fault("", RejectReason.NOT_PARSEABLE, "cannot be read")], 0


def _event_of_rest(value: dict[str, Any], origin: Origin, policy: RecordPolicy) -> tuple[Event | None, list[Fault]]:
    """The event of a record whose faulty parts were taken out, so that what the parts mean together is checked too."""
    try:
        record = _RECORD.decode(ENCODER.encode(value))
        said = _ATTRIBUTES[record.kind].decode(record.attributes) if bytes(record.attributes) else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None, []
    return _event(record, said, origin, policy)


def _kind_of(value: dict[str, Any]) -> Kind | None:
    said = value.get("kind")
    return Kind(said) if isinstance(said, str) and said in set(Kind) else None


def _event(
    record: RecordIn, said: msgspec.Struct | None, origin: Origin, policy: RecordPolicy
) -> tuple[Event | None, list[Fault]]:
    """What the record means; the faults are those that no single field shows."""
    faults: list[Fault] = []
    latest = origin.received_at + policy.future_tolerance
    occurred_at = record.occurred_at.at
    system, key, version = clean(record.source_system), clean(record.source_key), _text(record.version) or "1"
    _check_envelope(record, origin.feed, latest, faults, named=bool(system and key))
    own = ATTRIBUTES_BY_KIND[record.kind]
    ours = record.provenance is not None and record.provenance.channel is not None
    attributes = (
        attributes_of(said, own, kind=record.kind, on=occurred_at.date(), latest=latest, faults=faults, ours=ours)
        if said is not None
        else own()
    )
    if said is None and record.kind is Kind.STATUS_CHANGED:
        faults.append(Fault("attributes.status", RejectReason.MISSING_FIELD, "is missing"))
    mentions = mentions_of(record, origin.feed, latest=latest, faults=faults)
    if record.kind is Kind.CRIME_ROLE_REMOVED and isinstance(attributes, CrimeAttributes):
        attributes = _role_removed(attributes, mentions, faults)
    if faults:
        return None, faults
    handling = record.handling or Handling.NONE
    if isinstance(attributes, IntelAttributes):
        handling = most_cautious(handling, attributes.grade.handling)
    event = _make_event(
        event_id=event_id(feed=origin.feed, source_system=system, source_key=key, kind=record.kind, version=version),
        kind=record.kind,
        feed=origin.feed,
        source_system=system,
        source_key=key,
        occurred_at=occurred_at,
        received_at=origin.received_at,
        recorded_at=record.recorded_at.at if record.recorded_at is not None else None,
        version=version,
        sequence=record.sequence,
        mentions=mentions,
        place=_place(record.place) if record.place is not None else None,
        attributes=attributes,
        regime=record.regime or Regime.PART2,
        marking=record.marking.said if record.marking is not None else Marking.OFFICIAL,
        handling=handling,
        retracts=_retracted(record.retracts, origin.feed, system),
        provenance=_make_provenance(
            channel=origin.channel,
            source=origin.source,
            position=origin.position,
            live=record.provenance is None or record.provenance.live is not False,
        ),
    )
    return event, []


def _role_removed(attributes: CrimeAttributes, mentions: tuple[Mention, ...], faults: list[Fault]) -> CrimeAttributes:
    """The role taken away: as the attributes say, else the one role that the mentions have."""
    if attributes.role_removed is not None:
        return attributes
    roles = {mention.role for mention in mentions} - {None}
    if len(roles) != 1:
        problem = "say which role was removed, here or as the role of the mention"
        faults.append(Fault("attributes.role_removed", RejectReason.MISSING_FIELD, problem))
        return attributes
    return replace(attributes, role_removed=roles.pop())


def _check_envelope(record: RecordIn, feed: Feed, latest: datetime, faults: list[Fault], *, named: bool) -> None:
    for name in () if named else ("source_system", "source_key"):
        if not clean(getattr(record, name)):
            faults.append(Fault(name, RejectReason.MISSING_FIELD, "is empty"))
    if _FEEDS[record.kind] not in (None, feed):
        faults.append(Fault("kind", RejectReason.WRONG_FEED, f"not a kind of the {feed} feed"))
    if record.feed not in (None, feed):
        faults.append(Fault("feed", RejectReason.WRONG_FEED, f"sent to the {feed} feed"))
    if record.occurred_at.at > latest:
        faults.append(Fault("occurred_at", RejectReason.FUTURE_DATE, "lies in the future"))
    if record.recorded_at is not None and record.recorded_at.at > latest:
        faults.append(Fault("recorded_at", RejectReason.FUTURE_DATE, "lies in the future"))
    if record.kind is Kind.RECORD_RETRACTED and record.retracts is None:
        faults.append(Fault("retracts", RejectReason.MISSING_FIELD, "must name the record taken back"))


def _retracted(said: str | RetractsIn | None, feed: Feed, system: str) -> EventId | None:
    if said is None:
        return None
    if isinstance(said, str):
        return EventId(clean(said)) if clean(said) else None
    return event_id(
        feed=(said.kind.feed or feed).value,
        source_system=clean(said.source_system) or system,
        source_key=clean(said.source_key),
        kind=said.kind.value,
        version=_text(said.version) or "1",
    )


def _place(said: PlaceIn) -> Place:
    return _make_place(
        lat=said.lat,
        lon=said.lon,
        lsoa=(clean(said.lsoa) or None) if said.lsoa else None,
        address_key=(clean(said.address_key) or None) if said.address_key else None,
        postcode=(clean(said.postcode) or None) if said.postcode else None,
        force_area=(clean(said.force_area) or None) if said.force_area else None,
    )


def _text(value: str | int | None) -> str:
    return clean(str(value)) if value is not None else ""
