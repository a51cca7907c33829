"""What the unseen tables (`make unseen`) taught: columns that say the same, relatives, other scripts. Small and quick."""

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from cohort.comparisons import MISSING, compare_name
from cohort.fine_comparisons import PERSON, given_level
from cohort.index import CohortIndex
from cohort.matching import score_all
from cohort.model import load_model
from cohort.policy import MatchPolicy
from cohort.prepared import PreparedIdentity, prepare
from cohort.tables import TableRecord, open_people
from cohort.tables_mapping import Side
from cohort.training import train
from cohort.training_columns import choose
from cohort.training_dependence import independent
from domain.identity import DateOfBirth, Identity, Name
from service.offline import read_mapping
from tests.febrl_data import Task, deduplication, febrl4
from tests.unit.cohort.people import event_about, member_of
from tests.unseen_data import households_and_twins, places_that_go_together, scripts
from tests.unseen_maker import Set


def _read(found: Set, where: Path) -> tuple[list[TableRecord], list[TableRecord]]:
    found.write(where)
    mapping = read_mapping(where / "mapping.yaml")
    sides = []
    for name, side in (("cohort", Side.COHORT), ("events", Side.EVENTS)):
        rows = open_people(where / f"{name}.csv", mapping, side=side).records()
        sides.append([row for row in rows if isinstance(row, TableRecord)])
    return sides[0], sides[1]


def _f1(found: Set, where: Path) -> float:
    cohort, events = _read(found, where)
    file = train([prepare(row.identity) for row in cohort], [prepare(row.identity) for row in events], name="unseen")
    model = load_model(file.text())
    index = CohortIndex.build([member_of(place, row.identity) for place, row in enumerate(cohort)], keys=model.keys)
    met = {
        (row.record_id, cohort[int(match.member_id[1:])].record_id)
        for row in events
        for match in score_all(event_about(row.identity), index, MatchPolicy(), model)
        if match.match_weight >= 0
    }
    return 2 * len(met & found.truth) / (len(met) + len(found.truth))


@pytest.mark.parametrize(
    ("found", "least", "why"),
    [
        (partial(places_that_go_together, 500), 0.98, "nine columns of one place count once"),
        (partial(households_and_twins, 300), 0.88, "a shared home is not a shared person"),
        (partial(scripts, 500), 0.95, "names of other scripts are names"),
    ],
)
def test_a_table_unlike_the_others_is_matched_without_labels(
    found: Callable[[], Set], least: float, why: str, tmp_path: Path
) -> None:
    assert _f1(found(), tmp_path) >= least, why


def test_of_columns_that_follow_from_one_another_the_most_telling_is_compared(tmp_path: Path) -> None:
    cohort, events = _read(places_that_go_together(600), tmp_path)
    people = [prepare(row.identity) for row in cohort]
    columns = choose(people, [prepare(row.identity) for row in events])
    kept = {column.offer.name for column in independent(columns, people)}
    assert {"given names", "family name", "date of birth", "sex", "extra:trade"} <= kept
    places = {"extra:town", "extra:district", "extra:county", "extra:region", "extra:area_code", "extra:council"}
    assert len(kept & places) == 1


def test_copies_of_one_person_do_not_make_columns_follow_from_one_another() -> None:
    rows = [
        Identity(names=(Name((f"given{number}",), f"family{number}"),), extra=(("badge", (f"{number}",)),))
        for number in range(100)
        for _ in range(5)
    ]
    people = [prepare(row) for row in rows]
    columns = choose(people, people)
    assert independent(columns, people) == columns


@pytest.mark.parametrize("task_of", [febrl4, partial(deduplication, 3)], ids=["4", "3"])
def test_copies_with_errors_do_not_either(task_of: Callable[..., Task]) -> None:
    task = task_of(soc_sec_id=False)
    cohort = [prepare(who) for who in task.cohort]
    events = cohort if task.same else [prepare(who) for who in task.events]
    columns = choose(cohort, events)
    assert independent(columns, cohort if task.same else (*cohort, *events)) == columns


def _who(given: str, family: str, born: str = "") -> PreparedIdentity:
    births = (DateOfBirth(date.fromisoformat(born)),) if born else ()
    return prepare(Identity(names=(Name((given,) if given else (), family),), dates_of_birth=births))


@pytest.mark.parametrize(
    ("one", "other", "level", "why"),
    [
        (_who("Ari", "Testone", "2001-02-03"), _who("Bela", "Testone", "1975-11-28"), "both_differ", "a relative"),
        (_who("", "Testone", "2001-02-03"), _who("Bela", "Testone", "1975-11-28"), "birth_differs", "no given name"),
        (_who("Ari", "Testone"), _who("Bela", "Testone", "1975-11-28"), "given_names_differ", "no date"),
        (_who("Ari", "Testone", "2001-02-03"), _who("Bela", "Testone", "2001-02-03"), MISSING, "the date agrees"),
        (_who("", "Testone"), _who("Bela", "Testone"), MISSING, "nothing of their own is said"),
    ],
)
def test_what_is_a_persons_own_says_somebody_else(
    one: PreparedIdentity, other: PreparedIdentity, level: str, why: str
) -> None:
    assert PERSON.compare(one, other) == PERSON.compare(other, one) == level, why


def test_a_name_and_its_transcription_are_not_known_to_differ() -> None:
    one, other = _who("Мария", "Иванова"), _who("Maria", "Ivanova")
    assert compare_name(one, other) == MISSING
    assert given_level(one.names, other.names) == MISSING
    assert compare_name(one, _who("мария", "иванова")) == "exact"
