"""Values to bytes and back, in one place: JSON by msgspec for everything that is stored or sent between our processes.

The vocabulary stays in domain/; only this file knows how it is written down (limits.md part B section 2: msgspec
1.0 us, pydantic 4.8 us an event). Decoding here trusts what we wrote ourselves and ignores unknown fields, so that an
older version can read a newer one's data; the border's strict checks are in streams/feeds.
"""

import dataclasses
import hashlib
import typing
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from domain.attributes import ATTRIBUTES_BY_KIND, NONE_STATED, Attributes
from domain.events import Event
from domain.kinds import Kind
from streams.archive import Archived, ArchivedFiring, Facts
from streams.audit import AuditEntry
from streams.making import maker
from streams.messages import HeldIntel, Matched, ParkedAmendment, PersonState, QuarantineItem, ReviewItem
from streams.remembering import Remembered
from streams.reviews import ReviewCase
from triggers.history import HistoryEntry

_T = TypeVar("_T")
_encoder = msgspec.json.Encoder()
_attribute_decoders: dict[Kind, msgspec.json.Decoder[Attributes]] = {
    kind: msgspec.json.Decoder(cls) for kind, cls in ATTRIBUTES_BY_KIND.items()
}


def _stored(cls: type, swaps: dict[str, Any]) -> Any:
    """A struct that decodes what encoding `cls` wrote, with some fields read as another type.

    msgspec cannot tell the dataclasses of a union apart; the attributes are therefore left raw until the kind is known.
    """
    hints = typing.get_type_hints(cls)
    fields: list[Any] = []
    for spec in dataclasses.fields(cls):
        kind = swaps.get(spec.name, hints[spec.name])
        if (
            kind is msgspec.Raw or spec.default is dataclasses.MISSING
        ):  # what was written before had it, or needs it not
            fields.append((spec.name, kind))
        else:
            fields.append((spec.name, kind, spec.default))
    return msgspec.defstruct(f"Stored{cls.__name__}", fields, kw_only=True)


_StoredEvent: Any = _stored(Event, {"attributes": msgspec.Raw})
_StoredEntry: Any = _stored(HistoryEntry, {"attributes": msgspec.Raw})
_Entries: Any = tuple.__class_getitem__((_StoredEntry, ...))


def _reviver(cls: type) -> Callable[[Any], Any]:
    """From a stored struct to the value of `cls`, whose attributes are decoded by the kind beside them.

    Written out field by field once: looping over names took half of the time of decoding an event.
    """
    parts = ", ".join(
        "decoders[stored.kind].decode(stored.attributes)" if spec.name == "attributes" else f"stored.{spec.name}"
        for spec in dataclasses.fields(cls)
    )
    scope = {"make": maker(cls), "decoders": _attribute_decoders}
    revive: Callable[[Any], Any] = eval(f"lambda stored: make({parts})", scope)  # noqa: S307 - our own field names
    return revive


_event: Callable[[Any], Event] = _reviver(Event)
_entry: Callable[[Any], HistoryEntry] = _reviver(HistoryEntry)

_event_decoder = msgspec.json.Decoder(_StoredEvent)
_matched_decoder = msgspec.json.Decoder(_stored(Matched, {"event": _StoredEvent, "extra": _Entries}))
_person_decoder = msgspec.json.Decoder(_stored(PersonState, {"history": _Entries, "gone": _Entries}))
_parked_decoder = msgspec.json.Decoder(_stored(ParkedAmendment, {"event": _StoredEvent}))
_review_decoder = msgspec.json.Decoder(_stored(ReviewItem, {"event": _StoredEvent}))
_quarantine_decoder = msgspec.json.Decoder(QuarantineItem)
_held_decoder = msgspec.json.Decoder(HeldIntel)
_case_decoder = msgspec.json.Decoder(ReviewCase)
_remembered_decoder = msgspec.json.Decoder(Remembered)
_audit_decoder = msgspec.json.Decoder(AuditEntry)
_archived_swaps: dict[str, Any] = {"entry": _StoredEntry | None, "extra": _Entries}
_archived_decoder = msgspec.json.Decoder(_stored(Archived, _archived_swaps))
_Judged: Any = msgspec.defstruct(
    "JudgedAgain",
    [
        ("record_id", str),
        ("decided_at", datetime),
        ("facts", msgspec.Raw),
        ("entry", _archived_swaps["entry"], None),
        ("extra", _archived_swaps["extra"], ()),
        ("ruling", str, ""),
        ("found", bool, False),
        ("firings", msgspec.Raw, msgspec.Raw(b"[]")),
    ],
    kw_only=True,
)
"""What of an `Archived` a backtest reads; whatever else is written of it is passed over."""
_records_decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list.__class_getitem__(_Judged))
_facts_decoder = msgspec.json.Decoder(Facts)
_firings_decoder = msgspec.json.Decoder(tuple[ArchivedFiring, ...])


