"""`make prove` runs tests of rooms that have settings of their own beside tests that have none, and keeps what was
shown before of the tests that it does not run."""

import subprocess
import sys
from pathlib import Path

from tests.proof_kept import Count, Kept, Row, Run, Seen, by_function, load, save
from tests.proof_page import Promise, page

ROOT = Path(__file__).parents[3]
CHOSEN = (
    "tests/contract/test_api_keys.py::test_a_key_is_made_once[memory]",  # its folder has a conftest
    "tests/unit/alerts/test_breaker.py",  # and this one's has none
)
HERE = "tests/unit/docs/test_prove.py::"
MORNING, NIGHT = (Run("abc", f"2026-11-21 0{hour}:00:00", 9, "2 cores", "tests", 1) for hour in (1, 9))


def test_a_report_is_written_whatever_rooms_are_chosen(tmp_path: Path) -> None:
    out = tmp_path / "proof.md"
    done = subprocess.run(
        [sys.executable, "-m", "tests.prove", "--out", str(out), "-q", "-p", "no:cacheprovider", *CHOSEN],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    kept = load(out.with_suffix(".json"))
    (run,) = kept.runs.values()
    assert run.tests > len(kept.seen) > 5 and (run.failed, run.skipped) == (0, 0)
    assert not any(seen.failed or seen.skipped for seen in kept.seen.values())
    assert "| 20 | A rule that matches everyone" in out.read_text()


def test_a_part_replaces_what_was_known_of_it_and_nothing_else(tmp_path: Path) -> None:
    first, second = (
        HERE + "test_a_report_is_written_whatever_rooms_are_chosen",
        HERE + "test_a_promise_is_held_only_where_all_its_tests_passed",
    )
    gone = HERE + "test_that_was_renamed"
    morning = by_function(
        MORNING.started,
        {f"{first}[a]": Row(seconds=2), f"{first}[b]": Row("failed", 3), gone: Row()},
        {f"{first}[a]": [Count(10)], f"{first}[b]": [Count(10)]},
    )
    kept = Kept().with_run(MORNING, {first: morning[first], gone: Seen(MORNING.started, 1, 0, 0, 0.0)})
    assert kept.seen[first] == Seen(MORNING.started, 2, 1, 0, 5.0, (Count(20),))

    later = kept.with_run(NIGHT, by_function(NIGHT.started, {second: Row()}, {}))
    assert set(later.seen) == {first, second}, "what is no more is forgotten; what was not run stands"
    assert later.seen[first].run == MORNING.started and len(later.runs) == 2

    mended = later.with_run(NIGHT, by_function(NIGHT.started, {first: Row()}, {}))
    assert mended.seen[first].failed == 0 and list(mended.runs) == [NIGHT.started]

    save(later, tmp_path / "proof.json")
    assert load(tmp_path / "proof.json") == later


def test_a_promise_is_held_only_where_all_its_tests_passed() -> None:
    def says(*seen: tuple[str, Seen]) -> str:
        rows = page(Kept({MORNING.started: MORNING}, dict(seen)), [Promise("1", "It holds", ("a::", "b::"))])
        return next(line for line in rows.splitlines() if "It holds" in line).split("|")[-2].strip()

    good, bad, left = (Seen(MORNING.started, 1, *counts, 0.1) for counts in ((0, 0), (1, 0), (0, 1)))
    assert says() == "not run"
    assert says(("a::t", good)) == "only partly run"
    assert says(("a::t", good), ("b::t", left)) == "only partly run"
    assert says(("a::t", good), ("b::t", good)) == "held"
    assert says(("a::t", good), ("b::t", bad)) == "FAILED"
