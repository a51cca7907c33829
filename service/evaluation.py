"""How good is a matching? Precision, recall and F1 over thresholds, what blocking lost, and the errors of each group.

Pure figures over scored pairs and the truth: no names, no values. Two questions are asked of the same pairs: of all of
them, and of the best of each event alone (which is the service's question). Words: limits.md part A.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
SMALLEST_GROUP = 10
"""Events in a group below which it is told only together with the other small ones: nobody is singled out."""
MOST_GROUPS = 20
OTHERS = "(small groups)"
UNKNOWN = "(not known)"


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """One candidate pair. `best` marks the heaviest of its event."""

    event: str
    member: str
    weight: float
    best: bool


@dataclass(frozen=True, slots=True)
class Point:
    """What holds at one threshold, in bits: pairs at or above it are taken for one person."""

    threshold: float
    true: int
    false: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of the pairs taken that are right; 1 where none is taken."""
        return self.true / (self.true + self.false) if self.true + self.false else 1.0

    @property
    def recall(self) -> float:
        """Share of the true pairs that are taken; 1 where there is none."""
        return self.true / (self.true + self.missed) if self.true + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        whole = 2 * self.true + self.false + self.missed
        return 2 * self.true / whole if whole else 1.0


@dataclass(frozen=True, slots=True)
class Curve:
    """One question's answer: the point at the fixed threshold, points over all thresholds, and the best there is.

    `best` is chosen with the labels: it flatters, and no service can know it.
    """

    fixed: Point
    points: tuple[Point, ...]
    best: Point


@dataclass(frozen=True, slots=True)
class GroupErrors:
    """One group at the fixed threshold, misses and false alarms apart; rates are of true pairs and of events."""

    kind: str
    group: str
    events: int
    pairs: int
    missed: int
    false: int

    @property
    def miss_rate(self) -> float:
        """False negatives per true pair."""
        return self.missed / self.pairs if self.pairs else 0.0

    @property
    def false_rate(self) -> float:
        """False positives per event."""
        return self.false / self.events if self.events else 0.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that `match evaluate` tells. `blocked` of the `pairs` true ones were candidates at all."""

    events: int
    members: int
    candidates: int
    pairs: int
    blocked: int
    elsewhere: int
    all_pairs: Curve
    best_per_event: Curve
    groups: tuple[GroupErrors, ...]

    @property
    def blocking_recall(self) -> float:
        """Share of the true pairs that blocking brought together."""
        return self.blocked / self.pairs if self.pairs else 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom the pairs are of: how many events and members, the truth, and each event's groups by kind."""

    events: Sequence[str]
    members: int
    truth: frozenset[tuple[str, str]]
    groups: Mapping[str, Mapping[str, str]]
    elsewhere: int = 0
    threshold: float = 0.0
    one_table: bool = False


def evaluate_pairs(pairs: Iterable[ScoredPair], asked: Asked) -> Evaluation:
    """Candidate pairs against the truth. In one table (a, b) and (b, a) are one pair, counted once."""
    truth = frozenset(map(_unordered, asked.truth)) if asked.one_table else asked.truth
    scored = list(pairs)
    whole = _unique(scored) if asked.one_table else scored
    right = np.array([_key(pair, asked) in truth for pair in whole], dtype=bool)
    weights = np.array([pair.weight for pair in whole], dtype=float)
    bests = [pair for pair in scored if pair.best]
    best_right = np.array([_key(pair, asked) in truth for pair in bests], dtype=bool)
    best_weights = np.array([pair.weight for pair in bests], dtype=float)
    steps = _steps(weights)
    with_somebody = len({event for pair in truth for event in (pair if asked.one_table else pair[:1])})
    return Evaluation(
        events=len(asked.events),
        members=asked.members,
        candidates=len(whole),
        pairs=len(truth),
        blocked=int(right.sum()),
        elsewhere=asked.elsewhere,
        all_pairs=_curve(weights, right, len(truth), asked.threshold, steps),
        best_per_event=_curve(best_weights, best_right, with_somebody, asked.threshold, steps),
        groups=tuple(_groups(whole, right, truth, asked)),
    )


