"""`python -m tests.backtest_bench`: a synthetic year judged again; 10,000 people, 500,000 matched events.

By all rules, and by one rule alone, as a supervisor judges who tunes it (`--only`).

The year is made once into a folder of its own (a minute or two); then the backtest is timed as the command runs it.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from domain.ids import digest
from fixtures.year import YearOfOne, YearSpec, year
from service.backtest import Backtest, Chosen, Report, only, run
from service.backtest_source import plan_of
from service.backtest_tally import Window
from streams.archive import Archived, facts_of
from streams.archive_parquet import ParquetArchive
from triggers.alone import alone
from triggers.history import entry_of
from triggers.loading import shipped_rules
from triggers.rules import RuleSet

_AT_ONCE = 20_000


def archive_year(folder: Path, spec: YearSpec) -> ParquetArchive:
    """The year as the archive would hold it."""
    archive, waiting = ParquetArchive(folder), list[Archived]()
    archive.prepare()
    for person in year(spec):
        waiting += records_of(person)
        if len(waiting) >= _AT_ONCE:
            archive.write(waiting, ())
            waiting.clear()
    archive.write(waiting, ())
    archive.merge()
    return archive


def records_of(person: YearOfOne) -> Iterator[Archived]:
    """The decisions of one person; what live rules had said is left out."""
    facts = facts_of(person.member)
    for order, heard in enumerate(person.heard, 1):
        entry = entry_of(heard.event, subject=heard.subject, relation=heard.relation, role=heard.role)
        yield Archived(
            record_id=digest("year", person.member.member_id, str(order)),
            member_id=person.member.member_id,
            order=order,
            decided_at=heard.event.received_at,
            disposition="no_rule",
            rules="",
            facts=facts,
            entry=entry,
        )


@dataclass(frozen=True, slots=True)
class YearJudged:
    """Seconds and megabytes of one run; `cpu` is the processor time of all processes."""

    events: int
    people: int
    firings: int
    alerts: int
    seconds: float
    cpu: float
    peak_mb: float

    @property
    def events_per_second(self) -> float:
        """Matched events judged a second."""
        return self.events / self.seconds


ONE_RULE = "ED_REPEAT_ASSAULT"
"""The rule that is also judged alone: the one that the supervisor's afternoon in docs/rules.md tunes."""


def judged(
    archive: ParquetArchive, spec: YearSpec, rules: RuleSet, *, processes: int = 0, rule: str = ""
) -> tuple[YearJudged, Report]:
    """One run over the whole year, by all rules or by one alone."""
    until = spec.begins + timedelta(days=spec.days + 14)
    asked = Backtest(Chosen(rules, "", "tipt"), Window(spec.begins, until))
    if rule:
        asked = only(asked, alone([rule], asked.sets))
    began, worked = time.perf_counter(), _cpu()
    plan = plan_of(archive, spec.begins, until)
    report = run(asked, plan, processes=processes)
    took, cpu = time.perf_counter() - began, _cpu() - worked
    count = next(iter(report.tally.sides.values()))
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    return YearJudged(plan.rows, report.tally.people, count.firings, count.alerts, took, cpu, peak), report


def _cpu() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def show() -> YearJudged:
    """Make the year, judge it, say what it cost."""
    spec = YearSpec()
    with tempfile.TemporaryDirectory(prefix="rp-year-") as made:
        archive = archive_year(Path(made) / "archive", spec)
        found = _tell("all rules", judged(archive, spec, shipped_rules("tipt"))[0])
        _tell(ONE_RULE, judged(archive, spec, shipped_rules("tipt"), rule=ONE_RULE)[0])
    return found


def _tell(what: str, found: YearJudged) -> YearJudged:
    print(f"{what}: {found}, {found.cpu / max(1, found.events) * 1e6:.1f} us of processor time an event")
    return found


def main() -> None:
    """Make a year and judge it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--events", type=float, default=50.0)
    parser.add_argument("--processes", type=int, default=0)
    parser.add_argument("--rule", action="append", help=f"Judged alone beside the whole; default: {ONE_RULE}.")
    parser.add_argument("--keep", type=Path, help="Folder of a year made before, or to be kept.")
    wanted = parser.parse_args()
    spec = YearSpec(people=wanted.people, events=wanted.events)
    with tempfile.TemporaryDirectory(prefix="rp-year-") as made:
        folder = wanted.keep or Path(made)
        known = (folder / "decisions").exists()
        archive = ParquetArchive(folder) if known else archive_year(folder, spec)
        for rule in ("", *(wanted.rule or [ONE_RULE])):
            found, _ = judged(archive, spec, shipped_rules("tipt"), processes=wanted.processes, rule=rule)
            _tell(rule or "all rules", found)


if __name__ == "__main__":
    main()
