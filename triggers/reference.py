"""Reference lists: offence groups, weapon words, theme families, code families, areas. Data, versioned, never code.

A rule names a list; the list's content lives in `rulesets/reference.yaml` (domain.md 1, 2.2, 3; rules.md section 4).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.attributes import Intent, Mechanism

_NOT_A_WORD = re.compile(r"[^a-z0-9]+")


def folded_word(text: str) -> str:
    """The form in which open words are compared: lower case, anything else an underscore ('Threat to life')."""
    return _NOT_A_WORD.sub("_", text.lower()).strip("_")


@dataclass(frozen=True, slots=True)
class CodeFamily:
    """A run of clinical codes that say how an injury came about. `first` and `last` are inclusive."""

    system: str
    first: str
    last: str
    intent: Intent | None = None
    mechanism: Mechanism | None = None

    def holds(self, code: str) -> bool:
        """Whether `system:code` lies in the family; ICD-10 codes are compared by their first three characters."""
        system, _, value = code.partition(":")
        if system.lower() != self.system:
            return False
        stem = value.strip().upper()[: len(self.first)] if self.system == "icd10" else value.strip()
        return self.first <= stem <= self.last if self.system == "icd10" else stem == self.first


@dataclass(frozen=True, slots=True)
class Area:
    """A programme area: the force it lies in and, where known, its middle (degrees)."""

    force: str
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """All lists of one version. `lists` are sets of words by name; `theme_families` maps a theme to its families."""

    version: int = 1
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    families: tuple[CodeFamily, ...] = ()
    theme_families: Mapping[str, frozenset[str]] = field(default_factory=dict)
    areas: Mapping[str, Area] = field(default_factory=dict)
    offence_groups: Mapping[str, frozenset[str]] = field(default_factory=dict)  # groups by code
    name: str = ""

    @property
    def mark(self) -> str:
        """Which lists these are: 'reachpoint@2'."""
        return f"{self.name}@{self.version}"

    def groups_of(self, codes: Iterable[str]) -> frozenset[str]:
        """The offence groups that some codes belong to; a code that no group names is of none."""
        none: frozenset[str] = frozenset()
        return none.union(*(self.offence_groups.get(code, none) for code in codes))

    def words(self, name: str) -> frozenset[str]:
        """The words of a list. Raises KeyError for an unknown name (rules are checked before they are used)."""
        return self.lists[name]

    def injury_of(self, codes: Iterable[str]) -> tuple[Intent | None, Mechanism | None]:
        """What clinical codes say of intent and mechanism; None where they say nothing."""
        intent: Intent | None = None
        mechanism: Mechanism | None = None
        for code in codes:
            for family in self.families:
                if family.holds(code):
                    intent = intent or family.intent
                    mechanism = mechanism or family.mechanism
        return intent, mechanism

    def families_of(self, themes: Iterable[str]) -> frozenset[str]:
        """The theme families that intelligence themes belong to."""
        none: frozenset[str] = frozenset()
        return none.union(*(self.theme_families.get(folded_word(theme), none) for theme in themes))

    def area(self, name: str) -> Area | None:
        """The area of that name; an unlisted name is taken for a force area itself; None for an empty one."""
        key = folded_word(name)
        if not key:
            return None
        return self.areas.get(key) or Area(force=key)
