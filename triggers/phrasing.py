"""Patterns and conditions in plain words, made from what they really check: what a rule asks for, as one would say it.

The words of kinds of events are in `phrases.py`. Nothing here knows a person.
"""

from datetime import timedelta

from triggers.conditions import All, Condition, Earlier, FiredFor, Not, OneOf, Operator, Test, Unless
from triggers.facts import FACTS, FactType
from triggers.months import Months, Span
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
from triggers.phrases import NUMBERS, TRUTHS, WORDS, kinds_words


def span_words(span: Span) -> str:
    """A span in the largest unit that fits: '365 days', '6 hours', '45 minutes'; calendar months as such."""
    if isinstance(span, Months):
        return f"{span.number} month{'' if span.number == 1 else 's'}"
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
        case CountPattern():
            return _count_words(pattern)
        case SequencePattern() | StepsPattern():
            return _steps_words(pattern)
        case AnyOf(parts):
            return "; or ".join(pattern_words(part) for part in parts)
        case AllOf():
            return _all_words(pattern)
        case AbsencePattern() | QuietPattern() | EntersPattern():
            return _waiting_words(pattern)
        case AccumulatedPattern():
            return _accumulated_words(pattern)
        case RecallPattern(of):
            return pattern_words(of)
        case _:
            return _new_words(pattern)


def _new_words(pattern: FirstPattern | ChangePattern | FiredPattern) -> str:
    """What is new for this person."""
    match pattern:
        case FirstPattern(of, within):
            ever = "ever" if within is None else f"in {span_words(within)}"
            return f"the first {ever}: {pattern_words(of)}"
        case ChangePattern():
            return (
                f"{pattern.at_least} or more different ones within {span_words(pattern.recent)}, and at least "
                f"{pattern.times:g} times as often as in the {span_words(pattern.usual)} before that: "
                f"{pattern_words(pattern.of)}"
            )
        case FiredPattern(rule):
            return f"the rule {rule} fires"


def _steps_words(pattern: SequencePattern | StepsPattern) -> str:
    within = span_words(pattern.within)
    if isinstance(pattern, SequencePattern):
        return f"first {pattern_words(pattern.first)}; then, within {within}: {pattern_words(pattern.then)}"
    apart = "" if pattern.overlap else ", each time anew after the last"
    return f"one after another within {within}{apart}: {'; then '.join(pattern_words(step) for step in pattern.steps)}"


def _all_words(pattern: AllOf) -> str:
    parts = "; and ".join(pattern_words(part) for part in pattern.parts)
    none_of = "; or ".join(pattern_words(part) for part in pattern.none_of)
    within = span_words(pattern.within)
    if len(pattern.parts) == 1:
        return f"{parts}; and in the {within} before none of: {none_of}"
    return f"all of these within {within}, in any order: {parts}" + (f"; and none of: {none_of}" if none_of else "")


def _waiting_words(pattern: AbsencePattern | QuietPattern | EntersPattern) -> str:
    match pattern:
        case AbsencePattern():
            return _absence_words(pattern)
        case QuietPattern():
            return (
                f"nothing for {span_words(pattern.lasting)} of: {pattern_words(pattern.of)}; counted from the last one,"
                f" else from when {pattern_words(pattern.since)}; not counting the time between "
                f"{pattern_words(pattern.paused)} and {pattern_words(pattern.resumed)}"
            )
        case EntersPattern():
            states = " or ".join(sorted(status.replace("_", " ") for status in pattern.statuses))
            if pattern.by_record:
                return "the watch begins, by the member's own record"
            return f"the person becomes {states}, or is so when the watch begins" if states else "the watch begins"


def _absence_words(pattern: AbsencePattern) -> str:
    until = f"by the end of the day of the {pattern.until.replace('_', ' ')}"
    wait = until if pattern.within is None else f"within {span_words(pattern.within)}"
    since = " from the start of the same" if pattern.from_start else ""
    same = " of the same" if pattern.same_occurrence else ""
    return f"after {pattern_words(pattern.after)}, {wait}{since}, nothing{same} of: {pattern_words(pattern.unless)}"


def _accumulated_words(pattern: AccumulatedPattern) -> str:
    names = ", ".join(name for name, _ in pattern.categories)
    where = condition_words(pattern.where)
    return f"{pattern.at_least} of {len(pattern.categories)} categories ({names}) are evidenced" + (
        f", each where {where}" if where else ""
    )


_VARIETY = {
    Distinct.FEED: "feeds tell",
    Distinct.SITE: "different hospital sites",
    Distinct.OFFENCE_GROUP: "different groups of offences",
}


