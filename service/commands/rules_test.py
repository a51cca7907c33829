"""`reachpoint rules test`: rule tests, run by the rules that they name or by those that are asked for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.asked import Call, called
from service.commands.rules import Lists, rules, wanted_by
from service.terminal import FAULTS, err, out, run, show_json

if TYPE_CHECKING:
    from triggers.rules import RuleSet

__all__ = ["rules"]


@rules.command("test")
@called
def test(
    call: Call,
    files: Annotated[list[Path], typer.Argument(help="Scenario files (YAML), or folders of them.")],
    using: Annotated[
        str | None,
        typer.Option(
            "--rules", help="For tests that name none: a file, live, a version's number, or a shipped set (tipt)."
        ),
    ] = None,
    reference: Lists = None,
) -> None:
    """Run scenario tests: exactly the expected firings and nothing else. A difference is shown in words."""
    from service.rule_tests import Bench, summary
    from service.rules_asked import OF_TESTS, lists_in, remarked, together
    from triggers.loading import SHIPPED

    async def work() -> int:
        lists = lists_in(reference)
        otherwise = await _chosen(call, using, lists) if using else together(SHIPPED, lists)
        bench = Bench(otherwise, lambda names: together(names, lists))
        rows = list(bench.rows(files))
        if call.json:
            keys = ("file", "scenario", "passed", "difference", "remarks")
            show_json([{key: getattr(row, key) for key in keys} for row in rows])
        else:
            for row in rows:
                if not row.passed:
                    err.print(f"{'FAILED' if row.ran else 'CANNOT RUN'} {row.file}: {row.scenario}", markup=False)
                    err.print(row.difference, markup=False, soft_wrap=True)
            noted = [f"{row.file}: {remark}" for row in rows for remark in row.remarks]
            for line in remarked(noted, OF_TESTS):
                err.print(line, markup=False, soft_wrap=True)
            if using and not bench.asked and rows:
                err.print(f"--rules {using} was not needed: every test names its own rules.", markup=False)
            out.print(summary(rows))
        return 0 if all(row.passed for row in rows) else FAULTS

    raise typer.Exit(run(work))


async def _chosen(call: Call, which: str, lists: str | None) -> "RuleSet":
    """The rules of `--rules`, with those that stand beside them."""
    from triggers.lifecycle_contents import rules_of

    return rules_of((await wanted_by(call, which, lists)).contents)
