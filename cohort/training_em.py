"""Estimating m, u and the share of matches from unlabelled pairs by expectation maximisation. Arrays in, arrays out.

The odds of a candidate pair need no model of how candidates were chosen: being chosen depends on what the pair says, so
it cancels (P(chosen | pair) is the same for matches and others). u comes from random pairs, less the matches in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Levels = NDArray[np.int8]
NOTHING = -1
"""The level of a pair where a side says nothing."""
_TEMPLATE_WEIGHT = 4.0
_MOST_ROUNDS = 60
_STILL = 1e-4


@dataclass(slots=True)
class Fit:
    """Per comparison m and u by level, strongest first; `matches` expected among the candidates, and pair by pair."""

    m: list[Floats]
    u: list[Floats]
    share: float
    posterior: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def matches(self) -> float:
        """Expected number of matching pairs."""
        return float(self.posterior.sum())


@dataclass(frozen=True, slots=True)
class Pairs:
    """Candidate pairs: the level of each in each comparison (a column each), out of `total` pairs there are.

    `random` are the shares of levels in random pairs, `seen` how many pairs these rest on (per comparison).
    `rarer` are bits of term frequency of each pair. `events` is the event of each pair, where an event is about one
    member at most. `apart` marks pairs that are taken for two people while m is estimated (relatives).
    """

    levels: Levels
    random: Sequence[Floats]
    floor: Sequence[Floats]
    total: float
    rarer: Floats | None = None
    events: NDArray[np.int64] | None = None
    apart: NDArray[np.bool_] | None = None


def template(levels: int) -> Floats:
    """What m is taken for before anything is known: mostly exact, seldom different."""
    if levels == 2:
        return np.array([0.93, 0.07])
    middle = np.full(levels - 2, 0.12 / (levels - 2))
    return np.concatenate([[0.82], middle, [0.06]])


def fit(pairs: Pairs, start: Fit | None = None) -> Fit:
    """The model under which the candidates are likeliest."""
    sizes = [len(shares) for shares in pairs.random]
    now = start or Fit(
        [template(size) for size in sizes],
        [np.maximum(shares, floor) for shares, floor in zip(pairs.random, pairs.floor, strict=True)],
        min(0.2, 0.1 * len(pairs.levels) / pairs.total + 1e-12),
    )
    for _ in range(_MOST_ROUNDS):
        posterior = expect(pairs, now)
        then = _maximise(pairs, posterior)
        change = max(float(np.abs(new - old).max()) for new, old in zip(then.m, now.m, strict=True))
        moved = abs(np.log(max(then.share, 1e-15) / max(now.share, 1e-15)))
        now = then
        if change < _STILL and moved < _STILL:
            break
    now.posterior = expect(pairs, now)
    return now


def weights(model: Fit) -> list[Floats]:
    """log2(m/u) by comparison and level."""
    return [np.log2(m / u) for m, u in zip(model.m, model.u, strict=True)]


def evidence(pairs: Pairs, model: Fit) -> Floats:
    """Bits of each pair, prior apart."""
    bits = np.zeros(len(pairs.levels)) if pairs.rarer is None else pairs.rarer.copy()
    for column, weight in enumerate(weights(model)):
        bits += np.append(weight, 0.0)[pairs.levels[:, column]]  # level -1 is the last: nothing said
    return bits


def expect(pairs: Pairs, model: Fit) -> Floats:
    """The probability of each pair under the model; over all pairs of one event 1 at most, where `events` are given."""
    prior = np.log2(model.share / (1.0 - model.share))
    odds = np.exp2(np.clip(evidence(pairs, model) + prior, -900.0, 300.0))
    if pairs.apart is not None:
        odds[pairs.apart] = 0.0
    if pairs.events is None:
        return _plain_shares(odds)
    others = np.bincount(pairs.events, weights=odds)[pairs.events]
    shared: Floats = odds / (1.0 + others)
    return shared


def _plain_shares(odds: Floats) -> Floats:
    shares: Floats = odds / (1.0 + odds)
    return shares


def correction(bits: Floats, expected: float) -> float:
    """The bits to add to pairs of these `bits` (prior included) so that `expected` of them match; 0 at most."""
    if not len(bits) or float(_plain_shares(np.exp2(np.clip(bits, -900.0, 300.0))).sum()) <= expected:
        return 0.0
    low, high = -60.0, 0.0
    for _ in range(50):
        middle = (low + high) / 2
        if float(_plain_shares(np.exp2(np.clip(bits + middle, -900.0, 300.0))).sum()) > expected:
            high = middle
        else:
            low = middle
    return low


def _maximise(pairs: Pairs, posterior: Floats) -> Fit:
    share = float(np.clip(posterior.sum() / pairs.total, 1e-14, 0.4))
    ms, us = [], []
    for column, (shares, floor) in enumerate(zip(pairs.random, pairs.floor, strict=True)):
        levels = pairs.levels[:, column]
        said = levels != NOTHING
        counts = np.bincount(levels[said], weights=posterior[said], minlength=len(shares))
        m = counts + _TEMPLATE_WEIGHT * template(len(shares))
        m /= m.sum()
        u = np.maximum((shares - share * m) / (1.0 - share), floor)
        ms.append(m)
        us.append(u / u.sum())
    return Fit(ms, us, share)


def monotone(model: Fit) -> Fit:
    """The same with no level worth more than a stronger one: neighbours out of order are pooled."""
    ms = []
    for m, u in zip(model.m, model.u, strict=True):
        groups: list[tuple[float, float, int]] = []
        for more, less in zip(m, u, strict=True):
            groups.append((float(more), float(less), 1))
            while len(groups) > 1 and groups[-2][0] * groups[-1][1] < groups[-1][0] * groups[-2][1]:
                last, before = groups.pop(), groups.pop()
                groups.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
        ratios = np.concatenate([np.full(size, more / less) for more, less, size in groups])
        ratios[0] = max(ratios[0], 1.0)  # what everybody shares says nothing, but never speaks against anybody
        ms.append(np.minimum(u * ratios, 1.0))
    return Fit(ms, model.u, model.share, model.posterior)


def from_labels(pairs: Pairs) -> Fit:
    """The model where every one of the pairs is known to match, and no other pair of the tables does."""
    model = _maximise(pairs, np.ones(len(pairs.levels)))
    model.posterior = np.ones(len(pairs.levels))
    return model
