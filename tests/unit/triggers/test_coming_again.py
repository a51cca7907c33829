"""What is taken away and comes again is news at its coming back: the plain evaluator and the product agree on crimes,
visits, reports and custodies that are corrected to and fro, told in any order, and the product stays quick at it."""

from datetime import timedelta
from random import Random

import pytest

from domain.attributes import CrimeAttributes
from domain.events import Event
from domain.ids import event_id
from domain.kinds import Kind, Role
from domain.matches import Relation
from tests.oracle.rules import outcomes
from tests.trials import record, trials
from tests.unit.triggers import histories
from tests.unit.triggers.histories import MEMBER, START, random_history, random_member
from tests.unit.triggers.test_oracle import ELSEWHERE, LATER, RULES, said
from triggers.evaluate import evaluate, kept
from triggers.history import HistoryEntry, entry_of
from triggers.occurrences import fold_occurrence

TO_AND_FRO = {
    "crime": (Kind.CRIME_RECORDED, Kind.CRIME_UPDATED, Kind.CRIME_UPDATED, Kind.CRIME_ROLE_ADDED, Kind.CRIME_ROLE_REMOVED),
    "visit": (Kind.ED_ARRIVAL, Kind.ED_UPDATED, Kind.ED_UPDATED, Kind.ED_CODED, Kind.CRIME_UPDATED),
    "report": (Kind.INTEL_SUBMITTED, Kind.INTEL_REGRADED, Kind.INTEL_REGRADED, Kind.INTEL_SANITISED),
    "missing": (Kind.MISSING_REPORTED, Kind.MISSING_REGRADED, Kind.MISSING_REGRADED, Kind.CRIME_UPDATED),
    "custody": (Kind.CUSTODY_ARRIVED, Kind.CUSTODY_ARRIVED, Kind.CRIME_UPDATED, Kind.ED_UPDATED),
}  # fmt: skip


class FewKeys(Random):
    """Chance that gives everything one of two keys: all is about the same few things."""

    def randrange(self, start: int, *more: int) -> int:  # type: ignore[override]
        """As ever, but of four keys the first two."""
        return super().randrange(2) if start == 4 and not more else super().randrange(start, *more)


@pytest.mark.parametrize("about", TO_AND_FRO)
def test_the_product_and_the_oracle_agree_on_what_comes_again(about: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "KINDS", TO_AND_FRO[about])
    random, number, seen = FewKeys(about), trials(4_000), 0
    for _ in range(number):
        member = random_member(random) if random.random() < 0.3 else MEMBER
        late = random.choice([0, 40, 90, 400])
        entries = random_history(random, random.randrange(3, 10), days=random.choice([1, 10, 60]), late_hours=late)
        expected = {one for one in outcomes(member, entries, RULES.reference) if one[0] not in ELSEWHERE}
        assert said(evaluate(RULES, member, tuple(entries), LATER)) == expected
        told = kept(RULES, member, (), LATER)
        random.shuffle(entries)
        for entry in entries:
            told = told.changed((entry,)).kept
        assert said(told.verdicts) == expected, "in any order"
        seen += len(expected)
    record("histories corrected to and fro on which product and oracle agree", number, f"{about}, {seen} firings")
    assert seen > number // 4


def _recoded(number: int) -> tuple[HistoryEntry, ...]:
    return tuple(_telling(hour, ("8N", "105A", "5D")[hour % 3]) for hour in range(number))


def _telling(hour: int, code: str) -> HistoryEntry:
    kind = Kind.CRIME_UPDATED if hour else Kind.CRIME_RECORDED
    at = START + timedelta(hours=hour)
    identity = event_id(feed="x", source_system="s", source_key="K", kind=kind, version=str(hour))
    event = Event(
        event_id=identity, kind=kind, feed=kind.feed, source_system="s", source_key="K", occurred_at=at, received_at=at,
        version=str(hour), attributes=CrimeAttributes(ho_code=code),
    )  # fmt: skip
    return entry_of(event, subject="M1", relation=Relation.SELF, role=Role.SUSPECT)


def test_a_crime_recoded_a_thousand_times_has_as_many_wordings_as_it_was_given_codes() -> None:
    """Else each correction would be asked of each moment: a quarter of a minute for one such crime."""
    entries = _recoded(1_000)
    occurrence = fold_occurrence(entries, RULES.reference)
    assert occurrence is not None
    assert len(occurrence.wordings_after(entries[0])) == 3
    assert len(occurrence.wordings_after(entries[-2])) == 1
    assert not occurrence.wordings_after(entries[-1])
