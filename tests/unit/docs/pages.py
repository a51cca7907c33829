"""The pages that people read, and what stands in them as code."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = tuple(sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.S | re.M)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return [body for found, body in _FENCE.findall(page.read_text(encoding="utf-8")) if found == language]


def spans(page: Path) -> list[str]:
    """The inline code outside fenced blocks; `\\|` of tables is `|`."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return [found.replace("\\|", "|") for found in _SPAN.findall(text)]


def links(page: Path) -> list[str]:
    """The targets of links outside fenced blocks."""
    return _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))


def command_lines(page: Path) -> list[str]:
    """Everything after `reachpoint ` in code: spans, and lines of shell blocks."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()] + spans(page)
    return [found for line in lines for found in re.findall(r"(?:^|[\s/])reachpoint ([a-z][^#\n]*)", line)]
