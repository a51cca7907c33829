"""Which rules a backtest is asked about: a file, a shipped rule set, a version of the rule book, or what is live."""

from pathlib import Path

from domain.errors import ConfigError
from service.backtest import Chosen
from triggers.lifecycle_contents import replacing, rules_of, shipped_contents
from triggers.lifecycle_values import Contents, RuleText, text_digest
from triggers.loading import SHIPPED
from triggers.ports import RuleBookStore

LIVE = "live"
_FILES = frozenset({".yaml", ".yml"})


async def chosen_rules(which: str, book: RuleBookStore | None) -> Chosen:
    """The rules named by `which`: a YAML file (in the place of the live rule set of its name, beside the others), a
    shipped rule set by its name, a version by its number, or `live`.

    Without a `book` to ask, what is shipped counts as live. Raises ConfigError or RuleError.
    """
    file = Path(which)
    if file.suffix.lower() in _FILES:
        return _file(file, await _live(book))
    if which == LIVE:
        live = await _live(book)
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


def _file(file: Path, live: Contents) -> Chosen:
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"The rule file {file.name} cannot be read ({error.strerror}).") from None
    return Chosen(rules_of(replacing(live, RuleText(file.stem, text))), text_digest(text), file.name)


async def _live(book: RuleBookStore | None) -> Contents:
    """What is live by the book; the shipped rules where there is no book, or nothing in it."""
    head = None if book is None else await book.head()
    version = None if book is None or head is None or head.live is None else await book.version(head.live)
    return shipped_contents() if version is None else version.contents
