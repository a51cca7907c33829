"""How alerts and messages lie in Valkey: keys, commands, guards and the one script that commits them.

Pure: it makes commands and sends none, so that the step can put an alert, its messages, the history and the ledger
into one commit. Every key of a person carries the hash tag of their shard, so a commit touches one slot.

    {p}:alert:<alert id>                hash   v version, b body (JSON)
    {p}:alerts:changed                  zset   milliseconds of updated_at -> alert id
    {p}:alerts:counts                   hash   "state|priority|area" -> how many
    {p}:alerts:rev                      number of changes
    {p}:member-alerts:<member id>       set    alert ids
    {p}:refs                            hash   reference -> alert id
    {p}:outbox:<channel>                zset   milliseconds when due or the lease ends -> delivery id
    {p}:outbox:<channel>:urgent         zset   the same, of rows about a P1
    {p}:delivery:<delivery id>          hash   v version, b body, f fence, a attempts, s status, r repeats
    {p}:alert-deliveries:<alert id>     set    delivery ids
    {p}:alerts:told                     stream changes that wait to be published (c); only where somebody publishes them
    {p}:archive                         stream what waits to be archived: alerts here (a), decisions from streams/ (m)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from alerts.model import WAITING_STATUSES, Alert, Channel, Delivery, DeliveryStatus
from alerts.ports import milliseconds
from alerts.publication import encode_change, published_change
from domain.ids import AlertId, DeliveryId, MemberId

Op = tuple[str | bytes | int, ...]
"""A plain command; its key is the second item."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What must still hold for a commit to happen: the field of the hash has this value; "0" also means absent."""

    key: str
    field: str
    expected: str


CHECKED_COMMIT = """
local n = tonumber(ARGV[1])
local at = 2
for _ = 1, n do
  local found = redis.call('HGET', ARGV[at], ARGV[at + 1]) or '0'
  if found ~= ARGV[at + 2] then return {0, ARGV[at]} end
  at = at + 3
end
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + count))
  at = at + count + 1
end
return {1}
"""
"""KEYS: every key touched. ARGV: how many guards; key, field, expected of each; then each command as its length and its
words. Answers {1}, or {0, key} of the first guard that failed, having written nothing."""

CLAIM = """
local claimed = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  local key = ARGV[4] .. id
  local status = redis.call('HGET', key, 's')
  if not status then
    redis.call('ZREM', KEYS[1], id)
  else
    if status == 'handed' then redis.call('HINCRBY', key, 'r', 1) end
    redis.call('HINCRBY', key, 'a', 1)
    redis.call('HINCRBY', key, 'f', 1)
    redis.call('HINCRBY', key, 'v', 1)
    redis.call('HSET', key, 's', 'handed')
    redis.call('ZADD', KEYS[1], ARGV[3], id)
    claimed[#claimed + 1] = redis.call('HMGET', key, 'b', 'v', 'f', 'a', 's', 'r')
  end
end
return claimed
"""
"""KEYS: an outbox. ARGV: now in ms, how many, end of the lease in ms, prefix of delivery keys of the shard."""

RELEASE = """
local released = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if redis.call('HGET', ARGV[2] .. id, 's') == 'handed' then
    redis.call('ZADD', KEYS[1], 'LT', ARGV[1], id)
    released = released + 1
  end
end
return released
"""
"""KEYS: an outbox. ARGV: now in ms, prefix of delivery keys of the shard. Ends the leases of claimed rows."""

DELIVERY_FIELDS = ("b", "v", "f", "a", "s", "r")


def alert_key(shard: int, alert_id: AlertId) -> str:
    """The hash of an alert."""
    return f"{{{shard}}}:alert:{alert_id}"


def changed_key(shard: int) -> str:
    """The index by change."""
    return f"{{{shard}}}:alerts:changed"


def counts_key(shard: int) -> str:
    """The counts of a shard."""
    return f"{{{shard}}}:alerts:counts"


def revision_key(shard: int) -> str:
    """The number of changes in a shard."""
    return f"{{{shard}}}:alerts:rev"


def member_key(shard: int, member: MemberId) -> str:
    """The alerts of a person."""
    return f"{{{shard}}}:member-alerts:{member}"


def references_key(shard: int) -> str:
    """The references of a shard."""
    return f"{{{shard}}}:refs"


def outbox_key(shard: int, channel: Channel, urgent: bool = False) -> str:
    """The rows that wait, one queue per channel, so that a channel that rests delays no other; urgent ones apart."""
    return f"{{{shard}}}:outbox:{channel.value}{':urgent' if urgent else ''}"


def delivery_key(shard: int, delivery_id: DeliveryId | str) -> str:
    """The hash of a delivery; of '' the prefix of all."""
    return f"{{{shard}}}:delivery:{delivery_id}"


def alert_deliveries_key(shard: int, alert_id: AlertId) -> str:
    """The messages about an alert."""
    return f"{{{shard}}}:alert-deliveries:{alert_id}"


