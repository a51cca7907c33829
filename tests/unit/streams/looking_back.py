"""Both hops and look-back played on one twin: events pass by, people join or change, look-back runs, look at alerts.

People are named by identity here, because whoever is not watched yet is nobody's client. `look` runs look-back page
by page, then what it sent on, as the engine does between live batches.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from redis.asyncio import Redis

from cohort.follow import CohortFollower
from cohort.memory import MemoryCohortStore
from cohort.policy import MatchPolicy
from domain.events import Event, Mention
from domain.identity import DateOfBirth, Identifier, Identity, Name, Scheme
from domain.kinds import Kind, Role, natural_role
from domain.people import CohortMember
from streams.associations import LinkKeeper
from streams.audit import AuditEntry, AuditLine
from streams.embedded import Recogniser
from streams.lookback_engine import LookBack, LookBackObserver
from streams.lookback_memory import MemoryLookBack
from streams.lookback_ports import LookBackLog, Progress
from streams.lookback_valkey import ValkeyLookBack
from streams.memory_reviews import MemoryReviews
from streams.memory_server import MemoryServer
from streams.retention import Retention
from streams.review_desk import ReviewDesk
from streams.valkey_reviews import ValkeyReviews
from tests.unit.streams.play import Play, Twin, ed, event, member, memory_twin, valkey_twin

_NAMES = {"M1": ("Ari", "Testone"), "M2": ("Bel", "Probewell"), "M3": ("Cai", "Samplesby"), "M4": ("Dov", "Mocksworth")}
_NHS = {"M1": "9990000018", "M2": "9990000026", "M3": "9990000034", "M4": "9990000042"}


def identity(name: str, **fields: Any) -> Identity:
    """One of four people, well told: name, date of birth, postcode, address, NHS number."""
    given, family = _NAMES[name]
    own = int(name[1:])
    values: dict[str, Any] = {
        "names": (Name((given,), family),),
        "dates_of_birth": (DateOfBirth(date(2008, own, 10 + own)),),
        "identifiers": (Identifier(Scheme.NHS, _NHS[name], verified=True),),
        "postcodes": (f"ZZ99 {own}AA",),
        "addresses": (f"{own} Sample Street",),
        **fields,
    }
    return Identity(**values)


def watched(name: str, **fields: Any) -> CohortMember:
    """One of them as a member of the cohort."""
    return member(name, **{"identity": identity(name), **fields})


def saying(name: str | Identity, role: Role | None = None, ref: str = "1") -> Mention:
    """How a feed names one of them."""
    return Mention(ref, role, identity(name) if isinstance(name, str) else name)


def visit(kind: Any, name: str | Identity | None, key: str = "V1", **fields: Any) -> Event:
    """An ED message about a visit of one of them; None names nobody."""
    mentions = (saying(name, natural_role(kind)),) if name is not None else ()
    return ed(kind, visit=key, mentions=mentions, **fields)


def stabbing(name: str | Identity | None = "M1", key: str = "V1", **fields: Any) -> Event:
    """A visit that alerts."""
    return visit(Kind.ED_ARRIVAL, name, key, intent="assault", mechanism="sharp", **fields)


def told(kind: Any, *mentions: Mention, **fields: Any) -> Event:
    """Any other event that names people by identity."""
    return event(kind, mentions=mentions, **fields)


PHONED = identity("M1", phones=("07700900111",))
"""M1 with one thing more that is known."""


class Written:
    """An audit log that keeps what was written."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def write(self, entries: Sequence[AuditEntry]) -> None:
        """See AuditLog."""
        self.entries += entries

    async def read(self, after: str = "", limit: int = 100) -> list[AuditLine]:
        """See AuditLog."""
        return [AuditLine(str(place), entry) for place, entry in enumerate(self.entries)]


class Looking:
    """A house with look-back. `join` writes people and lets the index follow; `look` looks back until nothing is left.

    `look_for` does both.
    """

    def __init__(self, server: MemoryServer | None = None, client: Redis | None = None, **play: Any) -> None:
        self.play = self._played(**play)
        self.client = client
        self.server = server or self.play.twin.server
        self.cohort = MemoryCohortStore()
        self.follower = CohortFollower(self.cohort)
        self.play.index = self.follower.index
        self.audit = Written()
        self.seen: list[tuple[Progress, int, int]] = []
        self.connect()

    def connect(self) -> None:
        """A worker as it starts: everything that it only held in memory is gone."""
        twin, store = self._connection()
        self.play.connect(twin)
        self.play.recogniser = Recogniser(
            twin.transport,
            lambda: self.play.index,
            MatchPolicy(),
            self.play.clock,
            self.play.observers,
            links=LinkKeeper(self.cohort, self.audit),
        )
        self.store = store
        self.lookback = LookBack(
            store,
            twin.transport,
            cohort=self.cohort,
            index=lambda: self.play.index,
            policy=MatchPolicy(),
            clock=self.play.clock,
            observer=LookBackObserver(lambda *told: self.seen.append(told)),
        )

    def _played(self, **play: Any) -> Play:
        return Play((), **play)

    def _connection(self) -> tuple[Twin, LookBackLog]:
        if self.client is not None:
            return valkey_twin(self.client), ValkeyLookBack(self.client)
        assert self.server is not None
        return memory_twin(self.server), MemoryLookBack(self.server)

    async def prepare(self) -> "Looking":
        """Make what the store needs, and the first mark of where look-back is."""
        await self.play.prepare()
        await self.lookback.begin()
        return self

    async def join(self, *members: CohortMember, without: Sequence[str] = ()) -> None:
        """People are imported, changed or removed; the index follows."""
        if members:
            await self.cohort.put_members(members, replace=False, now=self.play.clock.now())
        if without:
            await self.cohort.remove_members(list(without))  # type: ignore[arg-type]
        await self.follower.refresh()
        self.play.index = self.follower.index

    async def follow(self) -> None:
        """The index follows what events said of links; what follows from that goes through."""
        await self.follower.refresh()
        self.play.index = self.follower.index
        await self.look()

    async def pages(self) -> None:
        """Look back until nothing is left, without deciding."""
        for _ in range(1000):
            if not self.lookback.waiting:
                return
            await self.lookback.run_once()
        raise AssertionError("look-back does not end")

    async def look(self) -> None:
        """Look back, and let what it found go through; the books must balance at each step."""
        await self.pages()
        assert (await self.play.twin.transport.counts()).balanced
        await self.play.run()
        counts = await self.play.twin.transport.counts()
        assert counts.balanced
        assert counts.in_flight == 0

    async def look_for(self, *members: CohortMember) -> None:
        """They join or change, and look-back finds what passed by."""
        await self.join(*members)
        await self.look()

    def reviews(self) -> ReviewDesk:
        """Where people decide on doubtful matches."""
        store: Any
        if self.client is not None:
            store = ValkeyReviews(self.client)
        else:
            assert self.server is not None
            store = MemoryReviews(self.server)
        twin = self.play.twin
        return ReviewDesk(
            store,
            store,
            log=twin.transport,
            people=twin.decisions,  # type: ignore[arg-type]
            index=lambda: self.play.index,
            clock=self.play.clock,
            retention=Retention(),
        )

    def later(self, span: timedelta) -> None:
        """Time passes."""
        self.play.clock.advance(span)

    async def disposed(self) -> dict[str, int]:
        """The books: how many events ended how, all feeds together."""
        counts = await self.play.twin.transport.counts()
        found: dict[str, int] = {}
        for feed in counts.disposed.values():
            for why, number in feed.items():
                if number:
                    found[why] = found.get(why, 0) + number
        return found
