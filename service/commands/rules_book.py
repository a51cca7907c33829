"""`reachpoint rules list | show | diff`: what is in the rule book. `rules_acts.py` has what is done to it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from service.commands.asked import Call, called
from service.commands.rules_desk import At, at_desk, number_of
from service.commands.rules_shown import live_span, london, print_differences, print_killed, print_standing
from service.commands.rules_test import rules
from service.terminal import FAULTS, err, out, run, show_json, table

if TYPE_CHECKING:
    from triggers.lifecycle_values import Contents, RuleText

__all__ = ["rules"]

Seen = Annotated[int | None, typer.Argument(min=1, help="The version's number; default: the live one.")]


@rules.command("list")
@called
def list_versions(
    call: Call,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = 20,
) -> None:
    """Every version there ever was: where it stands, who made it, who approved it, when it was live."""

    async def work() -> None:
        async with at_desk(call) as at:
            book, killed = await at.desk.book(), await at.desk.killed()
        shown = sorted(book.standings.values(), key=lambda each: -each.number)[:limit]
        if call.json:
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
@called
def show_version(
    call: Call,
    number: Seen = None,
    text: Annotated[
        str, typer.Option("--text", help="Print the file of this rule set as written (tipt), and nothing else.")
    ] = "",
) -> None:
    """One version: what checking and backtest found, what it still lacks, and everything that happened to it."""

    async def work() -> None:
        async with at_desk(call) as at:
            chosen = await number_of(at, number)
            standing, version = await at.desk.standing(chosen), await at.desk.version(chosen)
            missing = await at.desk.missing(chosen) if standing.live_since is None else ()
        if call.json:
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
@called
def diff(
    call: Call,
    which: Annotated[str, typer.Argument(help="A version's number, or a rule file that is not submitted yet.")],
    against: Annotated[int | None, typer.Option(min=1, help="A version; default: the live one.")] = None,
) -> None:
    """What it says differently, in plain sentences: rules, and words of reference lists."""
    from triggers.lifecycle_contents import compared

    async def work() -> int:
        async with at_desk(call) as at:
            new, other = await _contents(at, which, against)
            old = (await at.desk.version(other)).contents
        found = compared(old, new)
        if call.json:
            show_json({"against": other, "differences": found.differences, "faults": found.faults})
        else:
            print_differences(found.differences, found.faults, other)
        return FAULTS if found.faults else 0

    raise typer.Exit(run(work))


async def _contents(at: At, which: str, against: int | None) -> "tuple[Contents, int]":
    """The contents of a version or of a file put in its place, and the version to compare with."""
    from triggers.lifecycle_contents import replacing
    from triggers.lifecycle_values import RuleText

    other = await number_of(at, against)
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
