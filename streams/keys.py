"""The names of everything in the store that belongs to the stream: one place, so that docs and doctor can read it.

Keys of a member carry the hash tag of the member's shard, `{p}`, so that one commit touches one slot. The embedded
transport and the ledger of events (`rp:`) live on one server and are written by scripts that end in one fsync.
"""

from datetime import date

from alerts import valkey_layout as layout
from domain.ids import EventId, MemberId, shard_of

EVENTS = "rp:events"
REOPENED = "rp:reopened"
IN_FLIGHT = "rp:inflight"
LEDGER = "rp:ledger"
EVENT_ROW = "rp:e:"
PARTS = "rp:parts:"
LINK = "rp:link:"
PARKED = "rp:parked:"
REVIEWS = "rp:reviews"
REVIEW = "rp:review:"
REVIEW_CASE = "rp:case:"
REVIEWS_CLOSED = "rp:reviews:closed"
DECIDED_THROUGH = "rp:through:"
REVIEWS_STEPS = "rp:reviews:steps"
REVIEWS_REVISION = "rp:reviews:revision"
SAID = "rp:said:"
AUDIT = "rp:audit"
QUARANTINE = "rp:quarantine"
QUARANTINE_ITEM = "rp:q:"
FAULTS = "rp:faults"
"""What made whole events fail by a fault of ours: cause -> when last."""
WORKER = "rp:worker"
LEADER = "rp:leader"
FOLLOWED = "rp:followed"
LOOKED_BACK = "rp:lookedback:w1"
LOOK_BACK_BEGUN = "rp:lookback-begun"
PLANNING = "rp:planning"
SNOOZE = "rp:snooze:"
SNOOZES = "rp:snoozes"
SNOOZES_REVISION = "rp:snoozes:rev"
SNOOZES_UNTOLD = "rp:snoozes:untold"
OUTCOMES_PLACE = "rp:outcomes:place"
RULES_SINCE = "rp:rules:since"
RULES_ALARMS = "rp:rules:alarms"
BREAKERS_CLOSED = "rp:breakers:closed"
BREAKERS_RUNG = "rp:breakers:rung"
RECOGNISE_GROUP = "recognise"
DECIDE_GROUP = "decide"


def matched_stream(shard: int) -> str:
    """The matched events of one shard's members."""
    return f"{{{shard}}}:matched"


def person(member: MemberId) -> str:
    """A member's state: hash with v (version) and b (bytes)."""
    return f"{{{shard_of(member)}}}:person:{member}"


def due(shard: int) -> str:
    """When the next wait of each of a shard's people ends: scored by milliseconds, rounded up; the members are ids."""
    return f"{{{shard}}}:due"


def part(member: MemberId, event: EventId, name: str) -> str:
    """How one part of an event ended, for a decision that is delivered again."""
    return f"{{{shard_of(member)}}}:part:{event}|{name}"


def held(shard: int) -> str:
    """Index of the shard's held intelligence, scored by when it was held."""
    return f"{{{shard}}}:held"


def held_item(shard: int, held_id: str) -> str:
    """One held item."""
    return f"{{{shard}}}:held:{held_id}"


def archive(shard: int) -> str:
    """What was committed in a shard and waits to be written to the archive's files."""
    return layout.archive_key(shard)


def held_back(member: MemberId) -> str:
    """What fired for a person and was told to nobody: firing id -> record."""
    return f"{{{shard_of(member)}}}:heldback:{member}"


def held_back_index(shard: int) -> str:
    """The shard's such records by when they were made."""
    return f"{{{shard}}}:heldback"


def sent(shard: int) -> str:
    """The shard's rounds of messages by when they were decided."""
    return f"{{{shard}}}:sent"


def unjudged(shard: int) -> str:
    """The rules that could not be judged for somebody of the shard, by when last."""
    return f"{{{shard}}}:unjudged"


def firings(shard: int, day: date) -> str:
    """How often each rule fired in each hour of a UTC day."""
    return f"{{{shard}}}:firings:{day.isoformat()}"


def outcomes(shard: int) -> str:
    """How far each alert's time line was told to its person's history."""
    return f"{{{shard}}}:outcomes"
