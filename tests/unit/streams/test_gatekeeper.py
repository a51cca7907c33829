"""Intelligence that may not alert: the gatekeeper hears that something waits, and it fires when it is released."""

import pytest

from alerts.model import Purpose
from domain.attributes import Grade, Handling
from domain.events import Event
from domain.ids import shard_of
from domain.kinds import Kind
from tests.unit.streams.deciding import played
from tests.unit.streams.play import START, Play, event, hours, navigator

REPORT = {
    "grade": Grade(1, "A", Handling.C),
    "origin_unit": "U1",
    "themes": ("threat_to_life",),
}


async def held() -> tuple[Play, Event]:
    play = await played(navigators=[navigator("N1"), navigator("G1", gatekeeper=True)])
    told = event(Kind.INTEL_SUBMITTED, "M1", key="I1", attributes=REPORT)
    await play.give(told)
    return play, told


async def test_held_intelligence_tells_the_gatekeeper_that_something_waits_and_nobody_else() -> None:
    play, told = await held()
    assert await play.ended(told) == "suppressed:held_for_gatekeeper"
    assert await play.alerts() == []
    (item,) = await play.twin.desk.held(10)
    assert (item.member_id, item.rules, item.event_id) == ("M1", ("INTEL_THREAT",), told.event_id)
    waiting = [
        row
        for row in play.twin.server.alerts._rows.values()  # type: ignore[union-attr]
        if row.shard == shard_of("M1")
    ]
    assert {(row.recipient_id, row.purpose, row.alert_id) for row in waiting} == {("G1", Purpose.GATEKEEPER, "")}


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [(Kind.INTEL_SANITISED, {}), (Kind.INTEL_REGRADED, {"grade": Grade(1, "A", Handling.P)})],
    ids=["sanitised", "regraded"],
)
async def test_released_it_fires_at_the_time_of_release(kind: Kind, attributes: dict[str, object]) -> None:
    play, _ = await held()
    release = event(kind, key="I1", at=hours(9), attributes=attributes)
    await play.give(release)
    (firing,) = await play.standing()
    assert (firing.rule_id, firing.fired_at) == ("INTEL_THREAT", START + hours(9))
    assert await play.ended(release) == "alert"


async def test_withdrawn_it_never_fires() -> None:
    play, _ = await held()
    await play.give(event(Kind.INTEL_WITHDRAWN, key="I1", at=hours(1)))
    await play.give(event(Kind.INTEL_SANITISED, key="I1", at=hours(2)))
    assert await play.live() == []


async def test_what_the_originator_keeps_for_himself_is_no_news_even_for_the_gatekeeper() -> None:
    play = await played(navigators=[navigator("G1", gatekeeper=True)])
    told = event(Kind.INTEL_SUBMITTED, "M1", key="I1", attributes=REPORT | {"grade": Grade(1, "A", Handling.BLOCK)})
    await play.give(told)
    assert await play.ended(told) == "suppressed:blocked_by_originator"
    assert await play.twin.desk.held(10) == []
