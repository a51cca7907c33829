"""Who recognises beside look-back on many machines: workers, each with the watched people that it knows by then.

Whoever joined is found by look-back in what was taken before its pass began, and by recognition in what is taken after:
a worker that does not know them yet is refused (books.lua). What look-back found rests on links and amendments that
others may add to meanwhile; then it looks at the page again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from streams import keys
from streams.kafka_books import Asked, asked_of, remembered_of
from streams.lookback_ports import Page, Reach
from streams.lookback_valkey import Conditions, entry_at
from streams.messages import ParkedAmendment
from streams.ports import Recognised
from streams.retention import Retention
from streams.valkey import unavailable_as_ours

_UNDER_WAY = 17
"""The length of a row of an event that was not recognised yet (books.lua)."""
_REST = timedelta(milliseconds=20)


class ManyWorkers:
    """Beside (lookback_valkey.py) for engine B: one worker at a time looks back, all of them recognise."""

    def __init__(self, client: Redis, *, retention: Retention | None = None) -> None:
        self._client = client
        self._retention = retention or Retention()
        self._asked: Sequence[Asked] = ()

    async def reach(self, version: int) -> Reach:
        """See lookback_ports.LookBackLog. What is entered in the books after this waits for a worker that knows
        `version`."""
        self._asked = ()
        async with unavailable_as_ours(), self._client.pipeline(transaction=True) as pipe:
            pipe.set(keys.LOOK_BACK_BEGUN, version)
            pipe.xinfo_stream(keys.EVENTS)
            _, stream = await pipe.execute()
        return Reach(stream["last-generated-id"].decode(), int(stream["length"]))

    async def page(self, after: str, until: str, limit: int) -> Page:
        """See lookback_ports.LookBackLog."""
        async with unavailable_as_ours():
            found: Any = await self._client.xrange(keys.EVENTS, min=f"({after}", max=until, count=limit)
            entries = [entry_at(place, fields) for place, fields in found]
            rows: Any = await self._client.mget([keys.EVENT_ROW + each.event.event_id for each in entries] or ["-"])
        waits = next((at for at, row in enumerate(rows) if row is not None and len(row) == _UNDER_WAY), len(entries))
        if entries and not waits:
            await asyncio.sleep(_REST.total_seconds())
        free = tuple(entries[:waits])
        seen = free[-1].position if free else after
        return Page(free, seen, waits < len(entries) or len(entries) == limit)

    def rests_on(self, links: Mapping[str, int], parked: Mapping[str, Sequence[ParkedAmendment]]) -> None:
        """See lookback_ports.LookBackLog."""
        self._asked = asked_of(links, parked)

    def conditions(self, found: Sequence[Recognised]) -> Conditions:
        """See lookback_valkey.Beside."""
        asked, self._asked = self._asked, ()
        return Conditions(asked if found else (), remembered_of(found, self._retention))
