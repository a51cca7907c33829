"""`reachpoint rules check | explain`: rules read and told. `rules_test.py` tries them, `rules_book.py` keeps them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.asked import Call, called
from service.terminal import FAULTS, err, out, run, show_json, show_told

if TYPE_CHECKING:
    from service.rules_asked import Asked, Wanted

rules = typer.Typer(help="The trigger rules.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(help="A shipped rule set (tipt), a file, live, or a version's number.")]
Lists = Annotated[Path | None, typer.Option("--reference", help="Reference lists; default: the live ones.")]


@rules.command("check")
@called
def check(call: Call, which: Which = "tipt", reference: Lists = None) -> None:
    """Read a rule set and tell all its faults at once, and what looks like a slip; a version's number: check it again
    with its rule tests.

    A file is read as it would be if it were submitted: in the place of the live one of its rule set, beside the others.
    """
    from service.rules_asked import remarked, version_named

    number = version_named(which)
    if number is not None:
        _check_version(call, number, reference)
    from triggers.cost import set_cost

    found = _asked(call, which, reference)
    if call.json:
        told = {"rules": 0} if found.own is None else {"rules": len(found.own.rules), "version": found.own.version}
        show_json({**told, "faults": found.faults, "remarks": found.remarks})
    elif found.own is not None:
        out.print(f"{found.own.name}: {len(found.own.rules)} rules, version {found.own.version}, no faults.")
        out.print(f"Costs at most: {set_cost(found.own, found.whole).words}.")
        for line in remarked(found.remarks):
            out.print(line, markup=False, soft_wrap=True)
    if found.own is None:
        raise typer.Exit(FAULTS)


def _check_version(call: Call, number: int, reference: Path | None) -> None:
    """Check what the book keeps, and end. Lists of one's own are no part of it, so they are refused."""
    from domain.errors import ConfigError
    from service.commands.rules_acts import check_version

    if reference is not None:
        raise ConfigError(
            f"Version {number} is checked by the reference lists that it was submitted with. --reference goes with a "
            "file, `live` or a shipped set; send new lists by `reachpoint rules submit --reference`."
        )
    check_version(call, number)


@rules.command("explain")
@called
def explain(
    call: Call,
    which: Which = "tipt",
    rule: Annotated[str | None, typer.Option("--rule", help="Only this one.")] = None,
    reference: Lists = None,
) -> None:
    """Say each rule in plain words: when it fires, for whom, what follows, why, and what it costs at most."""
    from triggers.cost import cost_of
    from triggers.explain import rule_sentence
    from triggers.faults import did_you_mean
    from triggers.telling import rule_told

    found = _asked(call, which, reference)
    if found.own is None or found.whole is None:
        raise typer.Exit(FAULTS)
    others = {str(each.rule_id): each for each in found.whole.rules}
    chosen = [each for each in found.own.rules if rule in {None, each.rule_id}]
    rows = [
        (each.rule_id, each.then.priority.value, rule_sentence(each), cost_of(each, others).words) for each in chosen
    ]
    if call.json:
        show_json([dict(zip(("rule", "priority", "in words", "cost"), row, strict=True)) for row in rows])
    else:
        for each in chosen:
            out.print(f"[bold]{each.rule_id}[/bold], {each.then.priority.value}")
            show_told(rule_told(each, cost_of(each, others)))
            out.print()
    if not rows:
        err.print(f"There is no rule '{rule}' in {found.name}{did_you_mean(rule or '', others)}", markup=False)
        raise typer.Exit(FAULTS)


def _asked(call: Call, which: str, reference: Path | None) -> "Asked":
    """The rules that are asked about. Their faults are told at once, unless machines are answered."""
    from domain.errors import RuleError
    from service.rules_asked import Asked, lists_in, read_wanted, refused, remarked

    async def told() -> Asked:
        try:
            return read_wanted(await wanted_by(call, which, lists_in(reference)))
        except RuleError as error:
            return Asked(which, None, None, (str(error),))

    found = run(told)
    if found.own is None and not call.json:
        err.print(
            "\n".join((refused(found.name, found.faults), *remarked(found.remarks))), markup=False, soft_wrap=True
        )
    return found


async def wanted_by(call: Call, which: str, lists: str | None) -> "Wanted":
    """The rules that a question names. The store is reached only where the rule book must be asked.

    A file can be read without it: editors and builds ask far from the store. It then stands beside the shipped rule
    sets, and a line on standard error says so. Raises StoreUnavailable for what only the book knows.
    """
    from domain.errors import StoreUnavailable
    from service.rules_asked import is_file, needs_book, wanted

    if not needs_book(which):
        return await wanted(which, None, lists)
    from service.rules_live import book_of

    try:
        async with book_of(call.settings()) as book:
            return await wanted(which, book, lists)
    except StoreUnavailable as error:
        if not is_file(which):
            raise
        beside = f"{Path(which).name} is read beside the shipped rule sets, not beside what is live."
        err.print(f"{error} {beside}", markup=False, soft_wrap=True)
        return await wanted(which, None, lists)
