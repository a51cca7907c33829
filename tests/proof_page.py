"""docs/proof.md from what was kept: promises, runs, and the random trials of each test."""

from collections.abc import Collection
from dataclasses import dataclass

from tests.proof_kept import Kept, Run, Seen


@dataclass(frozen=True, slots=True)
class Promise:
    """What we promise (numbers as in the table of promises), and the beginnings of the ids of its tests."""

    number: str
    words: str
    tests: tuple[str, ...]


def worth_keeping(test: str, seen: Seen, promises: Collection[Promise]) -> bool:
    """Whether the page tells of a test by itself: it proves a promise, counted trials, or failed."""
    return bool(seen.counts or seen.failed or seen.skipped) or any(test.startswith(one.tests) for one in promises)


def page(kept: Kept, promises: Collection[Promise]) -> str:
    """Markdown. A promise is held only where all its tests were seen to pass."""
    number = {started: place for place, started in enumerate(kept.runs, 1)}
    lines = [
        "# Proof",
        "",
        "Written by `make prove` from what it ran; nothing here is typed in. The full trial counts take hours, so they are",
        "run in parts; of each test the last run stands here. Promise numbers are those of our table of promises.",
        "",
        "## Promises",
        "",
        "| No. | Promise | Tests | Random trials | Runs | Result |",
        "|---|---|---|---|---|---|",
        *(_promise_row(promise, kept, number) for promise in promises),
        "",
        "## Runs",
        "",
        "| Run | Commit | Started, UTC | Took, s | Machine | Selected | Seed of hypothesis | Tests | Failed | Skipped |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_run_row(kept.runs[started], place) for started, place in number.items()),
        "",
        "## Random trials, by test",
        "",
        "| Test | Trials | What | Seconds | Run | Result |",
        "|---|---|---|---|---|---|",
        *(_trials_row(test, seen, number) for test, seen in kept.seen.items() if seen.counts),
    ]
    for title, bad in (("Failed", "failed"), ("Skipped: not shown to hold", "skipped")):
        named = [test for test, seen in kept.seen.items() if getattr(seen, bad)]
        if named:
            lines += ["", f"## {title}", "", *(f"- `{test}`" for test in named)]
    return "\n".join([*lines, ""])


def _promise_row(promise: Promise, kept: Kept, number: dict[str, int]) -> str:
    mine = {test: seen for test, seen in kept.seen.items() if test.startswith(promise.tests)}
    trials = sum(count.trials for seen in mine.values() for count in seen.counts)
    runs = ", ".join(str(place) for place in sorted({number[seen.run] for seen in mine.values()}))
    whole = all(any(test.startswith(name) for test in mine) for name in promise.tests)
    result = _result(list(mine.values()), whole=whole)
    where = ", ".join(f"`{name}`" for name in promise.tests)
    rows = sum(seen.rows for seen in mine.values())
    return f"| {promise.number} | {promise.words} | {where} ({rows}) | {trials:,} | {runs} | {result} |"


def _result(seen: Collection[Seen], *, whole: bool) -> str:
    """`held` only where every one of the promise's tests ran and passed."""
    if not seen:
        return "not run"
    if any(each.failed for each in seen):
        return "FAILED"
    return "held" if whole and not any(each.skipped for each in seen) else "only partly run"


def _run_row(run: Run, place: int) -> str:
    about = [place, f"`{run.commit}`", run.started, run.took, run.machine, f"`{_cell(run.selected)}`", run.seed]
    cells = [*about, run.tests, run.failed, run.skipped]
    return "| " + " | ".join(str(each) for each in cells) + " |"


def _trials_row(test: str, seen: Seen, number: dict[str, int]) -> str:
    what = [": ".join(part for part in (count.name, count.note) if part) for count in seen.counts]
    rows = f"{seen.rows} rows" if seen.rows > 1 else ""
    said = _cell("; ".join(part for part in (rows, *dict.fromkeys(what)) if part))
    trials = sum(count.trials for count in seen.counts)
    result = "FAILED" if seen.failed else "passed"
    return f"| `{_cell(test)}` | {trials:,} | {said} | {seen.seconds:.1f} | {number[seen.run]} | {result} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
