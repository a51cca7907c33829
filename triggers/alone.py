"""Some rules of a set judged alone: which ones, which they need beside them, and which kinds of records they look at.

What a rule says of a person depends on what it looks for itself and on the firings of the rules that it asks about
(`Rule.asks`), and on nothing else of the set: cooling is each rule's own, and what one rule fired another hears of in
no other way.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from domain.kinds import Kind
from triggers.changes import Changes
from triggers.occurrences import family_of
from triggers.patterns import events_in, waits
from triggers.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Alone:
    """The rules that are asked for, by id, and `beside` them those that they ask about, which are judged for their sake
    and told of nowhere."""

    rules: tuple[str, ...]
    beside: tuple[str, ...] = ()

    def of(self, rules: RuleSet) -> RuleSet:
        """As many of them as a set has, in its order, as a set."""
        judged = {*self.rules, *self.beside}
        return replace(rules, rules=tuple(rule for rule in rules.rules if rule.rule_id in judged))

    def told_by(self, changes: Changes) -> Changes:
        """The changes as far as they are about the rules that are asked for."""
        if not self.beside:
            return changes
        own = frozenset(self.rules)
        return Changes(
            fired=tuple(each for each in changes.fired if each.rule_id in own),
            withdrawn=tuple(each for each in changes.withdrawn if each.rule_id in own),
            moved=tuple(pair for pair in changes.moved if pair[1].rule_id in own),
            held=tuple(each for each in changes.held if each.rule_id in own),
        )


def alone(names: Collection[str], sets: Iterable[RuleSet]) -> Alone:
    """These rules with all that they ask about in any of the sets, and that those do; in order of their ids."""
    needed = set(names)
    for rules in sets:
        by_id = {str(rule.rule_id): rule for rule in rules.rules}
        todo = [by_id[name] for name in needed & by_id.keys()]
        while todo:
            for asked in todo.pop().asks & by_id.keys() - needed:
                needed.add(asked)
                todo.append(by_id[asked])
    return Alone(tuple(sorted(names)), tuple(sorted(needed - set(names))))


def families_read(rules: RuleSet) -> frozenset[str]:
    """The families of records ('ed', 'crime' ...) at which any of the rules looks, also for what the past answers; what
    changes who the person is (`STANDING_KINDS`) every rule reads and is not among them."""
    return frozenset(family for rule in rules.rules for event in events_in(rule.when) for family in event.families)


def keeps_time(rules: RuleSet) -> bool:
    """Whether any of the rules may fire by the clock alone."""
    return any(waits(rule.when) for rule in rules.rules)


def kinds_of(families: Collection[str]) -> frozenset[Kind]:
    """Every kind of these families."""
    return frozenset(kind for kind in Kind if family_of(kind) in families)
