"""Lists, counts and commands: what dashboards poll and what navigators do."""

from datetime import timedelta

import pytest

from alerts import lifecycle
from alerts.memory import MemoryAlertStore
from alerts.model import Alert, AlertState, Happening, Outcome
from api.keys import AccessRole as R
from api.ports import BooksView
from domain.errors import Conflict
from domain.ids import NavigatorId
from domain.triggers import Priority, Sensitivity
from tests.unit.api.build import NOW, OTHER_NAVIGATOR, Api, build_api

JSON = "application/json"


async def act(api: Api, alert: Alert, word: str, role: R | str = R.NAVIGATOR, **rest: object) -> tuple[int, dict]:  # type: ignore[type-arg]
    answer = await api.call("POST", f"/v1/alerts/{alert.reference}/{word}", role, **rest)
    return answer.status_code, answer.json()


async def test_a_navigator_accepts_goes_and_tells_what_came_of_it() -> None:
    api = await build_api()
    alert = await api.raised()
    status, body = await act(api, alert, "accept", json={"version": 1})
    assert status == 200 and body["alert"]["state"] == "accepted" and body["alert"]["navigator_id"] == "N1"
    status, body = await act(api, alert, "contact", json={"version": body["alert"]["version"]})
    assert status == 200 and body["alert"]["state"] == "contacted"
    status, body = await act(api, alert, "outcome", json={"version": 3, "outcome": "engaged"})
    assert status == 200 and (body["alert"]["state"], body["alert"]["outcome"]) == ("closed", "engaged")
    assert [entry["what"] for entry in body["timeline"]] == ["raised", "accepted", "contacted", "closed"]
    assert body["timeline"][-1]["by"] == "N1"


async def test_a_command_is_given_back_the_etag_of_what_was_seen() -> None:
    api = await build_api()
    alert = await api.raised()
    seen = (await api.call("GET", f"/v1/alerts/{alert.reference}", R.NAVIGATOR)).headers["etag"]
    status, _ = await act(api, alert, "accept", headers={"If-Match": seen})
    assert status == 200


@pytest.mark.parametrize(
    ("rest", "expected", "why"),
    [
        ({}, 428, "which version did you see?"),
        ({"json": {"version": None}}, 428, "none at all"),
        ({"headers": {"If-Match": "*"}}, 422, "any version is none"),
        ({"headers": {"If-Match": '"2"'}, "json": {"version": 1}}, 422, "two answers to one question"),
        ({"json": {"version": "1"}}, 422, "a number, not text"),
        ({"json": {"version": 1, "by": "N2"}}, 422, "nobody acts in another's name"),
        ({"json": [1]}, 422, "an object"),
        ({"content": b"{", "headers": {"content-type": JSON}}, 422, "not JSON"),
        ({"content": b"\xff", "headers": {"content-type": JSON}}, 422, "not UTF-8"),
        ({"content": b"[" * 10_000, "headers": {"content-type": JSON}}, 422, "deep"),
        ({"content": b'{"version":1}', "headers": {"content-type": "text/plain"}}, 415, "not JSON by its name"),
        ({"content": b" " * 20_000, "headers": {"content-type": JSON}}, 413, "a command is small"),
        ({"headers": {"If-Match": '"1"'}}, 200, "the bare version will do"),
    ],
)
async def test_a_command_is_read_strictly(rest: dict[str, object], expected: int, why: str) -> None:
    api = await build_api()
    alert = await api.raised()
    status, body = await act(api, alert, "accept", **rest)
    assert status == expected, (why, body)
    assert (await api.alerts.by_reference(alert.reference)).state is (  # type: ignore[union-attr]
        AlertState.ACCEPTED if expected == 200 else AlertState.RAISED
    )


async def test_what_was_sent_is_never_echoed() -> None:
    api = await build_api()
    alert = await api.raised()
    answers = [
        await api.call(
            "POST", f"/v1/alerts/{alert.reference}/outcome", R.NAVIGATOR, json={"outcome": "canary", "version": 1}
        ),
        await api.call("POST", f"/v1/alerts/{alert.reference}/outcome", R.NAVIGATOR, json={"canary": "canary"}),
        await api.call("GET", "/v1/alerts?limit=canary&state=canary&changed_since=canary", R.SUPERVISOR),
        await api.call("GET", "/v1/alerts?cursor=canary", R.SUPERVISOR),
        await api.call("GET", "/v1/canary", None),
    ]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 404]
    for answer in answers:
        assert "canary" not in answer.text and answer.headers["content-type"] == "application/problem+json"


