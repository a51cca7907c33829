"""Snoozes, breakers and the rule watch through the API: who may, what is shown to whom, and what is refused."""

from datetime import timedelta

import pytest

from alerts.held_back import HeldBack, HeldWhy
from api.keys import AccessRole as R
from domain.triggers import Priority, Sensitivity
from tests.unit.alerts.build import firing
from tests.unit.api.build import NOW, OTHER_NAVIGATOR, Api, build_api

BODY = {"rule_id": "ED_ASSAULT", "member_id": "M1", "reason": "in hospital, visited daily", "hours": 48}


async def made(api: Api, role: R | str = R.NAVIGATOR, **fields: object) -> dict[str, object]:
    answer = await api.call("POST", "/v1/snoozes", role, json={**BODY, **fields})
    assert answer.status_code == 200, answer.text
    snooze: dict[str, object] = answer.json()["snooze"]
    return snooze


async def test_the_persons_navigator_keeps_a_rule_quiet_and_it_is_shown_with_the_persons_alerts() -> None:
    api = await build_api()
    alert = await api.raised()
    snooze = await made(api)
    assert (snooze["by"], snooze["state"], snooze["quiets_p1"]) == ("N1", "active", False)
    listed = (await api.call("GET", "/v1/snoozes", R.NAVIGATOR)).json()["snoozes"]
    assert [each["snooze_id"] for each in listed] == [snooze["snooze_id"]]
    for path in ("/v1/alerts", f"/v1/alerts/{alert.reference}"):
        shown = (await api.call("GET", path, R.NAVIGATOR)).json()
        summary = shown["alert"] if "alert" in shown else shown["alerts"][0]
        assert [(each["rule_id"], each["ends_at"]) for each in summary["snoozed"]] == [
            ("ED_ASSAULT", snooze["ends_at"])
        ]
    dashboard = (await api.call("GET", "/v1/alerts", R.DASHBOARD)).json()["alerts"][0]
    assert dashboard["snoozed"] == []  # figures name nobody, and so nobody's snoozes


@pytest.mark.parametrize(
    ("role", "fields", "status", "why"),
    [
        (OTHER_NAVIGATOR, {}, 200, "the fake knows N1 as theirs; the desk decides"),
        (R.NAVIGATOR, {"include_p1": True}, 409, "a navigator may not ask to quiet a P1"),
        (R.SUPERVISOR, {"rule_id": "NO_SUCH"}, 404, "no such rule"),
        (R.SUPERVISOR, {"member_id": "X1"}, 404, "nobody we watch"),
        (R.SUPERVISOR, {"hours": 721}, 422, "longer than thirty days"),
        (R.SUPERVISOR, {"hours": None}, 409, "no end"),
        (R.SUPERVISOR, {"until": "2026-03-04"}, 409, "two ends"),
        (R.SUPERVISOR, {"hours": None, "until": "2026-03-01"}, 409, "ended yesterday"),
        (R.SUPERVISOR, {"hours": None, "until": "2026-04-02"}, 409, "longer than thirty days"),
        (R.SUPERVISOR, {"reason": "  "}, 422, "no reason"),
        (R.SUPERVISOR, {"more": 1}, 422, "unknown field"),
    ],
)
async def test_what_cannot_be_snoozed(role: R | str, fields: dict[str, object], status: int, why: str) -> None:
    api = await build_api()
    answer = await api.call("POST", "/v1/snoozes", role, json={**BODY, **fields})
    if role == OTHER_NAVIGATOR:
        status = 404  # N2 is not theirs: the same answer as for somebody who is not watched
    assert answer.status_code == status, why


async def test_a_last_day_ends_with_that_day_in_london() -> None:
    api = await build_api()
    snooze = await made(api, hours=None, until="2026-03-29")  # the clocks change that night
    assert snooze["ends_at"] == "2026-03-29T23:00:00Z"


async def test_a_p1_is_quiet_only_after_a_second_person_has_agreed() -> None:
    api = await build_api()
    snooze = await made(api, R.SUPERVISOR, include_p1=True)
    path = f"/v1/snoozes/{snooze['snooze_id']}"
    assert snooze["awaits_second"]
    assert (await api.call("POST", f"{path}/confirm", R.SUPERVISOR)).status_code == 409  # alone
    agreed = (await api.call("POST", f"{path}/confirm", R.NAVIGATOR)).json()["snooze"]
    assert (agreed["quiets_p1"], agreed["awaits_second"], agreed["second"]) == (True, False, "N1")
    again = await api.call("POST", f"{path}/confirm", R.NAVIGATOR)
    assert again.json()["snooze"]["version"] == agreed["version"]


