"""Which rules a backtest is asked about: read by the one reader of names, with the digest that its result carries."""

from service.backtest import Chosen
from service.rules_asked import wanted
from triggers.lifecycle_contents import rules_of
from triggers.ports import RuleBookStore


async def chosen_rules(which: str, book: RuleBookStore | None, reference: str | None = None) -> Chosen:
    """The rules named by `which`, as `wanted` knows them, by these reference lists where any are given.

    Raises NotFound, or RuleError with every fault of every file.
    """
    found = await wanted(which, book, reference)
    rules = rules_of(found.contents, name=found.own or "rules", decided=found.decided)
    return Chosen(rules, found.digest, found.name)
