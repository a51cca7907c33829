"""Which rules a backtest is asked about: a file, a shipped rule set, a version of the rule book, or what is live."""

from pathlib import Path

from domain.errors import ConfigError
from service.backtest import Chosen
from service.rules_asked import is_file, text_of
from service.rules_live import live_contents
from triggers.lifecycle_contents import replacing, rules_of, shipped_contents
from triggers.lifecycle_values import Contents, RuleText, text_digest
from triggers.loading import SHIPPED
from triggers.ports import RuleBookStore

LIVE = "live"


async def chosen_rules(which: str, book: RuleBookStore | None, reference: str | None = None) -> Chosen:
    """The rules named by `which`: a YAML file (in the place of the live rule set of its name, beside the others, and
    with these reference lists where any are given), a shipped rule set by its name, a version by its number, or `live`.

    Without a `book` to ask, what is shipped counts as live. Raises ConfigError or RuleError.
    """
    if is_file(which):
        return _file(Path(which), await live_contents(book), reference)
    if which == LIVE:
        live = await live_contents(book)
        return Chosen(rules_of(live), live.digest, LIVE)
    if which in SHIPPED:
        contents = shipped_contents((which,))
        return Chosen(rules_of(contents, name=which), contents.digest, which)
    number = which.rpartition("@")[2]
    if not number.isdigit():
        raise ConfigError(
            f"'{which}' is neither a YAML file, nor 'live', nor a version's number, nor shipped ({', '.join(SHIPPED)})."
        )
    version = None if book is None else await book.version(int(number))
    if version is None:
        raise ConfigError(f"There is no version {number} in the rule book.")
    return Chosen(rules_of(version.contents), version.digest, f"version {number}")


def _file(file: Path, live: Contents, reference: str | None) -> Chosen:
    text = text_of(file)
    contents = replacing(live, RuleText(file.stem, text), reference=reference)
    return Chosen(rules_of(contents), text_digest(text) if reference is None else contents.digest, file.name)
