"""What an event changes: new firings, firings whose ground is gone, and firings that another one now stands for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.attributes import (
    Attributes,
    CrimeAttributes,
    EdAttributes,
    Grade,
    Handling,
    IntelAttributes,
    Intent,
    MissingAttributes,
    MissingRisk,
)
from domain.events import Event
from domain.ids import EventId
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from tests.unit.triggers.histories import MEMBER
from triggers.changes import Changes, compare
from triggers.evaluate import evaluate
from triggers.history import HistoryEntry, entry_of, with_entries
from triggers.loading import shipped_rules
from triggers.verdicts import FiringDecision

RULES = shipped_rules()
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def entry(name: str, kind: Kind, hours: float, attributes: Attributes, **more: Any) -> HistoryEntry:
    """An entry about M1, `hours` after nine, received at once unless `late` says how many hours later."""
    at = AT + timedelta(hours=hours)
    event = Event(
        EventId(name), kind, kind.feed or Feed.POLICE, "s", more.get("key", name), at,
        at + timedelta(hours=more.get("late", 0)), attributes=attributes, retracts=more.get("retracts"),
    )  # fmt: skip
    return entry_of(event, subject="M1", relation=Relation.SELF, role=more.get("role"))


def changes(before: list[HistoryEntry], added: HistoryEntry) -> Changes:
    """What `added` changes on top of `before`."""
    known = with_entries((), before)
    return compare(evaluate(RULES, MEMBER, known), evaluate(RULES, MEMBER, with_entries(known, (added,))))


def crime(name: str, hours: float, code: str | None, kind: Kind = Kind.CRIME_RECORDED, **more: Any) -> HistoryEntry:
    return entry(name, kind, hours, CrimeAttributes(ho_code=code), role=more.pop("role", Role.SUSPECT), **more)


KNIFE = crime("knife", 10, "10D")


def names(firings: Any) -> list[tuple[str, str]]:
    return [(str(firing.rule_id), str(firing.anchor)) for firing in firings]


def test_a_new_event_fires() -> None:
    told = changes([], KNIFE)
    assert names(told.fired) == [("WEAPON_CARRYING", "knife")]
    assert not (told.withdrawn or told.moved or told.held)


def test_the_same_event_again_changes_nothing() -> None:
    assert changes([KNIFE], KNIFE) == Changes()


def test_one_within_cooling_is_kept_for_the_ledger_only() -> None:
    told = changes([KNIFE], crime("another", 12, "10D"))
    assert told.nothing
    assert [(one.decision, str(one.anchor)) for one in told.held] == [(FiringDecision.COOLING, "another")]


def test_an_earlier_one_heard_of_late_moves_the_firing() -> None:
    told = changes([KNIFE], crime("earlier", 0, "10D", late=20))
    assert names(new for _, new in told.moved) == [("WEAPON_CARRYING", "earlier")]
    assert names(old for old, _ in told.moved) == [("WEAPON_CARRYING", "knife")]
    assert not (told.fired or told.withdrawn)


def test_a_cancelled_one_hands_over_to_the_one_it_kept_quiet() -> None:
    told = changes([KNIFE, crime("another", 12, "10D")], crime("gone", 13, None, Kind.CRIME_CANCELLED, key="knife"))
    assert names(new for _, new in told.moved) == [("WEAPON_CARRYING", "another")]
    assert not (told.fired or told.withdrawn)


def test_a_cancelled_one_alone_is_withdrawn() -> None:
    told = changes([KNIFE], crime("gone", 13, None, Kind.CRIME_CANCELLED, key="knife"))
    assert names(told.withdrawn) == [("WEAPON_CARRYING", "knife")]
    assert not (told.fired or told.moved)


def test_a_correction_that_lowers_the_priority_moves_the_firing_to_itself() -> None:
    told = changes([crime("c", 0, "2")], crime("c2", 5, "8N", Kind.CRIME_UPDATED, key="c"))
    assert [(old.firing_id == new.firing_id, old.priority, new.priority) for old, new in told.moved] == [
        (True, "P1", "P2")
    ]


def test_too_late_is_said_so() -> None:
    told = changes([], crime("old", 0, "10D", late=49))
    assert told.nothing
    assert [one.decision for one in told.held] == [FiringDecision.TOO_LATE]


def test_retracted_by_id_and_the_retraction_retracted() -> None:
    taken = entry("r1", Kind.RECORD_RETRACTED, 11, CrimeAttributes(), retracts=EventId("knife"))
    back = entry("r2", Kind.RECORD_RETRACTED, 12, CrimeAttributes(), retracts=EventId("r1"))
    assert names(changes([KNIFE], taken).withdrawn) == [("WEAPON_CARRYING", "knife")]
    assert names(changes([KNIFE, taken], back).fired) == [("WEAPON_CARRYING", "knife")]


def test_missing_regraded_high_breaks_through_and_the_first_firing_stays() -> None:
    low = entry("m1", Kind.MISSING_REPORTED, 0, MissingAttributes("E1", MissingRisk.MEDIUM), role=Role.MISSING)
    high = entry("m2", Kind.MISSING_REGRADED, 3, MissingAttributes("E1", MissingRisk.HIGH), role=Role.MISSING)
    told = changes([low], high)
    assert names(told.fired) == [("MISSING_CHILD", "m2")]
    assert not (told.withdrawn or told.moved)


@pytest.mark.parametrize(
    ("grade", "decision"),
    [
        pytest.param(Grade(1, "A", Handling.C), FiringDecision.HELD_FOR_GATEKEEPER, id="conditions"),
        pytest.param(Grade(1, "A", Handling.BLOCK), FiringDecision.BLOCKED_BY_ORIGINATOR, id="originator only"),
    ],
)
def test_intelligence_that_may_not_alert_says_why(grade: Grade, decision: FiringDecision) -> None:
    told = changes([], entry("i", Kind.INTEL_SUBMITTED, 0, IntelAttributes(grade, "U1", ("weapon",)), role=Role.NAMED))
    assert told.nothing
    assert [one.decision for one in told.held] == [decision]


def test_cleared_by_hl7_null_is_unknown_again() -> None:
    arrival = entry("a", Kind.ED_ARRIVAL, 0, EdAttributes(visit_key="V", intent=Intent.ASSAULT), role=Role.PATIENT)
    nulled = entry("b", Kind.ED_UPDATED, 1, EdAttributes(visit_key="V", cleared=("intent",)), role=Role.PATIENT)
    assert names(changes([arrival], nulled).withdrawn) == [("ED_ASSAULT", "a")]


def harmed(name: str, friend: str, hours: float = 0) -> HistoryEntry:
    """Somebody close, stabbed."""
    event = Event(
        EventId(name), Kind.CRIME_RECORDED, Feed.POLICE, "s", name, AT + timedelta(hours=hours),
        AT + timedelta(hours=hours), attributes=CrimeAttributes(ho_code="5D"),
    )  # fmt: skip
    return entry_of(event, subject=friend, relation=Relation.ASSOCIATE, role=Role.VICTIM)


def became(before: list[HistoryEntry], after: list[HistoryEntry]) -> Changes:
    """What is different when the one history takes the place of the other."""
    return compare(*(evaluate(RULES, MEMBER, with_entries((), each)) for each in (before, after)))


def test_another_event_of_the_same_moment_takes_over_and_is_what_the_firing_then_rests_on() -> None:
    told = became([KNIFE], [crime("other", 10, "10D")])
    assert names(new for _, new in told.moved) == [("WEAPON_CARRYING", "other")]
    assert [new.contributing for _, new in told.moved] == [("other",)]
    assert not (told.fired or told.withdrawn)


@pytest.mark.parametrize(
    ("why", "before", "after"),
    [
        ("it is at another moment", KNIFE, crime("other", 11, "10D")),
        ("it is more urgent", crime("one", 10, "8N"), crime("two", 10, "5D")),
        ("it tells of another person", harmed("one", "M2"), harmed("two", "M3")),
    ],
)
def test_but_never_where_the_reader_would_hear_something_else(
    why: str, before: HistoryEntry, after: HistoryEntry
) -> None:
    told = became([before], [after])
    assert not told.moved, why
    assert len(told.fired) == len(told.withdrawn) == 1
