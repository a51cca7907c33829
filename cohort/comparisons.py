"""Comparisons: one small function per field, each answering a named level. Symmetric, pure, no weights in here.

Fields with several values compare their best pair. MISSING means that one side says nothing: no evidence either way.
Which levels a comparison offers is `LEVELS`; what they are worth is data (`models/default.json`).
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import product

from rapidfuzz.distance import OSA, JaroWinkler

from cohort.names import MOHAMMED, same_person_short, spelling, stem
from cohort.normalise import outcode, sector, swapped
from cohort.prepared import PreparedIdentity, PreparedName

MISSING = "missing"
CLOSE_NAME = 0.88
"""Jaro-Winkler from which two names count as one name misspelt (Splink's second band, domain.md 5.2)."""
SIMILAR_NAME = 0.80
TWIN_NAME = 0.90
"""Jaro-Winkler under which given names are those of two people (twins rule, domain.md 5.4)."""
NAME_LEVELS = (
    "exact", "same_tokens", "part_of", "alias", "close", "initial", "family_only", "similar", "given_only",
    "family_shared", "different", MISSING,
)  # fmt: skip
"""Strongest first; the best pair of two people's names is the first of these that any pair reaches."""
_NAME_RANK = {level: rank for rank, level in enumerate(NAME_LEVELS)}


def compare_name(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """The best pair of names. One that rests on an alias or street name is worth `alias` at most, and never against."""
    if len(one.names) == 1 and len(other.names) == 1:
        return _name_pair(one.names[0], other.names[0])
    if not one.names or not other.names:
        return MISSING
    return min((_name_pair(first, second) for first, second in product(one.names, other.names)), key=_rank)


def _rank(level: str) -> int:
    return _NAME_RANK[level]


def name_level(one: PreparedName, other: PreparedName) -> str:
    """The level of two names, whatever others the two people have."""
    return _name_pair(one, other)


def name_rank(level: str) -> int:
    """The place of a level among NAME_LEVELS, the strongest 0."""
    return _NAME_RANK[level]


def _name_pair(one: PreparedName, other: PreparedName) -> str:
    level = _tokens_level(one, other)
    if one.alias or other.alias:
        return "alias" if level in _AGREEING_NAMES else MISSING
    return level


_AGREEING_NAMES = frozenset({"exact", "same_tokens", "part_of", "close"})


def _tokens_level(one: PreparedName, other: PreparedName) -> str:
    if one.tokens == other.tokens:
        return "exact" if len(one.tokens) > 1 else _single(one, other)
    if one.tokens[0].isascii() is not other.tokens[0].isascii():
        return MISSING  # a name and its transcription are not known to differ
    if not one.given or not other.given or not one.family or not other.family:
        return _loose_level(one, other)
    first, second = frozenset(one.tokens), frozenset(other.tokens)
    if first == second:
        return "same_tokens"
    if _is_part_of(one, other) or _is_part_of(other, one):
        return "part_of"
    given, family = _given_level(one, other), _family_level(one, other)
    if given >= _CLOSE and family >= _CLOSE:
        return "close"
    if family >= _CLOSE and _initial_agrees(one, other):
        return "initial"
    if given >= _SIMILAR and family >= _SIMILAR:
        return "similar"
    if _crosswise_close(one, other):
        return "close"
    if family >= _CLOSE:
        return "family_shared"
    return "given_only" if given >= _CLOSE else "different"


def _single(one: PreparedName, other: PreparedName) -> str:
    """Both names are the same one token: an alias is known by it, a usual name only by its half."""
    if one.alias or other.alias:
        return "exact"
    return "family_only" if one.family or other.family else "given_only"


def _loose_level(one: PreparedName, other: PreparedName) -> str:
    """At least one side has only half a name."""
    if one.alias and other.alias and JaroWinkler.similarity(" ".join(one.tokens), " ".join(other.tokens)) >= TWIN_NAME:
        return "close"
    if frozenset(one.tokens) == frozenset(other.tokens) and len(one.tokens) > 1:
        return "same_tokens"
    if one.family and other.family:
        return "family_only" if _family_level(one, other) >= _CLOSE else "different"
    if one.given and other.given:
        return "given_only" if _given_level(one, other) >= _CLOSE else "different"
    return "given_only" if not frozenset(one.tokens).isdisjoint(other.tokens) else MISSING


def _is_part_of(short: PreparedName, long: PreparedName) -> bool:
    """Whether `short` leaves out some of `long`'s tokens, but not the name they go by (siblings share all others)."""
    if len(short.tokens) >= len(long.tokens) or len(short.tokens) < 2:
        return False
    return long.call in short.tokens and frozenset(short.tokens) <= frozenset(long.tokens)


_APART, _SIMILAR, _CLOSE, _SAME = range(4)


@lru_cache(maxsize=262_144)
def _token_likeness(one: str, other: str) -> int:
    if one == other:
        return _SAME
    if stem(one) == stem(other) or same_person_short(one, other):
        return _CLOSE
    if min(len(one), len(other)) < 3:
        return _APART
    if spelling(one) == spelling(other):
        return _CLOSE
    similarity = JaroWinkler.similarity(one, other)
    if similarity >= CLOSE_NAME:
        return _CLOSE
    return _SIMILAR if similarity >= SIMILAR_NAME else _APART


def token_likeness(one: str, other: str) -> int:
    """0 apart, 1 similar, 2 close, 3 the same; symmetric, so that the memo holds each pair once."""
    return _token_likeness(one, other) if one <= other else _token_likeness(other, one)


def _given_level(one: PreparedName, other: PreparedName) -> int:
    """The names they go by; either may be the other's second given name. The prefix Mohammed alone shows nothing."""
    best = token_likeness(one.call, other.call)
    if best < _CLOSE:
        for first, second in product(one.given, other.given):
            if MOHAMMED not in (first, second) and (first == one.call or second == other.call):
                best = max(best, token_likeness(first, second))
    return best


def _family_level(one: PreparedName, other: PreparedName) -> int:
    return max(token_likeness(first, second) for first, second in product(one.family, other.family))


def _crosswise_close(one: PreparedName, other: PreparedName) -> bool:
    """Given and family in each other's place, one of them misspelt."""
    return token_likeness(one.call, other.family[-1]) >= _CLOSE and token_likeness(other.call, one.family[-1]) >= _CLOSE


def _initial_agrees(one: PreparedName, other: PreparedName) -> bool:
    return (len(one.call) == 1 or len(other.call) == 1) and one.call[:1] == other.call[:1]


def given_names_dissimilar(one: PreparedIdentity, other: PreparedIdentity) -> bool:
    """Whether nothing shows that both go by one given name (twins rule): also where one says none, or an initial.

    The name that one goes by, or an alias, has to be like that of the other. Twins share a father's or a middle name,
    the prefix Mohammed, and often their initial; and one may be called what is the other's second name, so whoever is
    written by their second name alone is for a human to see.
    """
    return not any(_like(mine, theirs) for mine, theirs in product(_called(one), _called(other)))


def _called(who: PreparedIdentity) -> set[str]:
    """What somebody goes by."""
    return {token for name in who.names for token in (name.tokens if name.alias else (name.call,))}


def _like(one: str, other: str) -> bool:
    if len(one) < 2 or len(other) < 2 or MOHAMMED in (one, other):
        return False
    return same_person_short(one, other) or JaroWinkler.similarity(one, other) >= TWIN_NAME


def rests_on_one_word(one: PreparedIdentity, other: PreparedIdentity) -> bool:
    """Whether no alias that the two share has more than one token: a street name, which many people have."""
    pairs = product(one.names, other.names)
    shared = (
        min(len(first.tokens), len(second.tokens))
        for first, second in pairs
        if (first.alias or second.alias) and _tokens_level(first, second) in _AGREEING_NAMES
    )
    return max(shared, default=0) < 2


def family_agrees(one: PreparedIdentity, other: PreparedIdentity) -> bool:
    """Whether some family name of one is that of the other, or nearly."""
    first = {token for name in one.names for token in name.family}
    second = {token for name in other.names for token in name.family}
    return any(token_likeness(mine, theirs) >= _CLOSE for mine, theirs in product(first, second))


BIRTH_LEVELS = (
    "exact", "swapped", "one_edit", "same_month", "estimated_near", "within_5_years", "different", MISSING,
)  # fmt: skip
_BIRTH_RANK = {level: rank for rank, level in enumerate(BIRTH_LEVELS)}


def compare_birth(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """The best pair of dates of birth; an estimated one never speaks against anybody within five years."""
    if not one.births or not other.births:
        return MISSING
    estimated = one.birth_estimated or other.birth_estimated
    if len(one.births) == 1 and len(other.births) == 1:
        return _birth_pair(one.births[0], other.births[0], estimated)
    levels = [_birth_pair(first, second, estimated) for first, second in product(one.births, other.births)]
    return min(levels, key=_BIRTH_RANK.__getitem__)


def _birth_pair(one: int, other: int, estimated: bool) -> str:
    if one == other:
        return "exact"
    if one // 10_000 == other // 10_000 and swapped(one) == other:
        return "swapped"
    near = abs(one - other) < 50_000
    if estimated and near:
        return "estimated_near"
    if one // 100_000 == other // 100_000 and OSA.distance(str(one), str(other)) <= 1:
        return "one_edit"
    if one // 100 == other // 100:
        return "same_month"
    return "within_5_years" if near else "different"


def compare_sex(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """Male and female only; not specified and unknown say nothing."""
    if one.sex is None or other.sex is None:
        return MISSING
    return "same" if one.sex is other.sex else "different"


def compare_postcode(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """The nearest pair of postcodes."""
    if not one.postcodes or not other.postcodes:
        return MISSING
    first, second = one.postcodes, other.postcodes
    if len(first) == 1 and len(second) == 1:
        return _postcode_pair(first[0], second[0])
    if first == second or not frozenset(first).isdisjoint(second):
        return "exact"
    if not {sector(code) for code in first}.isdisjoint(map(sector, second)):
        return "sector"
    if not {outcode(code) for code in first}.isdisjoint(map(outcode, second)):
        return "district"
    return "different"


def _postcode_pair(one: str, other: str) -> str:
    if one == other:
        return "exact"
    if outcode(one) != outcode(other):
        return "different"
    return "sector" if sector(one) == sector(other) else "district"


def compare_address(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """House and street beyond what the postcode already says: a shared line counts for little at a shared postcode."""
    if not one.addresses or not other.addresses:
        return MISSING
    same = not frozenset(one.addresses).isdisjoint(other.addresses)
    place = compare_postcode(one, other)
    if place == "exact":
        return "same_at_postcode" if same else "other_at_postcode"
    if place == MISSING:
        return "same" if same else "different"
    return "same_street_elsewhere" if same else MISSING


def _shared(one: tuple[object, ...], other: tuple[object, ...]) -> str:
    if not one or not other:
        return MISSING
    return "same" if one == other or not frozenset(one).isdisjoint(other) else "different"


def compare_phone(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """Any shared number."""
    return _shared(one.phones, other.phones)


def compare_email(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """Any shared address."""
    return _shared(one.emails, other.emails)


def compare_nhs(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """NHS numbers; `verified` only where both sides were traced (domain.md 4.1)."""
    if not one.nhs or not other.nhs:
        return MISSING
    shared = frozenset(one.nhs).intersection(other.nhs)
    if shared:
        return "same_verified" if shared.intersection(one.nhs_verified).intersection(other.nhs_verified) else "same"
    return "different_verified" if one.nhs_verified and other.nhs_verified else "different"


def compare_pnc(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """PNC ids in canonical form."""
    return _shared(one.pnc, other.pnc)


def compare_cro(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """CRO numbers in canonical form."""
    return _shared(one.cro, other.cro)


def compare_upn(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """Unique pupil numbers."""
    return _shared(one.upn, other.upn)


def compare_reference(one: PreparedIdentity, other: PreparedIdentity) -> str:
    """Local references, scoped: those of two systems are never compared, so they say nothing (domain.md 4.2)."""
    if not one.references or not other.references:
        return MISSING
    if not frozenset(one.references).isdisjoint(other.references):
        return "same"
    systems = {reference[:2] for reference in one.references}
    return MISSING if systems.isdisjoint(reference[:2] for reference in other.references) else "different"


Comparison = Callable[[PreparedIdentity, PreparedIdentity], str]
_SAME_OR_NOT = ("same", "different", MISSING)
COMPARISONS: dict[str, tuple[Comparison, tuple[str, ...]]] = {
    "name": (compare_name, NAME_LEVELS),
    "date of birth": (compare_birth, BIRTH_LEVELS),
    "sex": (compare_sex, _SAME_OR_NOT),
    "postcode": (compare_postcode, ("exact", "sector", "district", "different", MISSING)),
    "address": (
        compare_address,
        ("same_at_postcode", "other_at_postcode", "same", "same_street_elsewhere", "different", MISSING),
    ),
    "phone": (compare_phone, _SAME_OR_NOT),
    "email": (compare_email, _SAME_OR_NOT),
    "NHS number": (compare_nhs, ("same_verified", "same", "different", "different_verified", MISSING)),
    "PNC id": (compare_pnc, _SAME_OR_NOT),
    "CRO number": (compare_cro, _SAME_OR_NOT),
    "UPN": (compare_upn, _SAME_OR_NOT),
    "local reference": (compare_reference, _SAME_OR_NOT),
}
"""Every comparison there is, with the levels it may answer; a model may leave some out, never add one."""
