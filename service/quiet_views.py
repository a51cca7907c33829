"""Snoozes, breakers and the rule watch in the API's words, over the running service (api.quiet_ports.QuietDesk)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from alerts.breaker import Flood, FloodKey, Sent
from alerts.held_back import HeldBack
from alerts.snooze import Maker, Snooze
from api.quiet_ports import BreakerView, RuleFaultView, RuleWatchView, WatchVerdict
from domain.errors import NotFound, StoreUnavailable
from domain.ids import MemberId, NavigatorId, RuleId
from domain.triggers import Priority
from service.fault_bells import NEWS_FOR, words_of
from service.quieting import held_by_key
from service.rule_watch import Judgement
from service.runtime import Service
from streams.applying import KEEPER
from streams.audit import AuditEntry, Operation
from streams.tallies import SENT_FOR, SeenFault

_DAY = timedelta(days=1)


class QuietAdapter:
    """api.quiet_ports.QuietDesk."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def of_member(self, member_id: MemberId) -> Sequence[Snooze]:
        """What is quiet for a person now, from memory."""
        return self._service.quiet.quieting.snoozes.of_member(member_id, self._service.clock.now())

    def is_theirs(self, navigator_id: NavigatorId, member_id: MemberId) -> bool:
        """Whether a navigator is the person's own, or their cover."""
        member = self._service.cohort.index.member(member_id)
        return member is not None and navigator_id in {member.navigator_id, member.cover_id}

    async def snoozes(self, ending_after: datetime) -> Sequence[Snooze]:
        """Those made to end after a moment."""
        return await self._service.quiet.store.snoozes(ending_after)

    async def snooze(self, snooze_id: str) -> Snooze | None:
        """One of them."""
        return await self._service.quiet.store.find(snooze_id)

    async def held_back_of(self, member_id: MemberId) -> Sequence[HeldBack]:
        """What fired for a person and was told to nobody."""
        return await self._service.quiet.tallies.held_back_of(member_id)

    async def held_back(self, limit: int) -> Sequence[HeldBack]:
        """The latest of everybody's."""
        return await self._service.quiet.tallies.held_back(limit)

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
        """A new snooze, in force here at once. Raises StoreUnavailable while it is not known who is watched."""
        if not self._service.indexed.is_set():
            raise StoreUnavailable("The watched people are being read.")
        desk = self._service.quiet.desk
        made = await desk.make(rule_id, member_id, by=by, reason=reason, until=until, span=span, asks_p1=asks_p1)
        return await self._followed(made)

    async def confirm(self, snooze_id: str, *, by: Maker) -> Snooze:
        """A second person says that P1 is to be quiet too."""
        return await self._followed(await self._service.quiet.desk.confirm(snooze_id, by=by))

    async def lift(self, snooze_id: str, *, by: Maker, reason: str) -> Snooze:
        """End it now."""
        return await self._followed(await self._service.quiet.desk.lift(snooze_id, by=by, reason=reason))

    async def _followed(self, snooze: Snooze) -> Snooze:
        await self._service.quiet.refresh()
        return snooze

    async def breakers(self) -> Sequence[BreakerView]:
        """Every rule and navigator that has had messages lately, open ones first."""
        rounds = await self._service.quiet.tallies.sent_since(self._service.clock.now() - SENT_FOR)
        return breaker_views(
            self._service.quiet.quieting.flood.flood, rounds, self._service.quiet.quieting.flood.closed
        )

    async def close_breaker(self, key: FloodKey, *, by: Maker, reason: str) -> BreakerView:
        """Count anew from now."""
        if key not in {FloodKey(one.kind, one.name) for one in await self.breakers()}:
            raise NotFound("This breaker has counted nothing.")
        now = self._service.clock.now()
        await self._service.quiet.store.close(key, now, [closing_entry(key, by, reason, now)])
        await self._service.quiet.quieting.flood.refresh(now)
        return next(one for one in await self.breakers() if FloodKey(one.kind, one.name) == key)

    async def rule_faults(self) -> Sequence[RuleFaultView]:
        """What could not be judged in the last day."""
        now = self._service.clock.now()
        return fault_views(await self._service.quiet.tallies.faults(now - NEWS_FOR))

    async def rule_watch(self) -> Sequence[RuleWatchView]:
        """Every live rule and group of rules against its forecast, alarms first."""
        now = self._service.clock.now()
        alarmed = await self._service.quiet.rule_watch.alarmed()
        return [watch_view(one, alarmed) for one in await self._service.quiet.rule_watch.judged(now)]


def closing_entry(key: FloodKey, by: Maker, reason: str, now: datetime) -> AuditEntry:
    """The audit entry of a breaker that was closed by hand."""
    who = by.name or KEEPER.name
    return AuditEntry(now, who, by.role, Operation.ALTERATION, "breaker_closed", f"breaker:{key}", (), reason)


def breaker_views(flood: Flood, rounds: Iterable[Sent], closed: Mapping[FloodKey, datetime]) -> tuple[BreakerView, ...]:
    """The breakers as the counts and the rounds of the last day show them: open ones first, then by name."""
    known = list(rounds)
    held = held_by_key(known)
    keys = {key for one in known for key in one.keys} | set(held)
    views = [_breaker_view(key, flood, held.get(key, []), closed.get(key)) for key in keys]
    return tuple(sorted(views, key=lambda one: (not one.open, -one.held, one.kind.value, one.name)))


def _breaker_view(key: FloodKey, flood: Flood, held: Sequence[Sent], closed_at: datetime | None) -> BreakerView:
    return BreakerView(
        kind=key.kind,
        name=key.name,
        open=flood.is_open(key) or flood.is_open(key, Priority.P3),
        limit=flood.policy.limit(key.kind),
        came=flood.at_once.came.get(key, 0),
        planned=flood.planned.came.get(key, 0),
        held=len(held),
        held_p1=sum(one.priority is Priority.P1 for one in held),
        last_held_at=held[-1].at if held else None,
        closed_at=closed_at,
    )


def fault_views(faults: Iterable[SeenFault]) -> tuple[RuleFaultView, ...]:
    """Faults in the API's words: whole events first, then by rule."""
    views = [RuleFaultView(one.rule_id, one.version, one.cause, one.last_at, words_of(one)) for one in faults]
    return tuple(sorted(views, key=lambda one: (bool(one.rule), one.rule, one.version, one.cause)))


def watch_view(one: Judgement, alarmed: Mapping[str, datetime]) -> RuleWatchView:
    """A judgement in the API's words."""
    return RuleWatchView(
        name=one.name,
        verdict=WatchVerdict(one.verdict.value),
        per_week=one.per_week,
        source=one.source.value if one.source else "",
        last_day=one.last_day,
        last_week=one.last_week,
        chance=one.chance,
        window_days=one.window // _DAY if one.window else None,
        last_fired_at=one.last_fired_at,
        alarmed_at=alarmed.get(one.name),
    )
