"""Links that are learnt: what a write does to them, and since when two members are close, by table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cohort.index import CohortIndex
from cohort.ties import Taker, tied, untied, with_times
from domain.ids import HouseholdId, MemberId
from domain.matches import LinkLearnt, Relation
from domain.people import CohortMember, MemberStatus, Tie

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER, LATEST = NOW + timedelta(days=1), NOW + timedelta(days=2)
ONE, OTHER = (CohortMember(MemberId(name), MemberStatus.AT_RISK) for name in ("M1", "M2"))
M1, M2 = ONE.member_id, OTHER.member_id
HOME = HouseholdId("H1")


def told(at: datetime = NOW, event: str = "e1", other: MemberId = M2) -> Tie:
    return Tie(other, LinkLearnt(at, at, event), "system", "record")


class TestWriting:
    def test_whoever_is_new_says_nothing_of_when(self) -> None:
        new = replace(ONE, associates=(M2,), household_id=HOME)
        assert with_times(new, None, NOW) == new

    def test_somebody_new_in_the_list_is_learnt_now(self) -> None:
        written = with_times(replace(ONE, associates=(M2,)), ONE, NOW)
        assert written.ties == (Tie(M2, LinkLearnt(NOW, NOW)),)

    def test_who_stays_in_the_list_keeps_the_time(self) -> None:
        first = with_times(replace(ONE, associates=(M2,)), ONE, NOW)
        assert with_times(replace(ONE, associates=(M2, MemberId("M3"))), first, LATER).ties == (
            Tie(M2, LinkLearnt(NOW, NOW)),
            Tie(MemberId("M3"), LinkLearnt(LATER, LATER)),
        )

    def test_who_always_stood_there_gets_no_time(self) -> None:
        old = replace(ONE, associates=(M2,))
        assert with_times(old, old, LATER).ties == ()

    def test_who_left_the_list_is_learnt_anew(self) -> None:
        first = with_times(replace(ONE, associates=(M2,)), ONE, NOW)
        gone = with_times(ONE, first, LATER)
        assert gone.ties == ()
        assert with_times(replace(ONE, associates=(M2,)), gone, LATEST).ties == (Tie(M2, LinkLearnt(LATEST, LATEST)),)

    def test_what_an_event_told_stays_whatever_the_list_says(self) -> None:
        assert with_times(ONE, tied(ONE, told()), LATER).ties == (told(),)

    def test_a_home_is_learnt_when_it_changes(self) -> None:
        moved = with_times(replace(ONE, household_id=HOME), ONE, NOW)
        assert moved.home_learnt == NOW
        assert with_times(replace(ONE, household_id=HOME), moved, LATER).home_learnt == NOW
        assert with_times(ONE, moved, LATER).home_learnt is None


class TestTakingBack:
    @pytest.mark.parametrize(
        ("why", "taker", "left"),
        [
            ("by its id", Taker("e1", "system", "another", LATER), ()),
            ("by its record", Taker("", "system", "record", LATER), ()),
            ("another event", Taker("e2", "system", "record", LATER), (told(),)),
            ("another record", Taker("", "system", "another", LATER), (told(),)),
            ("another system", Taker("e1", "elsewhere", "record", LATER), (told(),)),
            ("said before it was told", Taker("", "system", "record", NOW - timedelta(days=1)), (told(),)),
        ],
    )
    def test_it_names_what_it_takes(self, why: str, taker: Taker, left: tuple[Tie, ...]) -> None:
        assert untied(tied(ONE, told()), taker).ties == left, why

    def test_what_the_list_says_is_not_an_events_to_take(self) -> None:
        listed = with_times(replace(ONE, associates=(M2,)), ONE, NOW)
        assert untied(listed, Taker("", "system", "", LATER)) is listed


@pytest.mark.parametrize(
    ("why", "one", "other", "relation", "learnt"),
    [
        ("nobody is close", ONE, OTHER, None, None),
        ("always listed", replace(ONE, associates=(M2,)), OTHER, Relation.ASSOCIATE, None),
        ("told by an event", tied(ONE, told()), OTHER, Relation.ASSOCIATE, NOW),
        ("told of the other", ONE, tied(OTHER, told(other=M1)), Relation.ASSOCIATE, NOW),
        ("told twice, the earlier", tied(tied(ONE, told(LATER)), told(NOW, "e2")), OTHER, Relation.ASSOCIATE, NOW),
        ("listed by the other always", tied(ONE, told()), replace(OTHER, associates=(M1,)), Relation.ASSOCIATE, None),
        (
            "listed later, by one",
            with_times(replace(ONE, associates=(M2,)), ONE, LATER),
            OTHER,
            Relation.ASSOCIATE,
            LATER,
        ),
        (
            "at home together since the second came",
            replace(ONE, household_id=HOME),
            with_times(replace(OTHER, household_id=HOME), OTHER, LATER),
            Relation.HOUSEHOLD,
            LATER,
        ),
        (
            "at home together, and told before",
            tied(replace(ONE, household_id=HOME), told()),
            with_times(replace(OTHER, household_id=HOME), OTHER, LATER),
            Relation.HOUSEHOLD,
            NOW,
        ),
    ],
)
def test_since_when_two_are_close(
    why: str, one: CohortMember, other: CohortMember, relation: Relation | None, learnt: datetime | None
) -> None:
    index = CohortIndex.build((one, other))
    for here, there in ((M1, M2), (M2, M1)):
        assert index.linked(here) == (((there, relation),) if relation else ()), why
        found = index.learnt(here, there)
        assert (found.at if found else None) == learnt, why
