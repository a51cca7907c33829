"""A firing becomes more urgent when another rule, for which its table asks, fires later on the same visit: beside the
oracle in lives of nothing but hospital visits, and in what it says of itself and refuses."""

from datetime import timedelta
from random import Random

import pytest

from domain.attributes import EdAttributes, Intent, Mechanism, NoAttributes
from domain.events import Event
from domain.ids import event_id
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from domain.triggers import TriggerFired
from tests.oracle.waits import waiting_outcomes
from tests.trials import record, trials
from tests.unit.triggers.histories import START, random_member
from triggers.evaluate import evaluate, kept
from triggers.history import HistoryEntry, entry_of
from triggers.loading import load_rules, shipped_rules
from triggers.rules import RuleSet
from triggers.scenarios import read_scenario
from triggers.trial import run_scenario
from triggers.verdicts import Verdict

RULES = shipped_rules()
KINDS = (
    (Kind.ED_ARRIVAL,) * 3
    + (Kind.ED_UPDATED,) * 4
    + (Kind.ED_CODED,) * 2
    + (Kind.ED_DEPARTED,) * 3
    + (Kind.ED_LEFT_EARLY, Kind.ED_ADMITTED, Kind.ED_REOPENED, Kind.ED_CANCELLED, Kind.RECORD_RETRACTED)
)


def test_the_oracle_agrees_on_who_left_early_and_when_it_became_urgent() -> None:
    random, seen, rose = Random(12), 0, 0
    number = trials(10_000)
    for _ in range(number):
        member = random_member(random)
        told = (_entry(random, place) for place in range(random.randrange(2, 9)))
        entries = sorted(told, key=lambda entry: entry.order)
        now = max(entry.received_at for entry in entries) + timedelta(hours=random.choice([0, 1, 12, 200]))
        outcomes = waiting_outcomes(member, entries, RULES.reference, now)
        expected = {one for one in outcomes if one[0] == "ED_LEFT_EARLY"}
        answer = evaluate(RULES, member, tuple(entries), now)
        assert _said(answer) == expected
        known = kept(RULES, member, (), START - timedelta(days=1))
        for entry in random.sample(entries, len(entries)):
            known = known.at(min(entry.received_at, now)).kept.changed((entry,)).kept
        assert known.at(now).kept.verdicts == answer
        seen += len(expected)
        rose += {one[3] for one in expected} == {"P1", "P2"}
    record(
        "random visits on which product and oracle agree about leaving early", number, f"{seen} firings, {rose} rose"
    )
    assert seen > number // 4
    assert rose > number // 100


def _said(verdicts: tuple[Verdict, ...]) -> set[tuple[str, object, str, str, str]]:
    return {
        (str(one.rule_id), one.fired_at, str(one.anchor), one.priority.value, one.decision.value)
        for one in verdicts
        if one.rule_id == "ED_LEFT_EARLY" and one.decision.value in ("fired", "too_late")
    }


def _entry(random: Random, place: int) -> HistoryEntry:
    kind = random.choice(KINDS)
    key = f"ed-{random.choice([0, 0, 0, 1])}"
    at = START + timedelta(minutes=30 * random.choice([*range(4), *range(32), *range(160)]))
    said = EdAttributes(
        visit_key=key,
        intent=random.choice([None, None, Intent.ASSAULT, Intent.ASSAULT, Intent.UNDETERMINED, Intent.ACCIDENTAL]),
        mechanism=random.choice([None, None, Mechanism.SHARP, Mechanism.BODY_PART]),
    )
    event = Event(
        event_id=event_id(feed="ed", source_system="s", source_key=key, kind=kind, version=str(place)),
        kind=kind,
        feed=Feed.ED,
        source_system="s",
        source_key=key,
        occurred_at=at,
        received_at=at + timedelta(hours=random.choice([0, 0, 0, 5, 30, 50])),
        version=str(place),
        attributes=NoAttributes() if kind is Kind.RECORD_RETRACTED else said,
    )
    return entry_of(event, subject="M1", relation=Relation.SELF, role=Role.PATIENT)


# -- what it says ----------------------------------------------------------------------------------------------------


def _firings(timeline: str, rules: RuleSet = RULES) -> list[TriggerFired]:
    cohort = "{member_id: M1, status: at_risk, date_of_birth: 2009-05-04}"
    text = f"cohort: [{cohort}]\nstart: 2026-03-02T09:00:00Z\ntimeline:\n{timeline}"
    return list(run_scenario(read_scenario(text), rules).firings)


def _risen(timeline: str) -> TriggerFired:
    (one,) = (one for one in _firings(timeline) if (one.rule_id, one.priority) == ("ED_LEFT_EARLY", "P1"))
    return one


