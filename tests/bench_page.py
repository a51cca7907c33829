"""docs/benchmarks.md as `make bench` writes it: every figure with its runs, its aim, and whether the aim is met.

The aims are those of the issues and of limits.md; a page that is made cannot flatter by a slip of the pen.
"""

import os
import platform
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from tests.backtest_bench import YearJudged
from tests.match_bench import Measured
from tests.match_bench import lines as match_lines
from tests.rules_bench import Cost


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should reach: at least, or at most, so much; of the floor where `of_floor`."""

    value: float
    at_most: bool = False
    of_floor: bool = False

    def met(self, figure: float) -> bool:
        """Whether the figure, already divided by the floor where that is meant, reaches the aim."""
        return figure <= self.value if self.at_most else figure >= self.value

    def told(self, figure: float | None) -> str:
        """The aim in words, with the verdict."""
        words = f"{'at most' if self.at_most else 'at least'} {self.value:,g}{' of the floor' if self.of_floor else ''}"
        return words if figure is None else f"{words}: {'met' if self.met(figure) else '**not met**'}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report: its runs, the floor of the same run where it has one, and its aim."""

    name: str
    unit: str
    values: Sequence[float]
    floor: float | None = None
    aim: Aim | None = None

    @property
    def median(self) -> float:
        """The median over the runs."""
        return statistics.median(self.values)

    @property
    def of_floor(self) -> str:
        """The ratio to the floor, '' where there is none."""
        return f"{self.median / self.floor:.2f}" if self.floor else ""

    @property
    def verdict(self) -> str:
        """The aim and whether it is met, '' where there is none."""
        if self.aim is None:
            return ""
        return self.aim.told(self.median / self.floor if self.aim.of_floor and self.floor else self.median)


MATCH_AIMS = {
    100_000: {"events_a_second": Aim(120_000), "p99": Aim(40, at_most=True)},
    1_000_000: {"events_a_second": Aim(60_000), "p99": Aim(80, at_most=True), "bytes_each": Aim(1_000, at_most=True)},
}
"""Issue 4, by members in the cohort."""
SPLINK_AIMS = (Aim(20_000), Aim(30))
"""Times as fast as Splink, one record at a time and in batches of 1,000, at 100,000 members."""
RULES_AIMS = (Aim(60_000), Aim(50))
"""Issue 5: one person's evaluations a second with 200 events, and times zen-engine."""
BACKTEST = Aim(10, at_most=True)
"""Issue 5: seconds for a year of 10,000 people and 500,000 matched events on two cores."""


def page(
    figures: Sequence[Figure],
    matched: Sequence[Measured],
    rules: Sequence[Cost],
    on: date,
    year: YearJudged | None = None,
) -> str:
    """The whole page. What is empty was not measured, and is left out."""
    return "\n\n".join([_head(on), *sections(figures, matched, rules, year)]) + "\n"


def sections(
    figures: Sequence[Figure], matched: Sequence[Measured], rules: Sequence[Cost], year: YearJudged | None = None
) -> list[str]:
    """The parts of the page that were measured, each from its heading on."""
    parts = []
    if figures:
        parts.append(_engine(figures))
    if matched:
        parts.append(_matching(matched))
    if rules:
        parts.append(_rules(rules))
    if year:
        parts.append(_backtest(year))
    return parts


def put(page: str, part: str, said: str = "") -> str:
    """The page with this part in the place of its own, or at the end; `said` stands under its heading."""
    heading, _, rest = part.partition("\n")
    others = re.sub(rf"^{heading}\n.*?(?=^## |\Z)", "", page, flags=re.S | re.M).rstrip()
    words = f"\n\n{said}" if said else ""
    return f"{others}\n\n{heading}{words}\n{rest.rstrip()}\n"


def _head(on: date) -> str:
    return (
        "# Benchmarks\n\n"
        f"Written by `make bench` (tests/bench.py, tests/bench_page.py) on {on.isoformat()}: {os.cpu_count()} cores, "
        f"CPython {platform.python_version()}. The machines are shared and noisy: read the ratios first."
    )


def _engine(figures: Sequence[Figure]) -> str:
    rows = [
        (
            f"{each.name}, {each.unit}",
            _short(each.median),
            " / ".join(map(_short, each.values)),
            each.of_floor,
            each.verdict,
        )
        for each in figures
    ]
    return (
        "## The embedded engine\n\n"
        "Service, private store, far ends and the load generator share the cores. Medians, all runs beside them. The "
        "floor is bare XADD, XREADGROUP and XACK through redis-py with the same durability and payload size, in the "
        "same run. Latency counts SMS and e-mail, of which there are some dozens in a run: its p99 is near the worst.\n\n"
        + _table(("What", "Median", "Runs", "Of the floor", "Aim"), rows)
    )


