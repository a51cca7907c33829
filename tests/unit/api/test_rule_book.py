"""The rule book through the API: the way of a version by two keys, what is refused and why, and what a poll costs."""

from typing import Any

import httpx
import pytest

from api.keys import AccessRole, Grant, key_from, secret_from
from tests.unit.api.build import NOW, Api, build_api
from tests.unit.triggers.book import TEST, text

R = AccessRole
BEN = secret_from(b"the second supervisor's own key.")
VERSIONS = "/v1/rules/versions"
DRAFT = {"text": text(2), "note": "shorter", "tests": [{"name": "t.yaml", "text": TEST}]}


@pytest.fixture
async def api() -> Api:
    made = await build_api()
    await made.keys.create(key_from(BEN, Grant(R.SUPERVISOR, "ben"), NOW))
    return made


async def post(api: Api, path: str, body: dict[str, Any] | None = None, *, by: Any = R.SUPERVISOR) -> httpx.Response:
    """A command on what was seen just now."""
    sent = dict(body or {})
    if path.startswith(f"{VERSIONS}/") and not path.endswith("/check"):
        number = path.removeprefix(f"{VERSIONS}/").partition("/")[0]
        seen = await api.call("GET", f"{VERSIONS}/{number}", R.AUDITOR)
        sent.setdefault("version", seen.json()["standing"]["version"])
    return await api.call("POST", path, by, json=sent)


async def test_a_version_goes_live_by_two_people(api: Api) -> None:
    made = await post(api, VERSIONS, DRAFT)
    assert made.status_code == 200
    standing = made.json()["standing"]
    assert (standing["number"], standing["state"], standing["submitted_by"]) == (2, "checked", "S1")
    assert standing["missing"] == ["no_backtest", "not_approved"]
    told = {"rules_digest": standing["digest"], "since": "2025-03-02T00:00:00Z", "until": "2026-03-02T00:00:00Z"}
    heard = {"in_time": 900, "first": "2024-03-02T00:00:00Z", "last": "2026-03-01T00:00:00Z", "people": 9}
    at = f"{VERSIONS}/2"
    earlier = await post(api, f"{at}/backtest", {**told, "firings": 12})
    assert (earlier.status_code, "made by an earlier release" in earlier.json()["detail"]) == (409, True)
    nothing = await post(api, f"{at}/backtest", {**told, "firings": 12, "history": {**heard, "in_time": 0}})
    assert (nothing.status_code, "no decision" in nothing.json()["detail"]) == (409, True)
    assert (await post(api, f"{at}/backtest", {**told, "firings": 12, "weeks": [], "history": heard})).json()[
        "standing"
    ]["missing"] == ["not_approved"]
    refused = await post(api, f"{at}/approve")
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert "another person" in refused.json()["detail"].lower()
    assert (await post(api, f"{at}/publish")).status_code == 409
    assert (await post(api, f"{at}/approve", by=BEN)).json()["standing"]["approved_by"] == "key:ben"
    live = await post(api, f"{at}/publish", {"reason": "half a year is enough"})
    assert live.json()["standing"]["state"] == "live"
    back = await post(api, f"{at}/roll-back", {"reason": "too many"})
    assert back.json()["standing"]["number"] == 1
    steps = (await api.call("GET", at, R.AUDITOR)).json()["steps"]
    assert [(step["did"], step["by"]) for step in steps] == [
        ("submitted", "S1"),
        ("checked", "S1"),
        ("backtested", "S1"),
        ("approved", "key:ben"),
        ("published", "S1"),
        ("rolled_back", "S1"),
    ]


async def test_a_version_that_moved_since_it_was_seen_is_a_conflict(api: Api) -> None:
    await post(api, VERSIONS, DRAFT)
    seen = (await api.call("GET", f"{VERSIONS}/2")).headers["etag"]
    body = {"reason": "no"}
    assert (await api.call("POST", f"{VERSIONS}/2/withdraw", json=body)).status_code == 428
    stale = await api.call("POST", f"{VERSIONS}/2/withdraw", json=body, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["type"]) == (409, "/docs#problem-conflict")
    done = await api.call("POST", f"{VERSIONS}/2/withdraw", json=body, headers={"If-Match": seen})
    assert done.json()["standing"]["state"] == "retired"
    again = await api.call("POST", f"{VERSIONS}/2/withdraw", json=body, headers={"If-Match": seen})
    assert again.status_code == 200  # the answer was lost and it was sent again: done once


async def test_the_difference_is_told_in_sentences(api: Api) -> None:
    await post(api, VERSIONS, {**DRAFT, "text": text(1).replace("P2", "P1")})
    found = (await api.call("GET", f"{VERSIONS}/2/diff", R.ANALYST)).json()
    assert (found["against"], found["differences"]) == (
        1,
        [{"rule_id": "TRIAL_ONE", "says": "is P1 instead of P2"}],
    )


async def test_a_draft_with_faults_tells_them_all_and_goes_no_further(api: Api) -> None:
    made = await post(api, VERSIONS, {**DRAFT, "text": text(2).replace("P2", "P9").replace("To see it work.", "x")})
    assert made.json()["standing"]["state"] == "draft"
    assert len(made.json()["check"]["faults"]) == 2
    refused = await post(api, f"{VERSIONS}/2/publish", by=BEN)
    assert "faults" in refused.json()["detail"]


async def test_a_rule_is_switched_off_at_once_and_on_by_anybody(api: Api) -> None:
    off = await post(api, "/v1/rules/TRIAL_ONE/kill", {"reason": "it floods"})
    assert (off.status_code, off.json()["off"]["by"]) == (200, "S1")
    assert (await post(api, "/v1/rules/TRIAL_ONE/confirm")).status_code == 409
    sure = await post(api, "/v1/rules/TRIAL_ONE/confirm", by=BEN)
    assert sure.json()["off"]["confirmed_by"] == "key:ben"
    shown = (await api.call("GET", "/v1/rules", R.DASHBOARD)).json()
    assert [each["rule_id"] for each in shown["switched_off"]] == ["TRIAL_ONE"]
    assert (await post(api, "/v1/rules/TRIAL_ONE/revive")).json()["off"] is None
    assert (await post(api, "/v1/rules/NOT_THERE/kill", {"reason": "why"})).status_code == 409


@pytest.mark.parametrize("path", ["/v1/rules", VERSIONS, f"{VERSIONS}/1", f"{VERSIONS}/1/diff", "/v1/rules/shadow"])
async def test_a_poll_that_finds_nothing_new_costs_no_body(api: Api, path: str) -> None:
    first = await api.call("GET", path, R.AUDITOR)
    assert first.status_code == 200
    again = await api.call("GET", path, R.AUDITOR, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    for path in (f"{VERSIONS}/9", f"{VERSIONS}/9/diff", f"{VERSIONS}/1/diff?against=9"):
        assert (await api.call("GET", path)).status_code == 404
    assert (await api.call("POST", f"{VERSIONS}/9/publish", json={"version": 1})).status_code == 404


PAYLOADS = ["<script>alert(1)</script>", "a\nb", "\x1b[31mred", "{{7*7}}", "'; DROP", "[bold]x[/bold]", "x" * 501]


@pytest.mark.parametrize("words", PAYLOADS)
async def test_whatever_is_written_into_a_note_stays_words(api: Api, words: str) -> None:
    made = await post(api, VERSIONS, {**DRAFT, "note": words})
    if made.status_code == 200:
        assert made.headers["content-type"] == "application/json"
        assert made.json()["standing"]["note"] == words
    else:
        assert made.status_code in {409, 422}
        assert words not in made.text
