"""How commands talk: tables and progress for people, one JSON object for machines, and the three exit statuses.

0 done, 1 found faults, 2 cannot run (design.md section 7).
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from domain.errors import ServiceError
from service import logs
from service.settings import Settings, read_settings

DONE, FAULTS, CANNOT_RUN = 0, 1, 2

Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file; default: reachpoint.toml if it is there.")
]
Data = Annotated[Path | None, typer.Option("--data", help="Data directory of the private store.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object for machines instead of a table.")]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_T = TypeVar("_T")


def settings_for(config: Path | None, data: Path | None, *, quiet: bool = True) -> Settings:
    """The settings of a command, with logging set up. A short command logs warnings only."""
    found = read_settings(config, data_dir=data)
    logs.set_up("warning" if quiet else found.log.level, found.log.format)
    return found


def run(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run a command's work. What cannot be done is told in a sentence, with exit status 2 and no stack trace."""
    try:
        return asyncio.run(work())
    except ServiceError as error:
        err.print(f"[red]Cannot run:[/] {error}", markup=True)
        raise typer.Exit(CANNOT_RUN) from error
    except OSError as error:
        err.print(f"Cannot run: {error.strerror}: {error.filename}" if error.filename else f"Cannot run: {error}")
        raise typer.Exit(CANNOT_RUN) from error


def run_service(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run the service on the fast event loop until it is told to end."""
    try:
        uvloop.run(work())
    except ServiceError as error:
        err.print(f"Cannot run: {error}", markup=False)
        raise typer.Exit(CANNOT_RUN) from error
    except OSError as error:
        err.print(f"Cannot run: {error}", markup=False)
        raise typer.Exit(CANNOT_RUN) from error


def show_json(value: object) -> None:
    """One JSON object on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> Table:
    """A table for people; the columns named in `right` hold numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*["" if cell is None else str(cell) for cell in row])
    return made


def progress() -> Progress:
    """A progress bar on a terminal, nothing elsewhere."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        disable=not sys.stderr.isatty(),
    )
