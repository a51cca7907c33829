"""The app factory: the gate before every route, one table of errors, the pages, a check that no door is unguarded."""

import asyncio
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import msgspec
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.alerts import AlertDoors
from api.deps import ApiDependencies
from api.desk import DeskDoors
from api.door import Door
from api.door_spec import DoorSpec
from api.doors import doors
from api.feeds import FeedDoors
from api.figures import ApiFigures
from api.gate import Gate
from api.health import HealthDoors
from api.openapi import document
from api.pages import STYLE_NAME, docs_page, log_in_page, style_sheet
from api.policy import ROUTE_ROLES, ApiPolicy
from api.problems import PROBLEMS, Fault, ProblemKind, Refused, kind_of, respond
from api.quiet import QuietDoors
from api.quiet_doors import quiet_doors
from api.reviews import ReviewDoors
from api.rule_doors import rule_doors
from api.rules import RuleDoors
from api.standing import Standing
from domain.errors import ConfigError, FeedError, NotAllowed, ServiceError

_BY_STATUS = {404: ProblemKind.NOT_FOUND, 405: ProblemKind.WRONG_METHOD}
_HTML = "text/html; charset=utf-8"


def create_app(deps: ApiDependencies, settings: ApiPolicy) -> FastAPI:
    """The API on these dependencies. Raises ConfigError if a route has no roles, or roles have no route."""
    app = FastAPI(
        title="Reachpoint",
        version=settings.version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(Gate(deps.keys, deps.clock, settings))],
    )
    figures = ApiFigures(deps.registry)
    standing = Standing(deps.freshness, settings, deps.clock)
    specs = (
        *doors(
            FeedDoors(deps, settings, standing),
            AlertDoors(deps, settings, standing),
            DeskDoors(deps, settings, standing),
            ReviewDoors(deps, settings, standing),
            HealthDoors(deps.readiness, deps.clock),
        ),
        *rule_doors(RuleDoors(deps, settings)),
        *quiet_doors(QuietDoors(deps, settings, standing)),
    )
    _add_doors(app, specs)
    _add_pages(app, specs, figures, settings.version)
    add_errors(app, settings)
    app.add_middleware(Door, served=figures.served)
    check_doors(app)
    return app


def check_doors(app: FastAPI) -> None:
    """Raise ConfigError unless every route is in the table of roles and every row of the table is a route."""
    found = {
        (method, str(getattr(route, "path", route)))
        for route in app.routes
        for method in (route.methods or () if isinstance(route, APIRoute) else {"?"})
    }
    if found != set(ROUTE_ROLES):
        odd = ", ".join(sorted(" ".join(door) for door in found ^ set(ROUTE_ROLES)))
        raise ConfigError(f"Routes and their roles do not agree: {odd}.")


def _add_doors(app: FastAPI, specs: Iterable[DoorSpec], *, with_shapes: bool = False) -> None:
    """The routes. `with_shapes` also tells the framework what they answer: it takes its time, and only the document
    needs it."""
    for spec in specs:
        answers = {200: spec.view, **(spec.also or {})} if with_shapes else {}
        app.add_api_route(
            spec.path,
            spec.endpoint,
            methods=[spec.method],
            tags=[spec.tag],
            summary=spec.summary,
            operation_id=f"{spec.tag.lower()}_{spec.endpoint.__name__}",
            response_model=None,
            response_description="As asked.",
            responses={status: {"model": view} for status, view in answers.items() if view is not None},
        )


def _add_pages(app: FastAPI, specs: tuple[DoorSpec, ...], figures: ApiFigures, version: str) -> None:
    style = style_sheet()
    log_in = log_in_page()

    @cache
    def described() -> dict[str, Any]:
        drawn = FastAPI()
        _add_doors(drawn, specs, with_shapes=True)
        return document(drawn, specs, version)

    app.openapi = described  # type: ignore[method-assign]

    async def openapi() -> Response:
        told = msgspec.json.encode(await asyncio.to_thread(described))  # once; nobody else waits for it
        return Response(told, media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def docs() -> Response:
        told = docs_page(await asyncio.to_thread(described))
        return Response(told, media_type=_HTML, headers={"Cache-Control": "no-cache"})

    async def asset(name: str) -> Response:
        if name != STYLE_NAME:
            raise Refused(ProblemKind.NOT_FOUND)
        return Response(style, media_type="text/css; charset=utf-8", headers={"Cache-Control": "no-cache"})

    async def linked(reference: str) -> Response:
        del reference  # whether it exists is nobody's business before they have logged in
        return Response(log_in, media_type=_HTML)

    pages: dict[str, Callable[..., Any]] = {
        "/openapi.json": openapi,
        "/docs": docs,
        "/assets/{name}": asset,
        "/a/{reference}": linked,
        "/metrics": figures.metrics,
    }
    for path, endpoint in pages.items():
        app.add_api_route(path, endpoint, methods=["GET"], include_in_schema=False, response_model=None)


def add_errors(app: FastAPI, settings: ApiPolicy) -> None:
    """Every error as a problem document, from one table."""

    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return respond(error)

    async def ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, ServiceError)
        return respond(refusal_of(error, settings))

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return respond(Refused(ProblemKind.INVALID, faults=_faults(error)))

    async def by_framework(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = _BY_STATUS.get(error.status_code, ProblemKind.INVALID)
        return respond(Refused(kind, headers=dict(error.headers or {})))

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(ServiceError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, by_framework)


def refusal_of(error: ServiceError, settings: ApiPolicy) -> Refused:
    """What an error of the tree becomes. Only the words of errors that are made to be told are passed on."""
    kind = kind_of(error)
    detail = str(error) if isinstance(error, NotAllowed | FeedError) else ""
    later = settings.retry_after if PROBLEMS[kind][0] == 503 else None
    return Refused(kind, detail, retry_after=later)


def _faults(error: RequestValidationError) -> tuple[Fault, ...]:
    """Where parameters are wrong and what is expected. Never what was sent: the framework's `input` is left behind."""
    return tuple(Fault(".".join(str(part) for part in fault["loc"][:2]), str(fault["msg"])) for fault in error.errors())
