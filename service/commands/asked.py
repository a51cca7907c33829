"""What commands are asked with, once for all of them: where the settings are, how to answer, and who acts.

A command takes a `Call` first and its own arguments behind it; `called` and `called_by` show their options to typer.
Who acts is the user of the operating system, or whoever holds the key of `--as-key`: a second person needs one of the
two of their own.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from service.settings import Settings
from service.terminal import AsJson, Config, Data, settings_for

_P = ParamSpec("_P")

AsKey = Annotated[Path | None, typer.Option("--as-key", help="Act as the holder of the supervisor's key in this file.")]


@dataclass(frozen=True, slots=True)
class Call:
    """How a command was called. `as_key`: the file with the key of whoever acts; None is the user at the machine."""

    config: Path | None = None
    data: Path | None = None
    json: bool = False
    as_key: Path | None = None

    def settings(self) -> Settings:
        """The settings, with logging set up. Raises ConfigError with all that is wrong."""
        return settings_for(self.config, self.data)


def called(command: Callable[Concatenate[Call, _P], None]) -> Callable[..., None]:
    """A command of whoever is at the machine: `--config`, `--data`, `--json`."""
    return _with_options(command, {"config": (Config, None), "data": (Data, None), "json": (AsJson, False)})


def called_by(command: Callable[Concatenate[Call, _P], None]) -> Callable[..., None]:
    """A command that is done in somebody's name: `--as-key` besides."""
    options: dict[str, tuple[Any, Any]] = {"as_key": (AsKey, None), "config": (Config, None), "data": (Data, None)}
    return _with_options(command, {**options, "json": (AsJson, False)})


def _with_options(
    command: Callable[Concatenate[Call, _P], None], options: dict[str, tuple[Any, Any]]
) -> Callable[..., None]:
    """The command with a `Call` made of these options (name -> annotation and default), for typer to read."""
    _call, *own = inspect.signature(command).parameters.values()

    @functools.wraps(command)
    def given_options(**given: Any) -> None:
        call = Call(**{name: given.pop(name) for name in options})
        command(call, **given)  # type: ignore[call-arg]  # typer gives exactly what the signature names

    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]
    shown = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    given_options.__signature__ = inspect.Signature([*shown, *added])  # type: ignore[attr-defined]
    return given_options
