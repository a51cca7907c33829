"""How many random trials to run: all of them under `make prove`, a tenth under `make test`."""

import os


def trials(full: int) -> int:
    """`full` when REACHPOINT_TRIALS=full, else a tenth of it (at least 10)."""
    return full if os.environ.get("REACHPOINT_TRIALS") == "full" else max(10, full // 10)