async def test_a_stale_version_is_no_obstacle_while_the_step_is_still_right() -> None:
    api = await build_api()
    alert = await api.raised()
    told = lifecycle.mark_undelivered(alert, NavigatorId("N1"), NOW)
    await api.alerts.save(told, alert)  # a message failed meanwhile: no reason to refuse an acceptance
    status, body = await act(api, alert, "accept", json={"version": 1})
    assert status == 200 and body["alert"]["version"] == 3


async def test_a_step_that_is_no_longer_right_is_refused_and_says_whether_it_changed() -> None:
    api = await build_api()
    alert = await api.raised()
    assert (await act(api, alert, "accept", R.SUPERVISOR, json={"version": 1}))[0] == 200  # it is with S1 now
    status, stale = await act(api, alert, "accept", R.NAVIGATOR, json={"version": 1})
    assert status == 404  # the navigator it was with does not see it any more
    own = await api.raised("b")
    status, early = await act(api, own, "contact", json={"version": 1})
    assert status == 409 and early["type"].endswith("not-permitted-now")
    await act(api, own, "outcome", json={"version": 1, "outcome": "not_needed"})
    status, stale = await act(api, own, "accept", json={"version": 1})
    assert status == 409 and stale["type"].endswith("conflict")


async def test_a_repeated_request_changes_nothing_more() -> None:
    api = await build_api()
    alert = await api.raised()
    for word, body in (
        ("accept", {"version": 1}),
        ("contact", {"version": 2}),
        ("outcome", {"version": 3, "outcome": "spoke"}),
    ):
        first = await act(api, alert, word, json=body)
        again = await act(api, alert, word, json=body)
        assert first == again and first[0] == 200, word
    stored = await api.alerts.by_reference(alert.reference)
    assert stored is not None and [entry.what for entry in stored.timeline] == [
        Happening.RAISED,
        Happening.ACCEPTED,
        Happening.CONTACTED,
        Happening.CLOSED,
    ]


