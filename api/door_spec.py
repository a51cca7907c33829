"""One address of the API: what the tables of `doors.py` and `rule_doors.py` are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from api.problems import ProblemKind as P

COMMAND = (P.INVALID, P.NOT_FOUND, P.CONFLICT, P.TOO_LARGE, P.TOO_SLOW, P.UNSUPPORTED_MEDIA)
"""What can go wrong with any command on something."""


@dataclass(frozen=True, slots=True)
class DoorSpec:
    """One address. `polled`: answers carry an ETag and may be 304. `body`: a command's type, or media types."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    tag: str
    summary: str
    view: type[Any] | None = None
    polled: bool = False
    problems: tuple[P, ...] = ()
    body: type[Any] | Mapping[str, Any] | None = None
    also: Mapping[int, type[Any]] | None = None
