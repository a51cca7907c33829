"""`reachpoint rules`: check, explain and test rule sets. The rule book is in `rules_book.py` and `rules_acts.py`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.terminal import FAULTS, AsJson, Config, Data, err, out, run, show_json, show_rows

if TYPE_CHECKING:
    from triggers.rules import RuleSet

rules = typer.Typer(help="The trigger rules.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(help="A shipped rule set (tipt), a file, or a version's number.")]


@rules.command("check")
def check(which: Which = "tipt", config: Config = None, data: Data = None, json: AsJson = False) -> None:
    """Read a rule set and tell all its faults at once; a version's number: check it again with its rule tests."""
    from domain.errors import RuleError

    if which.isdecimal():
        from service.commands.asked import Call
        from service.commands.rules_acts import check_version

        check_version(Call(config, data, json=json), int(which))
    from triggers.cost import set_cost

    try:
        found = _load(which)
    except RuleError as error:
        if json:
            show_json({"rules": 0, "faults": str(error).splitlines()})
        else:
            err.print(str(error), markup=False)
        raise typer.Exit(FAULTS) from error
    if json:
        show_json({"rules": len(found.rules), "version": found.version, "faults": []})
    else:
        out.print(f"{found.name}: {len(found.rules)} rules, version {found.version}, no faults.")
        out.print(f"Costs at most: {set_cost(found).words}.")


@rules.command("explain")
def explain(
    which: Which = "tipt",
    rule: Annotated[str | None, typer.Option("--rule", help="Only this one.")] = None,
    json: AsJson = False,
) -> None:
    """Say each rule in one plain sentence, with what it costs at most."""
    from triggers.cost import cost_of
    from triggers.explain import rule_sentence

    found = _load(which)
    others = {str(each.rule_id): each for each in found.rules}
    chosen = [each for each in found.rules if rule in {None, each.rule_id}]
    rows = [
        (each.rule_id, each.then.priority.value, rule_sentence(each), cost_of(each, others).words) for each in chosen
    ]
    columns = ["rule", "priority", "in words", "cost"]
    show_rows(f"{len(rows)} rules", columns, rows, json=json)
    if not rows:
        raise typer.Exit(FAULTS)


@rules.command("test")
def test(
    files: Annotated[list[Path], typer.Argument(help="Scenario files (YAML), or folders of them.")],
    using: Annotated[str | None, typer.Option("--rules", help="Rule set for files that name none.")] = None,
    json: AsJson = False,
) -> None:
    """Run scenario tests: exactly the expected firings and nothing else. A difference is shown in words."""
    from domain.errors import RuleError
    from triggers.loading import SHIPPED
    from triggers.rules import combined
    from triggers.scenarios import read_scenarios
    from triggers.trial import run_scenario

    def work_on(file: Path) -> list[tuple[str, str, bool, str]]:
        rows = []
        for scenario in read_scenarios(file.read_bytes()):
            named = scenario.rules or ((using,) if using else SHIPPED)
            result = run_scenario(scenario, combined(_load(which) for which in named))
            rows.append((file.name, scenario.name, result.passed, result.difference))
        return rows

    async def work() -> int:
        chosen = [each for file in files for each in (sorted(file.rglob("*.y*ml")) if file.is_dir() else [file])]
        rows: list[tuple[str, str, bool, str]] = []
        for file in chosen:
            try:
                rows += work_on(file)
            except RuleError as error:
                rows.append((file.name, "", False, str(error)))
        failed = [row for row in rows if not row[2]]
        if json:
            show_json([{"file": a, "scenario": b, "passed": c, "difference": d} for a, b, c, d in rows])
        else:
            for file_name, name, _, difference in failed:
                err.print(f"FAILED {file_name}: {name}\n{difference}", markup=False)
            out.print(f"{len(rows) - len(failed)} passed, {len(failed)} failed")
        return FAULTS if failed or not rows else 0

    raise typer.Exit(run(work))


def _load(which: str) -> "RuleSet":
    from triggers.loading import load_rules_file, shipped_rules

    file = Path(which)
    return load_rules_file(file) if file.suffix in {".yaml", ".yml"} else shipped_rules(which)
