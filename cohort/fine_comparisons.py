"""Comparisons for tables and trained models: one per column, finer levels, each with the values that it compares.

A model says by its levels whether it wants these or the shipped model's (`offered.py`). Best pair of several values;
symmetric and pure. The values are what term frequencies are counted of.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

from rapidfuzz.distance import OSA, JaroWinkler

from cohort.comparisons import MISSING, Comparison
from cohort.names import MOHAMMED, same_person_short, stem
from cohort.normalise import outcode, sector
from cohort.prepared import PreparedIdentity, PreparedName
from cohort.text_levels import CLOSE, KINDS, MEMO, NEAR, SIMILAR, Kind, code_level, date_digits, date_level

Values = Callable[[PreparedIdentity], tuple[str, ...]]


class Offer(NamedTuple):
    """A comparison that a model may ask for: its levels, strongest first and MISSING last, and what it compares.

    A term frequency counts for the levels in `shared`: those at which both sides hold the same value.
    """

    name: str
    compare: Comparison
    levels: tuple[str, ...]
    values: Values
    shared: frozenset[str] = frozenset({"exact"})
    held: Callable[[PreparedIdentity], Any] | None = None
    judge: Callable[[Any, Any], str] | None = None
    """`compare` in two halves, what is held and how two such compare: training does each once per distinct value."""


def _halved(
    name: str,
    held: Callable[[PreparedIdentity], Any],
    judge: Callable[[Any, Any], str],
    levels: tuple[str, ...],
    values: Values,
) -> Offer:
    """A comparison from its two halves."""

    def compare(one: PreparedIdentity, other: PreparedIdentity) -> str:
        return judge(held(one), held(other))

    return Offer(name, compare, levels, values, held=held, judge=judge)


def _best(
    name: str,
    values: Values,
    level: Callable[[str, str], str],
    levels: Sequence[str],
) -> Offer:
    """A comparison by the best pair of values."""
    rank = {each: place for place, each in enumerate(levels)}

    def judge(first: tuple[str, ...], second: tuple[str, ...]) -> str:
        if not first or not second:
            return MISSING
        if len(first) == 1 == len(second):
            return level(first[0], second[0])
        return min((level(mine, theirs) for mine, theirs in product(first, second)), key=rank.__getitem__)

    return _halved(name, values, judge, (*levels, MISSING), values)


GIVEN_LEVELS = (
    "exact", "same_call_name", "close", "short_form", "swapped", "initial", "near", "similar", "different", MISSING,
)  # fmt: skip
FAMILY_LEVELS = ("exact", "close", "one_of_two", "near", "similar", "different", MISSING)
_GIVEN_RANK = {level: rank for rank, level in enumerate(GIVEN_LEVELS)}
_FAMILY_RANK = {level: rank for rank, level in enumerate(FAMILY_LEVELS)}
_AGREE = frozenset({"exact", "same_call_name", "close", "short_form", "one_of_two"})


Names = tuple[PreparedName, ...]


def names_of(who: PreparedIdentity) -> Names:
    """All names, aliases among them."""
    return who.names


def given_level(one: Names, other: Names) -> str:
    """Given names; `swapped` where each half of a name stands in the other's place: that settles the family too."""
    if not one or not other:
        return MISSING
    if len(one) == 1 == len(other):
        return _halves(one[0], other[0])[0]
    return min((_halves(first, second)[0] for first, second in product(one, other)), key=_given_rank)


def family_level(one: Names, other: Names) -> str:
    """Family names; says nothing where the halves are swapped: that has been counted with the given names."""
    if not one or not other:
        return MISSING
    if len(one) == 1 == len(other):
        return _halves(one[0], other[0])[1]
    pairs = [_halves(first, second) for first, second in product(one, other)]
    if min((given for given, _ in pairs), key=_given_rank) == "swapped":
        return MISSING
    return min((family for _, family in pairs), key=_family_rank)


def _given_rank(level: str) -> int:
    return _GIVEN_RANK[level]


def _family_rank(level: str) -> int:
    return _FAMILY_RANK[level]


def _halves(one: PreparedName, other: PreparedName) -> tuple[str, str]:
    """Levels of the given and the family names of one pair of names."""
    return _text_halves(one.given, one.family, other.given, other.family)


@lru_cache(maxsize=MEMO)
def _text_halves(
    given: tuple[str, ...], family: tuple[str, ...], other_given: tuple[str, ...], other_family: tuple[str, ...]
) -> tuple[str, str]:
    first = _given_level(given, other_given) if _comparable(given, other_given) else MISSING
    second = _family_level(family, other_family) if _comparable(family, other_family) else MISSING
    if first not in _AGREE and second not in _AGREE and _swapped(given, family, other_given, other_family):
        return "swapped", MISSING
    return first, second


