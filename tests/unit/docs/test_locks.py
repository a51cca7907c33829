"""What is installed is pinned by hash from any registry, and the tree knows neither this machine nor one registry."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.docs.pages import ROOT, name

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
_OURS = {".md", ".py", ".toml", ".lock", ".yaml", ".yml", ".json", ".ndjson", ".csv", ".hl7", ".lua", ".sh", ""}
_NOT_OURS = {".git", ".venv", "dist", "build", "var", "demo-data", "node_modules"}
_HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org")
_MACHINE = "/" + "work" + "/"


def requirements(lock: Path) -> list[str]:
    """One text per requirement with all its continuation lines."""
    joined = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("lock", LOCKS, ids=name)
def test_every_requirement_is_one_version_with_hashes(lock: Path) -> None:
    found = requirements(lock)
    assert found
    for requirement in found:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


@pytest.mark.parametrize("lock", LOCKS, ids=name)
def test_a_lock_names_no_address(lock: Path) -> None:
    assert "://" not in lock.read_text(encoding="utf-8")


def test_both_locks_are_there_and_agree_on_versions() -> None:
    runtime, dev = (
        {
            line.split("==")[0].strip(): line.split("==")[1].split()[0]
            for line in requirements(ROOT / "requirements" / file)
        }
        for file in ("runtime.lock", "dev.lock")
    )
    assert {package: dev.get(package) for package in runtime} == runtime


def files() -> Iterator[Path]:
    """Every text file of ours; hidden folders of tools and whatever .gitignore leaves out are not."""
    for folder, inside, names in os.walk(ROOT):
        inside[:] = [
            each
            for each in inside
            if each not in _NOT_OURS and not each.endswith(("cache", "cache__", ".egg-info")) and each != ".hypothesis"
        ]
        yield from (Path(folder) / each for each in names if Path(each).suffix in _OURS)


def test_the_tree_knows_no_path_of_one_machine_and_no_registry() -> None:
    read = 0
    for file in files():
        text = file.read_text(encoding="utf-8", errors="replace")
        read += 1
        for word in (_MACHINE, *_HOSTS):
            assert word not in text, f"{name(file)} names {word}"
    assert read > 200
