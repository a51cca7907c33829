"""Whom a kind of event concerns is settled for every kind on purpose: a new kind fails here until somebody has decided.

Three answers: everybody in the occurrence whomever it names, the one person whom it takes out, or whom it names.
"""

from domain.kinds import HOLDS_FOR_EVERYBODY, TAKES_ONE_OUT, Kind
from streams.linking import AMENDING

CONCERNS_WHOM_IT_NAMES = {
    "a visit has one patient": {
        Kind.ED_ARRIVAL,
        Kind.ED_UPDATED,
        Kind.ED_ADMITTED,
        Kind.ED_DEPARTED,
        Kind.ED_LEFT_EARLY,
        Kind.ED_REOPENED,
        Kind.ED_CANCELLED,
        Kind.ED_MERGED,
        Kind.ED_CODED,
        Kind.ED_PERSON_UPDATED,
    },
    "custody, an arrest, its outcome and a search are of one person": {
        Kind.CUSTODY_ARRIVED,
        Kind.CUSTODY_RELEASED,
        Kind.ARREST_MADE,
        Kind.OUTCOME_RECORDED,
        Kind.STOPSEARCH_RECORDED,
    },
    "an episode is of the one who is missing": {
        Kind.MISSING_REPORTED,
        Kind.MISSING_REGRADED,
        Kind.MISSING_FOUND,
        Kind.MISSING_RETURNED,
        Kind.MISSING_RETURN_INTERVIEW,
    },
    "it opens an occurrence, or adds one person to it": {
        Kind.CRIME_RECORDED,
        Kind.CRIME_ROLE_ADDED,
        Kind.INTEL_SUBMITTED,
        Kind.DA_INCIDENT,
        Kind.EXPLOITATION_FLAGGED,
        Kind.NRM_REFERRED,
    },
    "a log is about the household, and reaches it by its key": {
        Kind.INCIDENT_OPENED,
        Kind.INCIDENT_CLOSED,
        Kind.INCIDENT_RECLASSIFIED,
    },
    "the programme speaks of one client at a time": {
        Kind.REFERRAL_RECEIVED,
        Kind.VISIT_MADE,
        Kind.CONSENT_GIVEN,
        Kind.CONSENT_REFUSED,
        Kind.CONSENT_WITHDRAWN,
        Kind.TRIAGE_DONE,
        Kind.APPOINTMENT_KEPT,
        Kind.APPOINTMENT_MISSED,
        Kind.STATUS_CHANGED,
        Kind.WATCH_STARTED,
        Kind.WATCH_ENDED,
        Kind.REVIEW_DUE,
        Kind.REVIEW_DONE,
        Kind.CALLBACK_REQUESTED,
        Kind.CALLBACK_MADE,
        Kind.ASSOCIATION_ADDED,
    },
    "an alert is about one person": {
        Kind.ALERT_ACKNOWLEDGED,
        Kind.CONTACT_RECORDED,
        Kind.ALERT_CLOSED,
        Kind.ALERT_RAISED,
        Kind.ALERT_SENT,
        Kind.ALERT_DELIVERED,
        Kind.ALERT_CORRECTED,
    },
    "it is about a record and not about an occurrence": {
        Kind.PERSON_LINKED,
        Kind.PERSON_MERGED,
        Kind.RECORD_RETRACTED,
    },
}
"""By reason, the kinds that neither hold for everybody nor take one person out."""


def test_every_kind_is_classified_once():
    listed = [
        *HOLDS_FOR_EVERYBODY,
        *TAKES_ONE_OUT,
        *(kind for kinds in CONCERNS_WHOM_IT_NAMES.values() for kind in kinds),
    ]
    assert sorted(listed) == sorted(Kind)


def test_recognition_looks_for_those_whom_such_a_kind_concerns_without_naming_them():
    assert HOLDS_FOR_EVERYBODY | TAKES_ONE_OUT <= AMENDING
