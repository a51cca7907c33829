"""Shadow: what a version that is not live would have said of the same events, beside what the live one says.

It alerts nobody. "Only in 6, only in 7": firings of one are compared with those of the other by who, rule and moment.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.ids import MemberId, RuleId
from domain.triggers import Priority, TriggerFired

MOST_EXAMPLES = 100
"""So many of the latest firings of each side are kept as examples."""


class Side(StrEnum):
    """Who says it."""

    BOTH = "both"
    LIVE = "only_live"
    SHADOW = "only_shadow"
    OTHERWISE = "otherwise"  # both fire, with another priority


@dataclass(frozen=True, slots=True)
class ShadowFiring:
    """One firing of either. `priority` is the live one's, `in_shadow` the shadow's; None where it does not fire."""

    side: Side
    rule_id: RuleId
    member_id: MemberId
    fired_at: datetime
    headline: str
    priority: Priority | None = None
    in_shadow: Priority | None = None


@dataclass(frozen=True, slots=True)
class ShadowCount:
    """How often one rule fired: in both, only live, only in shadow, with another priority."""

    both: int = 0
    only_live: int = 0
    only_shadow: int = 0
    otherwise: int = 0


@dataclass(frozen=True, slots=True)
class ShadowTally:
    """What was seen in one go: events looked at, events missed, and the firings of either."""

    events: int = 0
    missed: int = 0
    firings: tuple[ShadowFiring, ...] = ()


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """What was seen of a shadow version. `beside` are the versions that were live meanwhile; newest examples first."""

    number: int
    events: int = 0
    missed: int = 0  # events that the shadow did not see, because it was too slow for them
    beside: tuple[int, ...] = ()
    by_rule: Mapping[str, ShadowCount] = field(default_factory=dict)
    examples: tuple[ShadowFiring, ...] = ()


def compared(live: Iterable[TriggerFired], shadow: Iterable[TriggerFired]) -> tuple[ShadowFiring, ...]:
    """What each of the two says of the same event. One firing has one id in both, whatever the rest of it says."""
    by_live = {firing.firing_id: firing for firing in live}
    by_shadow = {firing.firing_id: firing for firing in shadow}
    order = dict.fromkeys((*by_live, *by_shadow))
    return tuple(_one(by_live.get(each), by_shadow.get(each)) for each in order)


def _one(live: TriggerFired | None, shadow: TriggerFired | None) -> ShadowFiring:
    told = live or shadow
    assert told is not None
    return ShadowFiring(
        side=_side(live, shadow),
        rule_id=told.rule_id,
        member_id=told.member_id,
        fired_at=told.fired_at,
        headline=told.headline,
        priority=live.priority if live else None,
        in_shadow=shadow.priority if shadow else None,
    )


def _side(live: TriggerFired | None, shadow: TriggerFired | None) -> Side:
    if live is None:
        return Side.SHADOW
    if shadow is None:
        return Side.LIVE
    return Side.BOTH if live.priority is shadow.priority else Side.OTHERWISE


def counted(counts: Mapping[str, int]) -> dict[str, ShadowCount]:
    """Counts by rule, from `rule|side` -> number."""
    found: dict[str, dict[str, int]] = {}
    for name, number in counts.items():
        rule, _, side = name.rpartition("|")
        found.setdefault(rule, {})[side] = number
    return {rule: ShadowCount(**sides) for rule, sides in sorted(found.items())}


def by_rule_and_side(firings: Sequence[ShadowFiring]) -> dict[str, int]:
    """`rule|side` -> number."""
    counts: dict[str, int] = {}
    for firing in firings:
        name = f"{firing.rule_id}|{firing.side.value}"
        counts[name] = counts.get(name, 0) + 1
    return counts
