"""What keeps quiet, behind the API under test: a real desk on a store in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from alerts.breaker import FloodKey, FloodKind
from alerts.held_back import HeldBack
from alerts.snooze import Maker, Snooze, Snoozes
from api.quiet_ports import BreakerView, RuleFaultView, RuleWatchView, WatchVerdict
from domain.clock import ManualClock
from domain.errors import NotFound
from domain.ids import MemberId, NavigatorId, RuleId
from domain.people import CohortMember, MemberStatus
from streams.memory_quiet import MemoryQuiet
from streams.memory_server import MemoryServer
from streams.snooze_desk import SnoozeDesk
from tests.unit.alerts.build import START

NOW = START + timedelta(hours=1)


@dataclass
class FakeQuiet:
    """A real desk on a store in memory; N1 is everybody's navigator, ED_ASSAULT and INTEL_THREAT are live rules."""

    clock: ManualClock
    store: MemoryQuiet
    desk: SnoozeDesk
    held: list[HeldBack] = field(default_factory=list)
    known: list[Snooze] = field(default_factory=list)
    breaker: BreakerView = BreakerView(FloodKind.RULE, "ED_ASSAULT", True, 60, 61, 0, 1, 0, NOW, None)

    def of_member(self, member_id: MemberId) -> Sequence[Snooze]:
        return Snoozes.of(self.known).of_member(member_id, self.clock.now())

    def is_theirs(self, navigator_id: NavigatorId, member_id: MemberId) -> bool:
        return navigator_id == "N1"

    async def snoozes(self, ending_after: datetime) -> Sequence[Snooze]:
        return await self.store.snoozes(ending_after)

    async def snooze(self, snooze_id: str) -> Snooze | None:
        return await self.store.find(snooze_id)

    async def held_back_of(self, member_id: MemberId) -> Sequence[HeldBack]:
        return [one for one in self.held if one.member_id == member_id]

    async def held_back(self, limit: int) -> Sequence[HeldBack]:
        return self.held[:limit]

    async def make(
        self,
        rule_id: RuleId,
        member_id: MemberId,
        *,
        by: Maker,
        reason: str,
        until: date | None,
        span: timedelta | None,
        asks_p1: bool,
    ) -> Snooze:
        made = await self.desk.make(rule_id, member_id, by=by, reason=reason, until=until, span=span, asks_p1=asks_p1)
        return await self._followed(made)

    async def confirm(self, snooze_id: str, *, by: Maker) -> Snooze:
        return await self._followed(await self.desk.confirm(snooze_id, by=by))

    async def lift(self, snooze_id: str, *, by: Maker, reason: str) -> Snooze:
        return await self._followed(await self.desk.lift(snooze_id, by=by, reason=reason))

    async def _followed(self, snooze: Snooze) -> Snooze:
        self.known = await self.store.snoozes(self.clock.now())
        return snooze

    async def breakers(self) -> Sequence[BreakerView]:
        return [self.breaker]

    async def close_breaker(self, key: FloodKey, *, by: Maker, reason: str) -> BreakerView:
        if (key.kind, key.name) != (self.breaker.kind, self.breaker.name):
            raise NotFound
        self.breaker = replace(self.breaker, open=False, closed_at=self.clock.now())
        return self.breaker

    async def rule_faults(self) -> Sequence[RuleFaultView]:
        return [RuleFaultView("ED_ASSAULT", 1, "KeyError at facts.py:1", NOW, "Rule ED_ASSAULT cannot be judged")]

    async def rule_watch(self) -> Sequence[RuleWatchView]:
        quiet = RuleWatchView("ED_ASSAULT", WatchVerdict.QUIET, 20.0, "backtest", 0, 0, 1e-6, 7, None, NOW)
        return [quiet]


def fake_quiet(clock: ManualClock) -> FakeQuiet:
    """What keeps quiet, on a store of its own."""
    store = MemoryQuiet(MemoryServer(clock))

    def member(name: MemberId) -> CohortMember | None:
        known = name.startswith("M")
        return CohortMember(name, MemberStatus.AT_RISK, navigator_id=NavigatorId("N1")) if known else None

    live = {"ED_ASSAULT", "INTEL_THREAT"}
    return FakeQuiet(clock, store, SnoozeDesk(store, member=member, is_live=live.__contains__, clock=clock))
