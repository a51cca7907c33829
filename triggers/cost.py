"""What a rule costs before it runs: how much it looks at for one event, and what it keeps for one person.

Estimates for a busy person, from windows, counts and depth alone; never measured on anybody. One look is one earlier
thing compared with the new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from triggers.conditions import All, Condition, Not, OneOf, Unless
from triggers.months import Months
from triggers.patterns import (
    AbsencePattern,
    AccumulatedPattern,
    AllOf,
    AnyOf,
    ChangePattern,
    CountPattern,
    EntersPattern,
    EventPattern,
    FiredPattern,
    FirstPattern,
    Pattern,
    QuietPattern,
    RecallPattern,
    SequencePattern,
    StepsPattern,
    parts_of,
)
from triggers.phrasing import span_words
from triggers.rules import Rule, RuleSet

EVENTS_A_DAY = 1
"""Of a busy person, year in, year out: some 700 in a history of two years."""

HISTORY = timedelta(days=730)
"""How long history is kept (domain.md 7.3: 24 months)."""

BYTES_EACH = 320
"""What one thing found takes in memory, with its row."""

MOST_LOOKS = 1_000_000
"""No rule may look at more than this for an event that comes in order: about a tenth of a second."""

MOST_LOOKS_LATE = 10_000_000
"""... nor at more than this for one that comes before two years of others: some seconds."""


@dataclass(frozen=True, slots=True)
class Cost:
    """`looks` for an event that comes in order, `looks_late` at worst for one that comes late, `kept_bytes` per person,
    `reach`: how far back it looks."""

    looks: int
    looks_late: int
    kept_bytes: int
    reach: timedelta

    @property
    def too_high(self) -> bool:
        """Whether no rule may cost as much."""
        return self.looks > MOST_LOOKS or self.looks_late > MOST_LOOKS_LATE

    @property
    def words(self) -> str:
        """The cost as a supervisor may read it."""
        kilobytes = max(1, round(self.kept_bytes / 1000))
        reach = f"looks {span_words(self.reach)} back" if self.reach else "looks at the event alone"
        return (
            f"{reach}; for a busy person at most {_told(self.looks)} looks an event, {_told(self.looks_late)} where it "
            f"comes late; keeps at most {kilobytes:,} kB a person"
        )


def cost_of(rule: Rule, others: Mapping[str, Rule] | None = None) -> Cost:
    """What a rule costs; `others` are the rules by id whose firings it may be built on."""
    return _cost(rule.when, others or {}, frozenset({str(rule.rule_id)}))


def set_cost(rules: RuleSet, beside: RuleSet | None = None) -> Cost:
    """What a whole set costs for one event of one person, were every rule touched by it. Its rules may be built on
    those of `beside`."""
    others = {str(rule.rule_id): rule for known in (beside, rules) if known for rule in known.rules}
    each = [cost_of(rule, others) for rule in rules.rules]
    return Cost(
        looks=sum(cost.looks for cost in each),
        looks_late=sum(cost.looks_late for cost in each),
        kept_bytes=sum(cost.kept_bytes for cost in each),
        reach=max((cost.reach for cost in each), default=timedelta(0)),
    )


def _cost(pattern: Pattern, others: Mapping[str, Rule], seen: frozenset[str]) -> Cost:
    """Of the pattern and all its parts."""
    inner = [_cost(part, others, seen) for part in parts_of(pattern)]
    if isinstance(pattern, FiredPattern) and pattern.rule in others and pattern.rule not in seen:
        inner.append(_cost(others[pattern.rule].when, others, seen | {pattern.rule}))
    own, late, reach = _own(pattern)
    return Cost(
        looks=own + sum(one.looks for one in inner),
        looks_late=late + sum(one.looks_late for one in inner),
        kept_bytes=_events(HISTORY) * BYTES_EACH + sum(one.kept_bytes for one in inner),
        reach=reach + max((one.reach for one in inner), default=timedelta(0)),
    )


def _own(pattern: Pattern) -> tuple[int, int, timedelta]:
    """Looks in order, looks when late, and reach, without the parts."""
    match pattern:
        case EventPattern(where=where, still=still):
            tests = _tests(where) + (0 if still is where else _tests(still))
            return tests, 2 * tests, timedelta(0)
        case AnyOf(parts):
            return len(parts), len(parts), timedelta(0)
        case CountPattern(within=within) | SequencePattern(within=within):
            return _sliding(1, within)
        case AllOf(parts, none_of, within):
            return _sliding(len(parts) + len(none_of), within)
        case StepsPattern(steps, within):
            return _sliding(len(steps), within)
        case FirstPattern(within=within):
            return _sliding(1, within or HISTORY)
        case ChangePattern(recent=recent, usual=usual):
            return _sliding(1, recent + usual)
        case RecallPattern(lookups=lookups):
            spans = [lookup.within or HISTORY for lookup in lookups]
            return _sliding(len(lookups), max(spans, default=timedelta(0)))
        case AbsencePattern(within=within):
            return _sliding(1, within.longest if isinstance(within, Months) else within or HISTORY)
        case QuietPattern() | AccumulatedPattern():
            return _events(HISTORY) ** 2, _events(HISTORY) ** 2, HISTORY
        case EntersPattern() | FiredPattern():
            return 1, 1, timedelta(0)


def _sliding(parts: int, within: timedelta) -> tuple[int, int, timedelta]:
    """One pass over each part's window; a late event is seen by all that follow it within the window."""
    events = _events(within)
    return parts * events, parts * events * events, within


def _events(span: timedelta) -> int:
    return int(EVENTS_A_DAY * min(span, HISTORY) / timedelta(days=1)) + 1


def _tests(condition: Condition) -> int:
    match condition:
        case All(parts) | OneOf(parts):
            return sum(map(_tests, parts)) + 1
        case Not(part) | Unless(part):
            return _tests(part)
        case _:
            return 1


def _told(number: int) -> str:
    """A number to two places, as people say it: '130,000', '2.7 million'."""
    if number >= 1_000_000:
        return f"{number / 1_000_000:.1f} million"
    rough = number if number < 100 else round(number, -(len(str(number)) - 2))
    return f"{rough:,}"
