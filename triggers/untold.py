"""Remarks on facts that are asked of kinds of event that never tell them: it reads well, and never holds."""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce

from domain.kinds import Feed, Kind
from triggers.conditions import All, Answer, Condition, Not, OneOf, Test, Unless, compiled
from triggers.facts import FACTS
from triggers.occurrences import family_of
from triggers.reading import Path
from triggers.vocabulary import families, of_nothing_told, tells

_ANY_ANSWER: frozenset[Answer] = frozenset({True, False, None})


def of_condition(
    condition: Condition, written: object, kinds: Iterable[str], *, of_each: bool = True
) -> Iterator[tuple[str, Path]]:
    """What to say of each fact in a condition that events of `kinds` ('ed.*', 'missing.reported') never tell, and its
    path in what was `written`.

    Of several kinds, one that lacks a fact is named where the others lack it too, or where the whole condition can
    never hold of it and should (`of_each`): what is asked for the sake of some of them is left alone.
    """
    words = [word for word in dict.fromkeys(kinds) if _family(word) in families()]
    doomed = {word: frozenset(_dooming(condition, _family(word))) if of_each else frozenset() for word in words}
    for test in dict.fromkeys(_tests(condition)):
        lack = [word for word in words if not tells(_family(word), test.fact)]
        named = lack if len(lack) == len(words) else [word for word in lack if test in doomed[word]]
        if named:
            ever = "always holds" if _of_nothing(test) else "can never hold"
            yield (
                f"{_never_known(test.fact, named)}, so this {ever} there; {_known_of(test.fact)}",
                _place(written, test.fact),
            )


def of_count(fact: str, kinds: Iterable[str]) -> str:
    """What to say of a count by a fact that nothing counted ever tells; '' where something does."""
    words = [word for word in dict.fromkeys(kinds) if _family(word) in families()]
    if not words or fact not in FACTS or any(tells(_family(word), fact) for word in words):
        return ""
    return f"{_never_known(fact, words)}, so nothing is ever counted by it; {_known_of(fact)}"


def whole(family: str) -> str:
    """A family of kinds as rules write it: 'ed.*', and 'da.incident' where there is but one."""
    kinds = [kind.value for kind in Kind if family_of(kind) == family]
    return kinds[0] if len(kinds) == 1 else f"{family}.*"


def _family(word: str) -> str:
    return word.split(".", 1)[0]


def _tests(condition: Condition) -> Iterator[Test]:
    match condition:
        case Test():
            yield condition
        case All(parts) | OneOf(parts):
            for part in parts:
                yield from _tests(part)
        case Not(part) | Unless(part):
            yield from _tests(part)
        case _:
            return


def _dooming(condition: Condition, family: str) -> Iterator[Test]:
    """The tests because of which the condition can never hold of the family; none where it can."""
    if True in _answers(condition, family):
        return
    if isinstance(condition, (All, OneOf)):
        for part in condition.parts:
            yield from _dooming(part, family)
    else:
        yield from _tests(condition)


def _answers(condition: Condition, family: str) -> frozenset[Answer]:
    """Every answer that the condition may have of an event of the family."""
    match condition:
        case Test():
            return _ANY_ANSWER if tells(family, condition.fact) else frozenset({_of_nothing(condition)})
        case All(parts):
            return reduce(_both, (_answers(part, family) for part in parts), frozenset({True}))
        case OneOf(parts):
            return _opposite(reduce(_both, (_opposite(_answers(part, family)) for part in parts), frozenset({True})))
        case Not(part):
            return _opposite(_answers(part, family))
        case Unless(part):
            return frozenset(answer is not True for answer in _answers(part, family))
        case _:
            return _ANY_ANSWER


def _both(ones: frozenset[Answer], others: frozenset[Answer]) -> frozenset[Answer]:
    """Every answer of two that must both hold: False where one is, else unknown where one is."""
    pairs = [(one, other) for one in ones for other in others]
    return frozenset(False if False in pair else None if None in pair else True for pair in pairs)


def _opposite(answers: frozenset[Answer]) -> frozenset[Answer]:
    return frozenset(None if answer is None else not answer for answer in answers)


def _of_nothing(test: Test) -> Answer:
    """What is answered where nothing was told."""
    return compiled(test)(of_nothing_told({}))


def _never_known(fact: str, kinds: Iterable[str]) -> str:
    return f"'{fact}' ({FACTS[fact].label}) is never told of {' and '.join(kinds)}"


def _known_of(fact: str) -> str:
    """Which kinds tell it; those of the programme by one word, for there are many."""
    telling = [family for family in families() if tells(family, fact)]
    own = {family_of(kind) for kind in Kind if kind.feed is Feed.PROGRAMME}
    said = [whole(family) for family in telling if family not in own]
    if not own.isdisjoint(telling):
        said.append("the programme's own events")
    return f"it is told of {', '.join(said)}"


def _place(written: object, fact: str) -> Path:
    """Where a fact is first asked; () where it is not found."""
    if isinstance(written, Mapping) and fact in written:
        return (fact,)
    parts = written.items() if isinstance(written, Mapping) else enumerate(written) if isinstance(written, list) else ()
    for name, part in parts:
        inner = () if name == "past" else _place(part, fact)
        if inner:
            return (name, *inner)
    return ()
