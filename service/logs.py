"""Structured logs: a short sentence, a stable `action`, ids; text on a terminal, JSON elsewhere; no personal data."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

_PERSONAL = frozenset(
    {"name", "names", "given", "family", "phone", "phones", "email", "emails", "address", "addresses", "postcode"}
    | {"postcodes", "date_of_birth", "dob", "nhs_number", "pnc_id", "cro", "identity", "raw", "body", "text"}
)
"""Keys that a log line may not have: dropped at the last moment, should one slip in."""


def set_up(level: str, form: Literal["auto", "json", "text"]) -> None:
    """Configure logging for this process. Libraries that log addresses or bodies are pinned at WARNING."""
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=True)
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_personal,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=threshold, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    for talkative in ("apprise", "urllib3", "httpx", "httpcore", "asyncio", "mail.log", "uvicorn.access"):
        logging.getLogger(talkative).setLevel(logging.WARNING)


def without_personal(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop keys that name personal fields."""
    for key in _PERSONAL & line.keys():
        line[key] = "[dropped]"
    return line
