"""The HTTP server beside the service: one event loop, one process, an orderly end on SIGTERM and SIGINT."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from datetime import timedelta

import uvicorn
from fastapi import FastAPI
from redis.asyncio import Redis

from api.app import create_app
from api.deps import ApiDependencies
from api.policy import ApiPolicy
from api.valkey import ValkeyKeyStore
from domain.kinds import Feed
from service.feeding import Feeding
from service.quiet_views import QuietAdapter
from service.reviewing import ReviewsAdapter
from service.rulebook_views import RulesAdapter
from service.runtime import Service
from service.settings import Settings
from service.views import BooksAdapter, DeskAdapter, PeopleAdapter, ReadinessAdapter

_GRACE_S = 5


def build_app(service: Service, client: Redis, settings: Settings) -> FastAPI:
    """The API over a service."""
    feeding = Feeding(service.intake, service.policies, service.clock, service.metrics)
    books = BooksAdapter(service)
    return create_app(
        ApiDependencies(
            intake=feeding,
            books=books,
            freshness=books,
            desk=DeskAdapter(service, feeding, service.clock),
            reviews=ReviewsAdapter(service),
            rules=service.rule_keeping.desk,
            rules_in_force=RulesAdapter(service),
            quiet=QuietAdapter(service),
            alerts=service.alerts,
            people=PeopleAdapter(service),
            keys=ValkeyKeyStore(client),
            readiness=ReadinessAdapter(service),
            clock=service.clock,
            registry=service.metrics.registry,
        ),
        ApiPolicy(
            max_body_bytes=settings.api.max_body_mib * 1024 * 1024,
            blind_after={
                Feed.ED: timedelta(minutes=settings.feeds.ed_blind_minutes),
                Feed.POLICE: timedelta(minutes=settings.feeds.police_blind_minutes),
                Feed.INTEL: timedelta(minutes=settings.feeds.intel_blind_minutes),
                Feed.PROGRAMME: timedelta(minutes=settings.feeds.programme_blind_minutes),
            },
        ),
    )


class _Uvicorn(uvicorn.Server):
    """Uvicorn that leaves signals to us: the service must stop in its own order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Serves the app on a bound socket until told to end, or until the service fails."""

    def __init__(self, app: FastAPI, bound: socket.socket) -> None:
        self._bound = bound
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                h11_max_incomplete_event_size=64 * 1024,
            )
        )

    @property
    def url(self) -> str:
        """Where it serves."""
        host, port = self._bound.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def serve_beside(self, service: Service, *, listen: bool) -> None:
        """Serve until SIGTERM or SIGINT. Raises what ended the service, if anything did."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        waits: list[asyncio.Task[object]] = [
            asyncio.create_task(ended.wait()),
            asyncio.create_task(service.failure()),
        ]
        if listen:
            waits.append(asyncio.create_task(self._server.serve(sockets=[self._bound])))
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        self._server.should_exit = True
        if listen:
            await waits[-1]
        else:
            self._bound.close()
        for wait in waits:
            wait.cancel()
        for task in done:
            task.result()
