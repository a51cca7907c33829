"""A corpus that two engines are given in the same order: the life lines of many groups of four linked people.

Corrections, cancellations, merges, mistaken names and late events are in the lives (tests/unit/streams/lives.py);
events that come twice, and other content under a key that was used, are added here. In one wave there is at most one
event of each group: between shards nothing tells which of two is decided first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from domain.events import Event
from domain.ids import EventId, HouseholdId, MemberId
from domain.kinds import Feed
from domain.people import CohortMember
from tests.unit.streams.lives import STORIES
from tests.unit.streams.play import hours, member, minutes

_LATE = (0, 0, 0, 5 / 60, 2, 20, 40, 60)  # hours between happening and arriving; the last is beyond the tolerance
_A_GROUP = 20  # events of a group, about


@dataclass(frozen=True, slots=True)
class Given:
    """An event and the group whom it is about."""

    event: Event
    group: int


def people(group: int) -> tuple[CohortMember, ...]:
    """Four linked people: two of one home, a friend of each; the second friend keeps intelligence out."""
    one, two, three, four = (f"G{group}M{number}" for number in (1, 2, 3, 4))
    home = HouseholdId(f"G{group}H1")
    return (
        member(one, household_id=home),
        member(two, household_id=home),
        member(three, associates=(MemberId(one),), born=2000),
        member(four, associates=(MemberId(two),), allowed_feeds=(Feed.ED, Feed.POLICE, Feed.PROGRAMME)),
    )


def corpus(count: int, seed: int) -> list[Given]:
    """About `count` events in order of arrival, one in fifty of them sent again, one in two hundred with other words."""
    rng, found = Random(seed), []
    for group in range(max(1, count // _A_GROUP)):
        known: dict[EventId, Given] = {}
        while len(known) < _A_GROUP:
            for each in _story(group, len(known), rng):
                known.setdefault(each.event_id, Given(each, group))
        found += known.values()
    found.sort(key=lambda given: (given.event.received_at, given.event.event_id))
    for place in range(0, len(found), 50):
        again = found[place]
        found.insert(min(len(found), place + rng.choice((1, 5, 300))), again)
    for place in range(100, len(found), 200):
        other = replace(found[place].event, occurred_at=found[place].event.occurred_at - minutes(7))
        found.insert(min(len(found), place + 400), Given(other, found[place].group))
    return found


def _story(group: int, number: int, rng: Random) -> Iterator[Event]:
    who, other = (f"G{group}M{rng.randrange(1, 5)}" for _ in range(2))
    start = minutes(30 * rng.randrange(40)) + minutes(number)
    for each in STORIES[rng.choice(tuple(STORIES))](f"G{group}C{number}", who, other, start, rng):
        said = each.attributes
        if getattr(said, "household_key", None):
            said = replace(said, household_key=f"G{group}H1")  # type: ignore[call-arg]
        yield replace(each, attributes=said, received_at=each.occurred_at + hours(rng.choice(_LATE)))


def waves(given: Sequence[Given], most: int) -> Iterator[list[Event]]:
    """The corpus in parts that are under way together: at most one event of a group in each, in order."""
    left = list(given)
    while left:
        wave: list[Event] = []
        later: list[Given] = []
        taken: set[int] = set()
        for each in left:
            if each.group in taken or len(wave) == most:
                later.append(each)
            else:
                wave.append(each.event)
            taken.add(each.group)
        yield wave
        left = later


A_WHILE = timedelta(days=4)
"""After the last event: what people still wait for has come about by then."""
