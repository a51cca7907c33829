"""`reachpoint match`: who may each record be about, how sure, and why. Offline: nothing is stored, nobody is told.

By itself it writes one line per scored pair; `train`, `explain` and `evaluate` are commands below it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.matching_evaluate import evaluate
from service.commands.matching_explain import explain
from service.commands.matching_inputs import (
    COHORT_HELP,
    EVENTS_HELP,
    EventsMappingFile,
    FeedName,
    Inputs,
    MappingFile,
    ModelFile,
    Paths,
    gather,
    private,
    tell,
)
from service.commands.matching_train import train
from service.terminal import FAULTS, AsJson, Config, Data, out, progress, run, settings_for, show_json

if TYPE_CHECKING:
    from cohort.csv_columns import Fault
    from service.offline import Linker

match = typer.Typer(invoke_without_command=True)
match.command("train")(train)
match.command("explain")(explain)
match.command("evaluate")(evaluate)
_AT_ONCE = 100


@match.callback()
def pairs(
    context: typer.Context,
    cohort: Annotated[Path | None, typer.Option("--cohort", help=COHORT_HELP)] = None,
    events: Annotated[Path | None, typer.Option("--events", help=EVENTS_HELP)] = None,
    to: Annotated[Path | None, typer.Option("--out", help="NDJSON to write, one line per scored pair.")] = None,
    model: ModelFile = None,
    mapping: MappingFile = None,
    events_mapping: EventsMappingFile = None,
    feed: FeedName = "police",
    threshold: Annotated[
        float | None,
        typer.Option(help="Bits from which a pair is a match; default: 0 for a model of your own, else as live."),
    ] = None,
    best: Annotated[bool, typer.Option("--best", help="Only the heaviest pair of each event.")] = False,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Say who each event may be about, how sure and why. Nothing is stored and nobody is told."""
    if context.invoked_subcommand is not None:
        return
    if cohort is None or events is None or to is None:
        named = {"--cohort": cohort, "--events": events, "--out": to}
        raise typer.BadParameter("must be given.", param_hint=[name for name, path in named.items() if path is None])
    paths = Paths(cohort, events, mapping, events_mapping, model, feed)
    settings = settings_for(config, data)

    async def work() -> int:
        from service.offline import make_linker
        from service.wiring import policies_of

        target = paths.writable(to)
        found = gather(paths, settings)
        if found is None:
            return FAULTS
        own = found.events.is_table and found.files.one_table
        policy = policies_of(settings).match
        linker = make_linker(found.cohort.members, policy, found.model, threshold=threshold, skip_own=own)
        counts, faults = _write(found, linker, target, best=best)
        tell(events, faults)
        show_json(counts) if json else out.print(_SUMMARY.format_map(counts))
        return FAULTS if faults else 0

    raise typer.Exit(run(work))


_SUMMARY = "{events} events, {pairs} scored pairs ({matches} matches, {reviews} for review), {refused} refused."


def _write(found: Inputs, linker: "Linker", target: Path, *, best: bool) -> "tuple[dict[str, int], list[Fault]]":
    """Every event's pairs, written as they come: neither the events nor the pairs are held in memory."""
    import msgspec

    from service.offline import EventRow

    counts = dict.fromkeys(("events", "refused", "pairs", "matches", "reviews"), 0)
    faults = []
    with private(target) as sink, progress() as bar:
        task = bar.add_task("events", total=None)
        for row in found.events.rows():
            if not isinstance(row, EventRow):
                faults.append(row)
                continue
            counts["events"] += 1
            scored = linker.pairs(row.event)
            for pair in scored[:1] if best else scored:
                sink.write(msgspec.json.encode(pair) + b"\n")
                counts["pairs"] += 1
                counts["matches"] += pair.decision.value == "match"
                counts["reviews"] += pair.decision.value == "review"
            if counts["events"] % _AT_ONCE == 0:
                bar.advance(task, _AT_ONCE)
    counts["refused"] = len(faults)
    return counts, faults
