"""Nobody takes back what another system said: a stolen key of one feed cannot silence another feed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from domain.attributes import EdAttributes, Intent, Mechanism, NoAttributes, SearchAttributes
from domain.events import Event
from domain.ids import EventId, MemberId
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from domain.people import CohortMember, MemberStatus
from triggers.evaluate import evaluate
from triggers.history import entry_of, with_entries
from triggers.keeping import kept
from triggers.loading import shipped_rules

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STABBED = Event(
    event_id=EventId("stabbed"),
    kind=Kind.ED_ARRIVAL,
    feed=Feed.ED,
    source_system="PAS:X9Z",
    source_key="1",
    occurred_at=NOON,
    received_at=NOON,
    attributes=EdAttributes(visit_key="V1", intent=Intent.ASSAULT, mechanism=Mechanism.SHARP),
)
TAKEN_BACK = Event(
    event_id=EventId("taken back"),
    kind=Kind.RECORD_RETRACTED,
    feed=Feed.ED,
    source_system="PAS:X9Z",
    source_key="2",
    occurred_at=NOON + timedelta(hours=1),
    received_at=NOON + timedelta(hours=1),
    attributes=NoAttributes(),
    retracts=EventId("stabbed"),
)


@pytest.mark.parametrize(
    ("feed", "system", "stands", "why"),
    [
        (Feed.ED, "PAS:X9Z", False, "the hospital itself says that it was wrong"),
        (Feed.ED, "PAS:OTHER", True, "another hospital cannot say so"),
        (Feed.POLICE, "PAS:X9Z", True, "another feed cannot say so, even under a borrowed name"),
    ],
)
def test_only_whoever_said_it_takes_it_back(feed: Feed, system: str, stands: bool, why: str) -> None:
    taker = replace(TAKEN_BACK, feed=feed, source_system=system)
    history = with_entries(
        (), [entry_of(event, subject="M1", relation=Relation.SELF, role=Role.PATIENT) for event in (STABBED, taker)]
    )
    member = CohortMember(MemberId("M1"), MemberStatus.NON_ENGAGER)
    fired = {str(verdict.rule_id) for verdict in evaluate(shipped_rules(), member, history) if verdict.fired}
    assert ("ED_WEAPON_ASSAULT" in fired) is stands, why


def _told(event: str, hours: int, found: str, retracts: str | None) -> Event:
    return replace(
        STABBED,
        event_id=EventId(event),
        kind=Kind.STOPSEARCH_RECORDED,
        feed=Feed.POLICE,
        source_key=event,
        occurred_at=NOON + timedelta(hours=hours),
        received_at=NOON + timedelta(hours=hours),
        attributes=SearchAttributes(found=(found,) if found else ()),
        retracts=EventId(retracts) if retracts else None,
    )


@pytest.mark.parametrize(
    ("told", "fired", "why"),
    [
        ([("a", "knife", None)], True, "a knife was found"),
        ([("a", "knife", None), ("b", "", "a")], False, "taken back by a record that says nothing else"),
        ([("a", "knife", None), ("b", "", "a"), ("c", "", "b")], True, "that was taken back in turn"),
        ([("a", "knife", None), ("b", "cannabis", "a")], False, "another stands in its place"),
        ([("a", "knife", None), ("b", "cannabis", "a"), ("c", "cannabis", "b")], False, "once replaced, replaced"),
        ([("a", "cannabis", None), ("b", "knife", "a")], True, "what stands in its place says it"),
    ],
)
def test_any_record_may_take_another_back(told: list[tuple[str, str, str | None]], fired: bool, why: str) -> None:
    entries = [
        entry_of(_told(event, n, found, retracts), subject="M1", relation=Relation.SELF, role=Role.SEARCHED)
        for n, (event, found, retracts) in enumerate(told)
    ]
    member = CohortMember(MemberId("M1"), MemberStatus.NON_ENGAGER)
    for order in permutations(entries):
        known = kept(shipped_rules(), member, ())
        for entry in order:
            known = known.changed((entry,)).kept
        assert known.index.entries
        for history in (tuple(known.index.entries), with_entries((), order)):
            verdicts = evaluate(shipped_rules(), member, tuple(sorted(history, key=lambda one: one.order)))
            assert ("WEAPON_CARRYING" in {str(one.rule_id) for one in verdicts if one.fired}) is fired, why
        standing = {str(one.rule_id) for one in known.verdicts if one.fired}
        assert ("WEAPON_CARRYING" in standing) is fired, why
