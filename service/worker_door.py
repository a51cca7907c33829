"""The door of a worker that has no API: is it alive, is it of use, and its own figures.

The same gate and the same answers as the API's; /metrics asks for a key of role operator or dashboard.
"""

from fastapi import FastAPI
from redis.asyncio import Redis

from api.beside import create_beside
from api.policy import ApiPolicy
from api.ports import ReadyView
from api.valkey import ValkeyKeyStore
from service.runtime import Service
from service.views import ReadinessAdapter


class WorkerReadiness:
    """api.ports.Readiness: what a worker needs, and that its lanes move."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._common = ReadinessAdapter(service)

    async def check(self) -> ReadyView:
        """Whether this worker does what it is for. One that still reads the watched people does not yet."""
        found = await self._common.check()
        waiting = (*found.waiting_for, *self._service.hindrances())
        return ReadyView(not waiting, waiting)


def build_worker_door(service: Service, client: Redis) -> FastAPI:
    """Health, readiness and metrics of a worker."""
    return create_beside(
        keys=ValkeyKeyStore(client),
        readiness=WorkerReadiness(service),
        clock=service.clock,
        registry=service.metrics.registry,
        policy=ApiPolicy(),
    )
