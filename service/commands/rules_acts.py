"""`reachpoint rules submit | approve | publish | kill | ...`: what is done to the rule book, by whom and why."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.asked import Call, called_by
from service.commands.rules_book import rules
from service.commands.rules_desk import At, act, ask, at_desk, number_of
from service.commands.rules_shown import print_killed, print_shadow
from service.terminal import FAULTS, out, run, show_json

if TYPE_CHECKING:
    from triggers.lifecycle_values import Kill, RuleText, Standing

__all__ = ["rules"]

Number = Annotated[int, typer.Argument(min=1, help="The version's number.")]
Why = Annotated[str, typer.Option("--reason", help="Why, in one line; kept, and told to all supervisors.")]
Note = Annotated[str, typer.Option("--reason", help="A word on it, in one line.")]


@rules.command("submit")
@called_by
def submit(
    call: Call,
    file: Annotated[Path, typer.Argument(help="The rule file. It takes the place of the live file of its rule set.")],
    note: Annotated[str, typer.Option(help="What it is for, in one line.")],
    author: Annotated[str, typer.Option(help="Who wrote it, if not you.")] = "",
    tests: Annotated[
        list[Path] | None, typer.Option(help="Rule tests: files or folders; default: the live ones.")
    ] = None,
    reference: Annotated[Path | None, typer.Option(help="Reference lists; default: the live ones.")] = None,
) -> None:
    """Make a draft of a rule file and check it at once, with its rule tests."""
    text = file.read_text("utf-8")
    lists = reference.read_text("utf-8") if reference else None
    cases = _tests(tests or ())
    act(
        call,
        lambda at: at.desk.submit(text, note, at.person, author=author, reference=lists, tests=cases, name=file.stem),
        takes_two=True,
    )


@rules.command("backtested")
@called_by
def backtested(
    call: Call,
    number: Number,
    result: Annotated[Path, typer.Argument(help="What `reachpoint rules backtest --json` has written.")],
) -> None:
    """Hand in the result of a backtest. It must be of these very rules."""
    from service.backtest_told import read_backtest

    told = read_backtest(result.read_bytes())
    act(call, lambda at: at.desk.backtest(number, told, at.person))


@rules.command("shadow")
@called_by
def shadow(
    call: Call,
    number: Annotated[int | None, typer.Argument(min=1, help="Run this version in shadow; none: what it says.")] = None,
    end: Annotated[bool, typer.Option("--end", help="No version runs in shadow any more.")] = False,
) -> None:
    """Run a version beside the live one without alerts, or show what it says differently."""
    if number is not None:
        act(call, lambda at: at.desk.shadow(number, at.person))
    if end:
        act(call, lambda at: at.desk.end_shadow(at.person))

    async def work() -> int:
        async with at_desk(call) as at:
            report = await at.desk.report()
        if call.json:
            show_json(report)
        elif report is None:
            out.print("No version runs in shadow.")
        else:
            print_shadow(report)
        return 0 if report else FAULTS

    raise typer.Exit(run(work))


@rules.command("approve")
@called_by
def approve(call: Call, number: Number, reason: Note = "") -> None:
    """Say, as another person than its author and than who submitted it, that it may go live."""
    act(call, lambda at: at.desk.approve(number, at.person, reason), takes_two=True)


@rules.command("publish")
@called_by
def publish(call: Call, number: Number, reason: Note = "") -> None:
    """Put it live, between two events. Tells everything that is still missing instead, if anything is."""
    act(call, lambda at: at.desk.publish(number, at.person, reason), takes_two=True)


@rules.command("withdraw")
@called_by
def withdraw(call: Call, number: Number, reason: Why) -> None:
    """This version will not go live."""
    act(call, lambda at: at.desk.withdraw(number, at.person, reason))


@rules.command("roll-back")
@called_by
def roll_back(
    call: Call,
    reason: Why,
    number: Annotated[int | None, typer.Argument(min=1, help="The version to take back; it must be live.")] = None,
) -> None:
    """Take the live version back in one step: the one before it is live again. All supervisors are told."""

    async def what(at: At) -> "Standing":
        return await at.desk.roll_back(await number_of(at, number), at.person, reason)

    act(call, what)


@rules.command("kill")
@called_by
def kill(
    call: Call,
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
    reason: Why,
) -> None:
    """Switch one rule off at once, for a day unless a second person confirms it. All supervisors are told."""
    _switch(call, lambda at: at.desk.kill(rule, at.person, reason))


@rules.command("confirm")
@called_by
def confirm(
    call: Call,
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
) -> None:
    """Agree, as a second person, that a rule stays switched off for 30 days."""
    _switch(call, lambda at: at.desk.confirm_kill(rule, at.person), takes_two=True)


@rules.command("revive")
@called_by
def revive(
    call: Call,
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
    reason: Note = "",
) -> None:
    """Switch a rule on again. What happened meanwhile does not fire for it later."""
    _switch(call, lambda at: at.desk.revive(rule, at.person, reason))


def check_version(call: Call, number: int) -> None:
    """`rules check 7`: read the version's files and run its rule tests, with the release that is installed now."""
    act(call, lambda at: at.desk.check(number, at.person))


def _switch(call: Call, what: Callable[[At], Awaitable["Kill | None"]], *, takes_two: bool = False) -> None:
    """Switch one rule off or on and tell how it stands."""

    def tell(done: "Kill | None") -> int:
        if call.json:
            show_json({"switched_off": done})
        elif done is None:
            out.print("It is switched on again.")
        else:
            print_killed([done])
        return 0

    ask(call, what, tell, takes_two=takes_two)


def _tests(paths: Sequence[Path]) -> "tuple[RuleText, ...]":
    from triggers.lifecycle_values import RuleText

    files = [file for path in paths for file in (sorted(path.rglob("*.y*ml")) if path.is_dir() else [path])]
    return tuple(RuleText(file.name, file.read_text("utf-8")) for file in files)
