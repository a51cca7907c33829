"""`reachpoint run`, `worker` and `api`: the service, whole or in parts."""

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.collecting import collect_seldom, leave_alone_what_stands, look_at_all_again
from service.terminal import Config, Data, err, run_service, settings_for

if TYPE_CHECKING:
    from service.runtime import Service


EngineName = Annotated[
    str | None, typer.Option("--engine", help="embedded (one machine) or distributed (Kafka); default: the setting.")
]


def run(config: Config = None, data: Data = None, engine: EngineName = None) -> None:
    """The whole service under one command: API, HL7 listener, worker, timers, and the private store."""
    _serve(config, data, engine, with_worker=True, with_api=True)


def worker(config: Config = None, data: Data = None, engine: EngineName = None) -> None:
    """The worker alone: recognise, decide, send. Of the distributed engine as many as you like."""
    _serve(config, data, engine, with_worker=True, with_api=False)


def api(config: Config = None, data: Data = None, engine: EngineName = None) -> None:
    """The API and the HL7 listener alone, beside workers on the same store."""
    _serve(config, data, engine, with_worker=False, with_api=True)


def _serve(config: Path | None, data: Path | None, engine: str | None, *, with_worker: bool, with_api: bool) -> None:
    settings = settings_for(config, data, quiet=False, engine=engine)

    async def work() -> None:
        from alerts.senders.process_sender import ProcessSender
        from domain.clock import SystemClock
        from service.http import HttpServer, build_app
        from service.metrics import Metrics
        from service.runtime import Parts, Service
        from service.wiring import open_store, policies_of, reach_store, sending_policy
        from service.worker_door import build_worker_door

        collect_seldom()
        sending = sending_policy(settings)
        policies, sender, metrics = policies_of(settings), ProcessSender(sending), Metrics()
        whole = with_worker and with_api
        shared = not whole or bool(settings.store.redis_url.get_secret_value())
        parts = Parts(worker=with_worker, listeners=with_api and settings.mllp.enabled, shared=shared)
        store = open_store(settings) if whole else reach_store(settings, service=True)
        if with_worker:
            await sender.start()
        async with store as client:
            senders = dict.fromkeys(sending.urls, sender)
            if with_worker and not senders:
                err.print("No channel is set up: alerts are raised and wait; set alerts.sms_url or alerts.email_url.")
            service = Service(client, policies, senders, clock=SystemClock(), metrics=metrics, parts=parts)
            await service.start(wait_for_index=False)
            door = settings.api if with_api else settings.worker
            app = build_app(service, client, settings) if with_api else build_worker_door(service, client)
            listen = with_api or settings.worker.port > 0
            server = HttpServer(app, _bound(door.host, door.port))
            settling = asyncio.create_task(_settled(service))
            try:
                _tell_addresses(settings.data_dir, server.url if listen else "", service, api=with_api)
                await server.serve_beside(service, listen=listen)
            finally:
                await service.stop()
                await settling
                await sender.close()

    try:
        run_service(work, on_kafka=settings.engine == "distributed")
    finally:
        look_at_all_again()


async def _settled(service: "Service") -> None:
    """Once the people are read, what the process holds for good is there."""
    await service.indexed.wait()
    leave_alone_what_stands()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    return made


def _tell_addresses(data_dir: Path, url: str, service: "Service", *, api: bool) -> None:
    """Write where we listen (ports may have been chosen by the system), for the operator and the demo."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = {
        "pid": os.getpid(),
        "api" if api else "worker": url,
        "mllp_port": service.mllp.port if service.mllp else None,
    }
    file = data_dir / "addresses.json"
    fresh = file.with_suffix(".tmp")
    fresh.write_text(json.dumps(told))
    fresh.replace(file)
