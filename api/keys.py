"""API keys: who calls, as what, bound to which feed or navigator, until when.

A key is `rp_` and 32 random bytes; we keep its SHA-256 only, so a copy of the store opens nothing (256 random bits need
no slow hash). Pure: randomness and time are arguments.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import ConfigError
from domain.ids import NavigatorId
from domain.kinds import Feed

PREFIX = "rp_"
SECRET_BYTES = 32
_LENGTH = len(PREFIX) + 43  # 32 bytes in urlsafe base64 without padding
USED_EVERY = timedelta(minutes=1)
"""A key's last use is written at most this often: it is for people, and each write costs a sync."""


class AccessRole(StrEnum):
    """What a caller is (design.md section 1). One role per key; what a role may call is in `policy.py`."""

    FEED = "feed"
    NAVIGATOR = "navigator"
    SUPERVISOR = "supervisor"
    ANALYST = "analyst"
    DASHBOARD = "dashboard"
    OPERATOR = "operator"
    GATEKEEPER = "gatekeeper"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key is for. A feed key names its `feed`; `systems` are the source systems it may speak for (none: any).

    A navigator's key names its `navigator_id`; a supervisor's may, to act on alerts. `expires_at` None: never.
    """

    role: AccessRole
    name: str
    feed: Feed | None = None
    systems: tuple[str, ...] = ()
    navigator_id: NavigatorId | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept. `key_id` is for people and logs; it is no part of the secret and opens nothing."""

    key_id: str
    key_hash: str = field(repr=False)
    grant: Grant
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class KeyStanding(StrEnum):
    """Whether a presented key is good, and if not, why not. The caller is told only that it is not."""

    VALID = "valid"
    MISSING = "missing"  # no bearer token at all
    MALFORMED = "malformed"  # cannot be one of ours
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    EXPIRED = "expired"


def new_secret() -> str:
    """A fresh key in plain text, from the system's randomness. Shown once, never kept."""
    return secret_from(secrets.token_bytes(SECRET_BYTES))


def secret_from(random: bytes) -> str:
    """The key that 32 random bytes make."""
    return PREFIX + base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def key_from(secret: str, grant: Grant, now: datetime) -> ApiKey:
    """The key to keep for a secret. Raises ConfigError if the grant does not fit its role."""
    if not grant.name.strip():
        raise ConfigError("A key needs a name, so that people know whose it is.")
    if (grant.role is AccessRole.FEED) != (grant.feed is not None):
        raise ConfigError("A key with the role feed, and no other, is bound to a feed.")
    if grant.systems and grant.feed is None:
        raise ConfigError("Only a feed's key is bound to source systems.")
    if grant.role is AccessRole.NAVIGATOR and not grant.navigator_id:
        raise ConfigError("A navigator's key names the navigator.")
    if grant.navigator_id and grant.role not in {AccessRole.NAVIGATOR, AccessRole.SUPERVISOR}:
        raise ConfigError("Only the keys of navigators and supervisors name a navigator.")
    hashed = hash_of(secret)
    identity = hashlib.sha256(b"key-id:" + hashed.encode()).hexdigest()[:16]
    return ApiKey(key_id=identity, key_hash=hashed, grant=grant, created_at=now)


def hash_of(secret: str) -> str:
    """What is kept of a key: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def bearer(header: str | None) -> tuple[str, KeyStanding]:
    """The token of an Authorization header with VALID, or '' and why there is none to look up."""
    scheme, _, token = (header or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return "", KeyStanding.MISSING
    token = token.strip()
    if len(token) != _LENGTH or not token.startswith(PREFIX) or not token.isascii():
        return "", KeyStanding.MALFORMED
    return token, KeyStanding.VALID


def standing_of(key: ApiKey | None, presented_hash: str, now: datetime) -> KeyStanding:
    """Whether what the store found for a presented hash lets its bearer in at `now`. Compares in constant time."""
    if key is None or not hmac.compare_digest(key.key_hash, presented_hash):
        return KeyStanding.UNKNOWN
    if key.revoked_at is not None:
        return KeyStanding.REVOKED
    if key.grant.expires_at is not None and now >= key.grant.expires_at:
        return KeyStanding.EXPIRED
    return KeyStanding.VALID


def use_is_news(key: ApiKey, now: datetime) -> bool:
    """Whether this use is worth writing down."""
    return key.last_used_at is None or now - key.last_used_at >= USED_EVERY
