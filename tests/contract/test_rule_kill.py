"""Publishing on a store that is killed at any moment of it: afterwards the version is live whole, or not at all."""

import asyncio
import contextlib
import os
import signal
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.clock import ManualClock
from domain.errors import StoreError
from service.rulebook import RuleFollower, as_entry, ensure_book
from streams import codec, keys
from streams.server import EmbeddedServer, connect
from tests.trials import record, trials
from tests.unit.triggers.book import ANNA, BEN, NOW, TEST, contents, text
from triggers.lifecycle_contents import rules_of
from triggers.lifecycle_desk import RuleDesk
from triggers.lifecycle_values import Backtested, RuleText, State
from triggers.valkey import ValkeyRuleBook, ValkeyShadows

pytestmark = pytest.mark.server


def book_on(client: Redis) -> tuple[ValkeyRuleBook, RuleDesk]:
    store = ValkeyRuleBook(client, audit_key=keys.AUDIT, as_entry=as_entry)
    return store, RuleDesk(store, ValkeyShadows(client), clock=ManualClock(NOW))


async def prepared(client: Redis) -> RuleDesk:
    """A live version 1 and an approved version 2."""
    store, desk = book_on(client)
    await ensure_book(store, NOW, shipped=contents(1))
    draft = await desk.submit(text(2), "the second", ANNA, tests=(RuleText("t", TEST),))
    await desk.backtest(2, Backtested(draft.digest, NOW - timedelta(days=9), NOW, 1), ANNA)
    await desk.approve(2, BEN)
    return desk


async def killed_amid(folder: Path, rng: Random) -> bool:
    """Publish while the server dies; whether it was written."""
    server = EmbeddedServer(folder)
    await server.start()
    client = connect(server.socket)
    await client.flushall()
    desk = await prepared(client)
    publishing = asyncio.create_task(desk.publish(2, ANNA))
    await asyncio.sleep(rng.random() * 0.006)
    os.kill(int((folder / "valkey.pid").read_text()), signal.SIGKILL)
    answered = False
    with contextlib.suppress(StoreError):
        await publishing
        answered = True
    await client.aclose()
    await server.stop()

    again = EmbeddedServer(folder)
    await again.start()
    client = connect(again.socket)
    try:
        written = await looked_at(client)
        assert written or not answered, "it was said to be live"
        return written
    finally:
        await client.aclose()
        await again.stop()


async def audited(client: Redis) -> list[str]:
    found: Any = await client.xrange(keys.AUDIT)
    return [codec.decode_audit(fields[b"b"]).what for _, fields in found]


async def looked_at(client: Redis) -> bool:
    """Whether version 2 is live; everything about it agrees, and asking once more makes it so."""
    store, desk = book_on(client)
    book = await desk.book()
    written = book.head.live == 2
    states = (State.RETIRED, State.LIVE) if written else (State.LIVE, State.APPROVED)
    assert (book.standings[1].state, book.standings[2].state) == states
    audit = await audited(client)
    assert audit.count("published") == (2 if written else 1), "the step and its audit entry go together"
    follower = RuleFollower(store, rules_of(contents(99)), ManualClock(NOW))
    await follower.refresh()
    assert follower.live.mark == ("rules@2" if written else "rules@1")
    await desk.publish(2, ANNA)
    await follower.refresh()
    assert follower.live.mark == "rules@2"
    audit = await audited(client)
    assert audit.count("published") == 2, "asked for twice, it was done once"
    return written


async def test_a_version_is_live_whole_or_not_at_all_after_a_kill() -> None:
    written = 0
    rounds = trials(100)
    for seed in range(rounds):
        with TemporaryDirectory(prefix="rp-kill-") as folder:
            written += await killed_amid(Path(folder), Random(seed))
    record("kills amid publishing", rounds, f"{written} written")
    assert 0 < written < rounds, "kills before and after the write"