def _unordered(pair: tuple[str, str]) -> tuple[str, str]:
    return (min(pair), max(pair))


def _key(pair: ScoredPair, asked: Asked) -> tuple[str, str]:
    key = (pair.event, pair.member)
    return _unordered(key) if asked.one_table else key


def _unique(pairs: Iterable[ScoredPair]) -> list[ScoredPair]:
    """Each unordered pair once, by its heavier side."""
    kept: dict[tuple[str, str], ScoredPair] = {}
    for pair in pairs:
        key = _unordered((pair.event, pair.member))
        if key not in kept or kept[key].weight < pair.weight:
            kept[key] = pair
    return list(kept.values())


def _steps(weights: Floats) -> list[float]:
    """Whole bits from the lightest pair to the heaviest, within what anybody would look at."""
    if not len(weights):
        return [0.0]
    low, high = max(float(weights.min()), -40.0), min(float(weights.max()) + 1, 80.0)
    return [float(bits) for bits in range(floor(low), floor(max(low, high)) + 1)]


def _curve(weights: Floats, right: Flags, truth: int, threshold: float, steps: Sequence[float]) -> Curve:
    order = np.argsort(-weights, kind="stable")
    descending = weights[order]
    hits = np.concatenate(([0], np.cumsum(right[order])))

    def at(bits: float) -> Point:
        taken = int(np.searchsorted(-descending, -bits, side="right"))
        true = int(hits[taken])
        return Point(bits, true, taken - true, truth - true)

    return Curve(
        at(threshold), tuple(map(at, steps)), _best(descending, hits, truth) if len(weights) else at(threshold)
    )


def _best(descending: Floats, hits: NDArray[np.int64], truth: int) -> Point:
    """The threshold with the highest F1 that the labels can choose; pairs of one weight are taken together."""
    taken = np.flatnonzero(np.append(descending[1:] != descending[:-1], True)) + 1
    true = hits[taken]
    f1 = 2 * true / (taken + truth)
    at = int(np.argmax(f1))
    count, found = int(taken[at]), int(true[at])
    return Point(float(descending[count - 1]), found, count - found, truth - found)


def _groups(
    pairs: Sequence[ScoredPair], right: Flags, truth: frozenset[tuple[str, str]], asked: Asked
) -> Iterable[GroupErrors]:
    found = {_key(pair, asked) for pair, is_right in zip(pairs, right, strict=True) if is_right and _taken(pair, asked)}
    missed = truth - found
    false = [pair for pair, is_right in zip(pairs, right, strict=True) if not is_right and _taken(pair, asked)]
    for kind in sorted({kind for groups in asked.groups.values() for kind in groups}):
        told = _told_groups(kind, asked)
        counts = {group: [0, 0, 0, 0] for group in dict.fromkeys(told.values())}
        for event in asked.events:
            counts[told[event]][0] += 1
        for place, events in ((1, (pair[0] for pair in truth)), (2, (pair[0] for pair in missed))):
            for event in events:
                counts[told[event]][place] += 1
        for pair in false:
            counts[told[pair.event]][3] += 1
        for group in sorted(counts):
            yield GroupErrors(kind, group, *counts[group])


def _taken(pair: ScoredPair, asked: Asked) -> bool:
    return pair.weight >= asked.threshold


def _told_groups(kind: str, asked: Asked) -> dict[str, str]:
    """Each event's group as it may be told: values that few events have, or too many values, are one group."""
    own = {event: asked.groups.get(event, {}).get(kind, "") or UNKNOWN for event in asked.events}
    sizes: dict[str, int] = {}
    for group in own.values():
        sizes[group] = sizes.get(group, 0) + 1
    large = sorted((group for group, size in sizes.items() if size >= SMALLEST_GROUP), key=lambda group: -sizes[group])
    kept = {*large[:MOST_GROUPS], UNKNOWN}
    return {event: group if group in kept else OTHERS for event, group in own.items()}
