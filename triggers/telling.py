"""A rule told line by line, to be read on a terminal or aloud: when it fires, for whom, what follows, and why.

`explain.py` says the same in one sentence.
"""

from collections.abc import Iterator

from domain.triggers import Sensitivity
from triggers.conditions import All
from triggers.cost import Cost
from triggers.patterns import AnyOf, Pattern, RecallPattern
from triggers.phrasing import condition_words, pattern_words, span_words
from triggers.rules import Cooling, Ground, Rule

_GROUNDS = {
    Ground.PERSON: "the person",
    Ground.OCCURRENCE: "the same visit or episode",
    Ground.SUBJECT: "the same harmed person",
}


def rule_told(rule: Rule, cost: Cost) -> tuple[tuple[str, str], ...]:
    """Pairs of a short label and what it says, in the order in which one would tell them."""
    return (
        *_when(rule.when),
        *([] if isinstance(rule.who, All) and not rule.who.parts else [("for people", f"where {_who(rule)}")]),
        *_urgency(rule),
        ("says", f"{rule.then.headline}."),
        *_then(rule),
        ("quiet", _quiet(rule.cooling)),
        *([("gives way", f"to {' and '.join(rule.yields_to)} on the same visit or episode")] if rule.yields_to else []),
        ("why", rule.why),
        ("costs", cost.words),
    )


def _who(rule: Rule) -> str:
    return condition_words(rule.who)


def _when(when: Pattern) -> Iterator[tuple[str, str]]:
    """Each way in which it fires, in a line of its own."""
    top = when.of if isinstance(when, RecallPattern) else when
    for place, part in enumerate(top.parts if isinstance(top, AnyOf) else (top,)):
        yield "or when" if place else "when", pattern_words(part)


def _urgency(rule: Rule) -> Iterator[tuple[str, str]]:
    for line in rule.then.priorities:
        yield f"{line.value} if", condition_words(line.condition)
    for line in rule.then.headlines:
        yield "says instead", f"{line.value}, if {condition_words(line.condition)}"
    for line in rule.then.reviews:
        yield "opens", f"a review of {line.value.replace('_', ' ')}, if {condition_words(line.condition)}"


def _then(rule: Rule) -> Iterator[tuple[str, str]]:
    then = rule.then
    if then.contact_within is not None:
        yield "contact", f"within {span_words(then.contact_within)}"
    if then.suggestion:
        yield "suggests", then.suggestion
    if then.sensitivity is Sensitivity.HEALTH:
        yield "only for", "health-approved contacts"
    if then.expires_after is not None:
        yield "ends", f"after {span_words(then.expires_after)}"
    if then.cap is not None:
        number = then.cap.alerts
        alerts = f"{number} alert{'' if number == 1 else 's'}"
        yield "at most", f"{alerts} for one person within {span_words(then.cap.within)}"


def _quiet(cooling: Cooling) -> str:
    ground = _GROUNDS[cooling.ground]
    if cooling.within is None:
        return f"once told, for as long as {ground} lasts, unless it becomes more urgent"
    for_whom = f"for {ground}, " if cooling.ground is not Ground.PERSON else ""
    return f"{for_whom}for {span_words(cooling.within)} after it fired, unless it becomes more urgent"
