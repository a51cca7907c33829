"""The words that we know of each fact: what is closed can be said in no other word, of the rest nothing is sure.

A word for a closed fact that is none of its words can never hold: a fault. One for an open fact that no reference list
and no feed of ours says may be a slip: a remark, where most of its words are listed or one of them is nearly the same.
"""

from collections.abc import Iterable, Mapping

from triggers.facts import Fact
from triggers.reference import Reference, folded_word
from triggers.spelling import offence_code

WELL_KNOWN: Mapping[str, tuple[str, ...]] = {
    "flags": (
        *("domestic_abuse", "knife", "hate", "hate_crime", "alcohol", "drugs", "honour_based", "online", "gang"),
        *("county_lines", "child_sexual_exploitation", "criminal_exploitation"),
    ),
    "individual_engagement": ("engaged", "declined", "withdrawn"),
    "household_engagement": ("engaged", "declined", "withdrawn"),
    "disposition": ("discharged", "admitted"),
    "programme": ("tipt", "cirv"),
}
"""Words of domain.md 1, 2.2 and 8 beside those of the reference lists."""

_OF_RECORDS = ("individual_engagement", "household_engagement")

LISTED = frozenset(("offence", "codes", "found", "themes", *_OF_RECORDS))
"""Facts whose words, as far as rules ask them, are listed somewhere: one that is not is remarked on."""

_OF_ANY_FORCE = ("area", "flags", "programme")

ALMOST = frozenset(
    (
        *("disposition", "safeguarding", "category", "qualifiers", "disposal", "exploitation_type", "outcome"),
        *_OF_ANY_FORCE,
    )
)
"""Facts whose words are many, or each force's own: one is remarked on where it is nearly a word that is listed."""


def closed_words(fact: Fact, reference: Reference, rules: frozenset[str]) -> frozenset[str]:
    """Every word that the fact can be; empty where nobody can know them. `rules` are the ids known together."""
    if fact.name == "theme_family":
        return frozenset[str]().union(*reference.theme_families.values())
    if fact.name == "offence_group":
        return frozenset[str]().union(*reference.offence_groups.values())
    return rules if fact.name == "alert_rules" else fact.words


def known_words(fact: Fact, reference: Reference) -> frozenset[str]:
    """The words for an open fact that reference lists, or feeds of ours, are known to say, as they are compared."""
    listed: set[str] = set().union(*reference.lists.values(), WELL_KNOWN.get(fact.name, ()))
    if fact.name == "offence":
        return frozenset({word.upper() for word in listed} | reference.offence_groups.keys())
    if fact.name == "themes":
        listed |= reference.theme_families.keys()
    if fact.name in ("area", "programme", *_OF_RECORDS):
        listed = set(WELL_KNOWN.get(fact.name, ()))
    if fact.name == "area":
        listed |= reference.areas.keys() | {area.force for area in reference.areas.values()}
    return frozenset(map(folded_word, listed)) if fact.open_words else frozenset(listed)


def is_known(fact: Fact, word: str, reference: Reference) -> bool:
    """Whether anything that we know says `word` of the fact."""
    if fact.name == "codes" and any(family.holds(word) for family in reference.families):
        return True
    return word in known_words(fact, reference)


def said_otherwise(fact: Fact, word: str) -> str:
    """What feeds say in the place of a word that they never do; '' where there is no such word."""
    if fact.name == "offence" and offence_code(word) != word:
        return offence_code(word)
    if fact.name == "codes" and ":" not in word:
        return f"icd10:{word.upper()}" if word[:1].isalpha() else f"snomed:{word}"
    return ""


def listed(words: Iterable[str], most: int = 12) -> str:
    """'; there are ...' for a few words; '' for many, or for none."""
    ordered = sorted(words)
    return f"; there are {', '.join(ordered)}" if 0 < len(ordered) <= most else ""
