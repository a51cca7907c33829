"""QUIET_PERIOD beside the oracle in lives that are made of little else: states that change, a watch that ends and begins
again, custody, and now and then an adverse event; heard late, in any order, some of it taken back."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from domain.attributes import ATTRIBUTES_BY_KIND, Attributes, CustodyAttributes, MissingAttributes, ProgrammeAttributes
from domain.events import Event
from domain.ids import event_id
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from domain.people import CohortMember, MemberStatus
from tests.oracle.rules import Outcome
from tests.oracle.waits import waiting_outcomes
from tests.trials import record, trials
from tests.unit.triggers.histories import START, random_member
from triggers.evaluate import evaluate, kept
from triggers.history import HistoryEntry, entry_of
from triggers.loading import shipped_rules
from triggers.verdicts import Verdict

RULES = shipped_rules()
STATES = ("disengaged", "non_engager", "non_engager", "active", "at_risk")
LIFE = (Kind.STATUS_CHANGED,) * 8 + (
    Kind.MISSING_REPORTED,
    Kind.MISSING_REPORTED,
    Kind.CUSTODY_ARRIVED,
    Kind.CUSTODY_RELEASED,
    Kind.WATCH_ENDED,
    Kind.WATCH_STARTED,
    Kind.RECORD_RETRACTED,
)


def test_the_oracle_agrees_on_quiet_between_states() -> None:
    random, seen, twice = Random(11), 0, 0
    number = trials(6_000)
    for _ in range(number):
        member = random_member(random)
        if random.random() < 0.7:
            member = _in_state(member, random)
        told = (_entry(random, place) for place in range(random.randrange(1, 9)))
        entries = sorted(told, key=lambda entry: entry.order)
        now = max(entry.received_at for entry in entries) + timedelta(days=random.choice([0, 95, 400]))
        expected = {one for one in waiting_outcomes(member, entries, RULES.reference, now) if one[0] == "QUIET_PERIOD"}
        assert _said(evaluate(RULES, member, tuple(entries), now)) == expected
        assert _told_one_by_one(random, member, entries, now) == expected
        seen += len(expected)
        twice += len(expected) > 1
    record("random lives of changing states on which product and oracle agree about quiet", number, f"{seen} firings")
    assert seen > number // 4
    assert twice > number // 50


def _in_state(member: CohortMember, random: Random) -> CohortMember:
    return replace(member, status=MemberStatus(random.choice(["disengaged", "non_engager"])))


def _entry(random: Random, place: int) -> HistoryEntry:
    kind = random.choice(LIFE)
    feed = kind.feed or random.choice([Feed.PROGRAMME, Feed.POLICE])
    family = "status" if kind is Kind.RECORD_RETRACTED else kind.value.split(".")[0]
    key = f"{family}-{random.randrange(4)}"
    at = START + timedelta(hours=random.randrange(-60 * 24, 500 * 24) if random.random() < 0.7 else 24 * 90)
    event = Event(
        event_id=event_id(feed="q", source_system="s", source_key=key, kind=kind, version=str(place)),
        kind=kind,
        feed=feed,
        source_system=f"s-{feed}",
        source_key=key,
        occurred_at=at,
        received_at=at + timedelta(hours=random.choice([0, 0, 30, 24 * 95])),
        version=str(place),
        attributes=_attributes(random, kind, key),
    )
    return entry_of(event, subject="M1", relation=Relation.SELF, role=_ROLES.get(family, Role.CLIENT))


_ROLES = {"custody": Role.ARRESTED, "missing": Role.MISSING}


def _attributes(random: Random, kind: Kind, key: str) -> Attributes:
    match kind:
        case Kind.STATUS_CHANGED:
            return ProgrammeAttributes(status=random.choice(STATES))
        case Kind.CUSTODY_ARRIVED | Kind.CUSTODY_RELEASED:
            return CustodyAttributes(custody_id=key)
        case Kind.MISSING_REPORTED:
            return MissingAttributes(episode_id=key)
        case _:
            return ATTRIBUTES_BY_KIND[kind]()


def _told_one_by_one(random: Random, member: CohortMember, entries: list[HistoryEntry], now: datetime) -> Any:
    """Kept event by event, in any order, while the clock goes on."""
    order = sorted(entries, key=lambda entry: entry.received_at)
    if random.random() < 0.5:
        random.shuffle(order)
    known = kept(RULES, member, (), START - timedelta(days=90))
    for entry in order:
        known = known.at(min(entry.received_at, now)).kept.changed((entry,)).kept
    return _said(known.at(now).kept.verdicts)


def _said(verdicts: tuple[Verdict, ...]) -> set[Outcome]:
    return {
        (str(one.rule_id), one.fired_at, str(one.anchor), one.priority.value, one.decision.value)
        for one in verdicts
        if one.rule_id == "QUIET_PERIOD" and one.decision.value in ("fired", "too_late")
    }