async def test_a_repeated_request_makes_no_second_snooze_and_another_is_refused() -> None:
    api = await build_api()
    first = await made(api)
    assert (await made(api))["snooze_id"] == first["snooze_id"]
    other = await api.call("POST", "/v1/snoozes", R.SUPERVISOR, json={**BODY, "reason": "another reason"})
    assert other.status_code == 409


async def test_lifting_ends_it_and_lists_what_it_held() -> None:
    api = await build_api()
    snooze = await made(api)
    identity = str(snooze["snooze_id"])
    api.quiet.held = [HeldBack(firing("a"), HeldWhy.SNOOZED, NOW, identity), HeldBack(firing("b"), HeldWhy.CAP, NOW)]
    api.clock.advance(timedelta(minutes=5))
    lifted = await api.call("POST", f"/v1/snoozes/{identity}/lift", R.SUPERVISOR, json={"reason": "back home"})
    shown = lifted.json()
    assert (shown["snooze"]["state"], shown["snooze"]["lifted_by"]) == ("lifted", "S1")
    assert [each["firing_id"] for each in shown["held_back"]] == ["f-a"]
    assert (await api.call("GET", "/v1/snoozes", R.NAVIGATOR)).json()["snoozes"] == []
    over = (await api.call("GET", "/v1/snoozes?state=over", R.NAVIGATOR)).json()["snoozes"]
    assert [each["snooze_id"] for each in over] == [identity]
    what = [entry.what for entry in api.quiet.store._server.audit]
    assert what == ["snooze_made", "snooze_lifted"]


async def test_somebody_elses_snooze_does_not_exist_for_another_navigator() -> None:
    api = await build_api()
    snooze = await made(api, R.SUPERVISOR)
    path = f"/v1/snoozes/{snooze['snooze_id']}"
    assert (await api.call("GET", path, OTHER_NAVIGATOR)).status_code == 404
    assert (await api.call("GET", "/v1/snoozes", OTHER_NAVIGATOR)).json()["snoozes"] == []
    lift = await api.call("POST", f"{path}/lift", OTHER_NAVIGATOR, json={"reason": "mine"})
    assert lift.status_code == 404
    missing = await api.call("POST", "/v1/snoozes/none/lift", OTHER_NAVIGATOR, json={"reason": "mine"})
    assert lift.json() == missing.json()


@pytest.mark.parametrize(
    ("sensitivity", "role", "withheld"),
    [
        (Sensitivity.STANDARD, R.SUPERVISOR, False),
        (Sensitivity.HEALTH, R.SUPERVISOR, True),
        (Sensitivity.HEALTH, R.AUDITOR, False),
        (Sensitivity.INTEL, R.SUPERVISOR, True),
        (Sensitivity.INTEL, R.AUDITOR, False),
    ],
)
async def test_what_was_held_back_is_shown_as_far_as_its_alert_would_be(
    sensitivity: Sensitivity, role: R, withheld: bool
) -> None:
    api = await build_api()
    api.quiet.held = [HeldBack(firing("a", priority=Priority.P3, sensitivity=sensitivity), HeldWhy.EXPIRED, NOW)]
    (shown,) = (await api.call("GET", "/v1/held-back", role)).json()["held_back"]
    assert (shown["withheld"], bool(shown["headline"]), shown["why"]) == (withheld, not withheld, "expired")


async def test_a_supervisor_closes_a_breaker_with_a_reason() -> None:
    api = await build_api()
    (shown,) = (await api.call("GET", "/v1/breakers")).json()["breakers"]
    assert shown["open"]
    path = "/v1/breakers/rule/ED_ASSAULT/close"
    assert (await api.call("POST", path, json={"reason": " "})).status_code == 422
    closed = (await api.call("POST", path, json={"reason": "mended"})).json()["breaker"]
    assert not closed["open"]
    assert (await api.call("POST", "/v1/breakers/rule/OTHER/close", json={"reason": "x"})).status_code == 404
    assert (await api.call("POST", "/v1/breakers/feed/ed/close", json={"reason": "x"})).status_code == 422


async def test_rules_off_their_forecast_are_shown() -> None:
    api = await build_api()
    (shown,) = (await api.call("GET", "/v1/rule-watch", R.DASHBOARD)).json()["rules"]
    assert (shown["name"], shown["verdict"], shown["window_days"]) == ("ED_ASSAULT", "quiet", 7)
