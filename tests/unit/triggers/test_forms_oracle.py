"""Every form of the language agrees with the plain evaluator of tests/oracle/forms.py on random lives: with lateness,
duplicates, corrections and retractions, in any order, in batches, while the clock goes on, and when the rules change in
the middle."""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from domain.people import CohortMember
from tests.oracle.forms import form_outcomes
from tests.trials import record, trials
from tests.unit.triggers.form_lives import random_forms_life
from tests.unit.triggers.histories import START, random_member
from tests.unit.triggers.test_oracle import said
from triggers.evaluate import Kept, evaluate, kept
from triggers.history import HistoryEntry, with_entries
from triggers.loading import load_rules

TEXT = (Path(__file__).parent / "forms" / "forms.yaml").read_text(encoding="utf-8")
RULES = load_rules(TEXT)
SLOWER = timedelta(days=14)
CHANGED = load_rules(TEXT.replace("recent: 7d", "recent: 14d"))
CHUNKS = 10


def lived(random: Random) -> tuple[CohortMember, list[HistoryEntry], datetime]:
    return random_member(random), random_forms_life(random), START + timedelta(days=random.randrange(1, 140))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_form_and_the_oracle_agree(chunk: int) -> None:
    random = Random(9_000 + chunk)
    number, seen = trials(20_000) // CHUNKS, 0
    for _ in range(number):
        member, entries, now = lived(random)
        expected = form_outcomes(member, entries, RULES.reference, now)
        if random.random() < 0.2:
            assert said(evaluate(RULES, member, tuple(entries), now)) == expected
        changed = random.random() < 0.3
        told = _told(random, member, entries, now, changed=changed)
        if changed:
            expected = form_outcomes(member, entries, RULES.reference, now, recent=SLOWER)
        assert told == expected
        seen += len(expected)
    record("random histories on which every form and the oracle agree", number, f"{seen} firings")
    assert seen > number


def _told(
    random: Random, member: CohortMember, entries: list[HistoryEntry], now: datetime, *, changed: bool
) -> set[tuple[str, datetime, str, str, str]]:
    """All entries in some order, some twice, one by one or in batches; the clock goes on; the rules may change."""
    order = list(entries)
    if random.random() < 0.5:
        random.shuffle(order)
    else:
        order.sort(key=lambda entry: (entry.received_at, entry.event_id, entry.subject))
    order += random.sample(entries, len(entries) // 4)
    place = 0
    answer = kept(RULES, member, (), START)
    change = random.randrange(len(order)) if changed else None
    while place < len(order):
        if change is not None and place >= change:
            answer, change = _published(answer), None
        size = random.choice([1, 1, 2, 5])
        answer = answer.changed(order[place : place + size]).kept
        answer = answer.at(min(now, START + timedelta(days=place))).kept
        place += size
    return said((answer if change is None else _published(answer)).at(now).kept.verdicts)


def _published(answer: Kept) -> Kept:
    """The same person under the changed rules."""
    return kept(CHANGED, answer.member, with_entries((), answer.index.entries), answer.now)


def test_every_rule_of_the_file_fires_somewhere() -> None:
    """A form that never held would agree with anything."""
    random, fired = Random(4), set[str]()
    for _ in range(3_000):
        member, entries, now = lived(random)
        fired |= {rule for rule, *_, end in said(evaluate(RULES, member, tuple(entries), now)) if end == "fired"}
        if len(fired) == len(RULES.rules):
            break
    assert fired == {str(rule.rule_id) for rule in RULES.rules}


def test_the_answer_kept_is_the_answer_from_scratch_word_for_word() -> None:
    random = Random(5)
    for _ in range(trials(1_000)):
        member, entries, now = lived(random)
        order = random.sample(entries, len(entries))
        answer = kept(RULES, member, (), now)
        for entry in order:
            answer = answer.changed((entry,)).kept
        assert answer.verdicts == evaluate(RULES, member, tuple(entries), now)


def test_what_is_forgotten_was_never_there() -> None:
    random = Random(6)
    for _ in range(trials(1_000)):
        member, entries, now = lived(random)
        gone = random.sample(entries, len(entries) // 3)
        left = tuple(entry for entry in entries if entry not in gone)
        forgot = kept(RULES, member, tuple(entries), now).changed((), gone).kept
        assert forgot.verdicts == evaluate(RULES, member, left, now)
