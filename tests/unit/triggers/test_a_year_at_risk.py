"""T8 over years: entries into the list, said once and again, reviews, other states and retractions, against the plain
evaluator of tests/oracle."""

from datetime import timedelta
from random import Random

from domain.attributes import NoAttributes, ProgrammeAttributes
from domain.events import Event
from domain.ids import event_id
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from tests.oracle.waits import waiting_outcomes
from tests.trials import record, trials
from tests.unit.triggers.histories import START, random_member
from tests.unit.triggers.test_oracle import said
from triggers.evaluate import evaluate, kept
from triggers.history import HistoryEntry, entry_of
from triggers.loading import shipped_rules

RULES = shipped_rules("programme")
KINDS = (*[Kind.STATUS_CHANGED] * 4, Kind.REVIEW_DONE, Kind.REVIEW_DONE, Kind.WATCH_STARTED, Kind.RECORD_RETRACTED)
WORDS = ("at_risk", "at_risk", "at_risk", "active", "non_engager", "closed", "no such word")


def years(random: Random) -> list[HistoryEntry]:
    """What the programme said of one person in three years, most of it near the ends of a year."""
    entries: list[HistoryEntry] = []
    for place in range(random.randrange(1, 8)):
        kind = random.choice(KINDS)
        taken = random.choice(entries) if kind is Kind.RECORD_RETRACTED and entries else None
        at = START + timedelta(days=random.choice([0, 365, 730]) + random.randrange(-3, 4), hours=random.choice([0, 1]))
        if random.random() < 0.5:
            at = START + timedelta(days=random.randrange(900))
        event = Event(
            event_id=event_id(feed="y", source_system="y", source_key=f"y{place}", kind=kind, version="1"),
            kind=kind,
            feed=Feed.PROGRAMME,
            source_system="y",
            source_key=f"y{place}",
            occurred_at=at,
            received_at=at + timedelta(hours=random.choice([0, 0, 30, 90])),
            attributes=_attributes(random, kind),
            retracts=None if taken is None else taken.event_id,
        )
        entries.append(entry_of(event, subject="M1", relation=Relation.SELF, role=Role.CLIENT))
    return sorted(entries, key=lambda entry: entry.order)


def _attributes(random: Random, kind: Kind) -> ProgrammeAttributes | NoAttributes:
    if kind is Kind.RECORD_RETRACTED:
        return NoAttributes()
    return ProgrammeAttributes(status=random.choice(WORDS) if kind is Kind.STATUS_CHANGED else None)


def test_the_product_and_the_oracle_agree_on_a_year_at_risk() -> None:
    random, number, seen = Random(8), trials(20_000), 0
    for _ in range(number):
        member, entries = random_member(random), years(random)
        now = START + timedelta(days=random.randrange(300, 1_500))
        found = waiting_outcomes(member, entries, RULES.reference, now)
        expected = {one for one in found if one[0] == "T8"}
        assert {one for one in said(evaluate(RULES, member, tuple(entries), now)) if one[0] == "T8"} == expected
        told = kept(RULES, member, (), START)
        for entry in random.sample(entries, len(entries)):
            told = told.changed((entry,)).kept
        assert {one for one in said(told.at(now).kept.verdicts) if one[0] == "T8"} == expected
        seen += len(expected)
    record("random years at risk on which product and oracle agree", number, f"{seen} firings")
    assert seen > number // 10
