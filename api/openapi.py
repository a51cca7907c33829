"""The OpenAPI 3.1 document, completed from our own tables: who may call, what can go wrong, which bodies, 304.

FastAPI makes paths, parameters and the shapes of answers; everything else is said here once.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.door_spec import DoorSpec
from api.policy import PUBLIC_ROUTES, ROUTE_ROLES
from api.problems import MEDIA_TYPE, PROBLEMS, Problem, ProblemKind

ALWAYS = (ProblemKind.FAULT, ProblemKind.UNAVAILABLE)
KEYED = (ProblemKind.NOT_AUTHENTICATED, ProblemKind.NOT_ALLOWED, ProblemKind.TOO_MANY_FAILURES)
_REFERENCES = "#/components/schemas/{name}"
ABOUT = (
    "What Reachpoint takes in and what it says. Times are UTC; `as_of` is when an answer held; a feed that is not "
    "`live` means that what happens there is not seen. Errors are problem+json. Poll with If-None-Match."
)


def document(app: FastAPI, specs: Iterable[DoorSpec], version: str) -> dict[str, Any]:
    """The whole document."""
    made = get_openapi(title="Reachpoint", version=version, description=ABOUT, routes=app.routes)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for spec in specs:
        _complete(made["paths"][spec.path][spec.method.lower()], spec)
    bodies = [spec.body for spec in specs if isinstance(spec.body, type)]
    _, found = msgspec.json.schema_components([Problem, *dict.fromkeys(bodies)], ref_template=_REFERENCES)
    made["components"]["schemas"] = schemas | found
    made["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key made by `reachpoint keys create`."}
    }
    return made


def _complete(operation: dict[str, Any], spec: DoorSpec) -> None:
    door = (spec.method, spec.path)
    public = door in PUBLIC_ROUTES
    if not public:
        operation["security"] = [{"key": []}]
        operation["x-roles"] = sorted(role.value for role in ROUTE_ROLES[door])
    _add_body(operation, spec)
    responses = operation["responses"]
    responses.pop("422", None)
    responses["200"]["headers"] = _headers(spec)
    if spec.polled:
        responses["304"] = {"description": "What you have still holds.", "headers": _headers(spec)}
        _if_none_match(operation)
    kinds = (*spec.problems, *ALWAYS, *(() if public else KEYED))
    by_status: dict[int, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(PROBLEMS[kind][0], []).append(PROBLEMS[kind][1])
    for status, titles in sorted(by_status.items()):
        responses.setdefault(str(status), _problem_response(titles))
    operation["responses"] = dict(sorted(responses.items()))


def _problem_response(titles: list[str]) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": _REFERENCES.format(name="Problem")}}}
    return {"description": " Or: ".join(dict.fromkeys(titles)), "content": content}


def _add_body(operation: dict[str, Any], spec: DoorSpec) -> None:
    if spec.body is None:
        return
    if isinstance(spec.body, type):
        content: Any = {"application/json": {"schema": {"$ref": _REFERENCES.format(name=spec.body.__name__)}}}
        required = any(field.required for field in msgspec.structs.fields(spec.body))
        operation["requestBody"] = {"required": required, "content": content}
    else:
        operation["requestBody"] = {"required": True, "content": dict(spec.body)}
    if ProblemKind.VERSION_NEEDED in spec.problems:
        operation.setdefault("parameters", []).append(
            _header("If-Match", "The ETag of what you saw; or send `version` in the body.")
        )


def _if_none_match(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(_header("If-None-Match", "The ETag of the answer that you have."))


def _header(name: str, words: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": words, "schema": {"type": "string"}}


def _headers(spec: DoorSpec) -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    names = ("X-Request-Id", "ETag", "As-Of") if spec.polled else ("X-Request-Id",)
    return dict.fromkeys(names, text)
