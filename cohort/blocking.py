"""Blocking keys: which members are worth comparing with a mention at all. Several strict keys, none of them loose.

A key is the hash of its parts, so that an index of a million members holds integers; keys that collide only cost one
more comparison. Keys follow limits.md 3.3; tokens are taken as a set, so that swapped and Somali-order names block.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, product

from cohort.names import phonetic
from cohort.normalise import outcode, swapped
from cohort.prepared import PreparedIdentity
from domain.errors import ConfigError

_NHS, _PNC, _CRO, _UPN, _REFERENCE, _PHONE, _EMAIL = range(7)
_BIRTH, _MONTH, _PAIR, _PLACE, _PLACE_BIRTH, _LINE_BIRTH = range(7, 13)
MAX_TOKENS = 5
"""Tokens of one name that make pair keys; a longer name (a sentence in a name field) is cut here."""


Combination = tuple[str, ...]
"""Names of parts that must all agree: a blocking key of a model's own."""
_Part = Callable[[PreparedIdentity], Iterable[object]]


def _tokens(who: PreparedIdentity) -> set[str]:
    return {token for name in who.names for token in name.tokens[:MAX_TOKENS]}


_PARTS: dict[str, _Part] = {
    "birth": lambda who: who.births,
    "birth_month": lambda who: [birth // 100 for birth in who.births],
    "birth_day": lambda who: [birth % 10_000 for birth in who.births],
    "given": lambda who: [name.call for name in who.names if name.call],
    "given_sound": lambda who: [phonetic(name.call) for name in who.names if name.call],
    "family": lambda who: [token for name in who.names for token in name.family],
    "family_sound": lambda who: [phonetic(token) for name in who.names for token in name.family],
    "token": _tokens,
    "token_sound": lambda who: map(phonetic, _tokens(who)),
    "postcode": lambda who: (*who.postcodes, *who.plain_texts("postcode")) if who.plain else who.postcodes,
    "outcode": lambda who: map(outcode, who.postcodes),
    "house": lambda who: (*who.addresses, *who.plain_texts("address")) if who.plain else who.addresses,
    "identifier": lambda who: [each for each in who.plain if each[0] not in ("postcode", "address")],
    "national": lambda who: (*who.nhs, *who.pnc, *who.cro, *who.upn),
    "reference": lambda who: who.references,
    "phone": lambda who: who.phones,
    "email": lambda who: who.emails,
}
PARTS = (*_PARTS, "extra.*")
"""What a key of a model's own can ask for. `birth_month` is yyyymm, `birth_day` mmdd, `given` the call name, `house`
the address line, `identifier` one only known as text, `extra.<name>` a column of that name, in lower case."""
_EXTRA = "extra."


def check_keys(keys: Iterable[Combination]) -> None:
    """Raises ConfigError naming the first part that is none of `PARTS`, or an empty combination."""
    for combination in keys:
        if not combination:
            raise ConfigError("A blocking key needs at least one part")
        for part in combination:
            if part not in _PARTS and not (part.startswith(_EXTRA) and len(part) > len(_EXTRA)):
                raise ConfigError(f"Not a part that a blocking key can have: {part} (there are {', '.join(PARTS)})")


def own_keys(who: PreparedIdentity, keys: Sequence[Combination]) -> list[int]:
    """The keys that a model asks for, one for each choice of values; none where `who` lacks one of the parts.

    `keys` have passed `check_keys`; a KeyError otherwise.
    """
    found: list[int] = []
    for combination in keys:
        values = [set(part_values(who, part)) for part in combination]
        found.extend(hash((combination, chosen)) for chosen in product(*values))
    return found


def part_values(who: PreparedIdentity, part: str) -> Iterable[object]:
    """The values of one of `PARTS`; a KeyError for another."""
    if part.startswith(_EXTRA):
        name = part[len(_EXTRA) :]
        written = [value for known, values in who.extras if known == name for value in values]
        return [plain for value in written if (plain := value.strip().casefold())]
    return _PARTS[part](who)


def blocking_keys(who: PreparedIdentity, keys: Sequence[Combination] = ()) -> list[int]:
    """The keys under which `who` is filed, with those of a model (`keys`). One may come twice."""
    filed = _keys(who, exchanged=False)
    return filed + own_keys(who, keys) if keys else filed


def probe_keys(who: PreparedIdentity, keys: Sequence[Combination] = ()) -> list[int]:
    """The keys under which to look for `who`: their own, and those of the date with day and month exchanged.

    Exchanging on one side is enough and symmetric: an exchanged date exchanged again is the first one.
    """
    probed = _keys(who, exchanged=True)
    return probed + own_keys(who, keys) if keys else probed


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
