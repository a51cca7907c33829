"""The canonical event vocabulary (domain.md section 11): one envelope for every feed, attributes by kind.

Times: `occurred_at` it happened, `recorded_at` they wrote it down, `received_at` we got it. All aware UTC.
An event holds no free text of intelligence and no clinical text: what is not here cannot leak.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.identity import Identity
from domain.ids import EventId, OccurrenceKey


class Feed(StrEnum):
    """The four families of senders."""

    POLICE = "police"
    INTEL = "intel"
    ED = "ed"
    PROGRAMME = "programme"


class Kind(StrEnum):
    """Every kind of event that a feed may send.

    Each family is listed in the order in which things happen: it decides between events of the same moment
    (triggers.history.HistoryEntry.order).
    """

    ED_ARRIVAL = "ed.arrival"
    ED_UPDATED = "ed.updated"
    ED_ADMITTED = "ed.admitted"
    ED_DEPARTED = "ed.departed"
    ED_LEFT_EARLY = "ed.left_early"
    ED_REOPENED = "ed.reopened"  # A13 cancels a departure
    ED_CANCELLED = "ed.cancelled"
    ED_MERGED = "ed.merged"
    ED_CODED = "ed.coded"
    ED_PERSON_UPDATED = "ed.person_updated"  # A28, A31
    INCIDENT_OPENED = "incident.opened"
    INCIDENT_CLOSED = "incident.closed"
    INCIDENT_RECLASSIFIED = "incident.reclassified"
    CRIME_RECORDED = "crime.recorded"
    CRIME_UPDATED = "crime.updated"
    CRIME_CANCELLED = "crime.cancelled"
    CRIME_ROLE_ADDED = "crime.role_added"
    CRIME_ROLE_REMOVED = "crime.role_removed"
    CUSTODY_ARRIVED = "custody.arrived"
    CUSTODY_RELEASED = "custody.released"
    ARREST_MADE = "arrest.made"
    OUTCOME_RECORDED = "outcome.recorded"
    STOPSEARCH_RECORDED = "stopsearch.recorded"
    MISSING_REPORTED = "missing.reported"
    MISSING_REGRADED = "missing.regraded"
    MISSING_FOUND = "missing.found"
    MISSING_RETURNED = "missing.returned"
    MISSING_RETURN_INTERVIEW = "missing.return_interview"
    DA_INCIDENT = "da.incident"
    EXPLOITATION_FLAGGED = "exploitation.flagged"
    NRM_REFERRED = "nrm.referred"
    INTEL_SUBMITTED = "intel.submitted"
    INTEL_REGRADED = "intel.regraded"
    INTEL_SANITISED = "intel.sanitised"
    INTEL_WITHDRAWN = "intel.withdrawn"
    REFERRAL_RECEIVED = "referral.received"
    VISIT_MADE = "visit.made"
    CONSENT_GIVEN = "consent.given"
    CONSENT_REFUSED = "consent.refused"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    TRIAGE_DONE = "triage.done"
    APPOINTMENT_KEPT = "appointment.kept"
    APPOINTMENT_MISSED = "appointment.missed"
    STATUS_CHANGED = "status.changed"
    WATCH_STARTED = "watch.started"
    WATCH_ENDED = "watch.ended"
    REVIEW_DUE = "review.due"
    REVIEW_DONE = "review.done"
    CALLBACK_REQUESTED = "callback.requested"
    CALLBACK_MADE = "callback.made"
    PERSON_LINKED = "person.linked"
    PERSON_UNLINKED = "person.unlinked"
    ASSOCIATION_ADDED = "association.added"
    RECORD_RETRACTED = "record.retracted"  # any feed: takes back the event named in `retracts`
    ALERT_ACKNOWLEDGED = "alert.acknowledged"  # what was done about our own alerts, told by ourselves
    CONTACT_RECORDED = "contact.recorded"
    ALERT_CLOSED = "alert.closed"
    ALERT_RAISED = "alert.raised"  # these five say nothing to a rule
    ALERT_SENT = "alert.sent"
    ALERT_DELIVERED = "alert.delivered"
    ALERT_CORRECTED = "alert.corrected"
    PERSON_MERGED = "person.merged"

    @property
    def feed(self) -> Feed | None:
        """The feed family a kind belongs to; None for kinds that every feed may send."""
        return _FEED_BY_PREFIX.get(self.value.split(".")[0])


_FEED_BY_PREFIX = {
    "ed": Feed.ED,
    "intel": Feed.INTEL,
    **dict.fromkeys(
        ("incident", "crime", "custody", "arrest", "outcome", "stopsearch", "missing", "da", "exploitation", "nrm"),
        Feed.POLICE,
    ),
    **dict.fromkeys(
        (
            "referral",
            "visit",
            "consent",
            "triage",
            "appointment",
            "status",
            "watch",
            "review",
            "callback",
            "association",
            "alert",
            "contact",
        ),
        Feed.PROGRAMME,
    ),
}


TAKES_BACK = frozenset({Kind.RECORD_RETRACTED, Kind.PERSON_UNLINKED})
"""Kinds that take back one event by its id, or else whatever was said before under the same source key."""

HOLDS_FOR_EVERYBODY = frozenset(
    {
        Kind.CRIME_UPDATED,
        Kind.CRIME_CANCELLED,
        Kind.INTEL_REGRADED,
        Kind.INTEL_SANITISED,
        Kind.INTEL_WITHDRAWN,
    }
)
"""Kinds that say something of the crime or report itself: they hold for everybody in it, whomever they name."""

TAKES_ONE_OUT = frozenset({Kind.CRIME_ROLE_REMOVED, Kind.PERSON_UNLINKED})
"""Kinds that take one person out of an occurrence: where they name that person, nobody else is concerned.

