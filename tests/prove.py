"""`make prove`: every test with the full number of trials, and docs/proof.md from what was run, never typed in.

What a test counted comes from `tests.trials` (trials asked for, or recorded with a note) and from hypothesis (examples
that passed). The map from promises to tests stands here; a promise whose tests did not run is shown as not run.
Arguments are pytest's own, such as `tests/e2e`; the report then says what was selected.
"""

import argparse
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
_PASSING = re.compile(r"(\d+) passing")


@dataclass(frozen=True, slots=True)
class Promise:
    """What we promise (numbers as in the table of promises), and the beginnings of the ids of its tests."""

    number: str
    words: str
    tests: tuple[str, ...]


PROMISES = (
    Promise("", "The main job runs end to end, from real feeds to phone and mail", ("tests/e2e/test_main_job.py",)),
    Promise("1, 11", "No accepted event is lost by kill -9 at random moments", ("tests/e2e/test_kill.py::test_kill",)),
    Promise("2", "A power cut loses nothing that was acknowledged", ("tests/e2e/test_power.py::test_a_power",)),
    Promise("2", "Control: the same cut with `everysec` loses", ("tests/e2e/test_power.py::test_control",)),
    Promise("3", "No alert is lost", ("tests/e2e/test_kill.py::test_kill", "tests/contract/test_dispatch.py")),
    Promise(
        "4",
        "A repeat carries the same reference and says so; no alert twice",
        ("tests/e2e/test_kill.py", "tests/contract/test_alert_store.py"),
    ),
    Promise(
        "5",
        "Shuffled, doubled, delayed or split events give the same alerts",
        ("tests/unit/triggers/test_order_of_arrival.py", "tests/scenarios/test_orders.py"),
    ),
    Promise("5, 6", "Rule tests: firing, edges, late, corrected, retracted", ("tests/scenarios/test_rule_tests.py",)),
    Promise(
        "20",
        "A rule that matches everyone floods nobody and drops nothing; one that falls silent is found",
        (
            "tests/unit/alerts/test_breaker.py",
            "tests/unit/service/test_quieting.py",
            "tests/unit/service/test_rule_watch.py",
            "tests/e2e/test_quiet.py",
        ),
    ),
    Promise(
        "21",
        "No snooze outlives its end, nobody quiets a P1 alone, nothing is kept quiet without a record",
        (
            "tests/unit/alerts/test_snooze.py",
            "tests/unit/streams/test_sifting.py",
            "tests/unit/api/test_quiet.py",
            "tests/contract/test_quiet.py",
        ),
    ),
    Promise(
        "5, 6",
        "The incremental evaluator against a plain one that is obviously right",
        (
            "tests/unit/triggers/test_oracle.py",
            "tests/unit/triggers/test_forms_oracle.py",
            "tests/unit/triggers/test_late_coding.py",
        ),
    ),
    Promise(
        "20", "A bad rule file never acts, and says why", ("tests/unit/triggers/test_bad_files_by_the_thousand.py",)
    ),
    Promise(
        "20",
        "Rules published under load: each event by one version that was live",
        ("tests/contract/test_rule_reload.py",),
    ),
    Promise("20", "A backtest says what the live run said", ("tests/contract/test_backtest_live.py",)),
    Promise(
        "4, 12",
        "Two workers killed, frozen, joined and left: nothing lost, no alert twice, the zombie refused",
        ("tests/e2e/test_region_chaos.py", "tests/contract/test_kafka_zombie.py", "tests/contract/test_kafka_races.py"),
    ),
    Promise("10", "Broker and store away: no false 2xx, and work goes on", ("tests/e2e/test_region_outages.py",)),
    Promise(
        "38", "Both engines agree", ("tests/contract/test_kafka_equality.py", "tests/scenarios/test_kafka_engine.py")
    ),
    Promise("7", "Recognition: brute force, twins, vetoes, updates, both stores", ("tests/unit/cohort/",)),
    Promise(
        "8, 25", "Bad input: no crash, no lost neighbour, each refusal with a reason", ("tests/unit/streams/feeds/",)
    ),
    Promise("8, 25", "Bad input over the real doors: neighbours are decided", ("tests/e2e/test_bad_input.py",)),
    Promise("8", "What makes us fail is set aside and taken again once mended", ("tests/e2e/test_poison.py",)),
    Promise("33", "Nothing that leaves names anybody: planted canaries", ("tests/e2e/test_canary.py",)),
    Promise("", "The command line does what its help says", ("tests/e2e/test_commands.py",)),
    Promise("9", "Provider faults: retried, bounded, recognisable", ("tests/contract/test_dispatch.py",)),
    Promise(
        "10",
        "A dying store: no false acknowledgement, recovery or a clear end",
        ("tests/e2e/test_kill.py::test_any_part", "tests/e2e/test_kill.py::test_a_store"),
    ),
    Promise("24", "The API keeps to its own document", ("tests/contract/test_api_schema.py",)),
    Promise("", "One contract for the twins in memory and on Valkey", ("tests/contract/",)),
)


@dataclass(slots=True)
class Ran:
    """One test as it ran."""

    outcome: str = "passed"
    seconds: float = 0.0
    examples: int = 0


@dataclass(slots=True, eq=False)  # pytest keeps its plug-ins in sets
class Collector:
    """A pytest plug-in that keeps what ran. `counted` are the lines of tests.trials."""

    tests: dict[str, Ran] = field(default_factory=dict)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """After each phase of a test."""
        report = yield
        ran = self.tests.setdefault(item.nodeid, Ran())
        ran.seconds += call.duration
        if report.outcome != "passed":
            ran.outcome = report.outcome
        if report.when == "call":
            said = str(getattr(item, "hypothesis_statistics", ""))
            ran.examples = sum(int(number) for number in _PASSING.findall(said))
        return report


