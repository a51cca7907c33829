"""A flood, a snooze and their ends on the running service: real feeds, phones, keys and clocks."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from domain.ids import MemberId, RuleId
from streams.messages import Disposition, Ending
from streams.ports import NO_EVENT, Commit
from streams.valkey_decide import ValkeyDecide
from streams.valkey_tallies import ValkeyTallies
from tests.e2e.house import House, open_house
from tests.e2e.people import adt, ago, navigator, watched
from triggers.sparing import RuleFault

N1, N2 = navigator("N1", 101), navigator("N2", 102)
SUPERVISOR = navigator("SUP", 107, supervisor=True)
FLOODED = [watched(number) for number in range(1, 13)]
QUIET = watched(15, "N2")
MOST = 5


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("quiet"), per_navigator=MOST) as house:
        house.bring([*FLOODED, QUIET], [N1, N2, SUPERVISOR])
        yield house


def sms_to(house: House, phone: str) -> list[str]:
    return [said.words for said in house.heard() if said.channel == "sms" and said.to == phone]


def test_everybody_is_stabbed_at_once_then_the_navigator_gets_the_cap_and_the_supervisor_hears_of_it(
    house: House,
) -> None:
    visits = [
        adt(one, "A04", control=f"F{number}", visit=f"F{number}", at=ago(minutes=2), codes=("X99.9",))
        for number, one in enumerate(FLOODED)
    ]
    assert set(house.mllp(*visits)) == {"AA"}
    house.settle()
    began = time.monotonic()
    while not sms_to(house, SUPERVISOR.phone) and time.monotonic() - began < 20:
        time.sleep(0.1)
    assert time.monotonic() - began < 20, "promised within a minute; upkeep comes by every five seconds"
    assert len(sms_to(house, N1.phone)) == MOST
    (bell,) = sms_to(house, SUPERVISOR.phone)
    assert "FLOOD" in bell
    key = house.key("supervisor")
    alerts = house.get("/v1/alerts?limit=200", key).json()["alerts"]
    assert len(alerts) == len(FLOODED), "none is dropped"
    digest = house.get("/v1/alerts?digested=true&limit=200", key).json()["alerts"]
    assert len(digest) == len(FLOODED) - MOST
    (breaker,) = [one for one in house.get("/v1/breakers", key).json()["breakers"] if one["kind"] == "navigator"]
    assert (breaker["name"], breaker["held"], breaker["held_p1"]) == ("N1", len(digest), len(digest))


def test_closed_by_the_supervisor_a_held_alert_that_grows_is_told(house: House) -> None:
    house.forget_messages()
    answer = house.post("/v1/breakers/navigator/N1/close", house.key("supervisor"), b'{"reason": "I take the digest"}')
    assert answer.is_success, answer.text
    again = adt(FLOODED[-1], "A04", control="G0", visit="G0", at=ago(minutes=1), codes=("Y09",))
    assert house.mllp(again) == ["AA"]
    house.wait_for(2)
    assert len(sms_to(house, N1.phone)) == 1


def test_a_snoozed_rule_is_silent_until_it_is_lifted_and_lists_what_it_held(house: House) -> None:
    key = house.key("navigator", "N2")
    said = {"rule_id": "ED_ASSAULT", "member_id": QUIET.member_id, "reason": "visited daily", "hours": 2}
    made = house.post("/v1/snoozes", key, json.dumps(said).encode())
    assert made.is_success, made.text
    path = f"/v1/snoozes/{made.json()['snooze']['snooze_id']}"
    house.forget_messages()
    assert house.mllp(adt(QUIET, "A04", control="Q1", visit="Q1", at=ago(minutes=3), codes=("Y09",))) == ["AA"]
    books = house.settle()
    assert books.disposed["ed"]["suppressed:snoozed"] == 1
    assert sms_to(house, N2.phone) == []
    (held,) = house.get(path, key).json()["held_back"]
    assert (held["rule_id"], held["state"], held["withheld"]) == ("ED_ASSAULT", "held", False)

    assert house.post(f"{path}/lift", key, b'{"reason": "home again"}').is_success
    assert house.mllp(adt(QUIET, "A04", control="Q2", visit="Q2", at=ago(minutes=1), codes=("Y09",))) == ["AA"]
    house.wait_for(2)
    assert sms_to(house, N2.phone) != []


def test_the_machine_itself_says_how_it_stands(house: House) -> None:
    assert house.command("snooze", "list", "--all", "--json").json[0]["state"] == "lifted"  # type: ignore[index,call-overload]
    assert {one["kind"] for one in house.command("breakers", "list", "--json").json} == {"rule", "navigator"}  # type: ignore[index,union-attr,arg-type]
    watch = house.command("rule-watch", "--json")
    assert {"ED_ASSAULT", "CUSTODY_ARREST"} <= {one["name"] for one in watch.json}  # type: ignore[index,union-attr,arg-type]


def test_a_rule_that_cannot_be_judged_rings_at_the_supervisors_and_is_named_behind_the_login(house: House) -> None:
    house.forget_messages()
    cause, now = "KeyError at facts.py:1", datetime.now(UTC)

    async def fail(client: Redis) -> None:
        before = await ValkeyDecide(client).person(MemberId("M-NOBODY"))
        fault = RuleFault(RuleId("ED_ASSAULT"), 3, cause)
        after = replace(before, version=before.version + 1)
        done = Commit("", NO_EVENT, Disposition(Ending.NO_RULE), before, after, decided_at=now, unjudged=(fault,))
        assert await ValkeyDecide(client).commit(done)
        await ValkeyTallies(client).note_fault(cause, now)

    house.ask(fail)
    house.wait_for(2, within=20)
    bells = " ".join(sms_to(house, SUPERVISOR.phone))
    assert "NOT JUDGED for some people" in bells
    assert "EVENTS FAIL" in bells
    whole, rule = house.get("/v1/rule-watch", house.key("supervisor")).json()["faults"]
    assert (whole["rule"], rule["rule"], rule["version"], rule["cause"]) == ("", "ED_ASSAULT", 3, cause)
    assert rule["words"].startswith("Rule ED_ASSAULT (version 3) cannot be judged for some people")
    told = house.command("rule-watch")
    assert told.status == 1
    assert "cannot be judged for some people" in told.err.replace("\n", " ")
