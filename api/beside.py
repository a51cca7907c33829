"""A small app for a process that serves no API: /v1/health, /v1/ready and /metrics, behind the same gate."""

from collections.abc import Callable
from typing import Any

from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry

from api.app import add_errors
from api.door import Door
from api.figures import ApiFigures
from api.gate import Gate
from api.health import HealthDoors
from api.policy import ApiPolicy
from api.ports import KeyStore, Readiness
from domain.clock import Clock


def create_beside(
    *, keys: KeyStore, readiness: Readiness, clock: Clock, registry: CollectorRegistry, policy: ApiPolicy
) -> FastAPI:
    """The app. Its routes are rows of the API's table of roles, so nothing else can be asked of it."""
    app = FastAPI(
        title="Reachpoint worker",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(Gate(keys, clock, policy))],
    )
    figures, health = ApiFigures(registry), HealthDoors(readiness, clock)
    doors: dict[str, Callable[..., Any]] = {
        "/v1/health": health.health,
        "/v1/ready": health.ready,
        "/metrics": figures.metrics,
    }
    for path, endpoint in doors.items():
        app.add_api_route(path, endpoint, methods=["GET"], include_in_schema=False, response_model=None)
    add_errors(app, policy)
    app.add_middleware(Door, served=figures.served)
    return app
