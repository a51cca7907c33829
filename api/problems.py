"""Errors as problem+json (RFC 9457): one table from the error tree to status and words. No input value is ever echoed.

A problem of one kind has the same body whatever it was about: what is missing and what is forbidden look the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

import msgspec
from starlette.responses import Response

from domain.errors import Conflict, FeedError, NotAllowed, NotFound, ServiceError, StoreError

MEDIA_TYPE = "application/problem+json"
_SECOND = timedelta(seconds=1)


class ProblemKind(StrEnum):
    """The closed list of what can go wrong; each has a place in the documentation (`/docs#problem-...`)."""

    INVALID = "invalid"
    NOT_AUTHENTICATED = "not-authenticated"
    NOT_ALLOWED = "not-allowed"
    NOT_FOUND = "not-found"
    WRONG_METHOD = "wrong-method"
    TOO_SLOW = "too-slow"
    CONFLICT = "conflict"
    NOT_PERMITTED_NOW = "not-permitted-now"
    TOO_LARGE = "too-large"
    UNSUPPORTED_MEDIA = "unsupported-media"
    VERSION_NEEDED = "version-needed"
    TOO_MANY_FAILURES = "too-many-failures"
    FAULT = "fault"
    UNAVAILABLE = "unavailable"


PROBLEMS: Mapping[ProblemKind, tuple[int, str]] = MappingProxyType(
    {
        ProblemKind.INVALID: (422, "The request has a part that cannot be used."),
        ProblemKind.NOT_AUTHENTICATED: (401, "Send a valid key as Authorization: Bearer."),
        ProblemKind.NOT_ALLOWED: (403, "This key is not for that."),
        ProblemKind.NOT_FOUND: (404, "There is no such thing for this key."),
        ProblemKind.WRONG_METHOD: (405, "This address does not take that method."),
        ProblemKind.TOO_SLOW: (408, "The request did not arrive in time."),
        ProblemKind.CONFLICT: (409, "It changed meanwhile, and this does not fit what it is now. Load it again."),
        ProblemKind.NOT_PERMITTED_NOW: (409, "Its present state does not permit this."),
        ProblemKind.TOO_LARGE: (413, "The body is too large."),
        ProblemKind.UNSUPPORTED_MEDIA: (415, "This content type is not taken here."),
        ProblemKind.VERSION_NEEDED: (428, "Say which version you saw: If-Match, or version in the body."),
        ProblemKind.TOO_MANY_FAILURES: (429, "Too many failed attempts. Wait before the next one."),
        ProblemKind.FAULT: (500, "Something went wrong on our side. It is in our log under the request id."),
        ProblemKind.UNAVAILABLE: (503, "Nothing was promised. Send it again later."),
    }
)
"""Status and title of each kind."""

ERRORS: tuple[tuple[type[ServiceError], ProblemKind], ...] = (
    (Conflict, ProblemKind.CONFLICT),
    (StoreError, ProblemKind.UNAVAILABLE),
    (NotFound, ProblemKind.NOT_FOUND),
    (NotAllowed, ProblemKind.NOT_PERMITTED_NOW),
    (FeedError, ProblemKind.UNSUPPORTED_MEDIA),
    (ServiceError, ProblemKind.FAULT),
)
"""The error tree, most specific first. A reader who may not see is told NOT_FOUND where it matters (`sight.py`)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One part of a request that cannot be used: where it stands and what is expected. Never what was sent."""

    where: str
    expected: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong (RFC 9457). `type` points into the documentation; `faults` are set for 422."""

    type: str
    title: str
    status: int
    detail: str = ""
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class Refused(Exception):
    """The API refuses a request. `detail` is our own words, without any input."""

    kind: ProblemKind
    detail: str = ""
    faults: tuple[Fault, ...] = ()
    retry_after: timedelta | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def kind_of(error: ServiceError) -> ProblemKind:
    """The kind that an error of the tree is."""
    return next(kind for family, kind in ERRORS if isinstance(error, family))


def problem(kind: ProblemKind, detail: str = "", faults: tuple[Fault, ...] = ()) -> Problem:
    """The body of a problem."""
    status, title = PROBLEMS[kind]
    return Problem(f"/docs#problem-{kind.value}", title, status, detail, faults)


def respond(refused: Refused) -> Response:
    """The answer to a refused request."""
    body = problem(refused.kind, refused.detail, refused.faults)
    headers = {"Cache-Control": "no-store", **refused.headers}
    if refused.kind is ProblemKind.NOT_AUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="reachpoint"'
    if refused.retry_after is not None:
        headers["Retry-After"] = str(max(1, -(-refused.retry_after // _SECOND)))
    return Response(msgspec.json.encode(body), status_code=body.status, media_type=MEDIA_TYPE, headers=headers)
