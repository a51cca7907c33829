"""How commands talk: tables and progress for people, one JSON object for machines, and the three exit statuses.

0 done, 1 found faults, 2 cannot run (design.md section 7).
"""

import asyncio
import contextlib
import sys
import textwrap
import traceback
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from domain.clock import LONDON
from domain.errors import ConfigError, ServiceError
from service import logs
from service.settings import ENGINES, Settings, read_settings

DONE, FAULTS, CANNOT_RUN = 0, 1, 2

Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file; default: reachpoint.toml if it is there.")
]
Data = Annotated[Path | None, typer.Option("--data", help="Data directory of the private store.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object for machines instead of a table.")]

WHOLE = frozenset({"rule", "rule or navigator"})
"""The columns of a table that hold names of rules."""

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_T = TypeVar("_T")


def settings_for(config: Path | None, data: Path | None, *, quiet: bool = True, engine: str | None = None) -> Settings:
    """The settings of a command, with logging set up. A short command logs warnings only.

    Raises ConfigError with all that is wrong.
    """
    found = read_settings(config, data_dir=data)
    if engine is not None:
        if engine not in ENGINES:
            raise ConfigError(f"There is no engine '{engine}'; there are: {', '.join(ENGINES)}.")
        found = found.model_copy(update={"engine": engine})
    logs.set_up("warning" if quiet else found.log.level, found.log.format)
    return found


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """Whatever a command cannot do is told in a sentence, with exit status 2 and no stack trace.

    A fault of ours names its place and no value; `python -X dev` shows its whole trace to whoever mends it.
    """
    try:
        yield
    except ServiceError as error:
        _refuse(str(error), error)
    except OSError as error:
        _refuse(f"{error.strerror}: {error.filename}" if error.filename else str(error), error)
    except UnicodeError as error:
        _refuse("A file or an argument is not UTF-8 text.", error)
    except Exception as error:  # the door of the command line: nobody can act on a trace, and it may hold values
        if sys.flags.dev_mode:
            raise
        _refuse(f"A fault of ours: {type(error).__name__} at {_place(error)}. Please report it.", error)


def _refuse(sentence: str, error: Exception) -> NoReturn:
    err.print(f"Cannot run: {sentence}", markup=False, soft_wrap=True)
    raise SystemExit(CANNOT_RUN) from error


def _place(error: Exception) -> str:
    """File and line of the deepest frame."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return f"{Path(frames[-1][0].f_code.co_filename).name}:{frames[-1][1]}" if frames else "unknown"


def run(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run a command's work to its end; see `plainly` for what it cannot do."""
    with plainly():
        return asyncio.run(work())


def run_service(work: Callable[[], Coroutine[Any, Any, None]], *, on_kafka: bool) -> None:
    """Run the service until it is told to end: on the fast event loop, but on Kafka on Python's own.

    uvloop raises RuntimeError where something is written to a line that was just closed, and aiokafka knows OSError
    alone: its tasks end for good, while the process lives (aiokafka issue 1038, open in November 2026).
    """
    with plainly():
        if on_kafka:
            asyncio.run(work())
        else:
            uvloop.run(work())


def show_json(value: object) -> None:
    """One JSON object on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> Table:
    """A table for people; the columns named in `right` hold numbers.

    A rule's name is never broken: people search for it, and give it to other commands.
    """
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        made.add_column(
            column, justify="right" if column in right else "left", overflow="fold", no_wrap=column in WHOLE
        )
    for row in rows:
        made.add_row(*["" if cell is None else str(cell) for cell in row])
    return made


def show_rows(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, json: bool, right: Sequence[str] = ()
) -> None:
    """Rows on standard output: a table for people, or for machines a list with an object for each."""
    if json:
        show_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        out.print(table(title, columns, rows, right=right))


def show_told(told: Sequence[tuple[str, str]]) -> None:
    """Pairs of a label and words, for people: the words stand beside their label, however narrow the terminal is."""
    width = max(len(label) for label, _ in told) + 4
    for label, words in told:
        lines = textwrap.wrap(words, max(30, out.width - width)) or [""]
        for place, line in enumerate(lines):
            out.print(f"  {'' if place else label:<{width - 2}}{line}", markup=False, soft_wrap=True)


def london(moment: datetime) -> str:
    """A moment as people in London say it, to the minute."""
    return moment.astimezone(LONDON).strftime("%a %d %b %Y %H:%M")


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
