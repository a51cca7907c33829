"""Reading request bodies: only after the caller is known, only so much, only so long, and never echoed.

Commands are small and typed here; what feeds send is handed on as bytes.
"""

import asyncio
from datetime import date, timedelta
from typing import Annotated, TypeVar

import msgspec
from starlette.requests import Request

from alerts.model import Outcome
from api.problems import Fault, ProblemKind, Refused
from domain.reviews import ReviewVerdict

COMMAND_BYTES = 16 * 1024
_Wanted = TypeVar("_Wanted")


class Acting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Accept, or record a contact: `version` is the one that was seen (or send If-Match)."""

    version: Annotated[int, msgspec.Meta(ge=1, le=999_999_999)] | None = None


class Closing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Record what came of an alert."""

    outcome: Outcome
    version: Annotated[int, msgspec.Meta(ge=1, le=999_999_999)] | None = None


class Deciding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gatekeeper's decision; it is logged with its reason (domain.md 3.3)."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S")]


class Snoozing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keep one rule quiet for one person: up to and with the London day `until`, or for so many `hours`.

    At most 30 days. The reason is shown and kept: write no name and no number into it. `include_p1` asks that P1 be
    quiet too, which takes a supervisor and a second person.
    """

    rule_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    member_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S")]
    until: date | None = None
    hours: Annotated[int, msgspec.Meta(ge=1, le=720)] | None = None
    include_p1: bool = False


class Judging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An analyst's decision on one candidate of a review, with its reason. `version` is the one that was seen.

    The reason is kept in the audit log: write no name and no number into it.
    """

    member_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    verdict: ReviewVerdict
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S")]
    version: Annotated[int, msgspec.Meta(ge=1, le=999_999_999)] | None = None


class Undoing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The undoing of a decision on a review, with its reason (no name, no number)."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S")]
    member_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    version: Annotated[int, msgspec.Meta(ge=1, le=999_999_999)] | None = None


async def read_bytes(request: Request, *, most: int, within: timedelta) -> bytes:
    """The body. Raises Refused: too large (told before reading where the length says so), or too slow."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:19]) > most:
        raise Refused(ProblemKind.TOO_LARGE, f"At most {most} bytes are taken in one request.")
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within.total_seconds()):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise Refused(ProblemKind.TOO_LARGE, f"At most {most} bytes are taken in one request.")
                parts.append(chunk)
    except TimeoutError:
        raise Refused(ProblemKind.TOO_SLOW) from None
    return b"".join(parts)


async def read_command(
    request: Request, wanted: type[_Wanted], *, within: timedelta, optional: bool = False, most: int = COMMAND_BYTES
) -> _Wanted:
    """The JSON body of a command as `wanted`. An empty one is `{}` where `optional`. Raises Refused."""
    body = await read_bytes(request, most=most, within=within)
    if not body.strip() and optional:
        body = b"{}"
    elif request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(ProblemKind.UNSUPPORTED_MEDIA, "Send application/json.")
    try:
        return msgspec.json.decode(body, type=wanted)
    except msgspec.ValidationError as error:
        raise Refused(ProblemKind.INVALID, faults=(Fault(_place(error), _expected(wanted)),)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Refused(ProblemKind.INVALID, faults=(Fault("body", "JSON in UTF-8"),)) from None


def _place(error: msgspec.ValidationError) -> str:
    """Where the fault is. The library's own words quote what was sent, so only the path of a known field is kept."""
    path = str(error).rpartition("`$")[2].rstrip("`") if "`$" in str(error) else ""
    return f"body{path}" if path.replace(".", "").replace("_", "").isalpha() else "body"


def _expected(wanted: type[object]) -> str:
    return "an object with " + ", ".join(field.name for field in msgspec.structs.fields(wanted)) + " and nothing else"  # type: ignore[arg-type]
