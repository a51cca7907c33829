"""What a source may tell of: the families of senders, the kinds of event, and the roles people have in them.

Also what holds of every event of a kind, whatever it says: whom it concerns, and what it takes back.
Words only (domain.md sections 2.3 and 11): they know neither attributes nor events.
"""

from enum import StrEnum


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
