"""Seen to hold 2 of issue 5: the plain, slow evaluator of tests/oracle and the product agree on random histories, with
lateness, duplicates, corrections and retractions, in any order of arrival, in batches, and when the rules change in
the middle. Where they differ, rules.md decides which of them is wrong."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from random import Random

import pytest

from domain.ids import FiringId
from domain.people import CohortMember
from domain.triggers import TriggerFired
from tests.oracle.rules import Outcome, outcomes
from tests.trials import record, trials
from tests.unit.triggers.histories import random_life, random_member
from triggers.changes import Changes
from triggers.evaluate import Kept, evaluate, kept
from triggers.history import HistoryEntry, with_entries
from triggers.loading import load_rules, shipped_rules
from triggers.rules import RuleSet
from triggers.verdicts import FiringDecision, Verdict

RULES = shipped_rules()
HALF = timedelta(days=180)
CHUNKS = 20
LATER = datetime(2040, 1, 1, tzinfo=UTC)
"""When everything that waits has ended."""
ELSEWHERE = ("ACE_THRESHOLD", "ED_LEFT_EARLY", "QUIET_PERIOD")
"""Rules that test_waits.py compares with the oracle: whose answer rests on the clock, or on a whole childhood."""


def _changed_rules() -> RuleSet:
    """The shipped rules with ED_REPEAT_ASSAULT over 180 days, as a supervisor's afternoon leaves them."""
    text = files("triggers").joinpath("rulesets", "tipt.yaml").read_text(encoding="utf-8")
    line = "count: {of: {ground: ed_any_assault}, at_least: 2, within: 365d}"
    assert text.count(line) == 1
    return load_rules(text.replace(line, line.replace("365d", "180d")))


CHANGED = _changed_rules()


def said(verdicts: tuple[Verdict, ...]) -> set[Outcome]:
    """What the product says, in the oracle's words."""
    return {
        (str(one.rule_id), one.fired_at, str(one.anchor), one.priority.value, one.decision.value)
        for one in verdicts
        if one.decision in (FiringDecision.FIRED, FiringDecision.TOO_LATE) and one.rule_id not in ELSEWHERE
    }


def _outcomes(member: CohortMember, entries: list[HistoryEntry], **changed: timedelta) -> set[Outcome]:
    found = outcomes(member, entries, RULES.reference, **changed)
    return {one for one in found if one[0] not in ELSEWHERE}


def lived(random: Random) -> tuple[CohortMember, list[HistoryEntry]]:
    days, late = random.choice([3, 60, 400]), random.choice([0, 40, 90, 400])
    return random_member(random), random_life(random, random.randrange(2, 20), days=days, late_hours=late)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_product_and_the_oracle_agree(chunk: int) -> None:
    random = Random(chunk)
    number, seen = trials(20_000) // CHUNKS, 0
    for _ in range(number):
        member, entries = lived(random)
        expected = _outcomes(member, entries)
        assert said(evaluate(RULES, member, tuple(entries), LATER)) == expected
        told = _Told(member)
        told.take(random, entries)
        assert said(told.kept.verdicts) == (
            expected if told.kept.rules is RULES else _outcomes(member, entries, repeat_within=HALF)
        )
        seen += len(expected)
    record("random histories on which product and oracle agree", number, f"{seen} firings")
    assert seen > number


class _Told:
    """One person told event by event, the alerts that stand as the differences leave them."""

    def __init__(self, member: CohortMember) -> None:
        self.kept: Kept = kept(RULES, member, (), LATER)
        self.standing: dict[FiringId, TriggerFired] = {}

    def take(self, random: Random, entries: list[HistoryEntry]) -> None:
        """All entries: shuffled or by arrival, some twice, one by one or in batches; the rules may change between."""
        order = list(entries)
        if random.random() < 0.5:
            random.shuffle(order)
        else:
            order.sort(key=lambda entry: (entry.received_at, entry.event_id, entry.subject))
        order += random.sample(entries, len(entries) // 4)
        change = random.randrange(len(order)) if random.random() < 0.3 else None
        place = 0
        while place < len(order):
            if change is not None and place >= change:
                self._publish(CHANGED)
                change = None
            size = random.choice([1, 1, 1, 2, 5])
            before = self.kept.verdicts if random.random() < 0.1 else None
            step = self.kept.changed(order[place : place + size])
            assert before is None or before == self.kept.verdicts, "the value before was changed"
            self._act(step.changes)
            self.kept = step.kept
            place += size
        self._stands_as_said()

    def _publish(self, rules: RuleSet) -> None:
        """New rules from now on; nothing old fires by the change alone, and what stood is compared from here on."""
        history = with_entries((), self.kept.index.entries)
        self.kept = kept(rules, self.kept.member, history, LATER)
        self.standing = {one.firing_id: one.trigger for one in self.kept.verdicts if one.fired}

    def _act(self, changes: Changes) -> None:
        for gone in (*changes.withdrawn, *(old for old, _ in changes.moved)):
            del self.standing[gone.firing_id]
        for new in (*changes.fired, *(new for _, new in changes.moved)):
            self.standing[new.firing_id] = new

    def _stands_as_said(self) -> None:
        fired = {one.firing_id: one.priority for one in self.kept.verdicts if one.fired}
        assert {firing_id: one.priority for firing_id, one in self.standing.items()} == fired


def test_an_answer_kept_for_a_year_is_the_answer_from_scratch() -> None:
    """Long lives, where windows slide out of sight: every verdict, with its words, not only the firings."""
    random = Random(7)
    for _ in range(trials(300)):
        entries = random_life(random, random.randrange(40, 120), days=700, late_hours=random.choice([0, 90]))
        member = random_member(random)
        entries.sort(key=lambda entry: (entry.received_at, entry.event_id, entry.subject))
        now = kept(RULES, member, ())
        for place, entry in enumerate(entries):
            now = now.changed((entry,)).kept
            if place % 40 == 39 or place == len(entries) - 1:
                assert now.verdicts == evaluate(RULES, member, with_entries((), entries[: place + 1]))


def test_what_is_forgotten_was_never_there() -> None:
    """Entries that leave (retention, erasure) leave the answer of a history without them."""
    random = Random(8)
    for _ in range(trials(500)):
        member, entries = lived(random)
        gone = random.sample(entries, len(entries) // 3)
        left = [entry for entry in entries if entry not in gone]
        forgot = kept(RULES, member, tuple(entries)).changed((), gone).kept
        assert forgot.verdicts == evaluate(RULES, member, tuple(left))
