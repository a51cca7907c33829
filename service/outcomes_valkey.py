"""How far the alerts' time lines were told, on Valkey (outcomes.OutcomeMarks).

{p}:outcomes            hash   alert id -> how many entries of its time line were looked at
rp:outcomes:place       milliseconds of the last change that was looked at
"""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from domain.ids import AlertId
from streams import keys
from streams.valkey import unavailable_as_ours


class ValkeyOutcomeMarks:
    """OutcomeMarks on one Valkey."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def place(self) -> int:
        """See OutcomeMarks."""
        async with unavailable_as_ours():
            return int(await self._client.get(keys.OUTCOMES_PLACE) or 0)

    async def told(self, alerts: Sequence[tuple[int, AlertId]]) -> list[int]:
        """See OutcomeMarks."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard, alert in alerts:
                pipe.hget(keys.outcomes(shard), alert)
            found: list[Any] = await pipe.execute()
        return [int(number or 0) for number in found]

    async def mark(self, told: Sequence[tuple[int, AlertId, int]], place: int) -> None:
        """See OutcomeMarks."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard, alert, entries in told:
                pipe.hset(keys.outcomes(shard), alert, str(entries))
            pipe.set(keys.OUTCOMES_PLACE, place)
            await pipe.execute()
