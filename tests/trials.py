"""How many random trials to run, and what came of them: all of them under `make prove`, a tenth under `make test`."""

import json
import os
from pathlib import Path


def trials(full: int) -> int:
    """`full` when REACHPOINT_TRIALS=full, else a tenth of it (at least 10)."""
    return full if os.environ.get("REACHPOINT_TRIALS") == "full" else max(10, full // 10)


def record(name: str, count: int, note: str = "") -> None:
    """Tell `make prove` what a test counted: trials, and what was seen in them. Nothing is kept without it."""
    file = os.environ.get("REACHPOINT_PROOF")
    if not file:
        return
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" ", 1)[0]
    with Path(file).open("a") as lines:
        lines.write(json.dumps({"test": test, "name": name, "trials": count, "note": note}) + "\n")
