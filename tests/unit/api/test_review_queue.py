"""The review queue through the API: who may, what is asked, what is told, and that every look has a name."""

import pytest

from api.keys import AccessRole
from api.review_ports import ReviewOrder
from domain.kinds import Feed
from domain.reviews import ReviewState
from tests.unit.api.build import Api, build_api

AT = "/v1/reviews/r1"
SAME = {"member_id": "M1", "verdict": "same", "reason": "the same scar", "version": 1}


@pytest.fixture
async def api() -> Api:
    return await build_api()


async def test_the_list_names_nobody_and_asks_what_was_asked(api: Api) -> None:
    query = "state=decided&feed=ed&kind=ed.arrival&why=doubtful&member=M1&order=priority&limit=7&cursor=x"
    found = await api.call("GET", f"/v1/reviews?{query}", AccessRole.ANALYST)
    assert found.status_code == 200
    assert (found.json()["waiting"], found.json()["cursor"], found.json()["more"]) == (1, "c1", False)
    assert "Canary" not in found.text
    asked = api.reviews.asked
    assert asked is not None
    assert (asked.state, asked.feed, asked.kind, asked.why) == (
        ReviewState.DECIDED, Feed.ED, "ed.arrival", "doubtful",
    )  # fmt: skip
    assert (asked.member_id, asked.order, asked.limit, asked.cursor) == ("M1", ReviewOrder.PRIORITY, 7, "x")
    assert api.reviews.looks == []


async def test_a_poll_that_finds_nothing_new_costs_no_body(api: Api) -> None:
    first = await api.call("GET", "/v1/reviews", AccessRole.ANALYST)
    again = await api.call("GET", "/v1/reviews", AccessRole.ANALYST, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_both_sides_are_shown_and_the_look_has_a_name(api: Api) -> None:
    found = await api.call("GET", AT, AccessRole.ANALYST)
    assert found.json()["said"]["names"] == ["Canary Saidone"]
    (candidate,) = found.json()["review"]["candidates"]
    assert candidate["evidence"] == [{"comparison": "name", "level": "close", "bits": 4.5, "words": "name close"}]
    assert found.headers["cache-control"] == "no-store"
    assert api.reviews.looks == [("key:analyst key", "analyst")]


async def test_a_decision_says_what_else_it_decided(api: Api) -> None:
    done = await api.call("POST", f"{AT}/decisions", AccessRole.ANALYST, json=SAME)
    assert (done.status_code, done.json()["also"], done.json()["review"]["version"]) == (200, ["r2"], 2)
    assert api.reviews.steps == [("r1", "same M1", "the same scar", "key:analyst key")]


async def test_the_version_may_come_as_if_match(api: Api) -> None:
    seen = (await api.call("GET", AT, AccessRole.ANALYST)).headers["etag"]
    body = {name: value for name, value in SAME.items() if name != "version"}
    done = await api.call("POST", f"{AT}/decisions", AccessRole.ANALYST, json=body, headers={"If-Match": seen})
    assert done.status_code == 200


async def test_two_analysts_at_once_the_second_is_told(api: Api) -> None:
    assert (await api.call("POST", f"{AT}/decisions", AccessRole.ANALYST, json=SAME)).status_code == 200
    other = await api.call("POST", f"{AT}/decisions", AccessRole.SUPERVISOR, json={**SAME, "verdict": "different"})
    assert other.status_code == 409
    assert other.json()["type"].endswith("conflict")


async def test_an_undo_names_its_reason(api: Api) -> None:
    early = await api.call("POST", f"{AT}/undo", AccessRole.SUPERVISOR, json={"reason": "no", "version": 1})
    assert (early.status_code, early.json()["type"].rpartition("-")[2]) == (409, "now")
    await api.call("POST", f"{AT}/decisions", AccessRole.ANALYST, json=SAME)
    done = await api.call("POST", f"{AT}/undo", AccessRole.SUPERVISOR, json={"reason": "a mistake", "version": 2})
    assert done.status_code == 200
    assert api.reviews.steps[-1] == ("r1", "undo None", "a mistake", "S1")


@pytest.mark.parametrize(
    ("why", "body", "status"),
    [
        ("no reason", {**SAME, "reason": " "}, 422),
        ("a reason too long to be kept", {**SAME, "reason": "x" * 501}, 422),
        ("no such verdict", {**SAME, "verdict": "perhaps"}, 422),
        ("nobody named", {**SAME, "member_id": ""}, 422),
        ("no version seen", {name: value for name, value in SAME.items() if name != "version"}, 428),
        ("a word that we do not know", {**SAME, "by": "somebody else"}, 422),
    ],
)
async def test_what_cannot_be_used_is_refused_without_echo(
    api: Api, why: str, body: dict[str, object], status: int
) -> None:
    found = await api.call("POST", f"{AT}/decisions", AccessRole.ANALYST, json=body)
    assert found.status_code == status, why
    assert "scar" not in found.text
    assert api.reviews.steps == []


async def test_a_foreign_cursor_and_an_unknown_item_are_told(api: Api) -> None:
    assert (await api.call("GET", "/v1/reviews?cursor=foreign", AccessRole.ANALYST)).status_code == 422
    assert (await api.call("GET", "/v1/reviews/r9", AccessRole.ANALYST)).status_code == 404


@pytest.mark.parametrize(
    "role", [role for role in AccessRole if role not in {AccessRole.ANALYST, AccessRole.SUPERVISOR}]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/reviews"), ("GET", AT), ("POST", f"{AT}/decisions"), ("POST", f"{AT}/undo")],
)
async def test_nobody_else_may(api: Api, role: AccessRole, method: str, path: str) -> None:
    assert (await api.call(method, path, role, json=SAME)).status_code == 403
    assert api.reviews.looks == []
