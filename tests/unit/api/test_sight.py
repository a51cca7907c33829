"""How much of an alert each role sees: the rule as a table, and canaries searched for in every byte that left."""

from dataclasses import replace

import pytest

from alerts.model import AlertState, DeliveryStatus, Purpose
from alerts.planning import Row
from api.keys import AccessRole as R
from api.sight import Sight, Viewer, sight_of
from domain.ids import EventId, NavigatorId
from domain.triggers import Reason, Sensitivity
from tests.unit.alerts.build import at, delivery, firing, raised
from tests.unit.api.build import OTHER_NAVIGATOR, Api, build_api

STANDARD, HEALTH, INTEL = (raised(firing("x", sensitivity=kind)) for kind in Sensitivity)
N1, N2 = NavigatorId("N1"), NavigatorId("N2")
ROWS = [
    (STANDARD, Viewer(R.NAVIGATOR, N1), Sight.PERSON, "it is with them"),
    (STANDARD, Viewer(R.NAVIGATOR, N2), Sight.NOTHING, "it is with somebody else"),
    (STANDARD, Viewer(R.NAVIGATOR), Sight.NOTHING, "a key that names nobody"),
    (STANDARD, Viewer(R.SUPERVISOR), Sight.PERSON, "they answer for the team"),
    (STANDARD, Viewer(R.ANALYST), Sight.CASE, "no identity"),
    (STANDARD, Viewer(R.AUDITOR), Sight.CASE, "no identity"),
    (STANDARD, Viewer(R.DASHBOARD), Sight.FIGURES, "counts only"),
    (STANDARD, Viewer(R.GATEKEEPER), Sight.NOTHING, "not police business"),
    (STANDARD, Viewer(R.OPERATOR), Sight.NOTHING, "runs the machine"),
    (STANDARD, Viewer(R.FEED), Sight.NOTHING, "would learn who is watched"),
    (HEALTH, Viewer(R.NAVIGATOR, N1), Sight.NOTHING, "a health crisis is for health-approved people"),
    (HEALTH, Viewer(R.NAVIGATOR, N1, health_approved=True), Sight.PERSON, "and this is one"),
    (HEALTH, Viewer(R.SUPERVISOR, N1), Sight.FIGURES, "that it waits, not what it is"),
    (HEALTH, Viewer(R.ANALYST), Sight.FIGURES, "that it waits, not what it is"),
    (INTEL, Viewer(R.NAVIGATOR, N1, health_approved=True), Sight.NOTHING, "before the gatekeeper it is nobody's"),
    (INTEL, Viewer(R.SUPERVISOR, N1, health_approved=True), Sight.NOTHING, "before the gatekeeper it is nobody's"),
    (INTEL, Viewer(R.DASHBOARD), Sight.NOTHING, "before the gatekeeper it is nobody's"),
    (INTEL, Viewer(R.GATEKEEPER), Sight.CASE, "theirs to decide"),
]


@pytest.mark.parametrize(("alert", "viewer", "expected", "why"), ROWS)
def test_each_viewer_sees_so_much(alert: object, viewer: Viewer, expected: Sight, why: str) -> None:
    assert sight_of(alert, viewer) is expected, why  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "purpose", "state", "expected", "why"),
    [
        (DeliveryStatus.ACCEPTED, Purpose.ALERT, AlertState.NOTIFIED, Sight.PERSON, "cover, told, nobody has it yet"),
        (DeliveryStatus.UNKNOWN, Purpose.ALERT, AlertState.RAISED, Sight.PERSON, "may hold the message in their hand"),
        (DeliveryStatus.QUEUED, Purpose.ALERT, AlertState.RAISED, Sight.NOTHING, "has not been told yet"),
        (DeliveryStatus.ACCEPTED, Purpose.SUPERVISOR_NOTICE, AlertState.RAISED, Sight.NOTHING, "told of no detail"),
        (DeliveryStatus.ACCEPTED, Purpose.ALERT, AlertState.ACCEPTED, Sight.FIGURES, "somebody else took it"),
        (DeliveryStatus.ACCEPTED, Purpose.ALERT, AlertState.CLOSED, Sight.FIGURES, "it is over, and was not theirs"),
    ],
)
def test_cover_sees_while_it_may_be_theirs(
    status: DeliveryStatus, purpose: Purpose, state: AlertState, expected: Sight, why: str
) -> None:
    row = replace(delivery(STANDARD, recipient="N2", purpose=purpose), status=status)
    assert sight_of(replace(STANDARD, state=state), Viewer(R.NAVIGATOR, N2), [row]) is expected, why


