"""A tie that a key worker writes down: their other client's navigator hears of the harm of before, by phone and mail,
and hears that it was an error when it is taken back."""

import json
from collections.abc import Iterator

import pytest

from domain.kinds import Feed
from tests.e2e.house import House, open_house
from tests.e2e.people import ago, mention, navigator, record, watched

N1, N2 = navigator("N1", 101), navigator("N2", 102)
HARMED, CLOSE = watched(11, "N1"), watched(12, "N2")
PROGRAMME = "reach-cms"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("links")) as house:
        house.bring([HARMED, CLOSE], [N1, N2])
        yield house


def test_a_tie_tells_of_the_harm_and_an_error_is_corrected(house: House) -> None:
    harm = record("crime.recorded", "77/1/26", ago(minutes=30), mention(HARMED, "victim"), attributes={"ho_code": "5D"})
    (item,) = house.send(Feed.POLICE, harm)
    assert item["result"] == "accepted"
    assert {each.to for each in house.wait_for(2)} == {N1.phone, N1.email}
    house.forget_messages()

    told = {"member_id": HARMED.member_id}
    tie = record("association.added", "A1", ago(minutes=1), told, system=PROGRAMME,
                 attributes={"other_member": CLOSE.member_id})  # fmt: skip
    (item,) = house.send(Feed.PROGRAMME, tie)
    assert item["result"] == "accepted"
    said = house.wait_for(2)
    assert {each.to for each in said} == {N2.phone, N2.email}
    for each in said:
        assert all(name not in each.words for one in (HARMED, CLOSE) for name in (one.identity.names[0].family,))
    alert = house.get(f"/v1/alerts/{said[0].reference}", house.key("supervisor")).json()
    assert "we learnt of the link" in json.dumps(alert)
    house.forget_messages()

    taken = {"kind": "association.added", "source_system": PROGRAMME, "source_key": "A1"}
    back = record("record.retracted", "A2", ago(seconds=10), told, system=PROGRAMME, retracts=taken)
    (item,) = house.send(Feed.PROGRAMME, back)
    assert item["result"] == "accepted"
    corrected = house.wait_for(2)
    assert {each.to for each in corrected} == {N2.phone, N2.email}
    assert all("WITHDRAWN" in each.words.upper() for each in corrected)
    assert house.books().balanced
