"""What the rules' room needs from outside: a place where the rule book is kept, and one for what a shadow would say."""

from typing import Protocol

from triggers.lifecycle_values import Book, Change, Head, RuleVersion
from triggers.shadowing import ShadowReport, ShadowTally


class RuleBookStore(Protocol):
    """Keeps every version there ever was. Raises StoreUnavailable, or StoreError for what cannot be read."""

    async def head(self) -> Head:
        """What is in force: one round trip, for followers."""
        ...

    async def book(self) -> Book:
        """The head and every standing, as of one moment."""
        ...

    async def version(self, number: int) -> RuleVersion | None:
        """One version with its texts; None if there is none of that number."""
        ...

    async def write(self, change: Change) -> bool:
        """Write a change and its audit entries as a whole; False, and nothing written, if the head has moved on.

        A version once written is never written over.
        """
        ...


class ShadowStore(Protocol):
    """Keeps what one shadow version said beside the live one: counts by rule, and the latest examples, bounded."""

    async def add(self, number: int, beside: int, seen: ShadowTally) -> None:
        """Count the events that were looked at and what came of them. `beside` is the version that was live."""
        ...

    async def report(self, number: int) -> ShadowReport:
        """What was seen of this version so far."""
        ...

    async def forget(self, number: int) -> None:
        """Nothing is kept of this version any more: it begins anew."""
        ...
