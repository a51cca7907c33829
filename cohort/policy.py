"""What may be done with a weight: thresholds, margin and prior, as one small frozen value.

Thresholds are calibration outputs, not constants (domain.md 5.4); these are the ones proposed there.
"""

from dataclasses import dataclass
from math import log2

from cohort.model import MatchModel, bits_of


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """Thresholds in bits of evidence (the prior left out), for a watch list of up to `reference_members`.

    A larger cohort offers more chances to agree by accident, so both thresholds rise by one bit whenever it doubles.
    Of N members a stranger reaches t bits with some N * 2**-t * 1.44 * d, where d is the share of true mentions per bit
    near t (.012 to .015 in each force made so far; it needs no labels): 24 bits keep that at one false match in 100,000
    strangers up to some 10,000 members, with names as rare as they are in the cohort. A bit and a half of that is kept
    back, as the shipped model takes dates of birth from all ages, while the watched are born within some fifteen years.
    `margin_bits`: how far the best member must be ahead of the next. `prevalence`: the share of mentions that are
    about watched people, spread over the cohort as the prior, unless a trained model knows better; None takes the
    model's own prior. `model`: None is the shipped one. `at_most` results per mention.
    """

    match_bits: float = 24.0
    review_bits: float = 18.0
    margin_bits: float = 3.0
    reference_members: int = 4_000
    prevalence: float | None = 0.02
    at_most: int = 5
    model: MatchModel | None = None

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """The blocking keys that the model asks an index for, beyond those of every index."""
        return self.model.keys if self.model else ()

    def scale_bits(self, members: int) -> float:
        """How much higher the thresholds are with so many members, in bits."""
        return log2(max(members, self.reference_members) / self.reference_members)

    def prior_bits(self, members: int, model: MatchModel) -> float:
        """Log2 odds, before any evidence, that a mention is about one given member."""
        if model.prevalence is not None:
            return bits_of(min(model.prevalence / max(members, 1), 0.5))
        if self.prevalence is None:
            return model.prior_bits
        return bits_of(min(self.prevalence, 0.5) / max(members, 2))
