"""Does each rule still fire as often as it was forecast to? Pure: counts by hour in, a verdict with its chance out.

A rule that falls silent loses people without a sound (a feed that stopped, a mapping that changed), one that fires far
above its forecast drowns them. What is expected is a Poisson count whose rate is itself only known from so many
firings in so many weeks, so the tail is that of the gamma-Poisson (negative binomial) with Jeffreys' prior; counts
that come in clusters are thinned by their own spread first.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from domain.ids import RuleId
from streams.tallies import Firings, hour_of

DAY, WEEK = timedelta(days=1), timedelta(days=7)


class Verdict(StrEnum):
    """How often a rule fires, against its forecast."""

    AS_FORECAST = "as_forecast"
    QUIET = "quiet"
    FLOODING = "flooding"
    TOO_NEW = "too_new"


class Source(StrEnum):
    """Where a forecast comes from."""

    BACKTEST = "backtest"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """When to alarm. `below` is the chance of what came, or more extreme, shared out over the windows (proposed).

    Without a backtest a rule needs `least_history` of its own before a window; `most_history` is looked at. A rule
    floods only from `loud_from` firings and `loud_times` its forecast on: twice of almost never is no flood.
    """

    below: float = 0.001
    windows: tuple[timedelta, ...] = (DAY, WEEK, timedelta(days=28))
    least_history: timedelta = timedelta(days=14)
    most_history: timedelta = timedelta(days=84)
    loud_from: int = 10
    loud_times: float = 3.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """So many firings in so long a time; more of both make a surer forecast."""

    firings: float
    over: timedelta
    source: Source = Source.BACKTEST

    @property
    def per_week(self) -> float:
        """Expected firings a week."""
        return self.firings * (WEEK / self.over)


@dataclass(frozen=True, slots=True)
class Watched:
    """A rule, or a group of rules, with its firings by hour (UTC, beginning of the hour).

    `since` is when these rules went live: what came before was fired by others.
    """

    name: str
    since: datetime
    by_hour: Mapping[datetime, int]
    forecast: Forecast | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with what it rests on. `chance` and `window` are those of the most telling window."""

    name: str
    verdict: Verdict
    last_day: int
    last_week: int
    per_week: float | None = None
    source: Source | None = None
    chance: float | None = None
    window: timedelta | None = None
    last_fired_at: datetime | None = None

    @property
    def is_alarm(self) -> bool:
        """Whether somebody should look."""
        return self.verdict in {Verdict.QUIET, Verdict.FLOODING}


