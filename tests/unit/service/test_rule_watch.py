"""Rules held against their forecasts: what is found and how soon, what is not cried over, and who is told how often."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from alerts.planning import Row
from alerts.routing import Directory
from domain.clock import ManualClock
from domain.ids import NavigatorId, RuleId
from service.rule_watch import (
    Forecast,
    Judgement,
    LiveRule,
    Source,
    Verdict,
    Watched,
    WatchPolicy,
    history_forecast,
    judge,
    tails,
    watched_of,
)
from service.rule_watch_desk import RuleWatch, RuleWatchStore, forecasts_of
from service.rule_watch_memory import MemoryRuleWatch
from service.rule_watch_valkey import ValkeyRuleWatch
from streams.decide import DecidePolicy, World
from streams.memory_server import MemoryServer
from streams.memory_tallies import MemoryTallies
from streams.tallies import HourOfRule
from tests.unit.streams.play import navigator, tipt
from triggers.lifecycle_values import Backtested

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
POLICY = WatchPolicy()
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def life(per_week: float, length: int, seed: int, *, clumps: int = 1) -> dict[datetime, int]:
    """Firings by hour over so many days: by day rather than by night, fewer at weekends, in clumps of so many."""
    random, found = Random(seed), dict[datetime, int]()
    for day in range(length):
        weekend = 0.7 if day % 7 > 4 else 1.12
        for _ in range(_poisson(random, per_week / 7 * weekend / clumps)):
            hour = START + days(day) + timedelta(hours=min(23, max(0, int(random.gauss(15, 5)))))
            found[hour] = found.get(hour, 0) + clumps
    return found


def _poisson(random: Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    count, product = 0, random.random()
    while product > math.exp(-mean):
        count, product = count + 1, product * random.random()
    return count


def until(by_hour: dict[datetime, int], end: datetime) -> dict[datetime, int]:
    return {hour: number for hour, number in by_hour.items() if hour < end}


def verdict(by_hour: dict[datetime, int], day: float, **fields: object) -> Judgement:
    watched = Watched("R", START, until(by_hour, START + days(day)), **fields)  # type: ignore[arg-type]
    return judge(watched, START + days(day), POLICY)


def found_after(by_hour: dict[datetime, int], stopped: int, most: int, **fields: object) -> int | None:
    """How many days after it stopped a rule is found quiet."""
    past = until(by_hour, START + days(stopped))
    return next((day for day in range(most) if verdict(past, stopped + day, **fields).verdict is Verdict.QUIET), None)


@pytest.mark.parametrize(
    ("per_week", "within", "why"),
    [(300, 2, "hours of silence are long for it"), (70, 4, "days"), (20, 9, "a week"), (7, 28, "a month")],
)
def test_a_rule_that_falls_silent_is_found(per_week: float, within: int, why: str) -> None:
    for seed in range(3):
        found = found_after(life(per_week, 120, seed), 100, within + 1)
        assert found is not None and found <= within, why


@pytest.mark.parametrize(("per_week", "within"), [(70, 1), (20, 4), (7, 10), (3, 28)])
def test_a_backtest_says_it_sooner(per_week: float, within: int) -> None:
    forecast = Forecast(per_week * 52, days(364))
    found = found_after({}, 0, within + 1, forecast=forecast)  # `match no one`: silent from its first day
    assert found is not None and found <= within


@pytest.mark.parametrize("clumps", [1, 6])
@pytest.mark.parametrize("per_week", [0.2, 3, 20, 70])
def test_in_a_whole_year_hardly_anything_is_cried_over(per_week: float, clumps: int) -> None:
    """At most one false alarm in a rule's year: a household of six that fires together is no flood."""
    by_hour = life(per_week, 365, seed=int(per_week * 10) + clumps, clumps=clumps)
    alarms = [day for day in range(1, 365, 2) if verdict(by_hour, day).is_alarm]
    assert len(alarms) <= 1


def test_a_rule_that_goes_wild_is_found_within_a_day() -> None:
    by_hour = life(7, 100, seed=1)
    for hour in range(24):
        by_hour[START + days(100) + timedelta(hours=hour)] = 3
    assert not verdict(by_hour, 100).is_alarm
    assert verdict(by_hour, 100.5).verdict is Verdict.FLOODING
    assert verdict(by_hour, 100.5).window == DAY