CANARIES = ("Canary", "canary", "M-CANARY", "N1", "headline-of-canary")


async def planted(api: Api) -> str:
    """An alert with something personal in every field that has room for it."""
    reason = Reason("reason of canary", EventId("e-canary"), "ed.arrival", "ed", at(0))
    alert = await api.raised(
        "canary", member="M-CANARY", reasons=(reason,), headline="headline-of-canary", suggestion="canary suggestion"
    )
    row = delivery(alert)
    return (await api.alerts.save(replace(alert, outcome=None), alert, [Row(row, None)])).reference


async def test_a_dashboard_gets_no_byte_about_a_person() -> None:
    api = await build_api()
    reference = await planted(api)
    for path in ("/v1/alerts", f"/v1/alerts/{reference}", "/v1/alerts/counts", "/v1/feeds", "/v1/ledger"):
        answer = await api.call("GET", path, R.DASHBOARD)
        assert answer.status_code == 200
        assert not [canary for canary in CANARIES if canary in answer.text], path


async def test_whoever_goes_gets_the_identity_and_others_on_the_case_do_not() -> None:
    api = await build_api()
    reference = await planted(api)
    navigator = (await api.call("GET", f"/v1/alerts/{reference}", R.NAVIGATOR)).json()
    assert navigator["member"]["name"] == "Canary Testone" and navigator["member"]["staff_safety"] == "canary-staff"
    for role in (R.ANALYST, R.AUDITOR):
        answer = await api.call("GET", f"/v1/alerts/{reference}", role)
        assert answer.json()["member"] is None and "Canary Testone" not in answer.text
        assert answer.json()["alert"]["headline"] == "headline-of-canary"


async def test_missing_and_forbidden_look_the_same() -> None:
    api = await build_api()
    theirs = await planted(api)
    for role in (R.NAVIGATOR, OTHER_NAVIGATOR, R.GATEKEEPER):
        if role is R.NAVIGATOR:
            continue
        forbidden = await api.call("GET", f"/v1/alerts/{theirs}", role)
        missing = await api.call("GET", "/v1/alerts/ZZZZ-ZZZZ", role)
        malformed = await api.call("GET", "/v1/alerts/no-such-thing", role)
        assert forbidden.status_code == missing.status_code == malformed.status_code == 404
        assert forbidden.content == missing.content == malformed.content
        ours = [{k: v for k, v in each.headers.items() if k != "x-request-id"} for each in (forbidden, missing)]
        assert ours[0] == ours[1]


async def test_commands_on_somebody_elses_alert_say_that_there_is_none() -> None:
    api = await build_api()
    theirs = await planted(api)
    for word, body in (("accept", {"version": 1}), ("contact", {"version": 1})):
        forbidden = await api.call("POST", f"/v1/alerts/{theirs}/{word}", OTHER_NAVIGATOR, json=body)
        missing = await api.call("POST", f"/v1/alerts/ZZZZ-ZZZZ/{word}", OTHER_NAVIGATOR, json=body)
        assert forbidden.status_code == missing.status_code == 404 and forbidden.content == missing.content


async def test_what_rests_on_intelligence_is_told_by_its_words_alone() -> None:
    api = await build_api()
    reason = Reason("Something has changed.", EventId("e-report"), "intel.submitted", "intel", at(0))
    alert = await api.raised("i", rule="INTEL_THREAT", reasons=(reason,))
    shown = await api.call("GET", f"/v1/alerts/{alert.reference}", R.NAVIGATOR)
    for hidden in ("intel.submitted", "INTEL_THREAT", "e-report"):
        assert hidden not in shown.text
    assert shown.json()["triggers"][0]["reasons"][0]["withheld"] is True
    by_rule = await api.call("GET", "/v1/alerts?rule=INTEL_THREAT", R.NAVIGATOR)
    assert by_rule.json()["alerts"] == []  # nor can it be found out by asking
    assert (await api.call("GET", "/v1/alerts?rule=INTEL_THREAT", R.SUPERVISOR)).json()["alerts"] != []


async def test_the_link_in_a_message_says_log_in_and_nothing_else() -> None:
    api = await build_api()
    real = await planted(api)
    pages = [await api.call("GET", f"/a/{name}", None) for name in (real, "ZZZZ-ZZZZ", "whatever")]
    assert {page.content for page in pages} == {pages[0].content} and {page.status_code for page in pages} == {200}
    assert real not in pages[0].text and "Log in" in pages[0].text
    assert pages[0].headers["cache-control"] == "no-store"
