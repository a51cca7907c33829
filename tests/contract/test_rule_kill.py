"""Publishing on a store that is killed at any moment of it: afterwards the version is live whole, or not at all."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.clock import ManualClock
from service.rulebook import RuleFollower, as_entry, ensure_book
from streams import codec, keys
from tests.dying_store import killed_amid, living_store
from tests.trials import record, trials
from tests.unit.triggers.book import ANNA, BEN, NOW, TEST, contents, forecast, text
from triggers.lifecycle_contents import rules_of
from triggers.lifecycle_desk import RuleDesk, RuleRefused
from triggers.lifecycle_values import Person, RuleText, State
from triggers.valkey import ValkeyRuleBook, ValkeyShadows

pytestmark = pytest.mark.server

PUBLISHING_S = 0.006
"""About as long as it takes on a quiet machine."""
AT_ONCE_S, LONG_AFTER_S = 0.0, 1.0
"""Before its first answer, and when it is done, however busy the machine is."""


def book_on(client: Redis) -> tuple[ValkeyRuleBook, RuleDesk]:
    store = ValkeyRuleBook(client, audit_key=keys.AUDIT, as_entry=as_entry)
    return store, RuleDesk(store, ValkeyShadows(client), clock=ManualClock(NOW))


async def prepared(client: Redis) -> RuleDesk:
    """A live version 1 and an approved version 2."""
    store, desk = book_on(client)
    await ensure_book(store, NOW, shipped=contents(1))
    draft = await desk.submit(text(2), "the second", ANNA, tests=(RuleText("t", TEST),))
    await desk.backtest(2, forecast(draft.digest, days=9), ANNA)
    await desk.approve(2, BEN)
    return desk


async def published_amid(folder: Path, after_s: float) -> bool:
    """Publish while the store dies so many seconds into it; whether it was written."""
    async with living_store(folder) as client:
        desk = await prepared(client)
        answered = await killed_amid(folder, desk.publish(2, ANNA), after_s)
    async with living_store(folder) as client:
        written = await looked_at(client)
    assert written or not answered, "it was said to be live"
    return written


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


async def test_a_version_is_live_whole_or_not_at_all_after_a_kill(tmp_path: Path) -> None:
    rounds = trials(100)
    amid = [rng.random() * PUBLISHING_S for rng in map(Random, range(rounds - 2))]
    written = 0
    for number, after_s in enumerate([AT_ONCE_S, *amid, LONG_AFTER_S]):
        written += await published_amid(tmp_path / str(number), after_s)
    record("kills amid publishing", rounds, f"{written} written")
    assert 0 < written < rounds, "kills before and after the write"


async def test_what_was_switched_off_without_a_key_nobody_with_a_key_confirms(valkey: Redis) -> None:
    """Whoever did it at the machine may be the very person who holds the key."""
    store = ValkeyRuleBook(valkey, audit_key=keys.AUDIT, as_entry=as_entry)
    desk = RuleDesk(store, ValkeyShadows(valkey), clock=ManualClock(NOW))
    await ensure_book(store, NOW, shipped=contents(1))
    at_the_machine, holder = Person("user:root", "local"), Person("key:ben", "supervisor")
    await desk.kill("TRIAL_ONE", at_the_machine, "it floods")
    with pytest.raises(RuleRefused, match="switched off without a key"):
        await desk.confirm_kill("TRIAL_ONE", holder)
    assert (await desk.confirm_kill("TRIAL_ONE", Person("user:ben", "local"))).confirmed_by == "user:ben"
    await desk.revive("TRIAL_ONE", holder)
    await desk.kill("TRIAL_ONE", Person("key:anna", "supervisor"), "it floods")
    assert (await desk.confirm_kill("TRIAL_ONE", holder)).confirmed_by == "key:ben"
