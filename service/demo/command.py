"""`reachpoint demo`: a synthetic force sends its feeds through the real doors; it ends with a table to check."""

import asyncio
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.terminal import FAULTS, AsJson, err, out, progress, run

if TYPE_CHECKING:
    from service.demo.senders import Answers, Pace
    from service.demo.stage import Stage

_DRAIN_WITHIN = timedelta(seconds=60)
_MOST_UNDER_WAY = 100
"""Events accepted and not decided yet, from which on the senders wait."""


def demo(
    events: Annotated[int, typer.Option(help="Messages over all feeds.")] = 20_000,
    members: Annotated[int, typer.Option(help="Watched people.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed makes the same force.")] = 1,
    rate: Annotated[float, typer.Option(help="Messages a second, over all feeds.")] = 500.0,
    serve: Annotated[bool, typer.Option("--serve", help="Stay up afterwards, with the API and its docs.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Keep everything here; default: a temporary folder.")] = None,
    json: AsJson = False,
) -> None:
    """Run the main job on a synthetic force: nobody in it is real, everything else is.

    Starts the service with its private store, imports people and navigators, sends ED messages by MLLP, police records
    by HTTP, intelligence and programme events from files, and receives the SMS and e-mails. With --json the page for
    people goes to standard error. Exit status 1 if the books do not balance, a true moment was missed and nothing
    explains it, or something was told without ground.
    """
    from service.demo.stage import set_stage
    from service.logs import set_up

    set_up("warning", "auto")

    async def work() -> int:
        async with set_stage(folder, api_port=8080 if serve else 0, mllp_port=2575 if serve else 0) as stage:
            return await _play(stage, events=events, members=members, seed=seed, rate=rate, serve=serve, json=json)

    raise typer.Exit(run(work))


async def _play(stage: "Stage", *, events: int, members: int, seed: int, rate: float, serve: bool, json: bool) -> int:
    from fixtures.folder import write_force
    from fixtures.force import ForceSpec, generate
    from service.demo.gather import gather
    from service.demo.report import Told, report, report_json
    from service.demo.senders import Door, Pace, send_http, send_mllp
    from service.demo.verdict import verdict_of

    began = time.monotonic()
    with progress() as bar:
        making = bar.add_task("making a synthetic force", total=1)
        end = datetime.now(UTC).replace(microsecond=0)
        force = generate(ForceSpec(seed=seed, members=members, events=events, end=end))
        files = stage.folder / "force"
        write_force(force, files)
        bar.advance(making)
        importing = bar.add_task("importing people", total=2)
        stage.command("navigators", "import", str(files / "navigators.ndjson"))
        bar.advance(importing)
        stage.command("cohort", "import", str(files / "cohort.ndjson"), "--replace")
        bar.advance(importing)
        key = str(stage.command("keys", "create", "demo police", "--role", "feed", "--feed", "police")["key"])
        payloads = {
            feed: [message.payload for message in force.messages if message.feed.value == feed]
            for feed in ("ed", "police", "intel", "programme")
        }
        pace, spoke = Pace(rate), datetime.now(UTC)
        watching = asyncio.create_task(_hold_back(stage, pace))
        tasks = {feed: bar.add_task(_HOW[feed], total=len(payloads[feed])) for feed in payloads}
        answers = await asyncio.gather(
            send_mllp(stage.mllp_port, payloads["ed"], pace, lambda n: bar.advance(tasks["ed"], n)),
            send_http(
                Door(f"{stage.api_url}/v1/feeds/police/events", key),
                payloads["police"],
                pace,
                lambda n: bar.advance(tasks["police"], n),
            ),
            asyncio.to_thread(_from_file, stage, "intelligence", files / "intelligence.ndjson"),
            asyncio.to_thread(_from_file, stage, "programme", files / "programme.ndjson"),
        )
        watching.cancel()
        for feed in ("intel", "programme"):
            bar.update(tasks[feed], completed=len(payloads[feed]))
        sent = time.monotonic()
        waiting = bar.add_task("waiting until all is decided and told", total=1)
        needed = [event for moment in force.truth.moments for event in moment.contributing]
        found = await gather(stage, within=_DRAIN_WITHIN, events=needed)
        bar.advance(waiting)
    told = dict(zip(("ed", "police", "intel", "programme"), answers, strict=True))
    told_of = Told(force, told, found, verdict_of(force, found), since=spoke, seconds=sent - began)
    report(told_of, err if json else out)
    if json:
        report_json(told_of)
    if serve:
        await _stay(stage)
    return 0 if told_of.verdict.sound else FAULTS


async def _hold_back(stage: "Stage", pace: "Pace") -> None:
    """Thirty hours come within a minute: no faster than this machine decides, or everything would be late."""
    from service.settings import read_settings
    from service.wiring import reach_store
    from streams.valkey import ValkeyTransport

    async with reach_store(read_settings(stage.config)) as client:
        transport = ValkeyTransport(client)
        while True:
            pace.hold((await transport.counts()).in_flight > _MOST_UNDER_WAY)
            await asyncio.sleep(0.1)


_HOW = {
    "ed": "ED attendances by MLLP",
    "police": "police records by HTTP",
    "intel": "intelligence from a file",
    "programme": "programme events from a file",
}


def _from_file(stage: "Stage", feed: str, file: Path) -> "Answers":
    from service.demo.senders import Answers

    found = stage.command("ingest", feed, str(file))
    answers = Answers()
    for name in ("accepted", "duplicate", "quarantined", "ignored"):
        answers.results[name] = int(str(found[name]))
    return answers


async def _stay(stage: "Stage") -> None:
    admin = str(stage.command("keys", "create", "demo supervisor", "--role", "supervisor")["key"])
    err.print(f"\nThe service stays up: {stage.api_url}/docs  (Ctrl-C ends it)", soft_wrap=True)
    err.print(f"Its folder, for commands beside it: --config {stage.config}", soft_wrap=True)
    err.print(f"A supervisor's key for this demo only: {admin}", soft_wrap=True)
    ask = f"Try: curl -H 'Authorization: Bearer {admin}' '{stage.api_url}/v1/alerts?limit=3'"
    err.print(ask, markup=False, soft_wrap=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
