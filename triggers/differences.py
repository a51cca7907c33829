"""What one version of the rules says differently from another, in sentences that a supervisor reads before saying yes.

Made from what the rules really check, not from their text: another spelling of the same is no difference. What the
table has no words for is told by the name of the field, so that nothing can change unseen.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, get_args

from domain.triggers import Cap
from triggers.conditions import ALWAYS, All, Condition, Test, Unless
from triggers.explain import condition_words, pattern_words, rule_sentence, span_words
from triggers.patterns import Pattern, RecallPattern
from triggers.reference import Area, CodeFamily, Reference
from triggers.rules import Case, Rule, RuleSet

_CONDITIONS = get_args(Condition)
_PATTERNS = get_args(Pattern)
_NOT_SAID = frozenset({"families", "worked_out", "rule_id"})
"""What is worked out from the rest, or names the thing itself."""
_WRITTEN_DIFFERENTLY = "is written differently"
_MOST_WORDS = 12
"""Of a longer list of words only so many are told, and how many more there are."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `rule` is '' where it is about a reference list."""

    rule: str
    says: str

    def __str__(self) -> str:
        """'ED_REPEAT_ASSAULT: looks back 180 days instead of 365 days.'"""
        end = "" if self.says.endswith(".'") else "."  # a quoted sentence has its own
        return f"{self.rule}: {self.says}{end}" if self.rule else f"{self.says[0].upper()}{self.says[1:]}{end}"


def differences(old: RuleSet, new: RuleSet) -> tuple[Difference, ...]:
    """All that differs, rule by rule in the order of the new set, then rules that are gone, then reference lists."""
    known = {rule.rule_id: rule for rule in old.rules}
    there = {rule.rule_id for rule in new.rules}
    found: list[Difference] = []
    for rule in new.rules:
        before = known.get(rule.rule_id)
        name = str(rule.rule_id)
        if before is None:
            found.append(Difference(name, f"new rule: {rule_sentence(rule).partition(': ')[2].rstrip('.')}"))
        else:
            found += [Difference(name, says) for says in _rule(before, rule)]
    for rule in old.rules:
        if rule.rule_id not in there:
            found.append(Difference(str(rule.rule_id), "this rule is gone: it fires no more"))
    return (*found, *(Difference("", says) for says in _reference(old.reference, new.reference)))


def same(old: RuleSet, new: RuleSet) -> bool:
    """Whether both say the same of everybody, as far as what they say can be compared."""
    return not differences(old, new)


def same_rule(old: Rule, new: Rule) -> bool:
    """Whether two rules of one id are the same in everything, their version too, by lists of the same content."""
    return bool(_plain(old) == _plain(new))


def _rule(old: Rule, new: Rule) -> Iterator[str]:
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
        if spec.name in _NOT_SAID or _hidden(was, now) or _plain(was) == _plain(now):
            continue
        if spec.name == "still" and _as_asked(old) and _as_asked(new):
            continue  # what must remain true is what was asked, and that is told
        yield from _field(owner, spec.name, was, now)


def _as_asked(event: Any) -> bool:
    """Whether an event pattern asks after corrections just what it asks of the event."""
    return bool(_plain(event.still) == _plain(event.where))


def _field(owner: str, name: str, was: Any, now: Any) -> Iterator[str]:
    if isinstance(now, _PATTERNS) or isinstance(was, _PATTERNS):
        yield from _pattern(was, now)
    elif isinstance(now, _CONDITIONS) or isinstance(was, _CONDITIONS):
        yield from _condition(owner, name, was, now)
    elif isinstance(now, frozenset) and isinstance(was, frozenset):
        yield from _words(_label(owner, name), was, now)
    elif isinstance(now, tuple) and isinstance(was, tuple):
        yield from _listed(owner, name, was, now)
    elif is_dataclass(now) and type(now) is type(was):
        yield from _parts(was, now)
    else:
        template = _SAYS.get((owner, name), f"{_label(owner, name)}: {{new}} instead of {{old}}")
        yield template.format(new=_value(now), old=_value(was))


