"""Conditions that can never hold, told before they stay silent: bounds that leave no number, words that exclude one
another. Only what must hold together is compared; what is asked of different moments is not looked at here."""

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Any

from triggers.conditions import All, Condition, Not, OneOf, Operator, Test, Unless
from triggers.facts import FACTS, FactType

WHOLE = frozenset({"age", "source", "count", "offers_refused"})
"""Facts that are whole numbers."""

REACH: Mapping[str, tuple[float, float]] = {
    "source": (1, 3),
    "age": (0, inf),
    "offers_refused": (0, inf),
    "days_since_contact": (0, inf),
}
"""The least and the most that a fact can be."""


def never(condition: Condition) -> Iterator[tuple[str, str]]:
    """Each fact of which something is asked that can never be, and why."""
    asked: dict[str, list[Test]] = {}
    for test in _together(condition):
        asked.setdefault(test.fact, []).append(test)
    for fact, tests in asked.items():
        why = _why(fact, tests)
        if why:
            yield fact, why
    for part in _apart(condition):
        yield from never(part)


def _together(condition: Condition) -> Iterator[Test]:
    """The tests that must hold at once."""
    if isinstance(condition, Test):
        yield condition
    elif isinstance(condition, All):
        for part in condition.parts:
            yield from _together(part)


def _apart(condition: Condition) -> Iterator[Condition]:
    """The parts that are each looked at by themselves."""
    match condition:
        case All(parts):
            for part in parts:
                yield from _apart(part)
        case OneOf(parts):
            yield from parts
        case Not(part) | Unless(part):
            yield part
        case _:
            return


def _why(fact: str, tests: list[Test]) -> str:
    """'' where all of the tests may hold of the fact."""
    kind = FACTS[fact].type
    if kind is FactType.NUMBER:
        return _of_numbers(fact, [test for test in tests if test.operator is not Operator.KNOWN])
    words = [test for test in tests if test.operator in (Operator.IS, Operator.IN)]
    if kind is FactType.WORD and len(words) > 1 and not frozenset.intersection(*map(_words, words)):
        return f"'{fact}' is one word; it cannot be {' and '.join(_said(test.value) for test in words)} at once"
    if kind is FactType.TRUTH and {test.value for test in words} == {True, False}:
        return f"'{fact}' cannot be true and false at once"
    return ""


def _of_numbers(fact: str, tests: list[Test]) -> str:
    least, most = REACH.get(fact, (-inf, inf))
    if _leaves_none(fact, tests, -inf, inf):
        return f"'{fact}' can never be {_all_said(tests)}"
    for test in tests:
        if _leaves_none(fact, [test], least, most):
            reach = f"between {least:g} and {most:g}" if most < inf else f"at least {least:g}"
            return f"'{fact}' can never be {_all_said([test])}; it is {reach}"
    return ""


def _leaves_none(fact: str, tests: Iterable[Test], least: float, most: float) -> bool:
    """Whether no number between `least` and `most` agrees with all the tests."""
    above, below = False, False  # whether the bound itself is left out
    for test in tests:
        value = float(test.value)
        if test.operator in (Operator.IS, Operator.AT_LEAST, Operator.MORE_THAN):
            strict = test.operator is Operator.MORE_THAN
            least, above = max((least, above), (value, strict))
        if test.operator in (Operator.IS, Operator.AT_MOST, Operator.LESS_THAN):
            strict = test.operator is Operator.LESS_THAN
            most, below = min((most, below), (value, strict), key=lambda bound: (bound[0], not bound[1]))
    if least > most or (least == most and (above or below)):
        return True
    return fact in WHOLE and above and below and most - least <= 1


def _words(test: Test) -> frozenset[str]:
    return test.value if isinstance(test.value, frozenset) else frozenset({str(test.value)})


def _said(value: Any) -> str:
    return " or ".join(sorted(value)) if isinstance(value, frozenset) else f"{value}"


_IN_WORDS = {
    Operator.IS: "",
    Operator.AT_LEAST: "at least ",
    Operator.AT_MOST: "at most ",
    Operator.MORE_THAN: "more than ",
    Operator.LESS_THAN: "less than ",
}


def _all_said(tests: Iterable[Test]) -> str:
    return " and ".join(f"{_IN_WORDS[test.operator]}{test.value:g}" for test in tests)