def judge(watched: Watched, now: datetime, policy: WatchPolicy) -> Judgement:
    """How the last full hours stand to the forecast."""
    end = hour_of(now)
    plain = Judgement(
        watched.name,
        Verdict.TOO_NEW,
        last_day=_count(watched.by_hour, end - DAY, end + DAY),
        last_week=_count(watched.by_hour, end - WEEK, end + DAY),
        last_fired_at=max((hour for hour, number in watched.by_hour.items() if number), default=None),
    )
    found = [each for window in policy.windows if (each := _looked(watched, window, end, policy)) is not None]
    if not found:
        known = watched.forecast
        return plain if known is None else replace(plain, per_week=known.per_week, source=known.source)
    telling = min(found, key=lambda each: (each.verdict is Verdict.AS_FORECAST, each.chance))
    return replace(
        plain,
        verdict=telling.verdict,
        per_week=telling.forecast.per_week,
        source=telling.forecast.source,
        chance=telling.chance,
        window=telling.window,
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """One window held against the forecast."""

    window: timedelta
    verdict: Verdict
    chance: float
    forecast: Forecast


def _looked(watched: Watched, window: timedelta, end: datetime, policy: WatchPolicy) -> _Look | None:
    """None where the rule is not live for a day, or nothing says what to expect. A window goes back no further than
    the rule is live."""
    window = min(window, end - watched.since)
    if window < DAY:
        return None
    forecast = watched.forecast or history_forecast(watched, end - window, policy)
    if forecast is None:
        return None
    spread = _spread(watched, end - window, policy)
    came = _count(watched.by_hour, end - window, end)
    level = policy.below / len(policy.windows)
    fewer, more = tails(came / spread, forecast.firings / spread, window / forecast.over)
    expected = forecast.firings * (window / forecast.over)
    if fewer < level:
        return _Look(window, Verdict.QUIET, fewer, forecast)
    if more < level and came >= max(policy.loud_from, policy.loud_times * expected):
        return _Look(window, Verdict.FLOODING, more, forecast)
    return _Look(window, Verdict.AS_FORECAST, min(fewer, more), forecast)


def history_forecast(watched: Watched, until: datetime, policy: WatchPolicy) -> Forecast | None:
    """What the rule's own past before a window says; None while there is too little of it."""
    start = max(hour_of(watched.since) + timedelta(hours=1), until - policy.most_history)
    if until - start < policy.least_history:
        return None
    return Forecast(_count(watched.by_hour, start, until), until - start, Source.HISTORY)


def tails(came: float, firings: float, ratio: float) -> tuple[float, float]:
    """P(X <= came) and P(X >= came) of the gamma-Poisson after `firings` in a time that is 1/`ratio` of the window.

    Counts are rounded so that neither tail looks rarer than it is.
    """
    shape = firings + 0.5
    chance = 1.0 / (1.0 + ratio)  # of the negative binomial
    return _below(math.ceil(came), shape, chance), 1.0 - _below(math.floor(came) - 1, shape, chance)


def _below(most: int, shape: float, chance: float) -> float:
    """P(X <= most) of a negative binomial, summed term by term from the logarithm of the first."""
    if most < 0:
        return 0.0
    log_term, total = shape * math.log(chance), 0.0
    for number in range(most + 1):
        if number:
            log_term += math.log((shape + number - 1) / number) + math.log1p(-chance)
        total += math.exp(log_term)
    return min(1.0, total)


def _spread(watched: Watched, until: datetime, policy: WatchPolicy) -> float:
    """How much more the days differ than chance makes them: variance over mean of the daily counts, 1 to 10."""
    start = max(watched.since, until - policy.most_history)
    days = int((until - start) / DAY)
    if days * DAY < policy.least_history:
        return 1.0
    counts = [0] * days
    for hour, number in watched.by_hour.items():
        place = int((until - hour) / DAY)
        if start <= hour < until and 0 <= place < days:
            counts[place] += number
    mean = sum(counts) / days
    if mean == 0:
        return 1.0
    variance = sum((count - mean) ** 2 for count in counts) / (days - 1)
    return min(10.0, max(1.0, variance / mean))


def _count(by_hour: Mapping[datetime, int], start: datetime, end: datetime) -> int:
    return sum(number for hour, number in by_hour.items() if start <= hour < end)


@dataclass(frozen=True, slots=True)
class LiveRule:
    """A rule as the watch knows it: which feeds can make it fire, since when it is live, what was forecast."""

    rule_id: RuleId
    feeds: frozenset[str]
    since: datetime
    forecast: Forecast | None = None


def watched_of(rules: Sequence[LiveRule], firings: Firings, now: datetime, policy: WatchPolicy) -> tuple[Watched, ...]:
    """Each rule; the rules of one feed together (`feed:ed`), and all together (`all`), as far as they are not new."""
    by_rule = _by_rule(firings)
    single = [Watched(rule.rule_id, rule.since, by_rule.get(rule.rule_id, {}), rule.forecast) for rule in rules]
    settled = [rule for rule in rules if now - rule.since >= policy.least_history]
    feeds = sorted({feed for rule in settled for feed in rule.feeds if len(rule.feeds) == 1})
    groups = [("all", settled), *((f"feed:{feed}", [one for one in settled if one.feeds == {feed}]) for feed in feeds)]
    together = [_together(name, members, by_rule) for name, members in groups if len(members) > 1]
    return (*single, *together)


def _by_rule(firings: Firings) -> dict[RuleId, dict[datetime, int]]:
    found: dict[RuleId, dict[datetime, int]] = {}
    for at, number in firings.items():
        found.setdefault(at.rule_id, {})[at.hour] = number
    return found


def _together(name: str, rules: Sequence[LiveRule], by_rule: Mapping[RuleId, Mapping[datetime, int]]) -> Watched:
    """Rules as one: their firings added, live since the youngest is. A forecast only where each of them has one."""
    since = max(rule.since for rule in rules)
    total: dict[datetime, int] = {}
    for rule in rules:
        for hour, number in by_rule.get(rule.rule_id, {}).items():
            total[hour] = total.get(hour, 0) + number
    forecasts = [rule.forecast for rule in rules if rule.forecast is not None]
    forecast = _summed(forecasts) if len(forecasts) == len(rules) else None
    return Watched(name, since, total, forecast)


def _summed(forecasts: Iterable[Forecast]) -> Forecast:
    """Several forecasts as one, as sure as the least sure of them."""
    parts = list(forecasts)
    over = min(part.over for part in parts)
    return Forecast(sum(part.firings * (over / part.over) for part in parts), over)
