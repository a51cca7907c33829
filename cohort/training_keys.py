"""Which blocking keys a table needs beyond those of every index: few pairs that find every likely match."""

from collections.abc import Sequence

import numpy as np

from cohort.blocking import blocking_keys, probe_keys
from cohort.prepared import PreparedIdentity
from cohort.training_pairs import Combination, Joining, KeyPairs, Longs

MOST_KEYS = 16
PAIRS_EACH = 12.0
"""Candidates per event, likely matches apart, that the keys may bring at the size of the tables trained on."""
_WORTH = 5e-5
"""Share of the likely matches that a further key must find."""


def choose_keys(
    joining: Joining,
    members: Sequence[PreparedIdentity],
    events: Sequence[PreparedIdentity],
    keys: Sequence[KeyPairs],
    likely: Longs,
) -> tuple[Combination, ...]:
    """Keys, most useful first, that find those of the `likely` matches which the built-in keys miss."""
    if not len(likely):
        return ()
    filed: dict[int, set[int]] = {}
    left = [pair for pair in likely.tolist() if not _found(pair, members, events, filed)]
    missing = np.array(left, dtype=np.int64)
    chosen: list[Combination] = []
    spent, budget = 0, PAIRS_EACH * joining.events
    finds = {each.key: each.pairs[each.narrow] for each in keys}
    costs = {each.key: len(each.pairs) - int(np.isin(each.pairs, likely).sum()) for each in keys}
    while len(missing) and len(chosen) < MOST_KEYS:
        gains = {key: int(np.isin(missing, pairs, assume_unique=True).sum()) for key, pairs in finds.items()}
        best = max(gains, key=lambda key: (gains[key] / (costs[key] + 0.2 * joining.events), key), default=None)
        if best is None or gains[best] < max(1.0, _WORTH * len(likely)):
            break
        if spent + costs[best] <= budget:
            chosen.append(best)
            spent += costs[best]
            missing = missing[~np.isin(missing, finds[best])]
        del finds[best]
    return tuple(chosen)


def _found(
    pair: int, members: Sequence[PreparedIdentity], events: Sequence[PreparedIdentity], filed: dict[int, set[int]]
) -> bool:
    """Whether the keys that every index has bring the two together."""
    member, event = divmod(pair, len(events))
    own = filed.get(member)
    if own is None:
        own = filed[member] = set(blocking_keys(members[member]))
    return any(not own.isdisjoint(keys) for keys in probe_keys(events[event]))
