"""The store's user of the shipped ACL file may do all that the service asks of the store, and no more than that."""

import re
from pathlib import Path

from redis.asyncio import Redis

ROOT = Path(__file__).parents[3]
ROOMS = ("alerts", "api", "cohort", "service", "streams", "triggers")
PRIVATE = {"streams/server.py", "streams/snapshot.py", "service/commands/backup.py", "streams/aof.py"}
"""Files that speak to a server that we started ourselves."""
GRANTED = {"info", "config"}  # config|get, which the checks at the start ask


async def test_nothing_dangerous_is_asked_of_a_store_of_the_operators(valkey: Redis) -> None:
    dangerous = {
        str(name, "utf-8") if isinstance(name, bytes) else name for name in await valkey.acl_cat("dangerous")
    } - GRANTED  # type: ignore[no-untyped-call]
    assert {"flushall", "keys", "debug"} <= dangerous
    for script in (ROOT / "streams" / "lua").glob("*.lua"):
        for name in re.findall(r"redis\.p?call\('(\w+)'", script.read_text()):
            assert name.lower() not in dangerous, f"{script.name}: {name}"
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            if str(file.relative_to(ROOT)) in PRIVATE:
                continue
            text = file.read_text()
            asked = set(re.findall(r"(?:client|pipe|redis)\.(\w+)\(", text)) | set(
                re.findall(r"redis\.call\('(\w+)'", text)
            )
            assert not {name.lower() for name in asked} & dangerous, file.name


def test_the_shipped_user_has_all_but_the_dangerous() -> None:
    lines = (ROOT / "deploy" / "valkey.acl").read_text(encoding="utf-8").splitlines()
    assert lines == [
        "user default off",
        "user health on nopass -@all +ping",
        "user reachpoint on >CHANGE-ME ~* &* +@all -@dangerous +config|get +info",
    ]