def test_it_tells_what_came_first_and_what_made_it_urgent() -> None:
    last = _risen("""
  - {at: 0h, kind: ed.arrival, member: M1, attributes: {visit_key: V1, intent: assault}}
  - {at: 30m, kind: ed.departed, member: M1, attributes: {visit_key: V1}}
  - {at: 3h, kind: ed.coded, member: M1, attributes: {visit_key: V1, code: X99}}""")
    assert len(last.contributing) == 2
    assert [reason.text for reason in last.reasons] == [
        "Attended an emergency department, violence-related, and left, Mon 2 March 2026, 09:30",
        "Attended an emergency department, violence-related, Mon 2 March 2026, 09:00; it became known on "
        "Mon 2 March 2026, 12:00",
    ]


def test_of_a_wait_it_tells_until_when_nothing_was_heard() -> None:
    last = _risen("""
  - {at: 0h, kind: ed.arrival, member: M1, attributes: {visit_key: V1, intent: assault}}
  - {at: 14h, kind: ed.coded, member: M1, attributes: {visit_key: V1, code: X99}}""")
    assert last.reasons[-1].text == "Nothing more was heard until Mon 2 March 2026, 21:00"


# -- what a rule author can rely on ------------------------------------------------------------------------------------

RULE = """rule_set: trial
version: 1
owner: somebody
rules:
  - id: NEWS_OF_IT
    version: 1
    owner: somebody
    why: To see it rise.
    sources: [a page]
    {who}
    when: {{event: {{kinds: [ed.*]}}}}
    then:
      priority: P3
      priorities:
        - {{priority: P1, when: {{{asked}}}}}
      rises: {rises}
      headline: There is news of a visit
      message_key: trial.news
    cooling: {{within: whole_ground, ground: occurrence}}
  - id: STABBED
    version: 1
    owner: somebody
    why: To make it rise.
    sources: [a page]
    when: {{event: {{kinds: [ed.*], where: {{mechanism: sharp}}}}}}
    then: {{priority: P2, headline: There is other news, message_key: trial.other, sensitivity: {sensitivity}}}
  - id: STILL_THERE
    version: 1
    owner: somebody
    why: To see what the clock does.
    sources: [a page]
    when: {{absence: {{after: {{event: {{kinds: [ed.*]}}}}, within: 5h, unless: {{event: {{kinds: [ed.departed]}}}}}}}}
    then: {{priority: P3, headline: There is no news, message_key: trial.none}}
"""

VISIT = """
  - {at: 0h, kind: ed.arrival, member: M1, attributes: {visit_key: V1}}
  - {at: 2h, kind: ed.updated, member: M1, attributes: {visit_key: V1, mechanism: sharp}}
  - {at: 9h, kind: ed.departed, member: M1, attributes: {visit_key: V1}}
"""


def _rules(
    asked: str = "fired: STABBED", *, rises: str = "true", who: str = "", sensitivity: str = "standard"
) -> RuleSet:
    return load_rules(RULE.format(asked=asked, rises=rises, who=who, sensitivity=sensitivity))


@pytest.mark.parametrize(
    ("rules", "expected", "why"),
    [
        (_rules(), ["P3 09:00", "P1 11:00"], "it rises with the other firing"),
        (_rules(rises="false"), ["P3 09:00"], "the rule says that it does not rise"),
        (_rules("fired: STABBED, departed: true"), ["P3 09:00"], "asked of the visit as known at that firing"),
        (_rules("fired: STABBED, departed: false"), ["P3 09:00", "P1 11:00"], "asked of the visit as known then"),
        (_rules("fired: STILL_THERE"), ["P3 09:00"], "what fires by the clock raises nothing"),
        (_rules(who="who: {status: active}"), [], "it is not about them"),
        (_rules(who="who: {past: {of: {event: {kinds: [visit.made]}}, at_most: 0}}"), ["P3 09:00", "P1 11:00"], "past"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_rises_when_the_other_fires(rules: RuleSet, expected: list[str], why: str) -> None:
    fired = [one for one in _firings(VISIT, rules) if one.rule_id == "NEWS_OF_IT"]
    assert [f"{one.priority} {one.fired_at:%H:%M}" for one in fired] == expected, why


def test_a_rule_for_health_contacts_raises_nothing_that_others_hear_of() -> None:
    fired = _firings(VISIT, _rules(sensitivity="health"))
    assert [f"{one.rule_id} {one.priority}" for one in fired] == ["NEWS_OF_IT P3", "STABBED P2", "STILL_THERE P3"]
