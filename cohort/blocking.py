"""Blocking keys: which members are worth comparing with a mention at all. Several strict keys, none of them loose.

A key is the hash of its parts, so that an index of a million members holds integers; keys that collide only cost one
more comparison. Keys follow limits.md 3.3; tokens are taken as a set, so that swapped and Somali-order names block.
"""

from itertools import combinations

from cohort.names import phonetic
from cohort.normalise import outcode, swapped
from cohort.prepared import PreparedIdentity

_NHS, _PNC, _CRO, _UPN, _REFERENCE, _PHONE, _EMAIL = range(7)
_BIRTH, _MONTH, _PAIR, _PLACE, _PLACE_BIRTH, _LINE_BIRTH = range(7, 13)
_R_YEAR, _R_OUTCODE, _R_TOKEN, _R_PHONE = range(20, 24)
MAX_TOKENS = 5
"""Tokens of one name that make pair keys; a longer name (a sentence in a name field) is cut here."""


def blocking_keys(who: PreparedIdentity) -> set[int]:
    """The keys under which `who` is filed."""
    keys = _identifier_keys(who)
    sounds = _sounds(who)
    births = who.births
    for birth in births:
        for sound in sounds:
            keys.add(hash((_BIRTH, birth, sound)))
    prefixes: set[str] = set()
    for name in who.names:
        tokens = name.tokens
        if len(tokens) == 2:
            _add_pair(keys, tokens[0], tokens[1], births)
        elif len(tokens) > 2:
            for first, second in combinations(tokens[:MAX_TOKENS], 2):
                _add_pair(keys, first, second, births)
        for token in tokens:
            prefixes.add(token[:2])
    for postcode in who.postcodes:
        for prefix in prefixes:
            keys.add(hash((_PLACE, postcode, prefix)))
        for birth in births:
            keys.add(hash((_PLACE_BIRTH, postcode, birth)))
    for line in who.addresses:
        for birth in births:
            keys.add(hash((_LINE_BIRTH, line, birth)))
    return keys


def probe_keys(who: PreparedIdentity) -> set[int]:
    """The keys under which to look for `who`: their own, and those of the date with day and month exchanged.

    Exchanging on one side is enough and symmetric: an exchanged date exchanged again is the first one.
    """
    keys = blocking_keys(who)
    for birth in who.births:
        other = swapped(birth)
        if other is not None:
            for sound in _sounds(who):
                keys.add(hash((_BIRTH, other, sound)))
            for postcode in who.postcodes:
                keys.add(hash((_PLACE_BIRTH, postcode, other)))
    return keys


def refinements(who: PreparedIdentity) -> set[int]:
    """What a block that grew too large is divided by: birth year, district, each token of the names, phone."""
    keys = {hash((_R_YEAR, birth // 10_000)) for birth in who.births}
    keys.update(hash((_R_OUTCODE, outcode(postcode))) for postcode in who.postcodes)
    keys.update(hash((_R_TOKEN, sound)) for sound in _sounds(who))
    keys.update(hash((_R_PHONE, phone)) for phone in who.phones)
    return keys


def _identifier_keys(who: PreparedIdentity) -> set[int]:
    keys: set[int] = set()
    for scheme, values in (
        (_NHS, who.nhs),
        (_PNC, who.pnc),
        (_CRO, who.cro),
        (_UPN, who.upn),
        (_REFERENCE, who.references),
        (_PHONE, who.phones),
        (_EMAIL, who.emails),
    ):
        for value in values:
            keys.add(hash((scheme, value)))
    return keys


def _sounds(who: PreparedIdentity) -> set[str]:
    return {phonetic(token) for name in who.names for token in name.tokens}


def _add_pair(keys: set[int], first: str, second: str, births: tuple[int, ...]) -> None:
    keys.add(hash((_PAIR, first, second) if first < second else (_PAIR, second, first)))
    one, other = phonetic(first), phonetic(second)
    if one > other:
        one, other = other, one
    for birth in births:
        keys.add(hash((_MONTH, birth // 100, one, other)))
