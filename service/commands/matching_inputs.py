"""What every command of `reachpoint match` is given: two files, mappings, a model; and how their faults are told."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from service.terminal import err

if TYPE_CHECKING:
    from cohort.csv_columns import Fault
    from cohort.model import MatchModel
    from cohort.splink_model import SplinkModel
    from service.offline import Cohort, EventSource, Files
    from service.settings import Settings

_FEEDS = ("police", "intelligence", "programme", "ed")
_SHOWN = 20

COHORT_HELP = "Watched people: cohort CSV or NDJSON, or any CSV, NDJSON or Parquet table."
EVENTS_HELP = "Events: NDJSON of the envelope, .hl7, or any CSV, NDJSON or Parquet table."
CohortFile = Annotated[Path, typer.Option("--cohort", help=COHORT_HELP)]
EventsFile = Annotated[Path, typer.Option("--events", help=EVENTS_HELP)]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", help="YAML: which column is which field; for both tables.")
]
EventsMappingFile = Annotated[
    Path | None, typer.Option("--events-mapping", help="The mapping of the events, where it is another one.")
]
ModelFile = Annotated[
    Path | None,
    typer.Option("--model", help="A model trained by `match train` or by Splink; default: the shipped one."),
]
FeedName = Annotated[str, typer.Option("--feed", help="Which feed the envelope NDJSON is of.")]


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of a command, as named."""

    cohort: Path
    events: Path
    mapping: Path | None = None
    events_mapping: Path | None = None
    model: Path | None = None
    feed: str = "police"

    def files(self) -> "Files":
        """The two sides with their mappings. Raises ConfigError for a feed or mapping that cannot be used."""
        from domain.errors import ConfigError
        from domain.kinds import Feed
        from service.commands.feeds import FEEDS
        from service.offline import Files, read_mapping

        if self.feed not in FEEDS:
            raise ConfigError(f"There is no such feed; there are {', '.join(_FEEDS)}.")
        for path in (self.cohort, self.events):
            path.open("rb").close()  # both are there, or nothing begins
        return Files(
            self.cohort,
            self.events,
            read_mapping(self.mapping),
            read_mapping(self.events_mapping),
            Feed(FEEDS[self.feed]),
        )

    def model_text(self) -> str:
        """The text of the model's file, '' for the shipped model."""
        return "" if self.model is None else self.model.read_text(encoding="utf-8-sig")

    def writable(self, to: Path, *more: Path | None) -> Path:
        """`to`, if it is none of the files that are read."""
        from domain.errors import ConfigError
        from service.offline import distinct

        if not distinct((self.cohort, self.events, self.mapping, self.events_mapping, self.model, *more), to):
            raise ConfigError("--out must be a file of its own.")
        return to


@dataclass(frozen=True, slots=True)
class Inputs:
    """Both sides read, the model loaded."""

    files: "Files"
    cohort: "Cohort"
    events: "EventSource"
    model: "MatchModel | None"
    splink: "SplinkModel | None" = None


def gather(paths: Paths, settings: "Settings", kept: tuple[str, ...] = ()) -> Inputs | None:
    """What the files hold, with the cells of the columns `kept`; None where one has faults, which then were told."""
    from cohort.model import load_model
    from cohort.splink_file import is_splink_text
    from domain.clock import SystemClock
    from service.offline import EventSource, Wanted, columns_of, read_cohort
    from service.wiring import policies_of

    files, text = paths.files(), paths.model_text()
    imported = None
    if text and is_splink_text(text):
        from cohort.splink_model import read_splink  # loads sqlglot, which a model of ours needs not

        imported = read_splink(text, columns=columns_of(files))
        tell(paths.model or paths.cohort, (), imported.notices)
    want = Wanted(kept, imported.columns if imported else ())
    cohort = read_cohort(files, want)
    events = EventSource(files, policies_of(settings), SystemClock().now(), want)
    for path, side in ((paths.cohort, cohort), (paths.events, events)):
        tell(path, side.faults, side.notices)
    if cohort.faults or events.faults:
        return None
    if imported is not None:
        imported = _counted(imported, cohort, events, one_table=files.one_table)
        return Inputs(files, cohort, events, imported.match_model(), imported)
    return Inputs(files, cohort, events, load_model(text) if text else None)


def _counted(imported: "SplinkModel", cohort: "Cohort", events: "EventSource", *, one_table: bool) -> "SplinkModel":
    """Splink's model with the term frequencies of these tables, unless its file carries some."""
    from cohort.prepared import PreparedIdentity, prepare
    from service.offline import EventRow

    def people() -> Iterator[PreparedIdentity]:
        yield from (prepare(member.identity) for member in cohort.members)
        for row in () if one_table else events.rows():
            if isinstance(row, EventRow):
                yield from (prepare(mention.identity) for mention in row.event.mentions)

    return imported if imported.wrapper.frequencies else imported.with_frequencies(people())


def tell(path: Path, faults: "Sequence[Fault]", notices: Sequence[str] = ()) -> None:
    """Every fault and notice of a file, on standard error; of very many the first."""
    for notice in notices:
        err.print(f"{path.name}: {notice}", style="yellow", markup=False)
    for fault in faults[:_SHOWN]:
        err.print(f"{path.name}: {fault}", markup=False)
    if len(faults) > _SHOWN:
        err.print(f"{path.name}: and {len(faults) - _SHOWN} more faults", markup=False)


def private(to: Path) -> BinaryIO:
    """A file that only its owner can read, opened for writing; one that is there is emptied and closed to others."""
    handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(handle, 0o600)
    return os.fdopen(handle, "wb")
