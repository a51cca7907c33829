"""The messages of a bell: somebody hears that something waits behind the login, with nothing about anybody.

What each bell is for, and how often it rings, its own module says; here is only what its messages are made of.
"""

from collections.abc import Iterable
from datetime import datetime

from alerts.model import Purpose
from alerts.planning import Row, notices
from alerts.reference import reference_of
from alerts.routing import Recipient, on_duty, supervisors
from domain.ids import shard_of
from streams.decide import World


def those_in_charge(world: World) -> tuple[Recipient, ...]:
    """All supervisors, or where none can be reached whoever is on duty."""
    return supervisors(world.directory, world.policy.routing) or on_duty(world.directory, world.policy.routing)


def bell_rows(
    recipients: Iterable[Recipient], purpose: Purpose, about: str, world: World, now: datetime, *, urgent: bool = False
) -> tuple[Row, ...]:
    """The messages to these people, due at once. `about` names what is told of: the same one makes the same messages,
    so that neither a second worker nor a restart rings twice."""
    return notices(
        recipients,
        purpose=purpose,
        reference=reference_of(about, world.policy.secret),
        shard=shard_of(about),
        about=about,
        due=now,
        now=now,
        urgent=urgent,
    )
