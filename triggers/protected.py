"""Protected characteristics, however they are spelt: no rule may ask about them (domain.md section 10).

What is not a fact cannot be asked anyway; here such a word is recognised so that the refusal says why, and so that it
cannot slip in as a value (a flag, a mark, a theme, a word of a reference list). Nobody can list every word for every
people; what is here is what a person would write first, and a second person reads each rule before it is live.
"""

import re
from unicodedata import normalize

_STEMS = (
    "ethnic", "racial", "religio", "faith", "muslim", "islam", "jewish", "christian", "hindu", "sikh", "national",
    "immigra", "migrant", "citizen", "asylum", "refugee", "countryofbirth", "birthcountry", "birthplace",
    "mothertongue", "skincolour", "skincolor", "colourofskin", "disab", "pregnan", "matern", "transgender", "gender",
    "sexualorientation", "sexuality", "homosexual", "lesbian", "bisexual", "lgbt", "marital", "marriage",
    "civilpartner", "gypsy", "gypsies", "mosque", "synagogue", "gurdwara",
)  # fmt: skip
"""Beginnings of words that name one, without spaces and signs."""

_ALONE = frozenset((
    "race", "sex", "belief", "language", "traveller", "visa", "married", "gay", "trans", "black", "white", "asian",
    "colour", "coloured", "arabic", "roma", "romani", "male", "female", "males", "females", "jew", "jews", "arab",
    "arabs", "african", "afro", "caribbean", "european", "british", "irish", "somali", "pakistani", "bangladeshi",
    "indian", "jamaican", "albanian", "romanian", "polish", "lithuanian", "latvian", "bulgarian", "slovak", "czech",
    "hungarian", "eritrean", "ethiopian", "sudanese", "nigerian", "ghanaian", "congolese", "zimbabwean", "afghan",
    "iraqi", "iranian", "kurdish", "syrian", "turkish", "vietnamese", "chinese", "russian", "ukrainian", "portuguese",
))  # fmt: skip
"""Words that name one only where they stand by themselves ('trace' and 'sexual exploitation' do not)."""

_OTHERWISE_IN_VALUES = frozenset((
    "sex", "race", "language", "belief", "colour", "coloured", "traveller", "visa", "trans", "black", "white", "asian",
))  # fmt: skip
"""Words that a flag or theme may hold for another reason."""

_OF_PEOPLE = frozenset(("black", "white", "asian", "coloured"))
_PEOPLE = frozenset((
    "male", "female", "males", "females", "man", "men", "woman", "women", "boy", "boys", "girl", "girls", "youth",
    "youths", "person", "people", "lad", "lads", "suspect", "offender", "british", "african", "caribbean", "other",
))  # fmt: skip
_NOT_SAID = frozenset(("is", "non", "not", "no", "are"))
"""A colour is one of people where it stands alone, or beside a word for people: a white van is a van."""

_OTHERWISE = (
    "female genital", "against females", "national referral", "national crime", "national probation",
    "british transport", "hate disability", "disability hate",
)  # fmt: skip
"""What such words mean in company."""

_WITHIN = frozenset(_STEMS) - {"national", "matern", "faith", "marriage", "racial"}
"""Beginnings that name one also where they begin a later word: 'is_muslim', but not 'forced_marriage'."""

_APPEARANCE = re.compile(r"(?<![a-z0-9])ic[\s_.-]?[0-9](?![0-9])", re.IGNORECASE)
"""How police describe what somebody looks like: IC1 to IC9."""

_OTHER_ALPHABETS = str.maketrans("аеорсхуіѕԁɡнтмкАЕОРСХУІЅНТМК", "aeopcxyisdghtmkAEOPCXYISHTMK")
_DIGITS = str.maketrans("013457", "oieast")
"""Letters of other alphabets, and digits, that pass for Latin ones."""

_LONGEST = 200


def is_protected(word: str) -> bool:
    """Whether the name of a fact asks about a protected characteristic, in any spelling."""
    parts = _parts(word)
    squeezed = "".join(parts)
    return any(stem in squeezed for stem in _STEMS) or squeezed in _ALONE or not _ALONE.isdisjoint(parts)


def names_protected(word: str, *, of_place: bool = False) -> bool:
    """Whether a value, such as a flag or a theme, is one; `of_place` where it names an area, a site or a unit, which
    may be called after anything (Black Country, British Transport Police)."""
    if _APPEARANCE.search(word[:_LONGEST]):
        return True
    said = " ".join(_parts(word))
    for phrase in _OTHERWISE:
        said = said.replace(phrase, "")
    parts = said.split()
    if any("".join(parts).startswith(stem) for stem in _STEMS):
        return True
    if any(part.startswith(stem) for part in parts for stem in _WITHIN):
        return True
    if of_place:
        return False
    others = set(parts) - _OF_PEOPLE - _NOT_SAID
    if not _OF_PEOPLE.isdisjoint(parts) and (not others or others & _PEOPLE):
        return True
    return not (_ALONE - _OTHERWISE_IN_VALUES).isdisjoint(parts)


def _parts(word: str) -> list[str]:
    """The word's parts in small Latin letters, as one would read them; 'EthnicGroup' has two."""
    plain = normalize("NFKD", word[:_LONGEST]).translate(_OTHER_ALPHABETS).translate(_DIGITS)
    kept = "".join(letter for letter in plain if letter.isascii() or letter.isspace())
    if not kept.isupper():
        kept = "".join(f" {letter}" if letter.isupper() else letter for letter in kept)
    return "".join(letter if letter.isalpha() else " " for letter in kept.lower()).split()
