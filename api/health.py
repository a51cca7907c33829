"""Whether the process lives and whether it takes work, for load balancers and process supervisors. Needs no key."""

from starlette.requests import Request
from starlette.responses import Response

from api.answers import answer
from api.ports import Readiness
from api.shapes import Alive, ReadyShown
from domain.clock import Clock


class HealthDoors:
    """The two endpoints."""

    def __init__(self, readiness: Readiness, clock: Clock) -> None:
        self._readiness = readiness
        self._clock = clock

    async def health(self, request: Request) -> Response:
        """The process answers. Says nothing of the store or of feeds."""
        del request
        return answer(Alive(self._clock.now()))

    async def ready(self, request: Request) -> Response:
        """200 while work is taken, else 503 with what is waited for."""
        del request
        found = await self._readiness.check()
        view = ReadyShown(self._clock.now(), found.ready, found.waiting_for)
        return answer(view, status=200 if found.ready else 503)
