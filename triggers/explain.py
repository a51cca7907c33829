"""Plain words: what a rule asks for in one sentence, and what made a firing true, as a navigator may say it aloud.

Reasons carry London dates and no clinical detail, offence, place or third name. Of intelligence they say only that
something has changed (domain.md 3.3): never text, source, grade, unit or number.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from domain.clock import LONDON
from domain.events import SUSPECT_ROLES, Feed, Intent, Role
from domain.matches import Relation
from domain.triggers import Reason, Sensitivity
from triggers.conditions import All
from triggers.facts import FACTS
from triggers.moments import Moment
from triggers.phrasing import condition_words, pattern_words, span_words
from triggers.rules import Rule

__all__ = [
    "GENERIC",
    "condition_words",
    "headline_of",
    "london",
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

_SAID: dict[str, str] = {
    "ed": "attended an emergency department",
    "custody": "was brought into custody",
    "arrest": "was arrested",
    "stopsearch": "was stopped and searched",
    "da": "police were called to an incident at home",
    "exploitation": "there was a sign of exploitation by others",
    "nrm": "was referred for help against exploitation",
}


@lru_cache(maxsize=4_096)
def london(at: datetime) -> str:
    """A London date and time as people say it: 'Mon 2 March 2026, 09:00'."""
    local = at.astimezone(LONDON)
    return f"{local:%a} {local.day} {local:%B %Y, %H:%M}"


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
    who = "" if moment.relation is Relation.SELF else _whose(moment.relation)
    text = f"{who}{_what(moment, sensitivity)}, {london(moment.entry.occurred_at)}"
    if moment.entry.linked is not None and moment.entry.known_late:
        text = f"{text}; we learnt of the link on {london(moment.entry.linked.at)}"
    return text[0].upper() + text[1:]


def _whose(relation: Relation) -> str:
    return "somebody of the household " if relation is Relation.HOUSEHOLD else "somebody close "


def _what(moment: Moment, sensitivity: Sensitivity) -> str:
    family = moment.occurrence.family
    if family == "ed":
        return _visit(moment, sensitivity)
    if family == "crime":
        return _crime(moment)
    if family == "missing":
        return "was found after being missing" if "found" in moment.entry.kind.value else "was reported missing"
    return _SAID.get(family, "something was recorded")


def _visit(moment: Moment, sensitivity: Sensitivity) -> str:
    said = _SAID["ed"]
    if moment.values.get("intent") is Intent.ASSAULT:
        said = f"{said}, violence-related"
    elif sensitivity is Sensitivity.HEALTH:
        said = f"{said} in a crisis"
    return f"{said}, and left" if "departed" in moment.entry.kind.value or "left" in moment.entry.kind.value else said


def _crime(moment: Moment) -> str:
    if "domestic_abuse" in (FACTS["flags"].read(moment) or ()):
        return _SAID["da"]
    if Role.VICTIM in moment.roles:
        return "was harmed in an incident that police recorded"
    if moment.roles & SUSPECT_ROLES:
        return "was named in an incident that police recorded"
    return "was part of an incident that police recorded"


# -- rules ---------------------------------------------------------------------------------------------------------


def rule_sentence(rule: Rule) -> str:
    """The rule in one plain sentence, made from what it really checks: pattern, who, priority."""
    who = "" if isinstance(rule.who, All) and not rule.who.parts else f", for people where {condition_words(rule.who)}"
    raised = "".join(f", {line.value} if {condition_words(line.condition)}" for line in rule.then.priorities)
    return f"{rule.rule_id}: {pattern_words(rule.when)}{who} ({rule.then.priority}{raised})."
