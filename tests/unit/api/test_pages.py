"""Pages and headers: nothing comes from anywhere else, nothing runs, nothing is left in a log or a cache."""

import re

import pytest
import structlog
from structlog.testing import capture_logs

from api.keys import AccessRole as R
from api.policy import PUBLIC_ROUTES, ROUTE_ROLES
from api.problems import ProblemKind
from tests.unit.api.build import SECRETS, build_api

PAGES = ("/docs", "/a/ZZZZ-ZZZZ")


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_needs_no_internet_and_no_script(path: str) -> None:
    api = await build_api()
    page = await api.call("GET", path, None)
    assert "<script" not in page.text and not re.search(r"(src|href)=['\"](https?:)?//", page.text)
    assert not re.search(r"\son\w+=|style=", page.text)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script" not in policy
    for asset in re.findall(r"href=[\"'](/assets/[^\"']+)", page.text):
        assert (await api.call("GET", asset, None)).status_code == 200


async def test_the_documentation_has_every_address_role_shape_and_problem() -> None:
    api = await build_api()
    text = (await api.call("GET", "/docs", None)).text
    for method, path in ROUTE_ROLES:
        if path.startswith("/v1/"):
            assert f"<b class='{method.lower()}'>{method}</b> <code>{path}</code>" in text
    for kind in ProblemKind:
        assert f"id='problem-{kind.value}'" in text
    for link in set(re.findall(r"href='#([^']+)'", text)):
        assert f"id='{link}'" in text, link
    assert "navigator, supervisor" in text


async def test_every_guarded_operation_says_so_and_public_ones_do_not() -> None:
    paths = (await (await build_api()).call("GET", "/openapi.json", None)).json()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            public = (method.upper(), path) in PUBLIC_ROUTES
            assert ("security" in operation) == (not public)
            assert ("401" in operation["responses"]) == (not public)


@pytest.mark.parametrize("path", ["/v1/ledger", "/nowhere", "/v1/health", "/docs"])
async def test_every_answer_is_hardened_and_no_other_origin_may_read_it(path: str) -> None:
    answer = await (await build_api()).call("GET", path, R.OPERATOR, headers={"Origin": "https://example.com"})
    for name, value in (("x-content-type-options", "nosniff"), ("x-frame-options", "DENY")):
        assert answer.headers[name] == value
    assert "access-control-allow-origin" not in answer.headers
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


async def test_the_log_has_the_template_and_ids_but_no_path_query_or_key() -> None:
    api = await build_api()
    structlog.reset_defaults()
    with capture_logs() as lines:
        await api.call("GET", "/v1/alerts/CCCC-CCCC?canary=query-canary", R.SUPERVISOR)
        await api.call("GET", "/v1/ledger", "rp_canary-that-is-no-key")
    assert [line["action"] for line in lines] == ["http_request", "http_request"]
    assert lines[0]["route"] == "/v1/alerts/{reference}" and lines[0]["status"] == 404
    assert lines[0]["role"] == "supervisor" and lines[0]["request_id"]
    assert lines[1]["refused"] == "malformed"
    for hidden in ("CCCC", "canary", SECRETS[R.SUPERVISOR]):
        assert hidden not in repr(lines)


async def test_a_fault_is_logged_by_its_place_without_its_words() -> None:
    api = await build_api()
    structlog.reset_defaults()
    api.intake.fault = ValueError("canary")  # type: ignore[assignment]
    with capture_logs() as lines:
        await api.call(
            "POST", "/v1/feeds/police/events", R.FEED, content=b"{}", headers={"content-type": "application/json"}
        )
    fault = next(line for line in lines if line["action"] == "http_fault")
    assert fault["fault"] == "ValueError" and any("build.py" in place for place in fault["where"])
    assert "canary" not in repr(lines)


async def test_the_metrics_count_by_route_and_never_by_path() -> None:
    api = await build_api()
    for name in ("ZZZZ-ZZZZ", "CCCC-CCCC"):
        await api.call("GET", f"/v1/alerts/{name}", R.SUPERVISOR)
    await api.call("BREW", "/v1/alerts", R.SUPERVISOR)
    text = (await api.call("GET", "/metrics", R.OPERATOR)).text
    assert (
        'reachpoint_http_requests_total{method="GET",route="/v1/alerts/{reference}",status="404"} 2.0' in text
        and 'method="other"' in text
    )
    assert "CCCC" not in text and "BREW" not in text
