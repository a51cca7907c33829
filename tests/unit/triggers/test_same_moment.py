"""Several messages of one moment: senders write minutes, so what follows what is told by kind and control number."""

from datetime import UTC, datetime
from itertools import permutations

import pytest

from domain.attributes import EdAttributes, Intent, Mechanism
from domain.events import Event
from domain.ids import event_id
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from tests.unit.triggers.histories import MEMBER
from triggers.evaluate import evaluate
from triggers.history import HistoryEntry, entry_of, with_entries
from triggers.loading import shipped_rules

RULES = shipped_rules("tipt")
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def told(kind: Kind, control: str, mechanism: Mechanism | None = None, visit: str = "V1") -> HistoryEntry:
    """One ED message of the same minute as all others."""
    event = Event(
        event_id=event_id(feed="ed", source_system="X9Z", source_key=control, kind=kind, version="1"),
        kind=kind,
        feed=Feed.ED,
        source_system="X9Z",
        source_key=control,
        occurred_at=AT,
        received_at=AT,
        attributes=EdAttributes(visit_key=visit, intent=Intent.ASSAULT if mechanism else None, mechanism=mechanism),
    )
    return entry_of(event, subject=MEMBER.member_id, relation=Relation.SELF, role=Role.PATIENT)


def fired(*entries: HistoryEntry) -> set[str]:
    return {str(one.rule_id) for one in evaluate(RULES, MEMBER, with_entries((), entries)) if one.fired}


@pytest.mark.parametrize("number", range(40))  # ids are hashes: forty visits see both orders of them
def test_an_update_of_the_same_minute_follows_its_arrival(number: int) -> None:
    arrival = told(Kind.ED_ARRIVAL, f"MSG{2 * number:05d}", Mechanism.BODY_PART)
    coded = told(Kind.ED_UPDATED, f"MSG{2 * number + 1:05d}", Mechanism.SHARP)
    for order in permutations((arrival, coded)):
        assert fired(*order) == {"ED_WEAPON_ASSAULT"}, "a stabbing that is coded at once is no fist fight"


@pytest.mark.parametrize("number", (7, 9, 98, 99, 998, 999))
def test_of_two_updates_of_the_same_minute_the_higher_control_number_stands(number: int) -> None:
    arrival = told(Kind.ED_ARRIVAL, f"{number - 1}")
    first = told(Kind.ED_UPDATED, f"{number}", Mechanism.BODY_PART)
    second = told(Kind.ED_UPDATED, f"{number + 1}", Mechanism.SHARP)
    for order in permutations((arrival, first, second)):
        assert fired(*order) == {"ED_WEAPON_ASSAULT"}


@pytest.mark.parametrize("number", range(20))
def test_a_cancellation_of_the_same_minute_follows_what_it_cancels(number: int) -> None:
    arrival = told(Kind.ED_ARRIVAL, f"A{number}", Mechanism.SHARP)
    cancelled = told(Kind.ED_CANCELLED, f"B{number}")
    for order in permutations((arrival, cancelled)):
        assert fired(*order) == set()