def encode(value: object) -> bytes:
    """Any of our values as JSON bytes; equal values give equal bytes."""
    return _encoder.encode(value)


def decode_event(raw: bytes) -> Event:
    """An Event from `encode`. Raises msgspec.DecodeError on bytes that we did not write."""
    return _event(_event_decoder.decode(raw))


def decode_matched(raw: bytes) -> Matched:
    """A Matched from `encode`."""
    return _revive(Matched, _matched_decoder.decode(raw))


def decode_person(raw: bytes) -> PersonState:
    """A PersonState from `encode`."""
    return _revive(PersonState, _person_decoder.decode(raw))


def decode_parked(raw: bytes) -> ParkedAmendment:
    """A ParkedAmendment from `encode`."""
    return _revive(ParkedAmendment, _parked_decoder.decode(raw))


def decode_review(raw: bytes) -> ReviewItem:
    """A ReviewItem from `encode`."""
    return _revive(ReviewItem, _review_decoder.decode(raw))


def decode_quarantine(raw: bytes) -> QuarantineItem:
    """A QuarantineItem from `encode`."""
    return _quarantine_decoder.decode(raw)


def decode_held(raw: bytes) -> HeldIntel:
    """A HeldIntel from `encode`."""
    return _held_decoder.decode(raw)


def decode_case(raw: bytes) -> ReviewCase:
    """A ReviewCase from `encode`."""
    return _case_decoder.decode(raw)


def decode_remembered(raw: bytes) -> Remembered:
    """A Remembered from `encode`."""
    return _remembered_decoder.decode(raw)


def decode_audit(raw: bytes) -> AuditEntry:
    """An AuditEntry from `encode`."""
    return _audit_decoder.decode(raw)


def decode_archived(raw: bytes) -> Archived:
    """An Archived from `encode`."""
    return _revive(Archived, _archived_decoder.decode(raw))


def decode_records(raw: str | bytes) -> list[Any]:
    """Archived records from a JSON array of them, for judging many again: only what that reads. Facts and firings are
    left as bytes, to be read where they differ from the record before or are asked for; entries are left to
    `entry_of_stored`. What is empty or false may be left out."""
    return _records_decoder.decode(raw)


def entry_of_stored(stored: Any) -> HistoryEntry:
    """The entry of a record from `decode_records`."""
    return _entry(stored)


def decode_facts(raw: bytes | msgspec.Raw) -> Facts:
    """Facts from `encode`."""
    return _facts_decoder.decode(raw)


def first_fired(raw: bytes | msgspec.Raw) -> datetime | None:
    """When the first of a record's firings fired; None where there are none."""
    return min((firing.fired_at for firing in _firings_decoder.decode(raw)), default=None)


def content_digest(event: Event) -> str:
    """16 hex digits over what the source said: the same message sent again has the same digest.

    Leaves out when and where we received it, and when the sender says it sent it (a resend may carry a new time).
    """
    said = (
        event.occurred_at,
        event.sequence,
        event.mentions,
        event.place,
        event.attributes,
        event.regime,
        event.marking,
        event.handling,
        event.retracts,
        event.provenance.live,
    )
    written = _encoder.encode(said).replace(_NONE_STATED, b"[]")
    return hashlib.blake2b(written, digest_size=8).hexdigest()


_NONE_STATED = _encoder.encode(NONE_STATED)
"""Left out of digests: what came before lists could be stated to be empty is still the same when it comes again."""


def _revive(cls: type[_T], stored: Any) -> _T:
    values: dict[str, Any] = {}
    for spec in dataclasses.fields(cls):  # type: ignore[arg-type]
        value = getattr(stored, spec.name)
        if spec.name == "event":
            value = _event(value)
        elif spec.name in ("extra", "history", "gone"):
            value = tuple(_entry(item) for item in value)
        elif spec.name == "entry" and value is not None:
            value = _entry(value)
        values[spec.name] = value
    return cls(**values)
