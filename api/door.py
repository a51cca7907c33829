"""Around every request: an id, the security headers, one line in the log, and the last catch.

The line has the route's template, never the path or the query; a fault's line has where in our code, never its message,
which might quote data.
"""

import secrets
import time
import traceback
from collections.abc import Callable

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import ProblemKind, Refused, respond

log = structlog.get_logger("reachpoint.api")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
}
"""On every answer. Nothing of ours needs a script, a frame or another origin."""

_GONE = 499  # the caller hung up; nginx's word for it
Served = Callable[[str, str, int, float], None]
"""(method, route template, status, seconds): told once per request."""


class Door:
    """ASGI middleware, outermost of ours."""

    def __init__(self, app: ASGIApp, served: Served) -> None:
        self._app = app
        self._served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0
        began = time.monotonic()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            status = status or _GONE
        except Exception as fault:
            # The last door: whatever went wrong, the caller gets a plain 500 and the log says where it was.
            _report(fault, request_id)
            if status == 0:
                await respond(Refused(ProblemKind.FAULT))(scope, receive, sending)
        self._tell(scope, status, time.monotonic() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        state = scope.get("state", {})
        caller = state.get("caller")
        route = str(getattr(scope.get("route"), "path", "")) or "(none)"
        self._served(scope["method"], route, status, seconds)
        log.info(
            "served",
            action="http_request",
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            request_id=state.get("request_id"),
            key_id=caller.key_id if caller else None,
            role=caller.role.value if caller else None,
            refused=state.get("standing"),
        )


def _report(fault: Exception, request_id: str) -> None:
    frames = traceback.extract_tb(fault.__traceback__)
    log.error(
        "a fault of ours",
        action="http_fault",
        request_id=request_id,
        fault=type(fault).__name__,
        where=[f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    )
