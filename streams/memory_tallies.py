"""The tallies in memory (tallies.Tallies): the twin of `valkey_tallies.py`, on the same server as the people."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime

from alerts.breaker import Sent
from alerts.held_back import HeldBack
from domain.ids import MemberId
from streams.memory_server import MemoryServer, milliseconds
from streams.ports import Commit
from streams.tallies import FAULTS_FOR, HELD_BACK_FOR, SENT_FOR, Firings, HourOfRule, SeenFault, hour_of


def tally(server: MemoryServer, commit: Commit) -> None:
    """Write what a decision leaves beside the person; part of the commit's step."""
    for record in commit.held_back:
        server.held_back[(record.member_id, record.trigger.firing_id)] = record
    server.sent.extend(commit.sent)
    if commit.decided_at is not None:
        for fault in commit.unjudged:
            note(server, SeenFault(fault.cause, commit.decided_at, fault.rule_id, fault.version))
        hour = hour_of(commit.decided_at)
        server.firings.update(Counter(HourOfRule(rule, hour) for rule in commit.fired))


def note(server: MemoryServer, fault: SeenFault) -> None:
    """Keep a fault, and when it was last met."""
    at = milliseconds(fault.last_at)
    server.faults[fault.name] = max(at, server.faults.get(fault.name, at))


class MemoryTallies:
    """Tallies on one MemoryServer."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    async def sent_since(self, moment: datetime) -> list[Sent]:
        """See Tallies."""
        found = [one for one in self._server.sent if milliseconds(one.at) >= milliseconds(moment)]
        return sorted(found, key=lambda one: (one.at, one.alert_id, one.round))

    async def held_back_of(self, member: MemberId) -> list[HeldBack]:
        """See Tallies."""
        own = [record for (who, _), record in self._server.held_back.items() if who == member]
        return sorted(own, key=lambda record: (record.at, record.trigger.firing_id))

    async def held_back(self, limit: int) -> list[HeldBack]:
        """See Tallies."""
        found = sorted(
            self._server.held_back.values(),
            key=lambda record: (milliseconds(record.at), f"{record.member_id}|{record.trigger.firing_id}"),
            reverse=True,
        )
        return found[:limit]

    async def firings(self, days: Sequence[date]) -> Firings:
        """See Tallies."""
        wanted = set(days)
        return {at: number for at, number in self._server.firings.items() if at.hour.astimezone(UTC).date() in wanted}

    async def faults(self, since: datetime) -> list[SeenFault]:
        """See Tallies."""
        found = [SeenFault.named(name, at) for name, at in self._server.faults.items() if at >= milliseconds(since)]
        return sorted(found, key=lambda fault: fault.name)

    async def note_fault(self, cause: str, at: datetime) -> None:
        """See Tallies."""
        note(self._server, SeenFault(cause, at))

    async def tidy(self, now: datetime) -> int:
        """See Tallies."""
        known, since = self._server.faults, milliseconds(now - FAULTS_FOR)
        self._server.faults = {name: at for name, at in known.items() if at >= since}
        before = len(self._server.sent)
        oldest = milliseconds(now - SENT_FOR)
        self._server.sent = [one for one in self._server.sent if milliseconds(one.at) >= oldest]
        last = milliseconds(now - HELD_BACK_FOR)
        old = [name for name, record in self._server.held_back.items() if milliseconds(record.at) < last]
        for name in old:
            del self._server.held_back[name]
        return before - len(self._server.sent) + len(old)