def _comparable(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Both are said, and in one script: a name and its transcription are not known to differ."""
    return bool(one and other) and one[0].isascii() is other[0].isascii()


def _swapped(
    given: tuple[str, ...], family: tuple[str, ...], other_given: tuple[str, ...], other_family: tuple[str, ...]
) -> bool:
    """Each half is nearly the other's other half; where a half is missing, the one that is there must be the same."""
    across = _alike("".join(given), "".join(other_family)), _alike("".join(family), "".join(other_given))
    if given and family and other_given and other_family:
        return min(across) >= NEAR
    return max(across) == 1.0


def _alike(one: str, other: str) -> float:
    return JaroWinkler.similarity(one, other) if one and other else 0.0


def _call(given: tuple[str, ...]) -> str:
    return next((token for token in given if token != MOHAMMED), given[0])


def _given_level(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    first, second = "".join(one), "".join(other)
    if first == second:
        return "exact"
    call, called = _call(one), _call(other)
    if (call == called or call in other or called in one) and MOHAMMED not in (call, called) and len(call) > 1:
        return "same_call_name"
    if same_person_short(call, called):
        return "short_form"
    if call[0] == called[0] and (len(first) == 1 or len(second) == 1):
        return "initial"
    return _band(max(_alike(first, second), _alike(call, called)))


def _band(alike: float) -> str:
    if alike >= CLOSE:
        return "close"
    if alike >= NEAR:
        return "near"
    return "similar" if alike >= SIMILAR else "different"


def _family_level(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    first, second = "".join(one), "".join(other)
    if first == second:
        return "exact"
    if stem(first) == stem(second):
        return "close"
    alike = _alike(first, second)
    if alike < CLOSE and not frozenset(one).isdisjoint(other):
        return "one_of_two"
    return _band(alike)


def call_names(who: PreparedIdentity) -> tuple[str, ...]:
    """The names they go by; two given names in one word or two are the same."""
    return tuple(dict.fromkeys("".join(name.given) for name in who.names if name.given))


def family_names(who: PreparedIdentity) -> tuple[str, ...]:
    """Family names in one word."""
    return tuple(dict.fromkeys("".join(name.family) for name in who.names if name.family))


def births(who: PreparedIdentity) -> tuple[str, ...]:
    """Dates of birth as eight digits, and those that are no dates as they were written."""
    if who.extras:
        written = tuple(filter(None, map(date_digits, who.extra("date_of_birth"))))  # noqa: S610 - not Django
        if written:
            return (*map(str, who.births), *written)
    return tuple(map(str, who.births))


BIRTH_LEVELS = (
    "exact", "swapped", "one_edit", "two_edits", "same_year_month", "same_day_month", "same_year", "estimated_near",
    "within_5_years", "different",
)  # fmt: skip
_AGAINST = frozenset({"same_year", "within_5_years", "same_year_month"})
_BIRTH_RANK = {level: rank for rank, level in enumerate((*BIRTH_LEVELS, MISSING))}


Births = tuple[tuple[str, ...], bool]


def births_and_quality(who: PreparedIdentity) -> Births:
    """Dates of birth, and whether they are an estimate."""
    return births(who), who.birth_estimated


def birth_level(one: Births, other: Births) -> str:
    """The best pair of dates of birth by their digits; an estimated one never speaks against a near one."""
    (first, guessed), (second, guessed_too) = one, other
    if not first or not second:
        return MISSING
    if len(first) == 1 == len(second):
        level = date_level(first[0], second[0])
    else:
        level = min((date_level(mine, theirs) for mine, theirs in product(first, second)), key=_BIRTH_RANK.__getitem__)
    return "estimated_near" if level in _AGAINST and (guessed or guessed_too) else level


def postcodes(who: PreparedIdentity) -> tuple[str, ...]:
    """UK postcodes without their space, and other countries' as plain codes."""
    return (*who.postcodes, *who.plain_texts("postcode")) if who.plain else who.postcodes


POSTCODE_LEVELS = ("exact", "one_edit", "sector", "district", "two_edits", "different")


@lru_cache(maxsize=MEMO)
def postcode_level(one: str, other: str) -> str:
    """Sector and district exist in the UK's form only; edits in all."""
    edits = code_level(one, other)
    if edits in ("exact", "one_edit"):
        return edits
    if _british(one) and _british(other) and outcode(one) == outcode(other):
        return "sector" if sector(one) == sector(other) else "district"
    return edits


def _british(code: str) -> bool:
    return len(code) > 4 and code[0].isalpha() and code[-3].isdigit() and code[-2:].isalpha()


ADDRESS_LEVELS = ("exact", "close", "near", "same_street", "part_of", "similar", "different")


def addresses(who: PreparedIdentity) -> tuple[str, ...]:
    """House and street, and lines without a house number."""
    return (*who.addresses, *who.plain_texts("address")) if who.plain else who.addresses


def address_level(one: str, other: str) -> str:
    """As text, but another house number is another home, however like the two lines are."""
    if one == other:
        return "exact"
    house, _, street = one.partition(" ")
    other_house, _, other_street = other.partition(" ")
    if house != other_house and house[0].isdigit() and other_house[0].isdigit():
        return "same_street" if street == other_street else "different"
    return KINDS[Kind.TEXT][1](one, other)


def identifier_texts(who: PreparedIdentity) -> tuple[str, ...]:
    """Identifiers as `scheme text`: sound ones too, for a mistyped one is no sound one any more."""
    texts = [f"{kind} {text}" for kind, text in who.plain if kind not in ("postcode", "address")]
    for kind, values in (("nhs", who.nhs), ("pnc", who.pnc), ("cro", who.cro), ("upn", who.upn)):
        texts += [f"{kind} {''.join(filter(str.isalnum, value))}" for value in values]
    return tuple(texts)


IDENTIFIER_LEVELS = ("exact", "one_edit", "two_edits", "different", MISSING)
_IDENTIFIER_RANK = {level: rank for rank, level in enumerate(IDENTIFIER_LEVELS)}


def compare_identifier_text(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """Identifiers of one scheme as text, where a side's is not sound; two sound ones are compared as such."""
    if not one.plain and not other.plain:
        return MISSING
    best = MISSING
    for mine, theirs in product(identifier_texts(one), identifier_texts(other)):
        scheme, _, text = mine.partition(" ")
        other_scheme, _, other_text = theirs.partition(" ")
        if scheme != other_scheme or (not _is_plain(one, scheme, text) and not _is_plain(other, scheme, other_text)):
            continue
        best = min(best, code_level(text, other_text), key=_IDENTIFIER_RANK.__getitem__)
    return best


def _is_plain(who: PreparedIdentity, scheme: str, text: str) -> bool:
    return (scheme, text) in who.plain


PHONE_LEVELS = ("exact", "one_edit", "different")


@lru_cache(maxsize=MEMO)
def phone_level(one: str, other: str) -> str:
    """The same number, or one digit off."""
    if one == other:
        return "exact"
    return "one_edit" if OSA.distance(one, other, score_cutoff=1) <= 1 else "different"


EMAIL_LEVELS = ("exact", "same_name", "close", "different")


@lru_cache(maxsize=MEMO)
def email_level(one: str, other: str) -> str:
    """The same address, the same name at another provider, or nearly the same."""
    if one == other:
        return "exact"
    if one.partition("@")[0] == other.partition("@")[0]:
        return "same_name"
    return "close" if JaroWinkler.similarity(one, other) >= CLOSE else "different"


def extra(name: str, kind: Kind) -> Offer:
    """The comparison of an extra column as `kind`."""
    clean, level, levels = KINDS[kind]

    def values(who: PreparedIdentity) -> tuple[str, ...]:
        written = who.extra(name)  # noqa: S610 - not Django
        if len(written) == 1:
            text = clean(written[0])
            return (text,) if text else ()
        return tuple(dict.fromkeys(filter(None, map(clean, written))))

    return _best(f"extra:{name}", values, level, levels)


PERSON_LEVELS = ("both_differ", "given_names_differ", "birth_differs", MISSING)
NOT_THE_NAME = frozenset({"different", "similar"})
NOT_THE_DATE = frozenset({"same_year", "within_5_years", "different"})
_Person = tuple[Names, Births]


def person_of(who: PreparedIdentity) -> _Person:
    """What is a person's own and not their household's: given names and date of birth."""
    return who.names, births_and_quality(who)


def person_level(one: _Person, other: _Person) -> str:
    """Whether a person's own fields all say "somebody else": then a shared home and surname say "relative".

    The two levels of one field are for pairs that lack the other on a side. Anything else says nothing here.
    """
    given, born = given_level(one[0], other[0]), birth_level(one[1], other[1])
    if given == MISSING:
        return "birth_differs" if born in NOT_THE_DATE else MISSING
    if given not in NOT_THE_NAME:
        return MISSING
    if born == MISSING:
        return "given_names_differ"
    return "both_differ" if born in NOT_THE_DATE else MISSING


PERSON = _halved("own name and birth", person_of, person_level, PERSON_LEVELS, lambda _: ())._replace(
    shared=frozenset()
)
"""Takes back what a shared household counts several times over: surname, address, postcode, phone go together."""

FINE: tuple[Offer, ...] = (
    _halved("given names", names_of, given_level, GIVEN_LEVELS, call_names),
    _halved("family name", names_of, family_level, FAMILY_LEVELS, family_names),
    _halved("date of birth", births_and_quality, birth_level, (*BIRTH_LEVELS, MISSING), births),
    _best("postcode", postcodes, postcode_level, POSTCODE_LEVELS),
    _best("address", addresses, address_level, ADDRESS_LEVELS),
    _best("phone", lambda who: who.phones, phone_level, PHONE_LEVELS),
    _best("email", lambda who: who.emails, email_level, EMAIL_LEVELS),
    Offer("identifier text", compare_identifier_text, IDENTIFIER_LEVELS, identifier_texts),
    PERSON,
)
