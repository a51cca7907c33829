"""The rule book in Valkey or Redis, under the tag `{rules}`: `head`, hashes `standings` and `versions` by number.

A change is one script: it looks whether the head is still the one that the change was worked out from, writes all of it
and tells the audit log, with one fsync. Texts are kept compressed: a year of versions is a few megabytes.
"""

import zlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from domain.errors import StoreError, StoreUnavailable
from triggers.lifecycle_values import Book, BookEntry, Change, Head, RuleVersion, Standing
from triggers.shadowing import MOST_EXAMPLES, ShadowFiring, ShadowReport, ShadowTally, Side, by_rule_and_side, counted

if TYPE_CHECKING:
    from redis.asyncio import Redis

HEAD = "{rules}:head"
STANDINGS = "{rules}:standings"
VERSIONS = "{rules}:versions"
SHADOW = "{rules}:shadow:"

_WRITE = """
local told = redis.call('HGET', KEYS[1], 'r')
if (told or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'r', ARGV[2], 'b', ARGV[3])
if ARGV[4] ~= '' then redis.call('HSETNX', KEYS[3], ARGV[4], ARGV[5]) end
local at = 7
for _ = 1, tonumber(ARGV[6]) do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
  at = at + 2
end
for place = at, #ARGV do redis.call('XADD', KEYS[4], '*', 'b', ARGV[place]) end
return 1
"""

_Answer = TypeVar("_Answer")
_encode = msgspec.json.Encoder().encode
_head = msgspec.json.Decoder(Head)
_standing = msgspec.json.Decoder(Standing)
_version = msgspec.json.Decoder(RuleVersion)
_firing = msgspec.json.Decoder(ShadowFiring)


class ValkeyRuleBook:
    """RuleBookStore on one Valkey. `audit_key` is the stream of the audit log, `as_entry` writes its entries."""

    def __init__(self, client: "Redis", *, audit_key: str, as_entry: Callable[[BookEntry], bytes]) -> None:
        self._client = client
        self._audit_key = audit_key
        self._as_entry = as_entry
        self._script = client.register_script(_WRITE)

    async def head(self) -> Head:
        """See RuleBookStore."""
        found: Any = await _told(self._client.hget(HEAD, "b"))
        return _read(_head, found) if found else Head()

    async def book(self) -> Book:
        """See RuleBookStore."""
        pipe = self._client.pipeline(transaction=True)
        pipe.hget(HEAD, "b")
        pipe.hgetall(STANDINGS)
        head, standings = await _told(pipe.execute())
        found = {int(number): _read(_standing, body) for number, body in standings.items()}
        return Book(_read(_head, head) if head else Head(), dict(sorted(found.items())))

    async def version(self, number: int) -> RuleVersion | None:
        """See RuleBookStore."""
        found: Any = await _told(self._client.hget(VERSIONS, str(number)))
        if found is None:
            return None
        try:
            return _read(_version, zlib.decompress(found))
        except zlib.error:
            raise StoreError("The rule book holds a version that cannot be read") from None

    async def write(self, change: Change) -> bool:
        """See RuleBookStore."""
        version = change.version
        words: list[Any] = [
            str(change.before),
            str(change.head.revision),
            _encode(change.head),
            str(version.number) if version else "",
            zlib.compress(_encode(version)) if version else b"",
            len(change.standings),
        ]
        for standing in change.standings:
            words += [str(standing.number), _encode(standing)]
        words += [self._as_entry(each) for each in change.audit]
        done: Any = await _told(self._script(keys=[HEAD, STANDINGS, VERSIONS, self._audit_key], args=words))
        return bool(done)


class ValkeyShadows:
    """ShadowStore on one Valkey: `{rules}:shadow:<number>` counts, beside it one bounded list for each side."""

    def __init__(self, client: "Redis") -> None:
        self._client = client

    async def add(self, number: int, beside: int, seen: ShadowTally) -> None:
        """See ShadowStore."""
        name = f"{SHADOW}{number}"
        pipe = self._client.pipeline(transaction=True)
        pipe.hincrby(name, "events", seen.events)
        pipe.hincrby(name, "missed", seen.missed)
        pipe.hset(name, f"beside:{beside}", 1)
        for each, count in by_rule_and_side(seen.firings).items():
            pipe.hincrby(name, f"rule:{each}", count)
        for firing in seen.firings:
            pipe.lpush(f"{name}:{firing.side.value}", _encode(firing))
        for side in {firing.side for firing in seen.firings}:
            pipe.ltrim(f"{name}:{side.value}", 0, MOST_EXAMPLES - 1)
        await _told(pipe.execute())

    async def report(self, number: int) -> ShadowReport:
        """See ShadowStore."""
        name = f"{SHADOW}{number}"
        pipe = self._client.pipeline(transaction=True)
        pipe.hgetall(name)
        for side in Side:
            pipe.lrange(f"{name}:{side.value}", 0, -1)
        totals, *lists = await _told(pipe.execute())
        told = {key.decode(): int(value) for key, value in totals.items()}
        return ShadowReport(
            number=number,
            events=told.get("events", 0),
            missed=told.get("missed", 0),
            beside=tuple(sorted(int(key.removeprefix("beside:")) for key in told if key.startswith("beside:"))),
            by_rule=counted({key.removeprefix("rule:"): n for key, n in told.items() if key.startswith("rule:")}),
            examples=tuple(_read(_firing, body) for bodies in lists for body in bodies),
        )

    async def forget(self, number: int) -> None:
        """See ShadowStore."""
        name = f"{SHADOW}{number}"
        await _told(self._client.delete(name, *(f"{name}:{side.value}" for side in Side)))


async def _told(answer: Awaitable[_Answer]) -> _Answer:
    """The answer, with the client's errors in the product's words. They may quote commands, so none is passed on."""
    try:
        return await answer
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        raise StoreUnavailable("The rule book cannot be reached") from error
    except RedisError:
        raise StoreError("The rule book's store refused") from None


def _read(decoder: "msgspec.json.Decoder[_Answer]", body: bytes) -> _Answer:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError):
        raise StoreError("The rule book holds something that cannot be read") from None