def _pattern(was: Any, now: Any) -> Iterator[str]:
    if isinstance(was, RecallPattern) is not isinstance(now, RecallPattern):
        yield from _pattern(_without_recall(was), _without_recall(now))
    elif type(was) is not type(now):
        yield f"looks for {_told(now)}; before: {_told(was)}"
    else:
        yield from _parts(was, now)


def _without_recall(pattern: Any) -> Any:
    """The pattern itself. What is looked up of the past is asked by `who` or a table, which tell it in words."""
    return pattern.of if isinstance(pattern, RecallPattern) else pattern


def _told(part: Any) -> str:
    if isinstance(part, _PATTERNS):
        return pattern_words(part)
    return "nothing" if part is None else str(getattr(part, "name", type(part).__name__)).replace("_", " ")


def _parts_of_one(label: str, was: tuple[Any, ...], now: tuple[Any, ...]) -> Iterator[str]:
    """Patterns that something is made of: those that are new, gone, or say something else at their place."""
    before, after = [_plain(part) for part in was], [_plain(part) for part in now]
    gone = [part for part, plain in zip(was, before, strict=True) if plain not in after]
    come = [part for part, plain in zip(now, after, strict=True) if plain not in before]
    if len(gone) == len(come) and all(type(a) is type(b) for a, b in zip(gone, come, strict=True)):
        for one, other in zip(gone, come, strict=True):
            yield from _parts(one, other)
        if not gone:
            yield f"{label}: in another order"
        return
    yield from (f"{label}: now also {_told(part)}" for part in come)
    yield from (f"{label}: no longer {_told(part)}" for part in gone)


def _condition(owner: str, name: str, was: Any, now: Any) -> Iterator[str]:
    label = _label(owner, name)
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
            yield from _words(f"{label}, {was.fact.replace('_', ' ')}", was.value, now.value)
            return
        if isinstance(now.value, (int, float)) and not isinstance(now.value, bool):
            yield f"{label}: {_condition_told(now)} instead of {was.value:g}"
            return
    told, before = _condition_told(now), _condition_told(was)
    if told != before:  # otherwise no words of ours tell them apart
        yield f"{label}: {told}; before: {before}"


def _asked(label: str, was: tuple[Any, ...], now: tuple[Any, ...]) -> Iterator[str]:
    """Of what must all hold: what is asked beside, no more, or otherwise."""
    before, after = [_plain(part) for part in was], [_plain(part) for part in now]
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
    yield from (f"{label}: now also {_condition_told(part)}" for part in come)
    yield from (f"{label}: no longer {_condition_told(part)}" for part in gone)


def _of_one_fact(was: Any, now: Any) -> bool:
    """Whether both ask the same fact in the same way, for another value or for other words, written out."""
    if not (isinstance(was, Test) and isinstance(now, Test)):
        return False
    said = (was.fact, was.operator, was.named) == (now.fact, now.operator, now.named)
    return said and isinstance(was.value, frozenset) == isinstance(now.value, frozenset)


def _condition_told(condition: Any) -> str:
    if condition is None or condition == ALWAYS:
        return "anything"
    return f"unless {condition_words(condition.part)}" if isinstance(condition, Unless) else condition_words(condition)


def _listed(owner: str, name: str, was: tuple[Any, ...], now: tuple[Any, ...]) -> Iterator[str]:
    label = _label(owner, name)
    if any(isinstance(each, Case) for each in (*was, *now)):
        yield f"{label}: {_cases(now)}; before: {_cases(was)}"
    elif any(_is_named(each) for each in (*was, *now)):
        yield from _named(label, dict(was), dict(now))
    elif all(is_dataclass(each) for each in (*was, *now)):
        yield from _parts_of_one(label, was, now)
    else:
        before, after = {_text(each): each for each in was}, {_text(each): each for each in now}
        found = list(_words(label, frozenset(before), frozenset(after)))
        yield from found or [f"{label}: in another order"]


