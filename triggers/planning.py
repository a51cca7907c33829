"""The plan of a rule set: its finders, each once however many rules share a pattern, in an order in which parts come
first; and which of them and of the rules an occurrence can touch. Made once per rule set.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from domain.kinds import Kind
from triggers.absences import AbsenceFinder
from triggers.accumulating import AccumulatedFinder
from triggers.combined import all_finder, change_finder, first_finder, variety_finder
from triggers.conditions import facts_asked
from triggers.entering import EntersFinder
from triggers.finding import EventFinder, Joining, Looking, any_finder
from triggers.firings import FiredFinder
from triggers.following import SequenceFinder
from triggers.hits import Grading
from triggers.holding import Holding
from triggers.judging import Judge, grading_of, judge_of
from triggers.months import Months
from triggers.occurring import ENDING_READ, Wanted
from triggers.patterns import (
    VARIED,
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
    all_in,
    event_pattern,
    facts_of,
    parts_of,
    waits,
)
from triggers.quieting import QuietFinder
from triggers.recalling import recall_finder
from triggers.rules import Rule, RuleSet
from triggers.standing import STANDING_KINDS
from triggers.stepping import steps_finder
from triggers.windows import CountFinder

Finder = EventFinder | EntersFinder | Joining


@dataclass(frozen=True, slots=True)
class Planned:
    """One rule with the place of the finder of its pattern and, by id, the places of the rules it asks about."""

    judge: Judge
    finder: int
    asks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """Finders and rules in order. What one of them touches is a number with a bit for each place: `above` the finders
    that join what this one finds, `judged` the rules whose pattern it finds, `asked_by` the rules that ask about one.
    """

    finders: tuple[Finder, ...]
    events: Mapping[int, tuple[int, EventFinder]]  # those of single events, by their bits
    looking: tuple[tuple[int, Looking, frozenset[Kind]], ...]  # others in the history, with the kinds that they read
    joining: Mapping[int, Joining]
    rules: tuple[Planned, ...]
    holding: Holding
    above: tuple[int, ...]
    judged: tuple[int, ...]
    asked_by: tuple[int, ...]
    waiting: bool  # whether a rule may fire by the clock alone
    forward: timedelta  # their longest wait


def plan_of(rules: RuleSet) -> Plan:
    """The plan of a rule set, made once."""
    plan: Plan | None = rules.worked_out.get(Plan)
    if plan is None:
        plan = rules.worked_out[Plan] = _planned((rules.rules,))
    return plan


def side_by_side(one: RuleSet, other: RuleSet) -> RuleSet:
    """Both sets judged as one: rules that are the same object in both are judged once, and each rule asks about those
    of its own set. Only for judging by: an id may name two rules, of which a verdict tells its own (`judging.rule_of`).

    A rule that both share must ask only about rules that both share, and the reference lists must be the same.
    """
    sides = (one.rules, other.rules)
    both = replace(one, name=f"{one.name} beside {other.name}", rules=_each_once(sides))
    both.worked_out[Plan] = _planned(sides)
    return both


def _each_once(sides: Sequence[tuple[Rule, ...]]) -> tuple[Rule, ...]:
    return tuple({id(rule): rule for side in sides for rule in side}.values())


def _planned(sides: Sequence[tuple[Rule, ...]]) -> Plan:
    """The plan of rules that are judged together; each asks about those of its own side."""
    making, listed = _Making(), _each_once(sides)
    roots = making.roots(sides)
    asks = _asked(sides, listed)
    size = len(making.finders)
    events = {one.wanted.bit: (place, one) for place, one in enumerate(making.finders) if isinstance(one, EventFinder)}
    return Plan(
        finders=tuple(making.finders),
        events=events,
        looking=tuple(
            (place, one, making.kinds[place])
            for place, one in enumerate(making.finders)
            if isinstance(one, EntersFinder)
        ),
        joining={
            place: one for place, one in enumerate(making.finders) if not isinstance(one, (EventFinder, EntersFinder))
        },
        rules=tuple(
            Planned(judge_of(rule), root, asked) for rule, root, asked in zip(listed, roots, asks, strict=True)
        ),
        holding=Holding((bit, one.wanted.pattern) for bit, (_, one) in events.items()),
        above=_bits_by((making.finders[place].parts for place in range(size)), size),
        judged=_bits_by(((root,) for root in roots), size),
        asked_by=_bits_by((asked.values() for asked in asks), len(listed)),
        waiting=any(waits(rule.when) for rule in listed),
        forward=_forward(listed),
    )


def _asked(sides: Sequence[tuple[Rule, ...]], listed: Sequence[Rule]) -> list[Mapping[str, int]]:
    """The places of the rules that each of `listed` asks about, by their ids."""
    places = {id(rule): place for place, rule in enumerate(listed)}
    asked: dict[int, Mapping[str, int]] = {}
    for side in sides:
        own = {str(rule.rule_id): places[id(rule)] for rule in side}
        for rule in side:
            asked[id(rule)] = {name: own[name] for name in sorted(rule.asks & own.keys())}
    return [asked[id(rule)] for rule in listed]


def _bits_by(named: Iterable[Iterable[int]], size: int) -> tuple[int, ...]:
    """For each place that is named, the bits of those that name it."""
    bits = [0] * size
    for place, names in enumerate(named):
        for name in names:
            bits[name] |= 1 << place
    return tuple(bits)


@dataclass(slots=True)
class _Making:
    """Places finders, those of parts first; equal ones share a place."""

    finders: list[Finder] = field(default_factory=list)
    kinds: list[frozenset[Kind]] = field(default_factory=list)
    known: dict[Hashable, int] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    asking: frozenset[str] = frozenset()  # rules whose firings are being placed: sets of several files may hold circles

    def roots(self, sides: Sequence[tuple[Rule, ...]]) -> list[int]:
        """The place of the finder of each rule's pattern, each rule once."""
        placed: dict[int, int] = {}
        for side in sides:
            self.rules = {str(rule.rule_id): rule for rule in side}
            for rule in side:
                if id(rule) not in placed:
                    placed[id(rule)] = self.place(rule.when, rule, grading_of(rule), by_itself=True)
        return list(placed.values())

    def place(self, pattern: Pattern, rule: Rule, grading: Grading | None, *, by_itself: bool = False) -> int:
        """The place of the finder of `pattern`, graded as the rule grades its moments (None: not).

        `by_itself`: it is all that the rule looks for, or one of several of which any will do.
        """
        tolerance, graded = rule.tolerance, id(rule) if grading else None
        match pattern:
            case EventPattern(kinds, where, still, subject=subject, suspect_side=suspect):
                endings = endings_read(rule)
                key = (kinds, where, still, subject, suspect, pattern.every, tolerance, endings, graded, by_itself)
                wanted = Wanted(pattern, 1 << len(self.finders), tolerance, grading, endings, by_itself)
                return self._kept(key, EventFinder(wanted, pattern.still is pattern.where), kinds)
            case AnyOf(listed):
                parts = tuple(self.place(part, rule, grading, by_itself=by_itself) for part in listed)
                shape = tuple(type(part).__name__ for part in listed)
                finder = any_finder(pattern, parts, tolerance, by_itself=by_itself)
                any_key = ("any", parts, shape, finder.linked, tolerance, by_itself)
                return self._kept(any_key, finder, self._reads(parts))
            case EntersPattern():
                return self._kept(pattern, EntersFinder(pattern), STANDING_KINDS)
            case RecallPattern(of):
                first = self.place(of, rule, grading, by_itself=by_itself)
                parts = (first, *(self.place(one, rule, None) for one in parts_of(pattern)[1:]))
                return self._kept(
                    (id(pattern), tolerance, graded), recall_finder(pattern, parts, tolerance), self._reads(parts)
                )
            case FiredPattern(name):
                return self._fired(name)
            case _:
                parts = tuple(self.place(part, rule, None) for part in parts_of(pattern))
                return self._kept((id(pattern), tolerance), _joining(pattern, parts, tolerance), self._reads(parts))

    def _fired(self, name: str) -> int:
        """The place of the finder of another rule's firings; of a rule that is not among these, of nothing."""
        rule = self.rules.get(name)
        if rule is None or name in self.asking:
            return self.place(event_pattern(frozenset()), next(iter(self.rules.values())), None)
        judge, outer = judge_of(rule), self.asking
        asked = tuple(sorted({*rule.yields_to, *judge.asks_fired} & self.rules.keys()))
        self.asking = outer | {name}
        root = self.place(rule.when, rule, grading_of(rule), by_itself=True)
        parts = (root, *map(self._fired, asked))
        self.asking = outer
        return self._kept(("fired", id(rule)), FiredFinder(judge, parts, asked), self._reads(parts))

    def _reads(self, parts: Iterable[int]) -> frozenset[Kind]:
        return frozenset().union(*(self.kinds[part] for part in parts))

    def _kept(self, key: Hashable, finder: Finder, kinds: frozenset[Kind]) -> int:
        place = self.known.get(key)
        if place is None:
            place = self.known[key] = len(self.finders)
            self.finders.append(finder)
            self.kinds.append(kinds)
        return place


