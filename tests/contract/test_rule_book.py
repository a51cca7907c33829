"""What the rule book keeps, whichever store is behind it: atomic steps, texts for good, the audit log in the same step."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from domain.errors import StoreError
from domain.ids import MemberId, RuleId
from domain.triggers import Priority
from streams import codec
from streams.audit import AuditEntry, Operation
from tests.unit.triggers.book import ANNA, BEN, NOW, POLICY, Trial, contents, forecast, good
from triggers.lifecycle import approve, backtest, check, publish, submit
from triggers.lifecycle_emergency import kill
from triggers.lifecycle_values import Act, Book, BookEntry, Change, Head, Moved
from triggers.memory import MemoryRuleBook, MemoryShadows
from triggers.ports import RuleBookStore, ShadowStore
from triggers.shadowing import MOST_EXAMPLES, ShadowCount, ShadowFiring, ShadowTally, Side
from triggers.valkey import HEAD, VERSIONS, ValkeyRuleBook, ValkeyShadows

AUDIT = "test:audit"


def as_entry(told: BookEntry) -> bytes:
    return codec.encode(
        AuditEntry(told.at, told.who, told.role, Operation.ALTERATION, told.what.value, told.about, reason=told.reason)
    )


@pytest.fixture(params=["memory", "valkey"])
def store(request: pytest.FixtureRequest, valkey: Redis) -> RuleBookStore:
    if request.param == "memory":
        return MemoryRuleBook()
    return ValkeyRuleBook(valkey, audit_key=AUDIT, as_entry=as_entry)


@pytest.fixture(params=["memory", "valkey"])
def shadows(request: pytest.FixtureRequest, valkey: Redis) -> ShadowStore:
    return MemoryShadows() if request.param == "memory" else ValkeyShadows(valkey)


async def audited(store: Any, valkey: Redis) -> list[tuple[str, str, str]]:
    if isinstance(store, MemoryRuleBook):
        return [(each.who, each.what.value, each.about) for each in store.audit]
    found: Any = await valkey.xrange(AUDIT)
    told = [codec.decode_audit(fields[b"b"]) for _, fields in found]
    return [(each.who, each.what, each.about) for each in told]


async def apply(store: RuleBookStore, ask: Callable[[Book], Any]) -> Moved:
    done = ask(await store.book())
    assert isinstance(done, Moved), done
    assert done.change is not None
    assert await store.write(done.change)
    return done


async def all_the_way(store: RuleBookStore, version: int = 1) -> int:
    act = Act(ANNA, NOW, "a note")
    number = (await apply(store, lambda book: submit(book, contents(version), act))).head.last
    await apply(store, lambda book: check(book, number, good(), act))
    told = forecast(contents(version).digest, firings=3, added=1)
    await apply(store, lambda book: backtest(book, number, told, act, POLICY))
    await apply(store, lambda book: approve(book, number, Act(BEN, NOW), POLICY))
    await apply(store, lambda book: publish(book, number, act, POLICY))
    return number


async def test_an_empty_book_says_so(store: RuleBookStore) -> None:
    assert await store.head() == Head()
    assert await store.book() == Book()
    assert await store.version(1) is None


async def test_what_is_written_is_read_back_whole(store: RuleBookStore, valkey: Redis) -> None:
    await all_the_way(store, 1)
    await all_the_way(store, 2)
    await apply(store, lambda book: kill(book, "TRIAL_ONE", Act(ANNA, NOW, "it floods"), POLICY))
    trial = Trial()
    for version in (1, 2):
        number = trial.draft(version)
        trial.do(check(trial.book, number, good(), trial.act(reason="a note")))
        told = forecast(contents(version).digest, firings=3, added=1)
        trial.do(backtest(trial.book, number, told, trial.act(reason="a note"), POLICY))
        trial.do(approve(trial.book, number, trial.act(BEN, ""), POLICY))
        trial.do(publish(trial.book, number, trial.act(reason="a note"), POLICY))
    trial.do(kill(trial.book, "TRIAL_ONE", trial.act(reason="it floods"), POLICY))
    assert await store.book() == trial.book  # the store adds nothing and loses nothing
    assert await store.head() == trial.book.head
    for number, version in trial.versions.items():
        assert await store.version(number) == version
    told = await audited(store, valkey)
    assert [what for _, what, _ in told] == 2 * [*("submitted", "checked", "backtested", "approved", "published")] + [
        "killed"
    ]
    assert told[3] == ("key:ben", "approved", "rules:1")
    assert told[-1] == ("user:anna", "killed", "rule:TRIAL_ONE")


async def test_whoever_comes_second_is_told_and_nothing_of_theirs_is_written(
    store: RuleBookStore, valkey: Redis
) -> None:
    await all_the_way(store, 1)
    book = await store.book()
    mine = submit(book, contents(2), Act(ANNA, NOW, "mine"))
    theirs = submit(book, contents(3), Act(BEN, NOW, "theirs"))
    assert isinstance(mine, Moved)
    assert isinstance(theirs, Moved)
    assert mine.change is not None
    assert theirs.change is not None
    assert await store.write(mine.change)
    before = await audited(store, valkey)
    assert not await store.write(theirs.change)
    assert not await store.write(mine.change)  # nor is the same written twice
    assert await audited(store, valkey) == before
    kept = await store.version(2)
    assert kept is not None
    assert kept.note == "mine"


async def test_a_version_is_never_written_over(store: RuleBookStore) -> None:
    await all_the_way(store, 1)
    first = await store.version(1)
    assert first is not None
    head = await store.head()
    forged = replace(first, note="another")
    assert await store.write(Change(head.revision, replace(head, revision=head.revision + 1), (), forged))
    assert await store.version(1) == first


async def test_many_at_once_make_one_order(store: RuleBookStore) -> None:
    await all_the_way(store, 1)

    async def one(place: int) -> None:
        act = Act(ANNA, NOW, f"note {place}")
        while True:
            done = submit(await store.book(), contents(100 + place), act)
            assert isinstance(done, Moved)
            assert done.change is not None
            if await store.write(done.change):
                return

    await asyncio.gather(*map(one, range(8)))
    book = await store.book()
    assert sorted(book.standings) == list(range(1, 10))
    assert book.head.last == 9
    texts = {(await store.version(number)).contents.digest for number in book.standings}  # type: ignore[union-attr]
    assert len(texts) == 9


async def test_what_cannot_be_read_is_told_in_the_products_words(valkey: Redis) -> None:
    store = ValkeyRuleBook(valkey, audit_key=AUDIT, as_entry=as_entry)
    await all_the_way(store, 1)
    for broken in (b"", b"not zlib", b"x\x9c\x03\x00\x00\x00\x00\x01"):
        await valkey.hset(VERSIONS, "1", broken)  # type: ignore[misc]
        with pytest.raises(StoreError, match="cannot be read"):
            await store.version(1)
    await valkey.hset(HEAD, "b", b'{"revision": "x"}')  # type: ignore[misc]
    with pytest.raises(StoreError, match="cannot be read"):
        await store.head()


def firing(side: Side, member: str = "M1", rule: str = "TRIAL_ONE") -> ShadowFiring:
    live = None if side is Side.SHADOW else Priority.P1
    return ShadowFiring(
        side, RuleId(rule), MemberId(member), NOW, "Something", live, None if side is Side.LIVE else Priority.P2
    )


async def test_a_shadow_is_counted_by_rule_and_side_and_shown_by_examples(shadows: ShadowStore) -> None:
    assert (await shadows.report(7)).events == 0
    await shadows.add(
        7, 6, ShadowTally(10, 2, (firing(Side.LIVE), firing(Side.SHADOW, "M2"), firing(Side.BOTH, rule="OTHER")))
    )
    await shadows.add(7, 6, ShadowTally(5, 1, (firing(Side.SHADOW, "M3"),)))
    await shadows.add(8, 6, ShadowTally(1))
    told = await shadows.report(7)
    assert (told.events, told.missed, told.beside) == (15, 3, (6,))
    assert told.by_rule == {"OTHER": ShadowCount(both=1), "TRIAL_ONE": ShadowCount(only_live=1, only_shadow=2)}
    newest = [each.member_id for each in told.examples if each.side is Side.SHADOW]
    assert newest == ["M3", "M2"]
    await shadows.forget(7)
    assert (await shadows.report(7)).events == 0
    assert (await shadows.report(8)).events == 1


async def test_examples_are_bounded_and_counts_are_not(shadows: ShadowStore) -> None:
    for start in range(0, 3 * MOST_EXAMPLES, 50):
        await shadows.add(
            7, 6, ShadowTally(50, 0, tuple(firing(Side.SHADOW, f"M{start + place}") for place in range(50)))
        )
    told = await shadows.report(7)
    assert len(told.examples) == MOST_EXAMPLES
    assert told.examples[0].member_id == f"M{3 * MOST_EXAMPLES - 1}"
    assert told.by_rule["TRIAL_ONE"].only_shadow == 3 * MOST_EXAMPLES
