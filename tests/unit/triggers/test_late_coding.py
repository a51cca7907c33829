"""What happened first is asked of what happened, not of who wrote faster: visits that are coded after the deed, in
every order of arrival, late, taken back and cancelled, against the plain evaluator of tests/oracle."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from random import Random

import pytest

from domain.attributes import (
    ATTRIBUTES_BY_KIND,
    Attributes,
    CrimeAttributes,
    CustodyAttributes,
    EdAttributes,
    Intent,
    Mechanism,
    NoAttributes,
)
from domain.events import Event
from domain.ids import EventId, event_id
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from domain.people import CohortMember
from tests.oracle.forms import form_outcomes
from tests.oracle.rules import Outcome, outcomes
from tests.trials import record, trials
from tests.unit.triggers.histories import MEMBER, START, random_member
from tests.unit.triggers.test_oracle import ELSEWHERE, LATER, said
from triggers.evaluate import evaluate, kept
from triggers.history import HistoryEntry, entry_of, with_entries
from triggers.loading import load_rules, shipped_rules

SHIPPED = shipped_rules()
FORMS = load_rules((Path(__file__).parent / "forms" / "forms.yaml").read_text(encoding="utf-8"))
CHUNKS = 10
DAY = timedelta(days=1)

VISITS = (Kind.ED_ARRIVAL, Kind.ED_ARRIVAL, Kind.ED_UPDATED, Kind.ED_CODED, Kind.ED_DEPARTED, Kind.ED_CANCELLED)
DEEDS = (Kind.CRIME_RECORDED, Kind.CRIME_RECORDED, Kind.CRIME_UPDATED, Kind.CUSTODY_ARRIVED, Kind.CRIME_CANCELLED)
TAKEN_BACK = (Kind.RECORD_RETRACTED,)


def coded_life(random: Random) -> list[HistoryEntry]:
    """A few visits and deeds of a few days, mostly coded by somebody who was in no hurry."""
    days, late = random.choice([2, 10, 45]), random.choice([0, 0, 30, 90])
    entries: list[HistoryEntry] = []
    for place in range(random.randrange(3, 12)):
        kind = random.choice(random.choice([VISITS, VISITS, DEEDS, DEEDS, TAKEN_BACK]))
        entries.append(_entry(random, place, kind, days, late, entries))
    unique = {(entry.event_id, entry.subject): entry for entry in entries}
    return sorted(unique.values(), key=lambda entry: entry.order)


def _entry(random: Random, place: int, kind: Kind, days: int, late: float, told: list[HistoryEntry]) -> HistoryEntry:
    taken = random.choice(told) if kind is Kind.RECORD_RETRACTED and told else None
    family = kind.value.split(".")[0]
    key, feed = f"{family}-{random.randrange(3)}", kind.feed or Feed.POLICE
    if taken is not None:
        key, feed = taken.source_key, taken.feed
    at = START + timedelta(hours=random.randrange(days * 24))
    event = Event(
        event_id=event_id(feed="c", source_system="c", source_key=key, kind=kind, version=str(place)),
        kind=kind,
        feed=feed,
        source_system=f"c-{feed}",
        source_key=key,
        occurred_at=at,
        received_at=at + timedelta(hours=random.choice([0, 1, late, late * random.random()])),
        version=str(place),
        attributes=_attributes(random, kind, key),
        retracts=None if taken is None else taken.event_id,
    )
    role = {"crime": random.choice([Role.SUSPECT, Role.VICTIM]), "custody": Role.ARRESTED}.get(family, Role.PATIENT)
    other = random.random() < 0.05
    relation = Relation.ASSOCIATE if other else Relation.SELF
    return entry_of(event, subject="M2" if other else "M1", relation=relation, role=role)


def _attributes(random: Random, kind: Kind, key: str) -> Attributes:
    match kind.value.split(".")[0]:
        case "record":
            return ATTRIBUTES_BY_KIND[kind]()
        case "ed":
            coded = random.random() < (0.25 if kind is Kind.ED_ARRIVAL else 0.7)
            intent = random.choice([Intent.ASSAULT, Intent.ASSAULT, Intent.ACCIDENTAL]) if coded else None
            return EdAttributes(visit_key=key, intent=intent, mechanism=random.choice([None, Mechanism.SHARP]))
        case "custody":
            return CustodyAttributes(custody_id=key, offences=random.choice([(), ("10D",), ("8N",)]))
        case _:
            return CrimeAttributes(ho_code=random.choice(["8N", "8N", "49", "10D", None]))


def agreed(random: Random, member: CohortMember, entries: list[HistoryEntry]) -> tuple[set[Outcome], set[Outcome]]:
    """What the oracle says by the shipped rules and by the forms; the product says the same, told at once and bit by
    bit in any order of arrival."""
    expected = {one for one in outcomes(member, entries, SHIPPED.reference) if one[0] not in ELSEWHERE}
    forms = form_outcomes(member, entries, FORMS.reference, LATER)
    assert said(evaluate(SHIPPED, member, tuple(entries), LATER)) == expected
    told, other = kept(SHIPPED, member, (), LATER), kept(FORMS, member, (), LATER)
    order = random.sample(entries, len(entries))
    while order:
        some = [order.pop() for _ in range(min(len(order), random.choice([1, 1, 2])))]
        told, other = told.changed(some).kept, other.changed(some).kept
    assert said(told.verdicts) == expected
    assert said(other.verdicts) == forms
    return expected, forms


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_product_and_the_oracle_agree_on_what_is_coded_late(chunk: int) -> None:
    random, number, seen = Random(31_000 + chunk), trials(10_000) // CHUNKS, 0
    for _ in range(number):
        member, entries = random_member(random), coded_life(random)
        expected, _ = agreed(random, member, entries)
        seen += sum(rule == "VICTIM_TO_SUSPECT" for rule, *_ in expected)
    record("random histories of visits coded late on which product and oracle agree", number, f"{seen} pairs")
    assert seen > number // 10


def told_at(name: str, kind: Kind, hours: float, said: Attributes, role: Role) -> HistoryEntry:
    at = START + timedelta(hours=hours)
    event = Event(EventId(name), kind, kind.feed or Feed.POLICE, "s", name, at, at, attributes=said)
    return entry_of(event, subject="M1", relation=Relation.SELF, role=role)


CAME = told_at("came", Kind.ED_ARRIVAL, 0, EdAttributes(visit_key="V"), Role.PATIENT)
LEFT = told_at("left", Kind.ED_DEPARTED, 4, EdAttributes(visit_key="V"), Role.PATIENT)
DEED = told_at("deed", Kind.CRIME_RECORDED, 48, CrimeAttributes(ho_code="10D"), Role.SUSPECT)
CODED = told_at("coded", Kind.ED_CODED, 120, EdAttributes(visit_key="V", intent=Intent.ASSAULT), Role.PATIENT)


@pytest.mark.parametrize("order", list(permutations([CAME, LEFT, DEED, CODED])))
def test_in_every_order_the_coding_completes_it_and_says_when_they_came(order: tuple[HistoryEntry, ...]) -> None:
    answer = kept(SHIPPED, MEMBER, (), LATER)
    for entry in order:
        answer = answer.changed((entry,)).kept
    (pair,) = [one for one in answer.verdicts if one.rule_id == "VICTIM_TO_SUSPECT"]
    assert (pair.fired, pair.fired_at, pair.anchor) == (True, CODED.occurred_at, "coded")
    assert [reason.text for reason in pair.trigger.reasons] == [
        "Was named in an incident that police recorded, Wed 4 March 2026, 09:00",
        "Attended an emergency department, violence-related, Mon 2 March 2026, 09:00; it became known on "
        "Sat 7 March 2026, 09:00",
    ]
    forgot = answer.changed((), (CODED,)).kept
    assert not [one for one in forgot.verdicts if one.rule_id == "VICTIM_TO_SUSPECT"]


def test_a_retraction_that_another_took_back_before_it_happened_acts_the_same_in_every_order() -> None:
    """Whoever dates their retractions badly is still read alike: first what is retracted, or first the retractions."""
    weapon = told_at("w", Kind.CRIME_RECORDED, 10, CrimeAttributes(ho_code="10D"), Role.SUSPECT)
    first = replace(told_at("r1", Kind.RECORD_RETRACTED, 9, NoAttributes(), Role.SUSPECT), retracts=EventId("w"))
    other = replace(told_at("r2", Kind.RECORD_RETRACTED, 8, NoAttributes(), Role.SUSPECT), retracts=EventId("r1"))
    first, other = (replace(one, feed=weapon.feed, source_key=f"x{place}") for place, one in enumerate((first, other)))
    said_so = set()
    for order in permutations([weapon, first, other]):
        answer = kept(SHIPPED, MEMBER, (), LATER)
        for entry in order:
            answer = answer.changed((entry,)).kept
        said_so.add(frozenset(said(answer.verdicts)))
    assert said_so == {frozenset(said(evaluate(SHIPPED, MEMBER, with_entries((), [weapon, first, other]), LATER)))}
