"""From values to responses: JSON once, an ETag that ignores when it was asked, 304 for who has it already.

Every view begins with `as_of`; the ETag is a hash of all that follows, so it changes when, and only when, what is said
changes. It is weak, since two answers of one ETag differ in `as_of`.
"""

import hashlib
import re
from datetime import datetime
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.problems import Fault, ProblemKind, Refused

_START = b'{"as_of":'
_encode = msgspec.json.Encoder().encode
_TAG = re.compile(r'^(?:W/)?"(\d{1,9})\.[0-9a-f]*"$|^(?:W/)?"(\d{1,9})"$')
_NO_STORE = "no-store"
_REVALIDATE = "private, no-cache"


class View(Protocol):
    """A dataclass whose first field says as of when it holds."""

    @property
    def as_of(self) -> datetime:
        """The moment it was true."""
        ...


def answer(view: View, *, status: int = 200) -> Response:
    """A response that nobody polls: what a command did. Never stored on the way."""
    return Response(
        _encode(view), status_code=status, media_type="application/json", headers={"Cache-Control": _NO_STORE}
    )


def conditional(request: Request, view: View, *, personal: bool = False, version: int | None = None) -> Response:
    """A response to a poll: 304 without a body if the caller's If-None-Match still holds.

    `personal` answers may be kept by nobody. `version` leads the tag of a thing that commands can be given back to.
    """
    body = _encode(view)
    return _tagged(request, body, etag_of(body, version), view.as_of, personal=personal)


def unchanged(request: Request, etag: str, as_of: datetime) -> Response | None:
    """The 304 for a caller who holds `etag`, before anything is computed; None if they hold another."""
    return _not_modified(etag, as_of, personal=False) if _holds(request, etag) else None


def tagged(request: Request, view: View, etag: str) -> Response:
    """A response under a tag that was made from a revision."""
    return _tagged(request, _encode(view), etag, view.as_of, personal=False)


def etag_of(body: bytes, version: int | None = None) -> str:
    """The weak tag of an encoded view."""
    if not body.startswith(_START):
        raise ValueError("A view begins with as_of.")
    digest = hashlib.blake2b(body.partition(b",")[2], digest_size=12).hexdigest()
    return f'W/"{version}.{digest}"' if version is not None else f'W/"{digest}"'


def etag_from(*parts: Any) -> str:
    """The weak tag of what an answer is made of."""
    return f'W/"{hashlib.blake2b(_encode(parts), digest_size=12).hexdigest()}"'


def version_in(if_match: str | None) -> int | None:
    """The version in an If-Match header: an alert's ETag, or the bare version in quotes. None if it is neither."""
    found = _TAG.match((if_match or "").strip())
    return int(found[1] or found[2]) if found else None


def version_seen(request: Request, version: int | None) -> int:
    """The version that the caller saw, from If-Match or the body. Raises Refused if there is none, or they differ."""
    header = request.headers.get("if-match")
    matched = version_in(header)
    if header is not None and matched is None:
        raise Refused(ProblemKind.INVALID, faults=(Fault("header.if-match", "the ETag of what you saw"),))
    if matched is not None and version is not None and matched != version:
        raise Refused(ProblemKind.INVALID, faults=(Fault("body.version", "the same version as If-Match"),))
    seen = matched if matched is not None else version
    if seen is None:
        raise Refused(ProblemKind.VERSION_NEEDED)
    return seen


def _tagged(request: Request, body: bytes, etag: str, as_of: datetime, *, personal: bool) -> Response:
    if _holds(request, etag):
        return _not_modified(etag, as_of, personal=personal)
    return Response(body, media_type="application/json", headers=_headers(etag, as_of, personal=personal))


def _holds(request: Request, etag: str) -> bool:
    """Weak comparison (RFC 9110 section 8.8.3.2) with any of the tags that were sent."""
    opaque = etag.removeprefix("W/")
    sent = (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(","))
    return any(tag in {opaque, "*"} for tag in sent)


def _not_modified(etag: str, as_of: datetime, *, personal: bool) -> Response:
    return Response(status_code=304, headers=_headers(etag, as_of, personal=personal))


def _headers(etag: str, as_of: datetime, *, personal: bool) -> dict[str, str]:
    """`As-Of` tells also with a 304 that the answer holds now: a page can show its age without a body."""
    return {
        "ETag": etag,
        "As-Of": as_of.isoformat().replace("+00:00", "Z"),
        "Cache-Control": _NO_STORE if personal else _REVALIDATE,
        "Vary": "Authorization",
    }
