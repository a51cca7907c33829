"""Reading alerts page by page."""

from alerts.model import Alert
from alerts.ports import AlertFilter, AlertStore

_PAGE = 200


async def all_alerts(store: AlertStore) -> list[Alert]:
    """Every alert, in the store's order: for reports and tests, not for a service at work. Raises StoreUnavailable."""
    found: list[Alert] = []
    cursor, more = "", True
    while more:
        page = await store.page(AlertFilter(), cursor=cursor, limit=_PAGE)
        found += page.alerts
        cursor, more = page.cursor, page.more
    return found
