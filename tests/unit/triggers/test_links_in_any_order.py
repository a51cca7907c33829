"""Links and harms in any order of arrival give the same firings: when a link was learnt, and when it reached us, are data.

Lives of three people, with visits, crimes, their corrections, links, and links that were errors; each pair is linked
by one word at most (of several, the first to reach us counts).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from random import Random
from typing import Any

from domain.events import Event
from domain.ids import MemberId
from domain.kinds import Feed, Kind, Role, natural_role
from domain.people import CohortMember, MemberStatus
from domain.triggers import TriggerFired
from tests.trials import record, trials
from tests.unit.streams.play import event
from triggers.loading import shipped_rules
from triggers.rules import RuleSet
from triggers.timelines import Step
from triggers.trial import Trial

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEOPLE = ("M1", "M2", "M3")
RULE = "ASSOCIATE_HARMED"


def days(count: float) -> timedelta:
    return timedelta(days=count)


@cache
def only_links() -> RuleSet:
    """The rule about linked people alone: the others are no business of this test."""
    whole = shipped_rules("tipt")
    return replace(whole, rules=tuple(rule for rule in whole.rules if rule.rule_id == RULE))


def life(rng: Random) -> list[Event]:
    """What happens, in order of event time, with lateness from nothing to five days."""
    found: list[Event] = []
    for place in range(rng.randint(2, 6)):
        found += _harm(rng, rng.choice(PEOPLE), f"H{place}", at=days(rng.uniform(0, 150)))
    for one, other in combinations(PEOPLE, 2):
        if rng.random() < 0.7:
            found += _link(rng, *rng.sample((one, other), 2), at=days(rng.choice((14, 15, 125, rng.uniform(0, 150)))))
    return found


def _late(rng: Random, at: timedelta) -> timedelta:
    return at + rng.choice((timedelta(0), timedelta(0), timedelta(hours=rng.uniform(0, 120))))


def _harm(rng: Random, who: str, key: str, *, at: timedelta) -> list[Event]:
    if rng.random() < 0.4:
        said: dict[str, Any] = {"visit_key": key, "intent": "assault", "mechanism": rng.choice(["sharp", "body_part"])}
        found = [event(Kind.ED_ARRIVAL, who, at=at, received=_late(rng, at), key=f"{key}a", attributes=said)]
        amending, words = rng.choice([(Kind.ED_CANCELLED, {}), (Kind.ED_UPDATED, {"mechanism": "sharp"})])
        words = {"visit_key": key, **words}
    else:
        said = {"ho_code": rng.choice(["5D", "8N", "1", "105A"]), "weapon": rng.choice([None, "knife"])}
        victim = (who, Role.VICTIM)
        found = [event(Kind.CRIME_RECORDED, victim, at=at, received=_late(rng, at), key=key, attributes=said)]
        amending, words = rng.choice([(Kind.CRIME_CANCELLED, {}), (Kind.CRIME_UPDATED, {"ho_code": "5D"})])
    if rng.random() < 0.4:
        then = at + days(rng.uniform(0.01, 30))
        named = (who, natural_role(amending) or Role.VICTIM)
        key = f"{key}b" if amending.value.startswith("ed") else key
        found.append(event(amending, named, at=then, received=_late(rng, then), key=key, attributes=words))
    return found


def _link(rng: Random, one: str, other: str, *, at: timedelta) -> list[Event]:
    said = {"other_member": other}
    key = f"{one}-{other}"
    found = [event(Kind.ASSOCIATION_ADDED, one, at=at, received=_late(rng, at), key=key, attributes=said)]
    if rng.random() < 0.25:
        then = at + days(rng.uniform(0.1, 20))
        by_id = {"retracts": found[0].event_id} if rng.random() < 0.5 else {}
        found.append(
            event(Kind.RECORD_RETRACTED, one, at=then, received=_late(rng, then), key=key, feed=Feed.PROGRAMME, **by_id)
        )
    return found


def step_of(one: Event) -> Step:
    """An event as a rule test has it."""
    (mention,) = one.mentions
    return Step(event=replace(one, mentions=()), member=MemberId(mention.member_id or ""), role=mention.role)


def firings(rules: RuleSet, events: Sequence[Event]) -> set[tuple[Any, ...]]:
    """What stands after these arrived in this order."""
    cohort = {MemberId(name): CohortMember(MemberId(name), MemberStatus.AT_RISK) for name in PEOPLE}
    trial = Trial(rules, cohort, {})
    for one in events:
        trial.take(step_of(one))
    standing: dict[Any, TriggerFired] = {}
    for known in trial.people.values():
        standing |= {verdict.firing_id: verdict.trigger for verdict in known.verdicts if verdict.fired}
    return {(one.member_id, one.priority, one.fired_at, one.late, one.anchor) for one in standing.values()}


def test_links_and_harms_in_any_order_give_the_same_firings() -> None:
    rng, rules = Random(20260302), only_links()
    fired = 0
    count = trials(4_000)
    for _ in range(count):
        events = life(rng)
        told = firings(rules, events)
        assert firings(rules, rng.sample(events, len(events))) == told
        fired += len(told)
    assert fired > count / 2, "lives in which nobody hears anything prove nothing"
    record("orders of links and harms", count, f"{fired} firings")
