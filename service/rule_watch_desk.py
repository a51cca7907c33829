"""The rule watch at work: counts in; alarms kept, at most one for a rule and day; supervisors told.

Where all rules, or all of one feed, are off their forecast, that is one alarm and not twenty.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from alerts.model import Purpose
from alerts.planning import Row
from domain.clock import LONDON
from domain.ids import RuleId
from domain.kinds import Kind
from service.bells import bell_rows, those_in_charge
from service.rule_watch import Forecast, Judgement, LiveRule, WatchPolicy, judge, watched_of
from streams.decide import World
from streams.tallies import FIRINGS_FOR, Tallies, days_between
from triggers.lifecycle_values import Backtested
from triggers.rules import Rule, RuleSet

LOOK_EVERY = timedelta(minutes=10)
MOST_BELLS = 5
"""Of one look: whoever is called five times for it looks at all of it."""
_FAMILY_FEEDS = {kind.value.split(".")[0]: kind.feed for kind in Kind}


class RuleWatchStore(Protocol):
    """What the watch remembers: since when each version of a rule is live, and which alarms were raised."""

    async def since(self, marks: Sequence[str], now: datetime) -> Mapping[str, datetime]:
        """Since when each of these was seen live; one that is new is noted as of `now`."""
        ...

    async def keep_alarm(self, name: str, day: date, at: datetime) -> bool:
        """Keep that an alarm was raised; False if there was one of that name on that day."""
        ...

    async def alarmed(self) -> Mapping[str, datetime]:
        """When each name was last alarmed."""
        ...


Forecasts = Callable[[], Awaitable[Mapping[RuleId, Forecast]]]
"""What each live rule was published with; rules without a backtest are left out."""


class RuleWatch:
    """Holds every live rule against its forecast."""

    def __init__(
        self,
        store: RuleWatchStore,
        tallies: Tallies,
        *,
        rules: Callable[[], RuleSet],
        forecasts: Forecasts,
        policy: WatchPolicy | None = None,
    ) -> None:
        self._store = store
        self._tallies = tallies
        self._rules = rules
        self._forecasts = forecasts
        self._policy = policy or WatchPolicy()
        self._looked: datetime | None = None
        self._judged: tuple[Judgement, ...] = ()

    async def judged(self, now: datetime) -> tuple[Judgement, ...]:
        """How everything stands, at most LOOK_EVERY old; alarms first. Raises StoreUnavailable."""
        if self._looked is None or now - self._looked >= LOOK_EVERY:
            await self.look(now)
        return self._judged

    async def look(self, now: datetime) -> tuple[Judgement, ...]:
        """How everything stands `now`."""
        rules, forecasts = self._rules(), await self._forecasts()
        since = await self._store.since([mark_of(rule) for rule in rules.rules], now)
        live = [
            LiveRule(rule.rule_id, feeds_of(rule, rules), since[mark_of(rule)], forecasts.get(rule.rule_id))
            for rule in rules.rules
        ]
        firings = await self._tallies.firings(days_between(now - FIRINGS_FOR, now))
        judged = [judge(watched, now, self._policy) for watched in watched_of(live, firings, now, self._policy)]
        self._judged = tuple(sorted(judged, key=lambda one: (not one.is_alarm, one.name)))
        self._looked = now
        return self._judged

    async def alarmed(self) -> Mapping[str, datetime]:
        """When each name was last alarmed."""
        return await self._store.alarmed()

    async def alarms(self, world: World, now: datetime, order: "Order") -> tuple[Judgement, ...]:
        """Raise what is new: order the messages, then keep the alarm, so that a crash between them only repeats what
        changes nothing. Returns the new alarms."""
        day, known = now.astimezone(LONDON).date(), await self._store.alarmed()
        off = [one for one in await self.judged(now) if one.is_alarm]
        new = [one for one in off if one.name not in known or known[one.name].astimezone(LONDON).date() != day]
        rules = self._rules()
        feeds = {str(rule.rule_id): feeds_of(rule, rules) for rule in rules.rules}
        for one in [each for each in new if not _told_by_group(each, off, feeds)][:MOST_BELLS]:
            await order(alarm_rows(one, day, world, now))
        return tuple([one for one in new if await self._store.keep_alarm(one.name, day, now)])


class Order(Protocol):
    """How messages are ordered (alerts.ports.Outbox.order)."""

    async def __call__(self, rows: Sequence[Row]) -> int:
        """Put new rows into the queue; one that is known is left as it is."""
        ...


def forecasts_of(told: Backtested | None, rules: RuleSet) -> Mapping[RuleId, Forecast]:
    """What a backtest says of each rule: `figures` by rule id over its time. None, or no time: nothing."""
    if told is None or told.until <= told.since:
        return {}
    over = told.covered or told.until - told.since  # where history covers less, the rest says nothing
    return {
        rule.rule_id: Forecast(told.figures[rule.rule_id], over) for rule in rules.rules if rule.rule_id in told.figures
    }


def mark_of(rule: Rule) -> str:
    """The identity of a version of a rule."""
    return f"{rule.rule_id}@{rule.version}"


def feeds_of(rule: Rule, rules: RuleSet) -> frozenset[str]:
    """The feeds whose events can make a rule fire."""
    families = rules.families_for(rule)
    return frozenset(feed.value for family in families if (feed := _FAMILY_FEEDS.get(family)) is not None)


def alarm_rows(alarm: Judgement, day: date, world: World, now: datetime) -> tuple[Row, ...]:
    """Supervisors hear that a forecast was missed; of which rule is told behind the login."""
    about = f"rule-watch|{alarm.name}|{day.isoformat()}"
    return bell_rows(those_in_charge(world), Purpose.RULE_WATCH, about, world, now)


def _told_by_group(alarm: Judgement, alarms: Iterable[Judgement], feeds: Mapping[str, frozenset[str]]) -> bool:
    """Whether a wider alarm of the same sort says it already: all rules, or all of the rule's only feed."""
    wider = {one.name for one in alarms if one.verdict is alarm.verdict}
    if alarm.name == "all":
        return False
    own = feeds.get(alarm.name, frozenset())
    return "all" in wider or (len(own) == 1 and f"feed:{next(iter(own))}" in wider)
