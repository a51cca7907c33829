"""An alert ends by itself once none of its grounds means anything any more; never one that a person has accepted."""

from dataclasses import replace
from datetime import timedelta

from alerts import lifecycle
from alerts.memory import MemoryAlertStore
from alerts.model import Alert, AlertState
from domain.ids import MemberId, NavigatorId
from domain.people import CohortMember, MemberStatus
from service.expiry import expire_due
from tests.unit.alerts.build import at, firing, raised

FORTNIGHT = timedelta(days=14)


def alert_for(number: int, *, lasts: timedelta | None) -> Alert:
    trigger = replace(firing(str(number), 0, member=f"M{number}"), expires_after=lasts)
    return raised(trigger, now=at(0), member=CohortMember(MemberId(f"M{number}"), MemberStatus.AT_RISK))


async def test_only_what_has_lost_its_meaning_ends() -> None:
    store = MemoryAlertStore()
    brief = await store.save(alert_for(1, lasts=FORTNIGHT), None)
    lasting = await store.save(alert_for(2, lasts=None), None)

    assert await expire_due(store, at(0) + FORTNIGHT - timedelta(seconds=1)) == 0
    assert await expire_due(store, at(0) + FORTNIGHT) == 1
    assert await expire_due(store, at(0) + FORTNIGHT) == 0, "once"

    ended = await store.by_reference(brief.reference)
    open_still = await store.by_reference(lasting.reference)
    assert ended is not None and ended.state is AlertState.EXPIRED
    assert open_still is not None and open_still.is_open


async def test_an_accepted_one_is_left_to_its_navigator() -> None:
    store = MemoryAlertStore()
    known = await store.save(alert_for(1, lasts=FORTNIGHT), None)
    await store.save(lifecycle.accept(known, NavigatorId("N1"), at(5)), known)
    assert await expire_due(store, at(0) + FORTNIGHT * 2) == 0