Not what is left over by `HOLDS_FOR_EVERYBODY`: most kinds are in neither, and concern whom they name or lead to.
"""


class Role(StrEnum):
    """The part a mentioned person plays in an occurrence (domain.md 2.3)."""

    PATIENT = "patient"
    SUSPECT = "suspect"
    ARRESTED = "arrested"
    CHARGED = "charged"
    OFFENDER = "offender"
    VICTIM = "victim"
    WITNESS = "witness"
    MISSING = "missing"
    REPORTING = "reporting"
    SEARCHED = "searched"
    NAMED = "named"
    ASSOCIATE = "associate"
    HOUSEHOLD = "household"
    CLIENT = "client"


SUSPECT_ROLES = frozenset({Role.SUSPECT, Role.ARRESTED, Role.CHARGED, Role.OFFENDER})
"""Roles on the suspect side (rules.md section 3)."""

NATURAL_ROLES: dict[str, Role] = {
    "ed": Role.PATIENT,
    "custody": Role.ARRESTED,
    "arrest": Role.ARRESTED,
    "missing": Role.MISSING,
    "intel": Role.NAMED,
    "nrm": Role.VICTIM,
    "exploitation": Role.VICTIM,
    "stopsearch": Role.SEARCHED,
    "da": Role.NAMED,
    "incident": Role.NAMED,
}
"""The role of a mention that names none, by the first word of the kind (rules.md 1.1); crimes have no natural one."""


def natural_role(kind: Kind) -> Role | None:
    """The role a mention of this kind has when the source names none; None where a role must be given (crimes)."""
    if kind.feed is Feed.PROGRAMME:
        return Role.CLIENT
    return NATURAL_ROLES.get(kind.value.split(".")[0])


class Regime(StrEnum):
    """DPA 2018 Part 2 (general) or Part 3 (law enforcement)."""

    PART2 = "part2"
    PART3 = "part3"


class Marking(StrEnum):
    """Government security marking; anything above is refused at intake."""

    OFFICIAL = "OFFICIAL"
    OFFICIAL_SENSITIVE = "OFFICIAL-SENSITIVE"


class Handling(StrEnum):
    """3x5x2 handling: P may be shared, C under conditions, BLOCK never to partners (5x5x5 4 and 5), NONE not given."""

    P = "P"
    C = "C"
    BLOCK = "BLOCK"
    NONE = "NONE"


class Intent(StrEnum):
    """Injury intent, our own classes (domain.md 1.4)."""

    ASSAULT = "assault"
    SELF_HARM = "self_harm"
    ACCIDENTAL = "accidental"
    UNDETERMINED = "undetermined"
    UNKNOWN = "unknown"


class Mechanism(StrEnum):
    """Injury mechanism, our own classes (domain.md 1.4)."""

    SHARP = "sharp"
    FIREARM = "firearm"
    CORROSIVE = "corrosive"
    BLUNT_OBJECT = "blunt_object"
    BODY_PART = "body_part"
    SEXUAL = "sexual"
    OTHER = "other"
    UNKNOWN = "unknown"


class MissingRisk(StrEnum):
    """Risk words of a missing report (rules.md section 4), lowest first."""

    NO_APPARENT = "no_apparent"
    VERY_LOW = "very_low"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Grade:
    """A 3x5x2 grade; None where the part is absent or malformed. `original` keeps a legacy 5x5x5 grade as written."""

    source: int | None = None
    assessment: str | None = None
    handling: Handling = Handling.NONE
    original: str = ""


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
class EdAttributes:
    """An ED visit as one message tells it; None means "not said", so an earlier value stands. `cleared` lists
    fields that the message set to null (HL7 `""`)."""

    visit_key: str = ""
    patient_key: str = ""  # authority:local number, for merges
    merged_patient_key: str = ""  # ed.merged: the record that did not survive
    site_ods: str | None = None
    arrival: datetime | None = None
    mode: str | None = None
    intent: Intent | None = None
    mechanism: Mechanism | None = None
    acuity: int | None = None
    alcohol_drug: bool | None = None
    safeguarding: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()  # "icd10:X99", "snomed:276853009": codes only, never text
    code_class: str | None = None  # assault | self_harm | injury | mental_health
    departed_at: datetime | None = None
    disposition: str | None = None  # left_before_treatment | self_discharge | absconded | discharged | admitted ...
    patient_class: str | None = None
    cleared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentAttributes:
    """A police log (NSIR)."""

    category: str | None = None
    qualifiers: tuple[str, ...] = ()
    thrive: tuple[str, ...] = ()
    household_key: str | None = None


@dataclass(frozen=True, slots=True)
class CrimeAttributes:
    """A recorded crime. `ho_code` is the normalised Home Office group code (domain.md 2.2), `ho_code_raw` as sent."""

    ho_code: str | None = None
    ho_code_raw: str | None = None
    flags: tuple[str, ...] = ()
    weapon: str | None = None
    injury_level: str | None = None
    household_key: str | None = None
    role_removed: Role | None = None


@dataclass(frozen=True, slots=True)
class CustodyAttributes:
    """Arrest, custody and outcome. `offences` and `ho_code` are normalised group codes."""

    custody_id: str = ""
    offences: tuple[str, ...] = ()
    ho_code: str | None = None
    disposal: str | None = None
    bail: str | None = None
    released_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SearchAttributes:
    """A stop and search; nothing found is never a trigger."""

    legislation: str | None = None
    object_of_search: str | None = None
    found: tuple[str, ...] = ()
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class MissingAttributes:
    """A missing episode."""

    episode_id: str = ""
    risk: MissingRisk | None = None
    from_care: bool | None = None
    found_place: str | None = field(default=None, repr=False)
    duration_hours: float | None = None


@dataclass(frozen=True, slots=True)
class DaAttributes:
    """A domestic-abuse crime or non-crime incident; keyed on the household, not only on the nominal."""

    crime_or_noncrime: str | None = None
    relation: str | None = None
    household_key: str | None = None
    children_present: bool | None = None
    qualifiers: tuple[str, ...] = ()  # of the log that told it: alcohol, drugs ... (domain.md 6.1 SUBH)


@dataclass(frozen=True, slots=True)
class ExploitationAttributes:
    """An exploitation flag or NRM referral."""

    county_lines: bool | None = None
    criminal_exploitation: bool | None = None
    exploitation_type: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class IntelAttributes:
    """An intelligence report without its text: grade, unit, themes. There is deliberately no text field."""

    grade: Grade = Grade()
    origin_unit: str | None = None
    themes: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    priority: str | None = None


@dataclass(frozen=True, slots=True)
class ProgrammeAttributes:
    """What the programme itself did or learnt."""

    basis: str | None = None
    status: str | None = None
    review_date: datetime | None = None
    navigator_id: str | None = None
    safe_contact: str | None = field(default=None, repr=False)
    other_member: str | None = None  # association.added: the member linked with
    relation: str | None = None
    outcome: str | None = None
    scope: str | None = None  # individual | household
    reason: str | None = None
    alert: str | None = None  # alert.*, contact.*: the reference of the alert
    rules: tuple[str, ...] = ()  # alert.*, contact.*: the rules that carried it
    priority: str | None = None  # alert.*, contact.*: p1 | p2 | p3


@dataclass(frozen=True, slots=True)
class NoAttributes:
    """A kind that carries nothing beyond the envelope."""


Attributes = (
    EdAttributes
    | IncidentAttributes
    | CrimeAttributes
    | CustodyAttributes
    | SearchAttributes
    | MissingAttributes
    | DaAttributes
    | ExploitationAttributes
    | IntelAttributes
    | ProgrammeAttributes
    | NoAttributes
)

NONE_STATED: tuple[str, ...] = ("",)
"""A list of which the source said that there is nothing on it; the empty tuple is a list that it did not mention.

Said as a value because both have always been stored as []: what was stored before reads as not mentioned.
"""

STATED_LISTS = frozenset({"flags", "found", "offences", "qualifiers", "safeguarding", "themes"})
"""The lists that a source may correct to nothing. Clinical codes are left out: they come singly, as coding goes on."""

_BY_PREFIX: dict[str, type[Attributes]] = {
    "ed": EdAttributes,
    "incident": IncidentAttributes,
    "crime": CrimeAttributes,
    "custody": CustodyAttributes,
    "arrest": CustodyAttributes,
    "outcome": CustodyAttributes,
    "stopsearch": SearchAttributes,
    "missing": MissingAttributes,
    "da": DaAttributes,
    "exploitation": ExploitationAttributes,
    "nrm": ExploitationAttributes,
    "intel": IntelAttributes,
}


ATTRIBUTES_BY_KIND: dict[Kind, type[Attributes]] = {
    kind: _BY_PREFIX.get(kind.value.split(".")[0], ProgrammeAttributes if kind.feed is Feed.PROGRAMME else NoAttributes)
    for kind in Kind
}
"""The tag of the union: which attributes a kind carries."""


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
