"""What durable timers need from outside: due times, bulk looks at people, and how far planning has come.

`timers_memory.py` is the twin for tests and simulation, `timers_valkey.py` the real one. A due time lies beside the
person's state and changes with it in one step, guarded by the state's version: whoever comes second changes nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.ids import MemberId
from streams.messages import PersonState
from streams.ports import Commit, Person


@dataclass(frozen=True, slots=True)
class Planned:
    """When the next wait of a person ends (None: nothing waits), as worked out from their state of this version."""

    member_id: MemberId
    version: int
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """A person's state, and when their next wait ends as far as it was planned."""

    state: PersonState
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many people wait for something, and when the first of it is due (None: nobody does)."""

    people: int
    first: datetime | None = None


@dataclass(frozen=True, slots=True)
class Marks:
    """By what due times are worked out: the rules, and the version of the cohort."""

    rules: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Planning:
    """How far due times were worked out.

    `done`: everybody's are of these marks. `target` is set while they are being worked out anew: everybody up to and
    with `cursor` (a member id) is done. Before `since` nothing was waited for by these marks. `seen` is when the
    target, or what is done, was last known to be what is in force.
    """

    done: Marks
    since: datetime
    seen: datetime
    target: Marks | None = None
    cursor: str = ""


class TimerLog(Protocol):
    """Due times and the people behind them. Every write is one atomic step, safe to repeat."""

    async def due_people(self, until: datetime, limit: int, besides: Collection[MemberId] = ()) -> list[MemberId]:
        """Whose wait ends at `until` or before, the earliest first, at most `limit` of each shard."""

    async def load_person(self, member: MemberId) -> Person:
        """A person's state, alerts and due time."""

    async def commit(self, commit: Commit) -> bool:
        """See ports.DecideLog: a commit of the clock's has no part in the ledger."""

    async def outlooks(self, members: Sequence[MemberId]) -> list[Outlook]:
        """The states and due times of these people, in order."""

    async def plan(self, planned: Sequence[Planned]) -> list[MemberId]:
        """Keep these due times; answers for whom it could not, because their state moved on. A planned state moves on
        itself, so that a decision made without knowing of it is made again."""

    async def waiting(self) -> Waiting:
        """How much waits, all shards together."""

    async def in_flight_since(self, not_before: datetime | None) -> datetime | None:
        """When the oldest event that is under way was accepted; those accepted earlier than `not_before` left out."""

    async def note_fault(self, cause: str, at: datetime) -> None:
        """Keep that somebody's waits could not be judged, by whatever rule (tallies.SeenFault)."""

    async def planning(self) -> Planning | None:
        """How far planning has come; None on a store on which nothing was ever planned."""

    async def keep_planning(self, planning: Planning) -> None:
        """Keep how far it has come."""
