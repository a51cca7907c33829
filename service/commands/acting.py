"""Who acts from the command line: the user as the operating system knows them, or the holder of an API key.

Two people who share one machine account act each with a key of their own: the account alone cannot tell them apart.
So where keys of a role exist, what takes two people takes keys: else one person would be two, by key and without.
"""

import os
import pwd
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import ConfigError, NotAllowed

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from api.keys import AccessRole
    from triggers.lifecycle_values import Person

LOCAL_ROLE = "local"
"""The role of somebody at the machine itself, who needs no key."""


_SAY_WHO = (
    "This takes two people, and the machine's account cannot tell them apart. Where {role}s have keys, act with your "
    "own: --as-key FILE (`reachpoint keys create NAME --role {role}` makes one)."
)


def local_user() -> str:
    """Who runs the command, as the operating system knows them (not what the environment claims)."""
    return f"user:{pwd.getpwuid(os.getuid()).pw_name}"


def secret_in(key_file: Path) -> str:
    """The key that a file holds. Raises ConfigError."""
    try:
        return key_file.read_text("ascii").strip()
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"The key file cannot be read: {type(error).__name__}.") from None


async def acting(
    client: "Redis", key_file: Path | None, role: "AccessRole", now: datetime, *, takes_two: bool = False
) -> "Person":
    """Who acts; `takes_two` where it is one half of what takes two people.

    Raises ConfigError for a file that holds no key, NotAllowed for a key that is not good for that, and for no key
    where the two could not be told apart.
    """
    from api.keys import KeyStanding, bearer, hash_of, standing_of
    from api.valkey import ValkeyKeyStore
    from triggers.lifecycle_values import Person

    if key_file is None:
        if takes_two and await _have_keys(client, role, now):
            raise NotAllowed(_SAY_WHO.format(role=role.value))
        return Person(local_user(), LOCAL_ROLE)
    secret, standing = bearer(f"Bearer {secret_in(key_file)}")
    if standing is not KeyStanding.VALID:
        raise ConfigError("The key file does not hold a key of `reachpoint keys create`.")
    found = await ValkeyKeyStore(client).find(hash_of(secret))
    if found is None or standing_of(found, hash_of(secret), now) is not KeyStanding.VALID:
        raise NotAllowed("This key is none of ours, or not good any more.")
    if found.grant.role is not role:
        raise NotAllowed(f"This key is not a {role.value}'s.")
    return Person(found.grant.navigator_id or f"key:{found.grant.name}", found.grant.role.value)


async def _have_keys(client: "Redis", role: "AccessRole", now: datetime) -> bool:
    """Whether anybody holds a key of this role that is good now."""
    from api.keys import KeyStanding, standing_of
    from api.valkey import ValkeyKeyStore

    known = await ValkeyKeyStore(client).keys()
    return any(each.grant.role is role and standing_of(each, each.key_hash, now) is KeyStanding.VALID for each in known)
