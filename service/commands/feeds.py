"""`reachpoint ingest`: files of a feed into the durable log, with a receipt for every record."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from service.terminal import FAULTS, AsJson, Config, Data, err, out, progress, run, settings_for, show_json, table

if TYPE_CHECKING:
    from streams.intake import Record
    from streams.messages import ItemReceipt

_BATCH = 256
_SHOWN = 20
FEEDS = {"police": "police", "intelligence": "intel", "intel": "intel", "ed": "ed", "programme": "programme"}


def ingest(
    feed: Annotated[str, typer.Argument(help="police, intelligence, ed or programme.")],
    files: Annotated[list[Path], typer.Argument(help="Files, or - for standard input.")],
    mapping: Annotated[
        str | None,
        typer.Option("--mapping", help="For CSV: a shipped column mapping (rms_crime, intel_3x5x2 ...) or a file."),
    ] = None,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Take files in: accepted, duplicate or quarantined, each refusal with its reason and where it stood.

    NDJSON of the envelope, CSV with --mapping, HL7 v2 (.hl7) for ed. Works beside a running service, or alone: then
    the events wait, durable, for the next start.
    """
    from domain.clock import SystemClock
    from domain.errors import ConfigError
    from domain.kinds import Feed
    from service.engines import opened
    from service.feeding import Feeding, read_file
    from service.wiring import policies_of, reach_store
    from streams.feeds.column_mapping import load_mapping, shipped_mapping
    from streams.intake import GroupCommit
    from streams.messages import ItemReceipt

    settings = settings_for(config, data)

    async def work() -> int:
        if feed not in FEEDS:
            raise ConfigError(f"'{feed}' is no feed; there are police, intelligence, ed and programme.")
        kind = Feed(FEEDS[feed])
        table_mapping = None
        if mapping is not None:
            own = Path(mapping)
            table_mapping = load_mapping(own) if own.suffix in {".yaml", ".yml"} else shipped_mapping(mapping)
        elif any(file.suffix.lower() == ".csv" for file in files):
            raise ConfigError("A CSV file needs --mapping: which column is what.")
        for file in files:
            _open(file).close()  # all are there, or nothing of any is taken
        policies = policies_of(settings)
        results: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        ignored: Counter[str] = Counter()
        refusals: list[tuple[str, ItemReceipt]] = []
        async with reach_store(settings) as client, opened(client, policies) as engine:
            intake = GroupCommit(engine.door, SystemClock())
            intake.start()
            feeding = Feeding(intake, policies, SystemClock())
            with progress() as bar:
                for file in files:
                    with _open(file) as stream:
                        records = read_file(
                            kind,
                            stream,
                            file.name,
                            policies=policies,
                            now=SystemClock().now(),
                            mapping=table_mapping,
                        )
                        task = bar.add_task(file.name, total=None)
                        while batch := await asyncio.to_thread(_take, records):
                            for receipt in await feeding.submit(kind, batch):
                                results[receipt.kind.value] += 1
                                if receipt.reason:
                                    (reasons if receipt.quarantine_id else ignored)[receipt.reason] += 1
                                if receipt.quarantine_id and len(refusals) < _SHOWN:
                                    refusals.append((file.name, receipt))
                            bar.advance(task, len(batch))
            await intake.stop()
        _tell(feed, results, _Whys(reasons, ignored), refusals, json=json)
        return FAULTS if results["quarantined"] else 0

    raise typer.Exit(run(work))


@dataclass(frozen=True, slots=True)
class _Whys:
    """Why records were refused, and why valid ones are none of our business."""

    refused: Counter[str]
    ignored: Counter[str]


def _take(records: "Iterator[Record]") -> "list[Record]":
    return list(islice(records, _BATCH))


def _open(file: Path) -> BinaryIO:
    return open(0, "rb", closefd=False) if str(file) == "-" else file.open("rb")


def _tell(
    feed: str,
    results: Counter[str],
    whys: "_Whys",
    refusals: "list[tuple[str, ItemReceipt]]",
    *,
    json: bool,
) -> None:
    if json:
        told = {"reasons": dict(whys.refused), "ignored_because": dict(whys.ignored)}
        show_json({"feed": feed, **{name: results[name] for name in _RESULTS}, **told})
        return
    out.print(
        table(f"Feed {feed}", ["result", "records"], [(name, results[name]) for name in _RESULTS], right=["records"])
    )
    for name, receipt in refusals:
        where = receipt.where
        place = " ".join(
            str(part)
            for part in (
                f"record {where.record}" if where and where.record else "",
                where.segment if where else "",
                where.field if where else "",
            )
            if part
        )
        err.print(f"{name} {place}: {receipt.reason}: {receipt.detail} [{receipt.quarantine_id}]", markup=False)
    if sum(whys.refused.values()) > len(refusals):
        err.print("More: reachpoint quarantine list")


_RESULTS = ("accepted", "duplicate", "quarantined", "ignored")
