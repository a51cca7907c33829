"""THE map: what happens to an event, from a feed's bytes to the messages, on either engine.

    bytes --streams.feeds.*--> Event ------------- intake (group commit) -----> events          durable, answered
                         \\--> Rejected ----------------------------------> quarantine       answered with the reason
    events  --recognise--> Match x 0..n, reviews, links ----------------------> matched{shard}  or an ending
    matched --decide-----> history + alerts + messages + part of the ledger --> ONE commit      in the listener's slot
    commit  --settle-----> the event's disposition, once all its parts are in -> ledger
    events kept --look-back--> the same, late, for who joins or changes later -> matched{shard}  between live batches
    links learnt --look-back--> what had happened to each, for the other ------> matched{shard}  from their histories
    clock   --ring-------> what falls due: alerts + messages, no part in the ledger --> ONE commit, between live batches
    rules or people changed --plan--> everybody's next due time, worked out anew   --> beside their state
    outbox  --dispatch---> SMS and e-mail (alerts.dispatch), handed over, repeated until they are taken

Two hops. `recognise` is stateless: any worker may do it. `decide` is keyed by the watched person: one worker owns a
person at a time, and a commit that finds the person changed is decided again. Engines carry; the functions decide.
Timers ring in the second hop, for the same reason: a person's next due time is part of what a commit writes.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop: what it reads, what it writes, how much at once and how long it waits when there is nothing."""

    name: str
    reads: str
    writes: str
    batch: int
    wait: timedelta


RECOGNISE = Hop(name="recognise", reads="events", writes="matched", batch=256, wait=timedelta(milliseconds=500))
DECIDE = Hop(name="decide", reads="matched", writes="commit", batch=64, wait=timedelta(milliseconds=500))

STUCK_AFTER = timedelta(seconds=60)
"""An accepted event without a disposition after this long raises an operator's alarm (promises.md 1.3)."""
