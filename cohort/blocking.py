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
MAX_TOKENS = 5
"""Tokens of one name that make pair keys; a longer name (a sentence in a name field) is cut here."""


def blocking_keys(who: PreparedIdentity) -> list[int]:
    """The keys under which `who` is filed. One may come twice."""
    return _keys(who, exchanged=False)


def probe_keys(who: PreparedIdentity) -> list[int]:
    """The keys under which to look for `who`: their own, and those of the date with day and month exchanged.

    Exchanging on one side is enough and symmetric: an exchanged date exchanged again is the first one.
    """
    return _keys(who, exchanged=True)


def _keys(who: PreparedIdentity, *, exchanged: bool) -> list[int]:
    keys = _identifier_keys(who) if who.has_identifiers else []
    for phone in who.phones:
        keys.append(hash((_PHONE, phone)))
    for email in who.emails:
        keys.append(hash((_EMAIL, email)))
    births = who.births
    near = births + tuple(filter(None, map(swapped, births))) if exchanged else births
    tokens = who.names[0].tokens if len(who.names) == 1 else {token for name in who.names for token in name.tokens}
    for birth in near:
        for token in tokens:
            keys.append(hash((_BIRTH, birth, phonetic(token))))
    for name in who.names:
        _add_pairs(keys, name.tokens, births)
    for postcode in who.postcodes:
        for token in tokens:
            keys.append(hash((_PLACE, postcode, token[:2])))
        for birth in near:
            keys.append(hash((_PLACE_BIRTH, postcode, birth)))
    for line in who.addresses:
        for birth in births:
            keys.append(hash((_LINE_BIRTH, line, birth)))
    return keys


def _add_pairs(keys: list[int], tokens: tuple[str, ...], births: tuple[int, ...]) -> None:
    """Any two tokens of one name, and their sounds with the month of birth, in whichever order."""
    for first, second in (tokens,) if len(tokens) == 2 else combinations(tokens[:MAX_TOKENS], 2):
        keys.append(hash((_PAIR, first, second) if first < second else (_PAIR, second, first)))
        if births:
            one, other = phonetic(first), phonetic(second)
            if one > other:
                one, other = other, one
            for birth in births:
                keys.append(hash((_MONTH, birth // 100, one, other)))


def _identifier_keys(who: PreparedIdentity) -> list[int]:
    keys = [hash((_REFERENCE, reference)) for reference in who.references]
    for scheme, values in ((_NHS, who.nhs), (_PNC, who.pnc), (_CRO, who.cro), (_UPN, who.upn)):
        keys.extend(hash((scheme, value)) for value in values)
    return keys


def refinements(who: PreparedIdentity) -> set[int | str]:
    """What a block that grew too large is divided by: birth year, district, each token of the names, phone.

    As they are: a year is a number, a phone begins with +, and no district is written like a sound (W123).
    """
    keys: set[int | str] = {birth // 10_000 for birth in who.births}
    keys.update(who.phones)
    keys.update(map(outcode, who.postcodes))
    for name in who.names:
        keys.update(map(phonetic, name.tokens))
    return keys
