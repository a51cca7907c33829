"""`reachpoint rules backtest`: history judged again by other rules, before anybody's phone rings."""

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.rules import Lists
from service.commands.rules_acts import rules
from service.terminal import FAULTS, Config, Data, err, out, progress, settings_for, table
from service.terminal import run as run_command

if TYPE_CHECKING:
    from service.backtest import Backtest, Chosen, Report, Row
    from service.backtest_source import Plan
    from service.backtest_tally import Window
    from service.settings import Settings
    from streams.archive_parquet import ParquetArchive

__all__ = ["rules"]

_ARCHIVE = "archive"
_STDOUT = "-"
_DAYS = 90


@rules.command("backtest")
def backtest(
    which: Annotated[
        str, typer.Option("--rules", help="A YAML file, `live`, a version's number, or a shipped set (tipt).")
    ] = "live",
    against: Annotated[str, typer.Option("--against", help="Compare with these: as --rules. Often `live`.")] = "",
    reference: Lists = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", help="Judge this rule alone (repeat for more); `changed`: those that differ. No forecast."
        ),
    ] = None,
    since: Annotated[
        str, typer.Option("--since", help="First day (2026-01-31, London) or moment; default: 90 days.")
    ] = "",
    until: Annotated[str, typer.Option("--until", help="Day or moment before which it ends; default: now.")] = "",
    history: Annotated[
        str, typer.Option("--history", help="`archive`, or an NDJSON file (needs --cohort).")
    ] = _ARCHIVE,
    cohort: Annotated[
        Path | None,
        typer.Option("--cohort", help="Cohort CSV or NDJSON: rates also by sex and ethnicity, if it has them."),
    ] = None,
    json: Annotated[str, typer.Option("--json", help="Write the result as JSON to this file, or to - .")] = "",
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write every firing, one to a line.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write one self-contained page with charts.")] = None,
    examples: Annotated[int, typer.Option(min=0, max=100, help="At most so many examples of each rule.")] = 5,
    contact_minutes: Annotated[int, typer.Option(min=1, max=1440, help="How long one contact takes.")] = 60,
    hours: Annotated[
        str, typer.Option("--hours", help="When navigators work, London time; 00:00-00:00 always.")
    ] = "07:00-23:00",
    processes: Annotated[int, typer.Option(min=0, max=64, help="How many processes; 0: one for each core.")] = 0,
    config: Config = None,
    data: Data = None,
) -> None:
    """Judge history by other rules: alerts by week, rule, navigator and hour, clocks missed, and what changes.

    Nothing is sent and nothing is stored. The history is the service's own archive, or an NDJSON file.
    """
    from domain.clock import SystemClock
    from service.backtest_report import told
    from service.backtest_source import plan_of
    from service.backtest_told import sealed
    from service.wiring import reference_secret

    settings, now = settings_for(config, data), SystemClock().now()

    async def choose() -> "tuple[Chosen, Chosen | None]":
        return await _chosen(settings, which, against, reference)

    async def work() -> int:
        new, old = await choose()
        asked = _asked(settings, new, old, window=(since, until, examples), now=now, work=(contact_minutes, hours))
        asked = _with_cohort(_judging_only(asked, only or ()), cohort, rows=csv_file is not None)
        with _archive(settings, history, cohort) as archive, archive.locked(shared=True):
            plan = plan_of(archive, asked.window.since, asked.window.until)
            if not plan.in_time:
                err.print(_nothing_in(plan, asked.window, history), markup=False, soft_wrap=True)
                return FAULTS
            report = _judge(asked, plan, processes, csv_file)
        _write(report, sealed(told(report, now), reference_secret(settings)), json, html)
        for name in report.plan.damaged:
            err.print(f"A file of the archive cannot be read and was left out: {name}", markup=False)
        return 0

    raise typer.Exit(run_command(work))


async def _chosen(settings: "Settings", which: str, against: str, lists: Path | None) -> "tuple[Chosen, Chosen | None]":
    """The rules asked about; `lists` are those of `which`. The store is reached only where there is one."""
    from service.backtest_rules import chosen_rules
    from service.rules_asked import lists_in
    from service.rules_live import book_of

    async with book_of(settings) as book:
        new = await chosen_rules(which, book, lists_in(lists))
        return new, await chosen_rules(against, book) if against else None


def _asked(
    settings: "Settings",
    new: "Chosen",
    old: "Chosen | None",
    *,
    window: tuple[str, str, int],
    now: datetime,
    work: tuple[int, str],
) -> "Backtest":
    from domain.errors import ConfigError
    from service.backtest import Backtest
    from service.backtest_capacity import Capacity
    from service.backtest_tally import Window
    from service.wiring import policies_of

    ends = _moment(window[1], "--until") if window[1] else now
    begins = _moment(window[0], "--since") if window[0] else ends - timedelta(days=_DAYS)
    if begins >= ends:
        raise ConfigError("--since must lie before --until.")
    decide = policies_of(settings).decide
    return Backtest(
        rules=new,
        window=Window(begins, ends, window[2]),
        against=old,
        suppression=decide.suppression,
        history_for=decide.history_for,
        capacity=Capacity(timedelta(minutes=work[0]), *_hours(work[1])),
    )


def _moment(text: str, option: str) -> datetime:
    """A London day's beginning, or a moment with its zone (a naive one is London's)."""
    from domain.clock import from_london
    from domain.errors import ConfigError

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option} must be a day like 2026-01-31, or a moment like 2026-01-31T06:00Z.") from None
    return from_london(found) if found.tzinfo is None else found.astimezone(UTC)


