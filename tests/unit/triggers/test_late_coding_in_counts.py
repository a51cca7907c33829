"""What lies close together is asked of what happened, not of when it was coded or named: counts, in every order of
arrival, late, taken back, cancelled and told by two feeds, against the plain evaluator of tests/oracle."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from random import Random

import pytest

from domain.attributes import (
    ATTRIBUTES_BY_KIND,
    Attributes,
    CrimeAttributes,
    EdAttributes,
    Intent,
    Mechanism,
    MissingAttributes,
)
from domain.events import Event, Place
from domain.ids import event_id
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from tests.trials import record, trials
from tests.unit.triggers.histories import MEMBER, START, random_member
from tests.unit.triggers.test_late_coding import CAME, CODED, LEFT, SHIPPED, agreed, told_at
from tests.unit.triggers.test_oracle import LATER
from triggers.evaluate import kept
from triggers.history import HistoryEntry, entry_of

CHUNKS = 10
WINDOW = timedelta(hours=72)
BURST = "CROSS_FEED_BURST"

OTHERS = (Kind.CRIME_RECORDED, Kind.CRIME_RECORDED, Kind.MISSING_REPORTED, Kind.DA_INCIDENT)
TAKES = (Kind.ED_CANCELLED, Kind.CRIME_CANCELLED, Kind.RECORD_RETRACTED)


def burst_life(random: Random) -> list[HistoryEntry]:
    """A burst or two of visits, crimes and reports; most visits are coded days after the arrival, some when it is too
    late, some taken back."""
    entries: list[HistoryEntry] = []
    for _ in range(random.choice([1, 1, 2])):
        begins = random.randrange(0, 20 * 24)
        for _ in range(random.randrange(2, 6)):
            at = begins + random.choice([0, 2, 6, 24, 71, 72, 73, random.randrange(90)])
            if random.random() < 0.5:
                entries += _visit(random, len(entries), at)
            elif random.random() < 0.3:
                entries += _named_later(random, len(entries), at)
            else:
                entries.append(_entry(random, len(entries), random.choice(OTHERS), at))
    for _ in range(random.choice([0, 0, 1, 2])):
        taken = random.choice(entries)
        entries.append(_entry(random, len(entries), random.choice(TAKES), random.randrange(40 * 24), taken))
    unique = {(entry.event_id, entry.subject): entry for entry in entries}
    return sorted(unique.values(), key=lambda entry: entry.order)


def _visit(random: Random, place: int, at: int) -> list[HistoryEntry]:
    """A visit, mostly without a reason at first; the reason hours, days or weeks later, once or twice."""
    key = f"ed-{random.randrange(4)}"
    told = [_entry(random, place, Kind.ED_ARRIVAL, at, key=key, coded=random.random() < 0.2)]
    if random.random() < 0.4:
        told.append(_entry(random, place + 1, Kind.ED_DEPARTED, at + random.randrange(1, 8), key=key))
    for _ in range(random.choice([0, 1, 1, 1, 2])):
        later = at + random.choice([3, 60, 80, 120, random.randrange(30 * 24)])
        kind = random.choice([Kind.ED_CODED, Kind.ED_UPDATED])
        told.append(_entry(random, place + len(told), kind, later, key=key, coded=True))
    return told


def _named_later(random: Random, place: int, at: int) -> list[HistoryEntry]:
    """A crime in which they are a witness at first, and somebody else later."""
    key = f"crime-{random.randrange(4)}"
    told = [replace(_entry(random, place, Kind.CRIME_RECORDED, at, key=key), role=Role.WITNESS)]
    for _ in range(random.choice([1, 1, 2])):
        later = at + random.choice([3, 60, 80, 120, random.randrange(30 * 24)])
        told.append(_entry(random, place + len(told), Kind.CRIME_ROLE_ADDED, later, key=key))
    return told


def _entry(
    random: Random,
    place: int,
    kind: Kind,
    hours: int,
    taken: HistoryEntry | None = None,
    *,
    key: str = "",
    coded: bool = False,
) -> HistoryEntry:
    family = kind.value.split(".")[0]
    feed, key = kind.feed or Feed.POLICE, key or f"{family}-{random.randrange(4)}"
    if kind is Kind.RECORD_RETRACTED and taken is not None:
        feed, key = taken.feed, taken.source_key
    at = START + timedelta(hours=hours)
    event = Event(
        event_id=event_id(feed="b", source_system="b", source_key=key, kind=kind, version=str(place)),
        kind=kind,
        feed=feed,
        source_system=f"b-{feed}",
        source_key=key,
        occurred_at=at,
        received_at=at + timedelta(hours=random.choice([0, 0, 0, 1, 20, 60, 200])),
        version=str(place),
        attributes=_attributes(random, kind, key, coded=coded),
        retracts=None if taken is None or kind is not Kind.RECORD_RETRACTED else taken.event_id,
        place=_somewhere(random),
    )
    role = {"crime": random.choice([Role.SUSPECT, Role.VICTIM]), "missing": Role.MISSING, "da": Role.NAMED}
    return entry_of(event, subject="M1", relation=Relation.SELF, role=role.get(family, Role.PATIENT))


def _somewhere(random: Random) -> Place | None:
    return None if random.random() < 0.7 else Place(lat=52.4 + random.choice([0, 0, 0.005, 0.05]), lon=-1.5)


def _attributes(random: Random, kind: Kind, key: str, *, coded: bool) -> Attributes:
    match kind.value.split(".")[0]:
        case "ed" if coded:
            intent = random.choice([Intent.ASSAULT] * 4 + [Intent.SELF_HARM, Intent.UNDETERMINED, Intent.ACCIDENTAL])
            how = random.choice([None, Mechanism.SHARP, Mechanism.BODY_PART])
            return EdAttributes(visit_key=key, intent=intent, mechanism=how)
        case "ed":
            return EdAttributes(visit_key=key)
        case "crime":
            return CrimeAttributes(ho_code=random.choice(["8N", "8N", "49", "10D", None]))
        case "missing":
            return MissingAttributes(episode_id=key)
        case _:
            return ATTRIBUTES_BY_KIND[kind]()


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_product_and_the_oracle_agree_on_counts_of_what_is_coded_late(chunk: int) -> None:
    random, number = Random(47_000 + chunk), trials(10_000) // CHUNKS
    bursts = forms_met = by_role = 0
    for _ in range(number):
        member, entries = random_member(random), burst_life(random)
        expected, forms = agreed(random, member, entries)
        bursts += sum(alone(entries, at) for rule, at, *_ in expected if rule == BURST)
        named = {str(entry.event_id) for entry in entries if entry.kind is Kind.CRIME_ROLE_ADDED}
        by_role += sum(alone(entries, at) for rule, at, event, *_ in expected if rule == BURST and event in named)
        forms_met += sum(alone(entries, at) for rule, at, *_ in forms if rule in ("HURT_OFTEN", "TOGETHER_SOON"))
    record("random histories of counts coded late on which product and oracle agree", number, f"{bursts} bursts")
    assert bursts > number // 25, "bursts that only the arrival of a visit, or the record of a crime, makes"
    assert by_role > 0, "and some that a role makes that was named later"
    assert forms_met > number // 25


def alone(entries: list[HistoryEntry], at: datetime) -> bool:
    """Whether too little happened in the window before `at` to make a burst, by anybody's reckoning of codings."""
    return len({one.occurrence for one in entries if at - WINDOW <= one.occurred_at <= at}) <= 1


