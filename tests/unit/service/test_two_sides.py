"""Two rule sets judged of one person at once say of either what it says alone: the same lives, to the moment."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from random import Random

from domain.attributes import MissingAttributes, MissingRisk
from domain.events import Event
from domain.ids import RuleId, event_id
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from domain.triggers import Priority
from service.backtest_replay import Life, replay, replay_both
from streams.archive_replay import Past
from tests.trials import trials
from tests.unit.service.archived import POLICY, decided_life
from tests.unit.streams.test_passing import faulty
from tests.unit.triggers.histories import MEMBER, START
from triggers.history import entry_of
from triggers.loading import shipped_rules
from triggers.patterns import AbsencePattern, AnyOf, Pattern, QuietPattern, RecallPattern
from triggers.rules import Cooling, Rule, RuleSet, Then, combined, rule_set
from triggers.two_sides import Sides, sides_of

_UNTIL = replace(POLICY, until=START + timedelta(days=500))


@cache
def _loaded(which: int) -> RuleSet:
    """All shipped rules, read anew for each number: equal, and never the same objects."""
    return combined([shipped_rules("tipt"), shipped_rules("programme")])


@cache
def _pair(which: int) -> tuple[RuleSet, RuleSet]:
    """All shipped rules, and the same read again with some changed, left out or added: others for each number.

    Of the odd ones both bear no lateness, so that waits end too late; of every third, all that may differ do.
    """
    random = Random(which)
    one, other = (_strict(_loaded(1)), _strict(_loaded(2))) if which % 2 else (_loaded(1), _loaded(2))
    if which % 3 == 0:
        rules = [replace(rule, then=_turned(rule.then), when=_longer(rule.when)) for rule in other.rules]
    else:
        some = random.sample([rule.rule_id for rule in other.rules], random.choice([0, 1, 1, 3]))
        rules = [each for rule in other.rules for each in (_changed(random, rule) if rule.rule_id in some else [rule])]
    edited = rule_set("edited", 2, rules, other.reference)
    return (edited, one) if random.random() < 0.5 else (one, edited)


def _strict(rules: RuleSet) -> RuleSet:
    return replace(rules, rules=tuple(replace(rule, tolerance=timedelta(hours=1)) for rule in rules.rules))


def _turned(then: Then) -> Then:
    """With P1 for P3 and P3 for P1 in its table."""
    lines = (replace(line, value=f"P{4 - int(line.value[1])}") for line in then.priorities)
    return replace(then, priorities=tuple(lines))


def _longer(when: Pattern) -> Pattern:
    """With longer waits."""
    match when:
        case AbsencePattern(within=timedelta() as within):
            return replace(when, within=within + timedelta(hours=7))
        case QuietPattern():
            return replace(when, lasting=when.lasting + timedelta(hours=7))
        case AnyOf():
            return replace(when, parts=tuple(map(_longer, when.parts)))
        case RecallPattern():
            return replace(when, of=_longer(when.of))
        case _:
            return when


def _changed(random: Random, rule: Rule) -> list[Rule]:
    return random.choice(
        [
            [],
            [replace(rule, version=rule.version + 1)],
            [replace(rule, cooling=Cooling(within=timedelta(days=3)))],
            [replace(rule, tolerance=timedelta(hours=2))],
            [replace(rule, then=_turned(rule.then))],
            [replace(rule, when=_longer(rule.when))],
            [rule, replace(rule, rule_id=RuleId("ANOTHER"))],
        ]
    )


@cache
def _sides(which: int) -> Sides | None:
    return sides_of(*_pair(which))


def _said(life: Life) -> tuple[object, ...]:
    return (list(life.firings.items()), list(life.alerts.items()), life.rings, life.too_late, life.withdrawals)


def test_each_side_is_told_what_its_rules_alone_would_have_said() -> None:
    random, firings, late = Random(5), 0, 0
    for _ in range(trials(2_000)):
        which, pasts = random.randrange(30), decided_life(random)
        one, other = _pair(which)
        together = replay_both(pasts, one, other, _sides(which), _UNTIL)
        for life, rules in zip(together, (one, other), strict=True):
            assert _said(life) == _said(replay(pasts, rules, _UNTIL))
            firings += len(life.firings)
            late += len(life.too_late)
    assert firings > trials(2_000)
    assert late > trials(2_000)


def test_a_rule_whose_table_differs_has_an_eye_of_its_own_for_what_is_more_urgent() -> None:
    one, two = _loaded(1), _loaded(2)
    turned = [replace(rule, then=_turned(rule.then)) for rule in two.rules]
    other = rule_set("turned", 2, turned, two.reference)
    pasts = [
        _missing(Kind.MISSING_REPORTED, MissingRisk.HIGH, hours=0),
        _missing(Kind.MISSING_REGRADED, MissingRisk.MEDIUM, hours=2),
    ]
    lives = replay_both(pasts, one, other, sides_of(one, other), _UNTIL)
    told = [
        [seen.firing.priority for seen in life.firings.values() if seen.firing.rule_id == "MISSING_CHILD"]
        for life in lives
    ]
    assert told == [[Priority.P1], [Priority.P3, Priority.P2]]


def _missing(kind: Kind, risk: MissingRisk, *, hours: int) -> Past:
    at = START + timedelta(hours=hours)
    event = Event(
        event_id=event_id(feed="police", source_system="s", source_key="E1", kind=kind, version=str(hours)),
        kind=kind,
        feed=Feed.POLICE,
        source_system="s",
        source_key="E1",
        occurred_at=at,
        received_at=at,
        version=str(hours),
        attributes=MissingAttributes(episode_id="E1", risk=risk),
    )
    return Past(f"r{hours}", at, MEMBER, entry_of(event, subject="M1", relation=Relation.SELF, role=Role.MISSING))


def test_rules_alike_are_judged_once_and_their_readings_are_theirs() -> None:
    one, two = _loaded(1), _loaded(2)
    sides = sides_of(one, two)
    assert sides is not None
    assert sides.judged.rules == one.rules
    asked = next(rule for rule in two.rules if any(rule.rule_id in each.asks for each in two.rules))
    asking = {rule.rule_id for rule in two.rules if asked.rule_id in rule.asks}
    rules = [replace(rule, version=9) if rule is asked else rule for rule in two.rules]
    sides = sides_of(one, rule_set("edited", 2, rules, two.reference))
    assert sides is not None
    apart = [rule.rule_id for rule in sides.judged.rules[len(one.rules) :]]
    assert {asked.rule_id, *asking} <= set(apart), "who asks about a rule that differs may be told otherwise"
    assert len(apart) < len(one.rules)


def test_other_lists_or_no_rule_in_common_leave_nothing_to_share() -> None:
    one, two = _loaded(1), _loaded(2)
    assert sides_of(one, replace(two, reference=replace(two.reference, version=99))) is None
    assert sides_of(one, rule_set("none", 1, (), two.reference)) is None


def test_where_a_rule_cannot_be_judged_each_side_goes_on_without_it_by_itself() -> None:
    random = Random(8)
    one, other = _loaded(1), faulty(_loaded(2), "VIOLENCE_VICTIM")
    left_out, sides = 0, sides_of(one, other)
    for _ in range(60):
        pasts = decided_life(random)
        life, reduced = replay_both(pasts, one, other, sides, _UNTIL)
        assert _said(life) == _said(replay(pasts, one, _UNTIL))
        assert life.unjudged == ()
        left_out += bool(reduced.unjudged)
        assert {fault.rule_id for fault in reduced.unjudged} <= {"VIOLENCE_VICTIM"}
    assert left_out
