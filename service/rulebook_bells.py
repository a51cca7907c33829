"""Who hears of the rule book's brakes: all supervisors, at once, in words without content.

Rung from the book itself, so whoever pulled a brake by whatever door, it is heard; the same brake makes the same
message, so a restart neither forgets nor repeats it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from alerts.model import Purpose
from alerts.ports import Outbox
from service.bells import bell_rows, those_in_charge
from streams.decide import World
from triggers.lifecycle_values import Head

NEWS_FOR = timedelta(hours=24)
"""What is older is on the board, and no news."""


class RuleBells:
    """Rings for what is new. `ring` is called every few seconds by each worker."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._rung: set[str] = set()  # the store knows too; this saves asking it

    async def ring(self, head: Head, trouble: str, world: World, now: datetime) -> int:
        """Order what is due; how many messages were new. Raises StoreUnavailable."""
        fresh, heard_by = 0, those_in_charge(world)
        for about in _news(head, trouble, now):
            rows = () if about in self._rung else bell_rows(heard_by, Purpose.RULES, about, world, now, urgent=True)
            if rows:  # where nobody is there to hear, somebody may be later
                fresh += await self._outbox.order(rows)
                self._rung.add(about)
        return fresh


def _news(head: Head, trouble: str, now: datetime) -> Iterator[str]:
    """What there is to hear of, each by an identity of its own."""
    for each in head.kills:
        if now - each.at < NEWS_FOR and now < each.until:
            yield f"rules|kill|{each.rule}|{each.at.isoformat()}"
    back = head.rolled_back
    if back is not None and now - back.at < NEWS_FOR:
        yield f"rules|back|{back.number}|{back.at.isoformat()}"
    if trouble:
        yield f"rules|broken|{head.revision}"
