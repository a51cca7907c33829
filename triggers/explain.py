"""Plain words: what a rule asks for in one sentence, and what made a firing true, as a navigator may say it aloud.

Reasons carry London dates and no clinical detail, offence, place or third name. Of intelligence they say only that
something has changed (domain.md 3.3): never text, source, grade, unit or number.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from domain.attributes import Intent
from domain.clock import LONDON
from domain.kinds import SUSPECT_ROLES, Feed, Kind, Role
from domain.matches import Relation
from domain.triggers import Reason, Sensitivity
from triggers.conditions import All, Condition, facts_asked
from triggers.facts import FACTS
from triggers.moments import Moment
from triggers.phrasing import condition_words, pattern_words, span_words
from triggers.rules import Rule

__all__ = [
    "GENERIC",
    "condition_words",
    "headline_of",
    "london",
    "past_reasons",
    "pattern_words",
    "reasons_of",
    "rule_sentence",
    "silence",
    "span_words",
]

GENERIC = "Something has changed and a contact is advised"
"""All that a partner may be told of intelligence."""

REASONS_SHOWN = 12
"""A firing names at most this many of its events, the latest; the rest stay in the record."""

_THEY: dict[Kind, str] = {
    Kind.CUSTODY_ARRIVED: "was brought into custody",
    Kind.CUSTODY_RELEASED: "was released from custody",
    Kind.ARREST_MADE: "was arrested",
    Kind.STOPSEARCH_RECORDED: "was stopped and searched",
    Kind.NRM_REFERRED: "was referred for help against exploitation",
    Kind.MISSING_FOUND: "was found after being missing",
    Kind.MISSING_RETURNED: "came back after being missing",
    Kind.MISSING_RETURN_INTERVIEW: "was spoken with after being missing",
    Kind.REFERRAL_RECEIVED: "was referred to the programme",
    Kind.VISIT_MADE: "was visited by the programme",
    Kind.CONTACT_RECORDED: "had a contact with the programme",
    Kind.CONSENT_GIVEN: "gave consent",
    Kind.CONSENT_REFUSED: "declined the offer",
    Kind.CONSENT_WITHDRAWN: "withdrew consent",
    Kind.APPOINTMENT_KEPT: "kept an appointment",
    Kind.APPOINTMENT_MISSED: "missed an appointment",
    Kind.CALLBACK_REQUESTED: "asked to be called back",
    Kind.CALLBACK_MADE: "was called back",
}
"""What somebody did, or what was done with them."""

_IT: dict[Kind, str] = {
    Kind.DA_INCIDENT: "police were called to an incident at home",
    Kind.EXPLOITATION_FLAGGED: "there was a sign of exploitation by others",
    Kind.INCIDENT_OPENED: "police logged a call",
    Kind.INCIDENT_CLOSED: "police closed a call",
    Kind.INCIDENT_RECLASSIFIED: "police logged a call",
    Kind.OUTCOME_RECORDED: "police recorded an outcome",
    Kind.TRIAGE_DONE: "the triage meeting was held",
    Kind.STATUS_CHANGED: "the programme status changed",
    Kind.WATCH_STARTED: "the watch began",
    Kind.WATCH_ENDED: "the watch ended",
    Kind.REVIEW_DUE: "a review fell due",
    Kind.REVIEW_DONE: "a review was held",
    Kind.ALERT_RAISED: "an alert was raised",
    Kind.ALERT_SENT: "an alert was sent",
    Kind.ALERT_DELIVERED: "an alert was delivered",
    Kind.ALERT_ACKNOWLEDGED: "an alert was accepted",
    Kind.ALERT_CORRECTED: "an alert was corrected",
    Kind.ALERT_CLOSED: "an alert was closed",
    Kind.ASSOCIATION_ADDED: "a new link became known",
    Kind.PERSON_LINKED: "a record was linked with the person",
    Kind.PERSON_MERGED: "two records were made one",
}
"""What happened, whoever it was about."""


@lru_cache(maxsize=4_096)
def london(at: datetime) -> str:
    """A London date and time as people say it: 'Mon 2 March 2026, 09:00'."""
    local = at.astimezone(LONDON)
    day, month = _DAYS[local.weekday()], _MONTHS[local.month - 1]
    return f"{day} {local.day} {month} {local.year}, {local.hour:02}:{local.minute:02}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
"""Written out: `strftime` takes three times as long, and every firing says a few dates."""


def reasons_of(moments: Sequence[Moment], sensitivity: Sensitivity) -> tuple[Reason, ...]:
    """One reason per contributing event, oldest first, each told once."""
    told: dict[str, Reason] = {}
    for moment in moments[-REASONS_SHOWN:]:
        entry = moment.entry
        told[entry.event_id] = Reason(
            text=_sentence(moment, sensitivity),
            event_id=entry.event_id,
            kind=entry.kind.value,
            feed=entry.feed.value,
            occurred_at=entry.occurred_at,
        )
    return tuple(told.values())


def silence(moment: Moment) -> Reason:
    """What made an absence true: that nothing had come by the instant at which it was due."""
    entry = moment.entry
    return Reason(
        text=f"Nothing more was heard until {london(moment.at)}",
        event_id=entry.event_id,
        kind=entry.kind.value,
        feed=entry.feed.value,
        occurred_at=moment.at,
    )


def headline_of(headline: str, moments: Sequence[Moment]) -> str:
    """The rule's headline; the generic one where nothing but intelligence made it true."""
    return GENERIC if all(moment.feed is Feed.INTEL for moment in moments) else headline


