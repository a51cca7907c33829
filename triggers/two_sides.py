"""Two rule sets judged of one person at once: rules that both have alike are judged once, and told to both.

For a backtest of new rules against the live ones, which nearly always differ in a rule or two.
"""

from dataclasses import dataclass, replace

from domain.ids import RuleId
from triggers.comparable import same_rule
from triggers.judging import rule_of
from triggers.planning import side_by_side
from triggers.rules import Rule, RuleSet
from triggers.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Sides:
    """`judged` is both sets as one, for judging only; the others are the rules of each side, by identity."""

    judged: RuleSet
    one: frozenset[int]
    other: frozenset[int]

    def of_one(self, verdict: Verdict) -> bool:
        """Whether a rule of the first side says it."""
        return id(rule_of(verdict)) in self.one

    def of_other(self, verdict: Verdict) -> bool:
        """Whether a rule of the second side says it."""
        return id(rule_of(verdict)) in self.other


def sides_of(one: RuleSet, other: RuleSet) -> Sides | None:
    """Both sets as one; None where they have no rule in common, or other reference lists."""
    if one.reference != other.reference:
        return None
    shared = _shared(one, other)
    if not shared:
        return None
    beside = replace(other, rules=tuple(shared.get(rule.rule_id, rule) for rule in other.rules))
    ids = (frozenset(map(id, each.rules)) for each in (one, beside))
    return Sides(side_by_side(one, beside), *ids)


def differing(one: RuleSet, other: RuleSet) -> frozenset[RuleId]:
    """The rules that only one of them has or that are not the same in both, and those that ask about such; with other
    reference lists, all."""
    every = frozenset(rule.rule_id for rule in (*one.rules, *other.rules))
    return every if one.reference != other.reference else every - _shared(one, other).keys()


def _shared(one: RuleSet, other: RuleSet) -> dict[RuleId, Rule]:
    """The rules of the first set that the second has, too, and that ask only about such, as far as they ask."""
    theirs = {rule.rule_id: rule for rule in other.rules}
    shared = {
        rule.rule_id: rule for rule in one.rules if rule.rule_id in theirs and same_rule(rule, theirs[rule.rule_id])
    }
    apart = ({rule.rule_id for rule in one.rules} | theirs.keys()) - shared.keys()
    while parted := [name for name, rule in shared.items() if rule.asks & apart]:
        for name in parted:
            del shared[name]
        apart.update(parted)
    return shared
