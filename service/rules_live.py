"""What is live by the rule book, for commands that only ask: a store that is not there is not made for a question."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.rulebook_keeping import rule_book
from service.settings import Settings
from service.wiring import reach_store
from streams.server import is_kept
from triggers.ports import RuleBookStore


@asynccontextmanager
async def book_of(settings: Settings) -> AsyncIterator[RuleBookStore | None]:
    """The rule book, where there is a store; None where there is none yet.

    A private store that is stopped is started for as long as it takes. Raises StoreError, StoreUnavailable.
    """
    if not settings.store.redis_url.get_secret_value() and not is_kept(settings.data_dir):
        yield None
        return
    async with reach_store(settings) as client:
        yield rule_book(client)
