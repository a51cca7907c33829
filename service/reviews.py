"""The bell for doubtful matches: somebody is told that one waits, once in half an hour, with nothing about anybody.

Detection fails open (design.md section 2): a match in doubt alerts nobody by itself, so a person must hear that it
is there. Rung from the queue itself, after the review is durable; the same half hour makes the same message, so a
restart neither forgets nor repeats it.
"""

from datetime import UTC, datetime, timedelta

from alerts.model import Purpose
from alerts.planning import Row
from alerts.routing import on_duty
from service.bells import bell_rows
from streams.decide import World
from streams.messages import ReviewItem

RING_EVERY = timedelta(minutes=30)
FORGET_AFTER = timedelta(hours=24)
"""A review that is older was rung for long ago, or is for the board and not for the bell."""


RUNG_FOR = 20
"""So many of the latest items are looked at: one that somebody was unsure of stands behind newer ones."""


def bell(newest: ReviewItem | None, world: World, now: datetime) -> tuple[Row, ...]:
    """The messages that the newest waiting review calls for; empty if none waits, or nobody can be told."""
    if newest is None or now - newest.created_at > FORGET_AFTER:
        return ()
    spell = int(newest.created_at.timestamp() // RING_EVERY.total_seconds())
    about = f"reviews|{datetime.fromtimestamp(spell * RING_EVERY.total_seconds(), UTC).isoformat()}"
    return bell_rows(on_duty(world.directory, world.policy.routing), Purpose.REVIEW, about, world, now)
