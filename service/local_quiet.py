"""Snoozes, breakers and the rule watch without a running service of one's own: for the command line, on its store."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from redis.asyncio import Redis

from alerts.breaker import FloodKey
from alerts.held_back import HeldBack
from alerts.snooze import Maker, Snooze
from api.quiet_ports import BreakerView, RuleFaultView, RuleWatchView
from cohort.valkey import ValkeyCohortStore
from domain.clock import Clock
from domain.errors import NotFound
from domain.ids import MemberId, RuleId
from domain.people import CohortMember
from service.fault_bells import NEWS_FOR
from service.quiet_views import breaker_views, closing_entry, fault_views, watch_view
from service.rule_watch import Forecast
from service.rule_watch_desk import RuleWatch, forecasts_of
from service.rule_watch_valkey import ValkeyRuleWatch
from service.rulebook_keeping import RuleKeeping
from service.wiring import Policies
from streams.flood_keeper import FloodKeeper
from streams.snooze_desk import SnoozeDesk
from streams.tallies import SENT_FOR
from streams.valkey_quiet import ValkeyQuiet
from streams.valkey_tallies import ValkeyTallies

_LONG_AGO = timedelta(days=90)


class LocalQuiet:
    """What keeps quiet, on a store. `begin` first."""

    def __init__(self, client: Redis, policies: Policies, clock: Clock) -> None:
        self._clock = clock
        self._cohort = ValkeyCohortStore(client)
        self._people: dict[MemberId, CohortMember] = {}
        self._rules = RuleKeeping(client, policies, clock, member=self._member)
        self._store = ValkeyQuiet(client)
        self._tallies = ValkeyTallies(client)
        self._flood = FloodKeeper(self._tallies, self._store, policies.flood, policies.decide.suppression.clocks)
        self._watch = RuleWatch(
            ValkeyRuleWatch(client), self._tallies, rules=lambda: self._rules.live.rules, forecasts=self._forecasts
        )
        self.desk = SnoozeDesk(
            self._store,
            member=self._member,
            is_live=lambda rule: self._rules.live.rules.rule(rule) is not None,
            clock=clock,
        )

    async def begin(self) -> "LocalQuiet":
        """Know who is watched and which rules are live: a few seconds for a hundred thousand people."""
        await self._rules.begin()
        self._people = {member.member_id: member for member in await self._cohort.members()}
        return self

    def _member(self, member_id: MemberId) -> CohortMember | None:
        return self._people.get(member_id)

    async def whole_id(self, start: str) -> str:
        """The id of the snooze that begins so. Raises NotFound if there is none, or more than one."""
        known = await self._store.snoozes(self._clock.now() - _LONG_AGO)
        found = {one.snooze_id for one in known if one.snooze_id.startswith(start)}
        if len(found) != 1:
            raise NotFound("No snooze begins so, or more than one does.")
        return found.pop()

    async def snoozes(self, *, over: bool) -> Sequence[Snooze]:
        """Those made to end from now on, or with `over` in the last 90 days."""
        now = self._clock.now()
        return await self._store.snoozes(now - _LONG_AGO if over else now)

    async def held_back(self, snooze: Snooze) -> Sequence[HeldBack]:
        """What a snooze has held back."""
        found = await self._tallies.held_back_of(snooze.member_id)
        return [one for one in found if one.snooze_id == snooze.snooze_id]

    async def breakers(self) -> Sequence[BreakerView]:
        """Every rule and navigator that has had messages in the last day."""
        now = self._clock.now()
        await self._flood.refresh(now)
        return breaker_views(self._flood.flood, await self._tallies.sent_since(now - SENT_FOR), self._flood.closed)

    async def close_breaker(self, key: FloodKey, *, by: Maker, reason: str) -> None:
        """Count anew from now. Raises NotFound for one that has had no messages."""
        if key not in {FloodKey(one.kind, one.name) for one in await self.breakers()}:
            raise NotFound("This breaker has counted nothing.")
        now = self._clock.now()
        await self._store.close(key, now, [closing_entry(key, by, reason, now)])

    async def rule_faults(self) -> Sequence[RuleFaultView]:
        """What could not be judged in the last day."""
        return fault_views(await self._tallies.faults(self._clock.now() - NEWS_FOR))

    async def rule_watch(self) -> Sequence[RuleWatchView]:
        """Every live rule and group of rules against its forecast, alarms first."""
        alarmed = await self._watch.alarmed()
        return [watch_view(one, alarmed) for one in await self._watch.judged(self._clock.now())]

    async def _forecasts(self) -> Mapping[RuleId, Forecast]:
        number = self._rules.live.number
        standing = await self._rules.desk.standing(number) if number is not None else None
        return forecasts_of(standing.backtest if standing else None, self._rules.live.rules)

    def now(self) -> datetime:
        """The present."""
        return self._clock.now()
