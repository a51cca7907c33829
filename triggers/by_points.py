"""Steps where something was coded late: it counts from its arrival as well as from its coding.

A chain takes each hit at one of its points; the times of the points are in order and within the span. It is complete
with whatever of it was told last. Slow and plain: this is met where something was coded late, and nowhere else.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from triggers.hits import Hit
from triggers.looking_back import Mark, completed
from triggers.patterns import StepsPattern


@dataclass(frozen=True, slots=True)
class _Stand:
    """A hit at one of its points."""

    at: datetime
    learnt: datetime
    hit: Hit


Used = frozenset[Any]
"""The keys of what a chain holds, as far as it may stand in more than one step: nothing is two of them."""

Reached = Mapping[tuple[_Stand, Used], datetime]
"""When the earliest known chain up to each was known."""


def chain_by_points(
    pattern: StepsPattern, steps: Sequence[Sequence[Hit]], this: Hit, after: datetime | None
) -> tuple[Hit, Mark] | None:
    """What `this` completes: `steps` lists for each step the hits it may be, all later than `after`. None where there
    is no chain. The nearest to the latest end is told of those that were known first."""
    stands = [
        [_Stand(at, learnt, hit) for hit in hits for at, learnt in hit.points if after is None or at > after]
        for hits in steps
    ]
    best: tuple[datetime, list[Hit]] | None = None
    for end in sorted(stands[-1], key=lambda one: (one.at, one.hit.key), reverse=True):
        near = [[one for one in each if end.at - pattern.within <= one.at < end.at] for each in stands[:-1]]
        reached = _reached(pattern, [*near, [end]])
        ended = min(reached[-1].items(), key=lambda one: one[1], default=None)
        if ended is not None and (best is None or ended[1] < best[0]):
            best = (ended[1], _told(pattern, reached, *ended[0]))
    if best is None:
        return None
    learnt, chain = best
    return completed(this, learnt, [hit for hit in chain if hit is not this]), (learnt, *map(id, chain))


def _reached(pattern: StepsPattern, steps: Sequence[Sequence[_Stand]]) -> list[Reached]:
    keys = Counter(key for stands in steps for key in {one.hit.key for one in stands})
    own: dict[_Stand, Used] = {
        one: frozenset({one.hit.key} if keys[one.hit.key] > 1 else ()) for stands in steps for one in stands
    }
    found: list[Reached] = [{(one, own[one]): one.learnt for one in steps[0]}]
    for _, stands in pairwise(steps):
        now: dict[tuple[_Stand, Used], datetime] = {}
        for one in stands:
            for (other, used), known in found[-1].items():
                if one.hit.key not in used and _leads_to(pattern, other, one):
                    learnt, chain = max(known, one.learnt), (one, used | own[one])
                    if chain not in now or learnt < now[chain]:
                        now[chain] = learnt
        found.append(now)
    return found


def _told(pattern: StepsPattern, reached: Sequence[Reached], end: _Stand, used: Used) -> list[Hit]:
    """From the end, the latest of each step that leads there."""
    chain = [end]
    for known in reversed(reached[:-1]):
        last = chain[-1]
        leading = [
            (one, before)
            for one, before in known
            if last.hit.key not in before and before | ({last.hit.key} & used) == used and _leads_to(pattern, one, last)
        ]
        one, used = max(leading, key=lambda each: (each[0].at, each[0].hit.key))
        chain.append(one)
    return [one.hit for one in chain]


def _leads_to(pattern: StepsPattern, one: _Stand, then: _Stand) -> bool:
    if one.at >= then.at or (pattern.same_subject and one.hit.last.subject != then.hit.last.subject):
        return False
    same = pattern.same_occurrence
    return same is None or (one.hit.occurrence == then.hit.occurrence) is same
