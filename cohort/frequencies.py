"""Term frequencies: sharing a common value says less, sharing a rare one more. Answers changes in bits, no weights.

As Splink adjusts (domain.md 5.2), from log2(usual frequency / frequency) of the values that a model lists.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from math import log2

from rapidfuzz.distance import OSA

from cohort.comparisons import name_level, name_rank
from cohort.names import MOHAMMED, spelling
from cohort.prepared import PreparedIdentity, PreparedName

Change = Callable[[PreparedIdentity, PreparedIdentity], float]
"""The adjustment of one pair in one comparison, in bits, before a level's own `tf_weight`. Symmetric."""


def name_change(bits: Mapping[str, float]) -> Change | None:
    """The sum over the tokens that both names share; None where no name is listed."""
    if not bits:
        return None
    return lambda one, other: sum(bits.get(token, 0.0) for token in _shared_tokens(one, other))


def day_change(bits: Mapping[int, float]) -> Change | None:
    """That of the rarest shared birthday (month * 100 + day); None where none is listed."""
    if not bits:
        return None

    def change(one: PreparedIdentity, other: PreparedIdentity) -> float:
        shared = frozenset(one.births).intersection(other.births)
        return max((bits.get(birth % 10_000, 0.0) for birth in shared), default=0.0)

    return change


def value_change(
    values: Callable[[PreparedIdentity], tuple[str, ...]], bits: Mapping[str, float], default: float
) -> Change:
    """That of the rarest value that both sides hold; `default` for values that are not listed."""

    def change(one: PreparedIdentity, other: PreparedIdentity) -> float:
        first, second = values(one), values(other)
        if len(first) == 1 == len(second):
            return bits.get(first[0], default) if first == second else 0.0
        shared = frozenset(first).intersection(second)
        return max((bits.get(value, default) for value in shared), default=0.0)

    return change


def _shared_tokens(one: PreparedIdentity, other: PreparedIdentity) -> list[str]:
    """Tokens that both names hold. Mohammed before a call name says nothing for or against, so it is left out."""
    first = {token for name in one.names if not name.alias for token in name.tokens}
    shared = first.intersection(token for name in other.names if not name.alias for token in name.tokens)
    called = any(name.call != MOHAMMED for name in (*one.names, *other.names) if name.given and not name.alias)
    return sorted(token for token in shared if token != MOHAMMED or not called)


@dataclass(frozen=True, slots=True)
class NameCounts:
    """How many of a cohort's `members` have a token in their names: `base`, corrected by `news`. Depends on nothing but
    who is in the cohort, however its index came to be.
    """

    base: Mapping[str, int] = field(default_factory=dict)
    news: Mapping[str, int] = field(default_factory=dict)
    members: int = 0

    def of(self, token: str) -> int:
        """The bearers of a token, as the power of two below: a member who joins moves no weight of others' names but
        where the bearers of one have just doubled.
        """
        count = self.base.get(token, 0) + self.news.get(token, 0)
        return 1 << count.bit_length() - 1 if count > 0 else 0

    def __repr__(self) -> str:
        return f"NameCounts(members={self.members})"


def counted_tokens(who: PreparedIdentity) -> frozenset[str]:
    """What a member adds to `NameCounts`: each token of their names once."""
    return frozenset(token for name in who.names for token in name.tokens)


def add_tokens(counts: dict[str, int], who: PreparedIdentity, by: int) -> None:
    """Counts a member in (`by` 1) or out (-1)."""
    for token in counted_tokens(who):
        counts[token] = counts.get(token, 0) + by


@dataclass(frozen=True, slots=True)
class NamePrior:
    """What is known of names before any cohort was counted: `usual` is what the levels' u assume of one token,
    `listed` the shares of the common ones. It counts as much as `weight` members, so that a name that nobody else has
    is as rare as five bearers among them, and not rarer: relatives share rare names.
    """

    usual: float
    listed: Mapping[str, float]
    weight: float = 2_000.0