def _named(label: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in now:
        if name not in was:
            yield f"{label}: now also {name}: {_told(now[name])}"
        elif _plain(was[name]) != _plain(now[name]):
            yield from (f"{label} {name}: {says}" for says in _pattern(was[name], now[name]))
    yield from (f"{label}: no longer {name}" for name in was if name not in now)


def _is_named(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)


def _cases(cases: Iterable[Case]) -> str:
    return "; ".join(f"{each.value} if {_condition_told(each.condition)}" for each in cases) or "none"


def _words(label: str, was: frozenset[Any], now: frozenset[Any]) -> Iterator[str]:
    come, gone = sorted(map(_text, now - was)), sorted(map(_text, was - now))
    if come:
        yield f"{label}: now also {_some(come)}"
    if gone:
        yield f"{label}: no longer {_some(gone)}"


def _some(words: list[str]) -> str:
    more = len(words) - _MOST_WORDS
    return ", ".join(words[:_MOST_WORDS]) + (f" and {more} more" if more > 0 else "")


# -- reference lists -------------------------------------------------------------------------------------------------


def _reference(old: Reference, new: Reference) -> Iterator[str]:
    for spec in fields(new):
        was, now = getattr(old, spec.name), getattr(new, spec.name)
        if _plain(was) == _plain(now) or spec.name == "version" or not spec.compare:
            continue
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            yield from _mappings(spec.name, was, now)
        else:
            found = list(_words(_LISTS.get(spec.name, spec.name), _as_set(was), _as_set(now)))
            yield from found or [f"{_LISTS.get(spec.name, spec.name)} are in another order"]


def _mappings(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    label = _LISTS.get(name, name.replace("_", " "))
    for key in sorted(set(was) | set(now)):
        title = f"{label} '{key}'"
        if key not in was:
            yield f"{title} is new: {_value(now[key])}"
        elif key not in now:
            yield f"{title} is gone"
        elif isinstance(was[key], frozenset) and isinstance(now[key], frozenset):
            yield from _words(title, was[key], now[key])
        elif _plain(was[key]) != _plain(now[key]):
            yield f"{title}: {_value(now[key])} instead of {_value(was[key])}"


def _as_set(value: Any) -> frozenset[Any]:
    return frozenset(value) if isinstance(value, (tuple, list, frozenset, set)) else frozenset({value})


_LISTS = {
    "lists": "list",
    "families": "clinical codes",
    "theme_families": "families of the theme",
    "areas": "area",
}

# -- words -----------------------------------------------------------------------------------------------------------

_SAYS: dict[tuple[str, str], str] = {
    ("CountPattern", "within"): "looks back {new} instead of {old}",
    ("CountPattern", "at_least"): "asks for {new} or more instead of {old}",
    ("CountPattern", "min_feeds"): "asks for at least {new} feeds that tell it instead of {old}",
    ("CountPattern", "distinct"): "counts different ones by {new} instead of {old}",
    ("SequencePattern", "within"): "lets {new} pass between the two instead of {old}",
    ("AllOf", "within"): "all within {new} instead of {old}",
    ("StepsPattern", "within"): "lets {new} pass from the first step to the last instead of {old}",
    ("FirstPattern", "within"): "asks for the first in {new} instead of {old}",
    ("ChangePattern", "recent"): "looks at the last {new} instead of {old}",
    ("ChangePattern", "usual"): "takes as usual {new} instead of {old}",
    ("ChangePattern", "times"): "asks for {new} times as many as usual instead of {old}",
    ("FiredPattern", "rule"): "is about firings of {new} instead of {old}",
    ("AbsencePattern", "within"): "waits {new} instead of {old}",
    ("QuietPattern", "lasting"): "asks for {new} of quiet instead of {old}",
    ("AccumulatedPattern", "at_least"): "asks for {new} categories instead of {old}",
    ("EventPattern", "subject"): "is about {new} instead of {old}",
    ("EventPattern", "suspect_side"): "reads it as the person's own offending: {new} instead of {old}",
    ("Then", "priority"): "is {new} instead of {old}",
    ("Then", "contact_within"): "asks for contact within {new} instead of {old}",
    ("Then", "sensitivity"): "may be told to {new} instead of {old}",
    ("Then", "expires_after"): "loses its meaning after {new} instead of {old}",
    ("Then", "cap"): "raises {new} for one person instead of {old}",
    ("Cap", "alerts"): "raises at most {new} alerts for one person instead of {old}",
    ("Cap", "within"): "counts the alerts of one person over {new} instead of {old}",
    ("Then", "headline"): "the page says '{new}' instead of '{old}'",
    ("Then", "suggestion"): "suggests '{new}' instead of '{old}'",
    ("Then", "rises"): "fires again when its priority rises: {new} instead of {old}",
    ("Cooling", "within"): "stays quiet for {new} after it fired instead of {old}",
    ("Cooling", "ground"): "stays quiet about the same {new} instead of the same {old}",
    ("Cooling", "per_priority"): "each priority stays quiet by itself: {new} instead of {old}",
    ("Rule", "tolerance"): "still fires for what comes up to {new} late instead of {old}",
    ("Rule", "late_after"): "is marked late after {new} instead of {old}",
    ("Rule", "version"): "is version {new} instead of {old}",
    ("Rule", "owner"): "belongs to {new} instead of {old}",
    ("Rule", "why"): "gives as its reason '{new}' instead of '{old}'",
}

_LABELS: dict[tuple[str, str], str] = {
    ("AnyOf", "parts"): "ways in which it comes true",
    ("AllOf", "parts"): "all of which must come together",
    ("AllOf", "none_of"): "none of which may come",
    ("StepsPattern", "steps"): "steps",
    ("RecallPattern", "lookups"): "what it looks up of the past",
    ("Merging", "two_feeds_when"): "takes what two feeds tell for one if both are",
    ("EventPattern", "kinds"): "events that it listens to",
    ("EventPattern", "where"): "asks of the event",
    ("EventPattern", "still"): "asks that after corrections there still be",
    ("EntersPattern", "statuses"): "states that one comes into",
    ("AccumulatedPattern", "categories"): "category",
    ("AccumulatedPattern", "where"): "asks of all evidence",
    ("Then", "priorities"): "priority",
    ("Then", "headlines"): "headline",
    ("Then", "reviews"): "also opens",
    ("Then", "channels"): "channels",
    ("Rule", "who"): "for whom",
    ("Rule", "sources"): "sources",
    ("Rule", "yields_to"): "gives way to",
}


def _label(owner: str, name: str) -> str:
    return _LABELS.get((owner, name), name.replace("_", " "))


def _value(value: Any) -> str:
    """A value in words."""
    if value is None:
        return "no limit"
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return span_words(value)
    if isinstance(value, _PATTERNS):
        return pattern_words(value)
    if isinstance(value, (frozenset, tuple, list)):
        return _some(sorted(map(_text, value))) or "nothing"
    return _text(value) or "nothing"


def _text(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Cap):
        return f"at most {value.alerts} alert{'s' if value.alerts > 1 else ''} in {span_words(value.within)}"
    if isinstance(value, CodeFamily):
        said = ", ".join(each.value for each in (value.intent, value.mechanism) if each)
        run = value.first if value.first == value.last else f"{value.first} to {value.last}"
        return f"{value.system} {run} ({said})"
    if isinstance(value, Area):
        return f"force {value.force}" + (f" at {value.lat}, {value.lon}" if value.lat is not None else "")
    if isinstance(value, _PATTERNS):
        return pattern_words(value)
    return str(value)


# -- comparing -------------------------------------------------------------------------------------------------------


def _hidden(*values: Any) -> bool:
    """Compiled conditions: the conditions that they were made from are compared instead."""
    return all(value is None or (callable(value) and not is_dataclass(value)) for value in values) and any(
        callable(value) for value in values
    )


def _plain(value: Any) -> Any:
    """A value without what is worked out from it. A reference list is its name: what is in it is told once."""
    if isinstance(value, Test):
        return ("Test", value.fact, value.operator, f"list {value.named}" if value.named else _plain(value.value))
    if is_dataclass(value) and not isinstance(value, type):
        said = [(spec.name, getattr(value, spec.name)) for spec in fields(value)]
        return (
            type(value).__name__,
            tuple((name, _plain(each)) for name, each in said if name not in _NOT_SAID and not _hidden(each)),
        )
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), _plain(each)) for key, each in value.items()))
    if isinstance(value, (frozenset, set)):
        return tuple(sorted(map(repr, map(_plain, value))))
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain, value))
    return value
