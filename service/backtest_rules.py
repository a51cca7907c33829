"""Which rules a backtest is asked about: read by the one reader of names, with the digest that its result carries."""

from collections.abc import Sequence

from domain.errors import ConfigError, NotFound
from service.backtest import Backtest, Chosen
from service.rules_asked import wanted
from triggers.alone import Alone, alone
from triggers.faults import did_you_mean
from triggers.lifecycle_contents import rules_of
from triggers.ports import RuleBookStore
from triggers.two_sides import differing

CHANGED = "changed"
"""The word for every rule that differs between the two sides; no rule has such an id, which is in capitals."""


async def chosen_rules(which: str, book: RuleBookStore | None, reference: str | None = None) -> Chosen:
    """The rules named by `which`, as `wanted` knows them, by these reference lists where any are given.

    Raises NotFound, or RuleError with every fault of every file.
    """
    found = await wanted(which, book, reference)
    rules = rules_of(found.contents, name=found.own or "rules", decided=found.decided)
    return Chosen(rules, found.digest, found.name)


def judged_alone(names: Sequence[str], asked: Backtest) -> Alone:
    """The rules named by `--only`, with those that they ask about on either side.

    Raises NotFound for a name that no side knows, ConfigError where `changed` has nothing to compare, or nothing
    differs.
    """
    ids: set[str] = set()
    for name in names:
        ids |= _changed(asked) if name == CHANGED else {_known(name, asked)}
    return alone(ids, asked.sets)


def _known(name: str, asked: Backtest) -> str:
    known = {str(rule.rule_id) for rules in asked.sets for rule in rules.rules}
    if name in known:
        return name
    where = asked.rules.name if asked.against is None else f"{asked.rules.name} or {asked.against.name}"
    meant = did_you_mean(name.upper(), known)
    if not meant and did_you_mean(name.lower(), [CHANGED]):
        meant = f"; did you mean '{CHANGED}'?"
    raise NotFound(f"There is no rule '{name}' in {where}{meant or '.'}")


def _changed(asked: Backtest) -> frozenset[str]:
    if asked.against is None:
        raise ConfigError(f"--only {CHANGED} needs --against: with which rules to compare.")
    one, other = asked.sets
    found = frozenset(map(str, differing(one, other)))
    if not found:
        raise ConfigError(
            f"No rule of {asked.rules.name} differs from {asked.against.name}: there is nothing to judge."
        )
    return found
