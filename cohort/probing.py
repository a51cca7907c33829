"""The keys of a mention straight from its words, without preparing every field: for most events they show "nobody".

The same keys as `blocking.probe_keys` of the prepared identity, or None where the identity is too unusual for the short
way (several names, dates or homes, an estimated date). Keys that cannot meet anybody may be left out or come on top.
"""

from cohort.blocking import email_key, pairs, phone_key, place_key, reference_key
from cohort.cells import NAME_CELLS, STATED_BIRTHS, TokenCell, first_number, hashed, home_cell, house_cell
from cohort.facts import Facts, house_fact, pair_fact, postcode_fact, sex_fact
from cohort.identifiers import canonical, local_reference, nhs_number
from cohort.names import fold
from cohort.normalise import email, phone, postcode
from cohort.postings import KEY_MASK
from cohort.prepared import local_system
from domain.identity import DobQuality, Identity, NameKind, Scheme

_STATED = DobQuality.STATED
_DEFAULT = DobQuality.DEFAULT


def weak_keys(identity: Identity, known: bytes, mask: int) -> list[int] | None:  # noqa: PLR0912, PLR0915
    """The keys of a plain identity that other people may share; None for one that is not plain.

    `known` and `mask` are the filter of the postings: keys that nobody has are left out. (Longer than our functions
    are, as every event comes through here and a call costs as much as a key.)
    """
    names, births = identity.names, identity.dates_of_birth
    postcodes, addresses = identity.postcodes, identity.addresses
    if len(names) > 1 or len(births) > 1 or len(postcodes) > 1 or len(addresses) > 1:
        return None
    tokens: tuple[TokenCell, ...] = ()
    if names:
        name = names[0]
        given = name.given
        tokens = NAME_CELLS[given[0]] if len(given) == 1 else _given(given)
        if name.family:
            tokens += NAME_CELLS[name.family]
    day = month = turned = 0
    if births:
        birth = births[0]
        if birth.quality is _STATED:
            cell = STATED_BIRTHS[birth.value]
            if cell is not None:
                _, day, month, turned = cell
        elif birth.quality is not _DEFAULT:
            return None
    keys: list[int] = []
    if len(tokens) == 2:
        (first, sound, _), (second, other, _) = tokens
        key = (first + second) & KEY_MASK
        if known[key & mask]:
            keys.append(key)
        if day:
            key = month ^ (sound + other & KEY_MASK)
            if known[key & mask]:
                keys.append(key)
            key = day ^ sound
            if known[key & mask]:
                keys.append(key)
            key = day ^ other
            if known[key & mask]:
                keys.append(key)
    elif tokens:
        keys += pairs(tokens, (month,) if day else ())
        if day:
            for _, sound, _ in tokens:
                keys.append(day ^ sound)
    if day:
        if turned:
            for _, sound, _ in tokens:
                key = turned ^ sound
                if known[key & mask]:
                    keys.append(key)
        if addresses:
            key = house_cell(house_number(addresses[0])) ^ day
            if known[key & mask]:
                keys.append(key)
    if addresses and tokens:
        home = home_cell(addresses[0])
        if home:
            for _, _, head in tokens:
                key = home ^ head
                if known[key & mask]:
                    keys.append(key)
    if postcodes:
        place = place_key(_code(postcodes[0]))
        if known[place & mask]:
            for _, _, head in tokens:
                keys.append(place ^ head)
            if day:
                keys.append(place ^ day)
                if turned:
                    keys.append(place ^ turned)
    return keys


def strong_keys(identity: Identity) -> list[int]:
    """The keys of a plain identity's numbers: `blocking.strong_keys` of the prepared one."""
    keys: list[int] = []
    for text in identity.phones:
        number = _phone(text)
        if number:
            keys.append(phone_key(number))
    for text in identity.emails:
        address = email(text)
        if address:
            keys.append(email_key(address))
    for identifier in identity.identifiers:
        scheme = identifier.scheme  # compared by identity: an enum's own hash costs as much as a key
        if scheme is Scheme.NHS:
            value = nhs_number(identifier.value)
            if value is not None:
                keys.append(hashed("nhs", value))
        elif scheme is Scheme.NOMINAL or scheme is Scheme.CRN:
            value = local_reference(identifier.value)
            if value is not None:
                keys.append(reference_key((scheme.value, local_system(identifier.system), value)))
        else:
            value = canonical(scheme, identifier.value)
            if value is not None:
                keys.append(hashed(scheme.value, value))
    return keys


def plain_facts(identity: Identity) -> Facts:
    """The facts of a plain identity. (A house may be known here where the address turns out to be none; that may keep
    a candidate more, never one less.)
    """
    births = identity.dates_of_birth
    birth = STATED_BIRTHS[births[0].value] if births and births[0].quality is _STATED else None
    pair = 0
    if identity.names:
        name = identity.names[0]
        given, family = name.given, name.family
        first, last = NAME_CELLS[given[0]] if len(given) == 1 else (), NAME_CELLS[family]
        if len(first) == 1 == len(last) and (name.kind is NameKind.USUAL or name.kind is NameKind.PREVIOUS):
            pair = pair_fact(first[0], last[0])
    code = postcode(identity.postcodes[0]) if identity.postcodes else None
    number = house_number(identity.addresses[0]) if identity.addresses else ""
    return Facts(
        birth[0] if birth else 0,
        pair,
        postcode_fact(code) if code else 0,
        house_fact(number) if number else 0,
        sex_fact(identity.sex),
    )


def _given(parts: tuple[str, ...]) -> tuple[TokenCell, ...]:
    tokens: tuple[TokenCell, ...] = ()
    for part in parts:
        tokens += NAME_CELLS[part]
    return tokens


def house_number(line: str) -> str:
    """The first number in an address as written; '' where there is none."""
    if not line.isascii():
        return first_number(fold(line))
    word = line.partition(" ")[0]
    return word if word.isdigit() else first_number(line)


def _code(text: str) -> str:
    return text.replace(" ", "").upper() if text.isascii() and text.isprintable() else postcode(text) or ""


def _phone(text: str) -> str | None:
    bare = text.replace(" ", "")
    if len(bare) == 11 and bare[0] == "0" and bare[1] != "0" and bare.isascii() and bare.isdigit():
        return "+44" + bare[1:]
    return phone(text)
