"""A visit turns out to be somebody else's: the first is corrected, the second told once, and nothing goes on a guess."""

from itertools import permutations

from alerts.model import AlertState
from domain.ids import MemberId
from domain.kinds import Kind, Role
from domain.matches import Relation
from streams.bequeathing import handed_over
from streams.messages import Heir, Matched, PersonState
from tests.unit.streams.deciding import STABBED, played
from tests.unit.streams.play import ed, hours, member, minutes
from triggers.history import entry_of


async def test_another_member_after_all_the_first_is_corrected_and_the_second_told_once() -> None:
    play = await played(
        member("M1"),
        member("M2"),
        member("M3", associates=(MemberId("M1"),)),
        member("M4", associates=(MemberId("M2"),)),
    )
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
    assert await play.live() == [("M1", "ED_WEAPON_ASSAULT"), ("M3", "ASSOCIATE_HARMED")]
    moved = ed(Kind.ED_UPDATED, "M2", visit="V", at=hours(1))
    await play.give(moved)
    assert await play.live() == [("M2", "ED_WEAPON_ASSAULT"), ("M4", "ASSOCIATE_HARMED")]
    assert await play.ended(moved) == "alert"
    await play.give(ed(Kind.ED_DEPARTED, "M2", visit="V", at=hours(3)))
    assert len(await play.alerts("M2")) == 1


async def test_the_last_word_in_event_time_decides_whose_it_is_whatever_came_last() -> None:
    first = ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED)
    mistaken = ed(Kind.ED_UPDATED, "M2", visit="V", at=hours(1))
    back = ed(Kind.ED_DEPARTED, "M1", visit="V", at=hours(2))
    for order in permutations((first, mistaken, back)):
        play = await played(member("M1"), member("M2"))
        for each in order:
            await play.give(each)
        assert await play.live() == [("M1", "ED_WEAPON_ASSAULT")], [each.kind.value for each in order]


async def test_what_is_said_after_the_change_of_patient_is_not_handed_on_with_it() -> None:
    mistaken = ed(Kind.ED_UPDATED, "M2", visit="V", at=hours(1))
    history = tuple(
        entry_of(each, subject="M1", relation=Relation.SELF, role=Role.PATIENT)
        for each in (ed(Kind.ED_ARRIVAL, visit="V"), ed(Kind.ED_DEPARTED, visit="V", at=hours(2)))
    )
    lost = Matched(
        event=mistaken,
        listener=MemberId("M1"),
        subject="M1",
        relation=Relation.LOST,
        role=None,
        heirs=(Heir(MemberId("M2"), MemberId("M2"), Relation.SELF),),
    )
    (handed,) = handed_over(lost, PersonState(MemberId("M1"), 1, history))
    assert [(entry.kind, entry.subject) for entry in handed.extra] == [(Kind.ED_ARRIVAL, "M2")]
    assert handed_over(lost, PersonState(MemberId("M1"), 1, history[1:])) == ()


async def test_an_unknown_patient_asks_a_human_and_takes_nothing_away() -> None:
    play = await played()
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
    unknown = ed(Kind.ED_UPDATED, "nobody we know", visit="V", at=hours(1))
    await play.give(unknown)
    assert await play.live() == [("M1", "ED_WEAPON_ASSAULT")]
    assert await play.ended(unknown) == "review"
    (review,) = await play.twin.desk.reviews(10)
    assert review.why == "identity_changed"


async def test_two_records_of_one_patient_the_visits_move_with_all_that_was_said() -> None:
    play = await played(member("M1"), member("M2"))
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", patient_key="P2", intent="assault"))
    await play.give(ed(Kind.ED_UPDATED, visit="V", at=minutes(30), mechanism="sharp"))
    (first,) = await play.alerts("M1")
    a40 = ed(Kind.ED_MERGED, "M2", visit="", key="A40", at=hours(2), patient_key="P1", merged_patient_key="P2")
    await play.give(a40)
    assert [rule for _, rule in await play.live("M2")] == ["ED_ASSAULT", "ED_WEAPON_ASSAULT"]
    assert await play.live("M1") == []
    (corrected,) = await play.alerts("M1")
    assert (corrected.alert_id, corrected.state) == (first.alert_id, AlertState.WITHDRAWN)
    assert len(await play.alerts("M2")) == 1
    await play.give(a40)
    assert len(await play.alerts("M2")) == 1


async def test_a_visit_under_the_old_number_after_the_merge_is_heard_by_the_survivors_navigator() -> None:
    play = await played(member("M1"), member("M2"))
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", patient_key="P2"))
    await play.give(
        ed(Kind.ED_MERGED, "M2", visit="", key="A40", at=hours(2), patient_key="P1", merged_patient_key="P2")
    )
    await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="W", at=hours(4), patient_key="P2", **STABBED))
    assert await play.live() == [("M2", "ED_WEAPON_ASSAULT")]
    await play.give(ed(Kind.ED_CANCELLED, visit="W", at=hours(5)))
    assert await play.live() == []
