"""Protected characteristics, however they are spelt: no rule may ask about them (domain.md section 10).

What is not a fact cannot be asked anyway; here such a word is recognised so that the refusal says why, and so that it
cannot slip in as a value (a flag, a mark, a theme).
"""

from unicodedata import normalize

_STEMS = (
    "ethnic", "racial", "religio", "faith", "muslim", "islam", "jewish", "christian", "hindu", "sikh", "national",
    "immigra", "migrant", "citizen", "asylum", "refugee", "countryofbirth", "birthcountry", "birthplace",
    "mothertongue", "skincolour", "skincolor", "colourofskin", "disab", "pregnan", "matern", "transgender", "gender",
    "sexualorientation", "sexuality", "homosexual", "lesbian", "bisexual", "lgbt", "marital", "marriage",
    "civilpartner", "roma", "gypsy",
)  # fmt: skip
"""Beginnings of words that name one, without spaces and signs."""

_ALONE = frozenset((
    "race", "sex", "belief", "language", "traveller", "visa", "married", "gay", "trans", "black", "white", "asian",
    "colour",
))  # fmt: skip
"""Words that name one only where they stand by themselves ('trace' and 'sexual exploitation' do not)."""

_OTHERWISE_IN_VALUES = frozenset((
    "sex", "race", "language", "belief", "white", "black", "colour", "traveller", "visa", "trans",
))  # fmt: skip
"""Words that a flag or theme may hold for another reason."""

_OTHER_ALPHABETS = str.maketrans("аеорсхуіѕԁɡнт", "aeopcxyisdght")
_DIGITS = str.maketrans("013457", "oieast")
"""Letters of other alphabets, and digits, that pass for Latin ones."""

_LONGEST = 200


def is_protected(word: str) -> bool:
    """Whether the name of a fact asks about a protected characteristic, in any spelling."""
    parts = _parts(word)
    squeezed = "".join(parts)
    return any(stem in squeezed for stem in _STEMS) or squeezed in _ALONE or not _ALONE.isdisjoint(parts)


def names_protected(word: str) -> bool:
    """Whether a value, such as a flag or a theme, is one."""
    parts = _parts(word)
    squeezed = "".join(parts)
    return any(squeezed.startswith(stem) for stem in _STEMS) or not (_ALONE - _OTHERWISE_IN_VALUES).isdisjoint(parts)


def _parts(word: str) -> list[str]:
    """The word's parts in small Latin letters, as one would read them; 'EthnicGroup' has two."""
    plain = normalize("NFKD", word[:_LONGEST]).translate(_OTHER_ALPHABETS).translate(_DIGITS)
    kept = "".join(letter for letter in plain if letter.isascii() or letter.isspace())
    if not kept.isupper():
        kept = "".join(f" {letter}" if letter.isupper() else letter for letter in kept)
    return "".join(letter if letter.isalpha() else " " for letter in kept.lower()).split()
