"""Answers remembered between a person's events: the same as worked out anew, bounded, and forgotten when told to."""

from dataclasses import replace
from random import Random

from domain.ids import MemberId
from domain.kinds import Feed
from tests.trials import trials
from tests.unit.triggers.histories import MEMBER, random_life
from triggers.changes import compare
from triggers.evaluate import evaluate
from triggers.history import History, with_entries
from triggers.loading import shipped_rules
from triggers.remembering import KeptPeople, changes_between

RULES, OTHERS = shipped_rules(), shipped_rules()


def test_remembered_or_not_the_changes_are_those_of_two_answers() -> None:
    random = Random(4)
    for _ in range(trials(500)):
        people, history = KeptPeople(), History()
        for entry in sorted(random_life(random, 12, late_hours=60), key=lambda entry: entry.received_at):
            dice = random.random()
            rules = OTHERS if dice < 0.1 else RULES
            member = replace(MEMBER, allowed_feeds=(Feed.POLICE,)) if dice > 0.9 else MEMBER
            forgotten = tuple(known for known in history if random.random() > 0.05)
            after = with_entries(forgotten, (entry,))
            expected = compare(evaluate(rules, member, forgotten), evaluate(rules, member, after))
            assert changes_between(rules, member, forgotten, after) == expected
            assert people.changes(rules, member, forgotten, after) == expected
            history = after


def test_a_bounded_number_of_people_is_remembered() -> None:
    people = KeptPeople(most=2)
    for name in ("M1", "M2", "M3"):
        people.changes(RULES, replace(MEMBER, member_id=MemberId(name)), (), ())
    assert len(people) == 2
    people.forget(MemberId("M3"))
    assert len(people) == 1
    people.forget(MemberId("nobody"))
    assert len(people) == 1