def _count_words(pattern: CountPattern) -> str:
    of = pattern_words(pattern.of)
    if pattern.at_least == 1 and pattern.distinct is Distinct.OCCURRENCE:
        return f"each of: {of}"
    within = span_words(pattern.within)
    if pattern.distinct in _VARIETY:
        return f"{pattern.at_least} or more {_VARIETY[pattern.distinct]} within {within}: {of}"
    feeds = f" told by at least {pattern.min_feeds} feeds" if pattern.min_feeds > 1 else ""
    units = " from different units" if pattern.distinct is Distinct.ORIGIN_UNIT else ""
    same = f" of the same {FACTS[pattern.same].label}" if pattern.same else ""
    return f"{pattern.at_least} or more different ones{units}{same} within {within}{feeds}: {of}"


_ABOUT = {
    Subject.SELF: "",
    Subject.HOUSEHOLD: " in the household",
    Subject.LINKED: " of somebody close",
    Subject.HOUSEMATES: " of somebody they live with",
}


def _event_words(pattern: EventPattern) -> str:
    where = condition_words(pattern.where)
    return f"{kinds_words(pattern.kinds)}{_ABOUT[pattern.subject]}" + (f" where {where}" if where else "")


# -- conditions ----------------------------------------------------------------------------------------------------


def condition_words(condition: Condition) -> str:
    """A condition in plain words; '' for the one that is always true."""
    match condition:
        case Test():
            return _test_words(condition)
        case All(parts):
            return _all_of(parts)
        case OneOf(parts):
            return " or ".join(_inner(part) for part in parts)
        case Not(part):
            return f"it is known not to be so that {_inner(part)}"
        case Unless(part):
            return f"it is not known that {_inner(part)}"
        case FiredFor(rule):
            return f"{rule} fired for the same visit or episode"
        case Earlier():
            return _earlier_words(condition)


def _all_of(parts: tuple[Condition, ...]) -> str:
    """What must hold, and then what it gives way to."""
    holding = " and ".join(_inner(part) for part in parts if not isinstance(part, Unless))
    giving_way = ", and unless ".join(_inner(part.part) for part in parts if isinstance(part, Unless))
    if not holding:
        return f"it is not known that {giving_way}" if giving_way else ""
    return f"{holding}, unless {giving_way}" if giving_way else holding


def _inner(condition: Condition) -> str:
    """A part of a condition, said so that one hears where it begins: "either", "both", "all of"."""
    words = condition_words(condition)
    if isinstance(condition, OneOf) and len(condition.parts) > 1:
        return f"either {words}"
    if isinstance(condition, All) and len(condition.parts) > 1:
        holding = sum(not isinstance(part, Unless) for part in condition.parts)
        return f"{'both' if holding == 2 else 'all of'} {words}" if holding > 1 else words
    return words


def _earlier_words(condition: Earlier) -> str:
    """'there were at least 2 of: a closed alert where outcome is not needed, in the 30 days before'."""
    least, most = condition.at_least, condition.at_most
    if most == 0:
        return f"there was none of: {condition.said}"
    bounds = [*([f"at least {least}"] if least is not None else []), *([f"at most {most}"] if most is not None else [])]
    return f"there were {' and '.join(bounds)} of: {condition.said}"


_BOUNDS = {
    Operator.IS: "",
    Operator.AT_LEAST: "at least ",
    Operator.AT_MOST: "at most ",
    Operator.MORE_THAN: "more than ",
    Operator.LESS_THAN: "less than ",
}


def _test_words(test: Test) -> str:
    fact = FACTS[test.fact]
    if test.operator is Operator.KNOWN:
        return f"{fact.label} is {'known' if test.value else 'not known'}"
    if fact.type is FactType.TRUTH:
        true, false = TRUTHS.get(fact.name, (fact.label, f"not {fact.label}"))
        return true if test.value else false
    if fact.type is FactType.NUMBER:
        said, value = NUMBERS.get(fact.name, fact.label + " is {}"), test.value
        if fact.name.endswith("_hours") and value >= _DAYS_FROM and value % 24 == 0:
            said, value = said.replace(" hours", " days"), value // 24
        return said.format(f"{_BOUNDS[test.operator]}{value:g}")
    name = WORDS.get(fact.name, fact.label)
    if test.operator is Operator.IN:
        if test.named:
            return f"{name} is on the list '{test.named.replace('_', ' ')}'"
        return f"{name} is {' or '.join(sorted(_spelt(word) for word in test.value))}"
    return f"{name} is {_spelt(test.value)}"


_DAYS_FROM = 48
"""So many hours and more are said in days."""


def _spelt(word: object) -> str:
    return str(word).replace("_", " ")
