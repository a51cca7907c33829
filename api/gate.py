"""The gate before every route: which route is it, who calls, may they? Nothing of a request is read before that.

Fails closed: a route that is not in the table lets nobody in. A bad key is told nothing but that it is none.
"""

from dataclasses import dataclass
from typing import cast

import structlog
from starlette.requests import Request

from api.keys import AccessRole, ApiKey, Grant, KeyStanding, bearer, hash_of, standing_of, use_is_news
from api.policy import PUBLIC_ROUTES, ROUTE_ROLES, ApiPolicy
from api.ports import KeyStore
from api.problems import ProblemKind, Refused
from api.throttle import FailureThrottle
from domain.clock import Clock
from domain.errors import StoreUnavailable

log = structlog.get_logger("reachpoint.api")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `name` is how people know the key."""

    key_id: str
    grant: Grant

    @property
    def role(self) -> AccessRole:
        """What the caller is."""
        return self.grant.role

    @property
    def by(self) -> str:
        """How the caller is named in records."""
        return self.grant.navigator_id or f"key:{self.grant.name}"


class Gate:
    """The dependency of every route."""

    def __init__(self, keys: KeyStore, clock: Clock, policy: ApiPolicy) -> None:
        self._keys = keys
        self._clock = clock
        self._throttle = FailureThrottle(most=policy.failures, window=policy.failures_within)

    async def __call__(self, request: Request) -> None:
        """Let the request pass with its caller in `request.state`, or raise Refused."""
        door = (request.method, route_of(request))
        if door in PUBLIC_ROUTES:
            return
        caller = await self._caller(request)
        request.state.caller = caller
        if caller.role not in ROUTE_ROLES.get(door, frozenset()):
            raise Refused(ProblemKind.NOT_ALLOWED)

    async def _caller(self, request: Request) -> Caller:
        now = self._clock.now()
        token, standing = bearer(request.headers.get("authorization"))
        if standing is KeyStanding.VALID:
            presented = hash_of(token)
            key = await self._keys.find(presented)
            standing = standing_of(key, presented, now)
            if key is not None and standing is KeyStanding.VALID:
                await self._note_use(key)
                return Caller(key.key_id, key.grant)
        raise self._refusal(request, standing)

    def _refusal(self, request: Request, standing: KeyStanding) -> Refused:
        peer = request.client.host if request.client else ""
        wait = self._throttle.failed(peer, self._clock.now())
        request.state.standing = standing.value
        if wait is not None:
            return Refused(ProblemKind.TOO_MANY_FAILURES, retry_after=wait)
        return Refused(ProblemKind.NOT_AUTHENTICATED)

    async def _note_use(self, key: ApiKey) -> None:
        """At most once a minute, and never at the cost of the request: the note is for people."""
        now = self._clock.now()
        if not use_is_news(key, now):
            return
        try:
            await self._keys.touch(key.key_hash, now)
        except StoreUnavailable:
            log.warning("the use of a key was not noted", action="key_use_not_noted", key_id=key.key_id)


def route_of(request: Request) -> str:
    """The path template of the route that was found; '' if there is none."""
    return str(getattr(request.scope.get("route"), "path", ""))


async def caller_of(request: Request) -> Caller:
    """Who the gate let in: a dependency of endpoints, async so that no thread is asked for it."""
    return cast(Caller, request.state.caller)
