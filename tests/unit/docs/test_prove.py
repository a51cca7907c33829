"""`make prove` runs tests of rooms that have settings of their own beside tests that have none."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
CHOSEN = (
    "tests/contract/test_api_keys.py::test_a_key_is_made_once[memory]",  # its folder has a conftest
    "tests/unit/alerts/test_breaker.py",  # and this one's has none
)


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
    assert "0 failed" in out.read_text()
