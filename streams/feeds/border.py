"""The border schema of the envelope (domain.md section 11, design.md section 6): what a record may look like, once.

msgspec decodes these types on the hot path (limits.md part B section 2) and explain.py walks the same types to tell
all faults of a record, so the two cannot drift apart. The attribute types are made from domain/attributes.py.
Only shapes live here; what the values mean together is decided in envelope.py.
"""

import types
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from domain.attributes import ATTRIBUTES_BY_KIND, Attributes, CrimeAttributes, Grade, Handling
from domain.events import Regime
from domain.identity import NameKind, Scheme
from domain.kinds import Feed, Kind, Role
from streams.feeds.border_values import Birth, Extras, GradeWord, MarkingWord, Moment, SexWord

Key = Annotated[str, msgspec.Meta(max_length=200)]
Word = Annotated[str, msgspec.Meta(max_length=200)]
Line = Annotated[str, msgspec.Meta(max_length=500)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Several = msgspec.Meta(max_length=50)  # values of one field of one person or one attribute


class NameIn(msgspec.Struct, forbid_unknown_fields=True):
    """One name. `given` is a list in order, or one text with blanks."""

    given: Word | tuple[Word, ...] | None = None
    family: Word | None = None
    kind: NameKind | None = None


class IdentifierIn(msgspec.Struct, forbid_unknown_fields=True):
    """An identifier; a local scheme without a system belongs to the record's source system."""

    scheme: Scheme
    value: Word
    system: Word | None = None
    verified: bool | None = None


class PersonIn(msgspec.Struct, forbid_unknown_fields=True):
    """Identity of a mention, and the flat `demographics`; `dobs` is the flat shape's name for `dates_of_birth`."""

    names: Annotated[tuple[Word | NameIn, ...], Several] | None = None
    dates_of_birth: Annotated[tuple[Birth, ...], Several] | None = None
    dobs: Annotated[tuple[Birth, ...], Several] | None = None
    sex: SexWord | None = None
    identifiers: Annotated[tuple[IdentifierIn, ...], Several] | None = None
    postcodes: Annotated[tuple[Word, ...], Several] | None = None
    addresses: Annotated[tuple[Line, ...], Several] | None = None
    phones: Annotated[tuple[Word, ...], Several] | None = None
    emails: Annotated[tuple[Line, ...], Several] | None = None
    unknown: bool | None = None
    deceased: bool | None = None
    multiple_birth: bool | None = None
    extra: Extras | None = None


class MentionIn(msgspec.Struct, forbid_unknown_fields=True):
    """A person named in the record."""

    ref: Key | int | None = None
    role: Role | None = None
    identity: PersonIn | None = None
    member_id: Key | None = None


class PlaceIn(msgspec.Struct, forbid_unknown_fields=True):
    """Where it happened. Latitude and longitude in degrees (WGS 84)."""

    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    lsoa: Word | None = None
    address_key: Word | None = None
    postcode: Word | None = None
    force_area: Word | None = None


class RetractsIn(msgspec.Struct, forbid_unknown_fields=True):
    """The record taken back, named as its sender named it."""

    source_key: Key
    kind: Kind
    source_system: Key | None = None
    version: Key | int | None = None


class ProvenanceIn(msgspec.Struct, forbid_unknown_fields=True):
    """Accepted so that our own export can be read back; only `live: false` (test traffic) is believed."""

    channel: Word | None = None
    source: Word | None = None
    position: Count | None = None
    live: bool | None = None


class RecordIn(msgspec.Struct, forbid_unknown_fields=True):
    """The envelope. People come as `mentions`, or flat as `person_refs`, `demographics`, `role`, `member_id`.

    `event_id` and `received_at` are accepted and not believed: both are ours to say.
    """

    kind: Kind
    source_system: Key
    source_key: Key
    occurred_at: Moment
    feed: Feed | None = None
    version: Key | int | None = None
    sequence: Count | None = None
    recorded_at: Moment | None = None
    mentions: Annotated[tuple[MentionIn, ...], msgspec.Meta(max_length=200)] | None = None
    person_refs: Annotated[tuple[IdentifierIn, ...], Several] | None = None
    demographics: PersonIn | None = None
    role: Role | None = None
    member_id: Key | None = None
    place: PlaceIn | None = None
    attributes: msgspec.Raw = msgspec.Raw()
    regime: Regime | None = None
    marking: MarkingWord | None = None
    handling: Handling | None = None
    retracts: Key | RetractsIn | None = None
    event_id: Key | None = None
    received_at: Word | None = None
    provenance: ProvenanceIn | None = None


_PLAIN_TYPES: dict[Any, Any] = {
    datetime: Moment,
    Grade: GradeWord,
    str: Word,
    int: Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31)],
}


def _border_type(hint: Any) -> Any:
    """A field's type as it arrives: times and grades by their readers, texts and lists with a bound."""
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        return _border_type(next(part for part in get_args(hint) if part is not type(None)))
    if origin is tuple:
        item = _border_type(get_args(hint)[0])
        return Annotated[tuple[item, ...], Several]  # type: ignore[valid-type]
    return _PLAIN_TYPES.get(hint, hint)


def attributes_in(attributes: type[Attributes]) -> type[msgspec.Struct]:
    """The border type of an attribute dataclass: the same fields, each of which may be left out or null."""
    hints = get_type_hints(attributes)
    members = [(part.name, _border_type(hints[part.name]) | None, None) for part in fields(attributes)]
    if attributes is CrimeAttributes:
        members.append(("group", Word | None, None))  # of a crime without its code; kept as one (attributes.py)
    return msgspec.defstruct(f"{attributes.__name__}In", members, forbid_unknown_fields=True)


_IN_BY_OWN = {own: attributes_in(own) for own in set(ATTRIBUTES_BY_KIND.values())}
ATTRIBUTES_IN: dict[Kind, type[msgspec.Struct]] = {kind: _IN_BY_OWN[own] for kind, own in ATTRIBUTES_BY_KIND.items()}
"""The border type of the attributes of each kind."""