class Contested(MemoryAlertStore):
    """Somebody else always writes first, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def save(self, alert: Alert, previous: Alert | None, rows: object = ()) -> Alert:
        if previous is not None and self.times:
            self.times -= 1
            await super().save(lifecycle.mark_undelivered(previous, NavigatorId("N1"), NOW), previous)
            raise Conflict
        return await super().save(alert, previous, rows)  # type: ignore[arg-type]


@pytest.mark.parametrize(("times", "expected"), [(1, 200), (5, 200), (6, 409)])
async def test_a_conflict_is_retried_not_lost(times: int, expected: int) -> None:
    api = await build_api(store=Contested(times))
    alert = await api.raised()
    status, _ = await act(api, alert, "accept", json={"version": 1})
    assert status == expected


async def test_a_supervisor_without_a_name_cannot_act() -> None:
    api = await build_api(nameless_supervisor=True)
    alert = await api.raised()
    assert (await act(api, alert, "accept", R.SUPERVISOR, json={"version": 1}))[0] == 403


async def test_lists_are_filtered_and_a_navigator_lists_their_own() -> None:
    api = await build_api()
    await api.raised("a", member="M1", priority=Priority.P1, rule="ED_WEAPON_ASSAULT")
    await api.raised("b", member="M2", navigator="N2")
    await api.raised("c", member="M3", sensitivity=Sensitivity.HEALTH)

    async def listed(query: str, role: R | str = R.SUPERVISOR) -> list[str]:
        body = (await api.call("GET", f"/v1/alerts?{query}", role)).json()
        return sorted(alert["member_id"] or "?" for alert in body["alerts"])

    assert await listed("") == ["?", "M1", "M2"]
    assert await listed("priority=P1") == ["M1"]
    assert await listed("priority=P1&priority=P2&navigator=N2") == ["M2"]
    assert await listed("rule=ED_WEAPON_ASSAULT") == ["M1"]
    assert await listed("state=closed") == [] and await listed("area=Coventry&area=Elsewhere") == ["?", "M1", "M2"]
    assert await listed("", R.NAVIGATOR) == ["M1"]  # M3 is a health crisis, and N1 not approved for it
    assert await listed("", OTHER_NAVIGATOR) == ["M2"]
    assert (await api.call("GET", "/v1/alerts?navigator=N2", R.NAVIGATOR)).status_code == 403
    assert (await api.call("GET", "/v1/alerts?navigator=N2", R.DASHBOARD)).status_code == 403
    api.people.approved = frozenset({"N1"})
    assert await listed("", R.NAVIGATOR) == ["M1", "M3"]


async def test_paging_gives_every_alert_once_and_the_cursor_goes_on_to_what_changes_next() -> None:
    api = await build_api()
    for number in range(7):
        await api.raised(f"{number}", member=f"M{number}")
    cursor, seen = "", []
    while True:
        body = (await api.call("GET", f"/v1/alerts?limit=3&cursor={cursor}")).json()
        seen += [alert["reference"] for alert in body["alerts"]]
        cursor = body["cursor"]
        if not body["more"]:
            break
    assert len(seen) == len(set(seen)) == 7
    changed = await api.alerts.by_reference(seen[0])
    assert changed is not None
    await api.alerts.save(lifecycle.accept(changed, NavigatorId("N1"), NOW), changed)
    body = (await api.call("GET", f"/v1/alerts?limit=3&cursor={cursor}")).json()
    assert [alert["reference"] for alert in body["alerts"]] == [seen[0]]
    since = (await api.call("GET", "/v1/alerts", params={"changed_since": NOW.isoformat()})).json()
    assert [alert["reference"] for alert in since["alerts"]] == [seen[0]]


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2026-03-02T09:00:00", 422),  # whose nine o'clock?
        ("0001-01-01T00:00:00+14:00", 200),
        ("9999-12-31T23:59:59-14:00", 200),
        ("2026-03-02T09:00:00Z", 200),
    ],
)
async def test_changed_since_takes_any_moment_that_is_one(since: str, expected: int) -> None:
    answer = await (await build_api()).call("GET", "/v1/alerts", params={"changed_since": since})
    assert answer.status_code == expected


async def test_counts_cost_a_304_until_something_changes() -> None:
    api = await build_api()
    alert = await api.raised()
    first = await api.call("GET", "/v1/alerts/counts", R.DASHBOARD)
    held = {"If-None-Match": first.headers["etag"]}
    api.clock.advance(timedelta(seconds=5))
    again = await api.call("GET", "/v1/alerts/counts", R.DASHBOARD, headers=held)
    assert again.status_code == 304 and again.content == b"" and again.headers["as-of"] > first.headers["as-of"]
    await api.alerts.save(lifecycle.record_outcome(alert, Outcome.SPOKE, NavigatorId("N1"), NOW), alert)
    changed = await api.call("GET", "/v1/alerts/counts", R.DASHBOARD, headers=held)
    assert changed.status_code == 200 and changed.json()["open"] == 0 and changed.json()["by_state"] == {"closed": 1}


@pytest.mark.parametrize("path", ["/v1/alerts/counts", "/v1/alerts", "/v1/feeds", "/v1/ledger"])
async def test_a_feed_that_falls_silent_changes_what_a_dashboard_holds(path: str) -> None:
    api = await build_api()
    api.books.view = BooksView(last_received={"ed": NOW})
    first = await api.call("GET", path, R.DASHBOARD)
    assert next(feed for feed in first.json()["feeds"] if feed["feed"] == "ed")["state"] == "live"
    held = {"If-None-Match": first.headers["etag"]}
    api.clock.advance(timedelta(minutes=30))
    assert (await api.call("GET", path, R.DASHBOARD, headers=held)).status_code == 304
    api.clock.advance(timedelta(seconds=1))
    blind = await api.call("GET", path, R.DASHBOARD, headers=held)
    assert blind.status_code == 200
    state = next(feed for feed in blind.json()["feeds"] if feed["feed"] == "ed")
    assert state["state"] == "blind" and state["blind_since"] == "2026-03-02T10:00:00Z"
    assert {feed["state"] for feed in blind.json()["feeds"] if feed["feed"] != "ed"} == {"never"}


async def test_personal_answers_are_kept_by_nobody() -> None:
    api = await build_api()
    alert = await api.raised()
    for path in ("/v1/alerts", f"/v1/alerts/{alert.reference}", "/v1/reviews"):
        answer = await api.call("GET", path, R.SUPERVISOR)
        assert answer.headers["cache-control"] == "no-store", path
        assert (
            await api.call("GET", path, R.SUPERVISOR, headers={"If-None-Match": answer.headers["etag"]})
        ).status_code == 304