def _sentence(moment: Moment, sensitivity: Sensitivity) -> str:
    if moment.feed is Feed.INTEL:
        return f"{GENERIC} ({london(moment.at)})"
    text = f"{_what(moment, sensitivity)}, {_when(moment)}"
    if moment.linked is not None:
        text = f"{text}; we learnt of the link on {london(moment.linked.at)}"
    return text[0].upper() + text[1:]


def _when(moment: Moment) -> str:
    """When it happened. Of a visit that was coded later, and of a role in a crime that was named later: when they came,
    or when it was recorded, and when that became known."""
    at = moment.entry.occurred_at
    came = moment.values.get("arrival") or moment.occurrence.started_at
    if moment.entry.kind not in (Kind.ED_UPDATED, Kind.ED_CODED, Kind.CRIME_ROLE_ADDED) or came >= at:
        return london(at)
    return f"{london(came)}; it became known on {london(at)}"


def _what(moment: Moment, sensitivity: Sensitivity) -> str:
    kind, family = moment.entry.kind, moment.occurrence.family
    if kind in _IT:
        return _IT[kind]
    if family == "crime" and "domestic_abuse" in (FACTS["flags"].read(moment) or ()):
        return _IT[Kind.DA_INCIDENT]
    who = "" if moment.relation is Relation.SELF else _whose(moment.relation)
    if family == "ed":
        return f"{who}{_visit(moment, sensitivity)}"
    if family == "crime":
        return f"{who}{_crime(moment)}"
    if family == "missing":
        return f"{who}{_THEY.get(kind, 'was reported missing')}"
    return f"{who}{_THEY[kind]}" if kind in _THEY else "something was recorded"


def _whose(relation: Relation) -> str:
    return "somebody of the household " if relation is Relation.HOUSEHOLD else "somebody close "


def _visit(moment: Moment, sensitivity: Sensitivity) -> str:
    said = "attended an emergency department"
    if moment.values.get("intent") is Intent.ASSAULT:
        said = f"{said}, violence-related"
    elif sensitivity is Sensitivity.HEALTH:
        said = f"{said} in a crisis"
    return f"{said}, and left" if moment.entry.kind in (Kind.ED_DEPARTED, Kind.ED_LEFT_EARLY) else said


def _crime(moment: Moment) -> str:
    if Role.VICTIM in moment.roles:
        return "was harmed in an incident that police recorded"
    if moment.roles & SUSPECT_ROLES:
        return "was named in an incident that police recorded"
    return "was part of an incident that police recorded"


# -- what the past said --------------------------------------------------------------------------------------------


def past_reasons(who: Condition, moment: Moment, moments: Sequence[Moment]) -> tuple[Reason, ...]:
    """What the rule asked of the past, where it may be told: contacts, refusals, custody, consent.

    Of a firing that rests on intelligence alone nothing is told beside the generic sentence.
    """
    if not moment.past or all(one.feed is Feed.INTEL for one in moments):
        return ()
    asked = facts_asked(who)
    entry = moment.entry
    said = (_of_the_past(name, value) for name, value in moment.past.items() if name in asked)
    return tuple(
        Reason(text, entry.event_id, entry.kind.value, entry.feed.value, moment.at) for text in said if text is not None
    )


def _of_the_past(name: str, value: object) -> str | None:
    match name, value:
        case "days_since_contact", float(days):
            return f"The last contact was {_days(int(days))} before"
        case "offers_refused", int(days) if days:
            return f"The offer was declined on {_days(days)} before"
        case "in_custody", True:
            return "They were in custody at the time"
        case "individual_engagement", str(word):
            return f"Their own word on the offer was last: {word}"
        case "household_engagement", str(word):
            return f"The household's word on the offer was last: {word}"
        case _:
            return None


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"


# -- rules ---------------------------------------------------------------------------------------------------------


def rule_sentence(rule: Rule) -> str:
    """The rule in one plain sentence, made from what it really checks: pattern, who, priority."""
    who = "" if isinstance(rule.who, All) and not rule.who.parts else f", for people where {condition_words(rule.who)}"
    raised = "".join(f", {line.value} if {condition_words(line.condition)}" for line in rule.then.priorities)
    return f"{rule.rule_id}: {pattern_words(rule.when)}{who} ({rule.then.priority}{raised})."
