"""Who acts at the machine: its user as long as no key could say so, whoever holds a key from then on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from api.keys import AccessRole, Grant, key_from, new_secret
from api.valkey import ValkeyKeyStore
from domain.errors import NotAllowed
from service.commands.acting import acting, local_user

pytestmark = pytest.mark.server

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUPERVISOR = AccessRole.SUPERVISOR


async def give(client: Redis, name: str, role: AccessRole, *, ends: datetime | None = None) -> str:
    secret = new_secret()
    await ValkeyKeyStore(client).create(key_from(secret, Grant(role, name, expires_at=ends), NOW - timedelta(days=9)))
    return secret


async def test_without_supervisors_keys_the_machines_users_are_people(valkey: Redis) -> None:
    await give(valkey, "somebody else", AccessRole.DASHBOARD)
    await give(valkey, "gone", SUPERVISOR, ends=NOW - timedelta(days=1))
    who = await acting(valkey, None, SUPERVISOR, NOW, takes_two=True)
    assert (who.who, who.role) == (local_user(), "local")


async def test_where_supervisors_have_keys_what_takes_two_takes_a_key(valkey: Redis, tmp_path: Path) -> None:
    file = tmp_path / "anna.key"
    file.write_text(await give(valkey, "anna", SUPERVISOR))
    with pytest.raises(NotAllowed, match=r"[Ww]here supervisors have keys, act with your own: --as-key FILE"):
        await acting(valkey, None, SUPERVISOR, NOW, takes_two=True)
    assert (await acting(valkey, None, SUPERVISOR, NOW)).who == local_user()  # one person may do it alone
    assert (await acting(valkey, file, SUPERVISOR, NOW, takes_two=True)).who == "key:anna"
