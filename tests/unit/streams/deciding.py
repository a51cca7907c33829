"""Set-up of the stories through both hops: a house with people in it, and a visit that alerts."""

from datetime import date

from domain.people import CohortMember, WatchAuthority
from tests.unit.streams.play import START, Play, member

DAY = START.date()

STABBED = {"intent": "assault", "mechanism": "sharp"}


def watched(name: str = "M1", **authority: date) -> CohortMember:
    """A member with these dates of authority."""
    return member(name, watch=WatchAuthority(**authority))


async def played(*members: CohortMember, **fields: object) -> Play:
    """A house of these people, M1 if nobody is named, that has begun its work."""
    return await Play(members or (member("M1"),), **fields).prepare()  # type: ignore[arg-type]
