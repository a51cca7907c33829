"""The command line `reachpoint`: what strangers build on (design.md section 7). Commands live in service/commands."""

import typer

from service.commands.archive import archive
from service.commands.backtest import rules
from service.commands.backup import backup, restore
from service.commands.desk import quarantine
from service.commands.doctor import doctor
from service.commands.feeds import ingest
from service.commands.keys import keys
from service.commands.matching import match
from service.commands.people import cohort, navigators
from service.commands.quiet import breakers, rule_watch, snooze
from service.commands.reviews import review
from service.commands.serve import api, run, worker
from service.demo.command import demo
from service.terminal import plainly

app = typer.Typer(
    help="Notices when something changes in the life of a watched young person, and tells the navigator at once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(worker)
app.command()(api)
app.command()(demo)
app.command()(ingest)
app.command()(doctor)
app.command()(backup)
app.command()(restore)
app.add_typer(match, name="match")
app.add_typer(cohort, name="cohort")
app.add_typer(navigators, name="navigators")
app.add_typer(quarantine, name="quarantine")
app.add_typer(review, name="review")
app.add_typer(rules, name="rules")
app.add_typer(archive, name="archive")
app.add_typer(keys, name="keys")
app.add_typer(snooze, name="snooze")
app.add_typer(breakers, name="breakers")
app.command("rule-watch")(rule_watch)


def main() -> None:
    """Entry point of the `reachpoint` command: whatever goes wrong in it is told in a sentence."""
    with plainly():
        app()


if __name__ == "__main__":
    main()
