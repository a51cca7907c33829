"""Which patterns hold is asked all at once; the answer is that of each pattern asked by itself."""

from datetime import UTC, datetime
from random import Random

import pytest

from domain.kinds import Kind
from domain.matches import Relation
from tests.trials import record, trials
from tests.unit.triggers.histories import random_life, random_member
from triggers.conditions import ALWAYS, All, Operator
from triggers.conditions import Test as Asks
from triggers.holding import MOST_PARTS, Holding
from triggers.indexing import index_of
from triggers.loading import shipped_rules
from triggers.moments import Moment
from triggers.patterns import RELATIONS, EventPattern, Subject, event_pattern, events_in

LISTED = tuple(
    event for name in ("tipt", "programme") for rule in shipped_rules(name).rules for event in events_in(rule.when)
)
PATTERNS = tuple((1 << place, pattern) for place, pattern in enumerate(LISTED))


def _moments(random: Random) -> list[Moment]:
    days, late = random.choice([3, 60, 400]), random.choice([0, 90])
    entries = random_life(random, random.randrange(2, 20), days=days, late_hours=late)
    index = index_of(entries, random_member(random), shipped_rules().reference)
    return [seen.moment for sheet in index.sheets.values() for scene in sheet.scenes.values() for seen in scene]


def _by_itself(pattern: EventPattern, moment: Moment) -> bool:
    about = moment.relation in RELATIONS[pattern.subject]
    return about and moment.entry.kind in pattern.kinds and pattern.holds(moment)


def test_asked_together_patterns_answer_as_each_by_itself() -> None:
    random, holding = Random(11), Holding(PATTERNS)
    asked = held = 0
    for _ in range(trials(40)):
        for moment in _moments(random):
            expected = sum(bit for bit, pattern in PATTERNS if _by_itself(pattern, moment))
            assert holding.at(moment) == expected
            asked, held = asked + len(PATTERNS), held + expected.bit_count()
    record("patterns asked together and each by itself", asked, f"{held} held")
    assert held


LONG = All(tuple(Asks("age", Operator.AT_MOST, 90 + more) for more in range(MOST_PARTS + 5)))


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        pytest.param(ALWAYS, True, id="nothing is asked"),
        pytest.param(LONG, True, id="more is asked than branches may be deep"),
        pytest.param(All((LONG, Asks("age", Operator.AT_LEAST, 90))), False, id="and the last of it does not hold"),
    ],
)
def test_however_much_is_asked_it_is_answered(where: All, holds: bool) -> None:
    moment = next(one for one in _moments(Random(3)) if one.relation is Relation.SELF and one.person.age(one.at))
    asked = event_pattern(frozenset(Kind), where)
    assert Holding([(4, asked)]).at(moment) == (4 if holds else 0)
    assert asked.holds(moment) is holds


def test_patterns_about_others_do_not_hold_for_oneself() -> None:
    own = next(one for one in _moments(Random(3)) if one.relation is Relation.SELF)
    assert own.at < datetime(2100, 1, 1, tzinfo=UTC)
    assert Holding([(1, event_pattern(frozenset(Kind), subject=Subject.LINKED))]).at(own) == 0
