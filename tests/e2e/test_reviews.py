"""An analyst's word as people live it: an event in doubt, both sides, a decision, phones that speak, and its undoing.

Thresholds are set so that nobody is certain: the story is about the decision, not about how alike two names are.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from domain.kinds import Feed
from tests.e2e.house import House, open_house
from tests.e2e.people import ago, mention, navigator, record, watched

N1 = navigator("N1", 101)
KIT = watched(11)
SETTINGS = "[match]\nmatch_bits = 400\nreview_bits = 2\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("reviews"), settings=SETTINGS) as house:
        house.bring([KIT], [N1])
        yield house


def wounded(house: House, key: str, at: datetime) -> None:
    """A crime of which they may be the victim: named and born as they are, with no number that would settle it."""
    said = mention(KIT, "victim")
    del said["identity"]["identifiers"]
    (item,) = house.send(Feed.POLICE, record("crime.recorded", key, at, said, attributes={"ho_code": "8N"}))
    assert item["result"] == "accepted"


def waiting(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.get("/v1/reviews", house.key("analyst")).json()["reviews"]
    return found


def decide(house: House, review: str, **said: object) -> Any:
    body = {"member_id": KIT.member_id, "verdict": "same", "reason": "the same address", **said}
    return house.post(f"/v1/reviews/{review}/decisions", house.key("analyst"), json.dumps(body).encode())


def test_in_doubt_then_confirmed_then_the_navigator_hears_then_undone_then_corrected(house: House) -> None:
    happened = ago(minutes=9)
    wounded(house, "99/1/26", happened)
    assert house.wait_for(1, within=1) == [], "a doubtful match alerts nobody by itself"
    (listed,) = waiting(house)
    review = listed["review_id"]
    family = KIT.identity.names[0].family
    assert family.lower() not in json.dumps(listed).lower()

    shown = house.get(f"/v1/reviews/{review}", house.key("analyst"))
    both = shown.json()
    (candidate,) = both["review"]["candidates"]
    assert both["said"]["names"][0].lower() == both["sides"][0]["identity"]["names"][0].lower()
    assert sum(each["bits"] for each in candidate["evidence"]) == pytest.approx(candidate["match_weight"])
    assert all(each["words"] for each in candidate["evidence"])

    stale = decide(house, review, version=7)
    assert (stale.status_code, stale.json()["type"].rpartition("-")[2]) == (409, "conflict")
    done = decide(house, review, version=both["review"]["version"])
    assert done.status_code == 200, done.text
    said = house.wait_for(2)
    assert {(each.channel, each.to) for each in said} == {("sms", N1.phone), ("email", N1.email)}
    assert all(KIT.identity.names[0].family not in each.words for each in said)
    alert = house.get(f"/v1/alerts/{said[0].reference}", house.key("supervisor")).json()
    (fired,) = {trigger["fired_at"] for trigger in alert["triggers"]}
    assert datetime.fromisoformat(fired) == happened
    assert waiting(house) == []

    again = decide(house, review, version=both["review"]["version"])
    assert (again.status_code, again.json()["changed"]) == (200, False), "the same said twice changes nothing"

    house.forget_messages()
    undone = house.command("review", "undo", review[:12], "--reason", "another person after all", "--json")
    assert undone.status == 0, undone.err
    corrected = house.wait_for(2)
    assert {(each.channel, each.to) for each in corrected} == {("sms", N1.phone), ("email", N1.email)}
    assert all("WITHDRAWN" in each.words.upper() for each in corrected)
    (once_more,) = waiting(house)
    assert once_more["review_id"] == review
    assert house.books().balanced


def test_at_the_machine_itself_and_what_is_said_again_is_known(house: House) -> None:
    house.forget_messages()
    (listed,) = json.loads(house.command("review", "list", "--json").out)["reviews"]
    shown = house.command("review", "show", listed["review_id"][:10])
    assert shown.status == 0, shown.err
    assert "the event says" in shown.out
    assert "sum" in shown.out
    kept = house.command("review", "decide", listed["review_id"], KIT.member_id, "same", "--reason", "it is")
    assert kept.status == 0, kept.err
    house.wait_for(2)
    house.forget_messages()
    wounded(house, "99/2/26", ago(minutes=1))
    house.settle()
    assert waiting(house) == []
    assert house.books().balanced
    steps = house.get(f"/v1/reviews/{listed['review_id']}", house.key("analyst")).json()["steps"]
    assert [step["what"] for step in steps] == ["same", "undone", "same"]
    assert steps[0]["by"] == "key:analyst"
    assert steps[1]["by"].startswith("user:")


def test_nobody_is_named_in_the_log(house: House) -> None:
    name = KIT.identity.names[0]
    assert "review" in house.log
    for word in (name.family, name.family.upper(), "another person after all", "the same address"):
        assert word not in house.log


def test_the_queue_is_in_the_figures(house: House) -> None:
    found = house.get("/metrics", house.key("operator")).text
    assert 'reachpoint_reviews_steps{outcome="same"}' in found
    assert "reachpoint_reviews_waiting" in found
    assert "reachpoint_reviews_oldest_seconds" in found
