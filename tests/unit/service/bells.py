"""Who may hear a bell of the service: a world of some people, at noon, in which the shipped rules are live."""

from datetime import UTC, datetime

from alerts.routing import Directory
from domain.ids import NavigatorId
from domain.people import Navigator
from streams.decide import DecidePolicy, World
from triggers.loading import shipped_rules

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHIEF = Navigator(NavigatorId("S1"), email="s1@example.com", supervisor=True)
CHIEFS = (CHIEF, Navigator(NavigatorId("S2"), phone="+447700900222", supervisor=True))


def world(*people: Navigator) -> World:
    """The world in which these are all who can be told."""
    return World(
        rules=shipped_rules(),
        directory=Directory({each.navigator_id: each for each in people}),
        policy=DecidePolicy(secret=b"0123456789abcdef"),
    )
