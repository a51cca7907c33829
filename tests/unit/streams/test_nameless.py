"""Somebody is brought in who cannot say their name; it is learnt later, from a message about the same visit."""

from dataclasses import replace

import pytest

from domain.identity import Identity, Name
from domain.kinds import Kind
from tests.unit.streams.looking_back import Looking, identity, visit, watched
from tests.unit.streams.play import minutes

STABBED = {"intent": "assault", "mechanism": "sharp"}


async def house(*names: str) -> Looking:
    found = await Looking().prepare()
    await found.join(*map(watched, names))
    await found.look()
    return found


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Identity(), "nothing was said"),
        (Identity(names=(Name(("UNKNOWN",), "UNKNOWN"),)), "a placeholder"),
        (identity("M1", unknown=True), "the source marks it as unknown, whatever else it says"),
        (replace(identity("M1"), identifiers=(), postcodes=(), addresses=(), dates_of_birth=()), "a name without a birth"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
async def test_who_is_named_later_is_told_of_with_the_arrival(said: Identity, why: str) -> None:
    home = await house("M1")
    await home.play.give(visit(Kind.ED_ARRIVAL, said, **STABBED))
    assert await home.play.live() == [], "nobody by a guess"
    await home.play.give(visit(Kind.ED_UPDATED, "M1", at=minutes(20)))
    assert await home.play.live() == [("M1", "ED_WEAPON_ASSAULT")], why


async def test_who_is_named_later_and_is_nobody_we_watch_changes_nothing() -> None:
    home = await house("M1")
    await home.play.give(visit(Kind.ED_ARRIVAL, Identity(), **STABBED))
    await home.play.give(visit(Kind.ED_UPDATED, "M2", at=minutes(20)))
    assert await home.play.alerts() == []


async def test_another_visit_of_the_same_hour_is_not_theirs() -> None:
    home = await house("M1")
    await home.play.give(visit(Kind.ED_ARRIVAL, Identity(), "V2", **STABBED))
    await home.play.give(visit(Kind.ED_UPDATED, "M1", "V1", at=minutes(20)))
    assert await home.play.alerts() == []


async def test_an_arrival_that_clearly_names_somebody_else_is_not_moved() -> None:
    home = await house("M1")
    await home.play.give(visit(Kind.ED_ARRIVAL, "M3", **STABBED))
    await home.play.give(visit(Kind.ED_UPDATED, "M1", at=minutes(20)))
    assert await home.play.alerts() == []


async def test_who_joins_after_all_that_is_found_with_the_arrival() -> None:
    home = await house()
    await home.play.give(visit(Kind.ED_ARRIVAL, Identity(unknown=True), **STABBED))
    await home.play.give(visit(Kind.ED_UPDATED, "M1", at=minutes(20)))
    await home.join(watched("M1"))
    await home.look()
    (firing,) = await home.play.standing("M1")
    assert (firing.rule_id, firing.late) == ("ED_WEAPON_ASSAULT", True)


async def test_a_nameless_visit_that_is_cancelled_before_the_name_is_learnt_tells_nobody() -> None:
    home = await house("M1")
    await home.play.give(visit(Kind.ED_ARRIVAL, Identity(), **STABBED))
    await home.play.give(visit(Kind.ED_CANCELLED, None, at=minutes(5)))
    await home.play.give(visit(Kind.ED_UPDATED, "M1", at=minutes(4)))
    assert await home.play.live() == []
