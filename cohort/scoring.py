"""Fellegi-Sunter: what each comparison says, in bits of log2 odds, adds up to the weight of a pair.

No thresholds and no rules here: what may be done with a weight is `deciding.py`. Evidence names levels, never values.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import fsum, inf
from typing import NamedTuple

from cohort.comparisons import MISSING, Comparison
from cohort.fine_comparisons import PERSON
from cohort.frequencies import Change
from cohort.model import LevelWeight, MatchModel
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
        return fsum([self.prior_bits, *[bits for _, _, bits in self.lines]])

    def level(self, comparison: str) -> str:
        """The level of a comparison, `missing` where it said nothing."""
        return next((level for name, level, _ in self.lines if name == comparison), MISSING)

    def evidence(self) -> tuple[Evidence, ...]:
        """The waterfall: the prior first, then every comparison that said something. Adds up to `weight`."""
        return (
            _line(PRIOR, "share of events about watched people", self.prior_bits),
            *[_line(name, level, bits) for name, level, bits in self.lines],
        )


_line = lru_cache(maxsize=4_096)(Evidence)
"""Lines of evidence are the same few again and again: a level is worth what it is worth."""


def score_pair(one: PreparedIdentity, other: PreparedIdentity, model: MatchModel, *, prior_bits: float) -> Score:
    """Compare two prepared identities by `model`. Symmetric."""
    lines = []
    for comparison in model.comparisons:
        name, compare, levels, _, change = comparison
        level = compare(one, other)
        if level is MISSING:
            continue
        weight = levels[level]
        bits = weight.adjusted(change(one, other)) if change and weight.tf_weight else weight.bits
        lines.append((name, level, bits))
    return Score(tuple(lines), fsum([bits for _, _, bits in lines]), prior_bits)


class Step(NamedTuple):
    """One comparison of a plan. `place` is its place in the model, `rest` the most that the steps after it can add."""

    place: int
    name: str
    compare: Comparison
    levels: Mapping[str, LevelWeight]
    change: Change | None
    rest: float


IDENTIFIERS = ("NHS number", "PNC id", "CRO number", "UPN", "local reference")
"""Comparisons of numbers given to one person only: where one agrees, no weight is too light to be looked at."""
_TURN = {**dict.fromkeys(IDENTIFIERS, -2), "date of birth": -1, "address": 1, "name": 2, PERSON.name: 3}
"""The date of birth tells most strangers apart; names take as long as all the others together."""
_ROUNDING = 1e-6


def plan(one: PreparedIdentity, model: MatchModel) -> list[Step]:
    """The comparisons in which `one` says anything, cheap ones first, for `score_at_least`.

    Who says nothing about themselves says nothing about anybody: a comparison with oneself shows it. Not so of the one
    that only speaks of others: where a relative's names and birth differ.
    """
    useful = [
        (place, each)
        for place, each in enumerate(model.comparisons)
        if each.name == PERSON.name or each.compare(one, one) is not MISSING
    ]
    useful.sort(key=lambda pair: _TURN.get(pair[1].name, 0))
    rest = 0.0
    steps = []
    for place, (name, compare, levels, most, change) in reversed(useful):
        steps.append(Step(place, name, compare, levels, change, rest))
        rest += max(most, 0.0)
    return steps[::-1]


def score_at_least(
    one: PreparedIdentity,
    other: PreparedIdentity,
    steps: Sequence[Step],
    *,
    prior_bits: float,
    enough: float,
) -> Score | None:
    """What `score_pair` says, or None where no identifier agrees and the evidence is worth less than `enough` bits.

    `steps` is the plan of `one`. Stops as soon as what is left to compare cannot make up what is missing, which spares
    most candidates the comparison of names.
    """
    found: list[tuple[int, str, str, float]] = []
    total = 0.0
    wanted = enough - _ROUNDING
    for place, name, compare, levels, change, rest in steps:
        level = compare(one, other)
        if level is not MISSING:
            weight = levels[level]
            bits = weight.adjusted(change(one, other)) if change and weight.tf_weight else weight.bits
            found.append((place, name, level, bits))
            total += bits
            if name in IDENTIFIERS and level.startswith("same"):
                wanted = enough = -inf
        if total + rest < wanted:
            return None
    lines = tuple([(name, level, bits) for _, name, level, bits in sorted(found)])
    evidence = fsum([bits for _, _, bits in lines])
    return Score(lines, evidence, prior_bits) if evidence >= enough else None
