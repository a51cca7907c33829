"""`reachpoint rules list | show | diff | submit | ...`: the rule book from the machine itself.

Who acts is the user of the operating system, or whoever holds the key of `--as-key`: a second person needs one of
the two of their own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.markup import escape

from service.commands.rules import rules
from service.commands.rules_shown import (
    live_span,
    london,
    print_differences,
    print_killed,
    print_shadow,
    print_standing,
    tell_refusal,
)
from service.terminal import FAULTS, AsJson, Config, Data, err, out, run, settings_for, show_json, table

if TYPE_CHECKING:
    from triggers.lifecycle_desk import RuleDesk
    from triggers.lifecycle_values import Contents, Kill, Person, Refusal, RuleText, Standing

__all__ = ["rules"]

_T = TypeVar("_T")

Number = Annotated[int, typer.Argument(min=1, help="The version's number.")]
Seen = Annotated[int | None, typer.Argument(min=1, help="The version's number; default: the live one.")]
AsKey = Annotated[Path | None, typer.Option("--as-key", help="Act as the holder of the supervisor's key in this file.")]
Why = Annotated[str, typer.Option("--reason", help="Why, in one line; kept, and told to all supervisors.")]
Note = Annotated[str, typer.Option("--reason", help="A word on it, in one line.")]


@dataclass(frozen=True, slots=True)
class _At:
    """The desk, who acts at it, and what the settings pin."""

    desk: "RuleDesk"
    person: "Person"
    pinned: bool


@asynccontextmanager
async def _desk(config: Path | None, data: Path | None, key: Path | None = None) -> AsyncIterator[_At]:
    from api.keys import AccessRole
    from domain.clock import SystemClock
    from service.commands.acting import acting
    from service.rulebook import ensure_book
    from service.rulebook_keeping import rule_book, rule_desk
    from service.wiring import reach_store
    from triggers.loading import load_rules_file

    settings, clock = settings_for(config, data), SystemClock()
    pinned = load_rules_file(settings.rules.file) if settings.rules.file else None
    async with reach_store(settings) as client:
        if pinned is None:
            await ensure_book(rule_book(client), clock.now(), offer=False)
        person = await acting(client, key, AccessRole.SUPERVISOR, clock.now())
        yield _At(rule_desk(client, clock, pinned=pinned), person, pinned is not None)


def _ask(
    config: Path | None,
    data: Path | None,
    key: Path | None,
    *,
    json: bool,
    what: Callable[[_At], Awaitable[_T]],
    tell: Callable[[_T], int],
) -> None:
    """Do one thing to the book and tell what came of it; the exit status is what `tell` answers. A refusal is told with
    all that is missing: status 1."""
    from triggers.lifecycle_desk import RuleRefused

    async def work() -> int:
        async with _desk(config, data, key) as at:
            try:
                done = await what(at)
            except RuleRefused as refused:
                tell_refusal(refused, json=json)
                return FAULTS
        return tell(done)

    raise typer.Exit(run(work))


def _act(
    config: Path | None,
    data: Path | None,
    key: Path | None,
    *,
    json: bool,
    what: Callable[[_At], Awaitable["Standing"]],
) -> None:
    """Do one thing to a version and tell where it stands then."""

    async def stands(at: _At) -> "tuple[Standing, tuple[Refusal, ...]]":
        standing = await what(at)
        return standing, await at.desk.missing(standing.number) if standing.live_since is None else ()

    def tell(found: "tuple[Standing, tuple[Refusal, ...]]") -> int:
        standing, missing = found
        if json:
            show_json({"version": standing, "missing": missing})
        else:
            print_standing(standing, [each.value for each in missing])
        faults = standing.check is not None and (standing.check.faults or standing.check.failed)
        return FAULTS if standing.state.value == "draft" and faults else 0

    _ask(config, data, key, json=json, what=stands, tell=tell)


@rules.command("list")
def list_versions(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = 20,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Every version there ever was: where it stands, who made it, who approved it, when it was live."""

    async def work() -> None:
        async with _desk(config, data) as at:
            book, killed = await at.desk.book(), await at.desk.killed()
        shown = sorted(book.standings.values(), key=lambda each: -each.number)[:limit]
        if json:
            told = {"live": book.head.live, "shadow": book.head.shadow, "pinned": at.pinned}
            show_json({**told, "versions": shown, "switched_off": killed})
            return
        columns = ["no.", "state", "note", "by", "approved", "live (London)"]
        rows = [
            (
                each.number,
                each.state.value,
                escape(each.note),
                escape(each.author),
                escape(each.approved_by),
                live_span(each),
            )
            for each in shown
        ]
        shown_as = table(f"{len(book.standings)} versions", columns, rows, right=["no."])
        shown_as.columns[-1].no_wrap = True
        out.print(shown_as)
        print_killed(killed)
        if at.pinned:
            err.print("The rules are pinned to a file (rules.file): the service decides by that, not by these.")

    run(work)


