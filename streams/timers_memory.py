"""Due times in memory: the twin of `timers_valkey.py`, on the same MemoryServer as the transport."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from domain.ids import SHARDS, MemberId, shard_of
from streams.memory import MemoryTransport
from streams.memory_server import MemoryServer, milliseconds
from streams.memory_tallies import MemoryTallies
from streams.messages import PersonState
from streams.ports import Commit, Person
from streams.timer_ports import Outlook, Planned, Planning, Waiting


class MemoryTimers:
    """TimerLog on one MemoryServer."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server
        self._transport = MemoryTransport(server)

    async def due_people(self, until: datetime, limit: int, besides: Collection[MemberId] = ()) -> list[MemberId]:
        """See timer_ports.TimerLog."""
        with self._server.effect("due_people"):
            due = sorted((at, name) for name, at in self._server.due.items() if at <= milliseconds(until))
            found: list[MemberId] = []
            taken = dict.fromkeys(range(SHARDS), 0)
            for _, name in due:
                if name not in besides and taken[shard_of(name)] < limit:
                    taken[shard_of(name)] += 1
                    found.append(name)
            return found

    async def load_person(self, member: MemberId) -> Person:
        """See timer_ports.TimerLog."""
        return await self._transport.load_person(member)

    async def commit(self, commit: Commit) -> bool:
        """See timer_ports.TimerLog."""
        return await self._transport.commit(commit)

    async def outlooks(self, members: Sequence[MemberId]) -> list[Outlook]:
        """See timer_ports.TimerLog."""
        with self._server.effect("outlooks"):
            server = self._server
            return [
                Outlook(server.people.get(name) or PersonState(member_id=name), server.due.get(name))
                for name in members
            ]

    async def plan(self, planned: Sequence[Planned]) -> list[MemberId]:
        """See timer_ports.TimerLog."""
        with self._server.effect("plan"):
            return [each.member_id for each in planned if not self._plan(each)]

    def _plan(self, planned: Planned) -> bool:
        name = planned.member_id
        stored = self._server.people.get(name)
        if (stored.version if stored else 0) != planned.version:
            return False
        self._server.wait_until(name, planned.due)
        if stored is not None:
            self._server.people[name] = replace(stored, version=stored.version + 1)
        return True

    async def waiting(self) -> Waiting:
        """See timer_ports.TimerLog."""
        with self._server.effect("waiting"):
            return Waiting(len(self._server.due), min(self._server.due.values(), default=None))

    async def in_flight_since(self, not_before: datetime | None) -> datetime | None:
        """See timer_ports.TimerLog."""
        with self._server.effect("in_flight_since"):
            times = self._server.in_flight.values()
            return min((at for at in times if not_before is None or at >= not_before), default=None)

    async def note_fault(self, cause: str, at: datetime) -> None:
        """See timer_ports.TimerLog."""
        await MemoryTallies(self._server).note_fault(cause, at)

    async def planning(self) -> Planning | None:
        """See timer_ports.TimerLog."""
        with self._server.effect("planning"):
            return self._server.planning

    async def keep_planning(self, planning: Planning) -> None:
        """See timer_ports.TimerLog."""
        with self._server.effect("keep_planning"):
            self._server.planning = planning