def archive_key(shard: int) -> str:
    """What waits to be archived."""
    return f"{{{shard}}}:archive"


def told_key(shard: int) -> str:
    """What waits to be published. It is written to only where it is there: whoever publishes makes it."""
    return f"{{{shard}}}:alerts:told"


def encode_alert(alert: Alert) -> bytes:
    """The body of an alert."""
    return msgspec.json.encode(alert)


def decode_alert(body: bytes) -> Alert:
    """The alert of a body."""
    return msgspec.json.decode(body, type=Alert)


def decode_delivery(fields: Sequence[bytes]) -> Delivery:
    """The delivery of its fields in the order of DELIVERY_FIELDS: what a claim changes stands beside the body."""
    body, version, fence, attempts, status, repeats = fields
    return replace(
        msgspec.json.decode(body, type=Delivery),
        version=int(version),
        fence=int(fence),
        attempts=int(attempts),
        status=DeliveryStatus(status.decode()),
        repeats=int(repeats),
    )


def count_field(alert: Alert) -> str:
    """What an alert is counted under."""
    return f"{alert.state.value}|{alert.priority.value}|{alert.area}"


def alert_guard(shard: int, alert_id: AlertId, expected_version: int) -> Guard:
    """The alert is still at that version; 0: it does not exist."""
    return Guard(alert_key(shard, alert_id), "v", str(expected_version))


def delivery_guard(shard: int, delivery_id: DeliveryId, expected_version: int) -> Guard:
    """The delivery is still at that version, so nobody has claimed it since; 0: it does not exist."""
    return Guard(delivery_key(shard, delivery_id), "v", str(expected_version))


def fence_guard(shard: int, delivery_id: DeliveryId, fence: int) -> Guard:
    """Nobody has claimed the delivery since this fence was given out."""
    return Guard(delivery_key(shard, delivery_id), "f", str(fence))


def alert_ops(shard: int, alert: Alert, previous: Alert | None) -> list[Op]:
    """The commands that store a change of an alert, with its indexes; the version becomes the previous one plus 1.

    Only right behind `alert_guard(shard, alert_id, previous.version or 0)`. `shard` is that of the member.
    """
    saved = replace(alert, version=(previous.version if previous else 0) + 1)
    body = encode_alert(saved)
    ops: list[Op] = [
        ("HSET", alert_key(shard, saved.alert_id), "v", saved.version, "b", body),
        ("ZADD", changed_key(shard), milliseconds(saved.updated_at), saved.alert_id),
        ("INCR", revision_key(shard)),
    ]
    if previous is None or previous.state is not saved.state:
        ops.append(("XADD", archive_key(shard), "*", "a", body))
    if (change := published_change(saved, previous)) is not None:
        ops.append(("XADD", told_key(shard), "NOMKSTREAM", "*", "c", encode_change(change)))
    if previous is None:
        ops.append(("SADD", member_key(shard, saved.member_id), saved.alert_id))
        ops.append(("HSET", references_key(shard), saved.reference, saved.alert_id))
        ops.append(("HINCRBY", counts_key(shard), count_field(saved), 1))
    elif count_field(previous) != count_field(saved):
        ops.append(("HINCRBY", counts_key(shard), count_field(previous), -1))
        ops.append(("HINCRBY", counts_key(shard), count_field(saved), 1))
    return ops


def delivery_ops(shard: int, delivery: Delivery, previous: Delivery | None) -> list[Op]:
    """The commands that store a delivery and put it into its outbox, or take it out; the version grows by 1.

    Only right behind a `delivery_guard` or, for whoever claimed it, a `fence_guard`.
    """
    version = (previous.version if previous else 0) + 1
    saved = replace(delivery, version=version)
    outbox, identity = outbox_key(shard, saved.channel, saved.urgent), saved.delivery_id
    words: Mapping[str, str | bytes | int] = {
        "b": msgspec.json.encode(saved),
        "v": version,
        "f": saved.fence,
        "a": saved.attempts,
        "s": saved.status.value,
        "r": saved.repeats,
    }
    ops: list[Op] = [("HSET", delivery_key(shard, identity), *(part for pair in words.items() for part in pair))]
    if saved.status in WAITING_STATUSES:
        ops.append(("ZADD", outbox, milliseconds(saved.due_at), identity))
    else:
        ops.append(("ZREM", outbox, identity))
    if previous is None and saved.alert_id:
        ops.append(("SADD", alert_deliveries_key(shard, saved.alert_id), identity))
    return ops


def pack_commit(guards: Iterable[Guard], ops: Iterable[Op]) -> tuple[list[str], list[str | bytes | int]]:
    """KEYS and ARGV of CHECKED_COMMIT."""
    checks, commands = list(guards), list(ops)
    keys = dict.fromkeys([guard.key for guard in checks] + [str(command[1]) for command in commands])
    words: list[str | bytes | int] = [len(checks)]
    for guard in checks:
        words += [guard.key, guard.field, guard.expected]
    for command in commands:
        words += [len(command), *command]
    return list(keys), words
