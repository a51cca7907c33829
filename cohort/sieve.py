"""The quick bound: which candidates could be worth enough bits at all, judged by a few numbers each.

Compiled from a model. It never drops what `score_at_least` would keep: a fact that is open or unknown, a comparison
that is not known here, or a level that is new counts for the most that it can be worth.
"""

from collections.abc import Callable, Container, Iterable
from functools import lru_cache
from math import inf
from typing import NamedTuple

from cohort.comparisons import (
    MISSING,
    compare_address,
    compare_birth,
    compare_cro,
    compare_email,
    compare_name,
    compare_nhs,
    compare_phone,
    compare_pnc,
    compare_postcode,
    compare_reference,
    compare_sex,
    compare_upn,
)
from cohort.facts import INWARD, OPEN, OPEN_BIRTH, Columns, Facts
from cohort.model import ComparisonModel, MatchModel
from cohort.prepared import PreparedIdentity, PreparedName

_ROUNDING = 1e-6
_SAME_TOKENS = frozenset({"exact", "same_tokens", "part_of", "alias"})
"""Levels of `compare_name` that two plain names of two tokens each cannot reach unless they have the same tokens."""
_BY_KEY = frozenset(
    {compare_phone, compare_email, compare_nhs, compare_pnc, compare_cro, compare_upn, compare_reference}
)
"""Comparisons that agree only where a strong key meets; those candidates do not come here."""
_AGREEING = frozenset({"same", "same_verified"})


class _Bits(NamedTuple):
    """The most that one fact of a pair can be worth: where it agrees or is open, where near, where it differs."""

    same: float = 0.0
    near: float = 0.0
    far: float = 0.0


_SILENT = _Bits()


class Sieve:
    """What a model makes of facts, for candidates that have to reach `enough` bits of evidence."""

    __slots__ = ("_birth", "_house", "_likeness", "_name", "_names", "_place", "_sex", "_wanted")

    def __init__(self, model: MatchModel, enough: float) -> None:
        parts = {each.compare: each for each in model.comparisons}
        self._names = parts.get(compare_name)
        self._name = _of_name(self._names)
        birth = parts.get(compare_birth)
        self._birth = _apart(birth, {"exact"})
        self._likeness = _birth_likeness(birth) if birth else None
        self._place = _of_place(parts.get(compare_postcode))
        self._sex = _of_sex(parts.get(compare_sex))
        address = parts.get(compare_address)
        self._house = _of_house(address)
        known = {compare_name, compare_birth, compare_postcode, compare_sex, compare_address}
        rest = sum(_left(each) for each in model.comparisons if each.compare not in known)
        twice = len(model.comparisons) - len(parts)  # a model that compares one field twice is not for this sieve
        self._wanted = -inf if twice else enough - _ROUNDING - rest

    @property
    def idle(self) -> bool:
        """Whether nothing can be dropped."""
        return self._wanted == -inf

    def kept(  # noqa: PLR0912 (every candidate comes through here, and a call costs as much as a fact)
        self,
        who: Facts,
        rows: Iterable[int],
        columns: Columns,
        names: Callable[[int], float] | None = None,
        own: Callable[[], float] | None = None,
    ) -> list[int]:
        """The rows that may be worth enough. `names` tells what a row's names are worth, where it comes to that; `own`
        what somebody's names are worth against the very same ones, which is all that two equal pairs can be.
        """
        ours: float | None = None
        birth, pair, postcode, house, sex = who
        births, pairs, postcodes, houses, sexes = (
            columns.births, columns.pairs, columns.postcodes, columns.houses, columns.sexes
        )  # fmt: skip
        name_same, _, name_other = self._name if pair else (self._name.same,) * 3
        born = _SILENT if not birth else self._birth if birth != OPEN_BIRTH else _Bits(*(self._birth.same,) * 3)
        born_same, _, born_other = born
        place = self._place if postcode > OPEN else _Bits(*(self._place.same,) * 3) if postcode else _SILENT
        place_same, place_near, place_far = place
        district = postcode // INWARD
        sex_same, _, sex_other = self._sex if sex else _SILENT
        wanted = self._wanted
        likeness = self._likeness if birth > 0 else None
        found = []
        for row in rows:
            born_then = births[row]
            differs = False
            if born_then == birth or born_then < 0:
                bits = born_same
            elif born_then:
                bits, differs = born_other, True
            else:
                bits = 0.0
            theirs = pairs[row]
            named = name_same if theirs == pair or not theirs else name_other
            bits += named
            lives = postcodes[row]
            if lives > OPEN:
                bits += place_same if lives == postcode else place_near if lives // INWARD == district else place_far
            elif lives:
                bits += place_same
            known_sex = sexes[row]
            if known_sex:
                bits += sex_same if known_sex == sex else sex_other
            if house and houses[row]:
                bits += self._home(houses[row], house, lives, postcode)
            if bits >= wanted and differs and likeness:
                bits += likeness(birth, born_then) - born_other
            if bits >= wanted and names:
                if own and theirs == pair and pair:
                    ours = own() if ours is None else ours
                    bits += ours - named
                else:
                    bits += names(row) - named
            if bits >= wanted:
                found.append(row)
        return found

    def name_bits(self, said: tuple[PreparedName, ...], known: tuple[PreparedName, ...]) -> float:
        """What two people's names are worth."""
        part = self._names
        if part is None:
            return 0.0
        one, other = PreparedIdentity(names=said), PreparedIdentity(names=known)
        level = part.compare(one, other)
        if level == MISSING:
            return 0.0
        weight = part.levels[level]
        return weight.adjusted(part.change(one, other)) if part.change and weight.tf_weight else weight.bits

    def _home(self, theirs: int, house: int, lives: int, postcode: int) -> float:
        any_home, at_postcode, elsewhere, other = self._house
        if theirs not in (house, OPEN) and house != OPEN:
            return other
        if lives > OPEN and postcode > OPEN:
            return at_postcode if lives == postcode else elsewhere
        return any_home


