"""`reachpoint match train`: a model of one's own, estimated from one's own tables, with labels or without."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.matching_inputs import (
    CohortFile,
    EventsFile,
    EventsMappingFile,
    FeedName,
    Inputs,
    MappingFile,
    Paths,
    gather,
    private,
    tell,
)
from service.terminal import FAULTS, AsJson, Config, Data, out, progress, run, settings_for, show_json, table

if TYPE_CHECKING:
    from cohort.csv_columns import Fault
    from cohort.model import LevelFile, ModelFile
    from domain.identity import Identity
    from domain.people import CohortMember


def train(
    cohort: CohortFile,
    events: EventsFile,
    to: Annotated[Path, typer.Option("--out", help="The model to write, JSON.")],
    mapping: MappingFile = None,
    events_mapping: EventsMappingFile = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Pairs known to be one person: event_id, member_id. Not needed.")
    ] = None,
    splink: Annotated[
        Path | None,
        typer.Option("--splink", help="Estimate nothing: keep this model of Splink's, with the names counted here."),
    ] = None,
    name: Annotated[str, typer.Option(help="What the model is called.")] = "trained",
    seed: Annotated[int, typer.Option(help="Of the random pairs; the same seed gives the same model.")] = 1,
    feed: FeedName = "police",
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Estimate a match model from your own data: how often fields agree among people at large, and in one person.

    Nothing need be labelled. The model knows how common names and days are in your cohort, and how many of the events
    are about somebody in it.
    """
    paths = Paths(cohort, events, mapping, events_mapping, splink, feed)
    settings = settings_for(config, data)

    async def work() -> int:
        from cohort.prepared import prepare
        from cohort.training import train as estimate
        from domain.errors import ConfigError
        from service.evaluation_truth import read_truth

        target = paths.writable(to, labels)
        found = gather(paths, settings)
        if found is None:
            return FAULTS
        if found.splink is not None:
            with private(target) as sink:
                sink.write(found.splink.text().encode())
            out.print(f"Splink's model, with how common values are among {len(found.cohort.members)} members.")
            return 0
        if splink is not None:
            raise ConfigError("--splink is for a model that Splink has trained; this file is none.")
        said, faults = _mentions(found)
        tell(events, faults)
        members = found.cohort.members
        known = None
        if labels is not None:
            truth = read_truth(labels, [event_id for event_id, _ in said], [each.member_id for each in members])
            known = _indexed(truth.pairs, said, members)
        people = [prepare(each.identity) for each in members]
        one_table = found.events.is_table and found.files.one_table
        with progress() as bar:
            task = bar.add_task("training", total=100)
            model = estimate(
                people,
                people if one_table else [prepare(identity) for _, identity in said],
                name=name,
                seed=seed,
                labels=known,
                progress=lambda share: bar.update(task, completed=round(share * 100)),
            )
        with private(target) as sink:
            sink.write(model.model_dump_json(indent=1, exclude_defaults=True).encode() + b"\n")
        _show(model, len(members), len(said), json=json)
        return FAULTS if faults else 0

    raise typer.Exit(run(work))


def _mentions(found: Inputs) -> "tuple[list[tuple[str, Identity]], list[Fault]]":
    """Everybody whom an event mentions, with the event's id; and what could not be read."""
    from service.offline import EventRow

    said, faults = [], []
    for row in found.events.rows():
        if isinstance(row, EventRow):
            said += [(str(row.event.event_id), mention.identity) for mention in row.event.mentions]
        else:
            faults.append(row)
    return said, faults


def _indexed(
    pairs: Iterable[tuple[str, str]], said: "Sequence[tuple[str, Identity]]", members: "Sequence[CohortMember]"
) -> list[tuple[int, int]]:
    """Labels as (place in the cohort, place in the mentions); an event about several people labels none of them."""
    by_member = {str(each.member_id): number for number, each in enumerate(members)}
    mentions = Counter(event_id for event_id, _ in said)
    by_event = {event_id: number for number, (event_id, _) in enumerate(said) if mentions[event_id] == 1}
    return sorted((by_member[member], by_event[event]) for event, member in pairs if event in by_event)


def _show(model: "ModelFile", members: int, mentions: int, *, json: bool) -> None:
    compared = [each.comparison for each in model.comparisons]
    if json:
        told = {"model": model.name, "members": members, "mentions": mentions, "comparisons": compared}
        show_json({**told, "prior_probability": model.prior_probability})
        return
    rows = [
        (each.comparison, level.level.replace("_", " "), _share(level.m), _share(level.u), _bits(level))
        for each in model.comparisons
        for level in each.levels
    ]
    columns = ["comparison", "level", "one person", "two people", "bits"]
    out.print(table(f"Model {model.name}", columns, rows, right=columns[2:]))
    out.print(f"Estimated from {members} members and {mentions} mentions.")


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _bits(level: "LevelFile") -> str:
    if level.bits is not None:
        return f"{level.bits:+.1f}"
    return f"{log2(level.m / level.u):+.1f}" if level.m and level.u else ""
