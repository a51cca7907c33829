"""`reachpoint archive`: what is kept of decisions for backtests; erase a person, drop what is too old, take it out."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.asked import Call, called
from service.terminal import FAULTS, Config, Data, err, out, run, settings_for, show_json, table

if TYPE_CHECKING:
    from service.settings import Settings
    from streams.archive_parquet import ParquetArchive

archive = typer.Typer(help="What is kept of decisions for backtests.", no_args_is_help=True)


@archive.command("status")
@called
def status(call: Call) -> None:
    """How much is archived, since when, and which files cannot be read. Status 1 if any cannot."""
    from dataclasses import asdict

    settings = call.settings()

    async def work() -> int:
        found = _files(settings).holding()
        if call.json:
            show_json({**asdict(found), "folder": str(_files(settings).folder), "enabled": settings.archive.enabled})
        else:
            rows = [
                ("folder", _files(settings).folder),
                ("files", f"{found.files:,} ({found.bytes / 1e6:,.1f} MB)"),
                ("decisions", f"{found.decisions:,}"),
                ("changes of alerts", f"{found.alerts:,}"),
                ("oldest", found.oldest or ""),
                ("newest", found.newest or ""),
            ]
            out.print(table("The archive", ["", ""], rows))
            for name in found.damaged:
                err.print(f"Cannot be read: {name}", markup=False)
        return FAULTS if found.damaged else 0

    raise typer.Exit(run(work))


@archive.command("erase")
@called
def erase(
    call: Call,
    member: Annotated[str, typer.Argument(help="The member's id.")],
) -> None:
    """Erase one member: their rows go, and where others' rows name them nothing is left of their id."""
    from domain.ids import MemberId
    from service.wiring import reach_store
    from streams.archive_valkey import ValkeyArchiveLog
    from streams.archiver import erase_member

    settings = call.settings()

    async def work() -> int:
        files = _files(settings)
        async with reach_store(settings) as client:  # what waits in the store is written first, then erased too
            written = await erase_member(ValkeyArchiveLog(client), files, MemberId(member))
        left = [f"{file.parent.name}/{file.name}" for file in files.damaged()]
        if call.json:
            show_json({"files_written_anew": written, "files_not_readable": left})
        else:
            out.print(f"Erased from the archive; {written} files were written anew.")
            for name in left:
                err.print(f"Cannot be read, and so not be searched: {name}", markup=False)
        return FAULTS if left else 0

    raise typer.Exit(run(work))


@archive.command("purge")
@called
def purge(call: Call) -> None:
    """Drop what is older than `archive.retain_days`. The running service does it every day."""
    from domain.clock import SystemClock

    settings = call.settings()

    async def work() -> None:
        files = _files(settings)
        with files.locked():
            changed = files.purge(SystemClock().now() - timedelta(days=settings.archive.retain_days))
        if call.json:
            show_json({"files_changed": changed})
        else:
            out.print(f"{changed} files were dropped or written anew.")

    run(work)


@archive.command("export")
def export(
    to: Annotated[Path, typer.Option("--out", help="NDJSON file to write; only its owner can read it.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Write every decision as NDJSON, which `rules backtest --history` reads. Handle it as the archive itself."""
    settings = settings_for(config, data)

    async def work() -> None:
        from service.backtest_source import export_to
        from service.commands.matching_inputs import private

        files = _files(settings)
        with files.locked(shared=True), private(to) as stream:
            out.print(f"{export_to(files, stream):,} decisions.")

    run(work)


def _files(settings: "Settings") -> "ParquetArchive":
    from service.wiring import archive_folder
    from streams.archive_parquet import ParquetArchive

    return ParquetArchive(archive_folder(settings))
