"""What the engine answers when a parsed message was handed to it, and the shape of handing it over.

Listeners and file readers know only this; they never see the store.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum

from streams.feeds.outcome import ParseResult


class Receipt(StrEnum):
    """What became of a message. All but UNAVAILABLE are given only once the outcome is durable."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # the same event was accepted before
    CONFLICT = "conflict"  # the same key with other content: quarantined
    QUARANTINED = "quarantined"
    IGNORED = "ignored"
    UNAVAILABLE = "unavailable"  # nothing was promised: send it again


Submit = Callable[[ParseResult, bytes], Awaitable[Receipt]]
"""Make (what was parsed, the raw bytes) durable and say what became of it.

May raise `StoreUnavailable`, which means the same as UNAVAILABLE. Called in the order of arrival of one connection,
without waiting for the answer before, so that one group commit can carry many.
"""
