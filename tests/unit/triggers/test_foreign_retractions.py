"""Nobody takes back what another system said: a stolen key of one feed cannot silence another feed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.events import EdAttributes, Event, Feed, Intent, Kind, Mechanism, NoAttributes, Role
from domain.ids import EventId, MemberId
from domain.matches import Relation
from domain.people import CohortMember, MemberStatus
from triggers.evaluate import evaluate
from triggers.history import entry_of, with_entries
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
