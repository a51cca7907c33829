"""Which rules of a set cannot be judged: found by asking them, each with those it needs, after the whole set raised.

One faulty rule must not silence the others (ADR 0015). Asked only once something has raised: the usual path pays
nothing. A cause names the fault and its place in our code, never a value.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from domain.ids import RuleId
from triggers.hearing import Heard
from triggers.patterns import rules_of
from triggers.rules import Rule, RuleSet

Ask = Callable[[RuleSet], object]
"""Judges by these rules whatever is to be judged, from scratch; raises what they raise."""

_MOST_REDUCED = 200
"""So many reduced sets are kept with a rule set, with their plans."""


@dataclass(frozen=True, slots=True)
class RuleFault:
    """A rule that cannot be judged, and why: the fault's kind and place, or the rule that it rests on."""

    rule_id: RuleId
    version: int
    cause: str


def cause_of(error: Exception) -> str:
    """The kind of an error, and file and line of its deepest frame: says where, shows no value."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    if trace is None:
        return f"{type(error).__name__} at unknown"
    return f"{type(error).__name__} at {trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"


_SUSPECTED = "suspected"
"""Where a rule set keeps the ids of its rules that have failed for anybody: those are asked first."""


def faults_in(rules: RuleSet, ask: Ask) -> tuple[RuleFault, ...]:
    """The rules that raise when `ask` judges by them, in the set's order; empty where no rule is to blame (the fault
    lies elsewhere) or no rule is left.

    A rule whose pattern rests on the firings of one that raises cannot be judged either. One that only yields to it, or
    asks about it in a table, is judged as if that had not fired: rather an alert too many. Those that have failed for
    somebody else are asked first, and the others only if they cannot be judged without them.
    """
    if not rules.rules or _raised(ask, without(rules, [rule.rule_id for rule in rules.rules])) is not None:
        return ()
    suspected: set[RuleId] = rules.worked_out.setdefault(_SUSPECTED, set())
    found = faults_among(rules, ask, suspected)
    if not found or len(found) == len(rules.rules) or _raised(ask, reduced(rules, found)) is not None:
        found = _faults(rules, ask, rules.rules)
    if len(found) == len(rules.rules):
        return ()
    suspected.update(fault.rule_id for fault in found)
    return found


def faults_among(rules: RuleSet, ask: Ask, suspected: Collection[RuleId]) -> tuple[RuleFault, ...]:
    """Which of the suspected rules raise, with those that rest on them; the others are not asked."""
    return _faults(rules, ask, [rule for rule in rules.rules if rule.rule_id in suspected]) if suspected else ()


def _faults(rules: RuleSet, ask: Ask, listed: Iterable[Rule]) -> tuple[RuleFault, ...]:
    found: dict[str, RuleFault] = {}
    for rule in listed:  # those that others ask about come first
        error = _raised(ask, _with_needed(rules, rule, found.keys()))
        if error is not None:
            found[rule.rule_id] = RuleFault(rule.rule_id, rule.version, cause_of(error))
    grew = bool(found)
    while grew:
        grew = False
        for rule in rules.rules:
            resting = sorted(rules_of(rule.when) & found.keys())
            if resting and rule.rule_id not in found:
                found[rule.rule_id] = RuleFault(rule.rule_id, rule.version, f"rests on {resting[0]}")
                grew = True
    return tuple(found[rule.rule_id] for rule in rules.rules if rule.rule_id in found)


def _with_needed(rules: RuleSet, rule: Rule, besides: Collection[str]) -> RuleSet:
    """The set with this rule and those that it asks about, and that they do, alone; without `besides`."""
    by_id = {str(one.rule_id): one for one in rules.rules}
    wanted, todo = {str(rule.rule_id)}, [rule]
    while todo:
        for asked in todo.pop().asks & by_id.keys() - wanted - set(besides):
            wanted.add(asked)
            todo.append(by_id[asked])
    return without(rules, [one.rule_id for one in rules.rules if str(one.rule_id) not in wanted])


def reduced(rules: RuleSet, faults: Iterable[RuleFault]) -> RuleSet:
    """The rules that can be judged."""
    return without(rules, [fault.rule_id for fault in faults])


def without(rules: RuleSet, gone: Iterable[RuleId]) -> RuleSet:
    """The set without these rules; the same object again for the same rules, so that its plan is made once."""
    left_out = frozenset(gone)
    if not left_out:
        return rules
    own = ("without", left_out)
    known: RuleSet | None = rules.worked_out.get(own)
    if known is None:
        known = replace(rules, rules=tuple(rule for rule in rules.rules if rule.rule_id not in left_out))
        if sum(isinstance(each, tuple) for each in rules.worked_out) < _MOST_REDUCED:
            rules.worked_out[own] = known
    return known


def _raised(ask: Ask, rules: RuleSet) -> Exception | None:
    try:
        ask(rules)
    except Exception as error:  # whatever a rule raises is what we ask about
        return error
    return None


def said_in_full(heard: Heard) -> Heard:
    """The same, with every word that anybody may read of it said: words are made when they are first asked for, and a
    rule may raise only then."""
    for verdict in heard.changes.held:
        _ = verdict.trigger
        if verdict.cooler is not None:
            _ = verdict.cooler.trigger
    return heard
