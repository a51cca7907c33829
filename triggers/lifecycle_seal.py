"""The seal of a backtest's result: a sum keyed with the store's secret, so that figures changed on the way are seen.

A forecast is what a second person approves by and what a rule is held against once it is live; the file between the
two commands lies on somebody's desk meanwhile.
"""

import hashlib
import hmac
import json
from datetime import UTC, datetime

from triggers.lifecycle_values import Backtested

_FOR = b"reachpoint backtest 1\n"


def seal_of(told: Backtested, secret: bytes) -> str:
    """The seal of what a result says, 64 hex digits. The same for the same values, however they are written."""
    said = {
        "rules": told.rules_digest,
        "since": _moment(told.since),
        "until": _moment(told.until),
        "made_at": _moment(told.made_at),
        "firings": told.firings,
        "figures": told.figures,
        "judged": told.judged,
        "covered_s": told.covered.total_seconds() if told.covered is not None else None,
    }
    return hmac.new(secret, _FOR + json.dumps(said, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def is_sealed(told: Backtested, secret: bytes) -> bool:
    """Whether its seal is that of these values by this secret. Without a secret nothing is."""
    return bool(secret) and hmac.compare_digest(told.seal.encode(), seal_of(told, secret).encode())


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat()
