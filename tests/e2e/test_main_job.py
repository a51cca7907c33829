"""The main job as people live it: what a feed says at one end, whose phone speaks at the other, and nothing else.

Every story has people of its own on one running service: real MLLP, HTTP, files, SMTP and Notify endpoints.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.clock import LONDON
from domain.ids import EventId, NavigatorId
from domain.kinds import Feed
from domain.people import Navigator, WatchAuthority
from tests.e2e.house import FOLLOW_S, House, Said, open_house
from tests.e2e.people import adt, ago, line, mention, navigator, record, watched

N1 = navigator("N1", 101)
AWAY = navigator("AWAY", 102, available=False, cover_id=NavigatorId("COVER"))
COVER = navigator("COVER", 103)
ALONE = navigator("ALONE", 104, available=False)
HEALTH = navigator("HEALTH", 105, health_approved=True)
GATE = navigator("GATE", 106, gatekeeper=True)
SUPERVISOR = navigator("SUP", 107, supervisor=True)
YESTERDAY = (datetime.now(LONDON) - timedelta(days=1)).date()
PEOPLE = {
    name: watched(number, navigator_id, **changes)
    for number, (name, navigator_id, changes) in enumerate(
        [
            ("ari", "N1", {}),
            ("bel", "AWAY", {}),
            ("cai", "ALONE", {}),
            ("dov", "N1", {}),
            ("eda", "N1", {}),
            ("fen", "N1", {}),
            ("gus", "N1", {"watch": WatchAuthority(ends=YESTERDAY)}),
            ("hal", "N1", {}),
            ("ivo", "N1", {}),
            ("kit", "N1", {}),
            ("jem", "N1", {}),
        ],
        start=1,
    )
}
NEWCOMER = watched(15, "N1")
LATECOMER = watched(16, "N1")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("main-job")) as house:
        house.bring(PEOPLE.values(), [N1, AWAY, COVER, ALONE, HEALTH, GATE, SUPERVISOR])
        yield house


@pytest.fixture
def house(running: House) -> House:
    """The running house, with the messages of earlier stories forgotten."""
    running.settle()
    running.forget_messages()
    return running


def reached(said: list[Said]) -> set[tuple[str, str]]:
    return {(each.channel, each.to) for each in said}


def both(*people: Navigator) -> set[tuple[str, str]]:
    """An SMS and an e-mail to each."""
    return {(channel, to) for one in people for channel, to in (("sms", one.phone), ("email", one.email))}


def stabbed(name: str, **more: Any) -> bytes:
    at = ago(minutes=2)
    return adt(PEOPLE[name], "A04", control=f"{name}-A04", visit=f"V-{name}", at=at, codes=("X99.9",), **more)


def test_stabbed_at_minute_0_then_the_navigator_has_an_sms_and_an_email_within_5_s_and_nothing_else(
    house: House,
) -> None:
    assert house.mllp(stabbed("ari")) == ["AA"]
    said = house.wait_for(2, within=5)
    assert len(said) == 2 and reached(said) == both(N1)
    assert all("URGENT" in each.words for each in said)
    assert len({each.reference for each in said}) == 1, "one alert, one reference on both channels"


def test_the_navigator_is_away_then_the_cover_is_told(house: House) -> None:
    assert house.mllp(stabbed("bel")) == ["AA"]
    said = house.wait_for(2)
    assert len(said) == 2 and reached(said) == both(COVER)


def test_nobody_is_there_then_supervisors_hear_that_somebody_must_be_found(house: House) -> None:
    assert house.mllp(stabbed("cai")) == ["AA"]
    said = house.wait_for(2)
    assert len(said) == 2 and reached(said) == both(SUPERVISOR)
    assert all("nobody" in each.words.lower() for each in said)


def test_the_visit_is_cancelled_then_the_same_navigator_is_told_not_to_act(house: House) -> None:
    assert house.mllp(stabbed("dov")) == ["AA"]
    (first, *_) = house.wait_for(2)
    house.forget_messages()
    cancel = adt(PEOPLE["dov"], "A11", control="dov-A11", visit="V-dov", at=ago(minutes=1))
    assert house.mllp(cancel) == ["AA"]
    said = house.wait_for(2)
    assert len(said) == 2 and reached(said) == both(N1)
    assert all("WITHDRAWN" in each.words.upper() for each in said)
    assert {each.reference for each in said} == {first.reference}


def test_conditional_intelligence_waits_for_the_gatekeeper_and_alerts_once_released(house: House) -> None:
    grade = {"source": 1, "assessment": "A", "handling": "C"}
    report = record(
        "intel.submitted", "IR-1", ago(hours=1), mention(PEOPLE["eda"]), system="INTEL",
        marking="OFFICIAL-SENSITIVE", attributes={"grade": grade, "origin_unit": "NORTH", "themes": ["weapon"]},
    )  # fmt: skip
    done = house.ingest("intelligence", line(report), "report.ndjson")
    assert done.json["accepted"] == 1, done.err
    said = house.wait_for(2)
    assert reached(said) == both(GATE), "nobody but the gatekeeper may know that there is anything"
    house.forget_messages()

    key = house.key("gatekeeper")
    (held,) = house.get("/v1/gatekeeper", key).json()["held"]
    answer = house.post(f"/v1/gatekeeper/{held['held_id']}/release", key, b'{"reason": "agreed with the source unit"}')
    assert answer.is_success, answer.text
    said = house.wait_for(2)
    assert len(said) == 2 and reached(said) == both(N1)


def test_self_harm_then_only_a_health_approved_contact_is_told(house: House) -> None:
    message = adt(PEOPLE["fen"], "A04", control="fen-A04", visit="V-fen", at=ago(minutes=2), codes=("X78.9",))
    assert house.mllp(message) == ["AA"]
    said = house.wait_for(2)
    assert len(said) == 2 and reached(said) == both(HEALTH)


def test_the_watch_has_ended_then_nobody_is_told_and_the_ledger_says_why(house: House) -> None:
    crime = record(
        "crime.recorded", "99/1/26", ago(minutes=5), mention(PEOPLE["gus"], "victim"), attributes={"ho_code": "8N"}
    )
    (item,) = house.send(Feed.POLICE, crime)
    assert item["result"] == "accepted"
    assert house.wait_for(1, within=1) == []
    assert house.endings([EventId(item["event_id"])]) == ["suppressed:watch_ended"]
    answer = house.get(f"/v1/ledger/events/{item['event_id']}", house.key("supervisor"))
    assert answer.is_success and "suppressed:watch_ended" in answer.text


def test_somebody_who_is_imported_is_recognised_a_second_later(house: House) -> None:
    house.import_people([NEWCOMER])
    house.wait_for(1, within=FOLLOW_S)
    message = adt(NEWCOMER, "A04", control="new-1", visit="V-new-1", at=ago(minutes=2), codes=("X99.9",))
    assert house.mllp(message) == ["AA"]
    assert reached(house.wait_for(2)) == both(N1)


def test_who_is_imported_after_the_stabbing_is_found_in_it_and_the_record_says_that_it_was_late(house: House) -> None:
    crime = record(
        "crime.recorded", "99/9/26", ago(minutes=2), mention(LATECOMER, "victim"), attributes={"ho_code": "5D"}
    )
    (item,) = house.send(Feed.POLICE, crime)
    assert house.wait_for(1, within=0.5) == [], "not watched yet"
    assert house.endings([EventId(item["event_id"])]) == ["no_match"]
    house.import_people([LATECOMER])
    said = house.wait_for(2, within=10)
    assert len(said) == 2 and reached(said) == both(N1)
    assert not any("just now" in each.words.lower() for each in said)
    (ending,) = house.endings([EventId(item["event_id"])])
    assert ending.startswith("alert:"), "the ledger shows what was found later"
    alert = house.get(f"/v1/alerts/{said[0].reference}", house.key("supervisor")).json()
    assert [trigger["late"] for trigger in alert["triggers"]] == [True]
    metrics = house.get("/metrics", house.key("operator")).text
    assert "reachpoint_lookback_backlog 0.0" in metrics
    assert 'reachpoint_lookback_found_total{what="part"}' in metrics


def test_two_firings_within_half_an_hour_make_one_message(house: House) -> None:
    hal = PEOPLE["hal"]
    beaten = adt(hal, "A04", control="hal-A04", visit="V-hal", at=ago(minutes=20), codes=("Y04.0",))
    assert house.mllp(beaten) == ["AA"]
    assert len(house.wait_for(2)) == 2
    house.forget_messages()
    crime = record("crime.recorded", "99/2/26", ago(minutes=21), mention(hal, "victim"), attributes={"ho_code": "8N"})
    (item,) = house.send(Feed.POLICE, crime)
    assert house.wait_for(1, within=1) == []
    (ending,) = house.endings([EventId(item["event_id"])])
    assert ending.startswith("alert:"), "the record shows it, the phone stays quiet"


def test_a_higher_priority_breaks_through_the_quiet_half_hour(house: House) -> None:
    ivo = PEOPLE["ivo"]
    crime = record("crime.recorded", "99/3/26", ago(minutes=20), mention(ivo, "victim"), attributes={"ho_code": "8N"})
    house.send(Feed.POLICE, crime)
    (first, *_) = house.wait_for(2)
    assert "Today" in first.words
    house.forget_messages()
    assert house.mllp(stabbed("ivo")) == ["AA"]
    said = house.wait_for(2)
    assert len(said) == 2 and reached(said) == both(N1)
    assert all("URGENT" in each.words for each in said)
    assert {each.reference for each in said} == {first.reference}


def test_what_is_coded_in_the_minute_of_the_arrival_still_breaks_through(house: House) -> None:
    """Departments write no more than the minute: arrival and coding then stand at the same moment."""
    jem, minute = PEOPLE["jem"], ago(minutes=3).replace(second=0)
    beaten = adt(jem, "A04", control="JEM001", visit="V-jem", at=minute, codes=("Y04.0",))
    assert house.mllp(beaten) == ["AA"]
    (first, *_) = house.wait_for(2)
    house.forget_messages()
    assert house.mllp(adt(jem, "A08", control="JEM002", visit="V-jem", at=minute, codes=("X99.9",))) == ["AA"]
    said = house.wait_for(2)
    assert len(said) == 2 and all("URGENT" in each.words for each in said)
    assert {each.reference for each in said} == {first.reference}


def test_a_repeated_message_is_acknowledged_and_tells_nobody_twice(house: House) -> None:
    message = stabbed("kit")
    assert house.mllp(message, message) == ["AA", "AA"]
    assert len(house.wait_for(2)) == 2
    house.forget_messages()
    assert house.mllp(message) == ["AA"]
    assert house.wait_for(1, within=1) == []


def test_at_the_end_the_books_balance(running: House) -> None:
    books = running.settle()
    assert books.balanced and books.in_flight == 0
    assert not books.quarantined
