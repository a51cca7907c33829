"""Conditions as written, checked against the catalogue of facts and turned into condition trees.

Every fault is told in the words of the fact it is about. Protected characteristics are refused by name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from triggers.catalogue import ALMOST, LISTED, closed_words, is_known, known_words, listed, said_otherwise
from triggers.conditions import All, Condition, FiredFor, Not, OneOf, Operator, Test, Unless
from triggers.contradictions import never
from triggers.facts import FACTS, Fact, FactType
from triggers.fault_words import shown
from triggers.faults import did_you_mean
from triggers.protected import is_protected, names_protected
from triggers.reading import Path
from triggers.reference import Reference, folded_word

MAX_CONDITION_DEPTH = 6
MAX_WORDS = 200

JOINERS = ("all", "any", "not", "unless")

Tell = Callable[[str, Path], None]
"""Takes a fault, or a remark: what is wrong, and where."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What a condition may refer to: reference lists, other rules, and facts of the whole rule (priority tables)."""

    reference: Reference
    rules: frozenset[str]
    tell: Tell
    doubt: Tell  # what nothing new may say, though what is live may
    remark: Tell
    in_priority: bool = False
    past: Callable[[object, Path], Condition] | None = None  # reads what is asked of the past, where that may be asked

    def condition(self, written: object, path: Path, depth: int = 0) -> Condition:
        """The condition written at `path`; faults are told, and a condition that is always true stands in for them."""
        if not isinstance(written, Mapping):
            return self._fault("a condition is a mapping of facts to what they must be", path)
        if depth > MAX_CONDITION_DEPTH:
            return self._fault(f"conditions may be nested at most {MAX_CONDITION_DEPTH} deep", path)
        parts = tuple(self._part(str(name), value, (*path, str(name)), depth) for name, value in written.items())
        made = parts[0] if len(parts) == 1 else All(parts)
        if depth == 0:
            for fact, why in never(made):
                self.doubt(why, (*path, fact) if fact in written else path)
        return made

    def _fault(self, message: str, path: Path) -> Condition:
        self.tell(message, path)
        return All(())

    def _part(self, name: str, value: object, path: Path, depth: int) -> Condition:
        if name in ("all", "any"):
            return self._joined(name, value, path, depth)
        if name == "not":
            return Not(self.condition(value, path, depth + 1))
        if name == "unless":
            return Unless(self.condition(value, path, depth + 1))
        if name == "fired":
            return self._fired(value, path)
        if name == "past":
            return self._past(value, path)
        return self._about(name, value, path)

    def _joined(self, name: str, value: object, path: Path, depth: int) -> Condition:
        if not isinstance(value, list) or not value:
            return self._fault(f"'{name}' needs a list of conditions", path)
        parts = tuple(self.condition(part, (*path, place), depth + 1) for place, part in enumerate(value))
        return All(parts) if name == "all" else OneOf(parts)

    def _fired(self, value: object, path: Path) -> Condition:
        if not self.in_priority:
            return self._fault("'fired' may be asked only in the tables of 'then'", path)
        if not isinstance(value, str) or value not in self.rules:
            return self._fault(
                f"there is no rule {shown(value)} in this file or beside it{did_you_mean(str(value), self.rules)}", path
            )
        return FiredFor(value)

    def _past(self, value: object, path: Path) -> Condition:
        if self.past is None:
            return self._fault("'past' may be asked in 'who' and in the tables of 'then'", path)
        return self.past(value, path)

    def _about(self, name: str, value: object, path: Path) -> Condition:
        fact = FACTS.get(name)
        if fact is None:
            if is_protected(name):
                return self._fault(f"{shown(name)} is a protected characteristic; no rule may ask about it", path)
            there_are = _meant(name) or did_you_mean(name, FACTS) or "; docs/rules.md lists the facts"
            return self._fault(f"{shown(name)} is not a fact that can be asked{there_are}", path)
        if fact.recalled and self.past is None:
            return self._fault(f"'{name}' may be asked in 'who' and in the tables of 'then'", path)
        if fact.only_in_priority and not self.in_priority:
            return self._fault(f"'{name}' is known only in the tables of 'then'", path)
        if isinstance(value, Mapping):
            return self._operators(fact, value, path)
        return self._test(fact, Operator.IS, value, path)

    def _operators(self, fact: Fact, written: Mapping[str, Any], path: Path) -> Condition:
        if not written:
            return self._fault(f"'{fact.name}' is asked nothing", path)
        tests = []
        for word, value in written.items():
            if word not in set(Operator):
                known = ", ".join(Operator)
                return self._fault(f"{shown(word)} is not a way to compare; there are {known}", (*path, word))
            tests.append(self._test(fact, Operator(word), value, (*path, word)))
        return tests[0] if len(tests) == 1 else All(tuple(tests))

    def _test(self, fact: Fact, operator: Operator, value: Any, path: Path) -> Condition:
        if operator is Operator.KNOWN:
            if not isinstance(value, bool):
                return self._fault("'known' is true or false", path)
            return Test(fact.name, operator, value)
        if fact.type is FactType.TRUTH:
            return self._truth(fact, operator, value, path)
        if fact.type is FactType.NUMBER:
            return self._number(fact, operator, value, path)
        return self._words(fact, operator, value, path)

    def _truth(self, fact: Fact, operator: Operator, value: Any, path: Path) -> Condition:
        if operator is not Operator.IS or not isinstance(value, bool):
            return self._fault(f"'{fact.name}' is either true or false", path)
        return Test(fact.name, operator, value)

    def _number(self, fact: Fact, operator: Operator, value: Any, path: Path) -> Condition:
        if operator is Operator.IN:
            return self._fault(f"'{fact.name}' is a number: ask at_least, at_most, more_than or less_than", path)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= 1e9:
            return self._fault(f"'{fact.name}' is compared with a number, not {shown(value)}", path)
        return Test(fact.name, operator, value)

    def _words(self, fact: Fact, operator: Operator, value: Any, path: Path) -> Condition:
        if operator not in (Operator.IS, Operator.IN):
            return self._fault(f"'{fact.name}' is a word: ask 'is' or 'in', not '{operator}'", path)
        if operator is Operator.IS and isinstance(value, list):
            return self._fault(f"'{fact.name}' is one of several words: write '{fact.name}: {{in: [...]}}'", path)
        if operator is Operator.IS:
            word = self._word(fact, value, path)
            return Test(fact.name, operator, word) if word is not None else All(())
        return self._in_list(fact, value, path)

    def _in_list(self, fact: Fact, value: Any, path: Path) -> Condition:
        if isinstance(value, str):
            if value not in self.reference.lists:
                known = did_you_mean(value, self.reference.lists)
                return self._fault(f"there is no reference list {shown(value)}{known}", path)
            words = [self._word(fact, word, path, of_list=True) for word in sorted(self.reference.words(value))]
            return Test(fact.name, Operator.IN, frozenset(word for word in words if word), named=value)
        if not isinstance(value, list) or not 0 < len(value) <= MAX_WORDS:
            return self._fault(f"'in' needs a list of 1 to {MAX_WORDS} words, or the name of a reference list", path)
        words = [self._word(fact, word, (*path, place)) for place, word in enumerate(value)]
        return Test(fact.name, Operator.IN, frozenset(word for word in words if word is not None))

    def _word(self, fact: Fact, value: Any, path: Path, *, of_list: bool = False) -> str | None:
        """The word as it is compared; None, with a fault told, where it can be none. A list's words are known."""
        if not isinstance(value, str) or not value:
            self.tell(
                f"'{fact.name}' is compared with words, not {shown(value)}; put quotes around codes such as \"2\"", path
            )
            return None
        if fact.open_words and names_protected(value, of_place=fact.name in _PLACES):
            self.doubt(f"{shown(value)} names a protected characteristic; no rule may ask about it", path)
        words = closed_words(fact, self.reference, self.rules)
        word = _as_compared(fact, value)
        if words and value not in words and word not in words:
            known = did_you_mean(value, words) or f"; there are {', '.join(sorted(words))}"
            (self.tell if fact.words else self.doubt)(f"{shown(value)} is not a word for {fact.label}{known}", path)
            return None if fact.words else word
        if not words and not of_list:
            self._strange(fact, word, path)
        return word

    def _strange(self, fact: Fact, word: str, path: Path) -> None:
        """Remark on a word that nothing we know says: most likely a slip, and then the rule never fires."""
        otherwise = said_otherwise(fact, word)
        if otherwise:
            self.remark(f"{fact.label}: no feed says {shown(word)}; it is told as '{otherwise}'", path)
        elif fact.name in LISTED | ALMOST and not is_known(fact, word, self.reference):
            words = known_words(fact, self.reference)
            meant = did_you_mean(word, words)
            if meant or fact.name in LISTED:
                self.remark(f"{fact.label}: nothing that we know says {shown(word)}{meant or listed(words)}", path)


def _as_compared(fact: Fact, word: str) -> str:
    if fact.name == "offence":
        return word.upper()
    return folded_word(word) if fact.open_words else word


_PLACES = frozenset({"area", "site", "origin_unit", "programme"})
"""Facts whose words are names of places and units."""

_OF_EVENTS = {
    "ho_code": "offence",
    "offences": "offence",
    "icd10": "codes",
    "snomed": "codes",
    "chief_complaint": "codes",
    "grade": "source' and 'assessment",
    "injury_level": "weapon_known",
    "object_of_search": "found",
    "exploitation": "exploitation_type",
    "nrm": "exploitation_type",
    "engagement": "individual_engagement' or 'household_engagement",
    "custody": "in_custody",
    "last_contact": "days_since_contact",
    "navigator": "has_navigator",
    "navigator_id": "has_navigator",
    "associates": "has_associates",
}
"""Names of what feeds send, by the fact that a rule asks instead."""


def _meant(name: str) -> str:
    """'; ask ...' for the name of something that feeds or records hold, else ''."""
    fact = _OF_EVENTS.get(folded_word(name))
    return f"; ask '{fact}'" if fact else ""
