"""The rule tests of a file, read once: several tests go through all of them, and every worker of pytest names each."""

from functools import cache
from pathlib import Path

from triggers.scenarios import Scenario, read_scenarios


@cache
def scenarios_in(file: Path) -> tuple[Scenario, ...]:
    """They do not change, and cannot be changed."""
    return read_scenarios(file.read_bytes())
