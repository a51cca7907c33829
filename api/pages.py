"""The few pages that are HTML: the reader's view of the OpenAPI document, and the page behind the link in a message.

Made here, of our own text and escaped values: no script, no font, nothing from anywhere else, so they work on a machine
without internet and under a policy that permits no script at all.
"""

from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any

from api.problems import PROBLEMS

STYLE_NAME = "reachpoint.css"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{title}</title><link rel="stylesheet" href="/assets/{style}"></head>
<body>{body}</body></html>
"""


def style_sheet() -> str:
    """The one style sheet."""
    return files("api").joinpath("assets", STYLE_NAME).read_text(encoding="utf-8")


def log_in_page() -> str:
    """Behind the link in every message, for whoever is not signed in: the same page whatever the link says."""
    return _page("Log in", "<main class='small'><h1>Reachpoint</h1><p>Log in</p></main>")


def docs_page(document: Mapping[str, Any]) -> str:
    """The OpenAPI document as one page to read: every address with its roles, parameters, bodies and answers."""
    info = document["info"]
    parts = [
        f"<header><h1>{_e(info['title'])} <small>{_e(info['version'])}</small></h1><p>{_code(info['description'])}</p>",
        "<p>The source of truth is <a href='/openapi.json'>/openapi.json</a> (OpenAPI 3.1).</p></header><main>",
        *_operations(document),
        "<h2>Problems</h2>",
        *_problems(),
        "<h2>Shapes</h2>",
        *(_shape(name, schema) for name, schema in sorted(document["components"]["schemas"].items())),
        "</main>",
    ]
    return _page("Reachpoint API", "\n".join(parts))


def _page(title: str, body: str) -> str:
    return _PAGE.format(title=_e(title), style=STYLE_NAME, body=body)


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    tag = ""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            found = (operation.get("tags") or ["Service"])[0]
            if found != tag:
                tag = found
                yield f"<h2>{_e(tag)}</h2>"
            yield _operation(path, method, operation)


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    roles = ", ".join(operation.get("x-roles", [])) or "no key needed"
    parameters = "".join(_parameter(each) for each in operation.get("parameters", []))
    bodies = "".join(
        f"<li><code>{_e(media)}</code>: {_type(content.get('schema', {}))}</li>"
        for media, content in operation.get("requestBody", {}).get("content", {}).items()
    )
    answers = "".join(
        f"<li><b>{_e(status)}</b> {_code(each.get('description', ''))} {_answer_type(each)}</li>"
        for status, each in operation["responses"].items()
    )
    return (
        f"<details><summary><b class='{_e(method)}'>{_e(method.upper())}</b> <code>{_e(path)}</code> "
        f"{_e(operation.get('summary', ''))}</summary><p>{_code(operation.get('description', ''))}</p>"
        f"<p>Roles: {_e(roles)}</p>"
        + (f"<h3>Parameters</h3><ul>{parameters}</ul>" if parameters else "")
        + (f"<h3>Body</h3><ul>{bodies}</ul>" if bodies else "")
        + f"<h3>Answers</h3><ul>{answers}</ul></details>"
    )


def _parameter(each: Mapping[str, Any]) -> str:
    needed = " (needed)" if each.get("required") else ""
    return (
        f"<li><code>{_e(each['name'])}</code> in {_e(each['in'])}{needed}: {_type(each.get('schema', {}))} "
        f"{_code(each.get('description', ''))}</li>"
    )


def _answer_type(answer: Mapping[str, Any]) -> str:
    return " ".join(_type(content.get("schema", {})) for content in answer.get("content", {}).values())


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    fields = "".join(
        f"<li><code>{_e(field)}</code>: {_type(kind)} {_code(kind.get('description', ''))}</li>"
        for field, kind in schema.get("properties", {}).items()
    )
    return (
        f"<details id='shape-{_e(name)}'><summary><code>{_e(name)}</code></summary>"
        f"<p>{_code(schema.get('description', ''))}</p>"
        + (f"<ul>{fields}</ul>" if fields else f"<p>{_type(schema)}</p>")
        + "</details>"
    )


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, with links to shapes."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"<a href='#shape-{_e(name)}'>{_e(name)}</a>"
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " or ".join(_type(each) for each in schema[union])
    if "enum" in schema:
        return " | ".join(f"<code>{_e(value)}</code>" for value in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return "list of " + _type(schema.get("items", {}))
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return "by name: " + _type(schema["additionalProperties"])
    form = schema.get("format")
    return _e(f"{kind} ({form})" if form else kind)


def _problems() -> Iterator[str]:
    yield "<ul>"
    for kind, (status, title) in PROBLEMS.items():
        yield f"<li id='problem-{kind.value}'><b>{status}</b> <code>{kind.value}</code> {_e(title)}</li>"
    yield "</ul>"


def _code(text: str) -> str:
    """Escaped text with `code` marked."""
    pieces = _e(text).split("`")
    return "".join(f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces))


def _e(text: object) -> str:
    return escape(str(text), quote=True)
