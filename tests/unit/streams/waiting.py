"""Set-up of the timer tests: a house in which time is kept, what begins a wait and what ends it."""

from datetime import timedelta
from typing import Any

from domain.events import Event
from domain.kinds import Kind
from domain.people import CohortMember, MemberStatus
from streams.timers import TimerPolicy, Timers
from tests.unit.streams.play import START, Play, event, member
from triggers.loading import shipped_rules
from triggers.rules import combined

EVERYTHING = combined([shipped_rules("tipt"), shipped_rules("programme")])
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


def referral(at: timedelta = timedelta(0), who: str = "M1", **fields: Any) -> Event:
    return event(Kind.REFERRAL_RECEIVED, who, at=at, **fields)


def visited(at: timedelta, who: str = "M1", **fields: Any) -> Event:
    return event(Kind.VISIT_MADE, who, at=at, **fields)


async def house(*people: CohortMember, **play: Any) -> Play:
    """A house in which time is kept from the start."""
    made = Play(people or (member("M1", status=MemberStatus.REFERRED),), rules=EVERYTHING, **play)
    await made.keep_time()
    return made


async def fired(play: Play, *people: str) -> list[tuple[str, str, timedelta]]:
    """(rule, step, after how long) of what stands, in order of time."""
    found = [(one.fired_at, one.rule_id, one.step) for one in await play.standing(*people)]
    return [(rule, step, at - START) for at, rule, step in sorted(found)]


def fresh(play: Play, grace: timedelta = timedelta(0)) -> Timers:
    """Timers of another worker, or of one that has just started."""
    policy = TimerPolicy(grace=grace)
    return Timers(play.twin.timers, lambda: play.index, play.current_world, play.clock, policy=policy)


class Poison(Exception):
    """A fault of ours with one person."""