def _backtest(year: YearJudged) -> str:
    rows = [
        ("seconds, from the files to the counted answer", f"{year.seconds:,.1f}", BACKTEST.told(year.seconds)),
        ("matched events a second", f"{year.events_per_second:,.0f}", ""),
        ("microseconds of processor time an event", f"{year.cpu / max(1, year.events) * 1e6:,.0f}", ""),
        ("largest process, MB", f"{year.peak_mb:,.0f}", ""),
    ]
    return (
        "## Backtest of a year\n\n"
        f"{year.people:,} people, {year.events:,} matched events in 364 days, some late and some corrected "
        "(`fixtures/year.py`), the shipped rules, one process for each core: "
        f"{year.firings:,} firings, {year.alerts:,} alerts.\n\n" + _table(("What", "Figure", "Aim"), rows)
    )


def _matching(matched: Sequence[Measured]) -> str:
    told = [dict(match_lines(each)) for each in matched]
    names = list(dict.fromkeys(name for each in told for name in each))
    rows = [(name, *(each.get(name, "") for each in told)) for name in names]
    verdicts = []
    for each in matched:
        for field, aim in MATCH_AIMS.get(each.members, {}).items():
            verdicts.append(f"- {each.members:,} members, {_FIELDS[field]}: {aim.told(getattr(each, field))}.")
        if each.members == 100_000 and each.splink_one and each.splink_batch:
            for aim, peer, how in zip(
                SPLINK_AIMS, (each.splink_one, each.splink_batch), ("one at a time", "1,000 in a call"), strict=True
            ):
                verdicts.append(
                    f"- {each.members:,} members, times as fast as Splink, {how}: {aim.told(each.events_a_second / peer)}."
                )
    by_size = {each.members: each for each in matched}
    growth = ""
    if 10_000 in by_size and 1_000_000 in by_size:
        times = by_size[10_000].events_a_second / by_size[1_000_000].events_a_second
        growth = f"\n\nFrom 10,000 to 1,000,000 members an event takes {times:.1f} times as long."
    return (
        "## Recognition\n\n"
        "From an event to its matches, decoding apart: processor time of one core, 1 per cent of the events about "
        "watched people, the stream of limits.md 3.1, each size in a process of its own. Splink gets its blocking "
        "rules on every call; the ratio one at a time measures the planning of SQL as much as matching, which is why the "
        "ratio in batches stands beside it.\n\n"
        + _table(("What", *(f"{each.members:,} members" for each in matched)), rows)
        + growth
        + "\n\nAims:\n\n"
        + "\n".join(verdicts)
    )


_FIELDS = {"events_a_second": "events a second", "p99": "p99 in us", "bytes_each": "bytes a member"}


def _rules(costs: Sequence[Cost]) -> str:
    rows = [
        (
            f"{cost.size:,}",
            f"{cost.from_scratch:,.0f}",
            f"{cost.one_more:,.1f}",
            f"{1e6 / cost.one_more:,.0f}",
            f"{cost.in_words:,.1f}",
            f"{cost.changing:.0%}",
            f"{cost.when_changing:,.1f} / {cost.when_not:,.1f}",
            f"{cost.kilobytes:,.0f}",
            f"{cost.peer:,.0f}",
            f"{cost.openings:,.1f}",
            f"{cost.peer / cost.openings:,.0f}",
        )
        for cost in costs
    ]
    verdicts = [
        f"- evaluations a second with 200 events: {RULES_AIMS[0].told(1e6 / cost.one_more)}.\n"
        f"- times as fast as zen-engine with 200 events: {RULES_AIMS[1].told(cost.peer / cost.openings)}."
        for cost in costs
        if cost.size == 200
    ]
    heads = ("History", "From scratch, us", "One more event, us", "A second", "And in words, us",
             "Change a verdict", "These / the others, us", "kB a person", "zen-engine, us",
             "Ours on the same events, us", "zen / ours")  # fmt: skip
    return (
        "## Rules\n\nOne person, the shipped rules, processor time. An evaluation is what one event costs until the "
        "verdicts of all rules stand again: rules that it does not touch are not run, so the events that change no "
        "verdict are told apart. zen-engine runs the shapes that it can say, on the same events (each opens something "
        "new) with answers checked to be the same. durable_rules is not here: a message is consumed by the first rule "
        "that matches, counts have no window and its last release is of 2020 (limits.md part B, section 3).\n\n"
        + _table(heads, rows)
        + "\n\nAims:\n\n"
        + "\n".join(verdicts)
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