def test_twice_of_almost_never_is_no_flood() -> None:
    by_hour = {START + days(99): 2}
    assert verdict(by_hour, 99.5).verdict is Verdict.AS_FORECAST


@pytest.mark.parametrize(
    ("day", "forecast", "expected", "why"),
    [
        (0.5, Forecast(1000, days(70)), Verdict.TOO_NEW, "live for less than a day"),
        (1, Forecast(1000, days(70)), Verdict.QUIET, "a day of silence against a sure forecast"),
        (1, None, Verdict.TOO_NEW, "nothing to hold it against"),
        (14.9, None, Verdict.TOO_NEW, "a fortnight before the last day is not over"),
        (15.1, None, Verdict.AS_FORECAST, "silent from the start, and forecast to be"),
    ],
)
def test_new_rules_get_time(day: float, forecast: Forecast | None, expected: Verdict, why: str) -> None:
    assert verdict({}, day, forecast=forecast).verdict is expected, why


def test_what_others_fired_before_it_went_live_does_not_count() -> None:
    by_hour = life(70, 40, seed=3)
    watched = Watched("R", START + days(40), by_hour)
    assert history_forecast(watched, START + days(53), POLICY) is None
    later = history_forecast(watched, START + days(60), POLICY)
    assert later is not None and (later.firings, later.source) == (0, Source.HISTORY)


@given(came=st.integers(0, 200), firings=st.integers(0, 400), ratio=st.floats(0.01, 4))
def test_the_tails_are_chances_that_overlap_in_what_came(came: int, firings: int, ratio: float) -> None:
    fewer, more = tails(came, firings, ratio)
    assert -1e-9 <= fewer <= 1 and -1e-9 <= more <= 1
    assert fewer + more >= 1 - 1e-9
    assert tails(came + 1, firings, ratio)[0] >= fewer - 1e-12


def test_the_tail_is_that_of_the_negative_binomial() -> None:
    """Against a plain simulation: a rate from its posterior, then a count from the rate."""
    random, firings, ratio, came = Random(5), 20, 0.5, 4
    drawn = [_poisson(random, random.gammavariate(firings + 0.5, 1.0) * ratio) for _ in range(20_000)]
    fewer, more = tails(came, firings, ratio)
    assert sum(number <= came for number in drawn) / len(drawn) == pytest.approx(fewer, abs=0.01)
    assert sum(number >= came for number in drawn) / len(drawn) == pytest.approx(more, abs=0.01)


def test_rules_of_a_feed_are_also_watched_together() -> None:
    rules = [
        LiveRule(RuleId("A"), frozenset({"ed"}), START),
        LiveRule(RuleId("B"), frozenset({"ed"}), START),
        LiveRule(RuleId("C"), frozenset({"police"}), START, Forecast(7, WEEK)),
        LiveRule(RuleId("D"), frozenset({"ed", "police"}), START),
        LiveRule(RuleId("NEW"), frozenset({"ed"}), START + days(99)),
    ]
    hour = START + days(50)
    firings = {HourOfRule(RuleId("A"), hour): 2, HourOfRule(RuleId("B"), hour): 3, HourOfRule(RuleId("D"), hour): 1}
    found = {one.name: one for one in watched_of(rules, firings, START + days(100), POLICY)}
    assert set(found) == {"A", "B", "C", "D", "NEW", "all", "feed:ed"}
    assert found["feed:ed"].by_hour == {hour: 5} and found["all"].by_hour == {hour: 6}
    assert found["all"].forecast is None and found["all"].since == START


def test_a_published_backtest_is_the_forecast() -> None:
    told = Backtested("digest", START, START + days(70), 30, {"ED_ASSAULT": 20, "RETIRED": 10})
    (found,) = forecasts_of(told, tipt()).items()
    assert (found[0], found[1].per_week) == ("ED_ASSAULT", 2.0)
    assert forecasts_of(None, tipt()) == {}
    assert forecasts_of(Backtested("digest", START, START, 0), tipt()) == {}


