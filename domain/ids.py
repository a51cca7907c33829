"""Identifiers: what they are called and how the deterministic ones are made.

The same input always gives the same id, so a repeated message makes the same event, the same firing and the same alert.
"""

import hashlib
from typing import NewType

EventId = NewType("EventId", str)
MemberId = NewType("MemberId", str)
NavigatorId = NewType("NavigatorId", str)
HouseholdId = NewType("HouseholdId", str)
RuleId = NewType("RuleId", str)
FiringId = NewType("FiringId", str)
AlertId = NewType("AlertId", str)
DeliveryId = NewType("DeliveryId", str)
OccurrenceKey = NewType("OccurrenceKey", str)

SHARDS = 16
"""How many shards the state has. A member's shard is a hash tag in each key of theirs; fixed for a store's life."""


def digest(*parts: str) -> str:
    """32 hex digits (128 bits of SHA-256) over the parts, each length-prefixed so that no two lists collide."""
    hasher = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        hasher.update(len(raw).to_bytes(4, "big"))
        hasher.update(raw)
    return hasher.hexdigest()[:32]


def event_id(*, feed: str, source_system: str, source_key: str, kind: str, version: str) -> EventId:
    """The identity of an event: the same thing said again by the same system has the same id (design.md section 6)."""
    return EventId(digest("event", feed, source_system, source_key, kind, version))


def firing_id(*, rule: RuleId, member: MemberId, anchor: EventId, ground: str) -> FiringId:
    """The identity of a firing: rule, person, the event that completed the pattern, and its ground (cooling key)."""
    return FiringId(digest("firing", rule, member, anchor, ground))


def alert_id(first: FiringId) -> AlertId:
    """The identity of an alert: made from the firing that raised it."""
    return AlertId(digest("alert", first))


def shard_of(key: str, shards: int = SHARDS) -> int:
    """The shard in 0..shards-1 that owns `key` (a member id, or an event id for the ledger)."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest(), "big") % shards
