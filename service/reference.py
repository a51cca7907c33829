"""`python -m service.reference`: writes docs/configuration.md from the settings, docs/openapi.json from the API,
docs/rules.schema.json from the forms of the rule language, and docs/feed-record.schema.json and
docs/alert-change.schema.json from the types of what comes in and goes out.

The files are committed, and a test fails where they differ from what is made here: a setting or a route that changes
without its page cannot be merged.
"""

import json
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen
from fastapi import FastAPI
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from alerts.publication import change_schema
from domain.clock import SystemClock
from service.http import build_app
from service.metrics import Metrics
from service.runtime import Service
from service.settings import Settings
from service.wiring import policies_of
from streams.feeds.schema import record_schema
from streams.server import connect
from triggers.schema import rules_schema

DOCS = Path(__file__).parents[1] / "docs"
_PREFIX = "REACHPOINT_"
_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "text, secret",
    time: "time (HH:MM)",
}
_BOUNDS: dict[type, tuple[str, str]] = {
    Ge: ("ge", "at least"),
    Gt: ("gt", "above"),
    Le: ("le", "at most"),
    Lt: ("lt", "below"),
    MaxLen: ("max_length", "length at most"),
}

_HEAD = """# Configuration

<!-- Made by `make docs` from service/settings.py. Do not edit: change the description there. -->

Settings are read once, at the start, from `reachpoint.toml` in the current folder or from the file given by `--config`.
A variable of the environment wins over the file; `--data` wins over both.
An unknown setting in the file, or any setting out of range, stops the start.
All faults are told at once, without the values.

Units are in the name (`_s` seconds, `_minutes`, `_hours`, `_days`, `_kib`, `_mib`, `_bits`) or in the description.
In a variable a list is written as JSON: `REACHPOINT_ALERTS__DIGEST_TIMES='["07:30", "16:00"]'`.
Secrets are never shown, neither in logs nor in messages of faults. A file that holds them should have mode 0600.

```toml
data_dir = "/var/lib/reachpoint"

[api]
base_url = "https://reachpoint.example.org"

[alerts]
sms_url = "govuknotify://API_KEY@TEMPLATE_ID/{to}?reference={key}"
email_url = "mailtos://user:password@smtp.example?from=reachpoint@example.org&to={to}"
call_back = "0121 496 0000"
```
"""


def configuration_page() -> str:
    """docs/configuration.md: every setting with its name in the file, its variable, type, default and meaning."""
    parts = [_HEAD]
    own = {name: field for name, field in Settings.model_fields.items() if _section(field) is None}
    parts.append(_table("Top of the file", "Before the first `[section]`.", "", own))
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is not None:
            parts.append(_table(f"[{name}]", section.__doc__ or "", name, section.model_fields))
    return "\n".join(parts)


def openapi_page(app: FastAPI) -> str:
    """docs/openapi.json: the description that the running service answers at /openapi.json."""
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def described_app() -> FastAPI:
    """The API as production wires it, on a store that nobody is asked about: enough to describe it."""
    with TemporaryDirectory(prefix="reachpoint-reference-") as folder:
        settings = Settings(data_dir=Path(folder))
        client = connect(Path(folder) / "nowhere.sock")
        service = Service(client, policies_of(settings), {}, clock=SystemClock(), metrics=Metrics())
        return build_app(service, client, settings)


def setting_names() -> frozenset[str]:
    """Every setting as the docs call it: `data_dir`, `api.port`."""
    return frozenset(_names())


def _names() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is None:
            yield name
        else:
            yield from (f"{name}.{each}" for each in section.model_fields)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _table(title: str, words: str, section: str, fields: dict[str, FieldInfo]) -> str:
    lines = [f"## {title}", "", words, "", "| Name | Variable | Type | Default | Meaning |", "|---|---|---|---|---|"]
    for name, field in fields.items():
        variable = _PREFIX + (f"{section}__" if section else "").upper() + name.upper()
        cells = (f"`{name}`", f"`{variable}`", _type(field), _default(field), _in_cell(field.description or ""))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _type(field: FieldInfo) -> str:
    bounds = [
        f"{words} {getattr(rule, name)}"
        for rule in field.metadata
        for kind, (name, words) in _BOUNDS.items()
        if isinstance(rule, kind)
    ]
    return ", ".join([_kind(field.annotation), *bounds])


def _kind(annotation: Any) -> str:
    """A type in words. A type that has none is a fault of this table, found by the test that renders the page."""
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(f"`{each}`" for each in get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"list of: {_kind(get_args(annotation)[0])}"
    if get_origin(annotation) in {UnionType, Union}:
        (inner,) = [each for each in get_args(annotation) if each is not NoneType]
        return _kind(inner)
    return _WORDS[annotation]


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    match value:
        case SecretStr():
            value = value.get_secret_value()
        case Path():
            value = str(value)
        case tuple():
            value = [each.strftime("%H:%M") if isinstance(each, time) else str(each) for each in value]
        case _:
            pass
    return "(empty)" if value in (None, "", []) else f"`{json.dumps(value)}`"


def _in_cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")


def schema_page() -> str:
    """The JSON Schema of the records that feeds send, over HTTP or Kafka."""
    return json.dumps(record_schema(), indent=1, ensure_ascii=False) + "\n"


def change_schema_page() -> str:
    """docs/alert-change.schema.json: what stands on the alerts topic."""
    return json.dumps(change_schema(), indent=1, ensure_ascii=False) + "\n"


def rules_schema_page() -> str:
    """docs/rules.schema.json: the form of a rule file, for editors."""
    return json.dumps(rules_schema(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the pages."""
    (DOCS / "feed-record.schema.json").write_text(schema_page(), encoding="utf-8")
    (DOCS / "alert-change.schema.json").write_text(change_schema_page(), encoding="utf-8")
    (DOCS / "configuration.md").write_text(configuration_page(), encoding="utf-8")
    (DOCS / "openapi.json").write_text(openapi_page(described_app()), encoding="utf-8")
    (DOCS / "rules.schema.json").write_text(rules_schema_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