MOST_RARE = 6.5
"""The most bits that rarity adds to a level of names, above which namesakes are relatives and not strangers."""
MOST_COMMON = -9.0
_ONE_WORD = -4.0
"""A street name of one word beside an alias in full: so much less does it tell."""
_GIVEN_SAME, _FAMILY_SAME, _NONE_SAME = 4.0, 3.0, -1.5
"""A name nearly the same: one part to the letter is worth more, both misspelt less, than the two together."""
_ONE_LETTER = 3.0
"""Where the part that differs does so by one letter or by its spelling only: strangers' names are seldom that near."""
_WHOLE = frozenset({"exact", "same_tokens", "part_of"})
_BY_FAMILY = frozenset({"initial", "family_only"})


def cohort_change(prior: NamePrior, counts: NameCounts) -> Change:
    """By the rarity, in this cohort, of the call name and of one family token that both names hold.

    Further given names, a father's name, Singh or Kaur in the middle are not independent of those, and add nothing.
    """

    @lru_cache(maxsize=65_536)
    def rarity(token: str) -> float:
        known = prior.listed.get(token, prior.usual)
        share = (counts.of(token) + prior.weight * known) / (counts.members + prior.weight)
        return log2(prior.usual / share)

    def of_pair(level: str, one: PreparedName, other: PreparedName) -> float:
        if level == "alias":
            short = min(len(one.tokens), len(other.tokens)) < 2
            return rarity(min(one.tokens[0], other.tokens[0])) + _ONE_WORD if short else _whole(one, other, rarity)
        if level in _WHOLE:
            return _whole(one, other, rarity)
        if level == "close":
            return _nearly(one, other, rarity)
        if level in _BY_FAMILY:
            return max(map(rarity, set(one.family).intersection(other.family)), default=0.0)
        return rarity(one.call) if level == "given_only" and one.call and one.call == other.call else 0.0

    def change(one: PreparedIdentity, other: PreparedIdentity) -> float:
        if len(one.names) == 1 == len(other.names):
            level = name_level(one.names[0], other.names[0])
            return min(max(of_pair(level, one.names[0], other.names[0]), MOST_COMMON), MOST_RARE)
        levels = [(name_level(*pair), pair) for pair in product(one.names, other.names)]
        best = min((name_rank(level) for level, _ in levels), default=0)
        bits = max((of_pair(level, *pair) for level, pair in levels if name_rank(level) == best), default=0.0)
        return min(max(bits, MOST_COMMON), MOST_RARE)

    return change


_Rarity = Callable[[str], float]


def _whole(one: PreparedName, other: PreparedName, rarity: _Rarity) -> float:
    """The call name, and the rarest other token that is a family name on one side at least."""
    shared = set(one.tokens).intersection(other.tokens)
    calls = sorted(shared.intersection((one.call, other.call)), key=rarity)
    call = calls[0] if calls else ""
    family = [rarity(token) for token in shared.intersection((*one.family, *other.family)) if token != call]
    return (rarity(call) if call else 0.0) + max(family, default=0.0)


def _nearly(one: PreparedName, other: PreparedName, rarity: _Rarity) -> float:
    families = set(one.family).intersection(other.family)
    given = one.call != "" and one.call == other.call
    near_given = _one_letter(one.call, other.call)
    near_family = any(_one_letter(mine, theirs) for mine, theirs in product(one.family, other.family))
    choices = [_NONE_SAME + _ONE_LETTER * (near_given and near_family)]
    if families:
        choices.append(max(map(rarity, families)) + _FAMILY_SAME + _ONE_LETTER * near_given)
    if given:
        choices.append(rarity(one.call) + _GIVEN_SAME + _ONE_LETTER * near_family)
    return max(choices)


def _one_letter(one: str, other: str) -> bool:
    return min(len(one), len(other)) > 3 and (OSA.distance(one, other) == 1 or spelling(one) == spelling(other))
