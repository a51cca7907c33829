"""How far the alerts' time lines were told, in memory: the twin of `outcomes_valkey.py`."""

from collections.abc import Sequence

from domain.ids import AlertId


class MemoryOutcomeMarks:
    """OutcomeMarks in a dictionary."""

    def __init__(self) -> None:
        self._told: dict[AlertId, int] = {}
        self._place = 0

    async def place(self) -> int:
        """See OutcomeMarks."""
        return self._place

    async def told(self, alerts: Sequence[tuple[int, AlertId]]) -> list[int]:
        """See OutcomeMarks."""
        return [self._told.get(alert, 0) for _, alert in alerts]

    async def mark(self, told: Sequence[tuple[int, AlertId, int]], place: int) -> None:
        """See OutcomeMarks."""
        self._told.update({alert: entries for _, alert, entries in told})
        self._place = place
