"""Who may call what: one table, default deny. A route that is not here makes the app factory fail.

The table is about doors; what somebody sees behind one (their own alerts, a member's identity) is in `sight.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from api.keys import AccessRole
from domain.kinds import Feed

_R = AccessRole
ANYONE: frozenset[AccessRole] = frozenset(AccessRole)
"""Callable by every role, and without a key: these answers say nothing of people or of work."""

ALERT_READERS = frozenset({_R.NAVIGATOR, _R.SUPERVISOR, _R.ANALYST, _R.DASHBOARD, _R.GATEKEEPER, _R.AUDITOR})
ALERT_WORKERS = frozenset({_R.NAVIGATOR, _R.SUPERVISOR})
SNOOZE_READERS = frozenset({_R.NAVIGATOR, _R.SUPERVISOR, _R.AUDITOR})
REVIEWERS = frozenset({_R.ANALYST, _R.SUPERVISOR})
RULE_READERS = frozenset({_R.SUPERVISOR, _R.ANALYST, _R.DASHBOARD, _R.AUDITOR})
RULE_WRITERS = frozenset({_R.SUPERVISOR})
FIGURE_READERS = frozenset({_R.SUPERVISOR, _R.ANALYST, _R.DASHBOARD, _R.OPERATOR, _R.AUDITOR})

PUBLIC_ROUTES = frozenset(
    {
        ("GET", "/v1/health"),
        ("GET", "/v1/ready"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/assets/{name}"),
        ("GET", "/a/{reference}"),
    }
)
"""Routes that need no key."""

ROUTE_ROLES: Mapping[tuple[str, str], frozenset[AccessRole]] = MappingProxyType(
    {
        **dict.fromkeys(PUBLIC_ROUTES, ANYONE),
        ("GET", "/metrics"): frozenset({_R.OPERATOR, _R.DASHBOARD}),
        ("POST", "/v1/feeds/{feed}/events"): frozenset({_R.FEED}),
        ("GET", "/v1/feeds"): FIGURE_READERS | {_R.FEED, _R.NAVIGATOR},
        ("GET", "/v1/ledger"): FIGURE_READERS,
        ("GET", "/v1/ledger/events/{event_id}"): frozenset({_R.SUPERVISOR, _R.OPERATOR, _R.AUDITOR}),
        ("GET", "/v1/alerts"): ALERT_READERS,
        ("GET", "/v1/alerts/counts"): FIGURE_READERS,
        ("GET", "/v1/alerts/{reference}"): ALERT_READERS,
        ("POST", "/v1/alerts/{reference}/accept"): ALERT_WORKERS,
        ("POST", "/v1/alerts/{reference}/contact"): ALERT_WORKERS,
        ("POST", "/v1/alerts/{reference}/outcome"): ALERT_WORKERS,
        ("GET", "/v1/quarantine"): frozenset({_R.OPERATOR, _R.AUDITOR}),
        ("GET", "/v1/quarantine/{item_id}"): frozenset({_R.OPERATOR, _R.AUDITOR}),
        ("POST", "/v1/quarantine/{item_id}/replay"): frozenset({_R.OPERATOR}),
        ("GET", "/v1/reviews"): REVIEWERS,
        ("GET", "/v1/reviews/{review_id}"): REVIEWERS,
        ("POST", "/v1/reviews/{review_id}/decisions"): REVIEWERS,
        ("POST", "/v1/reviews/{review_id}/undo"): REVIEWERS,
        ("GET", "/v1/rules"): RULE_READERS,
        ("GET", "/v1/rules/shadow"): RULE_READERS,
        ("POST", "/v1/rules/shadow/end"): RULE_WRITERS,
        ("GET", "/v1/rules/versions"): RULE_READERS,
        ("POST", "/v1/rules/versions"): RULE_WRITERS,
        ("GET", "/v1/rules/versions/{number}"): RULE_READERS,
        ("GET", "/v1/rules/versions/{number}/diff"): RULE_READERS,
        ("POST", "/v1/rules/versions/{number}/check"): RULE_WRITERS,
        ("POST", "/v1/rules/versions/{number}/backtest"): RULE_WRITERS,
        ("POST", "/v1/rules/versions/{number}/shadow"): RULE_WRITERS,
        ("POST", "/v1/rules/versions/{number}/approve"): RULE_WRITERS,
        ("POST", "/v1/rules/versions/{number}/publish"): RULE_WRITERS,
        ("POST", "/v1/rules/versions/{number}/withdraw"): RULE_WRITERS,
        ("POST", "/v1/rules/versions/{number}/roll-back"): RULE_WRITERS,
        ("POST", "/v1/rules/{rule_id}/kill"): RULE_WRITERS,
        ("POST", "/v1/rules/{rule_id}/confirm"): RULE_WRITERS,
        ("POST", "/v1/rules/{rule_id}/revive"): RULE_WRITERS,
        ("GET", "/v1/snoozes"): SNOOZE_READERS,
        ("POST", "/v1/snoozes"): ALERT_WORKERS,
        ("GET", "/v1/snoozes/{snooze_id}"): SNOOZE_READERS,
        ("POST", "/v1/snoozes/{snooze_id}/confirm"): ALERT_WORKERS,
        ("POST", "/v1/snoozes/{snooze_id}/lift"): ALERT_WORKERS,
        ("GET", "/v1/held-back"): frozenset({_R.SUPERVISOR, _R.AUDITOR}),
        ("GET", "/v1/breakers"): frozenset({_R.SUPERVISOR, _R.OPERATOR, _R.AUDITOR}),
        ("POST", "/v1/breakers/{kind}/{name}/close"): frozenset({_R.SUPERVISOR}),
        ("GET", "/v1/rule-watch"): FIGURE_READERS,
        ("GET", "/v1/gatekeeper"): frozenset({_R.GATEKEEPER, _R.AUDITOR}),
        ("POST", "/v1/gatekeeper/{held_id}/release"): frozenset({_R.GATEKEEPER}),
        ("POST", "/v1/gatekeeper/{held_id}/refuse"): frozenset({_R.GATEKEEPER}),
    }
)
"""(method, path template) -> roles. A feed may not ask how its event ended: that would tell it who is watched."""


def _blind_after() -> Mapping[Feed, timedelta]:
    return {
        Feed.ED: timedelta(minutes=30),
        Feed.POLICE: timedelta(hours=1),
        Feed.INTEL: timedelta(hours=24),
        Feed.PROGRAMME: timedelta(hours=72),
    }


@dataclass(frozen=True, slots=True)
class ApiPolicy:
    """What the API may do. `blind_after`: a feed that is silent for longer is said to be blind since it last spoke
    (our own defaults, to be set per deployment: a busy department is never silent for half an hour)."""

    max_body_bytes: int = 16 * 1024 * 1024
    body_within: timedelta = timedelta(seconds=60)
    blind_after: Mapping[Feed, timedelta] = field(default_factory=_blind_after)
    retry_after: timedelta = timedelta(seconds=2)
    failures: int = 20  # failed authentications of one peer ...
    failures_within: timedelta = timedelta(minutes=1)  # ... in this window, then 429
    version: str = "0.1.0"
