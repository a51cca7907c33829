"""What `reachpoint rules backtest --json` says, as far as the rule book reads it: of which rules, over which time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from domain.errors import ConfigError
from triggers.lifecycle_seal import seal_of
from triggers.lifecycle_values import Backtested, covered_by


class _History(msgspec.Struct, frozen=True):
    """What history was judged; a result of an earlier release does not say how much lay in its time."""

    in_time: int | None = None
    first: datetime | None = None
    last: datetime | None = None


class _Told(msgspec.Struct, frozen=True):
    """The beginning of a result; whatever else is in it is not read here."""

    rules_digest: str
    since: datetime
    until: datetime
    firings: Any
    made_at: datetime | None = None
    figures: Any = None
    history: _History = _History()
    seal: str = ""


def read_backtest(body: bytes) -> Backtested:
    """The result of a backtest. Raises ConfigError for anything else."""
    try:
        told = msgspec.json.decode(body, type=_Told)
    except (msgspec.MsgspecError, UnicodeError):
        raise ConfigError("This is not what `reachpoint rules backtest --json` writes.") from None
    firings = len(told.firings) if isinstance(told.firings, list) else told.firings
    aware = all(each is None or each.tzinfo is not None for each in _moments(told))
    if not isinstance(firings, int) or not aware:
        raise ConfigError("This is not what `reachpoint rules backtest --json` writes.")
    return Backtested(
        rules_digest=told.rules_digest,
        since=told.since,
        until=told.until,
        firings=firings,
        figures=forecast(told.figures),
        made_at=told.made_at,
        judged=told.history.in_time,
        covered=covered_by((told.since, told.until), told.history.first, told.history.last),
        seal=told.seal,
    )


def sealed(result: Mapping[str, Any], secret: bytes) -> dict[str, Any]:
    """A result with the seal that says that this service made it."""
    return {**result, "seal": seal_of(read_backtest(msgspec.json.encode(result)), secret)}


def _moments(told: _Told) -> tuple[datetime | None, ...]:
    return told.since, told.until, told.made_at, told.history.first, told.history.last


def forecast(figures: object) -> dict[str, int]:
    """Firings by rule, as far as they were told in numbers: what a rule is held against once it is live."""
    told = figures if isinstance(figures, dict) else {}
    return {str(rule): count for rule, count in told.items() if isinstance(count, int)}
