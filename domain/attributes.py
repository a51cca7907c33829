"""What each kind of event says beyond the envelope (domain.md section 11): one frozen value for each family of kinds.

There is no free text of intelligence and no clinical text: what is not here cannot leak. None means "not said".
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.kinds import Feed, Kind, Role


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
