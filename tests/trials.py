"""How many random trials to run, and what came of them: all of them under `make prove`, a tenth under `make test`."""

import json
import os
from pathlib import Path


def trials(full: int) -> int:
    """`full` when REACHPOINT_TRIALS=full, else a tenth of it (at least 10)."""
    number = full if os.environ.get("REACHPOINT_TRIALS") == "full" else max(10, full // 10)
    _keep("", number, "")
    return number


def record(name: str, count: int, note: str = "") -> None:
    """Tell `make prove` what a test counted: trials, and what was seen in them. Nothing is kept without it."""
    _keep(name, count, note)


def _keep(name: str, count: int, note: str) -> None:
    file, test = os.environ.get("REACHPOINT_PROOF"), os.environ.get("PYTEST_CURRENT_TEST")
    if file and test:  # while a module is being imported no test runs: a decorator's number is counted by hypothesis
        line = {"test": test.rsplit(" ", 1)[0], "name": name, "trials": count, "note": note}
        with Path(file).open("a") as lines:
            lines.write(json.dumps(line) + "\n")
