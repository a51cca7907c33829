"""What `make prove` has shown so far: of each test the last run that ran it, kept beside the page in docs/proof.json.

The full trial counts take hours. Whoever proves a part replaces that part and nothing else, and the page says of each
line in which run it was seen, at which commit.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Run:
    """One call of `make prove`; `took` in seconds, `started` ISO 8601 in UTC to the second. `tests`, `failed` and
    `skipped` count all that it ran, also what is not kept by itself."""

    commit: str
    started: str
    took: int
    machine: str
    selected: str
    seed: int
    tests: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """Trials of one test under one name."""

    trials: int
    name: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A test function, all its rows together, as `run` (a Run's `started`) last saw it."""

    run: str
    rows: int
    failed: int
    skipped: int
    seconds: float
    counts: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """Runs by when they started, and what was seen by the test's id without its row."""

    runs: Mapping[str, Run] = field(default_factory=dict)
    seen: Mapping[str, Seen] = field(default_factory=dict)

    def with_run(self, run: Run, found: Mapping[str, Seen], root: Path = ROOT) -> "Kept":
        """Also what this run found, which replaces what was seen of the same tests before. Tests that are no more, and
        runs of which nothing is left, are forgotten."""
        seen = {test: each for test, each in {**self.seen, **found}.items() if test in found or _is_there(test, root)}
        named = {each.run for each in seen.values()}
        runs = {key: each for key, each in {**self.runs, run.started: run}.items() if key in named}
        return Kept(dict(sorted(runs.items())), dict(sorted(seen.items())))


def _is_there(test: str, root: Path) -> bool:
    """Whether the file still has a function, or method, of that name."""
    file, _, name = test.partition("::")
    path = root / file
    return path.exists() and f"def {name.rpartition('::')[2]}(" in path.read_text()


def load(file: Path) -> Kept:
    """What was kept; nothing where there is no such file."""
    if not file.exists():
        return Kept()
    raw = json.loads(file.read_text())
    runs = {key: Run(**each) for key, each in raw["runs"].items()}
    seen = {test: Seen(**{**each, "counts": tuple(map(_count, each["counts"]))}) for test, each in raw["seen"].items()}
    return Kept(runs, seen)


def _count(raw: Mapping[str, object]) -> Count:
    return Count(**raw)  # type: ignore[arg-type]  # as `save` wrote it


def save(kept: Kept, file: Path) -> None:
    """One line a run and a test, so that a change is read as one."""
    file.write_text(f'{{\n"runs": {_lines(kept.runs)},\n"seen": {_lines(kept.seen)}\n}}\n')


def _lines(named: Mapping[str, Run] | Mapping[str, Seen]) -> str:
    lines = [f"{json.dumps(key)}: {json.dumps(asdict(value))}" for key, value in named.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def by_function(run: str, rows: Mapping[str, "Row"], counts: Mapping[str, Sequence[Count]]) -> dict[str, Seen]:
    """The rows of each test function as one."""
    found: dict[str, Seen] = {}
    for test, row in rows.items():
        function = test.partition("[")[0]
        old = found.get(function, Seen(run, 0, 0, 0, 0.0))
        found[function] = replace(
            old,
            rows=old.rows + 1,
            failed=old.failed + (row.outcome == "failed"),
            skipped=old.skipped + (row.outcome == "skipped"),
            seconds=round(old.seconds + row.seconds, 1),
            counts=_joined([*old.counts, *counts.get(test, ())]),
        )
    return found


def _joined(counts: Iterable[Count]) -> tuple[Count, ...]:
    """Counts of the same name and note added up."""
    sums: dict[tuple[str, str], int] = {}
    for each in counts:
        sums[each.name, each.note] = sums.get((each.name, each.note), 0) + each.trials
    return tuple(Count(trials, name, note) for (name, note), trials in sums.items())


@dataclass(slots=True)
class Row:
    """One test as it ran; `examples` are hypothesis' that passed."""

    outcome: str = "passed"
    seconds: float = 0.0
    examples: int = 0