GONE = told_at("gone", Kind.MISSING_REPORTED, 20, MissingAttributes(episode_id="E"), Role.MISSING)
NAMED = told_at("named", Kind.CRIME_RECORDED, 76, CrimeAttributes(ho_code="49"), Role.SUSPECT)


@pytest.mark.parametrize("order", list(permutations([CAME, LEFT, GONE, NAMED, CODED])))
def test_in_every_order_the_coding_completes_the_burst_and_says_when_they_came(order: tuple[HistoryEntry, ...]) -> None:
    answer = kept(SHIPPED, MEMBER, (), LATER)
    for entry in order:
        answer = answer.changed((entry,)).kept
    (burst,) = [one for one in answer.verdicts if one.rule_id == BURST]
    assert (burst.fired, burst.fired_at, burst.anchor) == (True, CODED.occurred_at, "coded")
    assert [reason.text for reason in burst.trigger.reasons] == [
        "Was reported missing, Tue 3 March 2026, 05:00",
        "Was named in an incident that police recorded, Thu 5 March 2026, 13:00",
        "Attended an emergency department, violence-related, Mon 2 March 2026, 09:00; it became known on "
        "Sat 7 March 2026, 09:00",
    ]
    forgot = answer.changed((), (CODED,)).kept
    assert not [one for one in forgot.verdicts if one.rule_id == BURST]
