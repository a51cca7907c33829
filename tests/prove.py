"""`make prove`: every test with the full number of trials, and docs/proof.md from what was run, never typed in.

What a test counted comes from `tests.trials` (trials asked for, or recorded with a note) and from hypothesis (examples
that passed). The map from promises to tests stands here; a promise whose tests did not run is shown as not run.
Arguments are pytest's own, such as `tests/e2e`: what was run then replaces what was known of those tests.
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
from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.proof_kept import ROOT, Count, Row, Run, by_function, load, save
from tests.proof_page import Promise, page, worth_keeping

_PASSING = re.compile(r"(\d+) passing")


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
            "tests/unit/triggers/test_late_coding_in_counts.py",
            "tests/unit/triggers/test_coming_again.py",
            "tests/unit/triggers/test_waits.py",
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


@dataclass(slots=True, eq=False)  # pytest keeps its plug-ins in sets
class Collector:
    """A pytest plug-in that keeps what ran. `counted` are the lines of tests.trials."""

    tests: dict[str, Row] = field(default_factory=dict)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """After each phase of a test."""
        report = yield
        ran = self.tests.setdefault(item.nodeid, Row())
        ran.seconds += call.duration
        if report.outcome != "passed":
            ran.outcome = report.outcome
        if report.when == "call":
            said = str(getattr(item, "hypothesis_statistics", ""))
            ran.examples = sum(int(number) for number in _PASSING.findall(said))
        return report


def counts_of(lines: Iterable[Mapping[str, Any]], tests: Mapping[str, Row]) -> dict[str, list[Count]]:
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


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (" with uncommitted changes" if changed else "")


def main() -> int:
    """Run, keep and write; the exit status is pytest's. A run that is broken off keeps what it had run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "docs" / "proof.md", help="The page; kept beside it as JSON."
    )
    chosen, selected = parser.parse_known_args()
    seed = random.SystemRandom().randrange(2**32)
    collector, commit, began, started = Collector(), _commit(), time.monotonic(), datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="rp-proof-") as folder:
        counted = Path(folder) / "trials.jsonl"
        counted.touch()
        os.environ["REACHPOINT_PROOF"] = str(counted)
        os.environ["REACHPOINT_TRIALS"] = "full"
        status = pytest.main([f"--rootdir={ROOT}", f"--hypothesis-seed={seed}", *selected], plugins=[collector])
        lines = [json.loads(line) for line in counted.read_text().splitlines()]
    outcomes = Counter(row.outcome for row in collector.tests.values())
    run = Run(
        commit=commit,
        started=f"{started:%Y-%m-%d %H:%M:%S}",
        took=round(time.monotonic() - began),
        machine=f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        selected=" ".join(selected) or "everything",
        seed=seed,
        tests=len(collector.tests),
        failed=outcomes["failed"],
        skipped=outcomes["skipped"],
    )
    seen = by_function(run.started, collector.tests, counts_of(lines, collector.tests))
    found = {test: each for test, each in seen.items() if worth_keeping(test, each, PROMISES)}
    ledger: Path = chosen.out.with_suffix(".json")
    kept = load(ledger).with_run(run, found)
    save(kept, ledger)
    chosen.out.write_text(page(kept, PROMISES))
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
