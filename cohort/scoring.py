"""Fellegi-Sunter: what each comparison says, in bits of log2 odds, adds up to the weight of a pair.

No thresholds and no rules here: what may be done with a weight is `deciding.py`. Evidence names levels, never values.
"""

from math import fsum
from typing import NamedTuple

from cohort.comparisons import MISSING
from cohort.model import LevelWeight, MatchModel
from cohort.names import MOHAMMED
from cohort.prepared import PreparedIdentity
from domain.matches import Evidence

PRIOR = "prior"


class Score(NamedTuple):
    """A scored pair: `lines` are (comparison, level, bits) of every comparison that said something, prior apart.

    `evidence_bits` leaves the prior out; `weight` has it in. Both are exact sums (fsum), in whichever order.
    """

    lines: tuple[tuple[str, str, float], ...]
    evidence_bits: float
    prior_bits: float

    @property
    def weight(self) -> float:
        """Log2 odds that the two are one person."""
        return fsum((self.prior_bits, *(bits for _, _, bits in self.lines)))

    def level(self, comparison: str) -> str:
        """The level of a comparison, `missing` where it said nothing."""
        return next((level for name, level, _ in self.lines if name == comparison), MISSING)

    def evidence(self) -> tuple[Evidence, ...]:
        """The waterfall: the prior first, then every comparison that said something. Adds up to `weight`."""
        return (
            Evidence(PRIOR, "share of events about watched people", self.prior_bits),
            *(Evidence(name, level, bits) for name, level, bits in self.lines),
        )


def score_pair(one: PreparedIdentity, other: PreparedIdentity, model: MatchModel, *, prior_bits: float) -> Score:
    """Compare two prepared identities by `model`. Symmetric."""
    lines = []
    for comparison in model.comparisons:
        name, compare, levels = comparison
        level = compare(one, other)
        if level is MISSING:
            continue
        weight = levels[level]
        bits = _adjusted(name, weight, one, other, model) if weight.tf_weight else weight.bits
        lines.append((name, level, bits))
    return Score(tuple(lines), fsum([bits for _, _, bits in lines]), prior_bits)


def _adjusted(
    name: str, weight: LevelWeight, one: PreparedIdentity, other: PreparedIdentity, model: MatchModel
) -> float:
    """The weight with its term-frequency adjustment: a common value agrees by chance more often, a rare one less."""
    change = 0.0
    if name == "name" and model.name_bits:
        change = sum(model.name_bits.get(token, 0.0) for token in _shared_tokens(one, other))
    elif name == "date of birth" and model.day_bits:
        shared = frozenset(one.births).intersection(other.births)
        change = max((model.day_bits.get(birth % 10_000, 0.0) for birth in shared), default=0.0)
    return weight.adjusted(change) if change else weight.bits


def _shared_tokens(one: PreparedIdentity, other: PreparedIdentity) -> list[str]:
    """Tokens that both names hold. Mohammed before a call name says nothing for or against, so it is left out."""
    first = {token for name in one.names if not name.alias for token in name.tokens}
    shared = first.intersection(token for name in other.names if not name.alias for token in name.tokens)
    called = any(name.call != MOHAMMED for name in (*one.names, *other.names) if name.given and not name.alias)
    return sorted(token for token in shared if token != MOHAMMED or not called)
