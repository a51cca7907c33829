"""The canonical event (domain.md section 11): one envelope for every feed, whose attributes go by kind.

Times: `occurred_at` it happened, `recorded_at` they wrote it down, `received_at` we got it. All aware UTC.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.attributes import Attributes, CustodyAttributes, EdAttributes, Handling, MissingAttributes, NoAttributes
from domain.identity import Identity
from domain.ids import EventId, OccurrenceKey
from domain.kinds import Feed, Kind, Role


class Regime(StrEnum):
    """DPA 2018 Part 2 (general) or Part 3 (law enforcement)."""

    PART2 = "part2"
    PART3 = "part3"


class Marking(StrEnum):
    """Government security marking; anything above is refused at intake."""

    OFFICIAL = "OFFICIAL"
    OFFICIAL_SENSITIVE = "OFFICIAL-SENSITIVE"


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happened, as coarse as the source gave it."""

    lat: float | None = field(default=None, repr=False)
    lon: float | None = field(default=None, repr=False)
    lsoa: str | None = None
    address_key: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)
    force_area: str | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """A person named in an event. `ref` tells mentions of one event apart ('1', '2' ... if the source has none).

    `member_id` is set only by programme events, which name their client by the programme's own id.
    """

    ref: str
    role: Role | None
    identity: Identity
    member_id: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the bytes came from: file, connection or request, and position in it. Never content.

    `live` is false for test traffic (MSH-11 other than P): such an event never alerts anybody.
    """

    channel: str = ""  # mllp | http | file
    source: str = ""  # file name or peer, no path
    position: int | None = None  # record number in the file or batch, from 1
    live: bool = True


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as one source told it once."""

    event_id: EventId
    kind: Kind
    feed: Feed
    source_system: str
    source_key: str
    occurred_at: datetime
    received_at: datetime
    recorded_at: datetime | None = None
    version: str = "1"
    sequence: int | None = None
    mentions: tuple[Mention, ...] = ()
    place: Place | None = None
    attributes: Attributes = NoAttributes()
    regime: Regime = Regime.PART2
    marking: Marking = Marking.OFFICIAL
    handling: Handling = Handling.NONE
    retracts: EventId | None = None
    provenance: Provenance = Provenance()


def occurrence_key(event: Event) -> OccurrenceKey:
    """What the event is about: the visit, episode, custody or record that later messages amend (rules.md 1.3).

    ED by visit key, missing by episode id, custody by custody id, everything else by source key; scoped by feed and
    system. Kinds of one occurrence share the key whatever their event ids.
    """
    attributes = event.attributes
    own = ""
    if isinstance(attributes, EdAttributes):
        own = attributes.visit_key or (f"patient:{attributes.patient_key}" if attributes.patient_key else "")
    elif isinstance(attributes, MissingAttributes):
        own = attributes.episode_id
    elif isinstance(attributes, CustodyAttributes):
        own = attributes.custody_id
    family = event.kind.value.split(".")[0]
    return OccurrenceKey("|".join((event.feed.value, family, event.source_system, own or event.source_key)))
