"""What one wording of a rule says differently from another, part by part, in sentences.

Patterns and conditions are compared as what they really check; what is asked beside, no more, or otherwise is told
alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args

from triggers.comparable import NOT_SAID, hidden, plain, same_rule
from triggers.conditions import ALWAYS, All, Condition, Test
from triggers.difference_words import (
    PATTERNS,
    SAYS,
    condition_told,
    label_of,
    part_told,
    text_told,
    value_told,
    words_changed,
)
from triggers.explain import rule_sentence
from triggers.months import Months
from triggers.patterns import RecallPattern
from triggers.rules import Case, Rule

_CONDITIONS = get_args(Condition)
_WRITTEN_DIFFERENTLY = "is written differently"


def rule_differences(old: Rule, new: Rule) -> Iterator[str]:
    """What `new` says differently from `old`, of one id: a sentence without its end for each difference."""
    if same_rule(old, new):
        return
    said = list(dict.fromkeys(_parts(old, new)))
    now, was = rule_sentence(new), rule_sentence(old)
    yield from said or [_WRITTEN_DIFFERENTLY if now == was else f"{now} Before: {was}".rstrip(".")]


def _parts(old: Any, new: Any) -> Iterator[str]:
    """The differences of two values of one class, field by field."""
    owner = type(new).__name__
    for spec in fields(new):
        was, now = getattr(old, spec.name), getattr(new, spec.name)
        if spec.name in NOT_SAID or hidden(was, now) or plain(was) == plain(now):
            continue
        if spec.name == "still" and _as_asked(old) and _as_asked(new):
            continue  # what must remain true is what was asked, and that is told
        yield from _field(owner, spec.name, was, now)


def _as_asked(event: Any) -> bool:
    """Whether an event pattern asks after corrections just what it asks of the event."""
    return bool(plain(event.still) == plain(event.where))


def _field(owner: str, name: str, was: Any, now: Any) -> Iterator[str]:
    if isinstance(now, PATTERNS) or isinstance(was, PATTERNS):
        yield from _pattern(was, now)
    elif isinstance(now, _CONDITIONS) or isinstance(was, _CONDITIONS):
        yield from _condition(owner, name, was, now)
    elif isinstance(now, frozenset) and isinstance(was, frozenset):
        yield from words_changed(label_of(owner, name), was, now)
    elif isinstance(now, tuple) and isinstance(was, tuple):
        yield from _listed(owner, name, was, now)
    elif is_dataclass(now) and type(now) is type(was) and not isinstance(now, Months):
        yield from _parts(was, now)
    else:
        template = SAYS.get((owner, name), f"{label_of(owner, name)}: {{new}} instead of {{old}}")
        yield template.format(new=value_told(now), old=value_told(was))


def _pattern(was: Any, now: Any) -> Iterator[str]:
    if isinstance(was, RecallPattern) is not isinstance(now, RecallPattern):
        yield from _pattern(_without_recall(was), _without_recall(now))
    elif type(was) is not type(now):
        yield f"looks for {part_told(now)}; before: {part_told(was)}"
    else:
        yield from _parts(was, now)


def _without_recall(pattern: Any) -> Any:
    """The pattern itself. What is looked up of the past is asked by `who` or a table, which tell it in words."""
    return pattern.of if isinstance(pattern, RecallPattern) else pattern


def _parts_of_one(label: str, was: tuple[Any, ...], now: tuple[Any, ...]) -> Iterator[str]:
    """Patterns that something is made of: those that are new, gone, or say something else at their place."""
    before, after = [plain(part) for part in was], [plain(part) for part in now]
    gone = [part for part, plain in zip(was, before, strict=True) if plain not in after]
    come = [part for part, plain in zip(now, after, strict=True) if plain not in before]
    if len(gone) == len(come) and all(type(a) is type(b) for a, b in zip(gone, come, strict=True)):
        for one, other in zip(gone, come, strict=True):
            yield from _parts(one, other)
        if not gone:
            yield f"{label}: in another order"
        return
    yield from (f"{label}: now also {part_told(part)}" for part in come)
    yield from (f"{label}: no longer {part_told(part)}" for part in gone)


def _condition(owner: str, name: str, was: Any, now: Any) -> Iterator[str]:
    label = label_of(owner, name)
    if was in (None, ALWAYS) or now in (None, ALWAYS) or not (isinstance(was, All) or isinstance(now, All)):
        yield from _one_asked(label, was, now)
    else:
        yield from _asked(label, _all_parts(was), _all_parts(now))


def _all_parts(condition: Any) -> tuple[Any, ...]:
    return condition.parts if isinstance(condition, All) else (condition,)


def _one_asked(label: str, was: Any, now: Any) -> Iterator[str]:
    """One condition in the place of another."""
    if isinstance(was, Test) and isinstance(now, Test) and _of_one_fact(was, now):
        if isinstance(now.value, frozenset):
            yield from words_changed(f"{label}, {was.fact.replace('_', ' ')}", was.value, now.value)
            return
        if isinstance(now.value, (int, float)) and not isinstance(now.value, bool):
            yield f"{label}: {condition_told(now)} instead of {was.value:g}"
            return
    told, before = condition_told(now), condition_told(was)
    if told != before:  # otherwise no words of ours tell them apart
        yield f"{label}: {told}; before: {before}"


def _asked(label: str, was: tuple[Any, ...], now: tuple[Any, ...]) -> Iterator[str]:
    """Of what must all hold: what is asked beside, no more, or otherwise."""
    before, after = [plain(part) for part in was], [plain(part) for part in now]
    gone = [part for part, plain in zip(was, before, strict=True) if plain not in after]
    come = [part for part, plain in zip(now, after, strict=True) if plain not in before]
    if len(gone) == len(come) == 1:
        yield from _one_asked(label, gone[0], come[0])
        return
    if not gone and not come:
        yield f"{label}: in another order"
    for one, other in [(a, b) for a in gone for b in come if _of_one_fact(a, b)]:
        if one in gone and other in come:
            gone.remove(one)
            come.remove(other)
            yield from _one_asked(label, one, other)
    yield from (f"{label}: now also {condition_told(part)}" for part in come)
    yield from (f"{label}: no longer {condition_told(part)}" for part in gone)


def _of_one_fact(was: Any, now: Any) -> bool:
    """Whether both ask the same fact in the same way, for another value or for other words, written out."""
    if not (isinstance(was, Test) and isinstance(now, Test)):
        return False
    said = (was.fact, was.operator, was.named) == (now.fact, now.operator, now.named)
    return said and isinstance(was.value, frozenset) == isinstance(now.value, frozenset)


def _listed(owner: str, name: str, was: tuple[Any, ...], now: tuple[Any, ...]) -> Iterator[str]:
    label = label_of(owner, name)
    if any(isinstance(each, Case) for each in (*was, *now)):
        yield f"{label}: {_cases(now)}; before: {_cases(was)}"
    elif any(_is_named(each) for each in (*was, *now)):
        yield from _named(label, dict(was), dict(now))
    elif all(is_dataclass(each) for each in (*was, *now)):
        yield from _parts_of_one(label, was, now)
    else:
        before, after = {text_told(each): each for each in was}, {text_told(each): each for each in now}
        found = list(words_changed(label, frozenset(before), frozenset(after)))
        yield from found or [f"{label}: in another order"]


def _named(label: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in now:
        if name not in was:
            yield f"{label}: now also {name}: {part_told(now[name])}"
        elif plain(was[name]) != plain(now[name]):
            yield from (f"{label} {name}: {says}" for says in _pattern(was[name], now[name]))
    yield from (f"{label}: no longer {name}" for name in was if name not in now)


def _is_named(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)


def _cases(cases: Iterable[Case]) -> str:
    return "; ".join(f"{each.value} if {condition_told(each.condition)}" for each in cases) or "none"
