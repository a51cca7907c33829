"""Kinds of events as people say them: 'a hospital visit', not 'ed.arrival'."""

from collections.abc import Iterable, Mapping

from domain.kinds import Kind
from triggers.occurrences import SILENT, family_of

KINDS: Mapping[Kind, str] = {
    Kind.ED_ARRIVAL: "arrival at a hospital",
    Kind.ED_UPDATED: "news of a hospital visit",
    Kind.ED_ADMITTED: "admission to hospital",
    Kind.ED_DEPARTED: "departure from hospital",
    Kind.ED_LEFT_EARLY: "leaving hospital early",
    Kind.ED_REOPENED: "a hospital visit taken up again",
    Kind.ED_CODED: "the coding of a hospital visit",
    Kind.INCIDENT_OPENED: "a police log",
    Kind.INCIDENT_CLOSED: "a police log closed",
    Kind.INCIDENT_RECLASSIFIED: "a police log classed anew",
    Kind.CRIME_RECORDED: "a recorded crime",
    Kind.CRIME_UPDATED: "news of a recorded crime",
    Kind.CRIME_ROLE_ADDED: "a role added to a recorded crime",
    Kind.CUSTODY_ARRIVED: "arrival in custody",
    Kind.CUSTODY_RELEASED: "release from custody",
    Kind.ARREST_MADE: "an arrest",
    Kind.OUTCOME_RECORDED: "the outcome of a case",
    Kind.STOPSEARCH_RECORDED: "a stop and search",
    Kind.MISSING_REPORTED: "a missing report",
    Kind.MISSING_REGRADED: "a new risk for a missing report",
    Kind.MISSING_FOUND: "being found after going missing",
    Kind.MISSING_RETURNED: "coming back after going missing",
    Kind.MISSING_RETURN_INTERVIEW: "a return interview",
    Kind.DA_INCIDENT: "a domestic-abuse incident",
    Kind.EXPLOITATION_FLAGGED: "an exploitation flag",
    Kind.NRM_REFERRED: "a referral as a possible victim of exploitation (NRM)",
    Kind.INTEL_SUBMITTED: "an intelligence report",
    Kind.INTEL_REGRADED: "an intelligence report graded anew",
    Kind.INTEL_SANITISED: "an intelligence report released",
    Kind.REFERRAL_RECEIVED: "a referral to the programme",
    Kind.VISIT_MADE: "a visit by the programme",
    Kind.CONSENT_GIVEN: "consent given",
    Kind.CONSENT_REFUSED: "consent refused",
    Kind.CONSENT_WITHDRAWN: "consent withdrawn",
    Kind.TRIAGE_DONE: "a triage meeting",
    Kind.APPOINTMENT_KEPT: "an appointment kept",
    Kind.APPOINTMENT_MISSED: "an appointment missed",
    Kind.STATUS_CHANGED: "a change of programme status",
    Kind.WATCH_STARTED: "the start of a watch",
    Kind.WATCH_ENDED: "the end of a watch",
    Kind.REVIEW_DUE: "a review falling due",
    Kind.REVIEW_DONE: "a review held",
    Kind.CALLBACK_REQUESTED: "a request to be called back",
    Kind.CALLBACK_MADE: "a call back",
    Kind.PERSON_LINKED: "a record linked to the person",
    Kind.PERSON_MERGED: "two records of the person made one",
    Kind.ASSOCIATION_ADDED: "a new association",
    Kind.ALERT_RAISED: "an alert raised",
    Kind.ALERT_SENT: "an alert sent",
    Kind.ALERT_DELIVERED: "an alert delivered",
    Kind.ALERT_ACKNOWLEDGED: "an alert accepted",
    Kind.ALERT_CORRECTED: "an alert corrected",
    Kind.CONTACT_RECORDED: "a contact recorded",
    Kind.ALERT_CLOSED: "an alert closed",
}