def endings_read(rule: Rule) -> frozenset[str]:
    """What the rule reads of occurrences as they are known now, whatever was known at the moment (`hits.ENDINGS`)."""
    then = rule.then
    tables = (*then.priorities, *then.headlines, *then.reviews)
    facts = facts_of(rule.when) | facts_asked(rule.who)
    facts = facts.union(*(facts_asked(line.condition) for line in tables))
    read: set[str] = set()
    for inner in all_in(rule.when):
        match inner:
            case CountPattern(merging=merging, same=same):
                facts |= {same} if merging.two_feeds_when is None else {same, *facts_asked(merging.two_feeds_when)}
                if merging.overlapping_episodes:
                    read.add("ended_at")
            case AccumulatedPattern(where=where):
                facts |= facts_asked(where)
            case _:
                pass
    return frozenset(read | {ENDING_READ[fact] for fact in facts & ENDING_READ.keys()})


def _joining(pattern: Pattern, parts: tuple[int, ...], tolerance: timedelta) -> Joining:
    """The finder of a pattern made of others."""
    match pattern:
        case CountPattern():
            varied = pattern.distinct in VARIED
            return variety_finder(pattern, parts, tolerance) if varied else CountFinder(pattern, parts, tolerance)
        case SequencePattern():
            return SequenceFinder(pattern, parts, tolerance)
        case AbsencePattern():
            return AbsenceFinder(pattern, parts)
        case QuietPattern():
            return QuietFinder(pattern, parts)
        case AccumulatedPattern():
            return AccumulatedFinder(pattern, parts, tolerance)
        case AnyOf():
            return any_finder(pattern, parts, tolerance)
        case AllOf():
            return all_finder(pattern, parts, tolerance)
        case StepsPattern():
            return steps_finder(pattern, parts, tolerance)
        case FirstPattern():
            return first_finder(pattern, parts, tolerance)
        case ChangePattern():
            return change_finder(pattern, parts, tolerance)
        case RecallPattern():
            return recall_finder(pattern, parts, tolerance)
        case EventPattern() | EntersPattern() | FiredPattern():
            raise AssertionError("these have no parts")


def _forward(listed: Iterable[Rule]) -> timedelta:
    """How long after an occurrence a rule may still judge it: its longest wait."""
    waiting = [
        inner for rule in listed for inner in all_in(rule.when) if isinstance(inner, (AbsencePattern, QuietPattern))
    ]
    return max((_wait(one) for one in waiting), default=timedelta(0))


def _wait(pattern: AbsencePattern | QuietPattern) -> timedelta:
    known = pattern.within if isinstance(pattern, AbsencePattern) else None
    if known is None:
        return MAX_WAIT
    return known.longest if isinstance(known, Months) else known


MAX_WAIT = timedelta(days=3650)
"""For waits that end on a day that an event names, and for quiet periods, in which the clock may stand still."""
