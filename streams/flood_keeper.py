"""What came in the last hour, at hand for every decision: the breaker's counts, kept in step with the store.

A worker adds what it commits at once and hears of the others' at each `refresh`; after a restart the store tells it
all. Between two refreshes nothing is forgotten, so the counts err on the side of holding back for a moment.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from alerts.breaker import Flood, FloodKey, FloodPolicy, Sent, counted
from alerts.clocks import ClockPolicy, next_digest
from streams.ports import Commit
from streams.quiet_ports import BreakerStore
from streams.tallies import SENT_FOR, Tallies

_OVERLAP = timedelta(seconds=30)
"""How far a refresh reaches back behind the one before: other workers' clocks and commits under way."""
_FEW, _COUNT_ANEW_EVERY = 500, timedelta(seconds=5)
"""So many rounds are counted anew each time; more of them only so often: in a flood it would be most of the work."""
_Name = tuple[str, int, datetime]


class FloodKeeper:
    """The breaker's memory in one process."""

    def __init__(self, tallies: Tallies, breakers: BreakerStore, policy: FloodPolicy, clocks: ClockPolicy) -> None:
        self._tallies = tallies
        self._breakers = breakers
        self._policy = policy
        self._clocks = clocks
        self._sent: dict[_Name, Sent] = {}
        self._closed: Mapping[FloodKey, datetime] = {}
        self._flood = Flood(policy)
        self._seen: datetime | None = None
        self._counted: datetime | None = None

    @property
    def flood(self) -> Flood:
        """The counts as they are known now."""
        return self._flood

    @property
    def closed(self) -> Mapping[FloodKey, datetime]:
        """When a supervisor last closed each breaker."""
        return self._closed

    async def refresh(self, now: datetime) -> None:
        """Take over what others wrote, and forget what is too old to count. Raises StoreUnavailable."""
        since = now - SENT_FOR if self._seen is None else self._seen - _OVERLAP
        found = await self._tallies.sent_since(since)
        closed = await self._breakers.closed()
        self._seen = now
        old = self._counted is None or not timedelta(0) <= now - self._counted < _COUNT_ANEW_EVERY
        if old or len(self._sent) < _FEW or closed != self._closed:
            self._closed, self._counted = closed, now
            self._sent.update((_name(one), one) for one in found)
            self._sent = {name: one for name, one in self._sent.items() if one.leaves_at > now - self._policy.window}
            self._flood = counted(self._sent.values(), now, next_digest(now, self._clocks), self._policy, closed)
        else:
            self._add(found)

    def note(self, commit: Commit) -> None:
        """A decision of this worker was written."""
        self._add(commit.sent)

    def _add(self, sent: Iterable[Sent]) -> None:
        fresh = [one for one in sent if _name(one) not in self._sent]
        self._sent.update((_name(one), one) for one in fresh)
        self._flood = self._flood.plus(fresh)


def _name(sent: Sent) -> _Name:
    return (sent.alert_id, sent.round, sent.at)