@pytest.mark.parametrize("twin", ["memory", "valkey"])
async def test_both_stores_remember_alike(twin: str, valkey: Redis) -> None:
    store: RuleWatchStore = MemoryRuleWatch() if twin == "memory" else ValkeyRuleWatch(valkey)
    assert await store.since(["A@1"], START) == {"A@1": START}
    assert await store.since(["A@1", "A@2"], START + DAY) == {"A@1": START, "A@2": START + DAY}
    day = START.date()
    assert await store.keep_alarm("A", day, START)
    assert not await store.keep_alarm("A", day, START + timedelta(hours=1))
    assert await store.keep_alarm("B", day, START)
    assert await store.keep_alarm("A", day + DAY, START + DAY)
    assert await store.alarmed() == {"A": START + DAY, "B": START}


class TestAtWork:
    """The watch over counts in a store."""

    def watch(self, forecasts: dict[str, Forecast]) -> RuleWatch:
        self.clock = ManualClock(START)
        self.server = MemoryServer(self.clock)
        self.rows: list[Row] = []

        async def told() -> dict[RuleId, Forecast]:
            return {RuleId(rule): forecast for rule, forecast in forecasts.items()}

        return RuleWatch(MemoryRuleWatch(), MemoryTallies(self.server), rules=tipt, forecasts=told)

    async def order(self, rows: object) -> int:
        fresh = [row for row in rows if row not in self.rows]  # type: ignore[attr-defined]
        self.rows += fresh
        return len(fresh)

    def world(self) -> World:
        people = Directory({NavigatorId("S1"): navigator("S1", supervisor=True)})
        return World(rules=tipt(), directory=people, policy=DecidePolicy(secret=b"a secret for tests only"))

    async def test_a_silent_rule_rings_the_supervisor_once_a_day(self) -> None:
        watch = self.watch({"ED_ASSAULT": Forecast(700, days(70))})
        assert await watch.alarms(self.world(), START, self.order) == ()
        for hour in range(24, 72, 6):
            await watch.alarms(self.world(), START + timedelta(hours=hour), self.order)
        assert len({row.delivery.reference for row in self.rows}) == 2  # two London days
        judged = await watch.judged(START + timedelta(hours=72))
        assert (judged[0].name, judged[0].verdict) == ("ED_ASSAULT", Verdict.QUIET)

    async def test_a_crash_before_the_alarm_is_kept_rings_no_second_time(self) -> None:
        watch = self.watch({"ED_ASSAULT": Forecast(700, days(70))})
        await watch.alarms(self.world(), START, self.order)
        at = START + days(1)
        first = [one.name for one in await watch.alarms(self.world(), at, self.order)]
        known = len(self.rows)
        watch._store._alarms.clear()  # type: ignore[attr-defined]
        assert [one.name for one in await watch.alarms(self.world(), at, self.order)] == first
        assert len(self.rows) == known

    async def test_all_rules_silent_is_one_bell_and_not_twenty(self) -> None:
        watch = self.watch({str(rule.rule_id): Forecast(700, days(70)) for rule in tipt().rules})
        await watch.alarms(self.world(), START, self.order)
        new = await watch.alarms(self.world(), START + days(15), self.order)
        assert {one.name for one in new} >= {"all", "ED_ASSAULT", "feed:ed"}
        assert len({row.delivery.reference for row in self.rows}) == 1

    async def test_counts_of_decisions_are_what_it_sees(self) -> None:
        watch = self.watch({"ED_ASSAULT": Forecast(100, days(70))})
        await watch.look(START)
        for day in range(28):
            self.server.firings[HourOfRule(RuleId("ED_ASSAULT"), START + days(day) + timedelta(hours=3))] += 1
        judged = {one.name: one for one in await watch.look(START + days(28))}
        assert (judged["ED_ASSAULT"].verdict, judged["ED_ASSAULT"].last_week) == (Verdict.AS_FORECAST, 7)


def test_the_page_says_what_the_policy_is() -> None:
    text = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert "0.001" in text and "rule-watch" in text
