"""Which change of a member sends look-back through the events of before: by table."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from cohort.writing import is_sought
from domain.identity import Identity, Name
from domain.ids import HouseholdId, MemberId, NavigatorId
from domain.kinds import Feed
from domain.people import CohortMember, MemberStatus, WatchAuthority

ONE = CohortMember(
    MemberId("M1"),
    MemberStatus.AT_RISK,
    Identity(names=(Name(("Kit",), "Kettlewell"),)),
    household_id=HouseholdId("H1"),
    associates=(MemberId("M2"), MemberId("M3")),
    watch=WatchAuthority(starts=date(2026, 1, 1), ends=date(2026, 12, 31)),
)
CLOSED = replace(ONE, status=MemberStatus.CLOSED)


@pytest.mark.parametrize(
    ("why", "before", "changed", "sought"),
    [
        ("joins", None, {}, True),
        ("another name", ONE, {"identity": Identity(names=(Name(("Kit",), "Kettle"),))}, True),
        ("moves in with others", ONE, {"household_id": HouseholdId("H2")}, True),
        ("somebody close is learnt", ONE, {"associates": (MemberId("M2"), MemberId("M3"), MemberId("M4"))}, True),
        ("the same people in another order", ONE, {"associates": (MemberId("M3"), MemberId("M2"))}, False),
        ("comes back", CLOSED, {"status": MemberStatus.REOFFER}, True),
        ("turns the offer down", ONE, {"status": MemberStatus.NON_ENGAGER}, False),
        ("one more feed", replace(ONE, allowed_feeds=(Feed.ED,)), {}, True),
        ("watched from earlier on", ONE, {"watch": replace(ONE.watch, starts=date(2025, 6, 1))}, True),
        ("watched for longer", ONE, {"watch": replace(ONE.watch, ends=date(2027, 6, 1))}, True),
        ("another name under the authority", ONE, {"watch": replace(ONE.watch, authorised_by="S2")}, False),
        ("another navigator", ONE, {"navigator_id": NavigatorId("N2"), "cover_id": NavigatorId("N3")}, False),
        ("another note", ONE, {"safe_contact": "by letter", "staff_safety": "in pairs", "area": "North"}, False),
    ],
)
def test_only_what_events_are_asked_by_counts(
    why: str, before: CohortMember | None, changed: dict[str, Any], sought: bool
) -> None:
    assert is_sought(before, replace(ONE, **changed)) is sought, why
