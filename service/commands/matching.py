"""`reachpoint match`: offline matching of a file of events against a cohort, one line per scored pair."""

from pathlib import Path
from typing import Annotated

import typer

from service.terminal import FAULTS, AsJson, Config, Data, err, out, run, settings_for, show_json

_FEEDS = ("police", "intelligence", "programme", "ed")


def match(
    cohort: Annotated[Path, typer.Option("--cohort", help="Watched people, CSV or NDJSON.")],
    events: Annotated[Path, typer.Option("--events", help="Events: NDJSON of the envelope, or .hl7.")],
    to: Annotated[Path, typer.Option("--out", help="NDJSON to write, one line per scored pair.")],
    feed: Annotated[str, typer.Option("--feed", help="Which feed the NDJSON is of.")] = "police",
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Say who each event may be about, how sure and why. Nothing is stored and nobody is told."""
    import msgspec

    from cohort.importing import read_members
    from cohort.index import CohortIndex
    from cohort.matching import score_all
    from domain.clock import SystemClock
    from domain.errors import ConfigError
    from domain.events import Event, Feed
    from service.commands.feeds import FEEDS
    from service.commands.people import file_format
    from service.feeding import read_file
    from service.wiring import policies_of

    settings = settings_for(config, data)

    async def work() -> int:
        with cohort.open("rb") as stream:
            found = read_members(stream, file_format(cohort))
        for fault in found.faults:
            err.print(f"{cohort.name}: {fault}", markup=False)
        if found.faults:
            return FAULTS
        if feed not in FEEDS:
            raise ConfigError(f"'{feed}' is no feed; there are {', '.join(_FEEDS)}.")
        if to.exists() and (to.samefile(events) or to.samefile(cohort)):
            raise ConfigError("--out must be a file of its own.")
        policies = policies_of(settings)
        now = SystemClock().now()
        index = CohortIndex.build(found.records, 1)
        kind = Feed.ED if events.suffix == ".hl7" else Feed(FEEDS[feed])
        pairs = read = refused = 0
        with events.open("rb") as source, to.open("wb") as sink:
            to.chmod(0o600)
            for result, _ in read_file(kind, source, events.name, policies=policies, now=now):
                if not isinstance(result, Event):
                    refused += 1
                    continue
                read += 1
                for scored in score_all(result, index, policies.match):
                    sink.write(msgspec.json.encode(scored) + b"\n")
                    pairs += 1
        summary = {"events": read, "refused": refused, "pairs": pairs}
        show_json(summary) if json else out.print(f"{read} events, {pairs} scored pairs, {refused} refused.")
        return FAULTS if refused else 0

    raise typer.Exit(run(work))
