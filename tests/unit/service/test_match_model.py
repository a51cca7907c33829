"""The live service recognises by the model that the settings name, and refuses to start with one it cannot use."""

import asyncio
import random
from pathlib import Path

import pytest

from cohort.follow import CohortFollower
from cohort.matching import match_event
from cohort.memory import MemoryCohortStore
from cohort.prepared import prepare
from cohort.training import train
from domain.errors import ConfigError
from domain.matches import MatchDecision
from service.settings import MatchSettings, Settings
from service.wiring import policies_of
from tests.unit.cohort.people import NOW, cohort, dirty, event_about
from tests.unit.cohort.splink_files import BIRTH, SURNAME, text_of


def settings(folder: Path, text: str) -> Settings:
    file = folder / "model.json"
    file.write_text(text, encoding="utf-8")
    return Settings(data_dir=folder, match=MatchSettings(model=file))


async def follower_of(people: list, keys: tuple[tuple[str, ...], ...]) -> CohortFollower:  # type: ignore[type-arg]
    store = MemoryCohortStore()
    await store.put_members(people, replace=True, now=NOW)
    follower = CohortFollower(store, keys)
    assert await follower.refresh()
    return follower


def test_a_trained_model_recognises_live_and_its_own_words_stand_in_the_evidence(tmp_path: Path) -> None:
    people, rng = cohort(400), random.Random(5)
    said = [dirty(rng.choice(people).identity, rng) for _ in range(400)]
    trained = train([prepare(one.identity) for one in people], [prepare(one) for one in said], name="ours")
    policy = policies_of(settings(tmp_path, trained.text())).match
    assert policy.model is not None
    assert policy.model.name == "ours"
    follower = asyncio.run(follower_of(people, policy.keys))
    assert follower.index.keys == policy.keys
    found = match_event(event_about(people[7].identity), follower.index, policy)
    assert [(match.member_id, match.decision) for match in found] == [(people[7].member_id, MatchDecision.MATCH)]
    compared = {comparison.name for comparison in policy.model.comparisons}
    assert {line.comparison for line in found[0].evidence[1:]} <= compared


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        (text_of(SURNAME, BIRTH), "match train --splink"),
    ],
    ids=["no JSON", "no model", "Splink's, which does not say how common names are"],
)
def test_a_model_that_cannot_be_used_stops_the_start_and_says_why(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        policies_of(settings(tmp_path, text))


def test_a_missing_file_is_told_without_a_trace(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="FileNotFoundError"):
        policies_of(Settings(data_dir=tmp_path, match=MatchSettings(model=tmp_path / "none.json")))
