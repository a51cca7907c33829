"""Plain words: what a rule asks for in one sentence, and what made a firing true, as a navigator may say it aloud.

Reasons carry London dates and no clinical detail, offence, place or third name. Of intelligence they say only that
something has changed (domain.md 3.3): never text, source, grade, unit or number.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from domain.clock import LONDON
from domain.events import SUSPECT_ROLES, Feed, Intent, Role
from domain.matches import Relation
from domain.triggers import Reason, Sensitivity
from triggers.conditions import All, Condition, Earlier, FiredFor, Not, OneOf, Operator, Test, Unless
from triggers.facts import FACTS, FactType
from triggers.moments import Moment
from triggers.patterns import (
    AbsencePattern,
    AccumulatedPattern,
    AllOf,
    AnyOf,
    ChangePattern,
    CountPattern,
    Distinct,
    EntersPattern,
    EventPattern,
    FiredPattern,
    FirstPattern,
    Pattern,
    QuietPattern,
    RecallPattern,
    SequencePattern,
    StepsPattern,
    Subject,
)
from triggers.rules import Rule

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
    who = "" if isinstance(rule.who, All) and not rule.who.parts else f", for people with {condition_words(rule.who)}"
    raised = "".join(f", {line.value} if {condition_words(line.condition)}" for line in rule.then.priorities)
    return f"{rule.rule_id}: {pattern_words(rule.when)}{who} ({rule.then.priority}{raised})."


def span_words(span: timedelta) -> str:
    """A span in the largest unit that fits: '365 days', '6 hours', '45 minutes'."""
    minutes = int(span / timedelta(minutes=1))
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0 and minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "no time"


def pattern_words(pattern: Pattern) -> str:
    """A pattern in plain words."""
    match pattern:
        case EventPattern():
            return _event_words(pattern)
        case CountPattern(at_least=1):
            return f"each of: {pattern_words(pattern.of)}"
        case CountPattern():
            return _count_words(pattern)
        case SequencePattern():
            first, then = pattern_words(pattern.first), pattern_words(pattern.then)
            return f"first {first}, then, within {span_words(pattern.within)}, {then}"
        case AnyOf(parts):
            return "; or ".join(pattern_words(part) for part in parts)
        case EntersPattern():
            return _entering_words(pattern)
        case AbsencePattern():
            return _absence_words(pattern)
        case QuietPattern():
            return (
                f"nothing for {span_words(pattern.lasting)} of: {pattern_words(pattern.of)}; counted from the last one,"
                f" else from when {pattern_words(pattern.since)}; not counting the time between "
                f"{pattern_words(pattern.paused)} and {pattern_words(pattern.resumed)}"
            )
        case AccumulatedPattern():
            return _accumulated_words(pattern)
        case AllOf():
            return _all_words(pattern)
        case StepsPattern():
            steps = ", then ".join(pattern_words(step) for step in pattern.steps)
            apart = "" if pattern.overlap else ", each sequence beginning after the last one ended"
            return f"one after another within {span_words(pattern.within)}{apart}: {steps}"
        case FirstPattern():
            ever = "ever" if pattern.within is None else f"in {span_words(pattern.within)}"
            return f"the first {ever} of: {pattern_words(pattern.of)}"
        case ChangePattern():
            return (
                f"{pattern.at_least} or more different within {span_words(pattern.recent)}, and at least "
                f"{pattern.times:g} times as often as in the {span_words(pattern.usual)} before: {pattern_words(pattern.of)}"
            )
        case FiredPattern(rule):
            return f"the rule {rule} fires"
        case RecallPattern(of):
            return pattern_words(of)


def _all_words(pattern: AllOf) -> str:
    parts = "; and ".join(pattern_words(part) for part in pattern.parts)
    none_of = "; or ".join(pattern_words(part) for part in pattern.none_of)
    within = span_words(pattern.within)
    if len(pattern.parts) == 1:
        return f"{parts}, with none of these in the {within} before: {none_of}"
    return f"all of these within {within}, in any order: {parts}" + (f"; with none of: {none_of}" if none_of else "")


def _entering_words(pattern: EntersPattern) -> str:
    states = " or ".join(sorted(pattern.statuses))
    if pattern.by_record:
        return "the watch begins, by the member's own record"
    return f"the person becomes {states}, or is so when the watch begins" if states else "the watch begins"


def _absence_words(pattern: AbsencePattern) -> str:
    until = f"the end of the day of the {pattern.until.replace('_', ' ')}"
    wait = until if pattern.within is None else span_words(pattern.within)
    since = " from the start of the same" if pattern.from_start else ""
    same = " of the same" if pattern.same_occurrence else ""
    return (
        f"after {pattern_words(pattern.after)}, within {wait}{since}, nothing{same} of: {pattern_words(pattern.unless)}"
    )


def _accumulated_words(pattern: AccumulatedPattern) -> str:
    names = ", ".join(name for name, _ in pattern.categories)
    where = condition_words(pattern.where)
    return f"{pattern.at_least} of {len(pattern.categories)} categories ({names}) are evidenced" + (
        f", each with {where}" if where else ""
    )


_VARIETY = {
    Distinct.FEED: "feeds",
    Distinct.SITE: "different hospital sites",
    Distinct.OFFENCE_GROUP: "different groups of offences",
}


def _count_words(pattern: CountPattern) -> str:
    if pattern.distinct in _VARIETY:
        told = f"{pattern.at_least} or more {_VARIETY[pattern.distinct]} within {span_words(pattern.within)}"
        return f"{told}: {pattern_words(pattern.of)}"
    feeds = f" told by at least {pattern.min_feeds} feeds" if pattern.min_feeds > 1 else ""
    units = " from different units" if pattern.distinct is Distinct.ORIGIN_UNIT else ""
    same = f" of the same {FACTS[pattern.same].label}" if pattern.same else ""
    within = span_words(pattern.within)
    return f"{pattern.at_least} or more different{units}{same} within {within}{feeds}: {pattern_words(pattern.of)}"


def _event_words(pattern: EventPattern) -> str:
    kinds = " or ".join(_kind_words(sorted(kind.value for kind in pattern.kinds)))
    about = {
        Subject.SELF: "",
        Subject.HOUSEHOLD: " in the household",
        Subject.LINKED: " of somebody close",
        Subject.HOUSEMATES: " of somebody else in the household",
    }
    where = condition_words(pattern.where)
    return f"{kinds}{about[pattern.subject]}" + (f" with {where}" if where else "")


def _kind_words(kinds: Iterable[str]) -> list[str]:
    families: dict[str, list[str]] = {}
    for kind in kinds:
        families.setdefault(kind.split(".")[0], []).append(kind)
    words = []
    for family, members in families.items():
        words.extend([f"any {family} event"] if len(members) > 3 else members)
    return words


def condition_words(condition: Condition) -> str:
    """A condition in plain words; '' for the one that is always true."""
    match condition:
        case Test():
            return _test_words(condition)
        case All(parts):
            return " and ".join(_inner(part) for part in parts)
        case OneOf(parts):
            return " or ".join(_inner(part) for part in parts)
        case Not(part):
            return f"not {_inner(part)}"
        case Unless(part):
            return f"unless {_inner(part)}"
        case FiredFor(rule):
            return f"{rule} fired for the same"
        case Earlier():
            return _earlier_words(condition)


def _earlier_words(condition: Earlier) -> str:
    """'at least 2 of: alert.closed with outcome not_needed, in the 30 days before'."""
    least, most = condition.at_least, condition.at_most
    if most == 0:
        return f"none of: {condition.said}"
    bounds = [*([f"at least {least}"] if least is not None else []), *([f"at most {most}"] if most is not None else [])]
    return f"{' and '.join(bounds)} of: {condition.said}"


def _inner(condition: Condition) -> str:
    words = condition_words(condition)
    return f"({words})" if isinstance(condition, (All, OneOf)) and len(condition.parts) > 1 else words


_RANGES = {
    Operator.AT_LEAST: "at least",
    Operator.AT_MOST: "at most",
    Operator.MORE_THAN: "more than",
    Operator.LESS_THAN: "less than",
}


def _test_words(test: Test) -> str:
    fact = FACTS[test.fact]
    if test.operator is Operator.KNOWN:
        return f"{fact.label} {'known' if test.value else 'unknown'}"
    if fact.type is FactType.TRUTH:
        return fact.label if test.value else f"not {fact.label}"
    if test.operator is Operator.IN:
        words = test.named.replace("_", " ") if test.named else ", ".join(sorted(map(str, test.value)))
        return f"{fact.label} one of {words}"
    if test.operator is Operator.IS:
        return f"{fact.label} {test.value}"
    return f"{fact.label} {_RANGES[test.operator]} {test.value:g}"