@rules.command("show")
def show_version(
    number: Seen = None,
    text: Annotated[
        str, typer.Option("--text", help="Print the file of this rule set as written (tipt), and nothing else.")
    ] = "",
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """One version: what checking and backtest found, what it still lacks, and everything that happened to it."""

    async def work() -> None:
        async with _desk(config, data) as at:
            chosen = await _number(at, number)
            standing, version = await at.desk.standing(chosen), await at.desk.version(chosen)
            missing = await at.desk.missing(chosen) if standing.live_since is None else ()
        if json:
            show_json({"version": standing, "missing": missing, "contents": version.contents})
        elif text:
            for file in _named(version.contents, text):
                out.print(file.text, markup=False, soft_wrap=True, end="")
        else:
            print_standing(standing, [each.value for each in missing])
            steps = [
                (london(step.at), step.did.value.replace("_", " "), escape(step.by), escape(step.reason))
                for step in standing.steps
            ]
            out.print(table("What happened", ["when (London)", "what", "by", "why"], steps))

    run(work)


@rules.command("diff")
def diff(
    which: Annotated[str, typer.Argument(help="A version's number, or a rule file that is not submitted yet.")],
    against: Annotated[int | None, typer.Option(min=1, help="A version; default: the live one.")] = None,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """What it says differently, in plain sentences: rules, and words of reference lists."""
    from triggers.lifecycle_contents import compared

    async def work() -> int:
        async with _desk(config, data) as at:
            new, other = await _contents(at, which, against)
            old = (await at.desk.version(other)).contents
        found = compared(old, new)
        if json:
            show_json({"against": other, "differences": found.differences, "faults": found.faults})
        else:
            print_differences(found.differences, found.faults, other)
        return FAULTS if found.faults else 0

    raise typer.Exit(run(work))


@rules.command("submit")
def submit(
    file: Annotated[Path, typer.Argument(help="The rule file. It takes the place of the live file of its rule set.")],
    note: Annotated[str, typer.Option(help="What it is for, in one line.")],
    author: Annotated[str, typer.Option(help="Who wrote it, if not you.")] = "",
    tests: Annotated[
        list[Path] | None, typer.Option(help="Rule tests: files or folders; default: the live ones.")
    ] = None,
    reference: Annotated[Path | None, typer.Option(help="Reference lists; default: the live ones.")] = None,
    as_key: AsKey = None,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Make a draft of a rule file and check it at once, with its rule tests."""

    text = file.read_text("utf-8")
    lists = reference.read_text("utf-8") if reference else None
    cases = _tests(tests or ())
    _act(
        config,
        data,
        as_key,
        json=json,
        what=lambda at: at.desk.submit(
            text, note, at.person, author=author, reference=lists, tests=cases, name=file.stem
        ),
    )


@rules.command("backtested")
def backtested(
    number: Number,
    result: Annotated[Path, typer.Argument(help="What `reachpoint rules backtest --json` has written.")],
    as_key: AsKey = None,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Hand in the result of a backtest. It must be of these very rules."""
    from service.backtest_told import read_backtest

    told = read_backtest(result.read_bytes())
    _act(config, data, as_key, json=json, what=lambda at: at.desk.backtest(number, told, at.person))


@rules.command("shadow")
def shadow(
    number: Annotated[int | None, typer.Argument(min=1, help="Run this version in shadow; none: what it says.")] = None,
    end: Annotated[bool, typer.Option("--end", help="No version runs in shadow any more.")] = False,
    as_key: AsKey = None,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Run a version beside the live one without alerts, or show what it says differently."""
    if number is not None:
        _act(config, data, as_key, json=json, what=lambda at: at.desk.shadow(number, at.person))
    if end:
        _act(config, data, as_key, json=json, what=lambda at: at.desk.end_shadow(at.person))

    async def work() -> int:
        async with _desk(config, data) as at:
            report = await at.desk.report()
        if json:
            show_json(report)
        elif report is None:
            out.print("No version runs in shadow.")
        else:
            print_shadow(report)
        return 0 if report else FAULTS

    raise typer.Exit(run(work))


@rules.command("approve")
def approve(
    number: Number,
    reason: Note = "",
    as_key: AsKey = None,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Say, as another person than its author and than who submitted it, that it may go live."""
    _act(config, data, as_key, json=json, what=lambda at: at.desk.approve(number, at.person, reason))


@rules.command("publish")
def publish(
    number: Number,
    reason: Note = "",
    as_key: AsKey = None,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Put it live, between two events. Tells everything that is still missing instead, if anything is."""
    _act(config, data, as_key, json=json, what=lambda at: at.desk.publish(number, at.person, reason))


@rules.command("withdraw")
def withdraw(
    number: Number, reason: Why, as_key: AsKey = None, config: Config = None, data: Data = None, json: AsJson = False
) -> None:
    """This version will not go live."""
    _act(config, data, as_key, json=json, what=lambda at: at.desk.withdraw(number, at.person, reason))


@rules.command("roll-back")
def roll_back(
    reason: Why,
    number: Annotated[int | None, typer.Argument(min=1, help="The version to take back; it must be live.")] = None,
    as_key: AsKey = None,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Take the live version back in one step: the one before it is live again. All supervisors are told."""

    async def what(at: _At) -> "Standing":
        return await at.desk.roll_back(await _number(at, number), at.person, reason)

    _act(config, data, as_key, json=json, what=what)


@rules.command("kill")
def kill(
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
    reason: Why,
    as_key: AsKey = None,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Switch one rule off at once, for a day unless a second person confirms it. All supervisors are told."""
    _switch(config, data, as_key, json=json, what=lambda at: at.desk.kill(rule, at.person, reason))


@rules.command("confirm")
def confirm(
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
    as_key: AsKey = None,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Agree, as a second person, that a rule stays switched off for 30 days."""
    _switch(config, data, as_key, json=json, what=lambda at: at.desk.confirm_kill(rule, at.person))


@rules.command("revive")
def revive(
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
    reason: Note = "",
    as_key: AsKey = None,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Switch a rule on again. What happened meanwhile does not fire for it later."""
    _switch(config, data, as_key, json=json, what=lambda at: at.desk.revive(rule, at.person, reason))


def check_version(number: int, config: Path | None, data: Path | None, *, json: bool) -> None:
    """`rules check 7`: read the version's files and run its rule tests, with the release that is installed now."""
    _act(config, data, None, json=json, what=lambda at: at.desk.check(number, at.person))


def _switch(
    config: Path | None,
    data: Path | None,
    key: Path | None,
    *,
    json: bool,
    what: Callable[[_At], Awaitable["Kill | None"]],
) -> None:
    """Switch one rule off or on and tell how it stands."""

    def tell(done: "Kill | None") -> int:
        if json:
            show_json({"switched_off": done})
        elif done is None:
            out.print("It is switched on again.")
        else:
            print_killed([done])
        return 0

    _ask(config, data, key, json=json, what=what, tell=tell)


async def _number(at: _At, number: int | None) -> int:
    from domain.errors import NotFound

    live = (await at.desk.book()).head.live
    if number is None and live is None:
        raise NotFound("No version is live.")
    return number or live or 0


async def _contents(at: _At, which: str, against: int | None) -> "tuple[Contents, int]":
    """The contents of a version or of a file put in its place, and the version to compare with."""
    from triggers.lifecycle_contents import replacing
    from triggers.lifecycle_values import RuleText

    other = await _number(at, against)
    if which.isdecimal():
        version = await at.desk.version(int(which))
        return version.contents, against or version.based_on or other
    file = Path(which)
    base = (await at.desk.version(other)).contents
    return replacing(base, RuleText(file.stem, file.read_text("utf-8"))), other


def _named(contents: "Contents", name: str) -> "list[RuleText]":
    from domain.errors import NotFound

    found = [file for file in contents.rules if file.name == name]
    if not found:
        raise NotFound(f"There is no rule set '{name}'; there are {', '.join(each.name for each in contents.rules)}.")
    return found


def _tests(paths: Sequence[Path]) -> "tuple[RuleText, ...]":
    from triggers.lifecycle_values import RuleText

    files = [file for path in paths for file in (sorted(path.rglob("*.y*ml")) if path.is_dir() else [path])]
    return tuple(RuleText(file.name, file.read_text("utf-8")) for file in files)
