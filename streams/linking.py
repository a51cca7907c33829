"""Which events belong together beyond the people they name: the visit, the record, the patient.

A later message about an occurrence (A11, crime cancelled, custody released) may name nobody, or name them badly. It
still must reach everybody who is linked to that occurrence. Pure words and keys; the links are kept by the transport.
"""

from domain.attributes import EdAttributes
from domain.events import Event, occurrence_key
from domain.ids import OccurrenceKey, digest
from domain.kinds import TAKES_BACK, Kind
from domain.matches import Relation

AMENDING: frozenset[Kind] = frozenset(
    {
        Kind.ED_UPDATED,
        Kind.ED_ADMITTED,
        Kind.ED_DEPARTED,
        Kind.ED_LEFT_EARLY,
        Kind.ED_REOPENED,
        Kind.ED_CANCELLED,
        Kind.ED_CODED,
        Kind.INCIDENT_CLOSED,
        Kind.INCIDENT_RECLASSIFIED,
        Kind.CRIME_UPDATED,
        Kind.CRIME_CANCELLED,
        Kind.CRIME_ROLE_ADDED,
        Kind.CRIME_ROLE_REMOVED,
        Kind.CUSTODY_RELEASED,
        Kind.OUTCOME_RECORDED,
        Kind.MISSING_REGRADED,
        Kind.MISSING_FOUND,
        Kind.MISSING_RETURNED,
        Kind.MISSING_RETURN_INTERVIEW,
        Kind.INTEL_REGRADED,
        Kind.INTEL_SANITISED,
        Kind.INTEL_WITHDRAWN,
        Kind.RECORD_RETRACTED,
        Kind.PERSON_UNLINKED,
    }
)
"""Kinds that say something further about an occurrence, so that they concern whoever is linked to it."""

_FAN_OUT: frozenset[str] = frozenset({"ed", "crime", "da"})
"""First words of the kinds that also reach household and associates: harm to somebody close (rules 11 and 17)."""

_AT_HOME: frozenset[Kind] = frozenset(
    {
        Kind.INCIDENT_OPENED,
        Kind.INCIDENT_CLOSED,
        Kind.INCIDENT_RECLASSIFIED,
        Kind.CUSTODY_RELEASED,
        Kind.OUTCOME_RECORDED,
    }
)
"""Kinds that also reach the household, and nobody else: what weighs on a child (domain.md 6.1 SUBH, MHH, INCH, SEP)."""

SUBJECT = "S:"
HOUSEHOLD = "H:"
OCCURRENCE = "O:"
"""Prefixes of a link's value: the event was about this member; it reached them through their household's key; or it
belongs to this occurrence, where the people are. Only occurrences have people, so whoever gets one later gets all."""


def fans_out(kind: Kind, to: Relation) -> bool:
    """Whether what happens to a member is also heard by those who stand `to` them as household or associate."""
    family = kind.value.split(".")[0]
    return family in _FAN_OUT or kind in TAKES_BACK or (to is Relation.HOUSEHOLD and kind in _AT_HOME)


def occurrence_link(key: OccurrenceKey) -> str:
    """The link key of an occurrence. Hashed: a store's key names hold no hospital or police number."""
    return "o:" + digest("link", key)


def event_link(event_id: str) -> str:
    """The link key of one event, for retractions that name it."""
    return "e:" + event_id


def source_link(event: Event) -> str:
    """The link key of a source's own record, for retractions that name only that."""
    return "s:" + digest("source", event.source_system, event.source_key)


def patient_link(event: Event, patient_key: str) -> str:
    """The link key of a hospital's patient record."""
    return "p:" + digest("patient", event.source_system, patient_key)


def keys_to_look_up(event: Event) -> tuple[str, ...]:
    """The links that say who else this event concerns; empty for kinds that open an occurrence.

    An amendment also waits under these keys for whoever is linked to them later.
    """
    found: list[str] = []
    if event.retracts:
        found.append(event_link(event.retracts))
    elif event.kind in TAKES_BACK:
        found.append(source_link(event))
    if event.kind in AMENDING and event.kind not in TAKES_BACK:
        found.append(occurrence_link(occurrence_key(event)))
    if event.kind is Kind.ED_MERGED and isinstance(event.attributes, EdAttributes):
        keys = (event.attributes.patient_key, event.attributes.merged_patient_key)
        found.extend(patient_link(event, key) for key in keys if key)
    return tuple(found)


def pointers(event: Event) -> tuple[str, ...]:
    """The keys that lead to the event's occurrence: the event, the source's record, the patient."""
    found = [event_link(event.event_id), source_link(event)]
    if isinstance(event.attributes, EdAttributes) and event.attributes.patient_key:
        found.append(patient_link(event, event.attributes.patient_key))
    return tuple(found)


def keys_to_remember(event: Event) -> tuple[str, ...]:
    """Every key under which somebody whom this event concerns can be found later; the occurrence first."""
    return (occurrence_link(occurrence_key(event)), *pointers(event))