def _hours(text: str) -> tuple[time, time]:
    from domain.errors import ConfigError

    begins, _, ends = text.partition("-")
    try:
        return time.fromisoformat(begins.strip()), time.fromisoformat(ends.strip())
    except ValueError:
        raise ConfigError("--hours must be like 07:00-23:00.") from None


def _judging_only(asked: "Backtest", names: Sequence[str]) -> "Backtest":
    from service.backtest import only
    from service.backtest_rules import judged_alone

    return only(asked, judged_alone(names, asked)) if names else asked


def _with_cohort(asked: "Backtest", cohort: Path | None, *, rows: bool) -> "Backtest":
    from dataclasses import replace

    from service.backtest_cohort import groups_from

    groups = groups_from(cohort, asked.window.until) if cohort else None
    return replace(asked, groups=groups, rows=rows)


@contextmanager
def _archive(settings: "Settings", history: str, cohort: Path | None) -> "Iterator[ParquetArchive]":
    from domain.errors import ConfigError
    from service.backtest_history import archived_from, cohort_of
    from service.wiring import archive_folder
    from streams.archive_parquet import ParquetArchive

    if history == _ARCHIVE:
        yield ParquetArchive(archive_folder(settings))
        return
    if cohort is None:
        raise ConfigError("A history of your own needs --cohort: who the people are is not in it.")
    with tempfile.TemporaryDirectory(prefix="reachpoint-history-") as made:
        yield archived_from(Path(history), cohort_of(cohort), Path(made) / _ARCHIVE)


def _nothing_in(plan: "Plan", window: "Window", history: str) -> str:
    """Why nothing was judged, and what would be right."""
    asked = f"There is no history from {_day(window.since)} to {_day(window.until)}, so nothing was judged"
    if plan.whole is not None:
        first, last = map(_day, plan.whole)
        return f"{asked}: the history goes from {first} to {last}. Ask for a time within that (--since, --until)."
    if history == _ARCHIVE:
        return f"{asked}: the archive is empty. `reachpoint archive status` tells of it; --history takes a file."
    return f"{asked}: {Path(history).name} tells of nobody in the cohort file."


def _day(at: datetime) -> str:
    from domain.clock import LONDON

    return f"{at.astimezone(LONDON):%d %b %Y}"


def _judge(asked: "Backtest", plan: "Plan", processes: int, csv_file: Path | None) -> "Report":
    from service.backtest import run

    with _rows_into(csv_file) as keep:
        return _with_progress(lambda tell: run(asked, plan, processes=processes, progress=tell, keep=keep), plan)


def _with_progress(work: "Callable[[Callable[[int], None]], Report]", plan: "Plan") -> "Report":
    with progress() as bar:
        task = bar.add_task(f"{plan.rows:,} decisions", total=plan.rows)
        return work(lambda done: bar.advance(task, done))


@contextmanager
def _rows_into(file: Path | None) -> "Iterator[Callable[[Sequence[Row]], None]]":
    """Firings go to the file as they come, so that they need no memory."""
    from service.backtest_report import CSV_COLUMNS
    from service.commands.matching_inputs import private

    if file is None:
        yield lambda _: None
        return
    with private(file) as raw:
        import io

        with io.TextIOWrapper(raw, "utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(CSV_COLUMNS)

            def keep(rows: "Sequence[Row]") -> None:
                for row in rows:
                    cells = astuple(row)
                    writer.writerow([cell.isoformat() if isinstance(cell, datetime) else cell for cell in cells])

            yield keep


def _write(report: "Report", result: dict[str, object], json: str, html: Path | None) -> None:
    import sys

    import msgspec

    from service.backtest_page import page
    from service.commands.matching_inputs import private

    if html is not None:
        with private(html) as stream:
            stream.write(page(report, result).encode())
    if json:
        body = msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"
        if json == _STDOUT:
            sys.stdout.buffer.write(body)
            return
        with private(Path(json)) as stream:
            stream.write(body)
    _tell(report)


def _tell(report: "Report") -> None:
    from domain.clock import LONDON
    from service.backtest_report import assumptions, headline, tables

    window = report.asked.window
    begins, ends = (each.astimezone(LONDON) for each in (window.since, window.until))
    compared = f" against {report.asked.against.name}" if report.asked.against else ""
    out.print(
        f"[bold]{report.asked.rules.name}[/bold]{compared}, {begins:%d %b %Y} to {ends:%d %b %Y}: "
        f"{report.tally.people:,} people, {report.tally.events:,} decisions of history."
    )
    for sentence in headline(report):
        out.print(f"  {sentence}", markup=False)
    for title, columns, rows, right in tables(report):
        out.print(table(title, columns, rows, right=right))
    for one in report.tally.examples:
        when = one.fired_at.astimezone(LONDON)
        out.print(
            f"  {one.what}: {one.rule} for {one.member_id}, {when:%d %b %Y %H:%M}: {'; '.join(one.words)}", markup=False
        )
    for one in report.tally.late[:10]:
        late = (one.told_at - one.fired_at).total_seconds() / 3600
        when = one.fired_at.astimezone(LONDON)
        out.print(
            f"  {one.rule} for {one.member_id} would have alerted on {when:%d %b at %H:%M}; the {one.feed} feed came "
            f"{late:,.0f} h late.",
            markup=False,
        )
    for sentence in assumptions(report):
        out.print(f"[dim]{sentence}[/dim]")
