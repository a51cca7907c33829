"""`make bench`: speed and memory of the embedded engine, beside the machine's own floor in the same run.

The floor is bare XADD and XREADGROUP/XACK through redis-py on the same Valkey with the same durability and payload
size. All figures are medians of several runs; the machines are shared and noisy, so read the ratios first. Nothing
here is a test: no figure fails a build.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvloop
from rich.console import Console
from rich.table import Table

from alerts.model import Purpose
from fixtures.folder import write_force
from fixtures.force import Force, ForceSpec, generate
from service.demo.gather import gather
from service.demo.scoring import latency
from service.demo.senders import Door, Pace, send_http, send_mllp
from service.demo.stage import Stage, set_stage
from service.settings import read_settings
from service.wiring import reach_store
from streams.server import EmbeddedServer, connect
from streams.valkey import ValkeyTransport, entries_of
from tests import backtest_bench, kafka_bench, kafka_bench_region, match_bench, rules_bench
from tests.bench_page import Aim, Figure, page, put, sections
from tests.kafka_bench_page import section

_BATCH = 500
_PAYLOAD = 1_000  # bytes, as our events are
QUARTER, READY = Aim(0.25, of_floor=True), Aim(5, at_most=True)
"""Of the floor; seconds until a service with a large cohort is ready (issue 2)."""


async def floor(events: int) -> float:
    """Events a second through bare XADD (pipelines of 500) and then XREADGROUP + XACK, one client, fsync always."""
    with tempfile.TemporaryDirectory(prefix="rp-floor-") as folder:
        server = EmbeddedServer(Path(folder))
        await server.start()
        client = connect(server.socket)
        raw = b"x" * _PAYLOAD
        await client.xgroup_create("floor", "g", id="0", mkstream=True)
        began = time.perf_counter()
        for _ in range(events // _BATCH):
            async with client.pipeline(transaction=False) as pipe:
                for _ in range(_BATCH):
                    pipe.xadd("floor", {"e": raw})
                await pipe.execute()
        read = 0
        while read < events:
            reply: Any = await client.xreadgroup("g", "c", {"floor": ">"}, count=256)
            entries = entries_of(reply, "floor")
            await client.xack("floor", "g", *[position for position, _ in entries])
            read += len(entries)
        took = time.perf_counter() - began
        await client.aclose()
        await server.stop()
        return events / took


async def through_http(events: int, seed: int) -> tuple[float, float]:
    """(acknowledged a second, settled a second): NDJSON batches of 500 on four connections, police records."""
    force = _force(events, seed)
    payloads = [message.payload for message in force.messages if message.content_type == "ndjson"]
    async with _stage(force) as (stage, key):
        batches = [b"\n".join(payloads[at : at + _BATCH]) for at in range(0, len(payloads), _BATCH)]
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
        began = time.perf_counter()
        async with httpx.AsyncClient(timeout=60.0, headers=headers) as client:

            async def line(mine: Sequence[bytes]) -> None:
                for body in mine:
                    answer = await client.post(f"{stage.api_url}/v1/feeds/police/events", content=body)
                    answer.raise_for_status()

            await asyncio.gather(*(line(batches[at::4]) for at in range(4)))
        acknowledged = time.perf_counter() - began
        await _drained(stage)
        settled = time.perf_counter() - began
    return len(payloads) / acknowledged, len(payloads) / settled


async def through_mllp(events: int, seed: int, connections: int = 4) -> tuple[float, float]:
    """(acknowledged a second, settled a second): HL7 messages on four MLLP connections, each answered."""
    force = _force(events, seed)
    payloads = [message.payload for message in force.messages if message.content_type == "hl7"]
    async with _stage(force) as (stage, _):
        pace = Pace(1_000_000)
        began = time.perf_counter()
        await asyncio.gather(
            *(send_mllp(stage.mllp_port, payloads[at::connections], pace, lambda _: None) for at in range(connections))
        )
        acknowledged = time.perf_counter() - began
        await _drained(stage)
        settled = time.perf_counter() - began
    return len(payloads) / acknowledged, len(payloads) / settled


async def hand_over(rate: int, seconds: int, seed: int) -> tuple[float, float, int]:
    """(p50, p99 in ms, messages): from acceptance to hand-over of alerts, at so many events a second over both doors."""
    force = _force(rate * seconds, seed)
    async with _stage(force) as (stage, key):
        hl7 = [message.payload for message in force.messages if message.content_type == "hl7"]
        records = [message.payload for message in force.messages if message.feed.value == "police"]
        share = len(hl7) / (len(hl7) + len(records))
        await asyncio.gather(
            send_mllp(stage.mllp_port, hl7, Pace(rate * share), lambda _: None),
            send_http(
                Door(f"{stage.api_url}/v1/feeds/police/events", key), records, Pace(rate * (1 - share)), lambda _: None
            ),
        )
        found = await gather(stage, within=timedelta(seconds=60))
        spans = latency([row for row in found.deliveries if row.purpose is Purpose.ALERT])
    assert spans is not None, "no alert was handed over: nothing was measured"
    return spans.p50 * 1000, spans.p99 * 1000, spans.count


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds until events are taken, until they are recognised, bytes a member (resident), seconds to import."""

    ready: float
    recognising: float
    size: float
    imported: float


