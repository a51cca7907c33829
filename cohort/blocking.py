"""Blocking keys: which members are worth comparing with a mention at all. Several strict keys, none of them loose.

A key is two or three hashes joined (`cells.py`), so that an index of a million members holds integers; keys that
collide only cost one more comparison. Keys follow limits.md 3.3; tokens are taken as a set, so that swapped and
Somali-order names block.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, product

from cohort.cells import TokenCell, first_number, hashed, home_cell, house_cell, number_cell, token_cell
from cohort.names import phonetic
from cohort.normalise import outcode
from cohort.postings import KEY_MASK
from cohort.prepared import PreparedIdentity
from domain.errors import ConfigError

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
        found.extend(hashed("/".join(combination), chosen) for chosen in product(*values))
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
    return [*strong_keys(who), *_weak_keys(who, exchanged=False), *own_keys(who, keys)]


def probe_keys(who: PreparedIdentity, keys: Sequence[Combination] = ()) -> tuple[list[int], list[int]]:
    """The keys under which to look for `who`: strong ones, and weak ones with the date's day and month exchanged too.

    Exchanging on one side is enough and symmetric: an exchanged date exchanged again is the first one.
    """
    return strong_keys(who), [*_weak_keys(who, exchanged=True), *own_keys(who, keys)]


def strong_keys(who: PreparedIdentity) -> list[int]:
    """One key for each number and address of this person alone. Two people share a phone only if they share its key."""
    keys = [phone_key(phone) for phone in who.phones] if who.phones else []
    for email in who.emails:
        keys.append(email_key(email))
    if who.has_identifiers:
        keys += [reference_key(reference) for reference in who.references]
        for scheme, values in (("nhs", who.nhs), ("pnc", who.pnc), ("cro", who.cro), ("upn", who.upn)):
            keys += [hashed(scheme, value) for value in values]
    return keys


_PLACE, _PHONE = hashed("kind", "place"), hashed("kind", "phone")
"""Kinds of value told apart by xor: a tuple to hash would cost as much as the rest of the key."""


def phone_key(phone: str) -> int:
    """The key of an E.164 number."""
    return (hash(phone) ^ _PHONE) & KEY_MASK


def email_key(email: str) -> int:
    """The key of a normalised e-mail address."""
    return hashed("email", email)


def reference_key(reference: tuple[str, str, str]) -> int:
    """The key of a local reference: scheme, system, value."""
    return hashed("reference", reference)


def place_keys(who: PreparedIdentity) -> list[int]:
    """One key per postcode. Nobody is filed under them; where one is unknown, keys with a postcode can be spared."""
    return [place_key(postcode) for postcode in who.postcodes]


def place_key(postcode: str) -> int:
    """The key of a normalised postcode, and a part of the keys that have one."""
    return (hash(postcode) ^ _PLACE) & KEY_MASK


def _weak_keys(who: PreparedIdentity, *, exchanged: bool) -> list[int]:
    births = [number_cell(birth) for birth in who.births]
    days = [day for _, day, _, _ in births]
    near = days + [turned for _, _, _, turned in births if turned] if exchanged else days
    names = [[token_cell(token) for token in name.tokens] for name in who.names]
    tokens = names[0] if len(names) == 1 else list(dict.fromkeys(token for name in names for token in name))
    keys = [day ^ sound for day in near for _, sound, _ in tokens]
    for name in names:
        keys += pairs(name, [month for _, _, month, _ in births])
    for postcode in who.postcodes:
        place = place_key(postcode)
        keys += [place ^ head for _, _, head in tokens]
        keys += [place ^ day for day in near]
    for line in who.addresses:
        home = home_cell(line)
        if home:
            keys += [home ^ head for _, _, head in tokens]
    if days:
        for line in who.addresses:
            house = house_cell(first_number(line))
            keys += [house ^ day for day in days]
    return keys


def pairs(tokens: Sequence[TokenCell], months: Sequence[int]) -> list[int]:
    """Any two tokens of one name, and their sounds with the month of birth, in whichever order."""
    keys = []
    for first, second in combinations(tokens[:MAX_TOKENS], 2):
        keys.append((first[0] + second[0]) & KEY_MASK)
        keys += [month ^ (first[1] + second[1] & KEY_MASK) for month in months]
    return keys
