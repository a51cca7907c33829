"""What is live by the rule book, for commands that only ask: a store that is not there is not made for a question."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.rulebook_keeping import rule_book
from service.settings import Settings
from service.wiring import reach_store
from streams.server import is_kept
from triggers.lifecycle_contents import shipped_contents
from triggers.lifecycle_values import Contents
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


async def live_contents(book: RuleBookStore | None) -> Contents:
    """What is live by the book; the shipped rules where there is no book, or nothing in it."""
    head = None if book is None else await book.head()
    version = None if book is None or head is None or head.live is None else await book.version(head.live)
    return shipped_contents() if version is None else version.contents