@dataclass(frozen=True, slots=True)
class Count:
    """Trials of one test under one name."""

    trials: int
    name: str = ""
    note: str = ""


def counts_of(lines: Iterable[Mapping[str, Any]], tests: Mapping[str, Ran]) -> dict[str, list[Count]]:
    """By test: what it recorded, else what it asked for; and hypothesis' examples where there are any."""
    recorded: dict[str, list[Count]] = {}
    asked: dict[str, int] = {}
    for line in lines:
        if line["name"]:
            recorded.setdefault(line["test"], []).append(Count(line["trials"], line["name"], line["note"]))
        else:
            asked[line["test"]] = asked.get(line["test"], 0) + line["trials"]
    found: dict[str, list[Count]] = {}
    for test, ran in tests.items():
        own = recorded.get(test) or ([Count(asked[test])] if test in asked and not ran.examples else [])
        examples = [Count(ran.examples, "generated cases")] if ran.examples else []
        if own or examples:
            found[test] = [*own, *examples]
    return found


def report(tests: Mapping[str, Ran], counts: Mapping[str, Sequence[Count]], run: Mapping[str, str]) -> str:
    """docs/proof.md."""
    bad = [test for test, ran in tests.items() if ran.outcome == "failed"]
    skipped = [test for test, ran in tests.items() if ran.outcome == "skipped"]
    lines = [
        "# Proof",
        "",
        "Written by `make prove` from what it ran; nothing here is typed in. Promise numbers are those of our table of",
        "promises. Figures are of this one run on this one machine.",
        "",
        *(f"- {name}: {value}" for name, value in run.items()),
        f"- tests: {len(tests)} run, {len(bad)} failed, {len(skipped)} skipped",
        "",
        "## Promises",
        "",
        "| No. | Promise | Tests | Random trials | Result |",
        "|---|---|---|---|---|",
        *(_promise_row(promise, tests, counts) for promise in PROMISES),
        "",
        "## Random trials, by test",
        "",
        "| Test | Trials | What | Seconds | Result |",
        "|---|---|---|---|---|",
    ]
    lines += [_trials_row(test, own, counts, tests) for test, own in _by_function(counts).items()]
    if bad:
        lines += ["", "## Failed", "", *(f"- `{test}`" for test in bad)]
    if skipped:
        lines += ["", "## Skipped: not shown to hold", "", *(f"- `{test}`" for test in skipped)]
    return "\n".join([*lines, ""])


def _by_function(counts: Mapping[str, Sequence[Count]]) -> dict[str, list[str]]:
    """The tests that counted, their rows gathered under the function's own id."""
    found: dict[str, list[str]] = {}
    for test in sorted(counts):
        found.setdefault(test.partition("[")[0], []).append(test)
    return found


def _trials_row(
    function: str, own: Sequence[str], counts: Mapping[str, Sequence[Count]], tests: Mapping[str, Ran]
) -> str:
    mine = [count for test in own for count in counts[test]]
    what = dict.fromkeys(": ".join(part for part in (count.name, count.note) if part) for count in mine)
    rows = f"{len(own)} rows" if len(own) > 1 else ""
    said = _cell("; ".join(part for part in (rows, *what) if part))
    seconds = sum(tests[test].seconds for test in own)
    result = "FAILED" if any(tests[test].outcome == "failed" for test in own) else "passed"
    return f"| `{_cell(function)}` | {sum(count.trials for count in mine):,} | {said} | {seconds:.1f} | {result} |"


def _promise_row(promise: Promise, tests: Mapping[str, Ran], counts: Mapping[str, Sequence[Count]]) -> str:
    mine = [test for test in tests if test.startswith(promise.tests)]
    trials = sum(count.trials for test in mine for count in counts.get(test, ()))
    outcomes = {tests[test].outcome for test in mine}
    whole = all(any(test.startswith(name) for test in mine) for name in promise.tests)
    result = _result(outcomes, whole=whole)
    where = ", ".join(f"`{name}`" for name in promise.tests)
    return f"| {promise.number} | {promise.words} | {where} ({len(mine)}) | {trials:,} | {result} |"


def _result(outcomes: Collection[str], *, whole: bool) -> str:
    """`held` only where every one of the promise's tests ran and passed."""
    if not outcomes:
        return "not run"
    if "failed" in outcomes:
        return "FAILED"
    return "held" if whole and "skipped" not in outcomes else "only partly run"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (" with uncommitted changes" if changed else "")


def main() -> int:
    """Run and write; the exit status is pytest's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "proof.md")
    chosen, selected = parser.parse_known_args()
    seed = random.SystemRandom().randrange(2**32)
    collector, began, started = Collector(), time.monotonic(), datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="rp-proof-") as folder:
        counted = Path(folder) / "trials.jsonl"
        counted.touch()
        os.environ["REACHPOINT_PROOF"] = str(counted)
        os.environ["REACHPOINT_TRIALS"] = "full"
        status = pytest.main([f"--rootdir={ROOT}", f"--hypothesis-seed={seed}", *selected], plugins=[collector])
        lines = [json.loads(line) for line in counted.read_text().splitlines()]
    run = {
        "commit": _commit(),
        "started": f"{started:%Y-%m-%d %H:%M} UTC, took {time.monotonic() - began:.0f} s",
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "selected": " ".join(selected) or "everything",
        "hypothesis seed": str(seed),
    }
    chosen.out.write_text(report(collector.tests, counts_of(lines, collector.tests), run))
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
