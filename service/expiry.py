"""Ends alerts whose every ground has lost its meaning (intelligence after 14 days, domain.md 3.3), so that a board
shows only what can still be acted on. Nobody is told: nothing new happened."""

from datetime import datetime, timedelta

from alerts import lifecycle
from alerts.ports import AlertFilter, AlertStore
from domain.errors import Conflict

EXPIRE_EVERY = timedelta(minutes=10)
_PAGE = 200


async def expire_due(store: AlertStore, now: datetime) -> int:
    """Expire the alerts that nobody has accepted and whose time is over at `now`; how many.

    One that changes meanwhile is looked at next time; an accepted one ends with what its navigator says.
    Raises StoreUnavailable.
    """
    expired, cursor = 0, ""
    while True:
        page = await store.page(AlertFilter(states=lifecycle.WAITING_FOR_SOMEBODY), cursor=cursor, limit=_PAGE)
        for alert in page.alerts:
            if alert.expires_at is not None and alert.expires_at <= now:
                try:
                    await store.save(lifecycle.expire(alert, now), alert)
                except Conflict:
                    continue
                expired += 1
        cursor = page.cursor
        if not page.more:
            return expired
