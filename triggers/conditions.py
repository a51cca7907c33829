"""Conditions: small trees over facts, in three-valued logic, that answer for a moment and explain themselves.

True, False or unknown (None). A rule holds only on True: unknown is not false, so `not` of unknown is unknown too.
Where "unless it is known that" is meant, the language has `unless`, which is true on anything but True.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from triggers.facts import FACTS, Fact, FactType
from triggers.moments import Moment

Answer = bool | None
Check = Callable[[Moment], Answer]


class Operator(StrEnum):
    """How a fact is compared."""

    IS = "is"
    IN = "in"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    MORE_THAN = "more_than"
    LESS_THAN = "less_than"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Test:
    """One fact against one value. For word sets, `is` and `in` ask whether any word of the set agrees."""

    fact: str
    operator: Operator
    value: Any  # a word, number or truth; for `in` a frozenset of words
    named: str = ""  # the reference list the words came from


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """At least one part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is known not to hold."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class Unless:
    """The part is not known to hold."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class FiredFor:
    """Another rule fired for the same ground (the same visit, episode ...), at that moment or before."""

    rule: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """How often something happened before (`Moment.past`, under `lookup`): at least, at most; `said` tells what."""

    lookup: str
    at_least: int | None
    at_most: int | None
    said: str


Condition = Test | All | OneOf | Not | Unless | FiredFor | Earlier

ALWAYS = All(())
"""The condition without parts: always true."""


def compiled(condition: Condition) -> Check:
    """A function that answers the condition for a moment."""
    match condition:
        case Test():
            return _test(condition)
        case All(parts):
            return _all(tuple(compiled(part) for part in parts))
        case OneOf(parts):
            return _any(tuple(compiled(part) for part in parts))
        case Not(part):
            inner = compiled(part)
            return lambda moment: None if (answer := inner(moment)) is None else not answer
        case Unless(part):
            unless = compiled(part)
            return lambda moment: unless(moment) is not True
        case FiredFor(rule):
            return lambda moment: moment.fired(rule) if moment.fired is not None else None
        case Earlier():
            return lambda moment: _happened(condition, moment)


def _happened(condition: Earlier, moment: Moment) -> Answer:
    known = None if moment.past is None else moment.past.get(condition.lookup)
    if known is None:
        return None
    enough = condition.at_least is None or known >= condition.at_least
    return enough and (condition.at_most is None or known <= condition.at_most)


def _all(parts: tuple[Check, ...]) -> Check:
    def check(moment: Moment) -> Answer:
        result: Answer = True
        for part in parts:
            answer = part(moment)
            if answer is False:
                return False
            if answer is None:
                result = None
        return result

    return check


def _any(parts: tuple[Check, ...]) -> Check:
    def check(moment: Moment) -> Answer:
        result: Answer = False
        for part in parts:
            answer = part(moment)
            if answer is True:
                return True
            if answer is None:
                result = None
        return result

    return check


_COMPARE: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.IS: lambda known, value: bool(known == value),
    Operator.IN: lambda known, value: known in value,
    Operator.AT_LEAST: lambda known, value: bool(known >= value),
    Operator.AT_MOST: lambda known, value: bool(known <= value),
    Operator.MORE_THAN: lambda known, value: bool(known > value),
    Operator.LESS_THAN: lambda known, value: bool(known < value),
}


def _test(test: Test) -> Check:
    fact = FACTS[test.fact]
    if test.operator is Operator.KNOWN:
        return lambda moment: (fact.read(moment) is not None) is bool(test.value)
    if fact.told and test.operator in (Operator.IS, Operator.IN):
        return _told(fact.told, test.operator, test.value)
    if fact.type is FactType.WORDS:
        return _any_of(fact, test.value if test.operator is Operator.IN else frozenset({test.value}))
    return _asked(fact, _COMPARE[test.operator], test.value)


def _asked(fact: Fact, compare: Callable[[Any, Any], bool], value: Any) -> Check:
    read = fact.read

    def check(moment: Moment) -> Answer:
        known = read(moment)
        return None if known is None else compare(known, value)

    return check


def _any_of(fact: Fact, words: frozenset[str]) -> Check:
    """Whether any word of a set is among these."""
    read = fact.read

    def check(moment: Moment) -> Answer:
        known = read(moment)
        return None if known is None else not known.isdisjoint(words)

    return check


def _told(name: str, operator: Operator, value: Any) -> Check:
    """A word as it was told, without the detour over reading and comparing: most conditions are of this kind."""

    def is_it(moment: Moment) -> Answer:
        known = moment.values.get(name)
        return None if known is None else bool(known == value)

    def is_one(moment: Moment) -> Answer:
        known = moment.values.get(name)
        return None if known is None else known in value

    return is_it if operator is Operator.IS else is_one


# -- written out -----------------------------------------------------------------------------------------------------


def written_out(condition: Condition) -> Callable[[Moment], bool]:
    """A function that says whether the condition is true of a moment (unknown is not), as one expression.

    It answers as `compiled(condition)(moment) is True` does, at a fifth of the cost: conditions are asked of every
    event, and calling a function for each part was most of it. Only our own names get into the expression.
    """
    scope: dict[str, Any] = {"__builtins__": {}}
    source = written_true(condition, scope)
    check: Callable[[Moment], bool] = eval(f"lambda m: {source}", scope)  # noqa: S307 - our own names only
    return check


def written_true(condition: Condition, scope: dict[str, Any]) -> str:
    """An expression that says whether the condition is true of the moment `m`; what it names is put into `scope`.

    A word as it was told is read as `m.values.get('name')` and in no other way, so that whoever asks many conditions
    of one moment can read it once.
    """
    match condition:
        case Test():
            return _written_test(condition, scope, wanted=True)
        case All(parts):
            return "(" + " and ".join(written_true(part, scope) for part in parts) + ")" if parts else "True"
        case OneOf(parts):
            return "(" + " or ".join(written_true(part, scope) for part in parts) + ")"
        case Not(part):
            return _is_false(part, scope)
        case Unless(part):
            return f"(not {written_true(part, scope)})"
        case FiredFor(rule):
            return f"(m.fired is not None and m.fired({_named(rule, scope)}))"
        case Earlier():
            return f"({_named(compiled(condition), scope)}(m) is True)"


def _is_false(condition: Condition, scope: dict[str, Any]) -> str:
    """That it is known not to be so."""
    match condition:
        case Test():
            return _written_test(condition, scope, wanted=False)
        case All(parts):
            return "(" + " or ".join(_is_false(part, scope) for part in parts) + ")" if parts else "False"
        case OneOf(parts):
            return "(" + " and ".join(_is_false(part, scope) for part in parts) + ")"
        case Not(part) | Unless(part):
            return written_true(part, scope)
        case FiredFor(rule):
            return f"(m.fired is not None and not m.fired({_named(rule, scope)}))"
        case Earlier():
            return f"({_named(compiled(condition), scope)}(m) is False)"


def _written_test(test: Test, scope: dict[str, Any], *, wanted: bool) -> str:
    fact = FACTS[test.fact]
    value = _named(test.value, scope)
    if fact.told and wanted and test.operator in (Operator.IS, Operator.IN):
        return f"(m.values.get({fact.told!r}) {'==' if test.operator is Operator.IS else 'in'} {value})"
    read = f"{_named(fact.read, scope)}(m)"
    if test.operator is Operator.KNOWN:
        return f"(({read} is not None) is {bool(test.value) is wanted})"
    if fact.type is FactType.WORDS:
        asked = f"not k.isdisjoint({value})" if test.operator is Operator.IN else f"{value} in k"
    else:
        asked = f"k {_WRITTEN[test.operator]} {value}"
    known = f"(k := {read})"
    return f"({known} is not None and {'' if wanted else 'not '}({asked}))"


_WRITTEN: Mapping[Operator, str] = {
    Operator.IS: "==",
    Operator.IN: "in",
    Operator.AT_LEAST: ">=",
    Operator.AT_MOST: "<=",
    Operator.MORE_THAN: ">",
    Operator.LESS_THAN: "<",
}


def _named(value: Any, scope: dict[str, Any]) -> str:
    """A name in `scope` for a value."""
    name = f"c{len(scope)}"
    scope[name] = value
    return name


def rules_asked(condition: Condition) -> frozenset[str]:
    """The other rules whose firing the condition asks about."""
    match condition:
        case FiredFor(rule):
            return frozenset({rule})
        case All(parts) | OneOf(parts):
            return frozenset().union(*(rules_asked(part) for part in parts))
        case Not(part) | Unless(part):
            return rules_asked(part)
        case Test() | Earlier():
            return frozenset()


def facts_asked(condition: Condition) -> frozenset[str]:
    """The facts the condition reads."""
    match condition:
        case Test(fact=fact):
            return frozenset({fact})
        case All(parts) | OneOf(parts):
            return frozenset().union(*(facts_asked(part) for part in parts))
        case Not(part) | Unless(part):
            return facts_asked(part)
        case FiredFor() | Earlier():
            return frozenset()
