"""Words of a rule test that nothing knows: an offence, a theme, a find, how a visit ended, a force.

Which words are known is a matter of the rules and lists by which a test is run, so they are looked at then. These
vocabularies are open (a force has themes and finds of its own): a word is remarked on only where it is nearly one that
is known, and an offence only where it cannot be a Home Office code, for most real ones stand in no list.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from domain.people import CohortMember
from triggers.catalogue import WELL_KNOWN
from triggers.conditions import Test
from triggers.facts import FACTS
from triggers.fault_words import shown
from triggers.faults import MOST_FAULTS, Remark, did_you_mean
from triggers.reading import Path
from triggers.reference import folded_word
from triggers.rules import RuleSet
from triggers.scenario_timeline import Listed
from triggers.scenario_values import Said, Scenario
from triggers.spelling import offence_code

FORCE = "force"
"""Under this name stand the words for forces and areas, which are asked of a place and not of what happened."""
_FACT_OF = {"ho_code": "offence", "offences": "offence"} | {name: name for name in ("themes", "found", "disposition")}
"""Attributes whose words are looked at, and the fact by which rules ask for them."""

_CODE = re.compile(r"\d{1,3}[A-Z]?|\d{1,3}[./]\d{1,2}|\d{5}")
"""Forms of a Home Office code (domain.md 2.2): 8N, 105A, 4.10, 008/01, and class and subclass run together, 00801."""
_MISREAD = str.maketrans("OIL", "011", " -_")

Known = Mapping[str, frozenset[str]]
"""The words that are known of each fact, and of forces, as they are compared."""


def said_in(cohort: Sequence[CohortMember], placed: Sequence[tuple[Path, Listed]]) -> Iterator[tuple[str, str, Path]]:
    """Every word that is looked at: of which fact, as it is written, and its path."""
    for number, member in enumerate(cohort):
        for name in ("area", "force_area"):
            yield FORCE, getattr(member, name), ("cohort", number, name)
    for path, entry in placed:
        for name in (each for each in _FACT_OF if each in entry.told):
            given, value = entry.told[name]
            for one in value if isinstance(value, list) else [value]:
                yield _FACT_OF[name], "" if one is None else str(one), (*path, "attributes", given)
        where = entry.step.event.place
        if where is not None and where.force_area:
            inside = next((entry.told[name][0] for name in ("force_area", "found_place") if name in entry.told), "")
            yield FORCE, where.force_area, (*path, *(("attributes", inside) if inside else ("place", "force_area")))


def remarks_by(scenario: Scenario, rules: RuleSet) -> tuple[Remark, ...]:
    """What looks like a slip in the test, by the rules that it is run by: in order of lines, MOST_FAULTS at most."""
    if not scenario.said:
        return scenario.remarks
    known = _known_to(rules)
    of_people = {folded_word(name) for member in scenario.cohort for name in (member.area, member.force_area)}
    found = list(scenario.remarks)
    for said in scenario.said:
        own = of_people if said.fact == FORCE and said.path[0] != "cohort" else ()
        told = _slip(said, known[said.fact].union(own))
        if told:
            found.append(Remark(scenario.name, said.path, said.line, told))
    return tuple(sorted(found, key=lambda remark: remark.line)[:MOST_FAULTS])


def _slip(said: Said, known: frozenset[str]) -> str:
    """What to say of the word; '' where it is known, or may be a word of somebody's own."""
    if said.fact == "offence":
        return _no_code(said.word, known)
    word = folded_word(said.word)
    parts = word.split("_") if said.fact == "found" else []
    if word in known or not known.isdisjoint(parts):
        return ""
    meant = next(filter(None, (_near(said.fact, each, known) for each in (word, *parts))), "")
    label = "force or area" if said.fact == FORCE else FACTS[said.fact].label
    return f"{label}: nothing that we know says {shown(said.word)}{meant}" if meant else ""


def _near(fact: str, word: str, known: frozenset[str]) -> str:
    """'; did you mean ...?' for the nearest. Two places may differ by their first letters alone (east, west): of those
    only what begins alike is near."""
    return did_you_mean(word, [each for each in sorted(known) if fact != FORCE or each[:1] == word[:1]])


def _no_code(word: str, known: frozenset[str]) -> str:
    code = offence_code(word)
    if code in known or _CODE.fullmatch(code):
        return ""
    read = code.translate(_MISREAD)
    meant = next((each for each in (read, read[1:] + read[:1]) if each in known), "")
    told = f"{shown(word)} has not the form of a Home Office code, such as 8N, 10D, 4.10 or 008/01"
    return told + (f"; did you mean '{meant}'?" if meant else did_you_mean(code, sorted(known)))


def _known_to(rules: RuleSet) -> Known:
    """Every word that these rules ask for or that their lists hold, found once for a rule set."""
    found: Known | None = rules.worked_out.get(_known_to)
    if found is None:
        found = rules.worked_out[_known_to] = _found(rules)
    return found


def _found(rules: RuleSet) -> Known:
    lists = rules.reference
    areas = {*lists.areas, *(area.force for area in lists.areas.values())}
    found: dict[str, set[str]] = {
        "offence": {*lists.offence_groups, *(word.upper() for words in lists.lists.values() for word in words)},
        "themes": set(map(folded_word, lists.theme_families)),
        "found": set(),
        "disposition": set(WELL_KNOWN["disposition"]),
        FORCE: set(map(folded_word, areas)),
    }
    for test in _tests(rules.rules):
        if test.fact in found:
            words = test.value if isinstance(test.value, frozenset) else {test.value}
            found[test.fact].update(word for word in words if isinstance(word, str))
    return {fact: frozenset(words) for fact, words in found.items()}


def _tests(value: Any) -> Iterator[Test]:
    """Every fact that is asked anywhere in a value."""
    if isinstance(value, Test):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _in_each(getattr(value, each.name) for each in fields(value))
    elif isinstance(value, Mapping):
        yield from _in_each(value.values())
    elif isinstance(value, (tuple, list, frozenset)):
        yield from _in_each(value)


def _in_each(values: Iterable[Any]) -> Iterator[Test]:
    for value in values:
        yield from _tests(value)
