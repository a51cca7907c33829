"""What the pages say is there: files, commands with their options, modules and functions, settings, metrics, routes."""

import importlib
import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from api.policy import ROUTE_ROLES
from service.cli import app
from service.metrics import Metrics
from service.reference import setting_names
from tests.unit.docs.pages import PAGES, ROOT, blocks, command_lines, links, name, spans

ROOMS = ("domain", "cohort", "triggers", "alerts", "streams", "api", "service", "fixtures")
COMMANDS = typer.main.get_command(app)
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=name)


@EVERY_PAGE
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if not link.startswith(("http://", "https://", "#", "mailto:")):
            target = page.parent / link.partition("#")[0]
            assert target.exists(), f"{name(page)} links to {link}"


@EVERY_PAGE
def test_every_path_named_is_there(page: Path) -> None:
    for span in spans(page):
        if re.fullmatch(r"(?:" + "|".join((*ROOMS, "tests", "docs", "requirements")) + r")/[\w./-]*", span):
            assert (ROOT / span).exists(), f"{name(page)} names {span}"


def fault_of(line: str) -> str:
    """What is wrong with a command line as a page shows it; '' if nothing is."""
    words = line.split()
    command = COMMANDS
    for word in words:
        if not isinstance(command, TyperGroup) or word.startswith("-"):
            break
        missing = [each for each in word.split("|") if each not in command.commands]
        if missing:
            return f"`reachpoint {line}`: there is no {', '.join(missing)}"
        command = command.commands[word.split("|")[0]]
    options = {"--help", *(option for parameter in command.params for option in parameter.opts)}
    unknown = [word for word in re.findall(r"--[a-z][a-z-]*", line) if word not in options]
    return f"`reachpoint {line}`: there is no {', '.join(unknown)}" if unknown else ""


@EVERY_PAGE
def test_every_command_named_is_there(page: Path) -> None:
    assert [fault for line in command_lines(page) if (fault := fault_of(line))] == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("demo --serve", ""),
        ("quarantine list|show|replay", ""),
        ("cohort import FILE --replace", ""),
        ("escalate", "no such command"),
        ("quarantine burn", "no such command of the group"),
        ("quarantine list|burn", "one of several is not there"),
        ("demo --slowly", "no such option"),
        ("cohort import FILE --navigators", "an option of another command"),
    ],
)
def test_a_wrong_command_would_be_found(line: str, why: str) -> None:
    assert bool(fault_of(line)) is bool(why)


def known(dotted: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part, None) or getattr(found, "__dataclass_fields__", {}).get(part)
            if found is None:
                return False
        return True
    return False


@EVERY_PAGE
def test_every_module_function_and_setting_named_is_there(page: Path) -> None:
    for span in spans(page):
        if re.fullmatch(
            r"(?:" + "|".join((*ROOMS, "store", "mllp", "feeds", "match", "rules", "log")) + r")(?:\.\w+)+", span
        ):
            setting = span in setting_names()
            assert setting or span.endswith((".toml", ".md", ".yaml")) or known(span), f"{name(page)} names {span}"


@EVERY_PAGE
def test_every_function_in_a_picture_is_there(page: Path) -> None:
    for picture in blocks(page, "text"):
        for dotted in re.findall(r"\b(?:" + "|".join(ROOMS) + r")(?:\.[a-z_]\w*)+(?:\.[A-Z]\w+(?:\.\w+)?)?", picture):
            assert known(dotted), f"{name(page)} names {dotted}"


@EVERY_PAGE
def test_every_metric_named_is_there(page: Path) -> None:
    served = {sample.name for family in Metrics().registry.collect() for sample in family.samples}
    families = {family.name for family in Metrics().registry.collect()}
    known_names = served | families | {f"{family}_total" for family in families}
    known_names |= {f"{family}_{end}" for family in families for end in ("bucket", "count", "sum")}
    for metric in re.findall(r"\breachpoint_\w+", page.read_text(encoding="utf-8")):
        assert metric in known_names, f"{name(page)} names {metric}"


@EVERY_PAGE
def test_every_route_named_is_there(page: Path) -> None:
    templates = {re.sub(r"\{\w+\}", "{}", path) for _, path in ROUTE_ROLES}
    for span in spans(page):
        for path in re.findall(r"/v1/[\w/{}-]+", span):
            assert re.sub(r"\{\w+\}", "{}", path) in templates, f"{name(page)} names {path}"
