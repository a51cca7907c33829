"""The facts that are read from the history up to a moment, each as what is looked up for it.

Contacts and what came of them enter the history as programme events (visit.made, contact.recorded, alert.closed,
consent.*); which outcomes mean that nobody was reached, or that the offer was refused, are reference lists.
"""

from collections.abc import Callable, Iterable

from domain.kinds import Feed, Kind
from triggers.conditions import ALWAYS, Condition, Operator, Test, Unless
from triggers.patterns import EventPattern, Lookup, Pattern, Recalled, event_pattern
from triggers.reference import Reference


def lookups_of(facts: Iterable[str], reference: Reference) -> tuple[Lookup, ...]:
    """What is looked up for those of `facts` that are read from the history, by name."""
    made: dict[str, Callable[[], Lookup]] = {
        "days_since_contact": lambda: Lookup("days_since_contact", Recalled.DAYS_SINCE, _contacts(reference)),
        "offers_refused": lambda: Lookup("offers_refused", Recalled.DAYS_WITH, _refusals(reference)),
        "in_custody": _custody,
        "individual_engagement": lambda: _engagement("individual"),
        "household_engagement": lambda: _engagement("household"),
    }
    return tuple(made[fact]() for fact in sorted(frozenset(facts) & made.keys()))


def _contacts(reference: Reference) -> tuple[Pattern, ...]:
    """Somebody of the programme spoke with them: a visit, a call, a kept appointment, a contact that reached them, an
    alert that ended with one."""
    reached = Unless(_outcome(reference, "not_reached"))
    return (
        _event(Kind.VISIT_MADE, reached),
        _event(Kind.CONTACT_RECORDED, reached),
        _event(Kind.CALLBACK_MADE, reached),
        _event(Kind.APPOINTMENT_KEPT),
        _event(Kind.ALERT_CLOSED, _outcome(reference, "reached")),
    )


def _refusals(reference: Reference) -> tuple[Pattern, ...]:
    """They said no: to consent, at a contact, or as what came of an alert."""
    refused = _outcome(reference, "refused")
    return (
        _event(Kind.CONSENT_REFUSED),
        _event(Kind.VISIT_MADE, refused),
        _event(Kind.CONTACT_RECORDED, refused),
        _event(Kind.ALERT_CLOSED, refused),
    )


def _outcome(reference: Reference, words: str) -> Condition:
    return Test("outcome", Operator.IN, reference.lists.get(words, frozenset()), named=words)


def _custody() -> Lookup:
    parts = (_event(Kind.CUSTODY_ARRIVED), _event(Kind.CUSTODY_RELEASED))
    return Lookup("in_custody", Recalled.LASTING, parts, feeds=frozenset({Feed.POLICE}))


_CONSENT = {"engaged": Kind.CONSENT_GIVEN, "declined": Kind.CONSENT_REFUSED, "withdrawn": Kind.CONSENT_WITHDRAWN}


def _engagement(scope: str) -> Lookup:
    """What was last said about consent; said of nobody in particular, it is the person's own."""
    household = Test("scope", Operator.IS, "household")
    whose: Condition = household if scope == "household" else Unless(household)
    parts = tuple(_event(kind, whose) for kind in _CONSENT.values())
    return Lookup(f"{scope}_engagement", Recalled.LATEST, parts, words=tuple(_CONSENT))


def _event(kind: Kind, where: Condition = ALWAYS) -> EventPattern:
    return event_pattern(frozenset({kind}), where, every=True)
