"""Term frequencies: sharing a common value says less, sharing a rare one more. Answers changes in bits, no weights.

As Splink adjusts (domain.md 5.2), from log2(usual frequency / frequency) of the values that a model lists.
"""

from collections.abc import Callable, Mapping

from cohort.names import MOHAMMED
from cohort.prepared import PreparedIdentity

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
