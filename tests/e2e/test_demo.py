"""`reachpoint demo` as a stranger runs it: it ends, it is right, and it prints what the README shows.

Its exit status is 1 where a true moment was missed and nothing explains it, or something was told without ground
(tests/unit/service/demo has each case): a defect of the service shows here as one of the truth.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text()
SHOWN = README.partition("```text\n")[2].partition("```")[0]
COMMAND = [sys.executable, "-c", "from service.cli import main; main()", "demo", "--members", "60"]


def demo(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "COLUMNS": "106"},
    )


@pytest.fixture(scope="module")
def played() -> subprocess.CompletedProcess[str]:
    """With --json: what people read is on standard error, where it otherwise is on standard output."""
    return demo("--events", "2000", "--seed", "7", "--json")


@pytest.fixture(scope="module")
def page(played: subprocess.CompletedProcess[str]) -> str:
    return played.stderr


def test_the_demo_ends_with_nothing_missed_that_it_cannot_explain(
    played: subprocess.CompletedProcess[str], page: str
) -> None:
    assert played.returncode == 0, page[-4000:]
    assert "the books balance" in page
    assert "NOTHING EXPLAINS IT" not in page


def headings(page: str) -> set[str]:
    """Titles of tables and panels; addresses and numbers in them are of one run."""
    panels = re.findall(r"^╭─ (.*?) ─*╮$", page, re.MULTILINE)
    tables = re.findall(r"^(\S.*\S)\s*\n┏", page, re.MULTILINE)
    return {re.sub(r"\S*\d\S*", "N", title) for title in (*panels, *tables)}


def test_the_readme_shows_what_is_printed(page: str) -> None:
    assert len(headings(SHOWN)) >= 5
    assert headings(SHOWN) <= headings(page)
    columns = [re.split(r"\s*┃\s*", line.strip(" ┃")) for line in SHOWN.splitlines() if line.startswith("┃")]
    for names in columns:
        assert all(name in page for name in names), names


def in_words(page: str) -> str:
    """What a panel says, whatever the numbers, their units and where its lines break."""
    plain = re.sub(r"\s+", " ", page.replace("│", " "))
    return re.sub(r"\d[\d.,]*\d|\d", "N", plain).replace("N ms", "N s")


def test_the_readmes_verdict_is_in_todays_words(page: str) -> None:
    verdict = SHOWN.partition("was it right?")[2].splitlines()[1:]
    lines = [line for line in verdict if line.startswith("│ ") and not line.startswith("│  ")]
    assert len(lines) >= 4
    for line in lines:
        assert in_words(line).strip() in in_words(page), line


def test_a_machine_reads_the_same(played: subprocess.CompletedProcess[str], page: str) -> None:
    told = json.loads(played.stdout)
    assert told["sound"] and told["balanced"] and told["in_flight"] == 0
    assert sum(told["received"].values()) > 0
    assert all(miss["why"] and miss["words"] for miss in told["not_told"])
    accepted, moments = sum(told["accepted"].values()), told["true_moments"]
    assert f"{accepted} accepted = {accepted} disposed" in page
    assert f"{moments - len(told['not_told'])} of {moments} true moments told" in page
