"""Tables for people, at the width of a common terminal and through a pipe."""

import io

import pytest
from rich.console import Console

from service.terminal import table

LONGEST = "A" * 20 + "_" + "B" * 19
"""Forty characters: the longest name that a rule may have."""
COLUMNS = ["rule", "firings", "alerts", "taken back", "told late", "heard too late", "firings before"]


@pytest.mark.parametrize("name", ["ED_WEAPON_ASSAULT", LONGEST])
@pytest.mark.parametrize("terminal", [True, False])
def test_a_rules_name_stands_whole_at_eighty_columns(name: str, terminal: bool) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=80, force_terminal=terminal, color_system=None)
    console.print(table("By rule", COLUMNS, [(name, 116, 71, 0, 30, 23, 1_160)], right=COLUMNS[1:]))
    shown = stream.getvalue()
    assert name in shown
    assert all(number in shown.replace(" ", "") for number in ("116", "71", "30", "23"))
    assert all(len(line) <= 80 for line in shown.splitlines())
