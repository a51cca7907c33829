"""`reachpoint match evaluate`: a matching against the truth, as tables, JSON and a page with curves. Counts only."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
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
    ModelFile,
    Paths,
    gather,
    private,
    tell,
)
from service.terminal import FAULTS, AsJson, Config, Data, out, progress, run, settings_for, show_json, table

if TYPE_CHECKING:
    from cohort.csv_columns import Fault
    from domain.identity import Identity
    from service.evaluation import Evaluation, Point, ScoredPair
    from service.evaluation_truth import Truth
    from service.offline import Linker

_AT_ONCE = 100
_ORIGINS = ("name_origin", "origin")
_AGE_BANDS = ((15, "under 16"), (17, "16-17"), (24, "18-24"), (34, "25-34"), (49, "35-49"), (64, "50-64"))
_OLDEST = "65 and over"


def evaluate(
    cohort: CohortFile,
    events: EventsFile,
    truth: Annotated[Path, typer.Option("--truth", help="Who is who: CSV, NDJSON or Parquet of event_id, member_id.")],
    model: ModelFile = None,
    mapping: MappingFile = None,
    events_mapping: EventsMappingFile = None,
    group: Annotated[
        list[str] | None, typer.Option("--group", help="A column (of either table or the truth) to tell errors by.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="The fixed threshold, in bits.")] = 0.0,
    to: Annotated[Path | None, typer.Option("--out", help="Directory for evaluation.html and evaluation.json.")] = None,
    feed: FeedName = "police",
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """How good is the matching? Precision, recall and F1 over thresholds, and who is missed or mistaken, by group.

    Groups by sex and age band are told where the data has them, by name origin where a column has that name.
    """
    paths = Paths(cohort, events, mapping, events_mapping, model, feed)
    settings = settings_for(config, data)

    async def work() -> int:
        from domain.errors import ConfigError
        from service.evaluation import Asked, evaluate_pairs
        from service.evaluation_truth import read_truth
        from service.offline import make_linker
        from service.wiring import policies_of

        if to is not None and to.exists() and not to.is_dir():
            raise ConfigError("--out must be a directory.")
        columns = tuple(dict.fromkeys([*(group or ()), *_ORIGINS]))
        found = gather(paths, settings, columns)
        if found is None:
            return FAULTS
        own = found.events.is_table and found.files.one_table
        policy = policies_of(settings).match
        fixed = None if found.model is None else threshold
        linker = make_linker(found.cohort.members, policy, found.model, threshold=fixed, skip_own=own)
        scored = _scored(found, linker)
        tell(events, scored.faults)
        members = {str(each.member_id): each.identity for each in found.cohort.members}
        known = read_truth(truth, scored.said, members, scored.names)
        missing = [name for name in group or () if not _somewhere(name, found, known)]
        if missing:
            raise ConfigError("No table has a column called as --group says.")
        asked = Asked(
            events=list(scored.said),
            members=len(members),
            truth=known.pairs,
            groups=_groups_of(found, scored, known, columns),
            elsewhere=known.elsewhere,
            threshold=threshold,
            one_table=own,
        )
        told = evaluate_pairs(scored.pairs, asked)
        if to is not None:
            _write(told, to, linker.model.name)
        live = scored.service(known.pairs) if found.model is None else {}
        show_json(as_json(told) | ({"service": live} if live else {})) if json else _show(told)
        if live and not json:
            out.print(_SERVICE.format_map(live))
        return FAULTS if scored.faults else 0

    raise typer.Exit(run(work))


class _Scored:
    """The candidate pairs of all events; who each event is said to be about; and what could not be read."""

    def __init__(self) -> None:
        self.pairs: list[ScoredPair] = []
        self.said: dict[str, list[Identity]] = {}
        self.kept: dict[str, Mapping[str, str]] = {}
        self.names: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.decided: dict[tuple[str, str], str] = {}

    def service(self, truth: Collection[tuple[str, str]]) -> dict[str, int]:
        """What the live service would do with these pairs, and how much of it is right."""
        told: dict[str, int] = {"true_pairs": len(truth)}
        for decision in ("match", "review"):
            taken = [pair for pair, said in self.decided.items() if said == decision]
            right = sum(pair in truth for pair in taken)
            told |= {f"{decision}_true": right, f"{decision}_false": len(taken) - right}
        told["neither"] = len(truth) - told["match_true"] - told["review_true"]
        return told


_SERVICE = (
    "The live service, with its own thresholds: MATCH for {match_true} true pairs and {match_false} wrong ones, "
    "REVIEW for {review_true} and {review_false}, nothing for {neither} of {true_pairs} true pairs."
)


def _scored(found: Inputs, linker: "Linker") -> _Scored:
    from service.evaluation import ScoredPair
    from service.offline import EventRow

    scored = _Scored()
    with progress() as bar:
        task = bar.add_task("events", total=None)
        for row in found.events.rows():
            if not isinstance(row, EventRow):
                scored.faults.append(row)
                continue
            event = str(row.event.event_id)
            scored.said[event] = [mention.identity for mention in row.event.mentions]
            scored.kept[event] = row.kept
            scored.names.setdefault(row.name, event)
            met: set[str] = set()
            for pair in linker.pairs(row.event):
                member = str(pair.member_id)
                if member not in met:  # several mentions of one event may meet one member: the heaviest counts
                    scored.pairs.append(ScoredPair(event, member, pair.match_weight, not met))
                    met.add(member)
                    if pair.decision.value in ("match", "review"):
                        scored.decided[event, member] = pair.decision.value
            if len(scored.said) % _AT_ONCE == 0:
                bar.advance(task, _AT_ONCE)
    return scored


def _somewhere(name: str, found: Inputs, known: "Truth") -> bool:
    return name in (*found.cohort.columns, *found.events.columns, *known.columns)


def _groups_of(found: Inputs, scored: _Scored, known: "Truth", columns: Iterable[str]) -> dict[str, dict[str, str]]:
    """Each event's groups: as its own row says, else the truth's, else the row of the member it is about."""
    about = dict(known.pairs)
    identities = {str(each.member_id): each.identity for each in found.cohort.members}
    wanted = [name for name in columns if _somewhere(name, found, known)]
    groups: dict[str, dict[str, str]] = {}
    for event, said in scored.said.items():
        member = about.get(event, "")
        sources = (scored.kept[event], known.groups.get(event, {}), found.cohort.kept.get(member, {}))
        own = {name: next((cells[name] for cells in sources if cells.get(name)), "") for name in wanted}
        people = [*said, *([identities[member]] if member in identities else [])]
        own.setdefault("sex", next((each.sex.value for each in people if each.sex.value != "unknown"), ""))
        own.setdefault("age band", next((band for each in people if (band := age_band(each))), ""))
        groups[event] = own
    told = {name for own in groups.values() for name, value in own.items() if value}
    return {event: {name: own[name] for name in own if name in told} for event, own in groups.items()}


def age_band(identity: "Identity", today: date | None = None) -> str:
    """The age band that the first date of birth gives; '' where there is none."""
    from domain.clock import SystemClock

    if not identity.dates_of_birth:
        return ""
    day = today or SystemClock().now().date()
    born = identity.dates_of_birth[0].value
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return next((band for most, band in _AGE_BANDS if age <= most), _OLDEST)


def as_json(told: "Evaluation") -> dict[str, object]:
    """The evaluation for machines: every threshold, every group."""

    def point(at: "Point") -> dict[str, float]:
        shares = {"precision": at.precision, "recall": at.recall, "f1": at.f1}
        return {"threshold": at.threshold, **shares, "true": at.true, "false": at.false, "missed": at.missed}

    curves = {
        name: {
            "fixed": point(curve.fixed),
            "best_with_labels": point(curve.best),
            "points": list(map(point, curve.points)),
        }
        for name, curve in (("all_pairs", told.all_pairs), ("best_per_event", told.best_per_event))
    }
    groups = [
        {
            "by": each.kind, "group": each.group, "events": each.events, "true_pairs": each.pairs,
            "false_negatives": each.missed, "false_positives": each.false,
            "false_negative_rate": each.miss_rate, "false_positives_per_event": each.false_rate,
        }
        for each in told.groups
    ]  # fmt: skip
    counts = {
        "events": told.events, "members": told.members, "candidate_pairs": told.candidates, "true_pairs": told.pairs,
        "true_pairs_elsewhere": told.elsewhere, "blocking_recall": told.blocking_recall,
    }  # fmt: skip
    return {**counts, **curves, "groups": groups}


def _write(told: "Evaluation", to: Path, model: str) -> None:
    import msgspec

    from service.evaluation_page import page

    to.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("evaluation.html", page(told, title=f"How well the model '{model}' matches").encode()),
        ("evaluation.json", msgspec.json.format(msgspec.json.encode(as_json(told)), indent=1)),
    ):
        with private(to / name) as stream:
            stream.write(content)


def _show(told: "Evaluation") -> None:
    from service.evaluation_page import share, told_points

    best = {point.threshold: point for point in told_points(told.best_per_event)}
    rows = []
    for point in told_points(told.all_pairs):
        alone = best.get(point.threshold)
        mark = " <" if point.threshold == told.all_pairs.fixed.threshold else ""
        cells = [share(point.precision), share(point.recall), share(point.f1), point.false, point.missed]
        rows.append([f"{point.threshold:g}{mark}", *cells, share(alone.f1) if alone else ""])
    columns = ["bits", "precision", "recall", "F1", "wrong", "missed", "F1 best per event"]
    out.print(table("Over thresholds (< the fixed one)", columns, rows, right=columns))
    oracle = told.all_pairs.best
    out.print(f"Highest F1 that the truth itself can choose: {share(oracle.f1)} at {oracle.threshold:.1f} bits.")
    out.print(
        f"{told.events} events, {told.members} members, {told.pairs} true pairs, {told.candidates} candidates; "
        f"blocking recall {share(told.blocking_recall)}."
    )
    if told.elsewhere:
        out.print(f"{told.elsewhere} pairs of the truth name a record that is in neither table; they do not count.")
    if told.groups:
        heads = ["by", "group", "events", "true pairs", "missed", "missed %", "wrong", "wrong per event %"]
        errors = [
            (g.kind, g.group, g.events, g.pairs, g.missed, f"{g.miss_rate:.2%}", g.false, f"{g.false_rate:.2%}")
            for g in told.groups
        ]
        out.print(table("Errors by group, at the fixed threshold", heads, errors, right=heads[2:]))
