"""What keeps quiet and what watches the rules, in the running service: stores, desk, bells and the loops' turns."""

from collections.abc import Callable, Mapping

import structlog
from redis.asyncio import Redis

from alerts.ports import Outbox
from domain.clock import Clock
from domain.errors import StoreError
from domain.ids import MemberId, RuleId
from domain.people import CohortMember
from service.metrics import Metrics
from service.quieting import QuietBells, Quieting
from service.rule_watch import Forecast
from service.rule_watch_desk import RuleWatch, forecasts_of
from service.rule_watch_valkey import ValkeyRuleWatch
from service.rulebook_keeping import RuleKeeping
from service.wiring import Policies
from streams.decide import World
from streams.flood_keeper import FloodKeeper
from streams.snooze_desk import SnoozeDesk
from streams.valkey_quiet import ValkeyQuiet
from streams.valkey_tallies import ValkeyTallies

log = structlog.get_logger("reachpoint.quiet")


class QuietKeeping:
    """What the service holds of snoozes, breakers and the rule watch."""

    def __init__(
        self,
        client: Redis,
        policies: Policies,
        clock: Clock,
        *,
        rules: RuleKeeping,
        member: Callable[[MemberId], CohortMember | None],
        outbox: Outbox,
        metrics: Metrics,
    ) -> None:
        self._clock = clock
        self._rules = rules
        self._outbox = outbox
        self._metrics = metrics
        self._unread = False
        self.tallies = ValkeyTallies(client)
        self.store = ValkeyQuiet(client)
        clocks = policies.decide.suppression.clocks
        self.quieting = Quieting(self.store, FloodKeeper(self.tallies, self.store, policies.flood, clocks))
        self.desk = SnoozeDesk(
            self.store, member=member, is_live=lambda rule: rules.live.rules.rule(rule) is not None, clock=clock
        )
        self._bells = QuietBells(
            outbox,
            self.store,
            self.desk,
            breakers=self.store,
            tallies=self.tallies,
            ring_every=policies.flood.ring_every,
        )
        self.rule_watch = RuleWatch(
            ValkeyRuleWatch(client), self.tallies, rules=lambda: rules.live.rules, forecasts=self._forecasts
        )

    async def refresh(self) -> None:
        """Take over what changed. What cannot be read stays as it is known: nobody's alerts wait for it.

        Raises StoreUnavailable.
        """
        try:
            await self.quieting.refresh(self._clock.now())
        except StoreError:
            raise
        except Exception as error:
            if not self._unread:  # four times a second otherwise
                log.error("what is quiet could not be read", action="quiet_failed", error=type(error).__name__)
            self._unread = True
        else:
            self._unread = False

    async def ring(self, world: World) -> bool:
        """Tell of snoozes and floods; whether messages were ordered. A fault in it stops nothing else.

        Raises StoreUnavailable.
        """
        try:
            return await self._ring(world)
        except StoreError:
            raise
        except Exception as error:  # as below
            log.error("the bells of what is quiet failed", action="quiet_bell_failed", error=type(error).__name__)
            return False

    async def _ring(self, world: World) -> bool:
        now = self._clock.now()
        rows = await self._bells.ring(world, self.quieting.snoozes, now)
        self._metrics.on_quieting(self.quieting.snoozes, self.quieting.flood.flood, now)
        if rows:
            log.info("somebody is told of what is quiet, or held in the digest", action="quiet_bell", rows=rows)
        return bool(rows)

    async def watch(self, world: World) -> bool:
        """Hold every rule against its forecast; whether there are new alarms. A fault in it stops nothing else.

        Raises StoreUnavailable.
        """
        now = self._clock.now()
        try:
            new = await self.rule_watch.alarms(world, now, self._outbox.order)
            self._metrics.on_rules_judged(await self.rule_watch.judged(now))
        except StoreError:
            raise
        except Exception as error:  # live events, trimming and expiry do not wait for it
            log.error("rules could not be watched", action="rule_watch_failed", error=type(error).__name__)
            return False
        for alarm in new:
            log.warning(
                "a rule does not fire as it was forecast to",
                action="rule_off_forecast",
                rule=alarm.name,
                verdict=alarm.verdict.value,
                last_week=alarm.last_week,
                per_week=round(alarm.per_week or 0.0, 2),
            )
        return bool(new)

    async def _forecasts(self) -> Mapping[RuleId, Forecast]:
        """What the live version was published with."""
        live = self._rules.live
        standing = await self._rules.desk.standing(live.number) if live.number is not None else None
        return forecasts_of(standing.backtest if standing else None, live.rules)
