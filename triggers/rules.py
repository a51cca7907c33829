"""A rule, and a set of rules, as values ready to evaluate. `checking.py` makes them from a rule file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from domain.ids import RuleId
from domain.triggers import Cap, Priority, Sensitivity
from triggers.conditions import ALWAYS, Check, Condition, compiled, rules_asked
from triggers.faults import Remark
from triggers.patterns import Pattern, families_of, rules_of
from triggers.reference import Reference


class Ground(StrEnum):
    """What a firing is about, and by which it cools."""

    PERSON = "person"  # nothing narrower than the member
    OCCURRENCE = "occurrence"  # the visit, episode, custody
    SUBJECT = "subject"  # the person harmed


@dataclass(frozen=True, slots=True)
class Cooling:
    """How long the same rule stays quiet on the same ground after firing. `within` None: as long as the ground lasts.

    With `per_priority` each priority cools by itself; without it a firing also quiets lower ones. A higher priority
    always breaks through. Exactly `within` later still cools.
    """

    within: timedelta | None = timedelta(hours=24)
    ground: Ground = Ground.PERSON
    per_priority: bool = True


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a table: where the condition holds, this value counts."""

    condition: Condition
    holds: Check
    value: str


def case(condition: Condition, value: str) -> Case:
    """A table line, compiled."""
    return Case(condition=condition, holds=compiled(condition), value=value)


@dataclass(frozen=True, slots=True)
class Then:
    """What follows when the rule fires. Tables are read from the top; the first line that
    holds counts, else the default."""

    priority: Priority
    headline: str
    message_key: str
    priorities: tuple[Case, ...] = ()
    headlines: tuple[Case, ...] = ()
    reviews: tuple[Case, ...] = ()
    rises: bool = True  # a later rise of the priority within an occurrence, also by another rule's firing, fires again
    contact_within: timedelta | None = None
    channels: tuple[str, ...] = ("sms", "email")
    suggestion: str = ""
    sensitivity: Sensitivity = Sensitivity.STANDARD
    expires_after: timedelta | None = None
    cap: Cap | None = None

    @property
    def tables(self) -> tuple[Case, ...]:
        """Every line of every table."""
        return (*self.priorities, *self.headlines, *self.reviews)


@dataclass(frozen=True, slots=True)
class Rule:
    """One trigger rule. `tolerance` is how late an event may be and still fire; `late_after` when it is marked late."""

    rule_id: RuleId
    version: int
    owner: str
    why: str
    sources: tuple[str, ...]
    when: Pattern
    then: Then
    who: Condition = ALWAYS
    cooling: Cooling = Cooling()
    yields_to: tuple[str, ...] = ()  # rules whose firing on the same occurrence leaves nothing for this one
    tolerance: timedelta = timedelta(hours=48)
    late_after: timedelta = timedelta(hours=1)

    @property
    def families(self) -> frozenset[str]:
        """The families of kinds that can change its answer."""
        return families_of(self.when)

    @property
    def raised_by(self) -> frozenset[str]:
        """The other rules whose later firing may make it more urgent, and so fire again."""
        if not self.then.rises:
            return frozenset()
        return frozenset().union(*(rules_asked(line.condition) for line in self.then.priorities))

    @property
    def built_on(self) -> frozenset[str]:
        """The other rules whose firing may make it fire."""
        return rules_of(self.when) | self.raised_by

    @property
    def asks(self) -> frozenset[str]:
        """The other rules whose firings it reads."""
        asked = (rules_asked(line.condition) for line in self.then.tables)
        return frozenset(self.yields_to).union(rules_of(self.when), *asked)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in an order in which those that others ask about come first, with the reference
    lists they were checked by."""

    name: str
    version: int
    rules: tuple[Rule, ...]
    reference: Reference = field(default=Reference(), repr=False)
    owner: str = ""
    families: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)  # by rule id
    remarks: tuple[Remark, ...] = field(default=(), repr=False, compare=False)
    """What looks like a slip in these rules, and hinders nothing."""
    worked_out: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What others have worked out of this set once and for all (its plan); never part of what it says."""

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id."""
        return next((rule for rule in self.rules if rule.rule_id == rule_id), None)

    def families_for(self, rule: Rule) -> frozenset[str]:
        """The families of one rule, from the set's own table where it has one."""
        return self.families.get(rule.rule_id) or rule.families


def rule_set(
    name: str,
    version: int,
    rules: Iterable[Rule],
    reference: Reference,
    *,
    owner: str = "",
    remarks: tuple[Remark, ...] = (),
) -> RuleSet:
    """A rule set with its rules in order of what they ask about, then as given."""
    ordered = _in_order_of_asking(tuple(rules))
    families: dict[str, frozenset[str]] = {}
    for rule in ordered:
        built_on = (families.get(asked, frozenset()) for asked in rule.built_on)
        families[str(rule.rule_id)] = rule.families.union(*built_on)
    return RuleSet(name, version, ordered, reference, owner, families, remarks)


def _in_order_of_asking(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Rules that others ask about first; checking has refused circles."""
    known = {str(rule.rule_id): rule for rule in rules}
    ordered: dict[str, Rule] = {}

    def place(rule: Rule, asking: frozenset[str]) -> None:
        for asked in sorted(rule.asks & known.keys() - ordered.keys() - asking):
            place(known[asked], asking | {str(rule.rule_id)})
        ordered.setdefault(str(rule.rule_id), rule)

    for rule in rules:
        place(rule, frozenset({str(rule.rule_id)}))
    return tuple(ordered.values())


def combined(sets: Iterable[RuleSet]) -> RuleSet:
    """Several rule sets as one, in order; they must share a reference. The first of two rules with one id counts."""
    parts = tuple(sets)
    rules = {str(rule.rule_id): rule for part in reversed(parts) for rule in part.rules}
    first = parts[0]
    name = "+".join(part.name for part in parts)
    remarks = tuple(remark for part in parts for remark in part.remarks)
    return rule_set(name, first.version, rules.values(), first.reference, owner=first.owner, remarks=remarks)