async def start_with(force: Force) -> Start:
    """Import so many watched people, stop, start again."""
    members = len(force.members)
    with tempfile.TemporaryDirectory(prefix="rp-bench-") as folder:
        place = Path(folder)
        write_force(force, place / "force")
        async with set_stage(place) as stage:
            empty = _resident(stage.process.pid)
            began = time.perf_counter()
            await asyncio.to_thread(
                stage.command, "cohort", "import", str(place / "force" / "cohort.ndjson"), "--replace"
            )
            imported = time.perf_counter() - began
        began = time.perf_counter()
        async with set_stage(place) as stage:
            ready = time.perf_counter() - began
            async with httpx.AsyncClient(timeout=60.0) as client:
                while (await client.get(f"{stage.api_url}/v1/ready")).json()["waiting_for"]:  # noqa: ASYNC110 another process reads them
                    await asyncio.sleep(0.05)
            recognising = time.perf_counter() - began
            full = _resident(stage.process.pid)
    return Start(ready, recognising, (full - empty) / members, imported)


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no resident memory in /proc")


@contextlib.asynccontextmanager
async def _stage(force: Force) -> Any:
    with tempfile.TemporaryDirectory(prefix="rp-bench-") as folder:
        place = Path(folder)
        write_force(force, place / "force")
        async with set_stage(place) as stage:
            await asyncio.to_thread(stage.command, "navigators", "import", str(place / "force" / "navigators.ndjson"))
            await asyncio.to_thread(stage.command, "cohort", "import", str(place / "force" / "cohort.ndjson"))
            made = await asyncio.to_thread(
                stage.command, "keys", "create", "bench", "--role", "feed", "--feed", "police"
            )
            yield stage, str(made["key"])


async def _drained(stage: Stage) -> None:
    async with reach_store(read_settings(stage.config)) as client:
        transport = ValkeyTransport(client)
        while (await transport.counts()).in_flight:  # noqa: ASYNC110 another process settles them
            await asyncio.sleep(0.02)


def _force(events: int, seed: int) -> Force:
    return generate(ForceSpec(seed=seed, members=1_000, events=events, end=_now(), prevalence=0.01))


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _several(runs: int, work: Callable[[int], Any]) -> list[Any]:
    return [uvloop.run(work(seed)) for seed in range(1, runs + 1)]