def _worth(part: ComparisonModel | None, without: Container[str] = ()) -> float:
    """The most bits that a comparison gives at any level but those named; never below 0, as it may say nothing."""
    if part is None:
        return 0.0
    rise = min(
        ((part.most - level.bits) / level.tf_weight for level in part.levels.values() if level.tf_weight), default=0.0
    )
    return max(
        [0.0]
        + [
            max(level.bits, level.adjusted(rise)) if part.change and level.tf_weight else level.bits
            for name, level in part.levels.items()
            if name not in without
        ]
    )


def _level(part: ComparisonModel | None, only: str) -> float:
    return _worth(part, [name for name in part.levels if name != only]) if part else 0.0


def _left(part: ComparisonModel) -> float:
    return _worth(part, _AGREEING if part.compare in _BY_KEY else ())


def _apart(part: ComparisonModel | None, agreeing: Container[str]) -> _Bits:
    return _Bits(_worth(part), _worth(part, agreeing), _worth(part, agreeing))


def _of_name(part: ComparisonModel | None) -> _Bits:
    return _apart(part, _SAME_TOKENS)


def _of_place(part: ComparisonModel | None) -> _Bits:
    """Both sides have one postcode where these are asked, so that the comparison is sure to say something."""
    if part is None:
        return _SILENT
    levels = part.levels
    far = levels["different"].bits if not levels["different"].tf_weight else _worth(part)
    return _Bits(_worth(part), _worth(part, {"exact"}), far)


def _of_sex(part: ComparisonModel | None) -> _Bits:
    if part is None:
        return _SILENT
    same, different = part.levels["same"], part.levels["different"]
    if same.tf_weight or different.tf_weight:
        return _Bits(*(_worth(part),) * 3)
    return _Bits(same.bits, same.bits, different.bits)


def _of_house(part: ComparisonModel | None) -> tuple[float, float, float, float]:
    """(whatever the postcodes, at one postcode, at two, another house)."""
    lines = {"same", "same_at_postcode", "same_street_elsewhere"}
    return (
        _worth(part),
        _worth(part, {"same", "same_street_elsewhere"}),
        _worth(part, {"same", "same_at_postcode"}),
        _worth(part, lines),
    )


def _birth_likeness(part: ComparisonModel):  # type: ignore[no-untyped-def]
    """What two single, sure dates of birth are worth, memoised."""

    @lru_cache(maxsize=65_536)
    def bits(one: int, other: int) -> float:
        first, second = PreparedIdentity(births=(one,)), PreparedIdentity(births=(other,))
        weight = part.levels[part.compare(first, second)]
        return weight.adjusted(part.change(first, second)) if part.change and weight.tf_weight else weight.bits

    return bits
