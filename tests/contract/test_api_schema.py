"""The OpenAPI document tells the truth: whatever fits it, or just does not, gets a documented answer and never a 500.

Requests are made by schemathesis from the document itself, as every role that is let in, one that is not, and nobody.
"""

import asyncio
from typing import Any

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.keys import AccessRole
from api.policy import PUBLIC_ROUTES, ROUTE_ROLES
from tests.trials import trials
from tests.unit.api.build import SECRETS, Api, build_api

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
KNOWN = {
    "reference": "",
    "item_id": "q1",
    "held_id": "h1",
    "event_id": "e1",
    "rule_id": "TRIAL_ONE",
    "kind": "rule",
    "name": "ED_ASSAULT",
}

FULL = trials(100) == 100


@schemathesis.serializer("application/x-ndjson", "application/hl7-v2")
def as_text(_context: Any, value: Any) -> bytes:
    """Feeds send text: whatever was generated, as its bytes."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


async def furnished() -> Api:
    """An API with an alert that can be found."""
    api = await build_api(failures=1_000_000)
    KNOWN["reference"] = (await api.raised()).reference
    api.books.dispositions = {"e1": "no_match"}
    return api


API = asyncio.run(furnished())
schema = schemathesis.openapi.from_asgi("/openapi.json", API.app)


@schema.parametrize()
@settings(max_examples=trials(150), deadline=None)
def test_every_answer_is_one_that_is_documented(case: Any) -> None:
    case.path_parameters = {
        name: KNOWN[name] if name in KNOWN and len(str(value)) % 2 else value
        for name, value in (case.path_parameters or {}).items()
    }
    door = (case.method.upper(), case.operation.path)
    if door not in ROUTE_ROLES:  # a method that the document does not name
        answer = case.call()
        assert answer.status_code == 405 and answer.headers["allow"]
        return
    public = door in PUBLIC_ROUTES
    allowed = [] if public else sorted(ROUTE_ROLES[door])
    forbidden = [] if public else [role for role in AccessRole if role not in ROUTE_ROLES[door]][:1]
    some = allowed if FULL else allowed[:1]  # who else is let in is the table of tests/unit/api/test_access.py
    for role in [*some, *forbidden, None]:
        case.headers = {**(case.headers or {})}
        case.headers.pop("Authorization", None)
        if role is not None:
            case.headers["Authorization"] = f"Bearer {SECRETS[role]}"
        answer = case.call()
        case.validate_response(answer, checks=CHECKS)
        expected = {401} if role is None and not public else {403} if role in forbidden else None
        assert expected is None or answer.status_code in expected


def test_every_address_under_v1_is_in_the_document() -> None:
    documented = {(method.upper(), path) for path, item in schema.raw_schema["paths"].items() for method in item}
    assert documented == {door for door in ROUTE_ROLES if door[1].startswith("/v1/")}


@pytest.mark.parametrize("name", ["title", "version", "description"])
def test_the_document_says_what_it_is(name: str) -> None:
    assert schema.raw_schema["openapi"].startswith("3.1") and schema.raw_schema["info"][name]