def measure(runs: int, events: int, members: int, seconds: int) -> list[Figure]:
    """Every figure of the embedded engine."""
    floors = _several(runs, lambda _: floor(events))
    least = statistics.median(floors)
    http = _several(runs, lambda seed: through_http(events, seed))
    mllp = _several(runs, lambda seed: through_mllp(events, seed))
    figures = [
        Figure("floor: XADD + XREADGROUP + XACK, fsync always", "events/s", floors),
        Figure("HTTP batches, acknowledged", "events/s", [one for one, _ in http], least, QUARTER),
        Figure("HTTP batches, settled (whole path)", "events/s", [two for _, two in http], least, QUARTER),
        Figure("MLLP, acknowledged", "messages/s", [one for one, _ in mllp], least, QUARTER),
        Figure("MLLP, settled (whole path)", "messages/s", [two for _, two in mllp], least, QUARTER),
    ]
    for rate in (200, 1_000):
        spans = _several(runs, lambda seed, rate=rate: hand_over(rate, seconds, seed))
        figures.append(Figure(f"acceptance to hand-over at {rate} events/s, p50", "ms", [one for one, _, _ in spans]))
        slowest = Aim(100, at_most=True) if rate == 1_000 else None
        figures.append(
            Figure(f"acceptance to hand-over at {rate} events/s, p99", "ms", [two for _, two, _ in spans], aim=slowest)
        )
    people = generate(ForceSpec(seed=1, members=members, events=0, end=_now(), cohort_only=True))
    starts = [uvloop.run(start_with(people)) for _ in range(runs)]
    many = f"{members:,} members"
    figures.append(Figure(f"start to taking events, {many}", "s", [one.ready for one in starts], aim=READY))
    figures.append(Figure(f"start to recognising, {many}", "s", [one.recognising for one in starts], aim=READY))
    figures.append(Figure("resident memory a member, whole process", "bytes", [one.size for one in starts]))
    figures.append(Figure(f"import of {many} by the command line", "s", [one.imported for one in starts]))
    return figures


def main() -> None:
    """Measure, print and write the page; with `--only` a part is measured, and put into the page of `--write`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument(
        "--only", choices=("engine", "recognition", "rules", "backtest", "kafka"), help="measure this part alone"
    )
    parser.add_argument("--write", type=Path, help="the page to write; docs/benchmarks.md where all is measured")
    parser.add_argument("--cohorts", type=int, nargs="*", default=list(match_bench.SIZES), help="sizes for recognition")
    chosen = parser.parse_args()
    wanted = lambda part: chosen.only in (None, part)  # noqa: E731
    load = os.getloadavg()[0]  # at the start
    matched = match_bench.show(chosen.cohorts, splink=True) if wanted("recognition") else []
    rules = rules_bench.show() if wanted("rules") else []
    year = backtest_bench.show() if wanted("backtest") else None
    figures = measure(chosen.runs, chosen.events, chosen.members, chosen.seconds) if wanted("engine") else []
    if figures:
        _show(figures)
    parts = sections(figures, matched, rules, year)
    write = chosen.write or (None if chosen.only else Path("docs/benchmarks.md"))
    if write and not chosen.only:
        write.write_text(page(figures, matched, rules, _now().date(), year), encoding="utf-8")
    elif write:
        for part in parts:
            _put(write, part, f"Measured alone on {_now().date().isoformat()}; load of the machine {load:.1f}.")
    if wanted("kafka"):
        _kafka(chosen.events, chosen.runs, chosen.seconds, write)


def _put(file: Path, part: str, said: str = "") -> None:
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    file.write_text(put(before, part, said), encoding="utf-8")


def _kafka(events: int, runs: int, seconds: int, write: Path | None) -> None:
    load = os.getloadavg()[0]
    part = section(kafka_bench.measure(events, runs), kafka_bench_region.measure(seconds), _now().date(), load)
    Console(width=140).print(part)
    if write:
        _put(write, part)


def _show(figures: Sequence[Figure]) -> None:
    table = Table("what", "median", "unit", "of the floor", "runs", title="Embedded engine, this machine, this run")
    for figure in figures:
        ratio = f"{figure.median / figure.floor:.2f}" if figure.floor else ""
        spread = " ".join(f"{value:,.1f}" for value in figure.values)
        table.add_row(figure.name, f"{figure.median:,.1f}", figure.unit, ratio, spread)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
