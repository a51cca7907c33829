"""The server-side scripts, loaded from streams/lua: each is one atomic step that ends in one fsync."""

from pathlib import Path

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

_FOLDER = Path(__file__).parent / "lua"


class Scripts:
    """The scripts, registered on one client; they reload themselves after a restart of the server."""

    def __init__(self, client: Redis) -> None:
        self.accept = _load(client, "accept")
        self.forward = _load(client, "books", "forward")
        self.settle = _load(client, "books", "settle")
        self.hand_over = _load(client, "books", "hand_over")
        self.hand_on = _load(client, "books", "hand_on")
        self.register = _load(client, "register")
        self.passed = _load(client, "passed")
        self.quarantine = _load(client, "quarantine")
        self.reopen = _load(client, "reopen")
        self.rule = _load(client, "books", "rule")


def _load(client: Redis, *names: str) -> AsyncScript:
    """A script, with what it shares with others before it."""
    return client.register_script("".join((_FOLDER / f"{name}.lua").read_text() for name in names))
