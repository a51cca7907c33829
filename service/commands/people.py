"""`reachpoint cohort` and `reachpoint navigators`: import, export, show. A file with one fault imports nothing."""

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.terminal import FAULTS, AsJson, Config, Data, err, out, run, settings_for, show_json, show_rows

if TYPE_CHECKING:
    from cohort.csv_columns import Fault
    from cohort.importing import FileFormat
    from streams.valkey import ValkeyTransport

_FOLLOWED_WITHIN_S = 30.0

cohort = typer.Typer(help="The watched people.", no_args_is_help=True)
navigators = typer.Typer(help="The people who are sent.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="CSV or NDJSON, told apart by its ending (.csv, .ndjson, .jsonl).")]
Replace = Annotated[bool, typer.Option("--replace", help="Everybody who is not in the file is removed.")]


@cohort.command("import")
def import_cohort(
    file: File, replace: Replace = False, config: Config = None, data: Data = None, json: AsJson = False
) -> None:
    """Take watched people in. All faults of the file are told at once; with one fault nothing is imported."""
    from cohort.importing import read_members
    from cohort.valkey import ValkeyCohortStore
    from service.wiring import is_running, reach_store
    from streams.valkey import ValkeyTransport

    settings = settings_for(config, data)

    async def work() -> int:
        beside = await is_running(settings)
        async with reach_store(settings) as client:
            store = ValkeyCohortStore(client)
            known = {each.navigator_id for each in await store.navigators()}
            with file.open("rb") as stream:
                found = read_members(stream, file_format(file), navigators=known or None)
            _tell_faults(file, found.faults, found.warnings)
            if found.faults:
                return _summary(json, 0, 0, len(found.faults), len(found.warnings))
            version = await store.put_members(found.records, replace=replace, now=datetime.now(UTC))
            if beside:
                await _until_followed(ValkeyTransport(client), version)
            return _summary(json, len(found.records), version, 0, len(found.warnings))

    raise typer.Exit(run(work))


@navigators.command("import")
def import_navigators(
    file: File, replace: Replace = False, config: Config = None, data: Data = None, json: AsJson = False
) -> None:
    """Take navigators in, with the same care."""
    from cohort.importing import read_navigators
    from cohort.valkey import ValkeyCohortStore
    from service.wiring import reach_store

    settings = settings_for(config, data)

    async def work() -> int:
        with file.open("rb") as stream:
            found = read_navigators(stream, file_format(file))
        _tell_faults(file, found.faults, found.warnings)
        if found.faults:
            return _summary(json, 0, 0, len(found.faults), len(found.warnings))
        async with reach_store(settings) as client:
            version = await ValkeyCohortStore(client).put_navigators(found.records, replace=replace)
        return _summary(json, len(found.records), version, 0, len(found.warnings))

    raise typer.Exit(run(work))


@cohort.command("export")
def export_cohort(
    to: Annotated[Path | None, typer.Argument(help="File to write; standard output (NDJSON) if left out.")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Write the watched people in the format that import reads."""
    from cohort.importing import FileFormat, write_members
    from cohort.valkey import ValkeyCohortStore
    from service.wiring import reach_store

    settings = settings_for(config, data)

    async def work() -> None:
        async with reach_store(settings) as client:
            members = await ValkeyCohortStore(client).members()
        if to is None:
            write_members(members, sys.stdout.buffer, FileFormat.NDJSON)
            return
        with to.open("wb") as stream:
            to.chmod(0o600)
            write_members(members, stream, file_format(to))
        err.print(f"{len(members)} people written to {to}.")

    run(work)


@cohort.command("show")
def show_cohort(
    member_id: Annotated[str | None, typer.Argument(help="One person; all if left out.")] = None,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Who is watched, with status, navigator and watch authority. Shows no identities."""
    from cohort.valkey import ValkeyCohortStore
    from service.wiring import reach_store

    settings = settings_for(config, data)

    async def work() -> int:
        async with reach_store(settings) as client:
            members = await ValkeyCohortStore(client).members()
        chosen = [each for each in members if member_id in {None, each.member_id}]
        rows = [
            (
                each.member_id,
                each.status.value,
                each.area,
                each.navigator_id,
                each.watch.starts,
                each.watch.review_on,
                each.watch.ends,
            )
            for each in chosen
        ]
        columns = ["member_id", "status", "area", "navigator", "watch_starts", "review_on", "watch_ends"]
        show_rows(f"{len(rows)} watched", columns, rows, json=json)
        return 0 if chosen or member_id is None else FAULTS

    raise typer.Exit(run(work))


async def _until_followed(transport: "ValkeyTransport", version: int) -> None:
    """Wait until the running service works with what was imported; an import that nobody uses yet is worth a word."""
    deadline = time.monotonic() + _FOLLOWED_WITHIN_S
    while await transport.followed() < version:
        if time.monotonic() > deadline:
            err.print(f"The running service has not taken over version {version} yet.", style="yellow")
            return
        await asyncio.sleep(0.05)


def file_format(file: Path) -> "FileFormat":
    from cohort.importing import FileFormat

    return FileFormat.CSV if file.suffix.lower() == ".csv" else FileFormat.NDJSON


def _tell_faults(file: Path, faults: "tuple[Fault, ...]", warnings: "tuple[Fault, ...]") -> None:
    for fault in faults:
        err.print(f"{file.name}: {fault}", style="red", markup=False)
    for warning in warnings:
        err.print(f"{file.name}: warning: {warning}", style="yellow", markup=False)


def _summary(json: bool, imported: int, version: int, faults: int, warnings: int) -> int:
    if json:
        show_json({"imported": imported, "version": version, "faults": faults, "warnings": warnings})
    elif faults:
        err.print(f"Nothing was imported: {faults} faults.")
    else:
        out.print(f"Imported {imported}, version {version}, {warnings} warnings.")
    return FAULTS if faults else 0