FAMILIES: Mapping[str, str] = {
    "ed": "a hospital visit",
    "incident": "a police log",
    "crime": "a recorded crime",
    "custody": "custody",
    "missing": "a missing episode",
    "intel": "an intelligence report",
    "consent": "a word on consent",
}
"""A whole family at once."""


def kinds_words(kinds: Iterable[Kind]) -> str:
    """Kinds in plain words, in the order of the vocabulary; a whole family by its own word."""
    wanted, said = frozenset(kinds), []
    for family in dict.fromkeys(family_of(kind) for kind in Kind if kind in wanted):
        whole = frozenset(kind for kind in Kind if family_of(kind) == family and kind not in SILENT)
        if family in FAMILIES and whole <= wanted:
            said.append(FAMILIES[family])
        else:
            said.extend(KINDS[kind] for kind in Kind if kind in wanted and family_of(kind) == family)
    return " or ".join(said)


TRUTHS: Mapping[str, tuple[str, str]] = {
    "departed": ("they had left", "they had not left"),
    "admitted": ("they were admitted", "they were not admitted"),
    "weapon_known": ("a weapon is on record", "no weapon is on record"),
    "at_home": ("it was at the person's home", "it was not at the person's home"),
    "from_care": ("they went missing from care", "they did not go missing from care"),
    "found_other_force": (
        "they were found in another force's area",
        "they were not found in another force's area",
    ),
    "other_force": ("it was outside the home force's area", "it was inside the home force's area"),
    "county_lines": ("it is flagged as county lines", "it is not flagged as county lines"),
    "criminal_exploitation": ("it is flagged as criminal exploitation", "it is not flagged as criminal exploitation"),
    "released_when_learnt": ("they had been released before we heard", "they had not been released before we heard"),
    "safe_contact_noted": ("a safe-contact note is on record", "no safe-contact note is on record"),
    "staff_safety_noted": ("a staff-safety note is on record", "no staff-safety note is on record"),
    "has_navigator": ("they have a navigator", "they have no navigator"),
    "has_associates": ("associates are on record", "no associates are on record"),
    "in_custody": ("they are in custody", "they are not in custody"),
}
"""What a fact that is true or false says, and what its opposite says."""

NUMBERS: Mapping[str, str] = {
    "since_arrival_hours": "it is {} hours after arrival",
    "stay_minutes": "the stay was {} minutes",
    "found_km": "they were found {} km away",
    "since_start_hours": "it is {} hours after the first report",
    "source": "the source is graded {}",
    "age": "their age is {}",
    "link_learnt_days": "the link was learnt {} days after",
    "days_since_contact": "the last contact was {} days before",
    "offers_refused": "offers were refused on {} days",
    "count": "there are {} in the window",
}
"""What a number says; the braces take 'at least 3'."""

WORDS: Mapping[str, str] = {
    "disposition": "the visit's end",
    "codes": "a clinical code",
    "code_class": "the class of what was coded",
    "role": "their role",
    "offence": "the offence",
    "flags": "a flag of the crime",
    "found": "what was found",
    "safeguarding": "a safeguarding mark",
    "category": "the kind of police log",
    "qualifiers": "a mark of the police log",
    "disposal": "what became of the custody",
    "risk": "the risk",
    "exploitation_type": "the type of exploitation",
    "outcome": "the outcome",
    "themes": "a theme of the report",
    "theme_family": "a family of its themes",
    "assessment": "its assessment",
    "origin_unit": "the unit it came from",
    "site": "the hospital site",
    "offence_group": "the group of the offence",
    "scope": "whom it was about",
    "alert_rules": "a rule of the alert",
    "status": "their programme status",
    "programme": "the programme",
    "area": "the area",
    "step": "the wait that ended",
    "individual_engagement": "their own engagement",
    "household_engagement": "the household's engagement",
}
"""How a sentence names a fact of words, where its label alone would not read well."""
